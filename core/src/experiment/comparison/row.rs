//! What a comparison answers: a row for each variant, and what it comes to.

/// What a row comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the control itself.
    Control,
    /// A difference in the good direction.
    Better,
    /// A difference in the bad direction.
    Worse,
    /// A difference upwards, of what is neither good nor bad.
    Higher,
    /// A difference downwards, likewise.
    Lower,
    /// Nothing that chance could not have done.
    NoEvidence,
    /// Too few users to say.
    TooSmall,
    /// Nothing to compare with.
    TooFewArms,
    /// Users are not spread as they should be: the comparison means nothing.
    InvalidSrm,
}

impl Verdict {
    /// As SQL shows it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Control => "control",
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Higher => "higher",
            Verdict::Lower => "lower",
            Verdict::NoEvidence => "no evidence",
            Verdict::TooSmall => "too small",
            Verdict::TooFewArms => "too few arms",
            Verdict::InvalidSrm => "invalid: SRM",
        }
    }
}

/// A variant against the control. Differences are `variant - control`; lifts are shares of the control's mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The number of its entry.
    pub entry: usize,
    /// The variant.
    pub variant: Vec<u8>,
    /// Users with a figure.
    pub users: Option<u64>,
    /// Users without one.
    pub missing: Option<u64>,
    /// The mean of the figures; of ratios, the ratio of the sums.
    pub mean: Option<f64>,
    /// The standard deviation of users' figures; of ratios, of what each contributes.
    pub sd: Option<f64>,
    /// The control's mean.
    pub control_mean: Option<f64>,
    /// The difference of both.
    pub difference: Option<f64>,
    /// The error of that, one standard deviation.
    pub error: Option<f64>,
    /// Its low bound.
    pub low: Option<f64>,
    /// Its high bound.
    pub high: Option<f64>,
    /// The difference over the size of the control's mean.
    pub lift: Option<f64>,
    /// Its low bound.
    pub lift_low: Option<f64>,
    /// Its high bound.
    pub lift_high: Option<f64>,
    /// The test's statistic: t, z, the odds ratio, or U.
    pub statistic: Option<f64>,
    /// Degrees of freedom of t.
    pub df: Option<f64>,
    /// The chance of such a statistic under no effect.
    pub p_value: Option<f64>,
    /// The same for this one of all comparisons made.
    pub p_adjusted: Option<f64>,
    /// The low bound of a difference that may be looked at every day.
    pub always_low: Option<f64>,
    /// The high bound of the same.
    pub always_high: Option<f64>,
    /// The chance that the variant is better (of what is neither good nor bad: higher).
    pub probability_better: Option<f64>,
    /// The lift that is lost on average by choosing the variant, where it should be worse.
    pub expected_loss: Option<f64>,
    /// The chance of such a spread of users over the variants.
    pub srm_p_value: Option<f64>,
    /// What it comes to; `None` where it is not shown.
    pub verdict: Option<Verdict>,
    /// Why something is not known, or not judged.
    pub reason: Option<String>,
}
