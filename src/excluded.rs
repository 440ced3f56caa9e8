//! The users whom every analysis leaves out: anonymous and opted-out users.
//!
//! Their ids are read from the extension's tables without the caller's privileges. A caller who knows an id can find out
//! whether it is excluded, by analyzing a log of that user alone; nobody but the tables' readers can list the ids.

use crate::activity::ActivityValue;
use crate::arguments::{Text, TextBytes};
use crate::error::{self, refused};
use crate::funnel::FunnelValue;
use crate::own_table::{Visible, each_row};
use crate::sessions::SessionsValue;
use crate::stored::Value;
use crate::{activity, bridge, funnel, sessions};
use pgrx::prelude::*;
use std::ffi::CStr;
use user_metrics_core::base::memory::{self, Claim};
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::{Error, Result};

/// Tables of ids.
type Tables = &'static [&'static CStr];

const ANONYMOUS: Tables = &[c"anonymous_user"];
const OPTED_OUT: Tables = &[c"opt_out"];
const BOTH: Tables = &[c"anonymous_user", c"opt_out"];

/// Keys of users, ascending, with their memory.
pub struct Keys {
    keys: Vec<UserKey>,
    _claim: Claim,
}

impl Keys {
    /// The ids of these tables that are ids of this type.
    fn of(tables: Tables, kind: UserKind) -> Result<Self> {
        let (mut claim, mut keys, mut result, mut rows) = (Claim::temporary(), Vec::new(), Ok(()), 0_usize);
        for table in tables {
            each_row(table, [c"user_id"], Visible::ToStatement, |row| {
                rows += 1;
                if rows.is_multiple_of(memory::POLL_EVERY) {
                    memory::poll();
                }
                if let (Some(key), Ok(())) = (row.text(0).and_then(|id| kind.key(id.0)), &result) {
                    result = claim.push(&mut keys, key);
                }
            });
        }
        result?;
        memory::poll();
        keys.sort_unstable();
        Ok(Keys { keys, _claim: claim })
    }

    /// All excluded users, for ids of this type.
    pub fn excluded(kind: UserKind) -> Result<Self> {
        Keys::of(BOTH, kind)
    }

    /// The keys, ascending.
    pub fn keys(&self) -> &[UserKey] {
        &self.keys
    }
}

/// What a call site keeps for the rest of its query.
type Known = (Tables, UserKind, Keys);

/// The keys of these tables, read at the first call of a query.
fn known<'a>(
    function: &'static str,
    tables: Tables,
    kind: UserKind,
    fcinfo: pg_sys::FunctionCallInfo,
) -> error::Result<&'a Keys> {
    let known = bridge::kept::<Known>(fcinfo);
    if known.as_ref().is_none_or(|(of, of_kind, _)| (*of, *of_kind) != (tables, kind)) {
        bridge::set_limit();
        *known = Some((tables, kind, Keys::of(tables, kind).map_err(refused(function))?));
    }
    known.as_ref().map(|(.., keys)| keys).ok_or_else(|| refused(function)(Error::Corrupt { what: "no keys" }))
}

/// Whether an id, as text, is in one of the two tables. `id_type` is the type of the log's ids: text, uuid or bigint.
#[pg_extern(stable, strict, parallel_safe)]
fn is_excluded(
    excluded_as: TextBytes<'_>,
    user_id: TextBytes<'_>,
    id_type: TextBytes<'_>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> error::Result<bool> {
    let kind = UserKind::named(id_type.0).unwrap_or(UserKind::Text);
    let table = if excluded_as.0 == b"anonymous" { ANONYMOUS } else { OPTED_OUT };
    let users = known("is_excluded", table, kind, fcinfo)?;
    Ok(kind.key(user_id.0).is_some_and(|key| users.keys().binary_search(&key).is_ok()))
}

const NAME: &str = "without_excluded_users";

/// Declares the function that removes all excluded users from values of a type.
macro_rules! without_excluded {
    ($function:ident, $value:ident, $open:path) => {
        #[pg_extern(stable, strict, parallel_safe, name = "without_excluded_users")]
        fn $function<'a>(value: $value<'a>, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<$value<'a>> {
            let rest = {
                let view = $open(NAME, &value)?;
                let users = known(NAME, BOTH, view.kind(), fcinfo)?;
                view.without(users.keys()).map_err(refused(NAME))?
            };
            Ok(rest.map_or(value, Value::from_bytes))
        }
    };
}

/// Declares the same for the value of a log, with a notice if none of its users counts.
macro_rules! of_users {
    ($function:ident, $value:ident, $without:ident, $open:path) => {
        #[pg_extern(stable, strict, parallel_safe, name = "of_users")]
        fn $function<'a>(
            value: $value<'a>,
            function: Text<'_>,
            source: Text<'_>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> error::Result<$value<'a>> {
            let value = $without(value, fcinfo)?;
            if $open(NAME, &value)?.users() == 0 {
                error::notice_of_nobody(&function.0, &source.0);
            }
            Ok(value)
        }
    };
}

without_excluded!(activity_without_excluded, ActivityValue, activity::open);
without_excluded!(sessions_without_excluded, SessionsValue, sessions::open);
without_excluded!(funnel_without_excluded, FunnelValue, funnel::open);
of_users!(activity_of_users, ActivityValue, activity_without_excluded, activity::open);
of_users!(sessions_of_users, SessionsValue, sessions_without_excluded, sessions::open);
