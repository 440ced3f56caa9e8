//! `funnel`: its aggregates, its type and its readouts. The algorithms are in [`user_metrics_core::funnel`].

use crate::aggregate::{self, Numbers, TextBytes, TextList, Texts, stored_value};
use crate::error::{self, refused};
use crate::stored::{Stored, Value};
use crate::time;
use crate::transition::Row;
use crate::users::keys;
use pgrx::datum::Array;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::calendar::Micros;
use user_metrics_core::funnel::{
    self as readout, Compatibility, Event, Funnel, MOST_STEPS, Mode, Plan, Rules, StepsOfText, View,
};
use user_metrics_core::source::Analysis;
use user_metrics_core::{Error, Result};

impl Stored for Funnel {
    const SQL_NAME: &'static str = "user_metrics.funnel";
    const IDENTITY: &'static str = "user_metrics::funnel::Funnel";
}

/// A stored funnel as SQL passes it.
type FunnelValue<'a> = Value<'a, Funnel>;

/// A window as the caller gave it in argument `name`.
fn window(name: &'static str, given: Option<Interval>) -> Result<Micros> {
    let missing = || Error::Argument {
        name,
        given: "NULL".to_owned(),
        accepted: "an interval of days, hours, minutes or seconds, such as '7 days'".to_owned(),
    };
    time::interval(given.ok_or_else(missing)?).length(name)
}

fn mode(given: Option<&[u8]>) -> Result<Mode> {
    given.map_or(Ok(Mode::Ordered), |given| Mode::parse(&String::from_utf8_lossy(given)))
}

/// The steps that are true as bits, and how many there are.
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

/// What a row says of the funnel: how many steps, the window and the mode.
#[inline]
fn rules(row: Row<'_>, steps: usize) -> Result<Rules> {
    Rules::new(steps, window("window_size", row.interval(1))?, mode(row.text(2))?)
}

/// The state of a group's first row.
pub fn begin(row: Row<'_>) -> Result<Funnel> {
    let (_, steps) = bits(row.booleans(0))?;
    Ok(Funnel::new(row.user_kind()?, rules(row, steps)?))
}

/// Takes one row in: user and time, its steps, the window, and if they are given the mode and whether it is excluded.
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
    match row.instant().filter(|&at| time::is_finite(at)) {
        Some(at) => {
            let kind = funnel.kind();
            funnel.observe(Event::new(at, bits, excluded.unwrap_or(false)), || row.user(kind))
        }
        None => Ok(()),
    }
}

/// The rows of a log, which say their steps as bits; steps, window and mode are those of the first.
pub mod marks {
    use super::{Funnel, Result, Row, Rules, mode, observe, window};

    /// The aggregate's name, for messages.
    pub const NAME: &str = super::NAME;

    /// The state of a group's first row.
    pub fn begin(row: Row<'_>) -> Result<Funnel> {
        let steps = usize::try_from(row.integer(2).unwrap_or(0)).unwrap_or(0);
        let rules = Rules::new(steps, window("within", row.interval(3))?, mode(row.text(4))?)?;
        Ok(Funnel::new(row.user_kind()?, rules))
    }

    /// Takes one row in.
    #[inline]
    pub fn step(funnel: &mut Funnel, row: Row<'_>) -> Result<()> {
        observe(funnel, row, row.bigint(0).unwrap_or(0) as u64, row.boolean(1))
    }
}

stored_value! { Funnel, "funnel":
    funnel_rollup, funnel_combine, funnel_serialize, funnel_deserialize, funnel_finish,
    funnel_in, funnel_out, funnel_receive, funnel_send
}

/// Opens a value for reading on behalf of a function.
fn open<'a>(function: &'static str, value: &'a FunnelValue<'_>) -> error::Result<View<'a>> {
    aggregate::set_limit();
    View::open(value.bytes()).map_err(refused(function))
}

#[pg_extern(immutable, strict, parallel_safe, name = "users")]
fn funnel_value_users(value: FunnelValue<'_>) -> error::Result<i64> {
    Ok(open("users", &value)?.users() as i64)
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

/// What [`steps_of_text`] was told, and what that means.
struct KeptSteps {
    /// Whether it will be told nothing else.
    is_final: bool,
    texts: Vec<u8>,
    steps: Vec<u8>,
    of: StepsOfText,
}

impl KeptSteps {
    #[cold]
    fn new(texts: Texts<'_>, steps: Numbers<'_>, fcinfo: pg_sys::FunctionCallInfo) -> Self {
        let is_final = [1, 2].into_iter().all(|argument| aggregate::is_same_in_every_call(fcinfo, argument));
        let wanted = texts.value().unwrap_or_default().into_iter().zip(steps.value().unwrap_or_default());
        let wanted = wanted.filter_map(|(text, step)| Some((text?, step? as u32)));
        let of = StepsOfText::new(wanted);
        // few: what the caller gave for steps
        KeptSteps { is_final, texts: texts.bytes().to_vec(), steps: steps.bytes().to_vec(), of }
    }

    #[inline]
    fn are(&self, texts: Texts<'_>, steps: Numbers<'_>) -> bool {
        self.is_final || (self.texts == texts.bytes() && self.steps == steps.bytes())
    }
}

/// Which steps a row is, as bits, by a text: of each of some texts it is told whose it is. One call in place of a
/// comparison a step.
#[pg_extern(immutable, parallel_safe)]
fn steps_of_text(
    text: Option<TextBytes<'_>>,
    texts: Option<Texts<'_>>,
    steps: Option<Numbers<'_>>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> i64 {
    let (Some(text), Some(texts), Some(steps)) = (text, texts, steps) else { return 0 };
    let kept = aggregate::kept::<KeptSteps>(fcinfo);
    if !kept.as_ref().is_some_and(|kept| kept.are(texts, steps)) {
        *kept = Some(KeptSteps::new(texts, steps, fcinfo));
    }
    kept.as_ref().map_or(0, |kept| kept.of.of(text.0) as i64)
}

/// What a caller's steps, exclusion, window, mode and compatibility mean; whatever is wrong with them is refused.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn funnel_plan(
    function: &str,
    steps: Option<&str>,
    exclude: Option<&str>,
    within: Option<Interval>,
    mode: Option<&str>,
    compatibility: Option<&str>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(names, Vec<String>),
            name!(steps, Vec<String>),
            name!(excluded, Vec<String>),
            name!(mode, String),
            name!(compatibility, String),
        ),
    >,
> {
    let function = Analysis::named(function).map_or("funnel", |analysis| analysis.name);
    let compose = || -> Result<_> {
        let plan = Plan::parse(steps.unwrap_or("null"), exclude)?;
        window("within", within)?;
        let mode = mode.map_or(Ok(Mode::Ordered), Mode::parse)?;
        let compatibility = compatibility.map_or(Ok(Compatibility::Standard), Compatibility::parse)?;
        compatibility.check(mode)?;
        if !plan.excluded.is_empty() {
            compatibility.check_exclusion()?;
        }
        let names = match mode {
            Mode::Unordered => readout::names(plan.names.len(), mode, None)?,
            _ => plan.names,
        };
        Ok((names, plan.steps, plan.excluded, mode.name().to_owned(), compatibility.name().to_owned()))
    };
    compose().map(TableIterator::once).map_err(refused(function))
}
