//! Common parts of the functions over a log: values of users, folded into experiments by segment and metric, and compared.

use super::figures::{Exposure, Figures};
use super::{Better, Entry, Method, Question, Row, compare};
use crate::base::calendar::{DAY_MICROS, Micros};
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::state::State;
use crate::experiment::{Experiment, Purpose};
use crate::function::text_order;
use crate::function::{Argument, Call, NO_DEFAULT, Past, Requests, Role, Rows, Type};
use crate::history::{Fold, Table, Timeline};
use crate::source::{Measure, Metric, Metrics};

/// What is read of a log, apart from the columns of the metrics: all of it, because the first exposure of a user may precede
/// `since`.
pub(super) static REQUESTS: Requests = Requests { past: Past::All, columns: &[], needed: &[], names: false };

pub(super) const fn argument(
    name: &'static str,
    kind: Type,
    role: Role,
    default: &'static str,
    about: &'static str,
) -> Argument {
    Argument { name, kind, role, default, about }
}

/// The control.
pub(super) const CONTROL: Argument = argument(
    "control",
    Type::Text,
    Role::Value,
    NO_DEFAULT,
    "variant with which the others are compared; by default control if there is one, else the first by name",
);

/// The alternative hypothesis.
pub(super) const ALTERNATIVE: Argument = argument(
    "alternative",
    Type::Text,
    Role::Value,
    "'two_sided'",
    "alternative hypothesis: two_sided, greater or less",
);

/// The confidence of bounds.
pub(super) const CONFIDENCE: Argument = argument(
    "confidence",
    Type::Double,
    Role::Value,
    "0.95",
    "confidence level of all bounds, from 0.5 to below 1; 1 minus it is the significance level for p_adjusted",
);

/// The correction for multiple comparisons.
pub(super) const CORRECTION: Argument = argument(
    "correction",
    Type::Text,
    Role::Value,
    "'holm'",
    "correction for multiple comparisons: holm, benjamini_hochberg or none",
);

/// The planned weights.
pub(super) const WEIGHTS: Argument = argument(
    "weights",
    Type::Json,
    Role::Value,
    NO_DEFAULT,
    "planned shares of users by variant; by default equal ones",
);

/// The margin of non-inferiority.
pub(super) const MARGIN: Argument = argument(
    "margin",
    Type::Double,
    Role::Value,
    NO_DEFAULT,
    "for a test of non-inferiority: the largest loss that is acceptable, as a difference of the metric; one-sided",
);

/// Whether verdicts go by the always-valid p value.
pub(super) const SEQUENTIAL: Argument = argument(
    "sequential",
    Type::Boolean,
    Role::Value,
    "false",
    "whether the verdict holds however often the data are looked at: by always_valid_p, and by a sequential test for \
     sample ratio mismatch",
);

/// The arguments of a comparison.
pub(super) const ARGUMENTS: [Argument; 17] = [
    argument(
        "metric",
        Type::Text,
        Role::Metric,
        NO_DEFAULT,
        "metric to compare: requests, active_days, sessions, answered_rate, retained_d7, retained_w2, converted, a \
         column or property that holds numbers, such as cost_usd, its sum(name) or mean(name), or a quantile of it, \
         such as latency_ms_p95; by default converted if that is given, else requests",
    ),
    argument(
        "variant",
        Type::Text,
        Role::Variant,
        "'variant'",
        "column or property that holds the variant, or experiment:NAME for the variant that a defined experiment \
         assigns",
    ),
    CONTROL,
    argument("metrics", Type::Texts, Role::Metrics, NO_DEFAULT, "several metrics, in place of metric"),
    argument(
        "converted",
        Type::Json,
        Role::Condition,
        NO_DEFAULT,
        "filter that the converting request satisfies, for the metric converted",
    ),
    argument(
        "method",
        Type::Text,
        Role::Value,
        NO_DEFAULT,
        "statistical test: welch, proportions, fisher, mann_whitney or quantile; by default that of the metric",
    ),
    ALTERNATIVE,
    CONFIDENCE,
    CORRECTION,
    WEIGHTS,
    argument(
        "better",
        Type::Text,
        Role::Value,
        NO_DEFAULT,
        "desired direction: higher, lower or neither; by default that of the metric",
    ),
    argument(
        "cuped_days",
        Type::Integer,
        Role::Before,
        NO_DEFAULT,
        "number of days before first exposure whose metric is used for variance reduction (CUPED), from 1 to 365",
    ),
    argument(
        "winsorize",
        Type::Double,
        Role::Value,
        NO_DEFAULT,
        "percentile of the values other than 0 at which values are capped, from 0.5 to below 1",
    ),
    argument(
        "window_days",
        Type::Integer,
        Role::Value,
        NO_DEFAULT,
        "number of days from first exposure on that are compared, the same for every user, from 1 to 3650; a user for \
         whom they have not elapsed has no value",
    ),
    argument(
        "mixed",
        Type::Text,
        Role::Value,
        "'exclude'",
        "users seen in several variants: exclude to leave them out, first to count them in the first of them",
    ),
    MARGIN,
    SEQUENTIAL,
];

/// The terms of a comparison.
pub(super) struct Terms {
    /// The names of the metrics.
    names: Vec<String>,
    metrics: Metrics,
    method: Option<Method>,
    better: Option<Better>,
    /// The length of the period before exposure, if it is used.
    before: Option<Micros>,
    winsorize: Option<f64>,
    has_window: bool,
    pub(super) question: Question,
}

impl Terms {
    /// The terms of a call, or an error for an invalid argument.
    pub(super) fn of(call: &Call<'_>) -> Result<Self> {
        let question = Question::of(call)?;
        let better = call.text("better").map(Better::parse).transpose()?;
        let method = call.text("method").map(Method::parse).transpose()?;
        let by_default = if call.is_given("converted") { "converted" } else { "requests" };
        let names = match call.texts_and_nulls("metrics") {
            // few: metrics of a call
            Some(names) => names.iter().flatten().cloned().collect(),
            None => vec![call.text("metric").unwrap_or(by_default).to_owned()],
        };
        let metrics = Metrics::parse(&names)?;
        if metrics.list.iter().any(|metric| metric.measure == Measure::Converted) && !call.is_given("converted") {
            let accepted = "a filter that the converting request fulfils, such as {\"feature\": \"checkout\"}";
            return call.refuse("converted", "NULL", accepted);
        }
        let days = call.integer("cuped_days");
        if let Some(days) = days.filter(|days| !(1..=365).contains(days)) {
            return call.refuse("cuped_days", days, "a number of days from 1 to 365, such as 14");
        }
        let winsorize = call.double("winsorize");
        if let Some(share) = winsorize.filter(|share| !(0.5..1.0).contains(share)) {
            return call.refuse("winsorize", share, "a share from 0.5 to below 1, such as 0.999");
        }
        if let Some(days) = call.integer("window_days").filter(|days| !(1..=3650).contains(days)) {
            return call.refuse("window_days", days, "a number of days from 1 to 3650, such as 7");
        }
        let mixed = call.text("mixed").unwrap_or("exclude");
        if !["exclude", "first"].contains(&mixed) {
            return Err(Error::not_one_of("mixed", mixed, &["exclude", "first"]));
        }
        let has_window = call.is_given("window_days");
        let before = days.map(|days| i64::from(days) * DAY_MICROS);
        Ok(Terms { names, metrics, method, better, before, winsorize, has_window, question })
    }

    /// Why options that are given do not apply to a metric.
    fn remarks(&self, metric: &Metric) -> [Option<&'static str>; 3] {
        let not_capped = self.winsorize.is_some() && !metric.is_total();
        let not_adjusted = self.before.is_some() && self.purpose(metric) != Purpose::Adjusted;
        let has_own_days = self.has_window && matches!(metric.measure, Measure::Return { .. });
        [
            has_own_days.then_some("window_days is not applied: return has days of its own"),
            not_capped.then_some("winsorize is not applied: it caps totals of a user, such as requests or cost_usd"),
            not_adjusted
                .then_some("cuped_days is not applied: it adjusts totals of a user that are compared by their means"),
        ]
    }

    fn purpose(&self, metric: &Metric) -> Purpose {
        Purpose::of(metric, self.method, self.before.is_some())
    }
}

/// One variant of a comparison, for one segment and metric.
pub(super) struct Compared<'a> {
    /// The segment; `None` for users without a value of `by`, and without `by`.
    pub(super) segment: Option<&'a [u8]>,
    /// The metric.
    pub(super) metric: &'a str,
    /// Users excluded because they were seen with several variants.
    pub(super) mixed: u64,
    /// The variant against the control.
    pub(super) row: Row,
}

/// Compares the users of a log, with the segment in the column of the given name. If no request carries a variant, a notice
/// is raised.
pub(super) fn compared<'a>(
    call: &'a Call<'a>,
    terms: &'a Terms,
    segment: &str,
    rows: &mut dyn Rows,
) -> Result<Vec<Compared<'a>>> {
    let figures = || Figures::of(call, &terms.metrics, segment);
    let columns = figures()?.columns();
    let caps = match terms.winsorize {
        Some(share) => {
            let totals = call.fold(&columns, || Ok(Totals::of(figures()?, terms)))?;
            totals.caps(share)
        }
        None => Vec::new(),
    };
    let make =
        || Ok(Users { figures: figures()?, terms, caps: &caps, segments: Table::default(), claim: Claim::temporary() });
    let users = call.fold(&columns, make)?;
    let segments = users.in_order(call)?;
    if segments.is_empty() {
        let variant = call.text("variant").unwrap_or("variant");
        rows.notice(
            &format!("no user bears a variant under the name \"{variant}\""),
            "The argument variant names the column or property of the log that holds the variant.",
        );
    }
    let question = Question { segments: u32::try_from(segments.len()).unwrap_or(u32::MAX), ..terms.question.clone() };
    let (mut entries, mut claim) = (Vec::new(), Claim::temporary());
    for (_, of) in &segments {
        for (metric, experiment) in terms.metrics.list.iter().zip(&of.experiments) {
            let (method, better) = (Method::of(metric, terms.method), terms.better.unwrap_or(metric.better));
            let quantile = metric.quantile().unwrap_or(0.5);
            let (mixed, remarks) = (of.mixed, terms.remarks(metric));
            claim.push(&mut entries, Entry { experiment, method, quantile, better, mixed, remarks })?;
        }
    }
    let compared = compare(&entries, &question)?;
    let shown = |row: Row| {
        let (place, metric) = (row.entry / terms.names.len(), row.entry % terms.names.len());
        let (segment, mixed) = segments.get(place).map_or((None, 0), |(segment, of)| (*segment, of.mixed));
        Compared { segment, metric: terms.names.get(metric).map_or("", String::as_str), mixed, row }
    };
    claim.collected(compared.into_iter().map(shown))
}

/// The values of all users to be winsorized.
struct Totals<'a> {
    figures: Figures<'a>,
    terms: &'a Terms,
    /// Values other than 0, by metric.
    totals: Vec<Vec<f64>>,
    claim: Claim,
}

impl<'a> Totals<'a> {
    fn of(figures: Figures<'a>, terms: &'a Terms) -> Self {
        // few: metrics of a call
        Totals { figures, terms, totals: vec![Vec::new(); terms.metrics.list.len()], claim: Claim::temporary() }
    }

    /// The winsorization limit of each metric.
    fn caps(mut self, share: f64) -> Vec<Option<f64>> {
        // few: metrics of a call
        self.totals.iter_mut().map(|totals| quantile(totals, share)).collect()
    }
}

/// The smallest of the numbers that the given share of them does not exceed; their order is lost. There is no interpolation,
/// which would move the limit towards the outlier that is to be capped.
fn quantile(numbers: &mut [f64], share: f64) -> Option<f64> {
    let last = numbers.len().checked_sub(1)?;
    // A tiny excess over a whole number is a rounding error.
    let place = (share * numbers.len() as f64 * (1.0 - 1e-12)).ceil() as usize;
    let (_, &mut found, _) = numbers.select_nth_unstable_by(place.saturating_sub(1).min(last), f64::total_cmp);
    Some(found)
}

impl Fold for Totals<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Totals { figures, terms, totals, claim } = self;
        let Some(exposure @ Exposure { counts: true, .. }) = figures.exposure(user) else { return Ok(()) };
        for (n, _) in terms.metrics.list.iter().enumerate().filter(|(_, metric)| metric.is_total()) {
            if !figures.is_eligible(n, exposure) {
                continue;
            }
            let counted = figures.counted(n, user, exposure);
            let (figure, _) = figures.figure(n, &counted, exposure.at)?;
            if let Some(figure) = figure.filter(|figure| *figure != 0.0) {
                claim.push(&mut totals[n], figure)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        for (ours, theirs) in self.totals.iter_mut().zip(other.totals) {
            self.claim.reserve(ours, theirs.len())?;
            ours.extend(theirs);
        }
        Ok(())
    }
}

/// The users of a segment.
#[derive(Debug, Default)]
struct Segment {
    /// The experiment of each metric; empty while it has no users.
    experiments: Vec<Experiment>,
    /// Users seen with several variants.
    mixed: u64,
}

/// A segment with its name; `None` for users without a value.
type NamedSegment<'t> = (Option<&'t [u8]>, Segment);

/// The fold.
struct Users<'a> {
    figures: Figures<'a>,
    terms: &'a Terms,
    /// The winsorization limit of each metric, if it has one.
    caps: &'a [Option<f64>],
    segments: Table<Segment>,
    claim: Claim,
}

impl Users<'_> {
    /// The segments with users, ordered by name, with experiments that do not depend on the order of users.
    fn in_order<'t>(self, call: &Call<'t>) -> Result<Vec<NamedSegment<'t>>> {
        let column = self.figures.segment();
        let (mut segments, mut claim) = (Vec::new(), self.claim);
        for ([.., code], mut of) in self.segments.into_values().filter(|(_, of)| !of.experiments.is_empty()) {
            memory::poll();
            for experiment in &mut of.experiments {
                experiment.settle()?;
                if experiment.purpose() == Purpose::Lists {
                    *experiment = Experiment::decode(&experiment.encode()?)?;
                }
            }
            claim.push(&mut segments, (call.text_of(column, code), of))?;
        }
        segments.sort_by(|(one, _), (other, _)| text_order(*one).cmp(&text_order(*other)));
        Ok(segments)
    }
}

impl Fold for Users<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Users { figures, terms, caps, segments, claim } = self;
        let Some(exposure) = figures.exposure(user) else { return Ok(()) };
        let (_, segment) = segments.entry([0, 0, exposure.segment], claim)?;
        segment.mixed += u64::from(exposure.is_mixed);
        if !exposure.counts {
            return Ok(());
        }
        if segment.experiments.is_empty() {
            let experiments = terms.metrics.list.iter().map(|metric| Experiment::new(terms.purpose(metric)));
            segment.experiments = claim.collected(experiments)?;
        }
        let variant = figures.variant_of(exposure).unwrap_or_default();
        for (n, experiment) in segment.experiments.iter_mut().enumerate() {
            let counted = figures.counted(n, user, exposure);
            if !figures.is_eligible(n, exposure) {
                experiment.observe_missing(variant)?;
                continue;
            }
            if experiment.purpose() == Purpose::Lists {
                experiment.observe_list(variant, figures.numbers(n, &counted))?;
                continue;
            }
            let (mut figure, mut second) = figures.figure(n, &counted, exposure.at)?;
            if let Some(cap) = caps.get(n).copied().flatten() {
                figure = figure.map(|figure| figure.min(cap));
            }
            match (experiment.purpose(), terms.before) {
                (Purpose::Adjusted, Some(before)) => {
                    let before = user.since(Some(exposure.at.saturating_sub(before))).before(exposure.at);
                    (second, _) = figures.figure(n, &before, exposure.at)?;
                }
                (Purpose::Sample, _) => {
                    if let Some(count) = second {
                        figure = figure.filter(|_| count > 0.0).map(|sum| sum / count);
                    }
                }
                _ => {}
            }
            experiment.observe(variant, figure, second)?;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let merged = self.segments.merge(other.segments, &mut self.claim, |ours, mut theirs, _| {
            ours.mixed += theirs.mixed;
            if ours.experiments.is_empty() {
                ours.experiments = std::mem::take(&mut theirs.experiments);
            }
            ours.experiments.iter_mut().zip(&theirs.experiments).try_for_each(|(ours, theirs)| ours.merge(theirs))
        });
        merged.map(drop)
    }
}
