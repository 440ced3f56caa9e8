//! Any bytes as durations: a refusal, or a value of these very bytes that all readouts answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::state::State;
use user_metrics_core::base::wire::Kind;
use user_metrics_core::survival::{Curve, Survival, VERSION, logrank};
use user_metrics_core::{Error, Result};
use user_metrics_fuzz::{framed, held, is_refusal};

fuzz_target!(|body: &[u8]| {
    held(|| decodes_or_refuses(body));
    held(|| decodes_or_refuses(&framed(Kind::Survival, VERSION, body)));
});

fn decodes_or_refuses(bytes: &[u8]) {
    match Survival::decode(bytes) {
        Ok(mut survival) => {
            assert_eq!(survival.encode().as_deref(), Ok(bytes), "a value has one form only");
            survival.settle().expect("nothing to do");
            if let Some(curve) = unless_too_large(Curve::new(&survival, 0.95)) {
                read_out(&curve);
            }
            let twice = [Survival::decode(bytes), Survival::decode(bytes)].into_iter().collect::<Result<Vec<_>>>();
            if let Some(test) = unless_too_large(twice.and_then(|values| logrank(&values))) {
                assert!(test.statistic.is_none_or(|x| x.is_finite() && x >= 0.0), "{test:?}");
                assert!(test.p_value.is_none_or(|p| (0.0..=1.0).contains(&p)), "{test:?}");
            }
            if unless_too_large(Survival::decode(bytes).and_then(|other| survival.merge(&other))).is_some() {
                let merged = unless_too_large(survival.encode());
                assert!(merged.is_none_or(|bytes| Survival::decode(&bytes).is_ok()), "what is merged can be read");
            }
        }
        Err(error) => assert!(is_refusal(&error), "refused as {error:?}"),
    }
}

fn read_out(curve: &Curve) {
    for step in curve.steps() {
        let share = step.survival.expect("known where somebody was observed");
        assert!((0.0..=1.0).contains(&share), "{step:?}");
        assert!(step.bounds.is_none_or(|(low, high)| 0.0 <= low && low <= high && high <= 1.0), "{step:?}");
    }
    curve.quantile("quantile", 0.5).expect("a share");
    curve.at(&[0.0, 1.0, 1e9]).expect("in order");
    let mean = curve.mean(None).expect("a limit of its own");
    assert!(mean.seconds.is_none_or(|seconds| seconds >= 0.0), "{mean:?}");
}

fn unless_too_large<T>(answer: Result<T>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(Error::OutOfMemory { .. }) => None,
        Err(error) => panic!("refused as {error:?}"),
    }
}
