//! Any bytes as what one process hands to another: a refusal, or a history that every fold reads, or refuses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::calendar::{DAY_MICROS, Segment};
use user_metrics_core::function::{Argument, Call, Cell, Environment, Given, Rows, Type, all};
use user_metrics_core::history::{History, Kind, Plan, PlannedColumn, VERSION};
use user_metrics_core::users::UserKind;
use user_metrics_core::{Error, Result, wire};
use user_metrics_fuzz::{framed, held, is_refusal};

const COLUMNS: [(&str, Kind); 10] = [
    ("request_id", Kind::Id),
    ("session_id", Kind::Session),
    ("model", Kind::Text),
    ("feature", Kind::Text),
    ("segment", Kind::Text),
    ("prompt_tokens", Kind::Count),
    ("latency_ms", Kind::Count),
    ("rating", Kind::Number),
    ("succeeded", Kind::Status),
    ("plan_property", Kind::Text),
];

fuzz_target!(|rest: &[u8]| held(|| {
    // What the fuzzer would hardly find by itself: the plan, a type of ids, no last time, no file.
    let planned = |(name, kind): (&str, Kind)| PlannedColumn { name: name.to_owned(), kind, key: None };
    let plan = Plan { columns: COLUMNS.map(planned).to_vec(), names: true, area: None }.to_json();
    let (kind, rest) = rest.split_first().map_or((0, rest), |(kind, rest)| (kind % 3, rest));
    let mut body = vec![plan.len() as u8 & 0x7f | 0x80, (plan.len() >> 7) as u8];
    body.extend_from_slice(plan.as_bytes());
    body.extend_from_slice(&[kind, 0, 0]);
    body.extend_from_slice(rest);
    match History::handed_over(&framed(wire::Kind::History, VERSION, &body)) {
        Ok(mut history) => {
            assert_eq!(history.kind(), UserKind::from_number(kind).unwrap());
            history.settle().expect("nothing to pack");
            all().filter(|function| !function.reads.is_stored()).for_each(|function| {
                let call = call(function, &history);
                if let Err(error) = (function.run)(&call, &mut Nowhere) {
                    assert!(is_refusal(&error) || matches!(error, Error::Argument { .. }), "refused as {error:?}");
                }
            });
        }
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}));

struct Nowhere;

impl Rows for Nowhere {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()> {
        assert!(!cells.is_empty());
        Ok(())
    }
}

fn given(argument: &Argument) -> Option<Given<'static>> {
    match argument.kind {
        Type::Integer => Some(Given::Integer(2)),
        Type::Text => Some(Given::Text("1")),
        Type::Json => Some(Given::Json(r#"{"1": {"monthly_request_limit": 2, "features": ["3"]}}"#.to_owned())),
        _ => None,
    }
}

fn segment(_: &str, _: i64) -> Result<Segment> {
    Ok(Segment { from: i64::MIN, until: i64::MAX, offset: DAY_MICROS / 24 })
}

fn call<'a>(function: &'static user_metrics_core::function::Function, history: &'a History) -> Call<'a> {
    Call {
        function,
        values: Vec::new(),
        history: Some(history),
        left_out: Vec::new(),
        by: true,
        arguments: function.arguments.iter().map(given).collect(),
        since: None,
        until: None,
        as_of: None,
        timezone: Some("somewhere"),
        environment: Environment {
            now: 10_000 * DAY_MICROS,
            week_start: 0,
            min_group_size: 2,
            parts: 1,
            session_gap: DAY_MICROS / 48,
            timezone: "UTC".to_owned(),
            segment: &segment,
        },
    }
}
