//! Any bytes as what one process hands to another: a refusal, or a history that every fold reads, or refuses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::user_table::UserKind;
use user_metrics_core::base::wire;
use user_metrics_core::catalog::all;
use user_metrics_core::function::{Cell, Rows};
use user_metrics_core::history::{History, Kind, Plan, PlannedColumn, VERSION};
use user_metrics_core::{Error, Result};
use user_metrics_fuzz::{framed, held, is_refusal};

#[path = "../../tests/support/call.rs"]
mod call;
use call::{Texts, call};

const TEXTS: Texts = Texts {
    name: "1",
    feature: "2",
    json: r#"{"1": {"monthly_request_limit": 2, "features": ["3"]}}"#,
    rules: r#"[{"segment": "a", "all": [{"requests": {">": 9}}, {"property:p": {"in": ["1", "2"]}}]}]"#,
};

const COLUMNS: [(&str, Kind); 15] = [
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
    ("property:p", Kind::Text),
    ("tier_property", Kind::Text),
    ("source_property", Kind::Text),
    ("start", Kind::Flag),
    ("premium", Kind::Flag),
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
                let mut call = call(function, &history, TEXTS);
                call.environment.min_group_size = 2;
                if let Err(error) = (function.run)(&call, &mut Nowhere) {
                    // Lists of users are refused while groups are hidden.
                    let is_expected = matches!(error, Error::Argument { .. } | Error::SingleUsers { .. });
                    assert!(is_refusal(&error) || is_expected, "refused as {error:?}");
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
