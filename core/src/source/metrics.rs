//! What an experiment compares: the figures of a user, by the names that callers give them, and what is read for them.

use super::canonical::{Holds, canonical_named};
use crate::base::error::{Error, Result};

/// How a user's figure is made of their requests. Columns of numbers are named as a history has them.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// How many requests.
    Requests,
    /// Local days with a request.
    ActiveDays,
    /// Sessions.
    Sessions,
    /// Requests that succeeded, of those of which it is known.
    Successes,
    /// Whether a request fulfils the condition.
    Converted,
    /// Whether there is a request on one of these local days, counted from that of the first exposure.
    Return {
        /// The first of them.
        from: u32,
        /// The last of them.
        last: u32,
    },
    /// The sum of a column, 0 of no numbers.
    Sum(String),
    /// The mean of a column over requests.
    Mean(String),
    /// All numbers of a column, of which a quantile is compared.
    Quantile(String, f64),
}

/// Which direction is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    #[default]
    Higher,
    /// Less is better, as of cost and waiting.
    Lower,
    /// Neither: a verdict says only which way.
    Neither,
}

impl Better {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Better::Higher => "higher",
            Better::Lower => "lower",
            Better::Neither => "neither",
        }
    }

    /// The direction of a name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "higher" => Ok(Better::Higher),
            "lower" => Ok(Better::Lower),
            "neither" => Ok(Better::Neither),
            _ => Err(Error::not_one_of("better", name, &["higher", "lower", "neither"])),
        }
    }
}

/// A metric that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// How its figures are made.
    pub measure: Measure,
    /// Which direction of it is good.
    pub better: Better,
}

/// Metrics as the query of a comparison needs them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// The metrics, in the order of their names.
    pub list: Vec<Metric>,
    /// Canonical columns that the log must have.
    pub needed: Vec<&'static str>,
    /// Those that are read where the log has them.
    pub wanted: Vec<&'static str>,
    /// Other columns and properties that are read as numbers, see [`Metrics::number`].
    pub numbers: Vec<String>,
}

/// The metrics that have names of their own.
const NAMES: &[&str] = &[
    "requests",
    "active_days",
    "sessions",
    "success_rate",
    "cost_usd",
    "revenue_usd",
    "rating",
    "latency_ms",
    "latency_ms_p95",
    "prompt_tokens",
    "completion_tokens",
    "retained_d7",
    "retained_w1",
    "converted",
];
/// The canonical columns that metrics may read.
pub(super) const METRICS_READ: &[&str] =
    &["session_id", "cost_usd", "revenue_usd", "latency_ms", "status", "succeeded", "rating"];
/// The longest that anybody is waited for.
const MOST_DAYS: u32 = 3650;

fn wrong<T>(given: &str, accepted: impl Into<String>) -> Result<T> {
    Err(Error::Argument { name: "metric", given: given.to_owned(), accepted: accepted.into() })
}

/// The column and the share of a name such as `latency_ms_p95` or `score_p99.9`.
fn quantile_of(name: &str) -> Option<(&str, f64)> {
    let (column, percent) = name.rsplit_once("_p")?;
    let is_number = percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && percent.len() <= 6;
    let percent = percent.parse::<f64>().ok().filter(|percent| is_number && *percent > 0.0 && *percent < 100.0)?;
    (!column.is_empty()).then_some((column, percent / 100.0))
}

impl Metric {
    /// Whether it is one number a user, which can be cut and compared with what it was before.
    pub fn is_total(&self) -> bool {
        matches!(self.measure, Measure::Requests | Measure::ActiveDays | Measure::Sessions | Measure::Sum(_))
    }

    /// Whether it is a ratio of two numbers a user.
    pub fn is_ratio(&self) -> bool {
        matches!(self.measure, Measure::Successes | Measure::Mean(_))
    }

    /// Which quantile is compared; `None` where none is.
    pub fn quantile(&self) -> Option<f64> {
        if let Measure::Quantile(_, share) = self.measure { Some(share) } else { None }
    }

    /// The column of numbers that it is made of, as a history has it.
    pub fn column(&self) -> Option<&str> {
        match &self.measure {
            Measure::Sum(column) | Measure::Mean(column) | Measure::Quantile(column, _) => Some(column),
            _ => None,
        }
    }
}

impl Metrics {
    /// Reads the names of metrics.
    pub fn parse(names: &[String]) -> Result<Self> {
        if names.is_empty() {
            return wrong(
                "",
                format!("one or several of {}, or a column or property that holds numbers", NAMES.join(", ")),
            );
        }
        let mut metrics = Metrics::default();
        for name in names {
            let metric = metrics.metric(name)?;
            metrics.list.push(metric);
        }
        Ok(metrics)
    }

    /// The names of metrics as an argument asks them of a query.
    pub fn asked(names: &[Option<String>]) -> String {
        serde_json::to_string(&names.iter().flatten().collect::<Vec<_>>()).unwrap_or_default()
    }

    /// What a history calls a column or property that is read as a number.
    pub fn number(name: &str) -> String {
        format!("number:{name}")
    }

    fn metric(&mut self, name: &str) -> Result<Metric> {
        let higher = |measure| Ok(Metric { measure, better: Better::Higher });
        match name {
            "requests" => return higher(Measure::Requests),
            "active_days" => return higher(Measure::ActiveDays),
            "sessions" => {
                self.wanted.extend(["session_id", "latency_ms", "succeeded"]);
                return higher(Measure::Sessions);
            }
            "success_rate" => {
                self.wanted.push("succeeded");
                return higher(Measure::Successes);
            }
            "converted" => return higher(Measure::Converted),
            _ => {}
        }
        if let Some((unit, days)) = name.strip_prefix("retained_").and_then(|rest| rest.split_at_checked(1)) {
            return retained(name, unit, days).and_then(higher);
        }
        if let Some((column, quantile)) = quantile_of(name) {
            let (column, _, better) = self.numbers_of(name, column)?;
            return Ok(Metric { measure: Measure::Quantile(column, quantile), better });
        }
        let inner = |function: &str| name.strip_prefix(function)?.strip_prefix('(')?.strip_suffix(')');
        let (column, sums) = match (inner("sum"), inner("mean")) {
            (Some(column), _) => (column, Some(true)),
            (_, Some(column)) => (column, Some(false)),
            _ => (name, None),
        };
        let (column, sums_by_itself, better) = self.numbers_of(name, column)?;
        let measure = if sums.unwrap_or(sums_by_itself) { Measure::Sum(column) } else { Measure::Mean(column) };
        Ok(Metric { measure, better })
    }

    /// Reads a column of numbers: what a history calls it, whether users' figures are sums by default, and which direction is good.
    fn numbers_of(&mut self, name: &str, column: &str) -> Result<(String, bool, Better)> {
        let Some(canonical) = canonical_named(column) else {
            if !self.numbers.iter().any(|known| known == column) {
                self.numbers.push(column.to_owned());
            }
            return Ok((Metrics::number(column), false, Better::Neither));
        };
        if !matches!(canonical.holds, Holds::Count | Holds::Number | Holds::Score) {
            return wrong(name, format!("one of {}, or a column or property that holds numbers", NAMES.join(", ")));
        }
        self.needed.push(canonical.name);
        let better = match column {
            "cost_usd" | "latency_ms" => Better::Lower,
            "revenue_usd" | "rating" => Better::Higher,
            _ => Better::Neither,
        };
        Ok((canonical.name.to_owned(), !matches!(column, "rating" | "latency_ms"), better))
    }
}

/// Whether a user came back on a day, or in a week, counted from the local day of their exposure.
fn retained(name: &str, unit: &str, number: &str) -> Result<Measure> {
    let length = match unit {
        "d" => Some(1),
        "w" => Some(7),
        _ => None,
    };
    let number = number.parse::<u32>().ok().filter(|number| *number > 0);
    let found = length
        .zip(number)
        .and_then(|(length, number)| Some((length, number.checked_mul(length).filter(|days| *days <= MOST_DAYS)?)));
    let Some((length, from)) = found else {
        return wrong(name, "retained_d1, retained_d2, … for days and retained_w1, … for weeks, up to 3650 days");
    };
    Ok(Measure::Return { from, last: from + length - 1 })
}
