//! `user_figures`: everything that one user's own requests tell, in one row; none for a user who has none. It is what
//! `user_metrics_row` and `user_profile` are made of.

use crate::error::Result;
use crate::function::{Call, Cell, Function, Past, Reads, Requests, Rows, Type, column};
use crate::history::Timeline;
use crate::host::Claim;
use crate::preferences::own::{Named, Own, OwnColumns, hours, most_used, sum_of};
use crate::preferences::preferred_models::{CANDIDATES, FALLBACK, NAME_ONE, USER};
use crate::preferences::{order, tradeoff};
use crate::sessions::{self, Ending, Limits, MAX_IDLE, Session};
use crate::stats::median::median;
use crate::usage::hour_begins;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "user_figures",
    path: "profile::user_figures",
    summary: "what one user's own requests tell",
    arguments: &[USER, CANDIDATES, FALLBACK],
    columns: &[
        column("requests", Type::Bigint, "requests"),
        column("active_days", Type::Bigint, "local days with at least one"),
        column("first_seen", Type::Instant, "the first request"),
        column("last_seen", Type::Instant, "the last request"),
        column("requests_per_active_day", Type::Double, "requests over active days"),
        column(
            "requests_per_calendar_day",
            Type::Double,
            "requests over the days from the first to the last that is observed",
        ),
        column("sessions", Type::Bigint, "sessions"),
        column("session_mean_seconds", Type::Double, "mean duration of those that are not open"),
        column("session_median_seconds", Type::Double, "median duration of those that are not open"),
        column("completion_rate", Type::Double, "completed of those known to be completed or abandoned"),
        column("success_rate", Type::Double, "share of requests that succeeded, of those of which it is known"),
        column("cost_usd", Type::Double, "cost in US dollars"),
        column("mean_rating", Type::Double, "mean rating"),
        column("peak_hours", Type::Integers, "up to three hours of most requests per occurrence of the hour"),
        column("favorite_features", Type::Texts, "up to three features used most"),
        column("model_preferences", Type::Texts, "up to three models used most"),
        column("preferred_models", Type::Texts, "the models to offer, in order"),
        column("prefers_speed", Type::Boolean, "whether the user prefers speed; NULL where too little shows it"),
        column("prefers_quality", Type::Boolean, "whether the user prefers quality; NULL where too little shows it"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::Nothing,
        columns: &["session_id", "model", "feature", "latency_ms", "succeeded", "rating", "cost_usd"],
        needed: &[],
        names: false,
        order: "",
    }),
    segmented: false,
    zoned: true,
    serves: Some("user_profile"),
    rows: 1,
    run,
};

/// How many hours, features and models are told.
const TOP: usize = 3;

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.required("user_id", call.text("user_id"), NAME_ONE)?;
    let columns = OwnColumns::of(call);
    let OwnColumns { model, feature, latency, succeeded, rating, cost, session } = columns;
    call.clock()?;
    call.each_user(&[model, feature, latency, succeeded, rating, cost, session], |user| row(call, user, &columns, rows))
}

fn row(call: &Call<'_>, user: &Timeline<'_>, columns: &OwnColumns, rows: &mut dyn Rows) -> Result<()> {
    let (Some(&first), Some(&last)) = (user.at.first(), user.at.last()) else { return Ok(()) };
    let (mut clock, mut claim) = (call.clock()?, Claim::passing());
    let end = call.end();
    let observed = end.saturating_sub(1).max(last);
    let mut days = claim.filled(0, user.at.len())?;
    for (day, &at) in days.iter_mut().zip(user.at) {
        *day = clock.day(at)?;
    }
    days.sort_unstable();
    days.dedup();
    let first_day = days.first().copied().unwrap_or_default();
    let calendar_days = (i64::from(clock.day(observed)?) - i64::from(first_day) + 1).max(1);
    let requests = user.at.len() as f64;
    let outcomes = || (0..user.at.len()).filter_map(|i| user.flag(columns.succeeded, i));
    let known = outcomes().count();
    let success = (known > 0).then(|| outcomes().filter(|succeeded| *succeeded).count() as f64 / known as f64);
    let visits = Visits::of(call, user, columns, &mut claim)?;

    let asked = hours(user.at, &mut clock)?;
    let begins = hour_begins(first, observed, |at| clock.segment(at))?;
    let rate = |hour: usize| asked[hour] as f64 / begins[hour] as f64;
    let mut peaks: Vec<usize> = (0..24).filter(|&hour| asked[hour] > 0 && begins[hour] > 0).collect(); // few: hours
    peaks.sort_by(|&a, &b| rate(b).total_cmp(&rate(a)).then(a.cmp(&b)));
    let peaks: Vec<i32> = peaks.into_iter().take(TOP).map(|hour| hour as i32).collect(); // few: three

    let mut top = |column: Option<usize>| -> Result<Vec<&[u8]>> {
        let text = |code| call.text_of(column, code).unwrap_or_default();
        let names: Vec<Named> = most_used(user, column, text, &mut clock, &mut claim)?;
        Ok(names.iter().take(TOP).map(|named| text(named.code)).collect()) // few: three
    };
    let (features, used) = (top(columns.feature)?, top(columns.model)?);
    let mut own = Own::new(call)?;
    own.take_models(user, columns)?;
    let models = own.models();
    let (candidates, fallback) = (call.texts("candidates"), call.texts("fallback"));
    let preference = tradeoff(&models);
    let preferred = order(&models, preference, candidates.as_deref(), fallback.as_deref())?;
    let preference = preference.filter(|_| !preferred.is_empty());
    let preferred: Vec<&[u8]> = preferred.iter().map(|model| model.name.as_bytes()).collect(); // few: models
    let texts = |list: &'_ [&'_ [u8]]| !list.is_empty();
    let cell = |list| if texts(list) { Cell::Texts(list) } else { Cell::Null };
    rows.row(&mut [
        (user.at.len() as u64).into(),
        (days.len() as u64).into(),
        Cell::Instant(first),
        Cell::Instant(last),
        (requests / days.len() as f64).into(),
        (requests / calendar_days as f64).into(),
        visits.count.into(),
        visits.mean.into(),
        visits.median.into(),
        visits.completion_rate.into(),
        success.into(),
        sum_of(user.numbers(columns.cost), &mut claim)?.value().into(),
        sum_of(user.numbers(columns.rating), &mut claim)?.mean().into(),
        if peaks.is_empty() { Cell::Null } else { Cell::Integers(&peaks) },
        cell(&features),
        cell(&used),
        cell(&preferred),
        preference.map(|preference| preference.speed).into(),
        preference.map(|preference| preference.quality).into(),
    ])
}

/// What sessions of a user tell.
struct Visits {
    count: u64,
    mean: Option<f64>,
    median: Option<f64>,
    completion_rate: Option<f64>,
}

impl Visits {
    fn of(call: &Call<'_>, user: &Timeline<'_>, columns: &OwnColumns, claim: &mut Claim) -> Result<Self> {
        let limits = Limits { gap: call.environment.session_gap, idle: MAX_IDLE };
        let (mut parts, mut sessions) = (Vec::new(), Vec::new());
        let requests = sessions::requests(user, columns.session, columns.latency, columns.succeeded);
        sessions::of_requests(requests, limits, &mut parts, &mut sessions, claim)?;
        let end = call.end();
        let shown = || sessions.iter().filter(|session| session.start <= end);
        let is_open = |session: &&Session| session.is_open(limits, end);
        let mut durations: Vec<f64> = Vec::new();
        claim.reserve(&mut durations, sessions.len())?;
        durations.extend(shown().filter(|session| !is_open(session)).map(|session| session.duration() as f64 / 1e6));
        let ended = |ending| shown().filter(|session| session.ending(limits, end) == Some(ending)).count() as f64;
        let (completed, abandoned) = (ended(Ending::Completed), ended(Ending::Abandoned));
        let total: i128 =
            shown().filter(|session| !is_open(session)).map(|session| i128::from(session.duration())).sum();
        let mean = (!durations.is_empty()).then(|| total as f64 / 1e6 / durations.len() as f64);
        let completion_rate = (completed + abandoned > 0.0).then(|| completed / (completed + abandoned));
        Ok(Visits { count: shown().count() as u64, mean, median: median(&mut durations), completion_rate })
    }
}
