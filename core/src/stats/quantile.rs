//! Quantiles of durations.

use crate::base::calendar::Micros;

/// The duration in seconds that a share of durations in microseconds stays below, between two of them by linear
/// interpolation: SQL's `percentile_cont`. Their order is lost.
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
