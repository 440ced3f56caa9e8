//! The SQL of declared aggregates.

use super::AGGREGATES;
use crate::function::Type;
use crate::function::aggregate::{Aggregate, TIMES, USERS};
use crate::source::literal;

/// The size of a group of some hundred users; a hash aggregate plans with it.
const STATE_BYTES: u32 = 8192;

fn create(aggregate: &Aggregate) -> String {
    let (name, mut script) = (aggregate.name, String::new());
    let schema = if aggregate.is_internal { "user_metrics_internal" } else { "user_metrics" };
    let internal = format!("user_metrics_internal.{}", aggregate.value);
    let volatility = aggregate.volatility;
    for form in aggregate.forms {
        for user in USERS {
            for (time, remark) in TIMES {
                let further = |named: bool| {
                    let one = |(name, kind): &(&str, Type)| match named {
                        true => format!(", {name} {}", kind.sql()),
                        false => format!(", {}", kind.sql()),
                    };
                    form.arguments.iter().map(one).collect::<String>()
                };
                let arguments = format!("user_id {user}, occurred_at {time}{}", further(true));
                script.push_str(&format!(
                    "\nCREATE FUNCTION user_metrics_internal.{name}_transition(\n    state internal, {arguments}\n) RETURNS internal\n\
                     LANGUAGE c {volatility} PARALLEL SAFE AS 'MODULE_PATHNAME', '{name}_transition';\n\
                     CREATE AGGREGATE {schema}.{name}(\n    {arguments}\n) (\n    \
                     SFUNC = user_metrics_internal.{name}_transition, STYPE = internal, SSPACE = {STATE_BYTES},\n    \
                     FINALFUNC = {internal}_finish, COMBINEFUNC = {internal}_combine,\n    \
                     SERIALFUNC = {internal}_serialize, DESERIALFUNC = {internal}_deserialize,\n    PARALLEL = SAFE\n);\n\
                     COMMENT ON AGGREGATE {schema}.{name}({user}, {time}{}) IS\n    {};\n",
                    further(false),
                    literal(&format!("{}{remark}", form.about))
                ));
            }
        }
    }
    script
}

/// The script of all declared aggregates.
pub fn script() -> String {
    let head =
        "-- Made from the declarations in core/src; do not edit: cargo run -p user_metrics_core --example generate.\n";
    std::iter::once(head.to_owned()).chain(AGGREGATES.iter().copied().map(create)).collect()
}
