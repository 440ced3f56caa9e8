//! The rows of a comparison, and their verdicts.

/// The verdict of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The control itself.
    Control,
    /// A significant difference in the desired direction.
    Better,
    /// A significant difference in the undesired direction.
    Worse,
    /// A significant increase, for a metric without desired direction.
    Higher,
    /// A significant decrease, likewise.
    Lower,
    /// Not worse by the margin, significantly.
    NotInferior,
    /// No significant difference.
    NoEvidence,
    /// Too few users.
    TooSmall,
    /// No variant to compare with.
    TooFewArms,
    /// Sample ratio mismatch: the comparison is invalid.
    InvalidSrm,
}

impl Verdict {
    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Control => "control",
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Higher => "higher",
            Verdict::Lower => "lower",
            Verdict::NotInferior => "not inferior",
            Verdict::NoEvidence => "no evidence",
            Verdict::TooSmall => "too small",
            Verdict::TooFewArms => "too few arms",
            Verdict::InvalidSrm => "invalid: SRM",
        }
    }
}

/// A variant compared with the control. Differences are `variant - control`; lifts are relative to the control's mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The index of its entry.
    pub entry: usize,
    /// The variant.
    pub variant: Vec<u8>,
    /// Whether it is the control.
    pub is_control: bool,
    /// Users with a value.
    pub users: Option<u64>,
    /// Users without one.
    pub missing: Option<u64>,
    /// The mean of the values; for ratios, the ratio of the sums.
    pub mean: Option<f64>,
    /// The standard deviation of users' values; for ratios, of the users' contributions.
    pub sd: Option<f64>,
    /// The control's mean.
    pub control_mean: Option<f64>,
    /// The difference of the means.
    pub difference: Option<f64>,
    /// The standard error of the difference.
    pub error: Option<f64>,
    /// The lower bound of the difference.
    pub low: Option<f64>,
    /// The upper bound of the difference.
    pub high: Option<f64>,
    /// The difference divided by the absolute value of the control's mean.
    pub lift: Option<f64>,
    /// The lower bound of the lift.
    pub lift_low: Option<f64>,
    /// The upper bound of the lift.
    pub lift_high: Option<f64>,
    /// The test's statistic: t, z, the odds ratio, or U.
    pub statistic: Option<f64>,
    /// Degrees of freedom of t.
    pub df: Option<f64>,
    /// The p value.
    pub p_value: Option<f64>,
    /// The p value adjusted for all comparisons made.
    pub p_adjusted: Option<f64>,
    /// The lower always-valid bound of the difference.
    pub always_low: Option<f64>,
    /// The upper always-valid bound of the difference.
    pub always_high: Option<f64>,
    /// The probability, at any time, of always-valid bounds that ever exclude the null hypothesis.
    pub always_p: Option<f64>,
    /// The probability that the variant is better (without desired direction: higher).
    pub probability_better: Option<f64>,
    /// The expected loss of lift from choosing the variant if it is worse.
    pub expected_loss: Option<f64>,
    /// The p value of the sample ratio test.
    pub srm_p_value: Option<f64>,
    /// The difference of the covariates, which were observed before exposure.
    pub before_difference: Option<f64>,
    /// The p value of that difference.
    pub before_p_value: Option<f64>,
    /// The verdict; `None` if it is not shown.
    pub verdict: Option<Verdict>,
    /// Why a value is unknown or there is no verdict.
    pub reason: Option<String>,
}
