//! Durations as the laws see them, and what is true of them alone.

use crate::Subject;
use crate::support::{check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::base::memory;
use user_metrics_core::base::state::State;
use user_metrics_core::survival::{Curve, Step, Survival, logrank};

/// Seconds, whether it happened, and the late entry.
type Row = (f64, bool, f64);

fn rows(most: usize) -> BoxedStrategy<Vec<Row>> {
    let seconds = prop_oneof![
        6 => (0..30u32).prop_map(f64::from),
        2 => 0.0..1e6f64,
        1 => any::<f64>(),
        1 => prop_oneof![Just(-0.0), Just(-1.0), Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(5e-324)],
    ];
    let entry = prop_oneof![
        6 => Just(0.0),
        3 => (0..20u32).prop_map(f64::from),
        1 => any::<f64>(),
    ];
    vec((seconds, any::<bool>(), entry), 0..most).boxed()
}

impl Subject for Survival {
    type Options = ();
    type Row = Row;

    fn options() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        rows(300)
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        rows(6_000)
    }

    fn new((): &()) -> Self {
        Survival::new()
    }

    fn observe(&mut self, &(seconds, happened, entry): &Row) -> Result<()> {
        self.observe_from(entry, seconds, happened)
    }
}

fn settled(rows: &[Row]) -> Result<Survival> {
    let mut survival = Survival::new();
    rows.iter().try_for_each(|row| Subject::observe(&mut survival, row))?;
    survival.settle()?;
    Ok(survival)
}

fn is_valid(&(seconds, _, entry): &Row) -> bool {
    (0.0..f64::INFINITY).contains(&seconds) && (entry == 0.0 || entry > 0.0 && entry < seconds)
}

/// Who entered late is at risk after the entry.
fn is_at_risk(&(seconds, _, entry): &Row, time: f64) -> bool {
    seconds >= time && (entry == 0.0 || entry < time)
}

/// The estimate restated: at each time the product over the times before of the share that goes on.
fn naive(rows: &[Row], at: f64) -> f64 {
    let mut times = rows.iter().filter(|row| row.1 && row.0 <= at).map(|row| row.0).collect::<Vec<_>>();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let goes_on = |&time: &f64| {
        let at_risk = rows.iter().filter(|row| is_at_risk(row, time)).count() as f64;
        1.0 - rows.iter().filter(|row| row.1 && row.0 == time).count() as f64 / at_risk
    };
    times.iter().map(goes_on).product()
}

#[test]
fn the_curve_is_the_product_of_those_who_go_on() {
    check(300, rows(60), |mut rows| {
        let curve = ok(settled(&rows).and_then(|survival| Curve::new(&survival, 0.95)))?;
        rows.retain(is_valid);
        prop_assert_eq!(curve.observed(), rows.len() as u64);
        prop_assert_eq!(curve.events(), rows.iter().filter(|row| row.1).count() as u64);
        prop_assert_eq!(curve.steps().is_empty(), rows.is_empty());
        for step in curve.steps() {
            let share = step.survival.unwrap_or(f64::NAN);
            prop_assert!((share - naive(&rows, step.seconds)).abs() < 1e-12, "{step:?}");
            prop_assert_eq!(step.at_risk, rows.iter().filter(|row| is_at_risk(row, step.seconds)).count() as u64);
            if let Some((low, high)) = step.bounds {
                prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0, "{step:?}");
            }
        }
        prop_assert!(curve.steps().is_sorted_by(|a, b| a.seconds < b.seconds && a.survival >= b.survival));
        Ok(())
    });
}

#[test]
fn the_curve_at_its_own_times_is_the_curve() {
    check(200, rows(60), |rows| {
        let curve = ok(settled(&rows).and_then(|survival| Curve::new(&survival, 0.9)))?;
        let times = curve.steps().iter().map(|step| step.seconds).collect::<Vec<_>>();
        prop_assert_eq!(&ok(curve.at(&times))?[..], curve.steps());
        // Nothing is lost between times of one's own, and nothing known beyond the last observation.
        let events = |steps: &[Step]| steps.iter().map(|step| step.events + step.censored).sum::<u64>();
        if let Some(&last) = times.last().filter(|&&last| last < 1e300) {
            let coarse = ok(curve.at(&[0.0, last / 2.0, last, 2.0 * last + 1.0]))?;
            prop_assert_eq!(events(&coarse), curve.observed());
            prop_assert_eq!(
                coarse[3].survival.is_some(),
                curve.steps().last().is_some_and(|s| s.survival == Some(0.0))
            );
        }
        Ok(())
    });
}

#[test]
fn quantiles_are_where_the_curve_crosses() {
    check(300, (rows(60), 0.01..0.99f64), |(rows, share)| {
        let curve = ok(settled(&rows).and_then(|survival| Curve::new(&survival, 0.95)))?;
        let time = ok(curve.quantile("quantile", share))?;
        match time.seconds {
            Some(at) => {
                for step in curve.steps() {
                    let reached = step.survival.is_some_and(|left| left <= 1.0 - share + 1e-12);
                    prop_assert_eq!(reached, step.seconds >= at);
                }
                prop_assert!(time.low.is_some_and(|low| low <= at), "{time:?}");
            }
            None => prop_assert!(curve.steps().iter().all(|s| s.survival.is_none_or(|left| left > 1.0 - share))),
        }
        prop_assert!(time.high.is_none_or(|high| time.seconds.is_some_and(|at| at <= high)), "{time:?}");
        Ok(())
    });
}

#[test]
fn the_restricted_mean_is_the_mean_of_what_is_known() {
    // Without censoring and late entries, the mean of the shorter of each duration and the limit.
    check(200, (vec(0.0..100.0f64, 1..40), 0.1..150.0f64), |(durations, until)| {
        let rows = durations.iter().map(|&seconds| (seconds, true, 0.0)).collect::<Vec<_>>();
        let curve = ok(settled(&rows).and_then(|survival| Curve::new(&survival, 0.95)))?;
        let mean = ok(curve.mean(Some(until)))?;
        let expected = durations.iter().map(|seconds| seconds.min(until)).sum::<f64>() / durations.len() as f64;
        prop_assert!(mean.seconds.is_some_and(|seconds| (seconds - expected).abs() < 1e-9), "{mean:?} {expected}");
        Ok(())
    });
}

#[test]
fn the_log_rank_test_knows_no_order_of_groups() {
    check(300, vec(rows(40), 0..6), |groups| {
        let mut values = ok(groups.iter().map(|rows| settled(rows)).collect::<Result<Vec<_>>>())?;
        let one = ok(logrank(&values))?;
        values.reverse();
        let other = ok(logrank(&values))?;
        prop_assert_eq!(one.degrees_of_freedom, other.degrees_of_freedom);
        prop_assert!(one.degrees_of_freedom < groups.len().max(1));
        prop_assert_eq!(one.statistic.is_some(), one.degrees_of_freedom > 0);
        let apart = |a: Option<f64>, b: Option<f64>| (a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs();
        prop_assert!(
            apart(one.statistic, other.statistic) < 1e-8 * (1.0 + one.statistic.unwrap_or(0.0)),
            "{one:?} {other:?}"
        );
        prop_assert!(one.statistic.is_none_or(|x| x >= 0.0) && one.p_value.is_none_or(|p| (0.0..=1.0).contains(&p)));
        Ok(())
    });
}

#[test]
fn reading_keeps_to_the_limit_and_gives_back() {
    let rows = (0..5000).map(|i| (f64::from(i), i % 2 == 0, f64::from(i % 3) * 0.1)).collect::<Vec<_>>();
    let survival = settled(&rows).unwrap();
    let held = memory::used();
    let curve = Curve::new(&survival, 0.95).unwrap();
    assert!(memory::used() > held);
    drop(curve);
    assert_eq!(memory::used(), held);
    assert!(crate::support::limited(held + 1000, || Curve::new(&survival, 0.95).map(drop)).is_err());
    assert!(crate::support::limited(held + 1000, || logrank(std::slice::from_ref(&survival))).is_err());
}
