//! Writes the request log of an imaginary LLM product as PostgreSQL COPY text: one row of `request_log`
//! (see `schema.sql`) a line, in time order. Nothing in it is real; what is planted in it is in `README.md`.
//!
//! The model of behaviour, whose parameters are the constants below. Users join at a rate that grows by
//! [`GROWTH`] a week. In each week since their first day they leave with probability [`CHURN`] times the
//! factors of their tier, of what they met in their first week and of the variant they see; those who stay
//! come back that week with their tier's `returns`. In an active week they pick days, on each day sessions,
//! in each session a feature and a number of questions. Every question is answered well, poorly or not at
//! all; then the user asks it again, goes on, or leaves.
//!
//! The same arguments give the same bytes on every machine. PCG64's stream is specified and reproducible
//! (O'Neill 2014); everything is drawn from it here, not by a library whose algorithms may change, and only
//! with integers and the operations IEEE 754 rounds exactly, never with a platform's `exp` or `ln`. Zones are
//! fixed offsets from UTC, the northern summer's: the generator does not know daylight-saving time.

use chrono::{Datelike, NaiveDate, TimeDelta};
use rand_pcg::{Pcg64, rand_core::Rng};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: demo_log [--users 5000] [--requests 500000] [--weeks 26] [--end 2026-11-16] [--seed 1]
writes COPY text rows of about that many requests before the end date (UTC, exclusive) to standard output";

// Times are milliseconds since the log's first midnight (UTC), days are counted from it.
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

// Who joins, stays and leaves. Launch weeks are weeks of a log of CALENDAR_WEEKS; other lengths stretch them.
const CALENDAR_WEEKS: u32 = 26;
const GROWTH: f64 = 1.05;
const WEEKDAY_SIGNUPS: [u32; 7] = [18, 18, 17, 16, 14, 8, 9];
/// Share of users who sign up a day or more (3 on average) before their first request.
const SIGNUP_EARLY: f64 = 0.3;
/// Share of the present users who leave in week 1, 2, … since their first day; later weeks take the last.
const CHURN: [f64; 8] = [0.42, 0.22, 0.15, 0.11, 0.085, 0.065, 0.05, 0.035];
/// Share of those who left who come back in a week.
const RESURRECTION: f64 = 0.006;
/// Factors on `CHURN` for a whole life, earned in days 0 to 6: `code` tried, a server error or a timeout met.
const CODE_CHURN: f64 = 0.5;
const ERROR_CHURN: f64 = 1.6;
/// Free users who become pro in a week they are active, after a week without and with a refused request.
const UPGRADE: [f64; 2] = [0.01, 0.06];

// The experiment: what the treatment multiplies is the weekly probability to leave and that of a poor answer.
const EXPERIMENT: &str = "new_chat_ui";
const VARIANTS: [&str; 2] = ["control", "treatment"];
const EXPERIMENT_WEEK: u32 = 14;
const TREATMENT_CHURN: f64 = 0.65;
const TREATMENT_POOR: f64 = 0.6;
/// Share of users who see now one variant, now the other.
const MIXED_EXPOSURE: f64 = 0.004;

// What users do. Means are of geometric distributions, times are medians of lognormal ones.
const INTENSITY_SIGMA: f64 = 0.7;
const MORE_SESSIONS: f64 = 0.5;
const SESSION_BREAK: i64 = 40 * MINUTE;
const NEXT_SESSION: f64 = 2.5 * HOUR as f64;
/// Share of sessions that go on with the conversation of the session before.
const RESUMED: f64 = 0.04;
/// Further questions in a session, before the factors of scale, user and feature.
const QUESTIONS: f64 = 3.0;
/// Keeps a hopeless calibration finite; the daily limits end such sessions long before.
const MOST_QUESTIONS: f64 = 1_000.0;
const MOST_ATTEMPTS: u32 = 4;
const THINKING: f64 = 45.0 * SECOND as f64;
const LONGEST_THINK: f64 = 20.0 * MINUTE as f64;
const REASKING: f64 = 20.0 * SECOND as f64;
/// Share of sessions with a feature new to the user, which is then kept: after a good session, after a bad one.
const EXPLORES: f64 = 0.12;
const KEPT: [f64; 2] = [0.65, 0.25];
/// How much likelier users in software are to choose `code`.
const SOFTWARE_CODES: u32 = 4;
/// Share of requests sent to the user's own model; share of users who change to the newest in an active week.
const LOYALTY: f64 = 0.75;
const SWITCH_TO_NEWEST: f64 = 0.12;

// What the service does.
const LONGEST_WAIT: u32 = 30_000;
const FILTERED: f64 = 0.003;
/// Hours of the outage in its week, and the share of the provider's requests that fail in them.
const OUTAGE_WEEK: u32 = 20;
const OUTAGE: std::ops::Range<i64> = 2 * DAY + 7 * HOUR..2 * DAY + 19 * HOUR;
const OUTAGE_PROVIDER: &str = "anthropic";
const OUTAGE_FAILS: f64 = 0.6;
/// Of good and of poor answers: the share rated, and of these the share with a thumb up.
const RATED_GOOD: [f64; 2] = [0.03, 0.95];
const RATED_POOR: [f64; 2] = [0.12, 0.15];

// The dirt: requests whose user id was lost, requests posted twice within 40 ms.
const NULL: &str = "\\N";
const BLANKED: f64 = 0.001;
const BLANKS: [&str; 3] = [NULL, "", "anonymous"];
const DOUBLE_POST: f64 = 0.0005;

/// Users simulated to find out how much they ask.
const SAMPLE: u32 = 20_000;
const USER_SALT: u32 = 0x5eed_0001;
const SESSION_SALT: u32 = 0x5eed_8000;

struct Tier {
    name: &'static str,
    share: u32,
    /// Requests of a user's local day beyond which the service answers 429.
    daily_limit: u32,
    /// Factor on `CHURN`.
    churn: f64,
    /// Share of those who have not left who are active in a week.
    returns: f64,
    /// Probability of a weekday to be used in an active week, and the factor for weekends.
    day: f64,
    weekend: f64,
    /// Shares of `TYPES`.
    types: [u32; 3],
}

struct Feature {
    name: &'static str,
    launch: u32,
    popularity: u32,
    /// Factor on `QUESTIONS`.
    questions: f64,
    /// Median prompt and completion tokens.
    tokens: [f64; 2],
    /// Probabilities of a poor answer (times the model's factor) and of a timeout.
    poor: f64,
    timeout: f64,
}

struct Model {
    name: &'static str,
    provider: &'static str,
    launch: u32,
    /// How often users of each tier choose it.
    share: [u32; 3],
    /// Billionths of a dollar for a prompt token and for a completion token.
    price: [u64; 2],
    /// Milliseconds to the first token and for each one.
    pace: [f64; 2],
    /// Factor on the feature's `poor`.
    poor: f64,
    error: f64,
}

#[rustfmt::skip]
const TIERS: [Tier; 3] = [
    Tier { name: "free",     share: 70, daily_limit: 40,  churn: 1.0, returns: 0.73, day: 0.26, weekend: 0.70, types: [62, 33, 5] },
    Tier { name: "pro",      share: 22, daily_limit: 60,  churn: 0.5, returns: 0.84, day: 0.42, weekend: 0.50, types: [70, 10, 20] },
    Tier { name: "business", share: 8,  daily_limit: 100, churn: 0.3, returns: 0.92, day: 0.55, weekend: 0.12, types: [10, 0, 90] },
];
const TYPES: [&str; 3] = ["individual", "student", "team"];
const CODE: usize = 3;
#[rustfmt::skip]
const FEATURES: [Feature; 6] = [
    Feature { name: "chat",      launch: 0,  popularity: 90, questions: 1.0, tokens: [180.0, 260.0],  poor: 0.08, timeout: 0.004 },
    Feature { name: "summarize", launch: 0,  popularity: 20, questions: 0.5, tokens: [1800.0, 220.0], poor: 0.05, timeout: 0.006 },
    Feature { name: "translate", launch: 3,  popularity: 12, questions: 0.6, tokens: [350.0, 340.0],  poor: 0.03, timeout: 0.003 },
    Feature { name: "code",      launch: 6,  popularity: 14, questions: 1.5, tokens: [900.0, 520.0],  poor: 0.11, timeout: 0.008 },
    Feature { name: "search",    launch: 11, popularity: 22, questions: 0.8, tokens: [1200.0, 300.0], poor: 0.09, timeout: 0.010 },
    Feature { name: "agents",    launch: 17, popularity: 15, questions: 2.5, tokens: [2600.0, 420.0], poor: 0.16, timeout: 0.030 },
];
const NEWEST: usize = 5;
#[rustfmt::skip]
const MODELS: [Model; 6] = [
    Model { name: "gpt-4o-mini",       provider: "openai",    launch: 0,  share: [45, 12, 5],  price: [150, 600],     pace: [350.0, 6.0],  poor: 1.3, error: 0.006 },
    Model { name: "gpt-4o",            provider: "openai",    launch: 0,  share: [15, 32, 30], price: [2500, 10_000], pace: [500.0, 10.0], poor: 0.9, error: 0.008 },
    Model { name: "claude-sonnet-4-5", provider: "anthropic", launch: 0,  share: [10, 34, 40], price: [3000, 15_000], pace: [700.0, 13.0], poor: 0.8, error: 0.009 },
    Model { name: "gemini-2.5-flash",  provider: "google",    launch: 0,  share: [25, 15, 10], price: [300, 2500],    pace: [300.0, 5.0],  poor: 1.2, error: 0.010 },
    Model { name: "mistral-large",     provider: "mistral",   launch: 0,  share: [5, 7, 15],   price: [2000, 6000],   pace: [450.0, 9.0],  poor: 1.1, error: 0.014 },
    Model { name: "gpt-5",             provider: "openai",    launch: 12, share: [30, 60, 55], price: [1250, 10_000], pace: [900.0, 12.0], poor: 0.6, error: 0.012 },
];
/// Where users live: minutes east of UTC, and share of users.
#[rustfmt::skip]
const ZONES: [(&str, i64); 6] = [
    ("America/New_York", -240), ("America/Los_Angeles", -420), ("Europe/Berlin", 120), ("Asia/Kolkata", 330), ("Asia/Tokyo", 540), ("Australia/Sydney", 600),
];
const ZONE_SHARES: [u32; 6] = [28, 17, 22, 15, 10, 8];
/// No zone is further east, so nothing of local day d happens before d x 24 h - 10 h.
const EASTMOST: i64 = 10 * HOUR;
const SOFTWARE: u8 = 0;
const INDUSTRIES: [&str; 6] = ["software", "education", "marketing", "finance", "healthcare", "legal"];
const INDUSTRY_SHARES: [u32; 6] = [28, 20, 18, 14, 12, 8];
const SOURCES: [&str; 4] = ["search", "direct", "referral", "ads"];
const SOURCE_SHARES: [u32; 4] = [35, 30, 20, 15];
/// Session starts by local hour, on weekdays and at weekends.
#[rustfmt::skip]
const HOURS: [[u32; 24]; 2] = [
    [4, 2, 1, 1, 1, 3, 8, 20, 45, 75, 85, 80, 55, 65, 85, 80, 70, 55, 40, 38, 42, 38, 24, 11],
    [8, 5, 3, 2, 1, 2, 5, 10, 22, 38, 48, 50, 46, 45, 46, 44, 42, 40, 40, 42, 44, 40, 28, 16],
];
#[rustfmt::skip]
const TASKS: [[&str; 5]; 6] = [
    ["explain", "brainstorm ideas about", "give me feedback on", "help me plan", "compare two ways to handle"],
    ["summarize", "list the key points of", "write a short abstract of", "extract the action items from", "condense"],
    ["translate into German", "translate into Japanese", "translate into Spanish", "localise for France", "back-translate"],
    ["write a Python script for", "find the bug in the code behind", "refactor the module for", "write unit tests for", "review the SQL behind"],
    ["find recent sources about", "search the web for", "look up prices for", "who has written about", "find statistics on"],
    ["run the research workflow for", "book the follow-ups for", "file tickets for", "draft and send the emails about", "reconcile the data in"],
];
#[rustfmt::skip]
const TOPICS: [&str; 16] = [
    "the sales report", "our onboarding", "the refund policy", "a customer call", "the hiring plan", "our pricing", "the incident", "a grant proposal",
    "the roadmap", "the syllabus", "a contract", "the leaflet", "our newsletter", "the release notes", "a thesis chapter", "the budget",
];
#[rustfmt::skip]
const DETAILS: [&str; 12] = [
    "in three points", "for a colleague", "with an example", "in plain language", "in 200 words", "for our meeting",
    "step by step", "with pros and cons", "for a busy manager", "as a table", "with open questions", "in a friendly tone",
];
/// How formally a user writes; every user keeps to one.
const OPENERS: [&str; 4] = ["", "Please ", "Kindly ", "hey can u "];

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
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
const OUTCOMES: [(u16, &str, f64, f64); 7] = [
    (200, NULL, 0.0, 0.0), (200, NULL, 0.4, 0.15), (400, "content_filter", 0.15, 0.3), (429, "rate_limit_exceeded", 0.4, 0.6),
    (500, "provider_error", 0.7, 0.35), (503, "provider_unavailable", 0.6, 0.5), (504, "timeout", 0.6, 0.4),
];

/// The generator's stream in the shapes needed here.
struct Dice(Pcg64);

impl Dice {
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    fn below(&mut self, n: u32) -> u32 {
        (((self.0.next_u64() >> 32) * u64::from(n)) >> 32) as u32
    }

    fn pick<const N: usize>(&mut self, weights: &[u32; N]) -> usize {
        let mut left = self.below(weights.iter().sum());
        let mut chosen = 0;
        while left >= weights[chosen] {
            left -= weights[chosen];
            chosen += 1;
        }
        chosen
    }

    /// Lognormal, nearly: the normal deviate is a sum of four uniform ones, exp(x) is (1 + x/1024)^1024.
    fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        let bits = self.0.next_u64();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        let normal = (sum as f64 / 65_536.0 - 2.0) * 3f64.sqrt();
        let mut power = 1.0 + sigma * normal / 1024.0;
        for _ in 0..10 {
            power *= power;
        }
        median * power
    }

    fn geometric(&mut self, mean: f64) -> u32 {
        let more = mean / (1.0 + mean);
        let mut n = 0;
        while self.chance(more) {
            n += 1;
        }
        n
    }
}

#[derive(Default)]
struct User {
    id: u32,
    index: u32,
    /// The local day of the first request.
    joined: u32,
    /// Days before the first request at first, then the day itself.
    signup: i64,
    zone: u8,
    tier: u8,
    kind: u8,
    industry: u8,
    source: u8,
    style: u8,
    model: u8,
    treated: bool,
    mixed: bool,
    /// How much the user asks, against the median user.
    intensity: f64,
    /// Factor on `CHURN` of what happened in the first week.
    churn: f64,
    /// Not left, so far.
    present: bool,
    /// Days of the current week since the first day, a bit each.
    active_days: u8,
    /// Features in use, a bit each.
    features: u8,
    tried_code: bool,
    met_error: bool,
    /// Met the daily limit since the last active week began.
    refused: bool,
    asked_today: u32,
    session: u32,
    /// When the last session ended.
    free_at: i64,
}

#[derive(Clone, Copy)]
struct Prompt {
    task: u8,
    topic: u8,
    detail: u8,
    /// 0 as first asked, 1 the same again, 2 in lower case, 3 with "pls".
    wording: u8,
}

#[derive(Clone, Copy)]
struct Request {
    at: i64,
    user: u32,
    session: u32,
    latency: u32,
    tokens: [u32; 2],
    prompt: Prompt,
    feature: u8,
    model: u8,
    outcome: Outcome,
    tier: u8,
    rating: &'static str,
    /// The id as logged when it is not the user's.
    blanked: Option<&'static str>,
    variant: Option<&'static str>,
    /// Of the user's first session.
    landing: bool,
}

struct Options {
    users: u32,
    requests: u32,
    weeks: u32,
    end: NaiveDate,
    seed: u32,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let end = NaiveDate::from_ymd_opt(2026, 11, 16).ok_or("no such date")?;
        let mut options = Options { users: 5_000, requests: 500_000, weeks: 26, end, seed: 1 };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(format!("{name} needs a value\n{USAGE}"))?;
            let number = |low: u32, high: u32| match value.parse() {
                Ok(n) if (low..=high).contains(&n) => Ok(n),
                _ => Err(format!("{name} takes a whole number from {low} to {high}, not \"{value}\"")),
            };
            match name.as_str() {
                "--users" => options.users = number(1, 10_000_000)?,
                "--requests" => options.requests = number(1, 1_000_000_000)?,
                "--weeks" => options.weeks = number(1, 520)?,
                "--seed" => options.seed = number(0, u32::MAX)?,
                "--end" => {
                    let date = value.parse().ok().filter(|d: &NaiveDate| (1900..=9999).contains(&d.year()));
                    options.end = date.ok_or(format!("--end takes a date such as 2026-11-16, not \"{value}\""))?;
                }
                _ => return Err(format!("unknown argument \"{name}\"\n{USAGE}")),
            }
        }
        Ok(options)
    }

    fn first_day(&self) -> NaiveDate {
        self.end - TimeDelta::weeks(i64::from(self.weeks))
    }

    /// 0 on Mondays.
    fn weekday(&self, day: u32) -> usize {
        (self.first_day().weekday().num_days_from_monday() + day) as usize % 7
    }

    fn launch(&self, week: u32) -> u32 {
        week * self.weeks * 7 / CALENDAR_WEEKS
    }
}

/// Scrambles the numbers 0, 1, 2, … into ids that look random; no two become one (MurmurHash3's last step).
fn scramble(number: u32, salt: u32) -> u32 {
    let mut n = number ^ salt;
    n = (n ^ n >> 16).wrapping_mul(0x85eb_ca6b);
    n = (n ^ n >> 13).wrapping_mul(0xc2b2_ae35);
    n ^ n >> 16
}

/// Assignment by GrowthBook's hash version 2, even weights, control first: any implementation of it agrees.
fn is_treated(user_id: &str) -> bool {
    let fnv1a = |text: String| {
        text.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    };
    fnv1a(fnv1a(format!("{EXPERIMENT}{user_id}")).to_string()) % 10_000 >= 5_000
}

/// Everybody who will ever join, in order of the local day they do.
fn population(options: &Options, dice: &mut Dice) -> Vec<User> {
    // The weeks' shares are 1, GROWTH, GROWTH^2, …: cumulated to week w, GROWTH^w - 1 in units of GROWTH - 1.
    let everybody = (0..options.weeks).fold(1.0, |size, _| size * GROWTH) - 1.0;
    let (mut week, mut week_end) = (0, GROWTH);
    let mut users: Vec<User> = (0..options.users)
        .map(|index| {
            let position = (f64::from(index) + 0.5) / f64::from(options.users) * everybody;
            while week_end - 1.0 <= position {
                (week, week_end) = (week + 1, week_end * GROWTH);
            }
            new_user(options, dice, scramble(index, USER_SALT), week * 7)
        })
        .collect();
    users.sort_by_key(|user| user.joined);
    (0u32..).zip(&mut users).for_each(|(index, user)| user.index = index);
    users
}

fn new_user(options: &Options, dice: &mut Dice, id: u32, monday: u32) -> User {
    let weekday = dice.pick(&WEEKDAY_SIGNUPS) as u32;
    let shift = (weekday + 7 - options.weekday(monday) as u32) % 7;
    let zone = dice.pick(&ZONE_SHARES);
    // East of UTC the first local day began before the log did.
    let joined = (monday + shift).clamp(u32::from(ZONES[zone].1 > 0), options.weeks * 7 - 2);
    let tier = dice.pick(&[TIERS[0].share, TIERS[1].share, TIERS[2].share]);
    let early = dice.chance(SIGNUP_EARLY);
    User {
        id,
        joined,
        signup: i64::from(if early { 1 + dice.geometric(2.0) } else { 0 }),
        zone: zone as u8,
        tier: tier as u8,
        kind: dice.pick(&TIERS[tier].types) as u8,
        industry: dice.pick(&INDUSTRY_SHARES) as u8,
        source: dice.pick(&SOURCE_SHARES) as u8,
        style: dice.below(OPENERS.len() as u32) as u8,
        model: pick_model(options, dice, tier, joined),
        treated: is_treated(&format!("u_{id:08x}")),
        mixed: dice.chance(MIXED_EXPOSURE),
        intensity: dice.lognormal(1.0, INTENSITY_SIGMA),
        churn: 1.0,
        present: true,
        ..User::default()
    }
}

fn pick_model(options: &Options, dice: &mut Dice, tier: usize, day: u32) -> u8 {
    let share = |model: &Model| if day >= options.launch(model.launch) { model.share[tier] } else { 0 };
    dice.pick(&MODELS.each_ref().map(share)) as u8
}

/// One life of the product: the users' days in turn, and the requests not yet settled in time order.
struct Simulation<'a> {
    options: &'a Options,
    dice: Dice,
    /// The factor on `QUESTIONS` that gives the asked-for number of requests.
    scale: f64,
    sessions: u32,
    pending: Vec<Request>,
}

impl Simulation<'_> {
    fn run(options: &Options, scale: f64, mut log: impl FnMut(&Request, &User) -> io::Result<()>) -> io::Result<()> {
        let mut dice = Dice(Pcg64::new(u128::from(options.seed), 0));
        let mut users = population(options, &mut dice);
        let mut simulation = Simulation { options, dice, scale, sessions: 0, pending: Vec::new() };
        let end = options.weeks * 7;
        let mut joined = 0;
        // East of UTC the log's last hours belong to the local day after its last.
        for day in 0..=end {
            joined += users[joined..].partition_point(|user| user.joined <= day);
            users[..joined].iter_mut().for_each(|user| simulation.live(user, day));
            let settled = (i64::from(day + 1) * DAY - EASTMOST).min(i64::from(end) * DAY);
            simulation.pending.sort_by_key(|request| (request.at, request.user));
            let ready = simulation.pending.partition_point(|request| request.at < settled);
            for request in simulation.pending.drain(..ready) {
                log(&request, &users[request.user as usize])?;
            }
        }
        Ok(())
    }

    /// A user's weeks are counted from the first day; each begins by deciding which of its days will be used.
    fn live(&mut self, user: &mut User, day: u32) {
        let age = day - user.joined;
        if age.is_multiple_of(7) {
            self.begin_week(user, day, age as usize / 7);
        }
        if user.active_days >> (age % 7) & 1 == 1 {
            self.use_product(user, day);
        }
    }

    fn begin_week(&mut self, user: &mut User, day: u32, week: usize) {
        let tier = &TIERS[user.tier as usize];
        let active = user.active_days != 0;
        user.active_days = u8::from(week == 0);
        if week == 1 {
            user.churn *= if user.tried_code { CODE_CHURN } else { 1.0 };
            user.churn *= if user.met_error { ERROR_CHURN } else { 1.0 };
        }
        if week > 0 {
            let treated = user.treated && day >= self.options.launch(EXPERIMENT_WEEK);
            let effect = if treated { TREATMENT_CHURN } else { 1.0 };
            let leaves = CHURN[week.min(CHURN.len()) - 1] * tier.churn * user.churn * effect;
            user.present = if user.present { !self.dice.chance(leaves) } else { self.dice.chance(RESURRECTION) };
            if !user.present || !self.dice.chance(tier.returns) {
                return;
            }
        }
        if active && user.tier == 0 && self.dice.chance(UPGRADE[usize::from(user.refused)]) {
            user.tier = 1;
        }
        user.refused = false;
        if day >= self.options.launch(MODELS[NEWEST].launch) && self.dice.chance(SWITCH_TO_NEWEST) {
            user.model = NEWEST as u8;
        }
        for age in 0..7 {
            let weekend = self.options.weekday(day + age) >= 5;
            let likely = tier.day * user.intensity.sqrt() * if weekend { tier.weekend } else { 1.0 };
            user.active_days |= u8::from(self.dice.chance(likely.min(0.95))) << age;
        }
        if user.active_days == 0 {
            user.active_days = 1 << self.dice.below(7);
        }
    }

    fn use_product(&mut self, user: &mut User, day: u32) {
        user.asked_today = 0;
        let midnight = i64::from(day) * DAY - ZONES[user.zone as usize].1 * MINUTE;
        let hour = self.dice.pick(&HOURS[usize::from(self.options.weekday(day) >= 5)]);
        let mut at = midnight + hour as i64 * HOUR + i64::from(self.dice.below(HOUR as u32));
        for _ in 0..=self.dice.geometric(MORE_SESSIONS) {
            at = at.max(user.free_at + SESSION_BREAK);
            if at >= midnight + DAY {
                break;
            }
            self.session(user, at, day);
            at = user.free_at + self.dice.lognormal(NEXT_SESSION, 0.8) as i64;
        }
    }

    /// One conversation about one topic: questions until the user has asked enough or gives up.
    fn session(&mut self, user: &mut User, start: i64, day: u32) {
        let landing = user.session == 0;
        if landing || !self.dice.chance(RESUMED) {
            self.sessions += 1;
            user.session = self.sessions;
        }
        if landing {
            user.signup = start / DAY - user.signup;
        }
        let feature = self.choose_feature(user, day);
        let mean = (QUESTIONS * self.scale * user.intensity * FEATURES[feature].questions).min(MOST_QUESTIONS);
        let (first, topic) = (self.dice.below(60), self.dice.below(TOPICS.len() as u32) as u8);
        let (mut at, mut let_down) = (start, false);
        for turn in 0..=self.dice.geometric(mean) {
            // Neighbouring questions share neither task nor detail, so that only a question asked again looks alike.
            let (task, detail) = ((first + turn) % 5, (first + 5 * turn) % 12);
            let prompt = Prompt { task: task as u8, topic, detail: detail as u8, wording: 0 };
            let outcome = self.question(user, &mut at, feature, prompt, landing);
            let_down |= outcome != Outcome::Good;
            if self.dice.chance(OUTCOMES[outcome as usize].3) {
                break;
            }
        }
        user.free_at = at;
        user.tried_code |= feature == CODE && day < user.joined + 7;
        let keep = KEPT[usize::from(let_down)];
        if user.features == 0 || self.dice.chance(keep) {
            user.features |= 1 << feature;
        }
    }

    /// One of the features in use or, when exploring, a launched one that is not.
    fn choose_feature(&mut self, user: &User, day: u32) -> usize {
        let launched = |feature: usize| day >= self.options.launch(FEATURES[feature].launch);
        let known = |feature: usize| user.features >> feature & 1 == 1;
        let something_new = (0..FEATURES.len()).any(|feature| launched(feature) && !known(feature));
        let explores = something_new && (user.features == 0 || self.dice.chance(EXPLORES));
        let weights = std::array::from_fn::<u32, 6, _>(|feature| {
            let offered = launched(feature) && known(feature) != explores;
            let suits = feature == CODE && user.industry == SOFTWARE;
            u32::from(offered) * FEATURES[feature].popularity * if suits { SOFTWARE_CODES } else { 1 }
        });
        self.dice.pick(&weights)
    }

    /// One question, asked again while the answer does not satisfy and patience lasts; moves `at` to the next.
    fn question(
        &mut self,
        user: &mut User,
        at: &mut i64,
        feature: usize,
        mut prompt: Prompt,
        landing: bool,
    ) -> Outcome {
        let mut attempts = 1;
        loop {
            let request = self.request(user, *at, feature, prompt, landing);
            self.pending.push(request);
            if self.dice.chance(DOUBLE_POST) {
                let echo = *at + 1 + i64::from(self.dice.below(40));
                self.pending.push(Request { at: echo, ..request });
            }
            *at += i64::from(request.latency);
            let outcome = request.outcome;
            if attempts == MOST_ATTEMPTS || !self.dice.chance(OUTCOMES[outcome as usize].2) {
                *at += self.dice.lognormal(THINKING, 1.0).min(LONGEST_THINK) as i64;
                return outcome;
            }
            attempts += 1;
            prompt.wording = [1, 1, 1, 2, 3][self.dice.below(5) as usize];
            *at += self.dice.lognormal(REASKING, 0.6) as i64;
        }
    }

    fn request(&mut self, user: &mut User, at: i64, feature: usize, prompt: Prompt, landing: bool) -> Request {
        let day = (at / DAY) as u32;
        let model = if self.dice.chance(LOYALTY) {
            user.model
        } else {
            pick_model(self.options, &mut self.dice, user.tier as usize, day)
        };
        let exposed = day >= self.options.launch(EXPERIMENT_WEEK);
        user.asked_today += 1;
        let outcome = self.outcome(user, at, feature, model as usize, exposed && user.treated);
        let failed = matches!(outcome, Outcome::ServerError | Outcome::Unavailable | Outcome::TimedOut);
        user.met_error |= failed;
        user.refused |= outcome == Outcome::RateLimited;
        let tokens = FEATURES[feature].tokens.map(|median| self.dice.lognormal(median, 0.7) as u32);
        let answered = matches!(outcome, Outcome::Good | Outcome::Poor);
        let shown = if user.mixed && self.dice.chance(0.5) { !user.treated } else { user.treated };
        Request {
            at,
            user: user.index,
            session: user.session,
            latency: self.latency(outcome, model as usize, tokens[1]),
            tokens: [tokens[0], if answered { tokens[1] } else { 0 }],
            prompt,
            feature: feature as u8,
            model,
            outcome,
            tier: user.tier,
            rating: self.rating(outcome),
            blanked: (!landing && self.dice.chance(BLANKED)).then(|| BLANKS[self.dice.below(3) as usize]),
            variant: exposed.then_some(VARIANTS[usize::from(shown)]),
            landing,
        }
    }

    fn outcome(&mut self, user: &User, at: i64, feature: usize, model: usize, treated: bool) -> Outcome {
        let (feature, model) = (&FEATURES[feature], &MODELS[model]);
        let outage_week = i64::from(self.options.launch(OUTAGE_WEEK)) * DAY;
        let outage = model.provider == OUTAGE_PROVIDER && OUTAGE.contains(&(at - outage_week));
        let poor = feature.poor * model.poor * if treated { TREATMENT_POOR } else { 1.0 };
        if user.asked_today > TIERS[user.tier as usize].daily_limit {
            Outcome::RateLimited
        } else if outage && self.dice.chance(OUTAGE_FAILS) {
            Outcome::Unavailable
        } else if self.dice.chance(model.error) {
            Outcome::ServerError
        } else if self.dice.chance(feature.timeout) {
            Outcome::TimedOut
        } else if self.dice.chance(FILTERED) {
            Outcome::Filtered
        } else if self.dice.chance(poor) {
            Outcome::Poor
        } else {
            Outcome::Good
        }
    }

    fn latency(&mut self, outcome: Outcome, model: usize, completion: u32) -> u32 {
        let [first, each] = MODELS[model].pace;
        let answer = first + each * f64::from(completion);
        let median = match outcome {
            Outcome::Good | Outcome::Poor => answer,
            Outcome::TimedOut => return LONGEST_WAIT + self.dice.below(50),
            Outcome::RateLimited => 35.0,
            Outcome::Filtered | Outcome::Unavailable => 250.0,
            Outcome::ServerError => 900.0,
        };
        (self.dice.lognormal(median, 0.35) as u32).min(LONGEST_WAIT - 1)
    }

    fn rating(&mut self, outcome: Outcome) -> &'static str {
        let [rated, up] = match outcome {
            Outcome::Good => RATED_GOOD,
            Outcome::Poor => RATED_POOR,
            _ => return NULL,
        };
        match (self.dice.chance(rated), self.dice.chance(up)) {
            (false, _) => NULL,
            (true, true) => "1",
            (true, false) => "-1",
        }
    }
}

/// Writes requests as lines of COPY's text format; no value of the log needs escaping in it.
struct Writer<W> {
    out: W,
    first_day: NaiveDate,
    rows: u64,
    /// The last day written and its date, which costs more to work out than the rest of a row.
    day: i64,
    date: String,
    prompt: String,
}

impl<W: Write> Writer<W> {
    fn row(&mut self, request: &Request, user: &User) -> io::Result<()> {
        self.rows += 1;
        if request.at / DAY != self.day {
            self.day = request.at / DAY;
            self.date = (self.first_day + TimeDelta::days(self.day)).to_string();
        }
        let time = request.at % DAY;
        let (hour, minute, second, ms) = (time / HOUR, time / MINUTE % 60, time / SECOND % 60, time % SECOND);
        write!(self.out, "{}\t{} {hour:02}:{minute:02}:{second:02}.{ms:03}+00\t", self.rows, self.date)?;
        match request.blanked {
            None => write!(self.out, "u_{:08x}", user.id)?,
            Some(id) => self.out.write_all(id.as_bytes())?,
        }
        let (model, feature) = (&MODELS[request.model as usize], FEATURES[request.feature as usize].name);
        let (status, error, ..) = OUTCOMES[request.outcome as usize];
        let [prompt, completion] = request.tokens;
        let billed = if status == 200 { [prompt, completion].map(u64::from) } else { [0, 0] };
        let cost = (billed[0] * model.price[0] + billed[1] * model.price[1] + 500) / 1000;
        write!(
            self.out,
            "\tc_{:08x}\t{feature}\t{}\t{}\t{prompt}\t{completion}\t{}.{:06}\t{}\t{status}\t{error}\t{}\t",
            scramble(request.session, SESSION_SALT),
            model.provider,
            model.name,
            cost / 1_000_000,
            cost % 1_000_000,
            request.latency,
            request.rating,
        )?;
        self.prompt(request.feature, request.prompt, user.style);
        self.out.write_all(self.prompt.as_bytes())?;
        self.properties(request, user)
    }

    fn prompt(&mut self, feature: u8, prompt: Prompt, style: u8) {
        let text = &mut self.prompt;
        text.clear();
        let parts = [
            OPENERS[style as usize],
            TASKS[feature as usize][prompt.task as usize],
            " ",
            TOPICS[prompt.topic as usize],
            " ",
            DETAILS[prompt.detail as usize],
        ];
        text.extend(parts);
        text.push_str([".", ".", "", ", pls."][prompt.wording as usize]);
        match prompt.wording {
            2 => text.make_ascii_lowercase(),
            _ => text[..1].make_ascii_uppercase(),
        }
    }

    /// The keys of almost all rows in jsonb's own order, shortest first, which spares it their sorting.
    fn properties(&mut self, request: &Request, user: &User) -> io::Result<()> {
        if request.blanked.is_some() {
            return self.out.write_all(b"\t{}\n");
        }
        write!(
            self.out,
            "\t{{\"Industry\":\"{}\",\"UserTier\":\"{}\",\"UserType\":\"{}\",\"SignupDate\":\"{}\"",
            INDUSTRIES[user.industry as usize],
            TIERS[request.tier as usize].name,
            TYPES[user.kind as usize],
            self.first_day + TimeDelta::days(user.signup),
        )?;
        if let Some(variant) = request.variant {
            write!(self.out, ",\"{EXPERIMENT}\":\"{variant}\"")?;
        }
        if request.landing {
            let (source, zone) = (SOURCES[user.source as usize], ZONES[user.zone as usize].0);
            write!(self.out, ",\"Source\":\"{source}\",\"TimeZone\":\"{zone}\"")?;
        }
        self.out.write_all(b"}\n")
    }
}

/// The factor on `QUESTIONS` at which a sample of the users makes its part of the requests.
fn calibrate(options: &Options) -> Result<f64, String> {
    let sample = Options { users: options.users.min(SAMPLE), ..*options };
    let wanted = f64::from(options.requests) * f64::from(sample.users) / f64::from(options.users);
    let made = |scale: f64| {
        let mut rows = 0.0;
        let count = |_: &Request, _: &User| {
            rows += 1.0;
            Ok(())
        };
        Simulation::run(&sample, scale, count).map_err(|error| error.to_string())?;
        Ok::<f64, String>(rows)
    };
    let least = made(0.0)?;
    let (mut scale, mut best) = (1.0, (f64::INFINITY, 0.0));
    for _ in 0..12 {
        let rows = made(scale)?;
        let miss = (rows / wanted - 1.0).abs();
        if miss < best.0 {
            best = (miss, scale);
        }
        if miss < 0.005 || wanted <= least || rows <= least {
            break;
        }
        scale *= (wanted - least) / (rows - least);
    }
    if best.0 <= 0.2 {
        return Ok(best.1);
    }
    let few = least * f64::from(options.users) / f64::from(sample.users);
    Err(format!(
        "{} users do not make {} requests in {} weeks: they make at least {few:.0}, and no more than the daily limits allow",
        options.users, options.requests, options.weeks
    ))
}

fn write_log(options: &Options) -> Result<(), String> {
    let scale = calibrate(options)?;
    let out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut writer =
        Writer { out, first_day: options.first_day(), rows: 0, day: -1, date: String::new(), prompt: String::new() };
    Simulation::run(options, scale, |request, user| writer.row(request, user))
        .and_then(|()| writer.out.flush())
        .map_err(|error| format!("cannot write the log: {error}"))?;
    eprintln!("{} rows: {} users, {} to {}", writer.rows, options.users, options.first_day(), options.end);
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Options::parse(arguments.into_iter()).and_then(|options| write_log(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("demo_log: {message}");
            ExitCode::FAILURE
        }
    }
}
