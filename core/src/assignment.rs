//! Assignment of users to the variants of an experiment, as decided by the vendor's SDK. Definitions D82 and D83.
//!
//! An assignment is a function of the user id and the experiment only: the id is hashed with the experiment's seed to a
//! number from 0 to 1, and the user gets the variant whose range contains it. Each vendor does this differently, and the
//! variants match only if the method is followed to the bit. Each method is described at its [`Hash`](enum@Hash).
//!
//! An id is the text that the application hashed. JavaScript SDKs and those modelled on them hash UTF-16 code units, the
//! others UTF-8 bytes. Bytes that are not valid UTF-8 count as U+FFFD, as an application would have decoded them.

use crate::base::error::{Error, Result};
use crate::base::user_table::is_blank;
use crate::function::Function;

pub mod assignment_audit;
mod definition;
mod gate;
mod hash;
mod terms;

pub use definition::{Variant, parse_variants, payloads};
use gate::Gate;
pub use hash::Hash;
use hash::{Draw, decimal};
pub use terms::Terms;
use terms::{coverage, name, variants, weights};

/// The function that compares a log with assignments.
pub const FUNCTIONS: &[&Function] = &[&assignment_audit::FUNCTION];

/// The most variants of an experiment: hashes have only a thousand or ten thousand values.
const MOST_VARIANTS: usize = 1000;
/// The most bytes of a name.
const LONGEST_NAME: usize = 1000;

fn refuse<T>(name: &'static str, given: impl ToString, accepted: &str) -> Result<T> {
    Err(Error::Argument { name, given: given.to_string(), accepted: accepted.to_owned() })
}

/// A range of numbers: from the first, inclusive, to the second, exclusive.
type Range = (f64, f64);

#[inline]
fn within(number: f64, range: &Range) -> bool {
    number >= range.0 && number < range.1
}

/// An experiment ready to assign.
#[derive(Clone, Debug)]
pub struct Assignment {
    variants: Vec<String>,
    ranges: Vec<Range>,
    draw: Draw,
    gate: Option<Gate>,
}

impl Assignment {
    /// Reads the terms of an experiment. Terms that the SDKs would silently replace are rejected: weights that do not add
    /// up, a coverage outside 0 to 1, an unknown hash version.
    ///
    /// ```
    /// # use user_metrics_core::assignment::{Assignment, Terms};
    /// let variants = [Some("control".to_owned()), Some("treatment".to_owned())];
    /// let terms = Terms { experiment: Some("new_chat_ui"), variants: Some(&variants), ..Terms::default() };
    /// let experiment = Assignment::new(&terms).unwrap();
    /// assert_eq!(experiment.variant(b"user-1"), Some("control"));
    /// assert_eq!(experiment.variant(b" "), None);
    /// ```
    pub fn new(terms: &Terms<'_>) -> Result<Self> {
        let called = if terms.defining { "name" } else { "experiment" };
        let experiment = name(called, terms.experiment, "the name of an experiment")?;
        let variants = variants(terms)?;
        let hash = Hash::named(terms.hash.unwrap_or("growthbook_v2"))?;
        let seed = match terms.seed {
            // GrowthBook would use the experiment's key instead.
            Some("") => return refuse("seed", "", "a seed that is not empty, or NULL for the experiment's name"),
            Some(seed) if seed.len() > LONGEST_NAME => name("seed", Some(seed), "a seed")?,
            Some(seed) => seed,
            None => experiment,
        };
        let coverage = coverage(hash, terms.coverage)?;
        let weights = weights(terms, variants.len())?;
        let mut reached = 0.0;
        let ranges = weights.into_iter().map(|weight| {
            let from = reached;
            reached += weight;
            // PostHog's coverage is a separate number, and the coverage of the other vendors is not known here.
            let to = if hash.is_growthbook() { from + coverage * weight } else { reached };
            (hash.bound(from), hash.bound(to))
        });
        let gate = Gate::of(terms.namespace, hash, seed, coverage)?;
        Ok(Assignment { ranges: ranges.collect(), draw: hash.draw(seed), gate, variants })
    }

    /// The index of a user's variant, by the bytes of the id; `None` for a blank id and for users who do not take part.
    #[inline]
    pub fn place(&self, id: &[u8]) -> Option<usize> {
        if is_blank(id) || self.gate.as_ref().is_some_and(|gate| !gate.admits(id)) {
            return None;
        }
        let number = self.draw.number(id);
        self.ranges.iter().position(|range| within(number, range))
    }

    /// The same for a user id of type uuid, in its usual text form.
    #[inline]
    pub fn place_of_uuid(&self, id: [u8; 16]) -> Option<usize> {
        let (mut text, mut at) = ([b'-'; 36], 0);
        for (i, byte) in id.into_iter().enumerate() {
            at += usize::from(matches!(i, 4 | 6 | 8 | 10));
            for digit in [byte >> 4, byte & 15] {
                text[at] = b"0123456789abcdef"[usize::from(digit)];
                at += 1;
            }
        }
        self.place(&text)
    }

    /// The same for an integer user id, in decimal.
    #[inline]
    pub fn place_of_bigint(&self, id: i64) -> Option<usize> {
        let (mut digits, mut text) = ([0; 20], [b'-'; 21]);
        let digits = decimal(id.unsigned_abs(), &mut digits);
        let from = usize::from(id < 0);
        let to = from + digits.len();
        text[from..to].copy_from_slice(digits);
        self.place(&text[..to])
    }

    /// The name of a user's variant.
    pub fn variant(&self, id: &[u8]) -> Option<&str> {
        self.variants.get(self.place(id)?).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::hash::HASHES;
    use super::*;
    use proptest::prelude::*;

    pub(super) fn names(list: &[&str]) -> Vec<Option<String>> {
        list.iter().map(|&name| Some(name.to_owned())).collect()
    }

    pub(super) fn two() -> Vec<Option<String>> {
        names(&["control", "treatment"])
    }

    pub(super) fn hashes() -> impl Strategy<Value = &'static str> {
        prop::sample::select(HASHES.map(|(name, _)| name).to_vec())
    }

    fn ids() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z0-9-]{1,40}", "\\PC{1,20}", "[a-zé😀𝒳]{1,12}"]
            .prop_filter("somebody", |id| !is_blank(id.as_bytes()))
    }

    /// `getBucketRange` for the same cases, except those rejected here.
    #[test]
    fn ranges_are_those_of_growthbooks_cases() {
        type Case<'a> = (usize, f64, Option<&'a [f64]>, &'a [Range]);
        let cases: [Case<'_>; 7] = [
            (2, 1.0, None, &[(0.0, 0.5), (0.5, 1.0)]),
            (2, 0.5, None, &[(0.0, 0.25), (0.5, 0.75)]),
            (2, 0.0, None, &[(0.0, 0.0), (0.5, 0.5)]),
            (4, 1.0, None, &[(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)]),
            (2, 1.0, Some(&[0.4, 0.6]), &[(0.0, 0.4), (0.4, 1.0)]),
            (3, 0.2, Some(&[0.2, 0.3, 0.5]), &[(0.0, 0.04), (0.2, 0.26), (0.5, 0.6)]),
            (2, 1.0, Some(&[0.4, 0.5999]), &[(0.0, 0.4), (0.4, 0.9999)]),
        ];
        for (count, coverage, weights, expected) in cases {
            let variants = names(&["a", "b", "c", "d"][..count]);
            let weights: Option<Vec<_>> = weights.map(|weights| weights.iter().copied().map(Some).collect());
            let terms = Terms {
                experiment: Some("x"),
                variants: Some(&variants),
                weights: weights.as_deref(),
                coverage: Some(coverage),
                ..Terms::default()
            };
            let found = Assignment::new(&terms).unwrap().ranges;
            let near = |(ours, theirs): (&Range, &Range)| {
                (ours.0 - theirs.0).abs() < 1e-15 && (ours.1 - theirs.1).abs() < 1e-15
            };
            assert!(found.len() == expected.len() && found.iter().zip(expected).all(near), "{found:?}");
        }
    }

    #[test]
    fn who_is_nobody_has_no_variant() {
        let variants = two();
        let terms = Terms { experiment: Some("x"), variants: Some(&variants), ..Terms::default() };
        let assignment = Assignment::new(&terms).unwrap();
        for id in ["", " ", "\t\r\n"] {
            assert_eq!(assignment.variant(id.as_bytes()), None);
        }
        assert!(assignment.variant(b"x").is_some());
        assert!(assignment.variant(b"\xff").is_some());
    }

    #[test]
    fn ids_that_are_no_text_count_as_their_text() {
        let variants = names(&["a", "b", "c", "d", "e", "f", "g"]);
        let terms = Terms { experiment: Some("x"), variants: Some(&variants), ..Terms::default() };
        let assignment = Assignment::new(&terms).unwrap();
        for id in [0, 7, -1, 42, i64::MAX, i64::MIN] {
            assert_eq!(assignment.place_of_bigint(id), assignment.place(id.to_string().as_bytes()));
        }
        let id = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128;
        assert_eq!(
            assignment.place_of_uuid(id.to_be_bytes()),
            assignment.place(b"01234567-89ab-cdef-fedc-ba9876543210")
        );
    }

    proptest! {
        #[test]
        fn everybody_has_exactly_one_variant(id in ids(), hash in hashes(), count in 2..9usize, seed in "[a-z]{1,9}") {
            let variants = (0..count).map(|i| Some(i.to_string())).collect::<Vec<_>>();
            let terms = Terms { experiment: Some("x"), variants: Some(&variants), hash: Some(hash), seed: Some(&seed), ..Terms::default() };
            let assignment = Assignment::new(&terms).unwrap();
            let number = assignment.draw.number(id.as_bytes());
            prop_assert!((0.0..=1.0).contains(&number));
            prop_assert_eq!(assignment.ranges.iter().filter(|range| within(number, range)).count(), 1);
            prop_assert!(assignment.variant(id.as_bytes()).is_some());
        }

        #[test]
        fn whatever_is_given_is_read_or_refused(
            json in "\\PC{0,60}",
            namespace in "[\\[\\]{}:,\"a-z0-9. ]{0,40}",
            weights in prop::collection::vec(prop::option::of(any::<f64>()), 0..4),
            coverage in any::<f64>(),
            hash in hashes(),
            seed in "\\PC{0,9}",
        ) {
            let _ = parse_variants(&json);
            let variants = two();
            let terms = Terms { experiment: Some("x"), variants: Some(&variants), hash: Some(hash), ..Terms::default() };
            for terms in [
                Terms { weights: Some(&weights), ..terms },
                Terms { coverage: Some(coverage), ..terms },
                Terms { seed: Some(&seed), ..terms },
                Terms { namespace: Some(&namespace), ..terms },
            ] {
                if let Ok(assignment) = Assignment::new(&terms) {
                    prop_assert!(assignment.ranges.iter().all(|(from, to)| from <= to));
                    assignment.place(seed.as_bytes());
                }
            }
        }

        /// More coverage adds users and moves none from one variant to another.
        #[test]
        fn coverage_only_adds(id in ids(), low in 0.0..1.0f64, high in 0.0..1.0f64, v1 in any::<bool>()) {
            let (low, high) = (low.min(high), low.max(high));
            for hash in [if v1 { "growthbook_v1" } else { "growthbook_v2" }, "posthog"] {
                let variants = two();
                let with = |coverage| {
                    let terms = Terms { experiment: Some("x"), variants: Some(&variants), hash: Some(hash), coverage: Some(coverage), ..Terms::default() };
                    Assignment::new(&terms).unwrap().variant(id.as_bytes()).map(str::to_owned)
                };
                let (some, more, all) = (with(low), with(high), with(1.0));
                prop_assert!(some.is_none() || some == more);
                prop_assert!(more.is_none() || more == all);
            }
        }
    }

    /// The shares are as requested: 20,000 users, within five standard deviations.
    #[test]
    fn users_are_dealt_out_by_weight() {
        let variants = names(&["a", "b", "c"]);
        let weights = [Some(0.1), Some(0.3), Some(0.6)];
        for (hash, _) in HASHES {
            let terms = Terms {
                experiment: Some("x"),
                variants: Some(&variants),
                weights: Some(&weights),
                hash: Some(hash),
                ..Terms::default()
            };
            let assignment = Assignment::new(&terms).unwrap();
            let mut users = [0.0; 3];
            for i in 0..20_000 {
                let variant = assignment.variant(format!("user-{i}").as_bytes()).unwrap();
                users[usize::from(variant.as_bytes()[0] - b'a')] += 1.0;
            }
            for (users, weight) in users.iter().zip([0.1f64, 0.3, 0.6]) {
                let deviation = (users - 20_000.0 * weight) / (20_000.0 * weight * (1.0 - weight)).sqrt();
                assert!(deviation.abs() < 5.0, "{hash}: {users} of {weight}");
            }
        }
    }
}
