//! What a function is given: arguments with their types, and what each asks of the query over a log.

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

/// An argument of a function's own, beside those that all functions of its kind have.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What it is to the query over the log.
    pub role: Role,
    /// Its default as SQL; NULL given by a caller stands for it, unless `about` says otherwise. Empty where it must be given.
    pub default: &'static str,
    /// What it says and what is accepted.
    pub about: &'static str,
}

impl Argument {
    /// What NULL stands for, of a text with a default.
    pub fn text_default(&self) -> Option<Given<'static>> {
        let is_text = self.kind == Type::Text && ![REQUIRED, NO_DEFAULT].contains(&self.default);
        is_text.then(|| Given::Text(self.default.trim_matches('\'')))
    }
}

/// What an argument is to the query over the log.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// Nothing: only the function behind it looks at it.
    Value,
    /// A user's id: only that user's requests are read, unless an argument says [`Everyone`](Role::Everyone).
    User,
    /// Whether the requests of all users are read, although one is named.
    Everyone,
    /// The name of a column or property, which is read under the argument's own name.
    Column,
    /// The same, where the argument of the given name is not NULL.
    ColumnFor(&'static str),
    /// The name of a property, likewise.
    Property,
    /// A condition in the language of `filter`: whether a request meets it is read under the argument's own name.
    Condition,
    /// Several conditions, as the given function finds them in the argument: they are read under the argument's name and their
    /// number from 1, see [`Role::numbered`].
    Conditions(fn(&str) -> Result<Vec<String>>),
    /// Several conditions, likewise: whether a request meets any of them is read under the argument's own name.
    AnyOf(fn(&str) -> Result<Vec<String>>),
    /// Rules about users, see [`Rules`](crate::source::Rules): what they ask for is read.
    Rules,
    /// The name of a metric, see [`Metrics`](crate::source::Metrics), unless an argument has several: what it asks for is read.
    Metric,
    /// The names of metrics, likewise.
    Metrics,
    /// The name of a column or property, or of an experiment behind `experiment:`: the variant that each request bears, or that
    /// the experiment gives its user, is read under the argument's own name.
    Variant,
    /// The name of a defined experiment: the variant that it gives a request's user is read under the argument's own name.
    Experiment,
    /// The name of a column or property, which is read under the argument's own name; by default what another argument says.
    ColumnOr(&'static str),
    /// Where the argument is given, what lies before `since` is read, too.
    Before,
    /// Nothing but that the log must have a column, where the argument is given.
    Needs(&'static str),
    /// A relation of users and when they signed up: its rows are read with the requests and told from them by a flag under the
    /// argument's own name. Neither `since` and `until` nor `filter` limit them, and they do not move the end of the log.
    Signups,
}

impl Role {
    /// The name under which a condition of several is read, by its number from 0.
    pub fn numbered(argument: &str, n: usize) -> String {
        format!("{argument} {}", n + 1)
    }
}

/// The default of an argument that must be given.
pub const REQUIRED: &str = "";

/// An argument without a default.
pub const NO_DEFAULT: &str = "NULL";

/// The arguments that say when a session ends.
pub const SESSION_LIMITS: [Argument; 2] = [
    Argument {
        name: "session_gap",
        kind: Type::Interval,
        role: Role::Value,
        default: NO_DEFAULT,
        about: "longest pause within a session of requests without an id; by default the setting \
                user_metrics.session_gap",
    },
    Argument {
        name: "max_idle",
        kind: Type::Interval,
        role: Role::Value,
        default: NO_DEFAULT,
        about: "longest pause within a session of requests with the same id; by default 24 hours",
    },
];

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

/// What to give where a user must be named.
pub const NAME_ONE: &str = "Name one user, by the id that the log has.";
