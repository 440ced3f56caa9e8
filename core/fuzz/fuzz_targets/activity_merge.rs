//! Two activities of any bytes: merging them in either order gives the same bytes, and taking one in again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::activity::{Activity, VERSION};
use user_metrics_core::base::state::State;
use user_metrics_core::base::wire;
use user_metrics_core::{Error, Result};
use user_metrics_fuzz::{framed, held};

fuzz_target!(|input: &[u8]| {
    let Some((&first, rest)) = input.split_first() else { return };
    let (one, other) = rest.split_at(usize::from(first).min(rest.len()));
    held(|| {
        let read = |body| Activity::decode(&framed(wire::Kind::Activity, VERSION, body));
        let (Ok(a), Ok(b)) = (read(one), read(other)) else { return };
        match (merged(&a, &b), merged(&b, &a)) {
            (Ok(ab), Ok(ba)) => {
                let bytes = ab.encode().expect("room for a small value");
                assert_eq!(ba.encode().as_deref(), Ok(&*bytes), "merging is commutative");
                assert_eq!(merged(&ab, &b).and_then(|ab| ab.encode()).as_deref(), Ok(&*bytes), "merging is idempotent");
                let read = Activity::decode(&bytes).expect("what was encoded decodes");
                assert_eq!(read.encode().as_deref(), Ok(&*bytes));
            }
            (Err(ab), Err(ba)) => {
                assert!(matches!(ab, Error::Mixed { .. } | Error::OutOfMemory { .. }), "refused as {ab:?}");
                assert!(matches!(ba, Error::Mixed { .. } | Error::OutOfMemory { .. }), "refused as {ba:?}");
            }
            (ab, ba) => panic!("refused in one order only: {ab:?}, {ba:?}"),
        }
    });
});

fn merged(a: &Activity, b: &Activity) -> Result<Activity> {
    let mut both = a.empty();
    both.merge(a)?;
    both.merge(b)?;
    Ok(both)
}
