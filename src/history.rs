//! The aggregate `history`: reads rows in place, whatever the types of the log's columns, passes states between processes,
//! and delivers the result to the caller of the query. Its content is [`user_metrics_core::history`].
//!
//! An `internal` value cannot be returned through SQL, so the history is handed to the query's caller separately, in a place
//! named by the caller ([`Delivery`]); SQL gets whether there is one. If no caller waits for it, the result is NULL.
#![allow(unsafe_code)]

use crate::arguments::TextBytes;
use crate::bridge;
use crate::error::refused_input;
use crate::scratch::{self, SharedFile};
use crate::time;
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, direct_function_call, direct_function_call_as_datum};
use std::cell::RefCell;
use std::io::Write;
use user_metrics_core::base::calendar::Micros;
use user_metrics_core::base::encoding::{decoded, encoded};
use user_metrics_core::base::outcome::of_code;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::history::jsonb::{Shape, Value};
use user_metrics_core::history::numeric::{self, Number};
use user_metrics_core::history::{History, Kind, Plan, PlannedColumn};
use user_metrics_core::{Error, Result};
use xxhash_rust::xxh3::xxh3_64;

const NAME: &str = "history";

/// The positions of the arguments: state, plan, user, time, and then the columns of the plan.
const PLAN: usize = 1;
const USER: usize = 2;
const TIME: usize = 3;
const COLUMNS: usize = 4;

/// How user ids are read.
#[derive(Clone, Copy)]
enum User {
    Text,
    Uuid,
    Integer(Width),
}

/// The bytes of an integer.
#[derive(Clone, Copy)]
enum Width {
    Two,
    Four,
    Eight,
}

impl Width {
    #[inline]
    fn read(self, datum: pg_sys::Datum) -> i64 {
        match self {
            Width::Two => i64::from(datum.value() as i16),
            Width::Four => i64::from(datum.value() as i32),
            Width::Eight => datum.value() as i64,
        }
    }

    fn of(kind: pg_sys::Oid) -> Option<Self> {
        match kind {
            pg_sys::INT2OID => Some(Width::Two),
            pg_sys::INT4OID => Some(Width::Four),
            pg_sys::INT8OID => Some(Width::Eight),
            _ => None,
        }
    }
}

/// How a column is read.
enum Column {
    Text,
    /// The value of a key of a JSON object as text, with the key and the shape of objects that have it.
    Property(Vec<u8>, Shape),
    TextSession,
    UuidSession,
    IntegerSession(Width),
    TextId,
    UuidId,
    IntegerId(Width),
    Integer(Width),
    Float,
    Double,
    Numeric,
    BooleanNumber,
    Flag,
    Status,
    StatusCode(Width),
}

impl Column {
    fn of(column: &PlannedColumn, of: pg_sys::Oid) -> Option<Self> {
        if let Some(key) = &column.key {
            let key = encoded(key).ok()?.into_owned();
            let shape = Shape::new(vec![key.clone()]); // few: one key
            let is_text = column.kind == Kind::Text && of == pg_sys::JSONBOID;
            return is_text.then_some(Column::Property(key, shape));
        }
        match (column.kind, of) {
            (Kind::Text, pg_sys::TEXTOID) => Some(Column::Text),
            (Kind::Session, pg_sys::TEXTOID) => Some(Column::TextSession),
            (Kind::Session, pg_sys::UUIDOID) => Some(Column::UuidSession),
            (Kind::Session, of) => Width::of(of).map(Column::IntegerSession),
            // For jsonb, the bytes as stored.
            (Kind::Id, pg_sys::TEXTOID | pg_sys::JSONBOID) => Some(Column::TextId),
            (Kind::Id, pg_sys::UUIDOID) => Some(Column::UuidId),
            (Kind::Id, of) => Width::of(of).map(Column::IntegerId),
            (Kind::Count | Kind::Number, pg_sys::FLOAT4OID) => Some(Column::Float),
            (Kind::Count | Kind::Number, pg_sys::FLOAT8OID) => Some(Column::Double),
            (Kind::Count | Kind::Number, pg_sys::NUMERICOID) => Some(Column::Numeric),
            (Kind::Count | Kind::Number, pg_sys::BOOLOID) => Some(Column::BooleanNumber),
            (Kind::Count | Kind::Number, of) => Width::of(of).map(Column::Integer),
            (Kind::Flag, pg_sys::BOOLOID) => Some(Column::Flag),
            (Kind::Status, pg_sys::TEXTOID) => Some(Column::Status),
            (Kind::Status, of) => Width::of(of).map(Column::StatusCode),
            _ => None,
        }
    }
}

/// What a transition value points to.
struct Live {
    /// Empty once the query's caller or another state has taken it.
    history: Option<History>,
    user: User,
    columns: Vec<Column>,
}

thread_local! {
    /// The histories that calls of this process wait for, the innermost last: a log may be a view that calls a function itself.
    static UNDER_WAY: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

/// Where the history of one query goes.
struct Place {
    /// Identifies its plan.
    area: u32,
    /// Memory that outlives the query.
    context: pg_sys::MemoryContext,
    made: Option<History>,
}

/// The history that one call waits for: from before its query begins until it has ended.
pub struct Delivery(usize);

impl Delivery {
    /// Before the query runs: what outlives it of the history is allocated in the given memory context.
    pub fn begin(area: u32, context: pg_sys::MemoryContext) -> Self {
        UNDER_WAY.with_borrow_mut(|places| {
            places.push(Place { area, context, made: None });
            Delivery(places.len() - 1)
        })
    }

    /// After it has run: the history; `None` if there were no rows.
    pub fn end(self) -> Option<History> {
        UNDER_WAY.with_borrow_mut(|places| places.get_mut(self.0).and_then(|place| place.made.take()))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // Those nested in it have ended as well, if by an error.
        let gone = UNDER_WAY.with_borrow_mut(|places| places.split_off(self.0.min(places.len())));
        drop(gone);
    }
}

/// The memory context of the running query with this area.
fn memory_of(area: Option<u32>) -> Option<pg_sys::MemoryContext> {
    UNDER_WAY.with_borrow(|places| places.last().filter(|place| Some(place.area) == area).map(|place| place.context))
}

impl Live {
    fn of(history: History) -> Self {
        Live { history: Some(history), user: User::Text, columns: Vec::new() }
    }

    /// The state of the first row, by the argument types of the call.
    unsafe fn begin(fcinfo: pg_sys::FunctionCallInfo, plan: &[u8], context: pg_sys::MemoryContext) -> Result<Self> {
        let plan = Plan::parse(&decoded(plan))?;
        // SAFETY: asks for the types of arguments of this call.
        let type_of = |n: usize| unsafe { pg_sys::get_fn_expr_argtype((*fcinfo).flinfo, n as i32) };
        let user = match type_of(USER) {
            pg_sys::TEXTOID => User::Text,
            pg_sys::UUIDOID => User::Uuid,
            other => {
                User::Integer(Width::of(other).ok_or(Error::Corrupt { what: "a type of user ids that has no keys" })?)
            }
        };
        // A timestamp without time zone is taken as UTC.
        if !matches!(type_of(TIME), pg_sys::TIMESTAMPTZOID | pg_sys::TIMESTAMPOID) {
            return Err(Error::Corrupt { what: "a type of times that is none" });
        }
        let columns = plan.columns.iter().zip(COLUMNS..).map(|(column, n)| Column::of(column, type_of(n)));
        let columns = columns.collect::<Option<Vec<_>>>(); // few: columns
        // SAFETY: as above.
        let given = unsafe { (*fcinfo).nargs } as usize - COLUMNS;
        let columns = columns.filter(|columns| columns.len() == given);
        let columns = columns.ok_or(Error::Corrupt { what: "a plan of other columns than are given" })?;
        let kind = match user {
            User::Text => UserKind::Text,
            User::Uuid => UserKind::Uuid,
            User::Integer(_) => UserKind::Bigint,
        };
        let context = memory_of(plan.area).unwrap_or(context);
        let scratch = plan.area.map(|area| Box::new(SharedFile::new(area, context)) as Box<_>);
        Ok(Live { history: Some(History::new(plan, kind, scratch)?), user, columns })
    }

    /// Accumulates a row.
    #[inline]
    unsafe fn row(&mut self, arguments: &[pg_sys::NullableDatum]) -> Result<()> {
        let Some(history) = &mut self.history else { return Ok(()) };
        let ([_, _, user, time], columns) = arguments.split_first_chunk().ok_or(Error::Corrupt { what: "no row" })?;
        let at = time.value.value() as Micros;
        if time.isnull || !time::is_counted(at) {
            return Ok(());
        }
        history.see(at);
        if user.isnull {
            return Ok(());
        }
        let user = user.value;
        // SAFETY: arguments are of the types that the call had at its first row.
        unsafe {
            match self.user {
                User::Text => {
                    let id = TextBytes::read(user).0;
                    let Some(key) = UserKey::text(id) else { return Ok(()) };
                    history.begin(key, at)?;
                    if history.keeps_names() {
                        history.set_name(id)?;
                    }
                }
                User::Uuid => history.begin(UserKey::uuid(user.cast_mut_ptr::<[u8; 16]>().read_unaligned()), at)?,
                User::Integer(width) => history.begin(UserKey::bigint(width.read(user)), at)?,
            }
            for (n, (column, argument)) in self.columns.iter_mut().zip(columns).enumerate() {
                let datum = (!argument.isnull).then_some(argument.value);
                match column {
                    Column::Text => history.set_text(n, datum.map(|datum| TextBytes::read(datum).0))?,
                    Column::Property(key, shape) => {
                        if let Some(datum) = datum {
                            set_property(history, n, datum, key, shape)?;
                        }
                    }
                    Column::TextSession => {
                        let id = datum.map(|datum| TextBytes::read(datum).0);
                        let named = id.filter(|id| !user_metrics_core::base::user_table::is_blank(id));
                        history.set_session(n, named.map(xxh3_64));
                    }
                    Column::UuidSession => {
                        let id = datum.map(|datum| datum.cast_mut_ptr::<[u8; 16]>().read_unaligned());
                        history.set_session(n, id.map(|id| xxh3_64(&uuid_text(id))));
                    }
                    Column::IntegerSession(width) => {
                        let mut digits = [0; 20];
                        let id = datum.map(|datum| xxh3_64(integer_text(width.read(datum), &mut digits)));
                        history.set_session(n, id);
                    }
                    Column::TextId => history.set_id(n, datum.map(|datum| TextBytes::read(datum).0))?,
                    Column::UuidId => {
                        let id = datum.map(|datum| datum.cast_mut_ptr::<[u8; 16]>().read_unaligned());
                        history.set_id(n, id.map(uuid_text).as_ref().map(|id| &id[..]))?;
                    }
                    Column::IntegerId(width) => {
                        let mut digits = [0; 20];
                        history.set_id(n, datum.map(|datum| integer_text(width.read(datum), &mut digits)))?;
                    }
                    Column::Integer(width) => history.set_number(n, datum.map(|datum| width.read(datum) as f64)),
                    Column::Float => {
                        history.set_number(n, datum.map(|datum| f64::from(f32::from_bits(datum.value() as u32))));
                    }
                    Column::Double => history.set_number(n, datum.map(|datum| f64::from_bits(datum.value() as u64))),
                    Column::Numeric => history.set_number(n, datum.and_then(|datum| numeric_number(datum))),
                    Column::BooleanNumber => {
                        history.set_number(n, datum.map(|datum| f64::from(u8::from(datum.value() as u8 != 0))));
                    }
                    Column::Flag => history.set_flag(n, datum.map(|datum| datum.value() as u8 != 0)),
                    Column::Status => history.set_status(n, datum.map(|datum| TextBytes::read(datum).0))?,
                    Column::StatusCode(width) => {
                        history.set_flag(n, datum.and_then(|datum| of_code(width.read(datum))));
                    }
                }
            }
        }
        history.end()
    }
}

/// Sets a column to the value of a key of a JSON object, as `->>` gives it.
///
/// # Safety
///
/// The datum must be a jsonb.
#[inline]
unsafe fn set_property(
    history: &mut History,
    column: usize,
    datum: pg_sys::Datum,
    key: &[u8],
    shape: &mut Shape,
) -> Result<()> {
    let (mut set, mut is_other) = (Ok(()), false);
    // SAFETY: as promised by the caller.
    shape.read(unsafe { TextBytes::read(datum) }.0, |_, value| match value {
        Value::Absent | Value::Null => {}
        Value::String(text) => set = history.set_text(column, Some(text)),
        Value::Bool(true) => set = history.set_text(column, Some(b"true")),
        Value::Bool(false) => set = history.set_text(column, Some(b"false")),
        Value::Numeric(_) | Value::Container(_) => is_other = true,
    });
    if !is_other {
        return set;
    }
    // SAFETY: PostgreSQL's own function for what is not text already; the result lives as long as the row.
    unsafe {
        let text = direct_function_call_as_datum(pg_sys::jsonb_object_field_text, &[Some(datum), key.into_datum()]);
        history.set_text(column, text.map(|text| TextBytes::read(text).0))
    }
}

/// A uuid in PostgreSQL's text form.
fn uuid_text(id: [u8; 16]) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let (mut text, mut at) = ([b'-'; 36], 0);
    for (n, byte) in id.into_iter().enumerate() {
        at += usize::from(matches!(n, 4 | 6 | 8 | 10));
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    text
}

/// An integer in PostgreSQL's text form.
fn integer_text(id: i64, digits: &mut [u8; 20]) -> &[u8] {
    let mut rest = &mut digits[..];
    let written = write!(rest, "{id}");
    let left = rest.len();
    written.map_or(&[], |()| &digits[..20 - left])
}

/// A numeric as the nearest double; `None` if it is not finite.
///
/// # Safety
///
/// The datum must be a numeric.
#[inline]
unsafe fn numeric_number(datum: pg_sys::Datum) -> Option<f64> {
    // SAFETY: as promised by the caller.
    match numeric::to_double(unsafe { TextBytes::read(datum) }.0) {
        Number::Double(number) => Some(number),
        Number::NotFinite => None,
        // SAFETY: PostgreSQL's own function for what has more digits than is quickly told.
        Number::Inexact => unsafe { direct_function_call(pg_sys::numeric_float8_no_overflow, &[Some(datum)]) },
    }
}

#[cold]
#[inline(never)]
fn raise<T>(error: Error) -> T {
    Err(refused_input(NAME, PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE)(error)).unwrap_or_report()
}

/// Puts a state where it outlives the row.
unsafe fn keep(live: Live, context: pg_sys::MemoryContext) -> pg_sys::Datum {
    pg_sys::Datum::from(PgMemoryContexts::For(context).leak_and_drop_on_delete(live))
}

#[cold]
#[inline(never)]
unsafe fn begin(fcinfo: pg_sys::FunctionCallInfo, plan: pg_sys::NullableDatum) -> pg_sys::Datum {
    bridge::set_limit();
    let context = bridge::context(fcinfo).unwrap_or_report();
    if plan.isnull {
        return raise(Error::Corrupt { what: "no plan" });
    }
    // SAFETY: the plan is a text; the context is that of the aggregate.
    unsafe {
        let live = Live::begin(fcinfo, TextBytes::read(plan.value).0, context).unwrap_or_else(raise);
        keep(live, context)
    }
}

unsafe fn arguments<'a>(fcinfo: pg_sys::FunctionCallInfo) -> &'a [pg_sys::NullableDatum] {
    // SAFETY: the executor hands over as many arguments as nargs says.
    unsafe { (*fcinfo).args.as_slice(usize::try_from((*fcinfo).nargs).unwrap_or(0)) }
}

unsafe fn live<'a>(argument: pg_sys::NullableDatum) -> Option<&'a mut Live> {
    // SAFETY: an argument of the type internal is what `keep` made.
    if argument.isnull { None } else { unsafe { argument.value.cast_mut_ptr::<Live>().as_mut() } }
}

unsafe fn null(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: fcinfo is that of the call.
    unsafe { (*fcinfo).isnull = true };
    pg_sys::Datum::null()
}

unsafe fn transition(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as promised by the caller.
    unsafe {
        let arguments = arguments(fcinfo);
        let [state, ..] = *arguments else { return null(fcinfo) };
        let datum = if state.isnull { begin(fcinfo, arguments[PLAN]) } else { state.value };
        if let Some(live) = datum.cast_mut_ptr::<Live>().as_mut() {
            live.row(arguments).unwrap_or_else(raise);
        }
        datum
    }
}

unsafe fn combine(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as promised by the caller.
    unsafe {
        let &[into, from, ..] = arguments(fcinfo) else { return null(fcinfo) };
        let Some(theirs) = live(from).and_then(|theirs| theirs.history.take()) else {
            return if into.isnull { null(fcinfo) } else { into.value };
        };
        bridge::set_limit();
        match live(into).and_then(|ours| ours.history.as_mut()) {
            Some(ours) => {
                ours.absorb(theirs).unwrap_or_else(raise);
                into.value
            }
            None => keep(Live::of(theirs), bridge::context(fcinfo).unwrap_or_report()),
        }
    }
}

unsafe fn serialize(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as promised by the caller.
    unsafe {
        let &[state, ..] = arguments(fcinfo) else { return null(fcinfo) };
        let Some(mut history) = live(state).and_then(|live| live.history.take()) else { return null(fcinfo) };
        bridge::set_limit();
        let bytes = history.hand_over().unwrap_or_else(raise);
        drop(history);
        bytes.into_datum().unwrap_or_else(|| null(fcinfo))
    }
}

unsafe fn deserialize(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as promised by the caller.
    unsafe {
        let &[bytes, ..] = arguments(fcinfo) else { return null(fcinfo) };
        bridge::set_limit();
        let history = History::handed_over(TextBytes::read(bytes.value).0).unwrap_or_else(raise);
        keep(Live::of(history), bridge::context(fcinfo).unwrap_or_report())
    }
}

unsafe fn finish(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as promised by the caller.
    unsafe {
        let &[state, ..] = arguments(fcinfo) else { return null(fcinfo) };
        let Some(mut history) = live(state).and_then(|live| live.history.take()) else { return null(fcinfo) };
        bridge::set_limit();
        let area = history.plan().area;
        // No caller waits for it.
        let (Some(context), Some(number)) = (memory_of(area), area) else { return null(fcinfo) };
        let opened = history.settle().and_then(|()| history.open(&mut |name| scratch::open(number, name, context)));
        opened.unwrap_or_else(raise);
        UNDER_WAY.with_borrow_mut(|places| {
            if let Some(place) = places.last_mut() {
                place.made = Some(history);
            }
        });
        pg_sys::Datum::from(true)
    }
}

crate::c_functions! {
    history_transition, pg_finfo_history_transition: transition;
    history_combine, pg_finfo_history_combine: combine;
    history_serialize, pg_finfo_history_serialize: serialize;
    history_deserialize, pg_finfo_history_deserialize: deserialize;
    history_finish, pg_finfo_history_finish: finish;
}
