//! What a comparison promises, tried on thousands of experiments that never were: intervals hold the truth as often as they
//! say, looking every day does no harm, and no input leads to a figure that is none. Draws are seeded, so that every run
//! is the same.

use user_metrics_core::base::state::State;
use user_metrics_core::experiment::comparison::{
    Alternative, Better, Correction, Entry, Figure, Method, Plan, Question, Row, Split, Verdict, compare,
    minimum_detectable_effect, sample_size,
};
use user_metrics_core::experiment::{Experiment, Purpose};

/// SplitMix64: S. Vigna, public domain reference; good enough to draw figures with.
struct Draws(u64);

impl Draws {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Between 0 and 1, neither of them.
    fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.uniform().ln()
    }
}

fn question() -> Question {
    Question {
        control: None,
        alternative: Alternative::TwoSided,
        confidence: 0.95,
        correction: Correction::Holm,
        weights: None,
        min_group_size: 1,
        first_counts: false,
        segments: 1,
        margin: None,
        sequential: false,
    }
}

fn treatment(experiment: &Experiment, method: Method) -> Row {
    let entry = Entry { experiment, method, quantile: 0.9, better: Better::Higher, mixed: 0, remarks: [None; 3] };
    compare(&[entry], &question()).expect("nothing is refused").swap_remove(1)
}

/// An experiment of two variants with so many users each, whose figures and seconds `draw` gives for treatment or not.
fn drawn(
    purpose: Purpose,
    users: usize,
    draws: &mut Draws,
    draw: impl Fn(&mut Draws, bool) -> (f64, f64),
) -> Experiment {
    let mut experiment = Experiment::new(purpose);
    for n in 0..2 * users {
        let treated = n % 2 == 1;
        let (figure, second) = draw(draws, treated);
        let variant: &[u8] = if treated { b"treatment" } else { b"control" };
        experiment.observe(variant, Some(figure), Some(second)).expect("nothing is refused");
    }
    experiment
}

fn close(found: Option<f64>, expected: f64, to: f64) {
    let found = found.expect("a figure");
    assert!((found - expected).abs() < to, "{found} instead of {expected}");
}

/// Student (1908), hours of sleep gained; R's `t.test(extra ~ group, data = sleep)`.
#[test]
fn sleep() {
    let mut experiment = Experiment::new(Purpose::Mean);
    for (drug, extra) in [
        ("1", [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]),
        ("2", [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]),
    ] {
        extra.iter().for_each(|hours| experiment.observe(drug.as_bytes(), Some(*hours), None).unwrap());
    }
    let row = treatment(&experiment, Method::Welch);
    close(row.statistic, 1.8608, 5e-5);
    close(row.df, 17.776, 5e-4);
    close(row.p_value, 0.079_39, 5e-6);
    close(row.low, -0.205_483_2, 5e-8);
    close(row.high, 3.365_483_2, 5e-8);
    assert_eq!(row.verdict, Some(Verdict::TooSmall));
}

/// Fisher (1935), the lady tasting tea: 3 of 4 against 1 of 4 has 34 of the 70 ways that are no likelier.
#[test]
fn tea() {
    let mut experiment = Experiment::new(Purpose::Mean);
    for (cup, tasted) in [("a", [1.0, 0.0, 0.0, 0.0]), ("b", [1.0, 1.0, 1.0, 0.0])] {
        tasted.iter().for_each(|tasted| experiment.observe(cup.as_bytes(), Some(*tasted), None).unwrap());
    }
    let row = treatment(&experiment, Method::Proportions);
    close(row.p_value, 34.0 / 70.0, 1e-12);
    close(row.statistic, 9.0, 1e-12);
}

/// How often the bounds of the difference and of the lift hold the truth.
fn coverage(
    (times, purpose, method, users): (usize, Purpose, Method, usize),
    (difference, lift): (f64, f64),
    draw: impl Fn(&mut Draws, bool) -> (f64, f64),
) -> (f64, f64) {
    let mut draws = Draws(20_261_125);
    let (mut held, mut lifts) = (0, 0);
    for _ in 0..times {
        let row = treatment(&drawn(purpose, users, &mut draws, &draw), method);
        let holds = |low: Option<f64>, high: Option<f64>, truth: f64| low.unwrap() <= truth && truth <= high.unwrap();
        held += usize::from(holds(row.low, row.high, difference));
        lifts += usize::from(holds(row.lift_low, row.lift_high, lift));
    }
    (held as f64 / times as f64, lifts as f64 / times as f64)
}

fn is_honest((differences, lifts): (f64, f64)) {
    assert!((0.94..=0.96).contains(&differences), "bounds of differences hold the truth {differences} of the time");
    assert!((0.94..=0.96).contains(&lifts), "bounds of lifts hold the truth {lifts} of the time");
}

#[test]
fn bounds_of_means_hold_the_truth() {
    // Of skewed figures: as time and money are.
    is_honest(coverage((2500, Purpose::Mean, Method::Welch, 200), (1.0, 0.1), |draws, treated| {
        (draws.exponential(if treated { 11.0 } else { 10.0 }), 0.0)
    }));
}

#[test]
fn bounds_of_unequal_variances_hold_the_truth() {
    is_honest(coverage((2500, Purpose::Mean, Method::Welch, 30), (0.0, 0.0), |draws, treated| {
        (100.0 + if treated { 10.0 } else { 1.0 } * draws.normal(), 0.0)
    }));
}

#[test]
fn bounds_of_proportions_hold_the_truth() {
    is_honest(coverage((2500, Purpose::Mean, Method::Proportions, 400), (0.05, 0.25), |draws, treated| {
        (f64::from(u8::from(draws.uniform() < if treated { 0.25 } else { 0.2 })), 0.0)
    }));
}

#[test]
fn bounds_of_ratios_hold_the_truth() {
    // Users differ in how many requests they make and in how many of these succeed.
    is_honest(coverage((3000, Purpose::Ratio, Method::Welch, 200), (0.02, 0.025), |draws, treated| {
        let requests = 1.0 + draws.exponential(20.0).floor();
        let chance = (if treated { 0.82 } else { 0.8 }) + 0.1 * (draws.uniform() - 0.5);
        let answered = (0..requests as usize).filter(|_| draws.uniform() < chance).count();
        (answered as f64, requests)
    }));
}

#[test]
fn bounds_of_adjusted_means_hold_the_truth_and_are_narrower() {
    let draw = |draws: &mut Draws, treated: bool| {
        let before = 100.0 + 20.0 * draws.normal();
        (before + 5.0 * draws.normal() + if treated { 2.0 } else { 0.0 }, before)
    };
    is_honest(coverage((2500, Purpose::Adjusted, Method::Welch, 100), (2.0, 0.02), draw));
    let width = |purpose| {
        let row = treatment(&drawn(purpose, 1000, &mut Draws(7), draw), Method::Welch);
        row.high.unwrap() - row.low.unwrap()
    };
    // A correlation of 0.97 leaves a quarter of the width.
    let left = width(Purpose::Adjusted) / width(Purpose::Mean);
    assert!((0.2..0.3).contains(&left), "{left} of the width is left");
}

#[test]
fn bounds_of_quantiles_hold_the_truth() {
    // Ten requests a user, slow for some users and fast for others: a request tells of nine more.
    let (times, users) = (400, 150);
    let mut draws = Draws(11);
    let mut held = 0;
    for _ in 0..times {
        let mut experiment = Experiment::new(Purpose::Lists);
        for n in 0..2 * users {
            let own = 100.0 * (0.5 * draws.normal()).exp();
            let list = (0..10).map(|_| own * (0.3 * draws.normal()).exp()).collect::<Vec<_>>();
            let variant: &[u8] = if n % 2 == 0 { b"control" } else { b"treatment" };
            experiment.observe_list(variant, list.into_iter()).unwrap();
        }
        let row = treatment(&experiment, Method::Quantile);
        held += usize::from(row.low.unwrap() <= 0.0 && 0.0 <= row.high.unwrap());
    }
    let held = held as f64 / times as f64;
    assert!((0.92..=0.98).contains(&held), "bounds of quantiles hold the truth {held} of the time");
}

/// Under no effect, a false finding comes with its 5 % when looked at once, and far more often when looked at every day; the
/// always-valid bounds exclude 0 on any day at all in at most 5 %.
#[test]
fn looking_every_day_does_no_harm_to_the_bounds_that_allow_it() {
    let (times, days, users) = (500, 30, 80);
    let mut draws = Draws(1);
    let (mut once, mut ever, mut always) = (0, 0, 0);
    for _ in 0..times {
        let mut experiment = Experiment::new(Purpose::Mean);
        let (mut found, mut excluded, mut last) = (false, false, false);
        for _ in 0..days {
            let day = drawn(Purpose::Mean, users, &mut draws, |draws, _| (draws.exponential(5.0), 0.0));
            experiment.merge(&day).expect("nothing is refused");
            let row = treatment(&experiment, Method::Welch);
            last = row.p_value.unwrap() < 0.05;
            found |= last;
            excluded |= row.always_low.unwrap() > 0.0 || row.always_high.unwrap() < 0.0;
        }
        once += usize::from(last);
        ever += usize::from(found);
        always += usize::from(excluded);
    }
    let share = |times_found: usize| times_found as f64 / times as f64;
    assert!((0.03..0.07).contains(&share(once)), "looked at once: {}", share(once));
    assert!(share(ever) > 0.2, "looked at every day: {}", share(ever));
    assert!(share(always) <= 0.05, "always valid: {}", share(always));
}

/// An experiment as large as planned finds the effect as often as planned.
#[test]
fn a_planned_experiment_finds_what_it_was_planned_for() {
    let plan = Plan {
        power: 0.8,
        confidence: 0.95,
        alternative: Alternative::TwoSided,
        comparisons: 1,
        split: Split::default(),
    };
    let figure = Figure::Mean(5.0);
    let users = sample_size(1.0, figure, plan).unwrap();
    let mut draws = Draws(3);
    let mut found = 0;
    for _ in 0..1000 {
        let experiment = drawn(Purpose::Mean, users as usize, &mut draws, |draws, treated| {
            (10.0 + 5.0 * draws.normal() + f64::from(u8::from(treated)), 0.0)
        });
        found += usize::from(treatment(&experiment, Method::Welch).verdict == Some(Verdict::Better));
    }
    let power = found as f64 / 1000.0;
    assert!((0.78..0.82).contains(&power), "found {power} of the time");
    for figure in [figure, Figure::Proportion(0.3)] {
        for users in [100, 12_345] {
            let effect = minimum_detectable_effect(users, figure, plan).unwrap().unwrap();
            assert_eq!(sample_size(effect, figure, plan).unwrap(), users);
        }
    }
}

/// Every figure of a row that must be a number if it is one.
fn figures(row: &Row) -> Vec<Option<f64>> {
    vec![
        row.mean,
        row.sd,
        row.control_mean,
        row.difference,
        row.low,
        row.high,
        row.lift,
        row.lift_low,
        row.lift_high,
        row.statistic,
        row.df,
        row.p_value,
        row.p_adjusted,
        row.always_low,
        row.always_high,
        row.probability_better,
        row.expected_loss,
        row.srm_p_value,
    ]
}

/// How many random experiments are tried: a million with `CASES=1000000` and an optimized build.
fn cases() -> usize {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000)
}

/// A variant with a few figures, each as often as its repeated doubling makes it: up to millions of users.
fn variant(name: &[u8], kind: usize, draws: &mut Draws) -> Experiment {
    let purpose = [Purpose::Mean, Purpose::Mean, Purpose::Adjusted, Purpose::Ratio][kind];
    let mut experiment = Experiment::new(purpose);
    let scale = 10f64.powi((draws.bits() % 13) as i32 - 6);
    let offset: f64 = [0.0, 0.0, 1.0, 10.0, -1.0, -10.0][(draws.bits() % 6) as usize];
    let likely = [0.5, 0.1, 0.9, 0.01][(draws.bits() % 4) as usize];
    let observe = |experiment: &mut Experiment, draws: &mut Draws| {
        let figure = match kind {
            0 => f64::from(u8::from(draws.uniform() < likely)),
            3 => offset.abs() + draws.uniform(),
            _ => scale * (offset + draws.normal()),
        };
        let second = if kind == 3 { (10.0 * draws.uniform()).ceil() } else { figure + scale * draws.normal() };
        experiment.observe(name, Some(figure), Some(second)).expect("nothing is refused");
    };
    (0..2 + draws.bits() % 9).for_each(|_| observe(&mut experiment, draws));
    for _ in 0..draws.bits() % 22 {
        let same = Experiment::decode(&experiment.encode().expect("it fits")).expect("as encoded");
        experiment.merge(&same).expect("nothing is refused");
        if draws.uniform() < 0.5 {
            observe(&mut experiment, draws);
        }
    }
    experiment
}

/// Verdict, p value, bounds of the difference, bounds of the lift and probability of beating control never contradict each
/// other: bounds exclude 0 if and only if the p value is significant, all have the sign of the difference, and the
/// probability is never surer than the p value. The prior may make it less sure.
#[test]
fn estimates_never_contradict_each_other() {
    let mut draws = Draws(20_261_129);
    let (mut significant, mut exact) = (0, 0);
    for case in 0..cases() {
        let kind = (draws.bits() % 4) as usize;
        let mut experiment = variant(b"control", kind, &mut draws);
        experiment.merge(&variant(b"treatment", kind, &mut draws)).expect("nothing is refused");
        let method = match kind {
            0 => [Method::Proportions, Method::Proportions, Method::Welch][(draws.bits() % 3) as usize],
            _ => Method::Welch,
        };
        let alternative =
            [Alternative::TwoSided, Alternative::TwoSided, Alternative::Greater, Alternative::Less][case % 4];
        let confidence = [0.95, 0.95, 0.8, 0.99][(draws.bits() % 4) as usize];
        let better = [Better::Higher, Better::Lower, Better::Neither][case % 3];
        let asked = Question { alternative, confidence, ..question() };
        let entry = Entry { experiment: &experiment, method, quantile: 0.5, better, mixed: 0, remarks: [None; 3] };
        let row = compare(&[entry], &asked).expect("nothing is refused").swap_remove(1);
        let (Some(p), Some(difference)) = (row.p_value, row.difference) else { continue };
        let chance = 1.0 - confidence;
        if (p / chance - 1.0).abs() < 1e-9 {
            continue; // within rounding of the limit
        }
        let is_found = p < chance;
        significant += usize::from(is_found);
        exact += usize::from(row.reason.as_deref().is_some_and(|reason| reason.contains("Fisher")));
        let excludes =
            |low: Option<f64>, high: Option<f64>| low.is_some_and(|l| l > 0.0) || high.is_some_and(|h| h < 0.0);
        assert_eq!(excludes(row.low, row.high), is_found, "{case}: bounds of the difference: {row:?}");
        assert!(row.low.is_none_or(|low| low <= difference), "{case}: {row:?}");
        assert!(row.high.is_none_or(|high| high >= difference), "{case}: {row:?}");
        if is_found {
            assert_eq!(row.low.is_some_and(|low| low > 0.0), difference > 0.0, "{case}: {row:?}");
        }
        if let Some(lift) = row.lift {
            assert_eq!(lift > 0.0, difference > 0.0, "{case}: {row:?}");
            let near = 1e-9 * lift.abs().max(1e-9);
            assert!(row.lift_low.is_none_or(|low| low <= lift + near), "{case}: {row:?}");
            assert!(row.lift_high.is_none_or(|high| high >= lift - near), "{case}: {row:?}");
            if row.lift_low.or(row.lift_high).is_some() {
                assert_eq!(excludes(row.lift_low, row.lift_high), is_found, "{case}: bounds of the lift: {row:?}");
            }
            if let Some(probability) = row.probability_better {
                let good = if better == Better::Lower { -lift } else { lift };
                assert!(good == 0.0 || (probability >= 0.5) == (good > 0.0), "{case}: {row:?}");
                let sides = if alternative == Alternative::TwoSided { 2.0 } else { 1.0 };
                let sure = probability > 1.0 - chance / sides;
                assert!(!sure || is_found || alternative != Alternative::TwoSided, "{case}: {row:?}");
            }
        }
        let upwards = difference > 0.0;
        let agrees = match row.verdict.expect("every row has one") {
            Verdict::Better => is_found && upwards == (better == Better::Higher),
            Verdict::Worse => is_found && upwards == (better == Better::Lower),
            Verdict::Higher => is_found && upwards,
            Verdict::Lower => is_found && !upwards,
            Verdict::NoEvidence => !is_found,
            _ => true,
        };
        assert!(agrees, "{case}: {row:?}");
    }
    assert!(significant * 10 > cases() && exact * 100 > cases(), "{significant} significant, {exact} exact");
}

/// Small and odd experiments: whatever the figures, nothing is NaN or infinite, no chance is 0, and what has no test says why.
#[test]
fn nothing_is_ever_not_a_number() {
    let odd = [0.0, 1.0, -1.0, 0.1, 1e-300, -1e-300, 1e300, -1e300, f64::MAX, 5e-324, 1e9, 1e9 + 1.0, 3.0];
    let mut draws = Draws(5);
    let mut pick = |n: usize| (draws.bits() % n as u64) as usize;
    for _ in 0..10_000 {
        let purpose = [Purpose::Mean, Purpose::Adjusted, Purpose::Ratio, Purpose::Sample, Purpose::Lists][pick(5)];
        let mut experiment = Experiment::new(purpose);
        let few = [2, 3, odd.len()][pick(3)];
        for _ in 0..pick(12) {
            let variant: &[u8] = [b"a".as_slice(), b"b", b"c"][pick(3)];
            let figure = Some(odd[pick(few)]).filter(|_| pick(9) > 0);
            let second = odd[pick(few)];
            match purpose {
                Purpose::Lists => experiment.observe_list(variant, figure.into_iter().chain([second])).unwrap(),
                _ => experiment.observe(variant, figure, Some(second)).unwrap(),
            }
        }
        experiment.settle().unwrap();
        let alternative = [Alternative::TwoSided, Alternative::Greater, Alternative::Less][pick(3)];
        let method =
            [Method::Welch, Method::Proportions, Method::Fisher, Method::MannWhitney, Method::Quantile][pick(5)];
        let asked = Question { alternative, ..question() };
        let entry = Entry {
            experiment: &experiment,
            method,
            quantile: 0.9,
            better: Better::Higher,
            mixed: 0,
            remarks: [None; 3],
        };
        let Ok(rows) = compare(&[entry], &asked) else { continue };
        for row in rows {
            assert!(figures(&row).iter().flatten().all(|figure| figure.is_finite()), "{row:?}");
            assert!(row.p_value.is_none_or(|p| p > 0.0 && p <= 1.0), "{row:?}");
            assert!(row.verdict.is_some(), "{row:?}");
            let compared = !matches!(row.verdict, Some(Verdict::Control));
            assert!(!compared || row.p_value.is_some() || row.reason.is_some(), "{row:?}");
            assert!(row.low.zip(row.high).is_none_or(|(low, high)| low <= high), "{row:?}");
        }
    }
}
