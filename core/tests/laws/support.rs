//! What the laws run with: random cases, a limit on memory, a stop in the middle.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use user_metrics_core::Result;
use user_metrics_core::base::memory;

/// What a law says of one case.
pub type Verdict<T = ()> = std::result::Result<T, TestCaseError>;

/// Nothing is refused here.
pub fn ok<T>(result: Result<T>) -> Verdict<T> {
    result.map_err(|error| TestCaseError::fail(format!("refused: {error:?}")))
}

/// Runs a law on so many random cases. After each, all memory has been given back.
pub fn check<T: Debug>(cases: u32, inputs: impl Strategy<Value = T>, law: impl Fn(T) -> Verdict) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_time: 20_000,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        law(input)?;
        prop_assert_eq!((memory::claims(), memory::used()), (0, 0), "claims and bytes left in the memory account");
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// Runs `work` with a limit on the memory of all states together.
pub fn limited<T>(limit: usize, work: impl FnOnce() -> T) -> T {
    memory::set_limit(limit);
    let result = work();
    memory::set_limit(usize::MAX);
    result
}

thread_local! {
    static POLLS: Cell<u32> = const { Cell::new(0) };
    static STOP_AT: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// The unwinding of a cancelled query: no panic, so that nothing is printed.
struct Stop;

fn poll() {
    POLLS.set(POLLS.get() + 1);
    if POLLS.get() == STOP_AT.get() {
        resume_unwind(Box::new(Stop));
    }
}

/// How often `work` asks whether to go on.
pub fn polls<T>(work: impl FnOnce() -> T) -> u32 {
    stopped(u32::MAX, work);
    POLLS.get()
}

/// Runs `work` and stops it when it asks for the `at`th time; `None` if it was stopped.
pub fn stopped<T>(at: u32, work: impl FnOnce() -> T) -> Option<T> {
    POLLS.set(0);
    STOP_AT.set(at);
    memory::set_poll(poll);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    memory::set_poll(|| ());
    match outcome {
        Ok(result) => Some(result),
        Err(cause) if cause.is::<Stop>() => None,
        Err(panic) => resume_unwind(panic),
    }
}
