//! Exclusion of users from an experiment by a separate hash: namespaces, and the rollout of PostHog's flags.

use super::hash::{Draw, begun};
use super::{Hash, LONGEST_NAME, MOST_VARIANTS, Range, refuse, within};
use crate::base::error::Result;
use crate::base::json;
use serde_json::Value;

/// A condition for taking part in addition to having a variant.
#[derive(Clone, Debug)]
pub(super) enum Gate {
    /// The hash lies in one of the ranges.
    Within(Draw, Vec<Range>),
    /// The hash is not above this.
    UpTo(Draw, f64),
}

impl Gate {
    /// The gate of an experiment, `None` if all users take part.
    pub(super) fn of(namespace: Option<&str>, hash: Hash, seed: &str, coverage: f64) -> Result<Option<Self>> {
        Ok(match (namespace, hash) {
            (Some(namespace), _) => Some(namespace_gate(hash, namespace)?),
            (None, Hash::Posthog) if coverage < 1.0 => {
                Some(Gate::UpTo(Draw::Posthog(begun(&[seed, "."]), ""), coverage))
            }
            (None, _) => None,
        })
    }

    /// Whether the user with this id takes part.
    #[inline]
    pub(super) fn admits(&self, id: &[u8]) -> bool {
        match self {
            Gate::Within(draw, ranges) => {
                let number = draw.number(id);
                ranges.iter().any(|range| within(number, range))
            }
            Gate::UpTo(draw, limit) => draw.number(id) <= *limit,
        }
    }
}

/// Reads a namespace in the format of GrowthBook's SDK: the older list of id, start and end, whose hash is always version 1,
/// or the newer filter of a seed and ranges. For other vendors it is the hash evaluated before that of the variant.
fn namespace_gate(hash: Hash, text: &str) -> Result<Gate> {
    let accepted = match hash.is_growthbook() {
        true => {
            "[\"id\", 0, 0.5] or {\"seed\": \"id\", \"ranges\": [[0, 0.5]], \"hashVersion\": 2}, with bounds from 0 to 1"
        }
        false => "[\"salt\", 0, 0.5] or {\"seed\": \"salt\", \"ranges\": [[0, 0.5]]}, with bounds from 0 to 1",
    };
    let wrong = || refuse("namespace", json::given(text), accepted);
    if hash == Hash::Posthog {
        return refuse("namespace", text, "NULL with hash posthog, which knows none");
    }
    let range = |bounds: &[Value]| match bounds {
        [from, to] => from.as_f64().zip(to.as_f64()).filter(|(from, to)| 0.0 <= *from && from <= to && *to <= 1.0),
        _ => None,
    };
    let namespace = json::parse::<Value>(text).unwrap_or_default();
    let (seed, ranges, version) = match &namespace {
        Value::Array(list) => match list.as_slice() {
            [Value::String(id), bounds @ ..] => (id.as_str(), range(bounds).map(|range| vec![range]), 1),
            _ => return wrong(),
        },
        Value::Object(filter) if filter.keys().all(|key| matches!(key.as_str(), "seed" | "ranges" | "hashVersion")) => {
            let version = match filter.get("hashVersion") {
                None => 2,
                Some(version) if hash.is_growthbook() && version.as_u64().is_some_and(|v| matches!(v, 1 | 2)) => {
                    version.as_u64().unwrap_or(2)
                }
                Some(_) => return wrong(),
            };
            let ranges = filter.get("ranges").and_then(Value::as_array).filter(|ranges| !ranges.is_empty());
            let ranges = ranges.and_then(|ranges| ranges.iter().map(|r| range(r.as_array()?)).collect());
            match filter.get("seed") {
                Some(Value::String(seed)) => (seed.as_str(), ranges, version),
                _ => return wrong(),
            }
        }
        _ => return wrong(),
    };
    let Some(ranges) = ranges.filter(|ranges| ranges.len() <= MOST_VARIANTS && seed.len() <= LONGEST_NAME) else {
        return wrong();
    };
    let draw = match (hash.is_growthbook(), &namespace, version) {
        (true, Value::Array(_), _) => Hash::GrowthbookV1.draw(&format!("__{seed}")),
        (true, _, 1) => Hash::GrowthbookV1.draw(seed),
        (true, ..) => Hash::GrowthbookV2.draw(seed),
        // Layers and allocations of Statsig have a thousand parts in all cases.
        (false, ..) if hash == Hash::StatsigGate => Hash::Statsig.draw(seed),
        (false, ..) => hash.draw(seed),
    };
    let of_parts = if hash == Hash::StatsigGate { Hash::Statsig } else { hash };
    let ranges = ranges.into_iter().map(|(from, to)| (of_parts.bound(from), of_parts.bound(to)));
    Ok(Gate::Within(draw, ranges.collect()))
}
