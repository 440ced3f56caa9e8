//! The days and periods shown by functions over an activity.

use super::View;
use crate::base::calendar::{Period, Window};
use crate::base::days::Day;
use crate::base::error::Result;

/// The last day of a series: the last that has begun, or a later one with activity that has not elapsed.
pub(crate) fn last_day(view: &View<'_>, window: &Window) -> Result<Day> {
    let mut last = window.begun;
    if window.at_end && last < window.elapsed && view.bounds().is_some_and(|(_, latest)| latest >= window.elapsed) {
        view.each(|_, days| {
            if days.binary_search(&window.elapsed).is_ok() {
                last = window.elapsed;
            }
            Ok(())
        })?;
    }
    Ok(last)
}

/// Whether all days of a period lie within the log. Of its first period a log may have only a part, whose counts would look
/// like those of a small period.
pub(crate) fn is_in_log(view: &View<'_>, period: &Period) -> bool {
    view.bounds().is_some_and(|(begins, _)| begins <= period.start)
}

/// Whether a period has elapsed, is shown in full and lies within the log.
pub(crate) fn is_complete(view: &View<'_>, window: &Window, period: &Period) -> bool {
    window.is_complete(period) && is_in_log(view, period)
}

/// The days of a series, from the first of the log (not before `since`) to the last; `None` if there are none.
pub(crate) fn shown_days(view: &View<'_>, window: &Window) -> Result<Option<(Day, Day)>> {
    let Some((first, _)) = view.bounds() else { return Ok(None) };
    let (first, last) = (first.max(window.since.unwrap_or(first)), last_day(view, window)?);
    Ok((first <= last).then_some((first, last)))
}
