//! Metrics of one user's own requests.

use crate::base::calendar::Micros;
use crate::base::encoding;
use crate::base::error::Result;
use crate::base::hours::hour_begins;
use crate::base::memory::Claim;
use crate::function::Call;
use crate::history::Timeline;
use crate::sessions::{self, Ending, Limits, MAX_IDLE, Session};
use crate::stats::median::median;
use crate::stats::sum::sum_of;
use crate::users::preferences::own::{Named, Own, OwnColumns, hours, most_used};
use crate::users::preferences::{ModelUse, order, tradeoff};

/// The number of hours, features and models shown.
const TOP: usize = 3;

/// The metrics of a user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    /// Local days with at least one request.
    pub(crate) active_days: u64,
    pub(crate) first_seen: Micros,
    pub(crate) last_seen: Micros,
    pub(crate) requests_per_active_day: f64,
    /// Requests divided by the days from the first request to the end of observation.
    pub(crate) requests_per_calendar_day: f64,
    pub(crate) sessions: u64,
    /// Of the active time of closed sessions.
    pub(crate) session_mean_seconds: Option<f64>,
    /// Of the active time of closed sessions.
    pub(crate) session_median_seconds: Option<f64>,
    /// Completed sessions divided by those completed or abandoned.
    pub(crate) completion_rate: Option<f64>,
    pub(crate) answered_rate: Option<f64>,
    pub(crate) cost_usd: Option<f64>,
    pub(crate) mean_rating: Option<f64>,
    /// The peak hours of the local clock, the busiest first.
    pub(crate) peak_hours: Vec<usize>,
    /// The features used most, the most used first.
    pub(crate) favorite_features: Vec<String>,
    /// The models used most, the most used first.
    pub(crate) model_preferences: Vec<String>,
    /// The models to offer, in order.
    pub(crate) preferred_models: Vec<String>,
    /// Whether the user prefers a faster model to a better one; `None` without enough evidence.
    pub(crate) prefers_speed: Option<bool>,
    /// Whether it is the other way round.
    pub(crate) prefers_quality: Option<bool>,
}

impl Figures {
    /// The metrics of a user's requests since `since`, given the first ever; `None` without requests.
    pub(crate) fn of(
        call: &Call<'_>,
        user: &Timeline<'_>,
        first_ever: Option<Micros>,
        columns: &OwnColumns,
    ) -> Result<Option<Self>> {
        let (Some(&first), Some(&last)) = (user.at.first(), user.at.last()) else { return Ok(None) };
        let (mut clock, mut claim, mut days) = (call.clock()?, Claim::temporary(), Vec::new());
        let observed = call.end().saturating_sub(1).max(last);
        clock.distinct_days(user.at.iter().copied(), &mut days, &mut claim)?;
        let first_day = clock.day(first_ever.max(call.since).unwrap_or(first))?;
        let calendar_days = (i64::from(clock.day(observed)?) - i64::from(first_day) + 1).max(1);
        let requests = user.at.len() as f64;
        let outcomes = || (0..user.at.len()).filter_map(|i| user.flag(columns.succeeded, i));
        let known = outcomes().count();
        let visits = Visits::of(call, user, columns, &mut claim)?;

        let asked = hours(user.at, &mut clock)?;
        let begins = hour_begins(first, observed, |at| clock.segment(at))?;
        let rate = |hour: usize| asked[hour] as f64 / begins[hour] as f64;
        let mut peaks: Vec<usize> = (0..24).filter(|&hour| asked[hour] > 0 && begins[hour] > 0).collect(); // few: hours
        peaks.sort_by(|&a, &b| rate(b).total_cmp(&rate(a)).then(a.cmp(&b)));
        peaks.truncate(TOP);

        let shown = |text: &[u8]| encoding::decoded(text).into_owned();
        let mut top = |column: Option<usize>| -> Result<Vec<String>> {
            let text = |code| call.text_of(column, code).unwrap_or_default();
            let names: Vec<Named> = most_used(user, column, text, &mut clock, &mut claim)?;
            Ok(names.iter().take(TOP).map(|named| shown(text(named.code))).collect()) // few: three
        };
        let favorite_features = top(columns.feature)?;
        let mut own = Own::new(call)?;
        own.take_models(user, columns)?;
        let models = own.models();
        let model_preferences = models.iter().take(TOP).map(ModelUse::name).collect(); // few: three
        let (candidates, fallback) = (call.texts("candidates"), call.texts("fallback"));
        let preference = tradeoff(&models);
        let preferred = order(&models, preference, candidates.as_deref(), fallback.as_deref())?;
        let preference = preference.filter(|_| !preferred.is_empty());
        Ok(Some(Figures {
            requests: user.at.len() as u64,
            active_days: days.len() as u64,
            first_seen: first,
            last_seen: last,
            requests_per_active_day: requests / days.len() as f64,
            requests_per_calendar_day: requests / calendar_days as f64,
            sessions: visits.count,
            session_mean_seconds: visits.mean,
            session_median_seconds: visits.median,
            completion_rate: visits.completion_rate,
            answered_rate: (known > 0).then(|| outcomes().filter(|succeeded| *succeeded).count() as f64 / known as f64),
            cost_usd: sum_of(user.numbers(columns.cost), &mut claim)?.value(),
            mean_rating: sum_of(user.numbers(columns.rating), &mut claim)?.mean(),
            peak_hours: peaks,
            favorite_features,
            model_preferences,
            preferred_models: preferred.into_iter().map(|model| model.name).collect(), // few: models
            prefers_speed: preference.map(|preference| preference.speed),
            prefers_quality: preference.map(|preference| preference.quality),
        }))
    }
}

/// Session metrics of a user.
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
        let mut actives: Vec<f64> = Vec::new();
        claim.reserve(&mut actives, sessions.len())?;
        actives.extend(shown().filter(|session| !is_open(session)).map(|session| session.active() as f64 / 1e6));
        let ended = |ending| shown().filter(|session| session.ending(limits, end) == Some(ending)).count() as f64;
        let (completed, abandoned) = (ended(Ending::Completed), ended(Ending::Abandoned));
        let total: i128 = shown().filter(|session| !is_open(session)).map(|session| i128::from(session.active())).sum();
        let mean = (!actives.is_empty()).then(|| total as f64 / 1e6 / actives.len() as f64);
        let completion_rate = (completed + abandoned > 0.0).then(|| completed / (completed + abandoned));
        Ok(Visits { count: shown().count() as u64, mean, median: median(&mut actives), completion_rate })
    }
}
