//! The golden cases of survival.

use crate::{Golden, Said, Zones, hex};
use serde::Deserialize;
use serde_json::{Value, json};
use user_metrics_core::base::state::State;
use user_metrics_core::survival::{Bounds, Curve, Sample, Step, Survival, Weighting, logrank_of};
use user_metrics_core::{Error, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    origin: String,
    /// The durations of each group: seconds, whether it happened, and the late entry if there is one.
    groups: Vec<Vec<Duration>>,
    readout: String,
    #[serde(default)]
    arguments: Arguments,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    #[serde(default)]
    tolerance: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Duration {
    Whole(f64, bool),
    Late(f64, bool, f64),
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Arguments {
    bounds: Option<String>,
    until_seconds: Option<f64>,
    group_names: Option<Vec<String>>,
    strata: Option<Vec<String>>,
    weighting: Option<String>,
    quantiles: Vec<f64>,
    at_seconds: Option<Vec<f64>>,
}

fn fed<'a>(durations: impl IntoIterator<Item = &'a Duration>) -> Result<Survival> {
    let mut survival = Survival::new();
    durations.into_iter().try_for_each(|&duration| match duration {
        Duration::Whole(seconds, happened) => survival.observe(seconds, happened),
        Duration::Late(seconds, happened, entry) => survival.observe_from(entry, seconds, happened),
    })?;
    Ok(survival)
}

impl Case {
    /// The bytes of a group: the same in one pass, backwards, and merged from a value each.
    fn value(&self, durations: &[Duration]) -> Result<Vec<u8>> {
        let bytes = fed(durations)?.encode()?;
        assert_eq!(fed(durations.iter().rev())?.encode()?, bytes, "{}: backwards", self.name);
        let mut merged = Survival::new();
        for duration in durations {
            merged.merge(&Survival::decode(&fed([duration])?.encode()?)?)?;
        }
        assert_eq!(merged.encode()?, bytes, "{}: merged", self.name);
        assert_eq!(Survival::decode(&bytes)?.encode()?, bytes, "{}: read back", self.name);
        Ok(bytes)
    }

    /// How each of the expected refusals comes out.
    fn refusals(&self) -> Vec<Value> {
        let refusal = |row: &Vec<Value>| {
            let digits = row[0].as_str().and_then(|text| text.strip_prefix("\\x")).expect("bytes");
            let byte = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).expect("digits");
            match Survival::decode(&(0..digits.len()).step_by(2).map(byte).collect::<Vec<_>>()) {
                Ok(_) => json!([row[0], null, null]),
                Err(Error::Corrupt { what }) => json!([row[0], "22P02", what]),
                Err(Error::UnknownVersion { given }) => json!([row[0], "0A000", format!("layout version {given}")]),
                Err(other) => panic!("{}: refused as {other:?}", self.name),
            }
        };
        self.rows.iter().map(refusal).collect()
    }
}

fn step_row(step: &Step) -> Value {
    let (low, high) = step.bounds.unzip();
    json!([step.seconds, step.at_risk, step.events, step.censored, step.survival, low, high])
}

impl Golden for Case {
    fn said(&self) -> Said<'_> {
        let Case { name, origin, columns, rows, tolerance, .. } = self;
        Said { name, origin, columns, rows, tolerance: *tolerance }
    }

    fn answer(&self, _: &Zones) -> Result<Vec<Value>> {
        if self.readout == "refused" {
            return Ok(self.refusals());
        }
        let bytes = self.groups.iter().map(|group| self.value(group)).collect::<Result<Vec<_>>>()?;
        let values = bytes.iter().map(|bytes| Survival::decode(bytes)).collect::<Result<Vec<_>>>()?;
        let bounds = self.arguments.bounds.as_deref().map_or(Ok(Bounds::default()), Bounds::parse)?;
        let curve = || Curve::with_bounds(&values[0], 0.95, bounds);
        match &self.readout[..] {
            "value" => Ok(bytes.iter().map(|bytes| json!([hex(bytes)])).collect()),
            "survival_curve" => Ok(match &self.arguments.at_seconds {
                None => curve()?.steps().iter().map(step_row).collect(),
                Some(times) => curve()?.at(times)?.iter().map(step_row).collect(),
            }),
            "survival_quantiles" => {
                let curve = curve()?;
                let row = |&share: &f64| {
                    let time = curve.quantile("quantiles", share)?;
                    Ok(json!([share, time.seconds, time.low, time.high]))
                };
                self.arguments.quantiles.iter().map(row).collect()
            }
            "survival_mean" => {
                let mean = curve()?.mean(self.arguments.until_seconds)?;
                let (low, high) = mean.bounds.unzip();
                Ok(vec![json!([mean.until, mean.seconds, low, high])])
            }
            "logrank" => {
                let Arguments { group_names, strata, weighting, .. } = &self.arguments;
                let number = |names: &Option<Vec<String>>, n: usize, otherwise: usize| {
                    let Some(names) = names else { return otherwise };
                    let mut known = names.clone();
                    known.sort();
                    known.dedup();
                    known.iter().position(|name| *name == names[n]).expect("among the names")
                };
                let sample = |(n, durations)| Sample {
                    durations,
                    group: number(group_names, n, n),
                    stratum: number(strata, n, 0),
                };
                let mut samples = values.iter().enumerate().map(sample).collect::<Vec<_>>();
                let groups = samples.iter().map(|sample| sample.group + 1).max().unwrap_or(0);
                let weighting = weighting.as_deref().map_or(Ok(Weighting::default()), Weighting::parse)?;
                let test = logrank_of(&mut samples, groups, weighting)?;
                Ok(vec![json!([test.groups, test.statistic, test.degrees_of_freedom, test.p_value])])
            }
            other => panic!("{}: there is no readout {other}", self.name),
        }
    }
}
