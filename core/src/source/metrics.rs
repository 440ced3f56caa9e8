//! The figures of a user that an experiment compares, as SQL over the user's requests since they first met it.

use super::canonical::{Holds, canonical_named};
use crate::comparison::{Better, Method};
use crate::error::{Error, Result};

/// What a metric is, so which aggregate takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// One number a user.
    Total,
    /// 0 or 1.
    Share,
    /// A sum and how many there were: the mean over requests.
    Ratio,
    /// All numbers of a user.
    Lists,
}

/// A metric that has been read.
#[derive(Clone, Debug)]
struct Metric {
    shape: Shape,
    better: Better,
    /// The aggregate over a user's requests, with `{when}` for what each must fulfil.
    figure: String,
    /// The same of the second figure.
    second: Option<String>,
    /// Which quantile over requests is compared.
    quantile: Option<f64>,
}

/// Metrics as the query of a comparison needs them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Canonical columns; with `!` behind its name one that must be there.
    pub columns: Vec<String>,
    /// Other columns and properties, read as numbers: `number_1`, `number_2`, …
    pub numbers: Vec<String>,
    /// Whether the rows of a conversion must be marked.
    pub needs_mark: bool,
    /// Whether it matters where observation ends: the query's $4.
    pub needs_end: bool,
    list: Vec<Metric>,
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
/// The local day of an instant, in the zone that is the query's $5.
const DAY: &str = "(r.occurred_at AT TIME ZONE $5)::pg_catalog.date";
/// The longest that anybody is waited for.
const MOST_DAYS: u32 = 3650;

fn wrong<T>(given: &str, accepted: impl Into<String>) -> Result<T> {
    Err(Error::Argument { name: "metric", given: given.to_owned(), accepted: accepted.into() })
}

/// What a column must hold to be a number that can be.
fn known(column: &str, holds: Holds) -> String {
    let least = if holds == Holds::Score { format!("{column} > '-Infinity'") } else { format!("{column} >= 0") };
    format!("{least} AND {column} < 'Infinity'")
}

/// The column and the share of a name such as `latency_ms_p95` or `score_p99.9`.
fn quantile_of(name: &str) -> Option<(&str, f64)> {
    let (column, percent) = name.rsplit_once("_p")?;
    let is_number = percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && percent.len() <= 6;
    let percent = percent.parse::<f64>().ok().filter(|percent| is_number && *percent > 0.0 && *percent < 100.0)?;
    (!column.is_empty()).then_some((column, percent / 100.0))
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

    /// Reads a column, once; `must` it be there?
    fn need(&mut self, column: &str, must: bool) {
        let wanted = if must { format!("{column}!") } else { column.to_owned() };
        match self.columns.iter_mut().find(|known| known.trim_end_matches('!') == column) {
            Some(known) if must => *known = wanted,
            Some(_) => {}
            None => self.columns.push(wanted),
        }
    }

    fn metric(&mut self, name: &str) -> Result<Metric> {
        let total = |better, figure: &str| Metric {
            shape: Shape::Total,
            better,
            figure: figure.to_owned(),
            second: None,
            quantile: None,
        };
        let share = |figure: String| Metric {
            shape: Shape::Share,
            better: Better::Higher,
            figure,
            second: None,
            quantile: None,
        };
        match name {
            "requests" => return Ok(total(Better::Higher, "count(*) FILTER (WHERE {when})")),
            "active_days" => {
                return Ok(total(Better::Higher, &format!("count(DISTINCT {DAY}) FILTER (WHERE {{when}})")));
            }
            "sessions" => {
                ["session_id", "latency_ms", "succeeded"].into_iter().for_each(|column| self.need(column, false));
                return Ok(total(
                    Better::Higher,
                    "(SELECT COALESCE(max(s.sessions), 0) FROM user_metrics_internal.user_sessions(user_metrics.sessions(\
                     r.user_id, r.occurred_at, r.session_id, r.latency_ms, r.succeeded, NULL, NULL) FILTER (WHERE {when}), $3) AS s)",
                ));
            }
            "success_rate" => {
                self.need("succeeded", false);
                return Ok(Metric {
                    shape: Shape::Ratio,
                    better: Better::Higher,
                    figure: "count(*) FILTER (WHERE r.succeeded AND {when})".to_owned(),
                    second: Some("count(r.succeeded) FILTER (WHERE {when})".to_owned()),
                    quantile: None,
                });
            }
            "converted" => {
                self.needs_mark = true;
                return Ok(share(
                    "COALESCE(bool_or(r.mark_1) FILTER (WHERE {when}), false)::pg_catalog.int4".to_owned(),
                ));
            }
            _ => {}
        }
        if let Some((unit, days)) = name.strip_prefix("retained_").and_then(|rest| rest.split_at_checked(1)) {
            return self.retained(name, unit, days);
        }
        if let Some((column, quantile)) = quantile_of(name) {
            let metric = self.number(name, column, Some(false))?;
            let figure = metric.figure.replacen("sum(", "array_agg(", 1);
            return Ok(Metric { shape: Shape::Lists, figure, second: None, quantile: Some(quantile), ..metric });
        }
        let inner = |function: &str| name.strip_prefix(function)?.strip_prefix('(')?.strip_suffix(')');
        match (inner("sum"), inner("mean")) {
            (Some(column), _) => self.number(name, column, Some(true)),
            (_, Some(column)) => self.number(name, column, Some(false)),
            _ => self.number(name, name, None),
        }
    }

    /// Whether a user came back on a day, or in a week, counted from the local day of their exposure.
    fn retained(&mut self, name: &str, unit: &str, number: &str) -> Result<Metric> {
        let length = match unit {
            "d" => Some(1),
            "w" => Some(7),
            _ => None,
        };
        let number = number.parse::<u32>().ok().filter(|number| *number > 0);
        let Some((length, from)) = length
            .zip(number)
            .and_then(|(length, number)| Some((length, number.checked_mul(length).filter(|days| *days <= MOST_DAYS)?)))
        else {
            return wrong(name, "retained_d1, retained_d2, … for days and retained_w1, … for weeks, up to 3650 days");
        };
        self.needs_end = true;
        let exposed = "(min(e.exposed_at) AT TIME ZONE $5)::pg_catalog.date";
        let after = format!("{DAY} - (e.exposed_at AT TIME ZONE $5)::pg_catalog.date");
        let last = from + length - 1;
        // Who may still come back has no figure.
        let figure = format!(
            "CASE WHEN ($4 AT TIME ZONE $5)::pg_catalog.date > {exposed} + {last} \
             THEN COALESCE(bool_or({after} BETWEEN {from} AND {last}) FILTER (WHERE {{when}}), false)::pg_catalog.int4 END"
        );
        Ok(Metric { shape: Shape::Share, better: Better::Higher, figure, second: None, quantile: None })
    }

    /// The sum of a column over a user's requests, or its mean over requests.
    fn number(&mut self, name: &str, column: &str, sums: Option<bool>) -> Result<Metric> {
        let (holds, expression, sums_by_itself, better) = match canonical_named(column) {
            Some(canonical) => {
                if !matches!(canonical.holds, Holds::Count | Holds::Number | Holds::Score) {
                    return wrong(
                        name,
                        format!("one of {}, or a column or property that holds numbers", NAMES.join(", ")),
                    );
                }
                self.need(column, true);
                let better = match column {
                    "cost_usd" | "latency_ms" => Better::Lower,
                    "revenue_usd" | "rating" => Better::Higher,
                    _ => Better::Neither,
                };
                let summed = !matches!(column, "rating" | "latency_ms");
                (canonical.holds, format!("r.{column}"), summed, better)
            }
            None => {
                let place = match self.numbers.iter().position(|known| known == column) {
                    Some(place) => place,
                    None => {
                        self.numbers.push(column.to_owned());
                        self.numbers.len() - 1
                    }
                };
                (Holds::Score, format!("r.number_{}", place + 1), false, Better::Neither)
            }
        };
        let when = format!("FILTER (WHERE {} AND {{when}})", known(&expression, holds));
        Ok(match sums.unwrap_or(sums_by_itself) {
            true => Metric {
                shape: Shape::Total,
                better,
                // Who spent nothing spent 0.
                figure: format!("COALESCE(sum({expression}) {when}, 0)"),
                second: None,
                quantile: None,
            },
            false => Metric {
                shape: Shape::Ratio,
                better,
                figure: format!("sum({expression}) {when}"),
                second: Some(format!("count({expression}) {when}")),
                quantile: None,
            },
        })
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &Metric)> {
        (1..).zip(&self.list)
    }

    /// The figures of a user, `figure_1`, `second_1`, …: a list of columns over requests `r` and exposures `e`. With
    /// `before`, what the same figure was before the exposure too: `covariate_1`, …
    pub fn figures(&self, before: bool) -> String {
        let (since, until) = ("r.occurred_at >= e.exposed_at", "r.occurred_at < e.exposed_at");
        // Without a time before, all rows are of the time since.
        let filled = |template: &str, when: &str| match before {
            true => template.replace("{when}", when),
            false => template.replace(" FILTER (WHERE {when})", "").replace(" AND {when}", ""),
        };
        let mut columns = String::new();
        for (n, metric) in self.numbered() {
            let array = if metric.shape == Shape::Lists { "[]" } else { "" };
            columns += &format!(", ({})::pg_catalog.float8{array} AS figure_{n}", filled(&metric.figure, since));
            if let Some(second) = &metric.second {
                columns += &format!(", ({})::pg_catalog.float8 AS second_{n}", filled(second, since));
            }
            if before && metric.shape == Shape::Total {
                columns += &format!(", ({})::pg_catalog.float8 AS covariate_{n}", filled(&metric.figure, until));
            }
        }
        columns
    }

    /// What figures are cut at, `cap_1`, …: the share $7 of those that are not 0, over all variants. A list of columns.
    pub fn caps(&self) -> String {
        let totals = self.numbered().filter(|(_, metric)| metric.shape == Shape::Total);
        let cap = |(n, _)| format!(", percentile_cont($7) WITHIN GROUP (ORDER BY NULLIF(p.figure_{n}, 0)) AS cap_{n}");
        totals.map(cap).collect()
    }

    /// A query of the values, one a metric and segment, over people `p` and caps `c`.
    pub fn values(&self, before: bool, capped: bool, method: Option<Method>) -> String {
        let value = |(n, metric): (usize, &Metric)| {
            let figure = match capped && metric.shape == Shape::Total {
                true => format!("LEAST(p.figure_{n}, c.cap_{n})"),
                false => format!("p.figure_{n}"),
            };
            let (aggregate, arguments) = match (metric.shape, method) {
                (Shape::Lists, _) => ("experiment_lists", figure),
                (Shape::Ratio, Some(Method::MannWhitney)) => {
                    ("experiment_sample", format!("{figure} / NULLIF(p.second_{n}, 0)"))
                }
                (_, Some(Method::MannWhitney)) => ("experiment_sample", figure),
                (Shape::Ratio, _) => ("experiment_ratio", format!("{figure}, p.second_{n}")),
                (Shape::Total, None | Some(Method::Welch)) if before => {
                    ("experiment", format!("{figure}, p.covariate_{n}"))
                }
                _ => ("experiment", figure),
            };
            let caps = if capped { " CROSS JOIN caps AS c" } else { "" };
            format!(
                "SELECT p.segment, {n} AS metric, user_metrics.{aggregate}(p.variant, {arguments}) AS value \
                 FROM people AS p{caps} GROUP BY p.segment"
            )
        };
        self.numbered().map(value).collect::<Vec<_>>().join(" UNION ALL ")
    }

    /// The method of each metric: that which the caller named, unless the metric is a quantile, or its own.
    pub fn methods(&self, named: Option<Method>) -> Vec<Method> {
        let method = |metric: &Metric| match metric.shape {
            Shape::Lists => Method::Quantile,
            Shape::Share => named.unwrap_or(Method::Proportions),
            Shape::Total | Shape::Ratio => named.unwrap_or(Method::Welch),
        };
        self.list.iter().map(method).collect()
    }

    /// Which quantile each metric is; `None` for those that are none.
    pub fn quantiles(&self) -> Vec<Option<f64>> {
        self.list.iter().map(|metric| metric.quantile).collect()
    }

    /// Which direction of each metric is good.
    pub fn better(&self) -> Vec<Better> {
        self.list.iter().map(|metric| metric.better).collect()
    }
}
