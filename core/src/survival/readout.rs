//! Common parts of the functions over a value: the curve that may be shown, and its confidence.

use super::{Bounds, Curve, Survival};
use crate::base::error::Result;
use crate::function::{Argument, Call, Role, Type};

/// The confidence of bounds.
pub(super) const CONFIDENCE: Argument = Argument {
    name: "confidence",
    kind: Type::Double,
    role: Role::Value,
    default: "0.95",
    about: "confidence level of the bounds, between 0 and 1",
};

/// The scale of bounds.
pub(super) const BOUNDS: Argument = Argument {
    name: "bounds",
    kind: Type::Text,
    role: Role::Value,
    default: "'log_log'",
    about: "scale of the bounds: log_log, or log, which is the default of R",
};

/// The confidence of a call.
pub(super) fn confidence(call: &Call<'_>) -> f64 {
    call.double(CONFIDENCE.name).unwrap_or(0.95)
}

/// The curve of a value if it may be shown: `None` without a value, and for too few durations.
pub(super) fn shown(call: &Call<'_>, survival: Option<&Survival>) -> Result<Option<Curve>> {
    let confidence = confidence(call);
    let scale = call.text(BOUNDS.name).map_or(Ok(Bounds::default()), Bounds::parse)?;
    let Some(survival) = survival else {
        // An invalid confidence is an error even if there is nothing to read.
        return Curve::new(&Survival::new(), confidence).map(|_| None);
    };
    let curve = Curve::with_bounds(survival, confidence, scale)?;
    Ok(Some(curve).filter(|curve| !call.hides(curve.observed())))
}
