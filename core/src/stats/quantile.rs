//! Quantiles of durations.

use crate::base::calendar::Micros;

/// A quantile of durations in microseconds, in seconds, by linear interpolation as in SQL's `percentile_cont`. The order of
/// the durations is lost.
pub fn quantile(durations: &mut [Micros], share: f64) -> Option<f64> {
    let place = share * durations.len().checked_sub(1)? as f64;
    let (below, between) = (place.floor() as usize, place.fract());
    let (_, &mut low, above) = durations.select_nth_unstable(below);
    let low = low as f64 / 1e6;
    match above.iter().min() {
        Some(&high) if between > 0.0 => Some(low + between * (high as f64 / 1e6 - low)),
        _ => Some(low),
    }
}
