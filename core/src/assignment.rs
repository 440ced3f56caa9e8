//! Which variant of an experiment a user gets, as the SDK that gave it them decided. Definitions D82 and D83.
//!
//! An assignment is a function of the user's id and the experiment alone: the id is hashed with the experiment's seed to a
//! number from 0 to 1, and the variant in whose range that falls is the user's. Every vendor does that in a way of
//! their own, and whoever wants the variants must follow it to the bit. Each way is at its [`Hash`].
//!
//! An id is the text the application hashed. JavaScript and what imitates it hashes UTF-16 code units, the others bytes of
//! UTF-8. Bytes that are no UTF-8 count as U+FFFD, which is what an application would have made of them.

use crate::error::{Error, Result};
use crate::users::is_blank;
use md5::Md5;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt;

/// Whose rule decides, in the words of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// GrowthBook, hash version 2: FNV-1a (32 bits) of seed and id, then of its decimal digits, in ten-thousandths.
    GrowthbookV2,
    /// GrowthBook, hash version 1: FNV-1a of id and seed, in thousandths. Experiments that run side by side are not quite
    /// independent under it, which is why there is a second version.
    GrowthbookV1,
    /// The groups of a Statsig experiment: the first 64 bits of SHA-256 of `seed.id`, in thousandths.
    Statsig,
    /// A rule of a Statsig feature gate, as an experiment of pass and fail: the same in ten-thousandths, where the seed is
    /// the gate's salt, a full stop and the rule's salt.
    StatsigGate,
    /// The variants of a PostHog feature flag: the first 60 bits of SHA-1 of `seed.id` and the word `variant`. Whether the
    /// flag is rolled out to the user is a number of its own, without that word.
    Posthog,
    /// Eppo's shards: the first 32 bits of MD5 of `seed-id`, in ten-thousandths.
    Eppo,
}

const HASHES: [(&str, Hash); 6] = [
    ("growthbook_v2", Hash::GrowthbookV2),
    ("growthbook_v1", Hash::GrowthbookV1),
    ("statsig", Hash::Statsig),
    ("statsig_gate", Hash::StatsigGate),
    ("posthog", Hash::Posthog),
    ("eppo", Hash::Eppo),
];

impl Hash {
    /// The hash of a name, or a refusal that lists them.
    pub fn named(name: &str) -> Result<Self> {
        let found = HASHES.iter().find(|(known, _)| *known == name);
        found.map(|(_, hash)| *hash).ok_or_else(|| Error::not_one_of("hash", name, &HASHES.map(|(known, _)| known)))
    }

    fn is_growthbook(self) -> bool {
        matches!(self, Hash::GrowthbookV1 | Hash::GrowthbookV2)
    }

    /// Into how many parts a vendor divides users whose rules count whole parts.
    fn parts(self) -> Option<f64> {
        match self {
            Hash::Statsig => Some(1000.0),
            Hash::StatsigGate | Hash::Eppo => Some(10_000.0),
            Hash::GrowthbookV1 | Hash::GrowthbookV2 | Hash::Posthog => None,
        }
    }

    /// A bound as the vendor has it: a whole number of parts, where those are counted.
    fn bound(self, share: f64) -> f64 {
        self.parts().map_or(share, |parts| (share * parts).round() / parts)
    }

    fn draw(self, seed: &str) -> Draw {
        match self {
            Hash::GrowthbookV2 => Draw::GrowthbookV2(fnv(FNV_BASIS, seed.as_bytes())),
            Hash::GrowthbookV1 => Draw::GrowthbookV1(seed.encode_utf16().collect()),
            Hash::Statsig => Draw::Statsig(begun(&[seed, "."]), 1000),
            Hash::StatsigGate => Draw::Statsig(begun(&[seed, "."]), 10_000),
            Hash::Posthog => Draw::Posthog(begun(&[seed, "."]), "variant"),
            Hash::Eppo => Draw::Eppo(begun(&[seed, "-"])),
        }
    }
}

const FNV_BASIS: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

/// Takes a code unit into an FNV-1a hash. Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic
/// Hash Algorithm", RFC 9923; over 16-bit units instead of octets, as JavaScript's `charCodeAt` gives them.
#[inline]
fn fnv_unit(state: u32, unit: u16) -> u32 {
    (state ^ u32::from(unit)).wrapping_mul(FNV_PRIME)
}

/// Takes the UTF-16 code units of a text into an FNV-1a hash.
#[inline]
fn fnv(state: u32, text: &[u8]) -> u32 {
    if text.is_ascii() {
        return text.iter().fold(state, |state, &byte| fnv_unit(state, byte.into()));
    }
    text.utf8_chunks().fold(state, |state, chunk| {
        let state = chunk.valid().encode_utf16().fold(state, fnv_unit);
        if chunk.invalid().is_empty() { state } else { fnv_unit(state, 0xfffd) }
    })
}

/// A digest that has taken in the parts of a prefix.
fn begun<D: Digest>(parts: &[&str]) -> D {
    parts.iter().fold(D::new(), |digest, part| digest.chain_update(part))
}

/// A digest of what is taken in already, an id and a suffix.
fn finished<D: Digest + Clone>(begun: &D, id: &[u8], suffix: &str) -> impl AsRef<[u8]> {
    let mut digest = begun.clone();
    for chunk in id.utf8_chunks() {
        digest.update(chunk.valid());
        if !chunk.invalid().is_empty() {
            digest.update("\u{fffd}");
        }
    }
    digest.chain_update(suffix).finalize()
}

/// The first eight bytes of a digest, most significant first.
fn leading(digest: impl AsRef<[u8]>) -> u64 {
    digest.as_ref().iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The decimal digits of a number.
#[inline]
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// How a user's id becomes a number from 0 to 1. What does not depend on the id is taken in beforehand.
#[derive(Clone, Debug)]
enum Draw {
    /// The hash after the seed.
    GrowthbookV2(u32),
    /// What follows the id.
    GrowthbookV1(Vec<u16>),
    /// The digest after the salt, and the number of parts.
    Statsig(Sha256, u64),
    /// The digest after the key, and what follows the id.
    Posthog(Sha1, &'static str),
    /// The digest after the salt.
    Eppo(Md5),
}

impl Draw {
    #[inline]
    fn number(&self, id: &[u8]) -> f64 {
        match self {
            Draw::GrowthbookV2(seeded) => {
                let mut digits = [0; 20];
                let again = fnv(FNV_BASIS, decimal(fnv(*seeded, id).into(), &mut digits));
                f64::from(again % 10_000) / 10_000.0
            }
            Draw::GrowthbookV1(seed) => {
                let hash = seed.iter().fold(fnv(FNV_BASIS, id), |state, &unit| fnv_unit(state, unit));
                f64::from(hash % 1000) / 1000.0
            }
            Draw::Statsig(salted, parts) => (leading(finished(salted, id, "")) % parts) as f64 / *parts as f64,
            Draw::Posthog(keyed, suffix) => {
                (leading(finished(keyed, id, suffix)) >> 4) as f64 / 0xfff_ffff_ffff_ffff_u64 as f64
            }
            Draw::Eppo(salted) => ((leading(finished(salted, id, "")) >> 32) % 10_000) as f64 / 10_000.0,
        }
    }
}

/// A range of numbers: from the first, inclusive, to the second, exclusive.
type Range = (f64, f64);

#[inline]
fn within(number: f64, range: &Range) -> bool {
    number >= range.0 && number < range.1
}

/// An experiment as a caller gives it. What is `None` is not given, and has a default or is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// The experiment's name or key.
    pub experiment: Option<&'a str>,
    /// The variants in their order, which decides who gets which.
    pub variants: Option<&'a [Option<String>]>,
    /// The share of each variant; equal ones where not given.
    pub weights: Option<&'a [Option<f64>]>,
    /// The share of users who take part; all where not given.
    pub coverage: Option<f64>,
    /// The name of the [`Hash`]; `growthbook_v2` where not given.
    pub hash: Option<&'a str>,
    /// What ids are hashed with; the experiment's name where not given.
    pub seed: Option<&'a str>,
    /// Who may take part at all, by a number of its own, in JSON: `["id", 0, 0.5]` or `{"seed": …, "ranges": [[0, 0.5]]}`.
    pub namespace: Option<&'a str>,
    /// Whether these are the arguments of `define_experiment`, whose names differ, for messages.
    pub defining: bool,
}

/// Who takes part for another reason than having a variant.
#[derive(Clone, Debug)]
enum Gate {
    /// Whose number lies in one of the ranges.
    Within(Draw, Vec<Range>),
    /// Whose number is not above this.
    UpTo(Draw, f64),
}

/// An experiment ready to assign.
#[derive(Clone, Debug)]
pub struct Assignment {
    variants: Vec<String>,
    ranges: Vec<Range>,
    draw: Draw,
    gate: Option<Gate>,
}

/// The most variants of an experiment: hashes have no more than a thousand or ten thousand numbers.
const MOST_VARIANTS: usize = 1000;
/// The most bytes of a name.
const LONGEST_NAME: usize = 1000;

fn refuse<T>(name: &'static str, given: impl ToString, accepted: &str) -> Result<T> {
    Err(Error::Argument { name, given: given.to_string(), accepted: accepted.to_owned() })
}

/// A name of somebody or something: not blank, not endless.
fn name<'a>(argument: &'static str, given: Option<&'a str>, accepted: &str) -> Result<&'a str> {
    match given {
        Some(name) if !is_blank(name.as_bytes()) && name.len() <= LONGEST_NAME => Ok(name),
        Some(name) if name.len() > LONGEST_NAME => {
            refuse(argument, format!("{}…", name.chars().take(40).collect::<String>()), "at most 1000 bytes")
        }
        _ => refuse(argument, given.unwrap_or("NULL"), accepted),
    }
}

/// A list as people write it.
fn listed<T: fmt::Display>(list: &[Option<T>]) -> String {
    let shown = list.iter().take(20).map(|item| item.as_ref().map_or_else(|| "NULL".to_owned(), T::to_string));
    shown.collect::<Vec<_>>().join(", ") + if list.len() > 20 { ", …" } else { "" }
}

impl Assignment {
    /// Reads the terms of an experiment. Where the SDKs would go on with something else than was asked for, they are refused:
    /// weights that do not add up, a coverage beyond 0 and 1, a hash version that is not known.
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
            // GrowthBook would take the experiment's key instead.
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
            // PostHog's coverage is a number of its own, and the others' are not known here.
            let to = if hash.is_growthbook() { from + coverage * weight } else { reached };
            (hash.bound(from), hash.bound(to))
        });
        let gate = match (terms.namespace, hash) {
            (Some(namespace), _) => Some(namespace_gate(hash, namespace)?),
            (None, Hash::Posthog) if coverage < 1.0 => {
                Some(Gate::UpTo(Draw::Posthog(begun(&[seed, "."]), ""), coverage))
            }
            (None, _) => None,
        };
        Ok(Assignment { ranges: ranges.collect(), draw: hash.draw(seed), gate, variants })
    }

    /// The place among the variants of a user's, by the bytes of their id, or `None` for one that names nobody or who does not
    /// take part.
    #[inline]
    pub fn place(&self, id: &[u8]) -> Option<usize> {
        if is_blank(id) {
            return None;
        }
        let takes_part = match &self.gate {
            None => true,
            Some(Gate::Within(draw, ranges)) => {
                let number = draw.number(id);
                ranges.iter().any(|range| within(number, range))
            }
            Some(Gate::UpTo(draw, limit)) => draw.number(id) <= *limit,
        };
        if !takes_part {
            return None;
        }
        let number = self.draw.number(id);
        self.ranges.iter().position(|range| within(number, range))
    }

    /// The same of the user whose id is a uuid, written as PostgreSQL and most programs write it.
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

    /// The same of the user whose id is a number, written in decimals.
    #[inline]
    pub fn place_of_bigint(&self, id: i64) -> Option<usize> {
        let (mut digits, mut text) = ([0; 20], [b'-'; 21]);
        let digits = decimal(id.unsigned_abs(), &mut digits);
        let from = usize::from(id < 0);
        let to = from + digits.len();
        text[from..to].copy_from_slice(digits);
        self.place(&text[..to])
    }

    /// The variant of a user by its name.
    pub fn variant(&self, id: &[u8]) -> Option<&str> {
        self.variants.get(self.place(id)?).map(String::as_str)
    }
}

fn variants(terms: &Terms<'_>) -> Result<Vec<String>> {
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

fn weights(terms: &Terms<'_>, variants: usize) -> Result<Vec<f64>> {
    let Some(given) = terms.weights else { return Ok(vec![1.0 / variants as f64; variants]) };
    let weights = given.iter().flatten().copied().filter(|w| w.is_finite() && *w >= 0.0).collect::<Vec<_>>();
    let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
    // The tolerance is GrowthBook's, which takes equal weights beyond it.
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

fn coverage(hash: Hash, given: Option<f64>) -> Result<f64> {
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

/// Reads a namespace as GrowthBook's SDK writes it: the older list of id, start and end, whose hash is always version 1, or
/// the newer filter of a seed and ranges. For the other vendors it is the draw that comes before that of the variant.
fn namespace_gate(hash: Hash, json: &str) -> Result<Gate> {
    let accepted = match hash.is_growthbook() {
        true => {
            "[\"id\", 0, 0.5] or {\"seed\": \"id\", \"ranges\": [[0, 0.5]], \"hashVersion\": 2}, with bounds from 0 to 1"
        }
        false => "[\"salt\", 0, 0.5] or {\"seed\": \"salt\", \"ranges\": [[0, 0.5]]}, with bounds from 0 to 1",
    };
    let wrong = || refuse("namespace", json, accepted);
    if hash == Hash::Posthog {
        return refuse("namespace", json, "NULL with hash posthog, which knows none");
    }
    let range = |bounds: &[Value]| match bounds {
        [from, to] => from.as_f64().zip(to.as_f64()).filter(|(from, to)| 0.0 <= *from && from <= to && *to <= 1.0),
        _ => None,
    };
    let namespace = serde_json::from_str::<Value>(json).unwrap_or_default();
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
        // Layers and allocations of Statsig are of a thousand parts whatever comes after them.
        (false, ..) if hash == Hash::StatsigGate => Hash::Statsig.draw(seed),
        (false, ..) => hash.draw(seed),
    };
    let of_parts = if hash == Hash::StatsigGate { Hash::Statsig } else { hash };
    let ranges = ranges.into_iter().map(|(from, to)| (of_parts.bound(from), of_parts.bound(to)));
    Ok(Gate::Within(draw, ranges.collect()))
}

/// A variant as `define_experiment` is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its share of users.
    pub weight: f64,
    /// What it stands for, such as a list of models.
    pub payload: Option<Value>,
}

/// The members of a JSON object as they are written, in their order and as often as they are there.
struct Members(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Reads the variants of `define_experiment`, in the order they are written in:
///
/// ```json
/// {"control": 0.5, "treatment": {"weight": 0.5, "payload": "gpt-4o/openai"}}
/// [{"name": "control", "weight": 0.5}, {"name": "treatment", "weight": 0.5, "payload": {"temperature": 0.2}}]
/// ["control", "treatment"]
/// ```
///
/// Without any weight all have the same. Whether the weights add up is for [`Assignment::new`] to say.
pub fn parse_variants(json: &str) -> Result<Vec<Variant>> {
    const ACCEPTED: &str = "a JSON object of variants and their weights, such as {\"control\": 0.5, \"treatment\": {\"weight\": 0.5, \
                            \"payload\": \"gpt-4o/openai\"}}, or a list of such as {\"name\": \"control\", \"weight\": 0.5}";
    let told = match (serde_json::from_str::<Members>(json), serde_json::from_str::<Vec<Value>>(json)) {
        (Ok(Members(members)), _) => {
            members.into_iter().map(|(name, told)| one(Some(name), &told)).collect::<Option<Vec<_>>>()
        }
        (_, Ok(list)) => list.iter().map(|told| one(None, told)).collect(),
        _ => None,
    };
    let Some(told) = told.filter(|told| told.len() <= MOST_VARIANTS) else { return refuse("variants", json, ACCEPTED) };
    let weighted = told.iter().filter(|(_, weight, _)| weight.is_some()).count();
    if weighted != 0 && weighted != told.len() {
        return refuse("variants", json, "a weight for every variant, or for none");
    }
    let equal = 1.0 / told.len() as f64;
    let variant =
        |(name, weight, payload): (String, Option<f64>, _)| Variant { name, weight: weight.unwrap_or(equal), payload };
    Ok(told.into_iter().map(variant).collect())
}

/// Name, weight and payload of a variant whose name stands before it or in it.
fn one(name: Option<String>, told: &Value) -> Option<(String, Option<f64>, Option<Value>)> {
    match (name, told) {
        (Some(name), Value::Number(weight)) => Some((name, Some(weight.as_f64()?), None)),
        (Some(name), Value::Null) => Some((name, None, None)),
        (None, Value::String(name)) => Some((name.clone(), None, None)),
        (name, Value::Object(parts)) => {
            let known = |key: &String| matches!(key.as_str(), "weight" | "payload") || name.is_none() && key == "name";
            if !parts.keys().all(known) {
                return None;
            }
            let weight = match parts.get("weight") {
                None | Some(Value::Null) => None,
                Some(weight) => Some(weight.as_f64()?),
            };
            let payload = parts.get("payload").filter(|payload| !payload.is_null()).cloned();
            let name = name.or_else(|| parts.get("name").and_then(Value::as_str).map(str::to_owned))?;
            Some((name, weight, payload))
        }
        _ => None,
    }
}

/// The payloads of variants as one JSON object, `None` where there are none.
pub fn payloads(variants: &[Variant]) -> Option<String> {
    let told = variants.iter().filter_map(|v| v.payload.clone().map(|payload| (v.name.clone(), payload)));
    let told = Map::from_iter(told);
    (!told.is_empty()).then(|| Value::Object(told).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn names(list: &[&str]) -> Vec<Option<String>> {
        list.iter().map(|&name| Some(name.to_owned())).collect()
    }

    fn two() -> Vec<Option<String>> {
        names(&["control", "treatment"])
    }

    /// The ids' numbers, in the cases every SDK of GrowthBook is tested by: `hash` of `cases.json` 0.7.1.
    #[test]
    fn growthbook_numbers_are_those_of_its_cases() {
        let cases = [
            ("", "a", 1, 0.22),
            ("", "b", 1, 0.077),
            ("b", "a", 1, 0.946),
            ("ef", "d", 1, 0.652),
            ("asdf", "8952klfjas09ujk", 1, 0.549),
            ("", "123", 1, 0.011),
            ("", "___)((*\":&", 1, 0.563),
            ("seed", "a", 2, 0.0505),
            ("seed", "b", 2, 0.2696),
            ("foo", "ab", 2, 0.2575),
            ("foo", "def", 2, 0.2019),
            ("89123klj", "8952klfjas09ujkasdf", 2, 0.124),
            ("90850943850283058242805", "123", 2, 0.7516),
            ("()**(%$##$%#$#", "___)((*\":&", 2, 0.0128),
        ];
        for (seed, id, version, expected) in cases {
            let hash = if version == 1 { Hash::GrowthbookV1 } else { Hash::GrowthbookV2 };
            assert_eq!(hash.draw(seed).number(id.as_bytes()), expected, "{seed} {id}");
        }
    }

    /// The shards of `test_sharders.py` in Eppo's Python SDK, whose input is salt, hyphen and id in one.
    #[test]
    fn eppo_shards_are_those_of_its_sdk() {
        for (input, shard) in [("test-input", 5619), ("alice", 3170), ("bob", 7420), ("charlie", 7497)] {
            let number = Draw::Eppo(begun(&[])).number(input.as_bytes());
            assert_eq!(number, f64::from(shard) / 10_000.0);
        }
        assert_eq!(Hash::Eppo.draw("test").number(b"input"), 0.5619);
    }

    /// `getBucketRange` of the same cases, as far as they are not refused here.
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

    /// Which argument is refused.
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

    #[test]
    fn variants_are_read_in_the_order_they_are_written_in() {
        let read = |json: &str| {
            let list = parse_variants(json).unwrap();
            list.into_iter().map(|v| (v.name, v.weight, v.payload)).collect::<Vec<_>>()
        };
        let variant = |name: &str, weight, payload| (name.to_owned(), weight, payload);
        assert_eq!(read(r#"{"off": 0.2, "on": 0.8}"#), [variant("off", 0.2, None), variant("on", 0.8, None)]);
        assert_eq!(
            read(
                r#"{"b": {"weight": 0.25, "payload": "gpt-4o/openai"}, "a": {"weight": 0.75, "payload": {"k": [1]}}}"#
            ),
            [variant("b", 0.25, Some(json!("gpt-4o/openai"))), variant("a", 0.75, Some(json!({"k": [1]})))]
        );
        assert_eq!(
            read(r#"["b", {"name": "a", "payload": null}]"#),
            [variant("b", 0.5, None), variant("a", 0.5, None)]
        );
        assert_eq!(read(r#"{"b": null, "a": {}}"#), [variant("b", 0.5, None), variant("a", 0.5, None)]);
        // Twice the same name is not made one of: it is refused as two of the same name.
        assert_eq!(read(r#"{"a": 0.5, "b": 0.5, "a": 0.5}"#).len(), 3);
        // All digits of a weight count.
        assert_eq!(read(r#"{"a": 0.30000000000000004, "b": 0.7}"#)[0].1, 0.1 + 0.2);
    }

    #[test]
    fn variants_that_make_no_sense_are_refused() {
        for json in [
            "",
            "null",
            "5",
            "\"a\"",
            "{\"a\": \"0.5\"}",
            "{\"a\": [0.5]}",
            "[5]",
            "[{\"weight\": 1}]",
            "{\"a\": {\"share\": 1}}",
            "{\"a\": {\"name\": \"b\"}}",
            "{\"a\": 0.5, \"b\": null}",
            "{\"a\": {\"weight\": \"all\"}, \"b\": 1}",
            "{\"a\": 0.5,",
        ] {
            assert!(matches!(parse_variants(json), Err(Error::Argument { name: "variants", .. })), "{json}");
        }
        // None at all is for the terms to refuse.
        assert_eq!(parse_variants("{}").unwrap(), []);
        assert_eq!(parse_variants("[]").unwrap(), []);
    }

    fn ids() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z0-9-]{1,40}", "\\PC{1,20}", "[a-zé😀𝒳]{1,12}"]
            .prop_filter("somebody", |id| !is_blank(id.as_bytes()))
    }

    fn hashes() -> impl Strategy<Value = &'static str> {
        prop::sample::select(HASHES.map(|(name, _)| name).to_vec())
    }

    proptest! {
        #[test]
        fn fnv_is_that_of_all_code_units(a in "\\PC{0,30}", b in "\\PC{0,30}") {
            let expected = format!("{a}{b}").encode_utf16().fold(FNV_BASIS, |state, unit| {
                let product = (u64::from(state) ^ u64::from(unit)) * u64::from(FNV_PRIME);
                (product % (1 << 32)) as u32
            });
            prop_assert_eq!(fnv(fnv(FNV_BASIS, a.as_bytes()), b.as_bytes()), expected);
        }

        #[test]
        fn bytes_that_are_no_text_count_as_their_replacement(id in prop::collection::vec(any::<u8>(), 1..30), hash in hashes()) {
            let draw = Hash::named(hash).unwrap().draw("seed");
            prop_assert_eq!(draw.number(&id), draw.number(String::from_utf8_lossy(&id).as_bytes()));
        }

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

        /// More coverage brings users in and moves nobody from one variant to another.
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

    /// Shares are what was asked for: 20,000 users, within five standard deviations.
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
