//! What is planted in the log: who the users are, what they do and what the service does to them, as numbers.
//! `README.md` says what of it the log shows.

// Times are milliseconds since the log's first midnight (UTC), days are counted from it.
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

// Who joins, stays and leaves. Launch weeks are weeks of a log of CALENDAR_WEEKS; other lengths stretch them.
pub const CALENDAR_WEEKS: u32 = 26;
pub const GROWTH: f64 = 1.05;
pub const WEEKDAY_SIGNUPS: [u32; 7] = [18, 18, 17, 16, 14, 8, 9];
/// Share of users who sign up a day or more (3 on average) before their first request.
pub const SIGNUP_EARLY: f64 = 0.3;
/// Share of the present users who leave in week 1, 2, … since their first day; later weeks take the last.
pub const CHURN: [f64; 8] = [0.42, 0.22, 0.15, 0.11, 0.085, 0.065, 0.05, 0.035];
/// Share of those who left who come back in a week.
pub const RESURRECTION: f64 = 0.006;
/// Factors on `CHURN` for a whole life, earned in days 0 to 6: `code` tried, a server error or a timeout met.
pub const CODE_CHURN: f64 = 0.5;
pub const ERROR_CHURN: f64 = 1.6;
/// Free users who become pro in a week they are active, after a week without and with a refused request.
pub const UPGRADE: [f64; 2] = [0.01, 0.06];

// The experiment: what the treatment multiplies is the weekly probability to leave and that of a poor answer.
pub const EXPERIMENT: &str = "new_chat_ui";
pub const VARIANTS: [&str; 2] = ["control", "treatment"];
pub const EXPERIMENT_WEEK: u32 = 14;
pub const TREATMENT_CHURN: f64 = 0.65;
pub const TREATMENT_POOR: f64 = 0.6;
/// Share of users who see now one variant, now the other.
pub const MIXED_EXPOSURE: f64 = 0.004;

// What users do. Means are of geometric distributions, times are medians of lognormal ones.
pub const INTENSITY_SIGMA: f64 = 0.7;
pub const MORE_SESSIONS: f64 = 0.5;
pub const SESSION_BREAK: i64 = 40 * MINUTE;
pub const NEXT_SESSION: f64 = 2.5 * HOUR as f64;
/// Share of sessions that go on with the conversation of the session before.
pub const RESUMED: f64 = 0.04;
/// Further questions in a session, before the factors of scale, user and feature.
pub const QUESTIONS: f64 = 3.0;
/// Keeps a hopeless calibration finite; the daily limits end such sessions long before.
pub const MOST_QUESTIONS: f64 = 1_000.0;
pub const MOST_ATTEMPTS: u32 = 4;
pub const THINKING: f64 = 45.0 * SECOND as f64;
pub const LONGEST_THINK: f64 = 20.0 * MINUTE as f64;
pub const REASKING: f64 = 20.0 * SECOND as f64;
/// Share of sessions with a feature new to the user, which is then kept: after a good session, after a bad one.
pub const EXPLORES: f64 = 0.12;
pub const KEPT: [f64; 2] = [0.65, 0.25];
/// How much likelier users in software are to choose `code`.
pub const SOFTWARE_CODES: u32 = 4;
/// Share of requests sent to the user's own model; share of users who change to the newest in an active week.
pub const LOYALTY: f64 = 0.75;
pub const SWITCH_TO_NEWEST: f64 = 0.12;

// What the service does.
pub const LONGEST_WAIT: u32 = 30_000;
pub const FILTERED: f64 = 0.003;
/// Hours of the outage in its week, and the share of the provider's requests that fail in them.
pub const OUTAGE_WEEK: u32 = 20;
pub const OUTAGE: std::ops::Range<i64> = 2 * DAY + 7 * HOUR..2 * DAY + 19 * HOUR;
pub const OUTAGE_PROVIDER: &str = "anthropic";
pub const OUTAGE_FAILS: f64 = 0.6;
/// Of good and of poor answers: the share rated, and of these the share with a thumb up.
pub const RATED_GOOD: [f64; 2] = [0.03, 0.95];
pub const RATED_POOR: [f64; 2] = [0.12, 0.15];

// The dirt: requests whose user id was lost, requests posted twice within 40 ms.
pub const NULL: &str = "\\N";
pub const BLANKED: f64 = 0.001;
pub const BLANKS: [&str; 3] = [NULL, "", "anonymous"];
pub const DOUBLE_POST: f64 = 0.0005;

pub const USER_SALT: u32 = 0x5eed_0001;
pub const SESSION_SALT: u32 = 0x5eed_8000;

pub struct Tier {
    pub name: &'static str,
    pub share: u32,
    /// Requests of a user's local day beyond which the service answers 429.
    pub daily_limit: u32,
    /// Factor on `CHURN`.
    pub churn: f64,
    /// Share of those who have not left who are active in a week.
    pub returns: f64,
    /// Probability of a weekday to be used in an active week, and the factor for weekends.
    pub day: f64,
    pub weekend: f64,
    /// Shares of `TYPES`.
    pub types: [u32; 3],
}

pub struct Feature {
    pub name: &'static str,
    pub launch: u32,
    pub popularity: u32,
    /// Factor on `QUESTIONS`.
    pub questions: f64,
    /// Median prompt and completion tokens.
    pub tokens: [f64; 2],
    /// Probabilities of a poor answer (times the model's factor) and of a timeout.
    pub poor: f64,
    pub timeout: f64,
}

pub struct Model {
    pub name: &'static str,
    pub provider: &'static str,
    pub launch: u32,
    /// How often users of each tier choose it.
    pub share: [u32; 3],
    /// Billionths of a dollar for a prompt token and for a completion token.
    pub price: [u64; 2],
    /// Milliseconds to the first token and for each one.
    pub pace: [f64; 2],
    /// Factor on the feature's `poor`.
    pub poor: f64,
    pub error: f64,
}

#[rustfmt::skip]
pub const TIERS: [Tier; 3] = [
    Tier { name: "free",     share: 70, daily_limit: 40,  churn: 1.0, returns: 0.73, day: 0.26, weekend: 0.70, types: [62, 33, 5] },
    Tier { name: "pro",      share: 22, daily_limit: 60,  churn: 0.5, returns: 0.84, day: 0.42, weekend: 0.50, types: [70, 10, 20] },
    Tier { name: "business", share: 8,  daily_limit: 100, churn: 0.3, returns: 0.92, day: 0.55, weekend: 0.12, types: [10, 0, 90] },
];
pub const TYPES: [&str; 3] = ["individual", "student", "team"];
pub const CODE: usize = 3;
#[rustfmt::skip]
pub const FEATURES: [Feature; 6] = [
    Feature { name: "chat",      launch: 0,  popularity: 90, questions: 1.0, tokens: [180.0, 260.0],  poor: 0.08, timeout: 0.004 },
    Feature { name: "summarize", launch: 0,  popularity: 20, questions: 0.5, tokens: [1800.0, 220.0], poor: 0.05, timeout: 0.006 },
    Feature { name: "translate", launch: 3,  popularity: 12, questions: 0.6, tokens: [350.0, 340.0],  poor: 0.03, timeout: 0.003 },
    Feature { name: "code",      launch: 6,  popularity: 14, questions: 1.5, tokens: [900.0, 520.0],  poor: 0.11, timeout: 0.008 },
    Feature { name: "search",    launch: 11, popularity: 22, questions: 0.8, tokens: [1200.0, 300.0], poor: 0.09, timeout: 0.010 },
    Feature { name: "agents",    launch: 17, popularity: 15, questions: 2.5, tokens: [2600.0, 420.0], poor: 0.16, timeout: 0.030 },
];
pub const NEWEST: usize = 5;
#[rustfmt::skip]
pub const MODELS: [Model; 6] = [
    Model { name: "gpt-4o-mini",       provider: "openai",    launch: 0,  share: [45, 12, 5],  price: [150, 600],     pace: [350.0, 6.0],  poor: 1.3, error: 0.006 },
    Model { name: "gpt-4o",            provider: "openai",    launch: 0,  share: [15, 32, 30], price: [2500, 10_000], pace: [500.0, 10.0], poor: 0.9, error: 0.008 },
    Model { name: "claude-sonnet-4-5", provider: "anthropic", launch: 0,  share: [10, 34, 40], price: [3000, 15_000], pace: [700.0, 13.0], poor: 0.8, error: 0.009 },
    Model { name: "gemini-2.5-flash",  provider: "google",    launch: 0,  share: [25, 15, 10], price: [300, 2500],    pace: [300.0, 5.0],  poor: 1.2, error: 0.010 },
    Model { name: "mistral-large",     provider: "mistral",   launch: 0,  share: [5, 7, 15],   price: [2000, 6000],   pace: [450.0, 9.0],  poor: 1.1, error: 0.014 },
    Model { name: "gpt-5",             provider: "openai",    launch: 12, share: [30, 60, 55], price: [1250, 10_000], pace: [900.0, 12.0], poor: 0.6, error: 0.012 },
];
/// Where users live: minutes east of UTC, and share of users.
#[rustfmt::skip]
pub const ZONES: [(&str, i64); 6] = [
    ("America/New_York", -240), ("America/Los_Angeles", -420), ("Europe/Berlin", 120), ("Asia/Kolkata", 330), ("Asia/Tokyo", 540), ("Australia/Sydney", 600),
];
pub const ZONE_SHARES: [u32; 6] = [28, 17, 22, 15, 10, 8];
/// No zone is further east, so nothing of local day d happens before d x 24 h - 10 h.
pub const EASTMOST: i64 = 10 * HOUR;
pub const SOFTWARE: u8 = 0;
pub const INDUSTRIES: [&str; 6] = ["software", "education", "marketing", "finance", "healthcare", "legal"];
pub const INDUSTRY_SHARES: [u32; 6] = [28, 20, 18, 14, 12, 8];
pub const SOURCES: [&str; 4] = ["search", "direct", "referral", "ads"];
pub const SOURCE_SHARES: [u32; 4] = [35, 30, 20, 15];
/// Session starts by local hour, on weekdays and at weekends.
#[rustfmt::skip]
pub const HOURS: [[u32; 24]; 2] = [
    [4, 2, 1, 1, 1, 3, 8, 20, 45, 75, 85, 80, 55, 65, 85, 80, 70, 55, 40, 38, 42, 38, 24, 11],
    [8, 5, 3, 2, 1, 2, 5, 10, 22, 38, 48, 50, 46, 45, 46, 44, 42, 40, 40, 42, 44, 40, 28, 16],
];
#[rustfmt::skip]
pub const TASKS: [[&str; 5]; 6] = [
    ["explain", "brainstorm ideas about", "give me feedback on", "help me plan", "compare two ways to handle"],
    ["summarize", "list the key points of", "write a short abstract of", "extract the action items from", "condense"],
    ["translate into German", "translate into Japanese", "translate into Spanish", "localise for France", "back-translate"],
    ["write a Python script for", "find the bug in the code behind", "refactor the module for", "write unit tests for", "review the SQL behind"],
    ["find recent sources about", "search the web for", "look up prices for", "who has written about", "find statistics on"],
    ["run the research workflow for", "book the follow-ups for", "file tickets for", "draft and send the emails about", "reconcile the data in"],
];
#[rustfmt::skip]
pub const TOPICS: [&str; 16] = [
    "the sales report", "our onboarding", "the refund policy", "a customer call", "the hiring plan", "our pricing", "the incident", "a grant proposal",
    "the roadmap", "the syllabus", "a contract", "the leaflet", "our newsletter", "the release notes", "a thesis chapter", "the budget",
];
#[rustfmt::skip]
pub const DETAILS: [&str; 12] = [
    "in three points", "for a colleague", "with an example", "in plain language", "in 200 words", "for our meeting",
    "step by step", "with pros and cons", "for a busy manager", "as a table", "with open questions", "in a friendly tone",
];
/// How formally a user writes; every user keeps to one.
pub const OPENERS: [&str; 4] = ["", "Please ", "Kindly ", "hey can u "];

#[derive(Clone, Copy, PartialEq)]
pub enum Outcome {
    Good,
    Poor,
    Filtered,
    RateLimited,
    ServerError,
    Unavailable,
    TimedOut,
}

/// Status, error code, and the probabilities that the user asks again and (if not) leaves the session.
#[rustfmt::skip]
pub const OUTCOMES: [(u16, &str, f64, f64); 7] = [
    (200, NULL, 0.0, 0.0), (200, NULL, 0.4, 0.15), (400, "content_filter", 0.15, 0.3), (429, "rate_limit_exceeded", 0.4, 0.6),
    (500, "provider_error", 0.7, 0.35), (503, "provider_unavailable", 0.6, 0.5), (504, "timeout", 0.6, 0.4),
];
