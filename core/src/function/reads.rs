//! The input of a function: a stored value, or the requests of a log with some of their columns.

use super::{Argument, SESSION_LIMITS};

/// How much is read of the time before `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// All of it, to know which users are new, or ordinal numbers.
    All,
    /// Nothing.
    Nothing,
    /// The beginnings of sessions that continue after `since`: see [`sessions_since`](super::sessions_since).
    Lookback,
}

/// The input of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The value [`crate::activity::Activity`], built from a log or given.
    Activity(Past),
    /// The value [`crate::sessions::Sessions`], built from a log or given.
    Sessions,
    /// Each user's requests in time order, always read from a log: a fold.
    Requests(&'static Requests),
    /// A value that is given, and never built from a log by the function.
    Value(Stored),
    /// Nothing but its arguments.
    Nothing,
}

/// A value read by a function that has no form over a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// [`crate::sessions::Sessions`].
    Sessions,
    /// The same, and a second value of the same requests that contains busy time.
    SessionsAndBusy,
    /// [`crate::funnel::Funnel`].
    Funnel,
    /// [`Survival`](crate::survival::Survival), whose durations have no instants: there are no arguments `since`, `until` and `as_of`.
    Survival,
    /// [`crate::experiment::Experiment`], which has no instants either.
    Experiment,
}

/// Suffix of the name of a column that is read as text.
pub const AS_TEXT: &str = " as text";

/// The requests that a fold reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Requests {
    /// How much is read of the time before `since`.
    pub past: Past,
    /// The columns that are read if the log has them, besides user and time. With the suffix [`AS_TEXT`] a column is read in
    /// its text form, whatever its type is for folds otherwise.
    pub columns: &'static [&'static str],
    /// The columns that the log must have.
    pub needed: &'static [&'static str],
    /// Whether rows contain user ids.
    pub names: bool,
}

impl Reads {
    /// The name of the value's type in SQL.
    pub const fn value(self) -> &'static str {
        match self {
            Reads::Activity(_) => "activity",
            Reads::Sessions => "sessions",
            Reads::Requests(_) => "history",
            Reads::Value(Stored::Sessions | Stored::SessionsAndBusy) => "sessions",
            Reads::Value(Stored::Funnel) => "funnel",
            Reads::Value(Stored::Survival) => "survival",
            Reads::Value(Stored::Experiment) => "experiment_moments",
            Reads::Nothing => "arguments",
        }
    }

    /// Whether the value is an SQL type that a caller can build, store and pass.
    pub const fn is_stored(self) -> bool {
        !matches!(self, Reads::Requests(_))
    }

    /// Whether it is built from a log by the function.
    pub const fn is_over_log(self) -> bool {
        !matches!(self, Reads::Value(_) | Reads::Nothing)
    }

    /// How much is read of the time before `since`.
    pub const fn past(self) -> Past {
        match self {
            Reads::Activity(past) => past,
            Reads::Sessions => Past::Lookback,
            Reads::Requests(requests) => requests.past,
            Reads::Value(_) | Reads::Nothing => Past::Nothing,
        }
    }

    /// Whether the hours of the local day of `since` that lie before it must be separated from the rest, because the value
    /// has only days.
    pub const fn splits_days(self) -> bool {
        matches!(self, Reads::Activity(Past::All))
    }

    /// Whether its input has instants, to which `since`, `until` and `as_of` apply.
    pub const fn has_instants(self) -> bool {
        !matches!(self, Reads::Value(Stored::Survival | Stored::Experiment) | Reads::Nothing)
    }

    /// The arguments of that value type, and their descriptions.
    pub const fn values(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Reads::Activity(_) => &[("activity", "the value to read")],
            Reads::Sessions | Reads::Value(Stored::Sessions) => &[("sessions", "the value to read")],
            Reads::Value(Stored::SessionsAndBusy) => &[
                ("sessions", "the value to read"),
                ("busy", "a value of the same requests, made with session_gap and max_idle of 0"),
            ],
            Reads::Requests(_) => &[("history", "the requests to read")],
            Reads::Value(Stored::Funnel) => &[("funnel", "the value to read")],
            Reads::Value(Stored::Survival) => &[("survival", "the value to read")],
            Reads::Value(Stored::Experiment) => &[("value", "the value to read")],
            Reads::Nothing => &[],
        }
    }

    /// How an example builds the value from a table `request_log`: the call of its aggregate, and FROM.
    pub const fn made_of(self) -> &'static str {
        match self {
            Reads::Activity(_) => "activity(user_id, created_at) FROM request_log",
            Reads::Sessions | Reads::Value(Stored::Sessions | Stored::SessionsAndBusy) => {
                "sessions(user_id, created_at) FROM request_log"
            }
            Reads::Value(Stored::Funnel) => {
                "funnel(user_id, created_at, ARRAY[feature = 'chat', feature = 'code'], interval '1 day') FROM request_log"
            }
            Reads::Value(Stored::Survival) => "survival(latency_ms / 1000.0, status_code < 400) FROM request_log",
            Reads::Value(Stored::Experiment) => {
                "experiment(u.variant, u.requests) FROM (SELECT min(properties ->> 'variant') AS variant, count(*) AS requests \
                 FROM request_log GROUP BY user_id) AS u"
            }
            Reads::Requests(_) | Reads::Nothing => "",
        }
    }

    /// The arguments for building the value from a log, in the order of the aggregate's arguments.
    pub const fn making(self) -> &'static [Argument] {
        match self {
            Reads::Activity(_) | Reads::Requests(_) | Reads::Value(_) | Reads::Nothing => &[],
            Reads::Sessions => &SESSION_LIMITS,
        }
    }
}
