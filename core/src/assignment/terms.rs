//! The terms of an experiment given by a caller, and their validation: terms that the SDKs would silently replace are
//! rejected.

use super::{Hash, LONGEST_NAME, MOST_VARIANTS, refuse};
use crate::base::error::Result;
use crate::base::user_table::is_blank;
use std::fmt;

/// An experiment as given by a caller. `None` is not given, and has a default or is an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// The experiment's name or key.
    pub experiment: Option<&'a str>,
    /// The variants in order; the order affects the assignment.
    pub variants: Option<&'a [Option<String>]>,
    /// The share of each variant; equal by default.
    pub weights: Option<&'a [Option<f64>]>,
    /// The share of users who take part; all by default.
    pub coverage: Option<f64>,
    /// The name of the [`Hash`](enum@super::Hash); `growthbook_v2` by default.
    pub hash: Option<&'a str>,
    /// The seed of the hash; the experiment's name by default.
    pub seed: Option<&'a str>,
    /// Restriction of users by a separate hash, in JSON: `["id", 0, 0.5]` or `{"seed": …, "ranges": [[0, 0.5]]}`.
    pub namespace: Option<&'a str>,
    /// Whether these are the arguments of `define_experiment`, whose names differ, for messages.
    pub defining: bool,
}

/// A valid name: not blank, not too long.
pub(super) fn name<'a>(argument: &'static str, given: Option<&'a str>, accepted: &str) -> Result<&'a str> {
    match given {
        Some(name) if !is_blank(name.as_bytes()) && name.len() <= LONGEST_NAME => Ok(name),
        Some(name) if name.len() > LONGEST_NAME => {
            refuse(argument, format!("{}…", name.chars().take(40).collect::<String>()), "at most 1000 bytes")
        }
        _ => refuse(argument, given.unwrap_or("NULL"), accepted),
    }
}

/// A list for messages.
fn listed<T: fmt::Display>(list: &[Option<T>]) -> String {
    let shown = list.iter().take(20).map(|item| item.as_ref().map_or_else(|| "NULL".to_owned(), T::to_string));
    shown.collect::<Vec<_>>().join(", ") + if list.len() > 20 { ", …" } else { "" }
}

pub(super) fn variants(terms: &Terms<'_>) -> Result<Vec<String>> {
    let accepted = match terms.defining {
        true => "2 to 1000 variants of different names of at most 1000 bytes",
        false => {
            "2 to 1000 different names of at most 1000 bytes, in their order, such as ARRAY['control', 'treatment']"
        }
    };
    let Some(given) = terms.variants else { return refuse("variants", "NULL", accepted) };
    let named =
        |variant: &Option<String>| variant.clone().filter(|v| !is_blank(v.as_bytes()) && v.len() <= LONGEST_NAME);
    let variants = given.iter().take(MOST_VARIANTS).filter_map(named).collect::<Vec<_>>();
    let mut sorted = variants.iter().collect::<Vec<_>>();
    sorted.sort_unstable();
    let different = sorted.is_sorted_by(|a, b| a < b);
    if variants.len() != given.len() || variants.len() < 2 || !different {
        return refuse("variants", listed(given), accepted);
    }
    Ok(variants)
}

pub(super) fn weights(terms: &Terms<'_>, variants: usize) -> Result<Vec<f64>> {
    let Some(given) = terms.weights else { return Ok(vec![1.0 / variants as f64; variants]) };
    let weights = given.iter().flatten().copied().filter(|w| w.is_finite() && *w >= 0.0).collect::<Vec<_>>();
    let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
    // The tolerance is GrowthBook's, which uses equal weights beyond it.
    if weights.len() == given.len() && weights.len() == variants && (0.99..=1.01).contains(&sum) {
        return Ok(weights);
    }
    match terms.defining {
        true => refuse("variants", listed(given), "weights of 0 or more that add up to 1, or none at all"),
        false => refuse(
            "weights",
            listed(given),
            "one weight of 0 or more a variant that add up to 1, or NULL for equal ones",
        ),
    }
}

pub(super) fn coverage(hash: Hash, given: Option<f64>) -> Result<f64> {
    let coverage = given.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&coverage) {
        return refuse("coverage", coverage, "a share of users from 0 to 1");
    }
    if coverage < 1.0 && hash.parts().is_some() {
        let accepted = "1 with this hash, whose share of users is drawn with a salt of its own: give that as namespace, such as \
                        '[\"salt\", 0, 0.5]'";
        return refuse("coverage", coverage, accepted);
    }
    Ok(coverage)
}

#[cfg(test)]
mod tests {
    use super::super::Assignment;
    use super::super::tests::{names, two};
    use super::*;
    use crate::base::error::Error;
    use serde_json::json;

    /// The name of the argument that is rejected.
    fn refused(terms: Terms<'_>) -> &'static str {
        match Assignment::new(&terms) {
            Err(Error::Argument { name, .. }) => name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn where_an_sdk_would_guess_there_is_a_refusal() {
        let variants = two();
        let good = Terms { experiment: Some("x"), variants: Some(&variants), ..Terms::default() };
        assert!(Assignment::new(&good).is_ok());
        for experiment in [None, Some(""), Some(" "), Some("x".repeat(1001).as_str())] {
            assert_eq!(refused(Terms { experiment, ..good }), "experiment");
            assert_eq!(refused(Terms { experiment, defining: true, ..good }), "name");
        }
        let many = vec![Some("x".to_owned()); 1001];
        let lists =
            [vec![], names(&["a"]), names(&["a", "a"]), names(&["a", ""]), vec![Some("a".to_owned()), None], many];
        for list in &lists {
            assert_eq!(refused(Terms { variants: Some(list), ..good }), "variants");
        }
        assert_eq!(refused(Terms { variants: None, ..good }), "variants");
        let wrong: [&[Option<f64>]; 8] = [
            &[],
            &[Some(1.0)],
            &[Some(0.4), Some(0.1)],
            &[Some(0.7), Some(0.6)],
            &[Some(1.2), Some(-0.2)],
            &[Some(f64::NAN), Some(1.0)],
            &[Some(0.5), None],
            &[Some(0.5), Some(0.25), Some(0.25)],
        ];
        for weights in wrong {
            assert_eq!(refused(Terms { weights: Some(weights), ..good }), "weights");
            assert_eq!(refused(Terms { weights: Some(weights), defining: true, ..good }), "variants");
        }
        for coverage in [-0.2, 1.5, f64::NAN, f64::INFINITY] {
            assert_eq!(refused(Terms { coverage: Some(coverage), ..good }), "coverage");
        }
        for hash in ["statsig", "statsig_gate", "eppo"] {
            assert_eq!(refused(Terms { coverage: Some(0.5), hash: Some(hash), ..good }), "coverage");
        }
        for hash in ["", "99", "GrowthBook_v2", "murmur3"] {
            assert_eq!(refused(Terms { hash: Some(hash), ..good }), "hash");
        }
        assert_eq!(refused(Terms { seed: Some(""), ..good }), "seed");
        assert_eq!(refused(Terms { seed: Some("x".repeat(1001).as_str()), ..good }), "seed");
        for namespace in [
            json!(null),
            json!("n"),
            json!([]),
            json!(["n"]),
            json!(["n", 0]),
            json!([1, 0, 1]),
            json!(["n", 0, 1, 2]),
            json!(["n", 0.5, 0.4]),
            json!(["n", -0.1, 0.4]),
            json!(["n", 0, 1.1]),
            json!(["n", "0", "1"]),
            json!({}),
            json!({"seed": "n"}),
            json!({"seed": "n", "ranges": []}),
            json!({"seed": "n", "ranges": [0, 1]}),
            json!({"seed": "n", "ranges": [[0, 1]], "hashVersion": 3}),
            json!({"seed": "n", "ranges": [[0, 1]], "attribute": "company"}),
            json!({"ranges": [[0, 1]]}),
        ] {
            assert_eq!(refused(Terms { namespace: Some(&namespace.to_string()), ..good }), "namespace", "{namespace}");
        }
        let namespace = json!(["n", 0, 1]);
        assert_eq!(
            refused(Terms { namespace: Some(&namespace.to_string()), hash: Some("posthog"), ..good }),
            "namespace"
        );
        let namespace = json!({"seed": "n", "ranges": [[0, 1]], "hashVersion": 2});
        assert_eq!(refused(Terms { namespace: Some(&namespace.to_string()), hash: Some("eppo"), ..good }), "namespace");
    }
}
