//! The arguments for the limits of sessions, and how far before a session the log must be read to know where it starts.

use super::{Argument, Call, Interval, NO_DEFAULT, Past, Role, Type};
use crate::base::calendar::{DAY_MICROS, Micros};
use crate::base::error::Result;

/// The arguments for the limits of sessions.
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

/// The default of `max_idle`: an id used again on another day is a new session.
pub const MAX_IDLE: Micros = DAY_MICROS;

/// The longest assumed duration of a request.
const LONGEST_REQUEST: Micros = 2 * DAY_MICROS;

/// From when on the log must be read to know which sessions start at `since` or later.
pub fn sessions_since(since: Micros, session_gap: Micros, max_idle: Micros) -> Micros {
    if since == Micros::MAX {
        return since;
    }
    since.saturating_sub(session_gap).saturating_sub(max_idle).saturating_sub(LONGEST_REQUEST)
}

/// The lengths of `session_gap` and `max_idle`, each its default if it is not given.
pub fn session_limits(
    session_gap: Option<Interval>,
    max_idle: Option<Interval>,
    default_gap: Micros,
) -> Result<(Micros, Micros)> {
    let length = |name, given: Option<Interval>| given.map(|given| given.length(name)).transpose();
    Ok((length("session_gap", session_gap)?.unwrap_or(default_gap), length("max_idle", max_idle)?.unwrap_or(MAX_IDLE)))
}

impl Call<'_> {
    /// `session_gap` and `max_idle` of a call that takes [`SESSION_LIMITS`].
    pub fn session_limits(&self) -> Result<(Micros, Micros)> {
        let [gap, idle] = SESSION_LIMITS.map(|argument| self.interval(argument.name));
        session_limits(gap, idle, self.environment.session_gap)
    }

    /// From when on the log must be read; `None` for all of it.
    pub fn reads_from(&self) -> Result<Option<Micros>> {
        let Some(since) = self.since.filter(|_| self.function.reads.past() == Past::Lookback) else {
            return Ok(self.since);
        };
        let (gap, idle) = self.session_limits()?;
        Ok(Some(sessions_since(since, gap, idle)))
    }
}
