//! Vendors' hashes of a user id to a number from 0 to 1, and the number of parts into which they divide users.

use crate::base::error::{Error, Result};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The hash, by its name in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// GrowthBook, hash version 2: FNV-1a (32 bits) of seed and id, then of its decimal digits, in ten-thousandths.
    GrowthbookV2,
    /// GrowthBook, hash version 1: FNV-1a of id and seed, in thousandths. Parallel experiments are not quite independent
    /// under it, which is the reason for version 2.
    GrowthbookV1,
    /// The groups of a Statsig experiment: the first 64 bits of SHA-256 of `seed.id`, in thousandths.
    Statsig,
    /// A rule of a Statsig feature gate, as an experiment of pass and fail: the same in ten-thousandths, where the seed is
    /// the gate's salt, a full stop and the rule's salt.
    StatsigGate,
    /// The variants of a PostHog feature flag: the first 60 bits of SHA-1 of `seed.id` and the word `variant`. The rollout
    /// of the flag uses a separate hash, without that word.
    Posthog,
    /// Eppo's shards: the first 32 bits of MD5 of `seed-id`, in ten-thousandths.
    Eppo,
}

pub(super) const HASHES: [(&str, Hash); 6] = [
    ("growthbook_v2", Hash::GrowthbookV2),
    ("growthbook_v1", Hash::GrowthbookV1),
    ("statsig", Hash::Statsig),
    ("statsig_gate", Hash::StatsigGate),
    ("posthog", Hash::Posthog),
    ("eppo", Hash::Eppo),
];

impl Hash {
    /// The hash of the given name, or an error that lists them.
    pub fn named(name: &str) -> Result<Self> {
        let found = HASHES.iter().find(|(known, _)| *known == name);
        found.map(|(_, hash)| *hash).ok_or_else(|| Error::not_one_of("hash", name, &HASHES.map(|(known, _)| known)))
    }

    pub(super) fn is_growthbook(self) -> bool {
        matches!(self, Hash::GrowthbookV1 | Hash::GrowthbookV2)
    }

    /// The number of parts into which a vendor divides users, if its rules use whole parts.
    pub(super) fn parts(self) -> Option<f64> {
        match self {
            Hash::Statsig => Some(1000.0),
            Hash::StatsigGate | Hash::Eppo => Some(10_000.0),
            Hash::GrowthbookV1 | Hash::GrowthbookV2 | Hash::Posthog => None,
        }
    }

    /// A bound as used by the vendor: rounded to whole parts if there are any.
    pub(super) fn bound(self, share: f64) -> f64 {
        self.parts().map_or(share, |parts| (share * parts).round() / parts)
    }

    pub(super) fn draw(self, seed: &str) -> Draw {
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

/// Adds a code unit to an FNV-1a hash. Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash
/// Algorithm", RFC 9923; over 16-bit units instead of octets, as given by JavaScript's `charCodeAt`.
#[inline]
fn fnv_unit(state: u32, unit: u16) -> u32 {
    (state ^ u32::from(unit)).wrapping_mul(FNV_PRIME)
}

/// Adds the UTF-16 code units of a text to an FNV-1a hash.
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

/// A digest of the parts of a prefix.
pub(super) fn begun<D: Digest>(parts: &[&str]) -> D {
    parts.iter().fold(D::new(), |digest, part| digest.chain_update(part))
}

/// A digest of the prefix, an id and a suffix.
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
pub(super) fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
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

/// Hashes a user id to a number from 0 to 1. Everything independent of the id is hashed beforehand.
#[derive(Clone, Debug)]
pub(super) enum Draw {
    /// The hash after the seed.
    GrowthbookV2(u32),
    /// The text after the id.
    GrowthbookV1(Vec<u16>),
    /// The digest after the salt, and the number of parts.
    Statsig(Sha256, u64),
    /// The digest after the key, and the text after the id.
    Posthog(Sha1, &'static str),
    /// The digest after the salt.
    Eppo(Md5),
}

impl Draw {
    #[inline]
    pub(super) fn number(&self, id: &[u8]) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::super::tests::hashes;
    use super::*;
    use proptest::prelude::*;

    /// Hashes from the test cases of all SDKs of GrowthBook: `hash` of `cases.json` 0.7.1.
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

    /// The shards of `test_sharders.py` in Eppo's Python SDK, whose input is salt, hyphen and id in one text.
    #[test]
    fn eppo_shards_are_those_of_its_sdk() {
        for (input, shard) in [("test-input", 5619), ("alice", 3170), ("bob", 7420), ("charlie", 7497)] {
            let number = Draw::Eppo(begun(&[])).number(input.as_bytes());
            assert_eq!(number, f64::from(shard) / 10_000.0);
        }
        assert_eq!(Hash::Eppo.draw("test").number(b"input"), 0.5619);
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
    }
}
