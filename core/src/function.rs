//! What a function of the SQL surface declares, and how it is called.
//!
//! A function is one file: a [`Function`] with its name, summary, arguments, columns and what it reads, and the algorithm
//! behind `run`. Everything else is derived from the declaration: the SQL of its forms with their comments ([`sql`]), the
//! query over the log ([`crate::source`]), the check of its result type, and which cells of a row are hidden because too
//! few users are behind them. The glue knows no function by name.

use crate::activity;
use crate::calendar::{Calendar, DAY_MICROS, Grain, LocalDays, Micros, Segment, Window, observed_until};
use crate::days::Day;
use crate::error::{Error, Result};
use crate::funnel;
use crate::history::{Fold, History, Id, Ids, Timeline};
use crate::host::Claim;
use crate::sessions::{self, Span};
use crate::state::State;
use crate::survival::Survival;
use crate::users::UserKey;
use std::borrow::Cow;

pub mod aggregate;
pub mod catalog;
pub mod reference;
pub mod sql;

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
        about: "the longest pause within a session of requests without an id; by default the setting \
                user_metrics.session_gap",
    },
    Argument {
        name: "max_idle",
        kind: Type::Interval,
        role: Role::Value,
        default: NO_DEFAULT,
        about: "the longest pause within a session of requests with one id; by default 24 hours",
    },
];

/// The argument that names a user.
pub const NAMED_USER: Argument = Argument {
    name: "user_id",
    kind: Type::Text,
    role: Role::Value,
    default: REQUIRED,
    about: "the user, by the id that the log has",
};

/// The argument that names the only user whose requests are read.
pub const ONLY_USER: Argument = Argument { role: Role::User, ..NAMED_USER };

/// What to give where a user must be named.
pub const NAME_ONE: &str = "Name one user, by the id that the log has.";

/// A column of a function's result.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What it is, its unit, and when it is NULL.
    pub about: &'static str,
    /// The columns that count the users its value is about: where one of them counts fewer than the administrator allows, and
    /// not nobody, the value is not shown.
    pub users: &'static [&'static str],
}

/// A column that tells nothing of users, or of which every value may be shown.
pub const fn column(name: &'static str, kind: Type, about: &'static str) -> Column {
    Column { name, kind, about, users: &[] }
}

/// A column whose values are about the users that other columns count.
pub const fn column_about(
    users: &'static [&'static str],
    name: &'static str,
    kind: Type,
    about: &'static str,
) -> Column {
    Column { name, kind, about, users }
}

/// How much of what lies before `since` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// All of it, to know who is new, or the ordinal number of something.
    All,
    /// Nothing.
    Nothing,
    /// What may reach beyond `since`: the last parameter says from when.
    WhatReaches,
}

/// What a function reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The value [`crate::activity::Activity`], made of a log or given.
    Activity(Past),
    /// The value [`crate::sessions::Sessions`], with a second one that says when something was under way, or without.
    Sessions {
        /// Whether there is a second one.
        busy: bool,
    },
    /// Each user's requests in order of time, made of a log by the question and never given: a fold.
    Requests(&'static Requests),
    /// A value that is given and never made of a log by the question.
    Value(Stored),
}

/// A value that a function reads without a form over a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// [`crate::sessions::Sessions`].
    Sessions,
    /// [`crate::funnel::Funnel`].
    Funnel,
    /// [`Survival`], whose durations know no instants: it has neither `since` and `until` nor `as_of`.
    Survival,
}

/// Behind the name of a column that is read as text.
pub const AS_TEXT: &str = " as text";

/// The requests that a fold reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Requests {
    /// How much of what lies before `since` is read.
    pub past: Past,
    /// The columns of the log that are read if it has them, beside user and time. With [`AS_TEXT`] behind its name a column is
    /// read as the text it is shown as, whatever it is to folds otherwise.
    pub columns: &'static [&'static str],
    /// Those that it must have.
    pub needed: &'static [&'static str],
    /// Whether rows name users.
    pub names: bool,
    /// The columns that the rows are sorted by, ascending, texts byte by byte, where that is not the order in which they are given.
    pub order: &'static [&'static str],
}

impl Reads {
    /// The name of the value's type in SQL.
    pub const fn value(self) -> &'static str {
        match self {
            Reads::Activity(_) => "activity",
            Reads::Sessions { .. } => "sessions",
            Reads::Requests(_) => "history",
            Reads::Value(Stored::Sessions) => "sessions",
            Reads::Value(Stored::Funnel) => "funnel",
            Reads::Value(Stored::Survival) => "survival",
        }
    }

    /// Whether the value is a type of its own, which a caller can make, keep and give.
    pub const fn is_stored(self) -> bool {
        !matches!(self, Reads::Requests(_))
    }

    /// Whether it is made of a log by the question.
    pub const fn is_over_log(self) -> bool {
        !matches!(self, Reads::Value(_))
    }

    /// Whether what it reads has instants, which `since`, `until` and `as_of` can limit.
    pub const fn has_instants(self) -> bool {
        !matches!(self, Reads::Value(Stored::Survival))
    }

    /// The arguments that are values of that type, and what each is.
    pub const fn values(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Reads::Activity(_) => &[("activity", "the value to read")],
            Reads::Sessions { busy: false } | Reads::Value(Stored::Sessions) => &[("sessions", "the value to read")],
            Reads::Sessions { busy: true } => &[
                ("sessions", "the value to read"),
                ("busy", "a value of the same requests, made with session_gap and max_idle of 0"),
            ],
            Reads::Requests(_) => &[("history", "the requests to read")],
            Reads::Value(Stored::Funnel) => &[("funnel", "the value to read")],
            Reads::Value(Stored::Survival) => &[("survival", "the value to read")],
        }
    }

    /// The arguments that say how the value is made of a log, in the order in which the aggregate takes them.
    pub const fn making(self) -> &'static [Argument] {
        match self {
            Reads::Activity(_) | Reads::Requests(_) | Reads::Value(_) => &[],
            Reads::Sessions { .. } => &SESSION_LIMITS,
        }
    }
}

/// A function of the SQL surface.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The module of core that holds its file, which is the file's name where there is one function in it.
    pub path: &'static str,
    /// What it tells, in one sentence.
    pub summary: &'static str,
    /// Its own arguments.
    pub arguments: &'static [Argument],
    /// The columns of its form over a value; its form over a log has `segment` before them, if it is `segmented`.
    pub columns: &'static [Column],
    /// What it reads.
    pub reads: Reads,
    /// Whether `by` gives it a row of its own for each segment.
    pub segmented: bool,
    /// Whether its result is a value and not rows: the only column of the only row, NULL where there is none.
    pub scalar: bool,
    /// Whether its form over a value takes a time zone, because the value knows instants and no days. A fold takes one only so.
    pub zoned: bool,
    /// How many rows the planner should expect.
    pub rows: u32,
    /// Reads the value of a call and gives its rows.
    pub run: fn(&Call<'_>, &mut dyn Rows) -> Result<()>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every function that declares itself, topic by topic.
pub fn all() -> impl Iterator<Item = &'static Function> {
    use crate::{
        adoption, assignment, benchmark, comparison, drivers, evolution, onboarding, plans, preferences, profile,
    };
    use crate::{properties, seasonality, segments, stages, survival, threshold, usage};
    let of_values = [activity::FUNCTIONS, sessions::FUNCTIONS, seasonality::FUNCTIONS, survival::FUNCTIONS];
    let of_retention = [drivers::FUNCTIONS, threshold::FUNCTIONS];
    let of_users =
        [preferences::FUNCTIONS, profile::FUNCTIONS, benchmark::FUNCTIONS, properties::FUNCTIONS, plans::FUNCTIONS];
    let of_ways =
        [funnel::FUNCTIONS, onboarding::FUNCTIONS, adoption::FUNCTIONS, evolution::FUNCTIONS, stages::FUNCTIONS];
    let folds = [usage::FUNCTIONS, segments::FUNCTIONS, comparison::FUNCTIONS, assignment::FUNCTIONS]
        .into_iter()
        .chain(of_users)
        .chain(of_ways);
    of_values.into_iter().chain(of_retention).chain(folds).flatten().copied()
}

/// Those that have a form over a log.
pub fn over_logs() -> impl Iterator<Item = &'static Function> {
    all().filter(|function| function.reads.is_over_log())
}

/// The function over a log of a name.
pub fn named(name: &str) -> Option<&'static Function> {
    over_logs().find(|function| function.name == name)
}

/// The column of the segments of `by`, before all others.
pub const SEGMENT: Column = column("segment", Type::Text, "the value of the column or property of by; NULL without by");

impl Function {
    /// The columns that its rows are sorted by, where core does not give them in order.
    pub fn order(&self) -> &'static [&'static str] {
        if let Reads::Requests(requests) = self.reads { requests.order } else { &[] }
    }

    /// The columns that `run` gives: of a fold with the segment, of a value without.
    pub fn given(&self) -> impl Iterator<Item = &'static Column> {
        static OF_SEGMENT: &[Column] = &[SEGMENT];
        let has_segment = self.segmented && !self.reads.is_stored();
        OF_SEGMENT.iter().filter(move |_| has_segment).chain(self.columns)
    }

    /// Makes NULL what a row must not tell.
    pub fn hide(&self, row: &mut [Cell<'_>], min_group_size: u64) {
        if min_group_size <= 1 {
            return;
        }
        let own = row.len().saturating_sub(self.columns.len());
        let row = &mut row[own..];
        let count = |name: &str| {
            let at = self.columns.iter().position(|column| column.name == name)?;
            if let Some(Cell::Bigint(users)) = row.get(at) { u64::try_from(*users).ok() } else { None }
        };
        let is_small = |name: &&str| count(name).is_some_and(|users| hides(users, min_group_size));
        // The counts are needed until all is decided.
        let hidden = self.columns.iter().enumerate().filter(|(_, column)| column.users.iter().any(is_small));
        let hidden = hidden.fold(0u128, |hidden, (n, _)| hidden | 1 << n);
        for (_, cell) in row.iter_mut().enumerate().filter(|(n, _)| hidden >> n & 1 == 1) {
            *cell = Cell::Null;
        }
    }
}

/// Whether a group of so many users must not be shown. A group of nobody hides nobody.
pub fn hides(users: u64, min_group_size: u64) -> bool {
    users > 0 && users < min_group_size
}

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i32),
    /// A bigint.
    Bigint(i64),
    /// A double.
    Double(f64),
    /// A text.
    Text(&'a str),
    /// A date.
    Date(Day),
    /// An instant.
    Instant(Micros),
    /// A text of whatever encoding the log has.
    Bytes(&'a [u8]),
    /// JSON as text.
    Json(&'a str),
}

impl From<bool> for Cell<'_> {
    fn from(value: bool) -> Self {
        Cell::Boolean(value)
    }
}

impl From<i32> for Cell<'_> {
    fn from(value: i32) -> Self {
        Cell::Integer(value)
    }
}

impl From<u64> for Cell<'_> {
    fn from(value: u64) -> Self {
        Cell::Bigint(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Cell<'_> {
    fn from(value: f64) -> Self {
        Cell::Double(value)
    }
}

impl<'a> From<&'a [u8]> for Cell<'a> {
    fn from(value: &'a [u8]) -> Self {
        Cell::Bytes(value)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(value: &'a str) -> Self {
        Cell::Text(value)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

/// A rate or an estimate with its bounds as three cells.
pub fn with_bounds<'a>(estimate: Option<(f64, f64, f64)>) -> [Cell<'a>; 3] {
    estimate.map_or([Cell::Null; 3], |(value, low, high)| [value.into(), low.into(), high.into()])
}

/// Where rows go.
pub trait Rows {
    /// Takes in one row.
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()>;

    /// Tells the caller something beside rows, and what can be done about it.
    fn notice(&mut self, _message: &str, _hint: &str) {}
}

/// An argument as it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given<'a> {
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i32),
    /// A bigint.
    Bigint(i64),
    /// A double.
    Double(f64),
    /// A text.
    Text(&'a str),
    /// A date.
    Date(Day),
    /// An interval.
    Interval(Interval),
    /// A list of doubles.
    Doubles(Vec<Option<f64>>),
    /// A list of integers.
    Integers(Vec<Option<i32>>),
    /// A list of texts.
    Texts(Vec<Option<String>>),
    /// JSON as text.
    Json(String),
    /// A relation by its oid; only the query looks at it.
    Relation(u32),
}

/// An interval as PostgreSQL has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its months.
    pub months: i32,
    /// Its days.
    pub days: i32,
    /// The rest of it, in microseconds.
    pub micros: i64,
}

impl Interval {
    /// Its length, which is the same whenever it begins: of days, hours and less. A day is 24 hours.
    pub fn length(self, name: &'static str) -> Result<Micros> {
        let Interval { months, days, micros } = self;
        let length = i64::from(days).checked_mul(DAY_MICROS).and_then(|days| days.checked_add(micros));
        length.filter(|length| months == 0 && *length >= 0).ok_or_else(|| Error::Argument {
            name,
            given: format!("{months} months, {days} days and {} seconds", micros as f64 / 1e6),
            accepted: "an interval of days, hours, minutes or seconds that is not negative, such as '30 minutes'"
                .to_owned(),
        })
    }
}

/// What the surrounding process knows and core does not.
pub struct Environment<'a> {
    /// When the statement began.
    pub now: Micros,
    /// The day weeks start with: 0 is Monday … 6 is Sunday.
    pub week_start: u8,
    /// The fewest users whose values may be shown.
    pub min_group_size: u64,
    /// In how many parts users are folded and merged: 1, or more to see that it makes no difference, and that sums forget.
    pub parts: u64,
    /// The longest pause within a session of requests without an id, in microseconds.
    pub session_gap: Micros,
    /// The time zone for a caller who names none.
    pub timezone: String,
    /// The stretch around an instant over which a zone keeps its offset.
    pub segment: &'a dyn Fn(&str, Micros) -> Result<Segment>,
    /// A jsonb as it is written, of the bytes as it is stored.
    pub json: &'a dyn Fn(&[u8]) -> Result<Vec<u8>>,
}

/// One call of a function.
pub struct Call<'a> {
    /// Which function.
    pub function: &'static Function,
    /// The values it reads; `None` for NULL.
    pub values: Vec<Option<&'a [u8]>>,
    /// The requests it folds; `None` for none at all.
    pub history: Option<&'a History>,
    /// The users who may not be counted, ascending.
    pub left_out: Vec<UserKey>,
    /// Whether the requests bear the segments of `by`.
    pub by: bool,
    /// Its own arguments, `None` for NULL.
    pub arguments: Vec<Option<Given<'a>>>,
    /// The first instant shown.
    pub since: Option<Micros>,
    /// The first instant shown no more.
    pub until: Option<Micros>,
    /// Where observation ends.
    pub as_of: Option<Micros>,
    /// The time zone of days, where the value does not know it.
    pub timezone: Option<&'a str>,
    /// What the surrounding process knows.
    pub environment: Environment<'a>,
}

impl<'a> Call<'a> {
    fn argument(&self, name: &str) -> Option<&Given<'a>> {
        let at = self.function.arguments.iter().position(|argument| argument.name == name)?;
        self.arguments.get(at)?.as_ref()
    }

    /// Whether an argument is not NULL.
    pub fn is_given(&self, name: &str) -> bool {
        self.argument(name).is_some()
    }

    /// A text argument; `None` where it is NULL.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        if let Some(Given::Text(text)) = self.argument(name) { Some(text) } else { None }
    }

    /// An integer argument; `None` where it is NULL.
    pub fn integer(&self, name: &str) -> Option<i32> {
        if let Some(Given::Integer(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A bigint argument; `None` where it is NULL.
    pub fn bigint(&self, name: &str) -> Option<i64> {
        if let Some(Given::Bigint(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A boolean argument; `None` where it is NULL.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        if let Some(Given::Boolean(value)) = self.argument(name) { Some(*value) } else { None }
    }

    /// A double argument; `None` where it is NULL.
    pub fn double(&self, name: &str) -> Option<f64> {
        if let Some(Given::Double(number)) = self.argument(name) { Some(*number) } else { None }
    }

    /// A date argument; `None` where it is NULL.
    pub fn date(&self, name: &str) -> Option<Day> {
        if let Some(Given::Date(day)) = self.argument(name) { Some(*day) } else { None }
    }

    /// The length of an interval argument, or a refusal of one that has none; `None` where it is NULL.
    pub fn length(&self, name: &'static str) -> Result<Option<Micros>> {
        let Some(Given::Interval(interval)) = self.argument(name) else { return Ok(None) };
        interval.length(name).map(Some)
    }

    /// A list of doubles; `None` where it is NULL.
    pub fn doubles(&self, name: &str) -> Option<&[Option<f64>]> {
        if let Some(Given::Doubles(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// A list of integers; `None` where it is NULL.
    pub fn integers(&self, name: &str) -> Option<&[Option<i32>]> {
        if let Some(Given::Integers(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// A list of texts; `None` where it is NULL. A text that is NULL is as wrong as an empty one, and is given as that.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.argument(name) {
            // few: texts of an argument
            Some(Given::Texts(list)) => Some(list.iter().map(|text| text.clone().unwrap_or_default()).collect()),
            _ => None,
        }
    }

    /// A list of texts of which each may be NULL; `None` where the list is.
    pub fn texts_and_nulls(&self, name: &str) -> Option<&[Option<String>]> {
        if let Some(Given::Texts(list)) = self.argument(name) { Some(list) } else { None }
    }

    /// JSON as text; `None` where it is NULL.
    pub fn json(&self, name: &str) -> Option<&str> {
        if let Some(Given::Json(json)) = self.argument(name) { Some(json) } else { None }
    }

    /// An argument that must not be NULL, or the refusal that says so.
    pub fn required<T>(&self, name: &'static str, given: Option<T>, accepted: &'static str) -> Result<T> {
        given.ok_or(Error::Null { name, accepted })
    }

    /// The periods that an argument names, weeks beginning as set.
    pub fn calendar(&self, name: &'static str, default: &str) -> Result<Calendar> {
        let grain = Grain::parse(name, self.text(name).unwrap_or(default))?;
        Ok(Calendar { grain, week_start: self.environment.week_start })
    }

    /// The periods that an argument names, if it does.
    pub fn periods(&self, name: &'static str) -> Result<Option<Calendar>> {
        self.text(name).map(|_| self.calendar(name, "day")).transpose()
    }

    fn value(&self, n: usize) -> Option<&'a [u8]> {
        self.values.get(n).copied().flatten()
    }

    /// The activity it reads; `None` for NULL.
    pub fn activity(&self) -> Result<Option<activity::View<'a>>> {
        self.value(0).map(activity::View::open).transpose()
    }

    /// The sessions it reads, by number; `None` for NULL.
    pub fn sessions(&self, n: usize) -> Result<Option<sessions::View<'a>>> {
        self.value(n).map(sessions::View::open).transpose()
    }

    /// The funnel it reads; `None` for NULL.
    pub fn funnel(&self) -> Result<Option<funnel::View<'a>>> {
        self.value(0).map(funnel::View::open).transpose()
    }

    /// The durations it reads; `None` for NULL.
    pub fn survival(&self) -> Result<Option<Survival>> {
        self.value(0).map(Survival::decode).transpose()
    }

    /// The column of a name, if the log has it.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.history?.column(name)
    }

    /// The text of a code in a column of texts; `None` for no text.
    pub fn text_of(&self, column: Option<usize>, code: u32) -> Option<&'a [u8]> {
        self.history?.dictionary(column?).text(code)
    }

    /// The text of a column told last, of several told at the same instant the greatest by its bytes; as its code.
    pub fn told_last(&self, column: Option<usize>, told: impl Iterator<Item = (u32, Micros)>) -> u32 {
        let later = |(a, a_at): &(u32, Micros), (b, b_at): &(u32, Micros)| {
            a_at.cmp(b_at).then_with(|| self.text_of(column, *a).cmp(&self.text_of(column, *b)))
        };
        told.filter(|(code, _)| *code != 0).max_by(later).map_or(0, |(code, _)| code)
    }

    /// The key of a user whose id is given as text; `None` for what is no id of the log's type.
    pub fn user_key(&self, id: &str) -> Option<UserKey> {
        self.history?.kind().key(id.as_bytes())
    }

    /// An id that was kept, as rows show it.
    pub fn shown<'i>(&self, ids: &'i Ids, id: &Id) -> Cow<'i, [u8]> {
        self.history.map_or(Cow::Borrowed(ids.text(id)), |history| ids.shown(id, history.kind()))
    }

    /// A user's id as rows show it: the name, where the history keeps it.
    pub fn user_id<'n>(&self, user: UserKey, name: Option<&'n [u8]>) -> Cow<'n, [u8]> {
        let written = self.history.and_then(|history| user.written(history.kind()));
        written.map_or(Cow::Borrowed(name.unwrap_or_default()), |id| Cow::Owned(id.into_bytes()))
    }

    /// Visits every user who may be counted, with the requests of some columns.
    pub fn each_user(
        &self,
        columns: &[Option<usize>],
        mut visit: impl FnMut(&Timeline<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(history) = self.history else { return Ok(()) };
        // few: columns of a function
        let wanted = columns.iter().copied().flatten().collect::<Vec<_>>();
        history.each(&wanted, &self.left_out, &mut visit)
    }

    /// Folds every user who may be counted, with the requests of some columns.
    pub fn fold<F: Fold>(&self, columns: &[Option<usize>], make: impl Fn() -> Result<F>) -> Result<F> {
        let (mut whole, parts) = (make()?, self.environment.parts);
        if parts <= 1 {
            self.each_user(columns, |user| whole.observe(user))?;
            return Ok(whole);
        }
        let of_part = |part: u64| {
            let mut one = make()?;
            self.each_user(columns, |user| if user.user.hash() % parts == part { one.observe(user) } else { Ok(()) })?;
            Ok(one)
        };
        for part in 0..parts {
            whole.merge(of_part(part)?)?;
        }
        // A sum sees some users twice and forgets them once.
        if make()?.subtract(make()?)? {
            whole.merge(of_part(0)?)?;
            whole.subtract(of_part(0)?)?;
        }
        Ok(whole)
    }

    /// Where observation ends, for a log whose last request was made when the history saw it.
    pub fn end(&self) -> Micros {
        let last_at = self.history.and_then(History::last_at);
        observed_until(self.until, self.as_of, last_at, self.environment.now)
    }

    /// The local clock of the time zone it is called with, or a refusal of the zone.
    pub fn clock(&self) -> Result<Clock<'_>> {
        let zone = self.zone();
        (self.environment.segment)(zone, 0)?;
        Ok(Clock { zone, segment: self.environment.segment, days: LocalDays::default() })
    }

    /// The time zone it is called with.
    pub fn zone(&self) -> &str {
        self.timezone.unwrap_or(&self.environment.timezone)
    }

    /// A refusal of an argument.
    pub fn refuse<T>(&self, name: &'static str, given: impl ToString, accepted: &str) -> Result<T> {
        Err(Error::Argument { name, given: given.to_string(), accepted: accepted.to_owned() })
    }

    /// The observed range as instants, for a value whose last request was made at `last_at`.
    pub fn span(&self, last_at: Option<Micros>) -> Span {
        let end = observed_until(self.until, self.as_of, last_at, self.environment.now);
        Span { since: self.since, until: self.until, end }
    }

    /// The local days of the time zone it is called with, or a refusal of the zone.
    pub fn days(&self) -> Result<impl FnMut(Micros) -> Result<Day> + '_> {
        let zone = self.zone();
        (self.environment.segment)(zone, 0)?;
        let mut days = LocalDays::default();
        Ok(move |at| days.day(at, |at| (self.environment.segment)(zone, at)))
    }

    /// The observed range as local days of a zone, for a value whose last request was made at `last_at`.
    pub fn window(&self, zone: &str, last_at: Option<Micros>) -> Result<Window> {
        let mut days = LocalDays::default();
        let day = |at: Micros| days.day(at, |at| (self.environment.segment)(zone, at));
        Window::observed((self.since, self.until, self.as_of), last_at, self.environment.now, day)
    }

    /// Whether a group of so many users must not be shown.
    pub fn hides(&self, users: u64) -> bool {
        hides(users, self.environment.min_group_size)
    }
}

/// Local time in the time zone of a call.
pub struct Clock<'a> {
    zone: &'a str,
    segment: &'a dyn Fn(&str, Micros) -> Result<Segment>,
    days: LocalDays,
}

impl Clock<'_> {
    /// The local day of an instant.
    #[inline]
    pub fn day(&mut self, at: Micros) -> Result<Day> {
        self.days.day(at, |at| (self.segment)(self.zone, at))
    }

    /// The local days of instants that are in order, each once, ascending.
    pub fn distinct_days(
        &mut self,
        instants: impl IntoIterator<Item = Micros>,
        days: &mut Vec<Day>,
        claim: &mut Claim,
    ) -> Result<()> {
        days.clear();
        for at in instants {
            let day = self.day(at)?;
            if days.last() != Some(&day) {
                claim.push(days, day)?;
            }
        }
        // Where a clock is set back over midnight, a day comes again.
        if !days.is_sorted() {
            days.sort_unstable();
            days.dedup();
        }
        Ok(())
    }

    /// The local time of an instant, as microseconds of a clock that shows UTC.
    #[inline]
    pub fn local(&mut self, at: Micros) -> Result<Micros> {
        self.days.local(at, |at| (self.segment)(self.zone, at))
    }

    /// The stretch of constant offset around an instant.
    pub fn segment(&mut self, at: Micros) -> Result<Segment> {
        self.days.segment(at, |at| (self.segment)(self.zone, at))
    }

    /// The instant of a local day's midnight, as PostgreSQL reads it: where the clock skips it, by the offset before; where it
    /// comes twice, by the offset after.
    pub fn midnight(&mut self, day: Day) -> Result<Micros> {
        let local = i64::from(day) * DAY_MICROS;
        // No zone is farther from UTC than a week.
        let mut here = self.segment(local.saturating_sub(8 * DAY_MICROS))?;
        loop {
            let at = local.saturating_sub(here.offset);
            if at < here.until && here.until == Micros::MAX {
                return Ok(at);
            }
            let next = self.segment(here.until)?;
            let after = local.saturating_sub(next.offset);
            match (at < here.until, after >= next.from) {
                (true, true) => return Ok(after),
                (true, false) | (false, false) => return Ok(at),
                (false, true) => here = next,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_group_hides_what_is_about_it() {
        static FUNCTION: Function = Function {
            name: "f",
            path: "f",
            summary: "",
            arguments: &[],
            columns: &[
                column_about(&["users"], "users", Type::Bigint, ""),
                column_about(&["users", "others"], "rate", Type::Double, ""),
                column_about(&["others"], "others", Type::Bigint, ""),
                column("complete", Type::Boolean, ""),
            ],
            reads: Reads::Activity(Past::All),
            segmented: true,
            scalar: false,
            zoned: false,
            rows: 1,
            run: |_, _| Ok(()),
        };
        let hidden = |users: u64, others: u64, least: u64| {
            let mut row = [users.into(), 0.5.into(), others.into(), true.into()];
            FUNCTION.hide(&mut row, least);
            row.map(|cell| cell == Cell::Null)
        };
        assert_eq!(hidden(2, 9, 3), [true, true, false, false]);
        assert_eq!(hidden(3, 2, 3), [false, true, true, false]);
        assert_eq!(hidden(3, 0, 3), [false; 4]);
        assert_eq!(hidden(1, 1, 1), [false; 4]);
    }
}
