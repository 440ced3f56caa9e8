//! Arguments of functions: their types, and their effect on the query over a log.

use super::Given;
use crate::base::error::Result;

/// The type of an argument or a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `boolean`
    Boolean,
    /// `integer`
    Integer,
    /// `bigint`
    Bigint,
    /// `double precision`
    Double,
    /// `text`
    Text,
    /// `date`
    Date,
    /// `timestamptz`
    Instant,
    /// `integer[]`
    Integers,
    /// `text[]`
    Texts,
    /// `jsonb`
    Json,
    /// `interval`; only of arguments
    Interval,
    /// `double precision[]`; only of arguments
    Doubles,
    /// `boolean[]`; only of arguments that a value is made with
    Booleans,
    /// `regclass`; only of arguments
    Relation,
}

impl Type {
    /// Its name in SQL.
    pub const fn sql(self) -> &'static str {
        match self {
            Type::Boolean => "boolean",
            Type::Integer => "integer",
            Type::Bigint => "bigint",
            Type::Double => "double precision",
            Type::Text => "text",
            Type::Date => "date",
            Type::Instant => "timestamptz",
            Type::Integers => "integer[]",
            Type::Texts => "text[]",
            Type::Json => "jsonb",
            Type::Interval => "interval",
            Type::Doubles => "double precision[]",
            Type::Booleans => "boolean[]",
            Type::Relation => "regclass",
        }
    }
}

/// An argument of a function, in addition to those common to its kind.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// Its effect on the query over the log.
    pub role: Role,
    /// Its default as SQL; NULL means the default, unless `about` says otherwise. Empty if the argument is required.
    pub default: &'static str,
    /// Its meaning and the accepted values.
    pub about: &'static str,
}

impl Argument {
    /// The value that NULL stands for, for a text with a default.
    pub fn text_default(&self) -> Option<Given<'static>> {
        let is_text = self.kind == Type::Text && ![REQUIRED, NO_DEFAULT].contains(&self.default);
        is_text.then(|| Given::Text(self.default.trim_matches('\'')))
    }
}

/// The effect of an argument on the query over the log.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// None: it is only used by the function itself.
    Value,
    /// A user id: only that user's requests are read, unless an argument says [`Everyone`](Role::Everyone).
    User,
    /// Whether the requests of all users are read although one user is named.
    Everyone,
    /// None, but a value may be that at a step of a funnel, such as `step 2`.
    ByStep,
    /// The name of a column or property, which is read under the argument's name.
    Column,
    /// The same, if the argument of the given name is not NULL.
    ColumnFor(&'static str),
    /// The names of several columns or properties: their values, as one text, are read under the argument's name.
    Columns,
    /// The name of a property, likewise.
    Property,
    /// A condition in the syntax of `filter`: whether a request passes it is read under the argument's name.
    Condition,
    /// Several conditions, which the given function extracts from the argument: they are read under the argument's name and
    /// their number from 1, see [`Role::numbered`].
    Conditions(fn(&str) -> Result<Vec<String>>),
    /// Several conditions, likewise: whether a request passes any of them is read under the argument's name.
    AnyOf(fn(&str) -> Result<Vec<String>>),
    /// JSON that names further columns, which the given function takes from it: they are read if the log has them. The list
    /// has all that it may name.
    Wants(&'static [&'static str], fn(&str) -> Result<Vec<&'static str>>),
    /// Rules about users, see [`Rules`](crate::source::Rules): the columns that they need are read.
    Rules,
    /// The name of a metric, see [`Metrics`](crate::source::Metrics), unless another argument has several: its columns are
    /// read.
    Metric,
    /// The names of metrics, likewise.
    Metrics,
    /// The name of a column or property, or of an experiment after `experiment:`: the variant carried by each request, or
    /// assigned to its user by the experiment, is read under the argument's name.
    Variant,
    /// The name of a defined experiment: the variant that it assigns to a request's user is read under the argument's name.
    Experiment,
    /// The name of a column or property, which is read under the argument's name; the default is the value of another
    /// argument.
    ColumnOr(&'static str),
    /// If the argument is given, requests before `since` are read as well.
    Before,
    /// The time within which something follows: `until` limits only what it follows, and later requests are read as well.
    Following,
    /// If the argument is given, the log must have the column.
    Needs(&'static str),
    /// A relation of users and the time of their signup: its rows are read with the requests and distinguished by a flag
    /// under the argument's name. `since`, `until` and `filter` do not apply to them, and they do not change the end of the
    /// log.
    Signups,
}

impl Role {
    /// The name under which one of several conditions is read, by its index from 0.
    pub fn numbered(argument: &str, n: usize) -> String {
        format!("{argument} {}", n + 1)
    }
}

/// The default of a required argument.
pub const REQUIRED: &str = "";

/// An argument without a default.
pub const NO_DEFAULT: &str = "NULL";

/// The argument that names a user.
pub const NAMED_USER: Argument = Argument {
    name: "user_id",
    kind: Type::Text,
    role: Role::Value,
    default: REQUIRED,
    about: "id of the user, as in the log",
};

/// The argument that names the only user whose requests are read.
pub const ONLY_USER: Argument = Argument { role: Role::User, ..NAMED_USER };

/// What precedes the number of a step.
pub(crate) const STEP: &str = "step ";

/// The values of [`BY_VALUE_FIRST`] and [`BY_VALUE_EACH`].
pub(crate) const BY_VALUES: [&str; 3] = ["each", "first", "last"];

/// Which of a user's values of `by` counts, for functions that count each user once.
pub const BY_VALUE_FIRST: Argument = Argument {
    name: "by_value",
    kind: Type::Text,
    role: Role::Value,
    default: "'first'",
    about: "segment of a user with several values of by: first (that of the first request with a value), last (the last \
            such), or each (every request counts in the segment of its own value)",
};

/// The same for funnels.
pub const BY_VALUE_STEP: Argument = Argument {
    role: Role::ByStep,
    about: "segment of a user with several values of by: first (that of the first request with a value), last (the last \
            such), each (every request counts in the segment of its own value), or step N, such as step 2 (that of the \
            request that is this step)",
    ..BY_VALUE_FIRST
};

/// The same for functions that count requests, or users by what they did.
pub const BY_VALUE_EACH: Argument = Argument { default: "'each'", ..BY_VALUE_FIRST };

/// The argument that names a second dimension, whose values are in a column `name`.
pub const PER: Argument = Argument {
    name: "per",
    kind: Type::Text,
    role: Role::Column,
    default: NO_DEFAULT,
    about: "column or property for whose values there are separate rows within each segment, as name",
};

/// The hint if a user must be named.
pub const NAME_ONE: &str = "Name one user, by the id that the log has.";
