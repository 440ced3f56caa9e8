//! `funnel`: its aggregates, its type and its accessors. The algorithms are in [`user_metrics_core::funnel`].

use crate::arguments::TextList;
use crate::bridge::{self, stored_value};
use crate::error::{self, refused};
use crate::settings::Privacy;
use crate::stored::{Stored, Value};
use crate::time;
use crate::transition::Row;
use crate::users::keys;
use pgrx::datum::Array;
use pgrx::prelude::*;
use user_metrics_core::base::calendar::Micros;
use user_metrics_core::base::encoding::decoded;
use user_metrics_core::funnel::{Event, Funnel, MOST_STEPS, Mode, Rules, View};
use user_metrics_core::{Error, Result};

impl Stored for Funnel {
    const SQL_NAME: &'static str = "user_metrics.funnel";
    const IDENTITY: &'static str = "user_metrics::funnel::Funnel";
}

/// A stored funnel as SQL passes it.
pub type FunnelValue<'a> = Value<'a, Funnel>;

/// A window given by the caller in argument `name`.
fn window(name: &'static str, given: Option<Interval>) -> Result<Micros> {
    let missing = || Error::Argument {
        name,
        given: "NULL".to_owned(),
        accepted: "an interval of days, hours, minutes or seconds, such as '7 days'".to_owned(),
    };
    time::interval(given.ok_or_else(missing)?).length(name)
}

fn mode(given: Option<&[u8]>) -> Result<Mode> {
    given.map_or(Ok(Mode::Ordered), |given| Mode::parse(&decoded(given)))
}

/// The true steps as bits, and the number of steps.
#[inline]
fn bits(steps: Option<Array<'_, bool>>) -> Result<(u64, usize)> {
    let refused = |given: String| Error::Argument {
        name: "steps",
        given,
        accepted: format!("an array of 1 to {MOST_STEPS} conditions, such as ARRAY[feature = 'chat', rating > 3]"),
    };
    let Some(steps) = steps else { return Err(refused("NULL".to_owned())) };
    let (mut bits, count) = (0u64, steps.len());
    if !(1..=MOST_STEPS).contains(&count) {
        return Err(refused(format!("an array of {count} conditions")));
    }
    for (n, step) in (0..).zip(steps.iter()) {
        bits |= u64::from(step.unwrap_or(false)) << n;
    }
    Ok((bits, count))
}

/// The aggregate's name, for messages.
pub const NAME: &str = "funnel";

/// The rules given in a row: number of steps, window and mode.
#[inline]
fn rules(row: Row<'_>, steps: usize) -> Result<Rules> {
    Rules::new(steps, window("window_size", row.interval(1))?, mode(row.text(2))?)
}

/// The state of a group's first row.
pub fn begin(row: Row<'_>) -> Result<Funnel> {
    let (_, steps) = bits(row.booleans(0))?;
    Ok(Funnel::new(row.user_kind()?, rules(row, steps)?))
}

/// Accumulates one row: user, time, steps and window, and if given the mode and whether the row is excluded.
#[inline]
pub fn step(funnel: &mut Funnel, row: Row<'_>) -> Result<()> {
    let (bits, steps) = bits(row.booleans(0))?;
    let given = rules(row, steps)?;
    if given != funnel.rules() {
        let (ours, theirs) = (funnel.rules().to_string(), given.to_string());
        return Err(Error::Mixed { what: "funnels", ours, theirs });
    }
    observe(funnel, row, bits, row.boolean(3))
}

#[inline]
fn observe(funnel: &mut Funnel, row: Row<'_>, bits: u64, excluded: Option<bool>) -> Result<()> {
    match row.instant().filter(|&at| time::is_counted(at)) {
        Some(at) => {
            let kind = funnel.kind();
            funnel.observe(Event::new(at, bits, excluded.unwrap_or(false)), || row.user(kind))
        }
        None => Ok(()),
    }
}

stored_value! { Funnel, "funnel":
    funnel_rollup, funnel_combine, funnel_serialize, funnel_deserialize, funnel_finish,
    funnel_in, funnel_out, funnel_receive, funnel_send
}

/// Opens a value for reading, for a function.
pub fn open<'a>(function: &'static str, value: &'a FunnelValue<'_>) -> error::Result<View<'a>> {
    bridge::set_limit();
    View::open(value.bytes()).map_err(refused(function))
}

#[pg_extern(stable, strict, parallel_safe, name = "users")]
fn funnel_value_users(value: FunnelValue<'_>) -> error::Result<Option<i64>> {
    let users = open("users", &value)?.users();
    Ok(Privacy::current().shown(users, users as i64))
}

#[pg_extern(immutable, strict, parallel_safe, name = "last_request")]
fn funnel_last_request(value: FunnelValue<'_>) -> error::Result<Option<TimestampWithTimeZone>> {
    Ok(open("last_request", &value)?.last_at().and_then(|at| TimestampWithTimeZone::try_from(at).ok()))
}

#[pg_extern(immutable, strict, parallel_safe, name = "without_users")]
fn funnel_without_users<'a>(value: FunnelValue<'a>, user_ids: TextList<'_>) -> error::Result<FunnelValue<'a>> {
    let rest = {
        let view = open("without_users", &value)?;
        keys(view.kind(), &user_ids).and_then(|keys| view.without(&keys)).map_err(refused("without_users"))?
    };
    Ok(rest.map_or(value, Value::from_bytes))
}
