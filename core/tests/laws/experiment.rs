//! An experiment as the laws see it, and what is true of it alone.

use crate::Subject;
use crate::support::{check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use user_metrics_core::base::state::State;
use user_metrics_core::experiment::{Arm, Experiment, Purpose};
use user_metrics_core::{Error, Result};

type Row = (Vec<u8>, Option<f64>, Option<f64>);

fn figure() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => (-3..4i32).prop_map(|whole| Some(f64::from(whole))),
        3 => (0.0..1e6f64).prop_map(Some),
        2 => (0.0..10.0f64).prop_map(|more| Some(1e9 + more)),
        1 => any::<f64>().prop_map(Some),
        1 => Just(None),
    ]
}

fn rows(least: usize, most: usize) -> BoxedStrategy<Vec<Row>> {
    let named = |n: u8| format!("variant {n}").into_bytes();
    let variant = prop_oneof![
        5 => prop_oneof![Just(b"control".to_vec()), Just(b"treatment".to_vec())],
        2 => (0..20u8).prop_map(named),
        1 => Just(b" ".to_vec()),
    ];
    vec((variant, figure(), figure()), least..most).boxed()
}

impl Subject for Experiment {
    type Options = Purpose;
    type Row = Row;

    fn options() -> BoxedStrategy<Purpose> {
        let kept = prop_oneof![Just(Purpose::Sample), Just(Purpose::Lists)];
        prop_oneof![Just(Purpose::Mean), Just(Purpose::Adjusted), Just(Purpose::Ratio), kept].boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        rows(0, 40)
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        rows(1000, 3000)
    }

    fn new(purpose: &Purpose) -> Self {
        Experiment::new(*purpose)
    }

    fn observe(&mut self, (variant, figure, second): &Row) -> Result<()> {
        match self.purpose() {
            // A list of the two figures, of one, or of none.
            Purpose::Lists => self.observe_list(variant, figure.iter().chain(second).copied()),
            _ => Experiment::observe(self, variant, *figure, *second),
        }
    }
}

fn fed(purpose: Purpose, rows: &[Row]) -> Result<Experiment> {
    let mut experiment = Experiment::new(purpose);
    rows.iter().try_for_each(|row| Subject::observe(&mut experiment, row))?;
    Ok(experiment)
}

/// Users, those without a figure, and the figures of a variant by a plain look at the rows.
fn naive(rows: &[Row], purpose: Purpose, name: &[u8]) -> (u64, Vec<(f64, f64)>) {
    let known = |figure: Option<f64>| figure.filter(|figure| figure.is_finite());
    let of = rows.iter().filter(|(variant, ..)| variant == name);
    let figures = of.clone().filter_map(|(_, figure, second)| match purpose {
        Purpose::Lists => {
            let mut list = [known(*figure), known(*second)].into_iter().flatten().collect::<Vec<_>>();
            list.sort_by(f64::total_cmp);
            (!list.is_empty()).then(|| (list.iter().sum(), list.len() as f64))
        }
        // Without a covariate, or a denominator, a user has no figure.
        Purpose::Ratio | Purpose::Adjusted => Some((known(*figure)?, known(*second)?)),
        _ => Some((known(*figure)?, known(*second).unwrap_or(0.0))),
    });
    (of.count() as u64, figures.collect())
}

fn is_close(found: f64, expected: f64, scale: f64) -> bool {
    (found.is_nan() && expected.is_nan()) || (found - expected).abs() <= scale * 1e-9 + f64::MIN_POSITIVE
}

/// In whole numbers of thousandths, where every sum is exact.
#[test]
fn moments_are_those_of_the_figures() {
    let whole = || prop_oneof![4 => -1000..1000i64, 1 => -1_000_000_000_000..1_000_000_000_000i64];
    check(300, vec((whole(), whole()), 0..50), |pairs| {
        let rows = pairs.iter().map(|(x, y)| (b"a".to_vec(), Some(*x as f64), Some(*y as f64)));
        let experiment = ok(fed(Purpose::Adjusted, &rows.collect::<Vec<_>>()))?;
        let n = pairs.len() as i128;
        let Some(arm) = experiment.arms().first() else { return Ok(()) };
        let sum = |of: &dyn Fn(&(i64, i64)) -> i128| pairs.iter().map(of).sum::<i128>();
        let (x, y) = (sum(&|pair| pair.0.into()), sum(&|pair| pair.1.into()));
        let about = |xy: i128, x: i128, y: i128| (n * xy - x * y) as f64 / (n * (n - 1)) as f64;
        let moments = arm.moments();
        prop_assert_eq!(moments.users, n as u64);
        prop_assert!(is_close(moments.mean, x as f64 / n as f64, moments.mean.abs()));
        prop_assert!(is_close(moments.second_mean, y as f64 / n as f64, moments.second_mean.abs()));
        if n < 2 {
            prop_assert!(moments.variance.is_nan() && moments.second_variance.is_nan() && moments.covariance.is_nan());
            return Ok(());
        }
        let (xx, yy) = (sum(&|p| i128::from(p.0).pow(2)), sum(&|p| i128::from(p.1).pow(2)));
        let xy = sum(&|p| i128::from(p.0) * i128::from(p.1));
        let (vx, vy, cov) = (about(xx, x, x), about(yy, y, y), about(xy, x, y));
        prop_assert!(is_close(moments.variance, vx, vx), "{} instead of {}", moments.variance, vx);
        prop_assert!(is_close(moments.second_variance, vy, vy), "{} instead of {}", moments.second_variance, vy);
        prop_assert!(is_close(moments.covariance, cov, (vx * vy).sqrt()), "{} instead of {}", moments.covariance, cov);
        Ok(())
    });
}

/// An offset changes no variance, not even in its last digit: with figures that are exact beside it.
#[test]
fn an_offset_changes_no_variance() {
    check(200, (vec(0..1_000_000u32, 2..60), prop_oneof![Just(1e9), Just(-1e12), Just(1e15)]), |(figures, offset)| {
        let variance = |offset: f64| {
            let mut experiment = Experiment::new(Purpose::Mean);
            ok(figures
                .iter()
                .try_for_each(|figure| experiment.observe(b"a", Some(f64::from(*figure) + offset), None)))?;
            Ok::<_, TestCaseError>(experiment.arms().first().map(|arm| arm.moments().variance))
        };
        let (without, with) = (variance(0.0)?.unwrap_or(-1.0), variance(offset)?.unwrap_or(-2.0));
        prop_assert!(is_close(with, without, without * 1e-6), "{} instead of {}", with, without);
        Ok(())
    });
}

/// Who is counted, and what of.
#[test]
fn every_user_is_counted_and_only_figures_are_added() {
    check(300, (Experiment::options(), rows(0, 60)), |(purpose, rows)| {
        let experiment = ok(fed(purpose, &rows))?;
        let mut names = rows.iter().map(|(name, ..)| name.clone()).filter(|name| name != b" ").collect::<Vec<_>>();
        names.sort();
        names.dedup();
        prop_assert_eq!(experiment.arms().iter().map(Arm::name).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
        for arm in experiment.arms() {
            let (users, figures) = naive(&rows, purpose, arm.name());
            prop_assert_eq!((arm.users(), arm.users() - arm.missing()), (users, figures.len() as u64));
            let ones = figures.iter().filter(|(figure, _)| *figure == 1.0).count() as u64;
            let only = figures.iter().all(|(figure, _)| *figure == 0.0 || *figure == 1.0);
            prop_assert_eq!(arm.successes(), only.then_some((figures.len() as u64, ones)));
            if purpose == Purpose::Lists {
                let lists = arm.lists().map(|list| (list.iter().sum::<f64>(), list.len() as f64)).collect::<Vec<_>>();
                prop_assert_eq!(lists, figures.clone());
            }
            if purpose == Purpose::Sample {
                let mut experiment = ok(fed(purpose, &rows))?;
                ok(experiment.settle())?;
                let kept =
                    experiment.arms().iter().find(|kept| kept.name() == arm.name()).map(|arm| arm.figures().to_vec());
                let mut sorted = figures.iter().map(|(figure, _)| figure + 0.0).collect::<Vec<_>>();
                sorted.sort_by(f64::total_cmp);
                prop_assert_eq!(kept, Some(sorted));
            }
        }
        Ok(())
    });
}

/// All variants as one have the moments of all their users.
#[test]
fn the_pooled_are_one_variant() {
    check(200, rows(0, 40), |rows| {
        let together = rows.iter().filter(|(name, ..)| name != b" ").map(|(_, x, y)| (b"all".to_vec(), *x, *y));
        let together = ok(fed(Purpose::Adjusted, &together.collect::<Vec<_>>()))?;
        let pooled = ok(ok(fed(Purpose::Adjusted, &rows))?.pooled())?;
        let Some(arm) = together.arms().first() else { return Ok(()) };
        prop_assert_eq!(pooled.users(), arm.users());
        let (found, expected) = (pooled.moments(), arm.moments());
        prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        Ok(())
    });
}

#[test]
fn experiments_of_different_making_are_not_merged() {
    let mut mean = Experiment::new(Purpose::Mean);
    assert!(matches!(mean.merge(&Experiment::new(Purpose::Ratio)), Err(Error::Mixed { what: "aggregates", .. })));
}
