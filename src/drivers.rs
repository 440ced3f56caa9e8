//! What `retention_drivers` and `churn_indicators` ask of Rust: who is compared, and the figures of every comparison. The
//! algorithms are [`user_metrics_core::drivers`], and [`user_metrics_core::deeds`].

use crate::activity::{self, ActivityValue};
use crate::aggregate;
use crate::error::{self, refused};
use crate::settings::Privacy;
use crate::time;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::Error;
use user_metrics_core::calendar::{DAY_MICROS, Micros, Window};
use user_metrics_core::days::Day;
use user_metrics_core::deeds::{Deeds, Subjects};
use user_metrics_core::drivers::{self, FEATURE, Question, STANDARD};
use user_metrics_core::host::Claim;
use user_metrics_core::state::State;

/// The function a caller called, for messages.
fn named(function: &str) -> &'static str {
    match function {
        "churn_indicators" => "churn_indicators",
        "activation_threshold" => "activation_threshold",
        "seasonality" => "seasonality",
        _ => "retention_drivers",
    }
}

/// What was asked: churn where there are days of churn, else retention.
#[derive(Default)]
struct Asked {
    early_days: Option<i32>,
    retained: Option<Vec<Option<i32>>>,
    landmark: Option<Date>,
    window_days: Option<i32>,
    gap_days: Option<i32>,
    churn_days: Option<i32>,
}

impl Asked {
    fn question(&self, window: &Window) -> user_metrics_core::Result<Question> {
        if self.churn_days.is_some() {
            let landmark = self.landmark.map(|date| date.to_pg_epoch_days());
            let (before, gap) = (self.window_days.unwrap_or(28), self.gap_days.unwrap_or(7));
            return Question::churned(landmark, before, gap, self.churn_days.unwrap_or(28), window);
        }
        let span = self.retained.as_deref().unwrap_or(&[Some(21), Some(27)]);
        Question::retained(self.early_days.unwrap_or(7), span)
    }
}

/// An instant before a local day, in whatever zone, or after it.
fn around(day: Day, days: i64) -> Option<TimestampWithTimeZone> {
    let at = (i64::from(day) + days).saturating_mul(DAY_MICROS);
    TimestampWithTimeZone::try_from(at as Micros).ok()
}

/// The users a question is about whose outcome is known, with the days on which to look for behaviour, as the aggregate
/// `deeds` wants them; all of these days lie between `read_from` and `read_until`.
#[pg_extern(stable, parallel_safe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn driver_subjects(
    function: &str,
    activity: Option<ActivityValue<'_>>,
    early_days: Option<i32>,
    retained: Option<Vec<Option<i32>>>,
    landmark: Option<Date>,
    window_days: Option<i32>,
    gap_days: Option<i32>,
    churn_days: Option<i32>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
    as_of: Option<TimestampWithTimeZone>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(subjects, Option<Vec<u8>>),
            name!(read_from, Option<TimestampWithTimeZone>),
            name!(read_until, Option<TimestampWithTimeZone>),
        ),
    >,
> {
    let refuse = refused(named(function));
    let asked = Asked { early_days, retained, landmark, window_days, gap_days, churn_days };
    let Some(activity) = activity else {
        // Nothing is read, but what is wrong is refused.
        asked.question(&Window::up_to(0)).map_err(refuse)?;
        return Ok(TableIterator::once((None, None, None)));
    };
    let view = activity::open(named(function), &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(&refuse)?;
    let question = asked.question(&window).map_err(&refuse)?;
    let mut claim = Claim::passing();
    let list = drivers::subjects(&view, &question, &window, &mut claim).map_err(&refuse)?;
    let from = list.iter().map(|subject| subject.from).min().and_then(|day| around(day, -1));
    let until = list.iter().map(|subject| subject.until).max().and_then(|day| around(day, 1));
    let subjects = Subjects { kind: view.kind(), zone: view.zone().to_owned(), list };
    Ok(TableIterator::once((Some(subjects.encode().map_err(&refuse)?), from, until)))
}

/// The caller's own behaviours: names and filters.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn own_behaviours(
    function: &str,
    behaviours: Option<&str>,
) -> error::Result<TableIterator<'static, (name!(names, Vec<String>), name!(filters, Vec<String>))>> {
    let found = behaviours.map_or_else(|| Ok(Vec::new()), drivers::behaviours).map_err(refused(named(function)))?;
    let (names, filters) = found.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    Ok(TableIterator::once((names, filters)))
}

/// All comparisons of one segment, from the bytes that the aggregate `deeds` made of its requests. `own` has the names of the
/// caller's behaviours.
#[pg_extern(stable, parallel_safe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn driver_figures(
    function: &str,
    deeds: Option<&[u8]>,
    own: Vec<Option<String>>,
    min_users: Option<i32>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(driver, Option<String>),
            name!(users_with, Option<i64>),
            name!(users_without, Option<i64>),
            name!(rate_with, Option<f64>),
            name!(rate_without, Option<f64>),
            name!(difference, Option<f64>),
            name!(difference_low, Option<f64>),
            name!(difference_high, Option<f64>),
            name!(ratio, Option<f64>),
            name!(ratio_low, Option<f64>),
            name!(ratio_high, Option<f64>),
            name!(phi, Option<f64>),
            name!(p_value, Option<f64>),
            name!(q_value, Option<f64>),
            name!(adjusted_difference, Option<f64>),
            name!(adjusted_low, Option<f64>),
            name!(adjusted_high, Option<f64>),
            name!(evidence, Option<&'static str>),
        ),
    >,
> {
    let min_users = min_users.unwrap_or(DEFAULT_MIN_USERS);
    let least = u64::try_from(min_users).ok().filter(|&least| least > 0).ok_or_else(|| {
        let accepted = "a number of 1 or more".to_owned();
        refused(named(function))(Error::Argument { name: "min_users", given: min_users.to_string(), accepted })
    })?;
    let refuse = refused(named(function));
    let Some(deeds) = deeds else { return Ok(TableIterator::new(std::iter::empty())) };
    aggregate::set_limit();
    let deeds = Deeds::decode(deeds).map_err(&refuse)?;
    let (all, did) = drivers::count(&deeds, named(function) == "churn_indicators", own.len()).map_err(&refuse)?;
    let found = drivers::compare(&all, &did, least);
    let mut names: Vec<String> = STANDARD.map(str::to_owned).to_vec(); // few: all there are
    names.extend(own.into_iter().map(Option::unwrap_or_default));
    names.extend(deeds.features().iter().map(|name| format!("{FEATURE}{}", String::from_utf8_lossy(name))));
    let privacy = Privacy::current();
    Ok(TableIterator::new(found.into_iter().map(move |driver| {
        let of = driver.comparison;
        let shown = !privacy.hides(of.with) && !privacy.hides(of.without);
        let count = |users: u64| shown.then_some(users as i64);
        let figure = |figure: Option<f64>| figure.filter(|_| shown);
        let difference = of.difference();
        let (ratio, adjusted) = (of.ratio_bounds(), driver.adjusted_bounds);
        (
            names.get(driver.number).cloned(),
            count(of.with),
            count(of.without),
            figure(of.rate_with()),
            figure(of.rate_without()),
            figure(difference.map(|(difference, ..)| difference)),
            figure(difference.map(|(_, low, _)| low)),
            figure(difference.map(|(.., high)| high)),
            figure(of.ratio()),
            figure(ratio.map(|(low, _)| low)),
            figure(ratio.map(|(_, high)| high)),
            figure(of.phi()),
            figure(driver.p_value),
            figure(driver.q_value),
            figure(driver.adjusted),
            figure(adjusted.map(|(low, _)| low)),
            figure(adjusted.map(|(_, high)| high)),
            shown.then_some(driver.evidence.name()),
        )
    })))
}

/// Users that must have done a behaviour, and that must not have, for a caller who did not say.
const DEFAULT_MIN_USERS: i32 = 30;
