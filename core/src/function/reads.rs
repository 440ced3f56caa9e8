//! What a function reads: a stored value, or the requests of a log with some of their columns.

use super::{Argument, SESSION_LIMITS};

/// How much of what lies before `since` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// All of it, to know who is new, or the ordinal number of something.
    All,
    /// Nothing.
    Nothing,
    /// What may reach beyond `since`: the last parameter says from when.
    Lookback,
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
    /// Nothing but its arguments.
    Nothing,
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
    /// [`crate::experiment::Experiment`], which knows no instants either.
    Experiment,
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
            Reads::Value(Stored::Experiment) => "experiment_moments",
            Reads::Nothing => "arguments",
        }
    }

    /// Whether the value is a type of its own, which a caller can make, keep and give.
    pub const fn is_stored(self) -> bool {
        !matches!(self, Reads::Requests(_))
    }

    /// Whether it is made of a log by the question.
    pub const fn is_over_log(self) -> bool {
        !matches!(self, Reads::Value(_) | Reads::Nothing)
    }

    /// How much of what lies before `since` is read.
    pub const fn past(self) -> Past {
        match self {
            Reads::Activity(past) => past,
            Reads::Sessions { .. } => Past::Lookback,
            Reads::Requests(requests) => requests.past,
            Reads::Value(_) | Reads::Nothing => Past::Nothing,
        }
    }

    /// Whether hours of the local day of `since` that lie before it have to be told from the rest: values of days cannot.
    pub const fn splits_days(self) -> bool {
        matches!(self, Reads::Activity(Past::All))
    }

    /// Whether what it reads has instants, which `since`, `until` and `as_of` can limit.
    pub const fn has_instants(self) -> bool {
        !matches!(self, Reads::Value(Stored::Survival | Stored::Experiment) | Reads::Nothing)
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
            Reads::Value(Stored::Experiment) => &[("value", "the value to read")],
            Reads::Nothing => &[],
        }
    }

    /// How an example makes the value of a table `request_log`: the call of its aggregate, and FROM.
    pub const fn made_of(self) -> &'static str {
        match self {
            Reads::Activity(_) => "activity(user_id, created_at) FROM request_log",
            Reads::Sessions { .. } | Reads::Value(Stored::Sessions) => "sessions(user_id, created_at) FROM request_log",
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

    /// The arguments that say how the value is made of a log, in the order in which the aggregate takes them.
    pub const fn making(self) -> &'static [Argument] {
        match self {
            Reads::Activity(_) | Reads::Requests(_) | Reads::Value(_) | Reads::Nothing => &[],
            Reads::Sessions { .. } => &SESSION_LIMITS,
        }
    }
}
