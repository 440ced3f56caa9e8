//! The latest text as the laws see it, and what is true of it alone.

use crate::Subject;
use crate::support::{check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::latest::Latest;
use user_metrics_core::state::State;

type Row = (i64, Vec<u8>);

fn rows(most: usize) -> BoxedStrategy<Vec<Row>> {
    let text = prop_oneof![Just(b"pro".to_vec()), Just(b"free".to_vec()), vec(any::<u8>(), 0..20)];
    let at = prop_oneof![4 => 0..5i64, 1 => any::<i64>()];
    vec((at, text), 0..most).boxed()
}

impl Subject for Latest {
    type Options = ();
    type Row = Row;

    fn options() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        rows(20)
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        rows(2000)
    }

    fn new((): &()) -> Self {
        Latest::new()
    }

    fn observe(&mut self, (at, text): &Row) -> Result<()> {
        Latest::observe(self, *at, text)
    }
}

#[test]
fn the_latest_is_the_greatest_by_time_and_then_by_bytes() {
    check(300, rows(20), |rows| {
        let mut latest = Latest::new();
        ok(rows.iter().try_for_each(|row| Subject::observe(&mut latest, row)))?;
        prop_assert_eq!(latest.text(), rows.iter().max().map(|(_, text)| &text[..]));
        let decoded = ok(Latest::decode(&ok(latest.encode())?))?;
        prop_assert_eq!(decoded.text(), latest.text());
        Ok(())
    });
}
