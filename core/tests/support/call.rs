//! A call of a declared function over a history, with arguments that it accepts: for the laws of folds and for fuzzing.

use user_metrics_core::Result;
use user_metrics_core::base::calendar::{DAY_MICROS, Segment};
use user_metrics_core::function::{
    Argument, Call, Environment, Function, Given, Interval, NO_DEFAULT, REQUIRED, Role, Type,
};
use user_metrics_core::history::History;

/// The texts that stand for arguments without a default.
#[derive(Clone, Copy)]
pub struct Texts {
    /// A user, and whatever else is named.
    pub name: &'static str,
    /// A feature.
    pub feature: &'static str,
    /// What is JSON.
    pub json: &'static str,
    /// Rules about users.
    pub rules: &'static str,
}

/// Two hours ahead in the first thousand hours, one behind it.
fn segment(_: &str, at: i64) -> Result<Segment> {
    let hour = DAY_MICROS / 24;
    Ok(match at < 1000 * hour {
        true => Segment { from: i64::MIN, until: 1000 * hour, offset: 2 * hour },
        false => Segment { from: 1000 * hour, until: i64::MAX, offset: hour },
    })
}

/// Milestones that are told where a history has the columns of their filters.
const MILESTONES: &str = r#"[{"name": "a", "count": 2, "within": "9 days"}, {"name": "b"}]"#;

/// A behaviour that is told where a history has the column of its filter.
const BEHAVIOURS: &str = r#"[{"name": "a", "filter": {}}]"#;

/// A way of three steps and what must not come in between, where a history has the columns of their filters.
const STEPS: &str = r#"[{"filter": {}}, {"filter": {}, "name": "b"}, {"filter": {}}]"#;
const STEPS_WITH_TERMS: &str = r#"[{"filter": {}}, {"filter": {}, "optional": true, "within": "3 days"},
    {"filter": {}, "entry": true, "after": "2 hours"}]"#;
const EXCLUDE: &str = r#"{"feature": "x"}"#;

/// A metric of every kind.
const METRICS: [&str; 11] = [
    "requests",
    "active_days",
    "sessions",
    "answered_rate",
    "cost_usd",
    "rating",
    "latency_ms_p95",
    "retained_w2",
    "converted",
    "n",
    "sum(n)",
];

fn given(argument: &Argument, texts: Texts, history: &History) -> Option<Given<'static>> {
    let default = Some(argument.default).filter(|default| ![REQUIRED, NO_DEFAULT].contains(default));
    let number = default.and_then(|default| default.parse::<f64>().ok());
    match argument.kind {
        Type::Boolean => Some(Given::Boolean(default != Some("false"))),
        Type::Integer if argument.name == "min_users" => Some(Given::Integer(1)),
        Type::Integer => Some(Given::Integer(number.map_or(2, |number| number as i32))),
        Type::Bigint => Some(Given::Bigint(number.map_or(2, |number| number as i64))),
        Type::Double if argument.name == "margin" => None,
        Type::Double => Some(Given::Double(number.unwrap_or(0.5))),
        Type::Text if matches!(argument.name, "method" | "better" | "control" | "state") => None,
        Type::Json if argument.name == "weights" => None,
        Type::Text if argument.name == "period" => Some(Given::Text("week")),
        Type::Text if argument.name == "feature" => Some(Given::Text(texts.feature)),
        Type::Text => Some(Given::Text(default.map_or(texts.name, |default| default.trim_matches('\'')))),
        // Tiers, of which one is that of no tier.
        Type::Texts if argument.name == "tiers" => {
            Some(Given::Texts(vec![Some("1".to_owned()), None, Some("3".to_owned()), Some("2".to_owned())]))
        }
        Type::Texts if matches!(argument.role, Role::Metrics) => {
            Some(Given::Texts(METRICS.iter().map(|metric| Some((*metric).to_owned())).collect()))
        }
        Type::Json if matches!(argument.role, Role::Rules) => Some(Given::Json(texts.rules.to_owned())),
        Type::Json if argument.name == "steps" => {
            let steps = if history.column("exclude").is_some() { STEPS_WITH_TERMS } else { STEPS };
            Some(Given::Json(steps.to_owned()))
        }
        Type::Json if argument.name == "exclude" => history.column("exclude").map(|_| Given::Json(EXCLUDE.to_owned())),
        Type::Json if argument.name == "start_event" && history.column("signups").is_some() => None,
        Type::Json if matches!(argument.name, "start_event" | "return_event") => {
            history.column(argument.name).map(|_| Given::Json("{}".to_owned()))
        }
        Type::Json if argument.name == "milestones" => {
            history.column("milestones 1").map(|_| Given::Json(MILESTONES.to_owned()))
        }
        Type::Json if argument.name == "behaviours" => {
            history.column("behaviours 1").map(|_| Given::Json(BEHAVIOURS.to_owned()))
        }
        Type::Interval if argument.name == "within" => {
            Some(Given::Interval(Interval { months: 0, days: 9, micros: 0 }))
        }
        // A Monday.
        Type::Date if argument.default == REQUIRED => Some(Given::Date(16)),
        Type::Texts if argument.name == "advanced_features" => Some(Given::Texts(vec![Some("2".to_owned())])),
        Type::Relation => history.column(argument.name).map(|_| Given::Relation(0)),
        Type::Json => Some(Given::Json(texts.json.to_owned())),
        Type::Integers => {
            let list = default?.trim_matches(['\'', '{', '}']).split(',');
            Some(Given::Integers(list.map(|number| number.parse().ok()).collect()))
        }
        Type::Doubles => Some(Given::Doubles(vec![Some(0.0), Some(2.0)])),
        _ => None,
    }
}

/// A call in which nobody is left out and no group is too small.
pub fn call<'a>(function: &'static Function, history: &'a History, texts: Texts) -> Call<'a> {
    Call {
        function,
        values: Vec::new(),
        history: Some(history),
        left_out: &[],
        by: history.column("segment").is_some(),
        arguments: function.arguments.iter().map(|argument| given(argument, texts, history)).collect(),
        since: None,
        until: None,
        as_of: None,
        timezone: Some("somewhere"),
        environment: Environment {
            now: 10_000 * DAY_MICROS,
            week_start: 0,
            year_start: 0,
            min_group_size: 1,
            parts: 1,
            session_gap: DAY_MICROS / 48,
            timezone: "UTC".to_owned(),
            segment: &segment,
            // What histories of tests keep is written already.
            json: &|stored| Ok(stored.to_vec()),
        },
    }
}
