//! The stored types: what equality of their values means, and the SQL of their operators.
//!
//! Values are equal if their content is. A value has one form in the current layout, so equal values have equal bytes; one of
//! an older layout is encoded anew before it is compared or hashed.

use crate::activity::{self, Activity};
use crate::base::error::{Error, Result};
use crate::base::state::State;
use crate::base::wire::{HEADER, Kind, header};
use crate::experiment::{self, Experiment};
use crate::funnel::{self, Funnel};
use crate::sessions::{self, Sessions};
use crate::survival::{self, Survival};
use std::borrow::Cow;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A type whose values can be stored.
struct Stored {
    name: &'static str,
    kind: Kind,
    version: u8,
    encode_anew: fn(&[u8]) -> Result<Vec<u8>>,
}

fn anew<S: State>(bytes: &[u8]) -> Result<Vec<u8>> {
    S::decode(bytes)?.encode()
}

const STORED: [Stored; 5] = [
    Stored { name: "activity", kind: Kind::Activity, version: activity::VERSION, encode_anew: anew::<Activity> },
    Stored { name: "sessions", kind: Kind::Sessions, version: sessions::VERSION, encode_anew: anew::<Sessions> },
    Stored { name: "funnel", kind: Kind::Funnel, version: funnel::VERSION, encode_anew: anew::<Funnel> },
    Stored { name: "survival", kind: Kind::Survival, version: survival::VERSION, encode_anew: anew::<Survival> },
    Stored {
        name: "experiment_moments",
        kind: Kind::Experiment,
        version: experiment::VERSION,
        encode_anew: anew::<Experiment>,
    },
];

/// The type of a value, given its first bytes.
fn stored(start: &[u8]) -> Result<&'static Stored> {
    let (kind, _) = header(start)?;
    let found = STORED.iter().find(|stored| stored.kind as u8 == kind);
    found.ok_or(Error::Corrupt { what: "another kind of value" })
}

/// Whether a value has the current layout of its type, given its first [`HEADER`] bytes. If two
/// have, different headers mean different values.
pub fn is_current(start: &[u8]) -> Result<bool> {
    Ok(header(start)?.1 == stored(start)?.version)
}

/// The bytes of a value in the current layout.
pub fn current(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    match is_current(bytes)? {
        true => Ok(Cow::Borrowed(bytes)),
        false => (stored(bytes)?.encode_anew)(bytes).map(Cow::Owned),
    }
}

/// The hash of a value in the current layout, given at least its header. It differs between layouts: hash indexes over values
/// are rebuilt when a release changes the layout.
pub fn hash(bytes: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(&bytes[..HEADER.min(bytes.len())], seed)
}

fn operators(stored: &Stored) -> String {
    let name = stored.name;
    let (of, internal) = (format!("user_metrics.{name}"), format!("user_metrics_internal.{name}"));
    let function = |suffix: &str, symbol: &str, more: &str, returns: &str| {
        format!(
            "CREATE FUNCTION {internal}_{suffix}({of}{more}) RETURNS {returns}\n\
             LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '{symbol}';\n"
        )
    };
    let operator = |symbol: &str,
                    negator: &str,
                    suffix: &str,
                    (restrict, join): (&str, &str),
                    more: &str,
                    about: &str| {
        format!(
            "CREATE OPERATOR user_metrics.{symbol} (\n    LEFTARG = {of}, RIGHTARG = {of}, FUNCTION = {internal}_{suffix},\n    \
             COMMUTATOR = OPERATOR(user_metrics.{symbol}), NEGATOR = OPERATOR(user_metrics.{negator}),\n    \
             RESTRICT = pg_catalog.{restrict}, JOIN = pg_catalog.{join}{more}\n);\n\
             COMMENT ON OPERATOR user_metrics.{symbol} ({of}, {of}) IS '{about}';\n"
        )
    };
    [
        "\n".to_owned(),
        function("eq", "stored_equal", &format!(", {of}"), "boolean"),
        function("ne", "stored_unequal", &format!(", {of}"), "boolean"),
        function("hash", "stored_hash", "", "integer"),
        function("hash_extended", "stored_hash_extended", ", bigint", "bigint"),
        operator("=", "<>", "eq", ("eqsel", "eqjoinsel"), ", HASHES", "whether two values have the same content"),
        operator("<>", "=", "ne", ("neqsel", "neqjoinsel"), "", "whether two values differ in content"),
        format!(
            "CREATE OPERATOR CLASS user_metrics.{name}_ops DEFAULT FOR TYPE {of} USING hash AS\n    \
             OPERATOR 1 user_metrics.=,\n    \
             FUNCTION 1 {internal}_hash({of}),\n    FUNCTION 2 {internal}_hash_extended({of}, bigint);\n\
             COMMENT ON OPERATOR CLASS user_metrics.{name}_ops USING hash IS 'equality of content';\n\
             COMMENT ON OPERATOR FAMILY user_metrics.{name}_ops USING hash IS 'equality of content';\n"
        ),
    ]
    .concat()
}

/// The script of the operators.
pub fn script() -> String {
    let head = "-- Made from core/src/catalog/stored.rs; do not edit: cargo run -p user_metrics_core --example generate.\n\
                -- Equality of stored values: for DISTINCT, GROUP BY, set operations and replication of tables without a key.\n";
    std::iter::once(head.to_owned()).chain(STORED.iter().map(operators)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_current_layout_is_compared_as_it_is() {
        let mut survival = Survival::new();
        survival.observe(1.5, true).unwrap();
        let bytes = survival.encode().unwrap();
        assert!(is_current(&bytes).unwrap());
        assert!(matches!(current(&bytes).unwrap(), Cow::Borrowed(same) if same == bytes));
    }

    #[test]
    fn a_value_of_another_layout_is_decoded_first() {
        let mut bytes = Survival::new().encode().unwrap();
        bytes[1] = survival::VERSION + 1;
        assert!(!is_current(&bytes).unwrap());
        assert!(matches!(current(&bytes), Err(Error::UnknownVersion { given }) if given == survival::VERSION + 1));
    }

    #[test]
    fn other_bytes_are_rejected() {
        assert!(is_current(&[]).is_err() && current(&[0; 40]).is_err());
        assert!(current(&[Kind::History as u8; 40]).is_err());
    }

    /// A type that a function reads has operators.
    #[test]
    fn every_type_is_listed() {
        use crate::catalog::all;
        use std::collections::BTreeSet;
        let read = all().map(|function| function.reads).filter(|reads| reads.is_stored() && !reads.values().is_empty());
        let read = read.map(crate::function::Reads::value).collect::<BTreeSet<_>>();
        assert_eq!(read, STORED.iter().map(|stored| stored.name).collect());
    }
}
