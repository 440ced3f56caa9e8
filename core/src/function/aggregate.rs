//! An aggregate that makes a value of requests: one declaration for all types of user ids and of times, and the SQL of it.

use super::Type;
use crate::source::literal;

/// An aggregate over requests.
pub struct Aggregate {
    /// Its name, which is also that of the value's type and of the module that makes it.
    pub name: &'static str,
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
const USERS: [&str; 3] = ["text", "uuid", "bigint"];
/// The types of times, and what is to be said of them.
const TIMES: [(&str, &str); 2] = [("timestamptz", ""), ("timestamp", "; a timestamp without zone is read as UTC")];
/// What a group of some hundred users takes; a hash aggregate plans with it.
const STATE_BYTES: u32 = 8192;

/// Every aggregate that is declared.
pub fn all() -> impl Iterator<Item = &'static Aggregate> {
    [&crate::activity::AGGREGATE, &crate::sessions::AGGREGATE].into_iter()
}

fn create(aggregate: &Aggregate) -> String {
    let (name, mut script) = (aggregate.name, String::new());
    let internal = format!("user_metrics_internal.{name}");
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
                    "\nCREATE FUNCTION {internal}_transition(\n    state internal, {arguments}\n) RETURNS internal\n\
                     LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', '{name}_transition';\n\
                     CREATE AGGREGATE user_metrics.{name}(\n    {arguments}\n) (\n    \
                     SFUNC = {internal}_transition, STYPE = internal, SSPACE = {STATE_BYTES},\n    \
                     FINALFUNC = {internal}_finish, COMBINEFUNC = {internal}_combine,\n    \
                     SERIALFUNC = {internal}_serialize, DESERIALFUNC = {internal}_deserialize,\n    PARALLEL = SAFE\n);\n\
                     COMMENT ON AGGREGATE user_metrics.{name}({user}, {time}{}) IS\n    {};\n",
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
