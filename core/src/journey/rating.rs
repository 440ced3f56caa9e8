//! Satisfaction scores from 0 to 10, from ratings on a declared scale. Definition D26.

use crate::base::error::{Error, Result};
use crate::function::{Argument, Call, NO_DEFAULT, Role, Type};

/// The argument that declares the scale.
pub(crate) const RATING_SCALE: Argument = Argument {
    name: "rating_scale",
    kind: Type::Doubles,
    role: Role::Value,
    default: NO_DEFAULT,
    about: "worst and best rating, such as '{0,1}' or '{1,5}'; without it ratings are not used",
};

/// A scale from the worst to the best rating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// The scale declared by an argument `rating_scale`: two numbers in ascending order.
    pub fn new(given: &[f64]) -> Result<Self> {
        match *given {
            [low, high] if low < high && low.is_finite() && high.is_finite() => Ok(Scale { low, high }),
            _ => Err(Error::Argument {
                name: "rating_scale",
                given: format!("{given:?}"),
                accepted: "the worst and the best rating, such as '{0,1}' for thumbs or '{1,5}' for stars".to_owned(),
            }),
        }
    }

    /// The scale of a call, if it declares one.
    pub(crate) fn of(call: &Call<'_>) -> Result<Option<Self>> {
        let Some(given) = call.doubles(RATING_SCALE.name) else { return Ok(None) };
        let ends = given.iter().map(|end| end.unwrap_or(f64::NAN)).collect::<Vec<_>>(); // few: ends of a scale
        Scale::new(&ends).map(Some)
    }

    /// Whether a rating is within the scale.
    pub fn holds(&self, rating: f64) -> bool {
        (self.low..=self.high).contains(&rating)
    }

    /// Whether a rating is nearer to the worst than to the best.
    pub fn is_bad(&self, rating: f64) -> bool {
        rating < (self.low + self.high) / 2.0
    }

    /// The score of a mean of ratings, kept within the scale in spite of rounding.
    pub fn score_of_mean(&self, mean: f64) -> Result<f64> {
        self.score(mean.clamp(self.low, self.high))
    }

    /// A rating rescaled to 0 to 10; a rating outside the scale is an error.
    ///
    /// ```
    /// # use user_metrics_core::journey::rating::Scale;
    /// let stars = Scale::new(&[1.0, 5.0]).unwrap();
    /// assert_eq!(stars.score(4.0), Ok(7.5));
    /// assert!(stars.score(0.0).is_err());
    /// ```
    pub fn score(&self, rating: f64) -> Result<f64> {
        if self.holds(rating) {
            return Ok((rating - self.low) / (self.high - self.low) * 10.0);
        }
        Err(Error::Argument {
            name: "rating_scale",
            given: format!("{:?}", [self.low, self.high]),
            accepted: format!("a scale that all ratings of the log lie on; there is one of {rating}"),
        })
    }
}
