//! What the lists of the users behind a figure have in common: the period asked about, and the local days of each user.

use super::over_log::{Segments, ShownDays};
use crate::base::calendar::{Calendar, Period, Window, date_text};
use crate::base::days::Day;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::function::{Argument, Call, REQUIRED, Role, Type};
use crate::history::{BySegment, Timeline};

/// The period whose users are listed.
pub(super) const PERIOD_START: Argument = Argument {
    name: "period_start",
    kind: Type::Date,
    role: Role::Value,
    default: REQUIRED,
    about: "first day of the period, as in the column of that name of the function that counts its users",
};

/// Refuses a list while small groups are hidden: the users of a cell must not be told if their number must not.
pub(super) fn refuse_while_hidden(call: &Call<'_>, instead: &'static str) -> Result<()> {
    if call.environment.min_group_size > 1 { Err(Error::SingleUsers { instead }) } else { Ok(()) }
}

/// The period of which an argument gives the first day; `None` for NULL.
pub(super) fn period_of(call: &Call<'_>, name: &'static str, calendar: Calendar) -> Result<Option<Period>> {
    let Some(day) = call.date(name) else { return Ok(None) };
    let grain = calendar.grain.name();
    match calendar.period(day).ok().filter(|period| period.start == day) {
        Some(period) => Ok(Some(period)),
        None => call.refuse(name, date_text(day), &format!("the first day of a {grain}")),
    }
}

/// The period of [`PERIOD_START`].
pub(super) fn period_given(call: &Call<'_>, calendar: Calendar) -> Result<Period> {
    call.required("period_start", period_of(call, "period_start", calendar)?, "Give the first day of a period.")
}

/// Reads the local days of users, segment by segment, as an activity has them.
pub(super) struct UserDays<'a> {
    call: &'a Call<'a>,
    segment: Option<usize>,
    shown: ShownDays<'a>,
    by_segment: BySegment,
    days: Vec<Day>,
    /// The last day that counts.
    last: Day,
    claim: Claim,
}

impl<'a> UserDays<'a> {
    pub(super) fn of(call: &'a Call<'a>, window: &Window) -> Result<Self> {
        Ok(UserDays {
            call,
            segment: call.column("segment"),
            shown: ShownDays::of(call)?,
            by_segment: BySegment::default(),
            days: Vec::new(),
            last: if window.at_end { window.begun.max(window.elapsed) } else { window.begun },
            claim: Claim::temporary(),
        })
    }

    /// Calls `visit` with every user, the code of a segment, and the user's days in it, of which there is at least one.
    pub(super) fn each(&mut self, mut visit: impl FnMut(&Timeline<'_>, u32, &[Day]) -> Result<()>) -> Result<()> {
        let UserDays { call, segment, shown, by_segment, days, last, claim } = self;
        call.each_user(&[*segment], |user| {
            by_segment.each(user, *segment, |code, requests| {
                days.clear();
                for &request in requests {
                    let day = shown.day(user.at[request as usize])?;
                    if days.last() != Some(&day) {
                        claim.push(days, day)?;
                    }
                }
                // If a clock is set back over midnight, a day recurs.
                if !days.is_sorted() {
                    days.sort_unstable();
                    days.dedup();
                }
                let counted = &days[..days.partition_point(|day| day <= last)];
                if counted.is_empty() { Ok(()) } else { visit(user, code, counted) }
            })
        })
    }

    /// The first day of each segment.
    pub(super) fn begins(&mut self) -> Result<Segments<Day>> {
        let mut begins = Segments::default();
        self.each(|_, code, days| {
            let (first, begins) = (days.first().copied().unwrap_or(Day::MAX), begins.of(code, || Day::MAX)?);
            *begins = first.min(*begins);
            Ok(())
        })?;
        Ok(begins)
    }
}
