//! Metrics of an experiment: their names, the value of a user, and the columns read.

use super::canonical::{Holds, canonical_named};
use crate::base::error::{Error, Result};

/// How a user's value is computed from their requests. Numeric columns have the names used in a history.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// The number of requests.
    Requests,
    /// The number of local days with a request.
    ActiveDays,
    /// The number of sessions.
    Sessions,
    /// The successful requests, among those of known outcome.
    Successes,
    /// Whether any request passes the condition.
    Converted,
    /// Whether there is a request on one of these local days, counted from the day of first exposure.
    Return {
        /// The first of them.
        from: u32,
        /// The last of them.
        last: u32,
    },
    /// The sum of a column, 0 without numbers.
    Sum(String),
    /// The mean of a column over requests.
    Mean(String),
    /// All numbers of a column, for the comparison of a quantile.
    Quantile(String, f64),
}

/// The desired direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    #[default]
    Higher,
    /// Less is better, as for cost and latency.
    Lower,
    /// Neither: the verdict only states the direction.
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

    /// The direction of the given name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "higher" => Ok(Better::Higher),
            "lower" => Ok(Better::Lower),
            "neither" => Ok(Better::Neither),
            _ => Err(Error::not_one_of("better", name, &["higher", "lower", "neither"])),
        }
    }
}

/// A parsed metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// How its values are computed.
    pub measure: Measure,
    /// The desired direction.
    pub better: Better,
}

/// The metrics of a call, with the columns for the query.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// The metrics, in the given order.
    pub list: Vec<Metric>,
    /// Canonical columns that the log must have.
    pub needed: Vec<&'static str>,
    /// Canonical columns that are read if the log has them.
    pub wanted: Vec<&'static str>,
    /// Other columns and properties that are read as numbers, see [`Metrics::number`].
    pub numbers: Vec<String>,
}

/// The metrics with names of their own.
const NAMES: &[&str] = &[
    "requests",
    "active_days",
    "sessions",
    "answered_rate",
    "cost_usd",
    "revenue_usd",
    "rating",
    "latency_ms",
    "latency_ms_p95",
    "prompt_tokens",
    "completion_tokens",
    "retained_d7",
    "retained_w2",
    "converted",
];
/// The canonical columns that metrics may read.
pub(super) const METRICS_READ: &[&str] =
    &["session_id", "cost_usd", "revenue_usd", "latency_ms", "status", "error", "succeeded", "rating"];
/// The most columns and properties that are not canonical: each is read as a column of the history.
const MOST_NUMBERS: usize = 64;
/// The most days until return.
const MOST_DAYS: u32 = 3650;

fn wrong<T>(given: &str, accepted: impl Into<String>) -> Result<T> {
    Err(Error::Argument { name: "metric", given: given.to_owned(), accepted: accepted.into() })
}

/// The column and the quantile of a name such as `latency_ms_p95` or `score_p99.9`.
fn quantile_of(name: &str) -> Option<(&str, f64)> {
    let (column, percent) = name.rsplit_once("_p")?;
    let is_number = percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && percent.len() <= 6;
    let percent = percent.parse::<f64>().ok().filter(|percent| is_number && *percent > 0.0 && *percent < 100.0)?;
    (!column.is_empty()).then_some((column, percent / 100.0))
}

impl Metric {
    /// Whether it is one number per user, which can be winsorized and adjusted by the value before exposure.
    pub fn is_total(&self) -> bool {
        matches!(self.measure, Measure::Requests | Measure::ActiveDays | Measure::Sessions | Measure::Sum(_))
    }

    /// Whether it is a ratio of two numbers per user.
    pub fn is_ratio(&self) -> bool {
        matches!(self.measure, Measure::Successes | Measure::Mean(_))
    }

    /// The quantile compared; `None` for other metrics.
    pub fn quantile(&self) -> Option<f64> {
        if let Measure::Quantile(_, share) = self.measure { Some(share) } else { None }
    }

    /// The numeric column of the metric, by its name in a history.
    pub fn column(&self) -> Option<&str> {
        match &self.measure {
            Measure::Sum(column) | Measure::Mean(column) | Measure::Quantile(column, _) => Some(column),
            _ => None,
        }
    }
}

impl Metrics {
    /// Parses the names of metrics.
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
        if metrics.numbers.len() > MOST_NUMBERS {
            let given = format!("metrics of {} columns or properties", metrics.numbers.len());
            let accepted = format!("metrics of at most {MOST_NUMBERS} columns or properties");
            return Err(Error::Argument { name: "metrics", given, accepted });
        }
        Ok(metrics)
    }

    /// The names of metrics in the form passed to a query.
    pub fn asked(names: &[Option<String>]) -> String {
        serde_json::to_string(&names.iter().flatten().collect::<Vec<_>>()).unwrap_or_default()
    }

    /// The name in a history of a column or property that is read as a number.
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
            "answered_rate" => {
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

    /// Reads a numeric column: its name in a history, whether users' values are sums by default, and the desired direction.
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
        if canonical.name == "latency_ms" {
            self.wanted.push("succeeded");
        }
        let better = match column {
            "cost_usd" | "latency_ms" => Better::Lower,
            "revenue_usd" | "rating" => Better::Higher,
            _ => Better::Neither,
        };
        Ok((canonical.name.to_owned(), !matches!(column, "rating" | "latency_ms"), better))
    }
}

/// Whether a user returned on a day, or in a week, counted from the local day of exposure. That day is day 0, and week 1 has the
/// days 0 to 6: everybody is active in them.
fn retained(name: &str, unit: &str, number: &str) -> Result<Measure> {
    // Days count from 0, weeks from 1.
    let unit = match unit {
        "d" => Some((1, 0)),
        "w" => Some((7, 1)),
        _ => None,
    };
    let found = unit.zip(number.parse::<u32>().ok()).and_then(|((length, first), number)| {
        let from = number.checked_sub(first)?.checked_mul(length)?;
        (0 < from && from <= MOST_DAYS).then_some((length, from))
    });
    let Some((length, from)) = found else {
        return wrong(
            name,
            "retained_d1, retained_d2, … for days and retained_w2, retained_w3, … for weeks, up to 3650 days",
        );
    };
    Ok(Measure::Return { from, last: from + length - 1 })
}
