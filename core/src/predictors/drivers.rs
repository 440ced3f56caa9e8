//! Association of early behaviour with retention, and of behaviour before a landmark with churn: the users compared and the
//! estimates of every comparison. Definitions D49, D58, D59.
//!
//! Two biases are avoided. The days in which behaviour is observed end before the days in which the outcome is observed
//! begin, so that the outcome cannot cause the behaviour. Usage volume is a confounder, since users with many requests are
//! more likely both to show any behaviour and to be retained: so each comparison is repeated within strata of similar
//! volume. The results are still associations, not causes.

use crate::activity::View;
use crate::base::calendar::Window;
use crate::base::days::Day;
use crate::base::error::{Error, Result};
use crate::base::json;
use crate::base::memory::Claim;
use crate::function::{Function, Past, Requests};
use crate::stats::association::{Comparison, false_discovery, mantel_haenszel};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

mod behaviour;
pub mod churn_indicators;
pub(crate) mod own_days;
pub mod retention_drivers;

/// The functions about drivers.
pub const FUNCTIONS: &[&Function] = &[&retention_drivers::FUNCTION, &churn_indicators::FUNCTION];

/// What they read: also requests before `since`, which tell which users are new.
static OF_BEHAVIOUR: Requests = Requests {
    past: Past::All,
    columns: &["session_id", "model", "feature", "succeeded", "rating"],
    needed: &[],
    names: false,
};

/// The most days of a span.
const MOST_DAYS: i32 = 36_500;
/// The q value below which a difference is significant.
const CLEAR: f64 = 0.01;

/// The users, the days of behaviour, and the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// New users: behaviour in their first days, retention in a later span.
    Retained {
        /// The number of first days in which behaviour is observed.
        early_days: i32,
        /// The first and the last day of the span, counted from the first day; retained users are active on at least one of
        /// them.
        span: (i32, i32),
    },
    /// Users active before a landmark: behaviour in the days up to it, churn after it.
    Churned {
        /// The day after the last one in which behaviour is observed.
        landmark: Day,
        /// The number of days before the landmark in which behaviour is observed.
        window_days: i32,
        /// The number of days from the landmark on that are ignored.
        gap_days: i32,
        /// The number of days after the gap; users without activity on them have churned.
        churn_days: i32,
    },
}

fn days(name: &'static str, given: i32, least: i32) -> Result<i32> {
    if (least..=MOST_DAYS).contains(&given) {
        return Ok(given);
    }
    let accepted = format!("a number of days from {least} to {MOST_DAYS}");
    Err(Error::Argument { name, given: given.to_string(), accepted })
}

impl Question {
    /// Retention in a span of days, such as 21 to 27, by behaviour in the first days, which must end before the span.
    pub fn retained(early_days: i32, span: &[Option<i32>]) -> Result<Self> {
        let early_days = days("early_days", early_days, 1)?;
        let shown = |day: &Option<i32>| day.map_or("NULL".to_owned(), |day| day.to_string());
        match *span {
            [Some(from), Some(to)] if early_days <= from && from <= to && to <= MOST_DAYS => {
                Ok(Question::Retained { early_days, span: (from, to) })
            }
            _ => Err(Error::Argument {
                name: "retained",
                given: format!("{{{}}}", span.iter().map(shown).collect::<Vec<_>>().join(",")),
                accepted: format!(
                    "the first and the last of the days after the first one, such as {{21,27}}: from {early_days}, when the first days are over, to \
                     {MOST_DAYS}"
                ),
            }),
        }
    }

    /// Churn after a landmark; by default the last day for which the outcome of all users is known.
    pub fn churned(
        landmark: Option<Day>,
        window_days: i32,
        gap_days: i32,
        churn_days: i32,
        window: &Window,
    ) -> Result<Self> {
        let window_days = days("window_days", window_days, 2)?;
        let (gap_days, churn_days) = (days("gap_days", gap_days, 0)?, days("churn_days", churn_days, 1)?);
        let landmark = landmark.unwrap_or(window.elapsed.saturating_sub(gap_days + churn_days));
        Ok(Question::Churned { landmark, window_days, gap_days, churn_days })
    }
}

/// A user with known outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The first day on which behaviour is observed.
    pub from: Day,
    /// The day after the last one.
    pub until: Day,
    /// The number of active days among them.
    pub active_days: u32,
    /// The outcome: retained, or churned.
    pub outcome: bool,
}

impl Question {
    /// The outcome of a user with these active days, ascending; `None` if the user is not compared or the outcome is not
    /// known. Compared are new users whose first day is shown and whose span has elapsed, or users active before the
    /// landmark.
    pub fn subject(&self, active: &[Day], window: &Window) -> Option<Subject> {
        let &first = active.first()?;
        let within = |from: Day, until: Day| {
            active.partition_point(|&day| day < until) - active.partition_point(|&day| day < from)
        };
        match *self {
            Question::Retained { early_days, span } => {
                let (outcome_from, outcome_until) = (first.saturating_add(span.0), first.saturating_add(span.1 + 1));
                let shown = window.whole_from.is_none_or(|from| from <= first);
                if !shown || outcome_until > window.elapsed {
                    return None;
                }
                let until = first.saturating_add(early_days);
                let active_days = within(first, until) as u32;
                Some(Subject { from: first, until, active_days, outcome: within(outcome_from, outcome_until) > 0 })
            }
            Question::Churned { landmark, window_days, gap_days, churn_days } => {
                let shown_from = window.whole_from.unwrap_or(Day::MIN).min(landmark);
                let from = landmark.saturating_sub(window_days).max(shown_from);
                let outcome_from = landmark.saturating_add(gap_days);
                let outcome_until = outcome_from.saturating_add(churn_days);
                let active_days = within(from, landmark) as u32;
                if active_days == 0 || outcome_until > window.elapsed {
                    return None;
                }
                Some(Subject { from, until: landmark, active_days, outcome: within(outcome_from, outcome_until) == 0 })
            }
        }
    }
}

/// Every user of a value who is compared and whose outcome is known.
pub fn subjects(view: &View<'_>, question: &Question, window: &Window, claim: &mut Claim) -> Result<Vec<Subject>> {
    let mut found = Vec::new();
    view.each(|_, active| match question.subject(active, window) {
        Some(subject) => claim.push(&mut found, subject),
        None => Ok(()),
    })?;
    Ok(found)
}

/// The volume stratum of a number of requests: 0 for one, 1 for 2 to 3, 2 for 4 to 7, and so on by doubling.
pub fn volume_stratum(requests: u64) -> u32 {
    requests.checked_ilog2().unwrap_or(0)
}

/// The behaviours examined in every log, as far as its columns allow. Features are added by name.
pub const STANDARD: [&str; 9] = [
    "active on 2+ days",
    "active on 3+ days",
    "used 2+ features",
    "used 2+ models",
    "session of 2+ requests",
    "any failed request",
    "first request failed",
    "rated an answer",
    "fewer requests in the second half",
];
/// The prefix of behaviours that are the use of a feature.
pub const FEATURE: &str = "feature: ";

/// The caller's own behaviours: their names, and the JSON filters that requests must pass.
pub fn behaviours(given: &str) -> Result<Vec<(String, String)>> {
    let wrong = |given: String| Error::Argument {
        name: "behaviours",
        given,
        accepted: "a list of names, none of which is taken, and filters, such as \
                   [{\"name\": \"used gpt-5\", \"filter\": {\"model\": \"gpt-5\"}}]"
            .to_owned(),
    };
    let is_new = |name: &str| !name.is_empty() && !name.starts_with(FEATURE) && !STANDARD.contains(&name);
    let Some(Value::Array(list)) = json::parse(given) else { return Err(wrong(json::given(given))) };
    let one = |item: &Value| match item {
        Value::Object(object) if object.len() == 2 => match (object.get("name"), object.get("filter")) {
            (Some(Value::String(name)), Some(Value::Object(filter))) if is_new(name) => {
                Ok((name.clone(), Map::clone(filter)))
            }
            _ => Err(wrong(item.to_string())),
        },
        _ => Err(wrong(item.to_string())),
    };
    if list.len() > MOST_OWN {
        return Err(wrong(format!("a list of {}, and {MOST_OWN} are the most", list.len())));
    }
    let found = list.iter().map(one).collect::<Result<Vec<_>>>()?;
    for (i, (name, _)) in found.iter().enumerate() {
        if found[..i].iter().any(|(earlier, _)| earlier == name) {
            return Err(wrong(format!("two behaviours of the name {name}")));
        }
    }
    Ok(found.into_iter().map(|(name, filter)| (name, Value::Object(filter).to_string())).collect())
}

/// The most behaviours that a caller may define.
pub const MOST_OWN: usize = 30;

/// Users of one stratum and those with the outcome: of all users, or of those with a behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The stratum.
    pub stratum: i32,
    /// Users.
    pub users: u64,
    /// Users with the outcome.
    pub outcomes: u64,
}

/// The strength of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// Significant, and also when adjusted for volume, in the same direction.
    Clear,
    /// Significant, but possibly explained by volume.
    Volume,
    /// Not significant, or unknown.
    Unclear,
}

impl Evidence {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::Clear => "clear",
            Evidence::Volume => "volume",
            Evidence::Unclear => "unclear",
        }
    }
}

/// One comparison with all its estimates.
#[derive(Clone, Debug)]
pub struct Driver {
    /// The index of the behaviour.
    pub number: usize,
    /// The users.
    pub comparison: Comparison,
    /// The difference adjusted for volume.
    pub adjusted: Option<f64>,
    /// Its bounds.
    pub adjusted_bounds: Option<(f64, f64)>,
    /// The p value of the difference.
    pub p_value: Option<f64>,
    /// The p value adjusted for multiple comparisons.
    pub q_value: Option<f64>,
    /// The strength of evidence.
    pub evidence: Evidence,
}

/// Compares, for each behaviour, the users with it and those without. `all` contains all users by stratum, `did` those with
/// a behaviour, by its index. Behaviours that fewer than `min_users` users had, or did not have, are left out. Results are
/// sorted by evidence, strongest first, and then by the size of the adjusted difference.
pub fn compare(all: &[Counted], did: &[(usize, Counted)], min_users: u64) -> Vec<Driver> {
    let mut behaviours: BTreeMap<usize, BTreeMap<i32, Counted>> = BTreeMap::new();
    for (number, counted) in did {
        behaviours.entry(*number).or_default().insert(counted.stratum, *counted);
    }
    let mut drivers: Vec<Driver> = behaviours
        .iter()
        .filter_map(|(&number, counted)| {
            let strata: Vec<Comparison> = all
                .iter()
                .map(|all| {
                    let with = counted.get(&all.stratum).copied().unwrap_or_default();
                    Comparison {
                        with: with.users,
                        with_outcome: with.outcomes,
                        without: all.users.saturating_sub(with.users),
                        without_outcome: all.outcomes.saturating_sub(with.outcomes),
                    }
                })
                .collect();
            let comparison = strata.iter().copied().fold(Comparison::default(), Comparison::plus);
            if comparison.with < min_users || comparison.without < min_users {
                return None;
            }
            let adjusted = mantel_haenszel(&strata);
            Some(Driver {
                number,
                comparison,
                adjusted: adjusted.map(|(difference, _)| difference),
                adjusted_bounds: adjusted.and_then(|(_, bounds)| bounds),
                p_value: comparison.p_value(),
                q_value: None,
                evidence: Evidence::Unclear,
            })
        })
        .collect();
    let q_values = false_discovery(&drivers.iter().map(|driver| driver.p_value).collect::<Vec<_>>());
    for (driver, q_value) in drivers.iter_mut().zip(q_values) {
        driver.q_value = q_value;
        driver.evidence = evidence(driver);
    }
    let size = |driver: &Driver| driver.adjusted.map_or(-1.0, f64::abs);
    drivers
        .sort_by(|a, b| (a.evidence.cmp(&b.evidence)).then(size(b).total_cmp(&size(a))).then(a.number.cmp(&b.number)));
    drivers
}

fn evidence(driver: &Driver) -> Evidence {
    let (Some(q), Some((difference, ..))) = (driver.q_value, driver.comparison.difference()) else {
        return Evidence::Unclear;
    };
    match driver.adjusted_bounds {
        _ if q >= CLEAR => Evidence::Unclear,
        Some((low, _)) if difference > 0.0 && low > 0.0 => Evidence::Clear,
        Some((_, high)) if difference < 0.0 && high < 0.0 => Evidence::Clear,
        _ => Evidence::Volume,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_double() {
        let strata: Vec<u32> = [0, 1, 2, 3, 4, 7, 8, 1023, 1024].map(volume_stratum).to_vec();
        assert_eq!(strata, [0, 0, 1, 1, 2, 2, 3, 9, 10]);
    }

    #[test]
    fn a_span_of_outcomes_begins_after_behaviour_is_over() {
        assert!(Question::retained(7, &[Some(7), Some(7)]).is_ok());
        for (early_days, span) in
            [(7, &[6, 13][..]), (7, &[21]), (7, &[]), (7, &[27, 21]), (0, &[21, 27]), (7, &[7, 40_000])]
        {
            let span = &span.iter().copied().map(Some).collect::<Vec<_>>()[..];
            assert!(
                matches!(Question::retained(early_days, span), Err(Error::Argument { .. })),
                "{early_days} {span:?}"
            );
        }
    }

    #[test]
    fn behaviours_are_named_filters() {
        let given = r#"[{"name": "a", "filter": {"model": ["x", null]}}, {"filter": {}, "name": "b"}]"#;
        let found = behaviours(given).unwrap();
        assert_eq!(found, [("a".to_owned(), r#"{"model":["x",null]}"#.to_owned()), ("b".to_owned(), "{}".to_owned())]);
        for wrong in [
            "",
            "{}",
            "[1]",
            r#"[{"name": "a"}]"#,
            r#"[{"name": "", "filter": {}}]"#,
            r#"[{"name": 1, "filter": {}}]"#,
            r#"[{"name": "a", "filter": []}]"#,
            r#"[{"name": "a", "filter": {}, "more": 1}]"#,
            r#"[{"name": "a", "filter": {}}, {"name": "a", "filter": {}}]"#,
            r#"[{"name": "feature: a", "filter": {}}]"#,
            r#"[{"name": "any failed request", "filter": {}}]"#,
        ] {
            assert!(matches!(behaviours(wrong), Err(Error::Argument { name: "behaviours", .. })), "{wrong}");
        }
    }

    fn counted(stratum: i32, users: u64, outcomes: u64) -> Counted {
        Counted { stratum, users, outcomes }
    }

    /// Three behaviours of 1000 users in two strata: one associated with the outcome at any volume, one only through volume,
    /// and one not at all; and one of too few users.
    #[test]
    fn what_volume_explains_is_told_apart() {
        let all = [counted(0, 500, 100), counted(5, 500, 300)];
        let did = [
            (0, counted(0, 100, 20)),
            (0, counted(5, 100, 60)),
            (1, counted(0, 50, 10)),
            (1, counted(5, 400, 240)),
            (2, counted(0, 100, 50)),
            (2, counted(5, 100, 90)),
            (3, counted(0, 9, 9)),
        ];
        let drivers = compare(&all, &did, 10);
        let found: Vec<_> = drivers.iter().map(|driver| (driver.number, driver.evidence)).collect();
        assert_eq!(found, [(2, Evidence::Clear), (1, Evidence::Volume), (0, Evidence::Unclear)]);
        assert!(drivers[1].adjusted.is_some_and(|adjusted| adjusted.abs() < 1e-12));
        assert_eq!(
            drivers[0].comparison,
            Comparison { with: 200, with_outcome: 140, without: 800, without_outcome: 260 }
        );
        assert_eq!(compare(&[], &[], 1).len(), 0);
    }
}
