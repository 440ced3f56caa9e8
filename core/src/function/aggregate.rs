//! An aggregate that makes a value of requests: one declaration for all types of user ids and of times, and the SQL of it.

use super::Type;
use crate::source::literal;

/// An aggregate over requests.
pub struct Aggregate {
    /// Its name.
    pub name: &'static str,
    /// The name of the value's type, which begins those of the functions that combine and finish its states.
    pub value: &'static str,
    /// The module of the glue that reads a row.
    pub module: &'static str,
    /// Whether it is machinery, which no caller sees.
    pub is_internal: bool,
    /// STABLE where it reads settings, IMMUTABLE where it does not.
    pub volatility: &'static str,
    /// What it can be given.
    pub forms: &'static [Form],
}

/// One set of arguments.
pub struct Form {
    /// Those behind user and time.
    pub arguments: &'static [(&'static str, Type)],
    /// What it gives.
    pub about: &'static str,
}

/// The types of user ids.
pub(super) const USERS: [&str; 3] = ["text", "uuid", "bigint"];
/// The types of times, and what is to be said of them.
pub(super) const TIMES: [(&str, &str); 2] =
    [("timestamptz", ""), ("timestamp", "; a timestamp without zone is read as UTC")];
/// What a group of some hundred users takes; a hash aggregate plans with it.
const STATE_BYTES: u32 = 8192;

/// Every aggregate that is declared.
pub fn all() -> impl Iterator<Item = &'static Aggregate> {
    use crate::{activity, funnel, sessions};
    [&activity::AGGREGATE, &sessions::AGGREGATE, &funnel::AGGREGATE].into_iter()
}

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
    std::iter::once(head.to_owned()).chain(all().map(create)).collect()
}
