//! Functions over an activity, answered from the requests of a log: for segments that a user belongs to as a whole, which an
//! activity cannot tell.

use super::Activity;
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::state::State;
use crate::function::{Call, Cell, Clock, Past, Reads, Requests, Rows, text_order};
use crate::history::BySegment;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What such a function reads of a log: users, times and segments.
pub(crate) const REQUESTS: Reads =
    Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &[], names: false });

/// Declares the form of a function over an activity that reads the requests of a log instead: its module, its arguments, and
/// what returns its rows.
macro_rules! of_requests {
    ($path:literal, $arguments:expr, $run:expr) => {
        /// The same from the requests of a log.
        pub mod of_requests {
            /// The declaration.
            pub static FUNCTION: crate::function::Function = crate::function::Function {
                path: $path,
                arguments: $arguments,
                reads: crate::activity::over_log::REQUESTS,
                zoned: true,
                run: $run,
                ..super::FUNCTION
            };
        }
    };
}
pub(crate) use of_requests;

/// A value for each segment, by its code.
pub(super) struct Segments<T> {
    values: BTreeMap<u32, T>,
    claim: Claim,
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Segments { values: BTreeMap::new(), claim: Claim::temporary() }
    }
}

impl<T> Segments<T> {
    /// The value of a segment.
    pub(super) fn of(&mut self, code: u32, make: impl FnOnce() -> T) -> Result<&mut T> {
        Ok(match self.values.entry(code) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.claim.grow(size_of::<(u32, T)>() * 2)?;
                entry.insert(make())
            }
        })
    }

    /// The value of a segment, if it has one.
    pub(super) fn get(&self, code: u32) -> Option<&T> {
        self.values.get(&code)
    }

    /// Calls `each` with the rows of every segment, in order of the names.
    pub(super) fn each(
        self,
        call: &Call<'_>,
        rows: &mut dyn Rows,
        mut each: impl FnMut(T, &mut dyn Rows) -> Result<()>,
    ) -> Result<()> {
        let (column, mut claim) = (call.column("segment"), Claim::temporary());
        let named = self.values.into_iter().map(|(code, value)| (call.text_of(column, code), value));
        let mut named = claim.collected(named)?;
        named.sort_by_key(|(name, _)| text_order(*name));
        named.into_iter().try_for_each(|(name, value)| each(value, &mut OfSegment { name, rows }))
    }
}

/// Rows that begin with the name of their segment.
struct OfSegment<'a> {
    name: Option<&'a [u8]>,
    rows: &'a mut dyn Rows,
}

impl Rows for OfSegment<'_> {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()> {
        let mut row = [Cell::Null; 20];
        let (first, others) = (Cell::from(self.name), row.iter_mut().skip(1).zip(&*cells));
        others.for_each(|(to, &cell)| *to = cell);
        row[0] = first;
        self.rows.row(&mut row[..=cells.len()])
    }

    fn notice(&mut self, message: &str, hint: &str) {
        self.rows.notice(message, hint);
    }
}

/// Discards rows.
struct Nowhere;

impl Rows for Nowhere {
    fn row(&mut self, _: &mut [Cell<'_>]) -> Result<()> {
        Ok(())
    }
}

/// The local days of requests, as an activity has them: the hours before `since` of its local day count as the day before.
pub(super) struct ShownDays<'a> {
    clock: Clock<'a>,
    /// `since`, its local day, and the day before that.
    since: Option<(Micros, Day, Day)>,
}

impl<'a> ShownDays<'a> {
    pub(super) fn of(call: &'a Call<'_>) -> Result<Self> {
        let mut clock = call.clock()?;
        let mut since = None;
        if let Some(at) = call.since.filter(|&since| since != Micros::MIN) {
            let day = clock.day(at)?;
            let midnight = clock.midnight(day)?;
            since = Some((at, day, clock.day(midnight.saturating_sub(1))?.min(day.saturating_sub(1))));
        }
        Ok(ShownDays { clock, since })
    }

    pub(super) fn day(&mut self, at: Micros) -> Result<Day> {
        let day = self.clock.day(at)?;
        Ok(match self.since {
            Some((since, its_day, before)) if at < since && day == its_day => before,
            _ => day,
        })
    }
}

/// Builds the activity of each segment and returns the rows that `read` makes of it.
pub(crate) fn run(
    call: &Call<'_>,
    rows: &mut dyn Rows,
    read: fn(&Call<'_>, &mut dyn Rows) -> Result<()>,
) -> Result<()> {
    call.by_value()?;
    // Arguments are checked, and nothing is returned.
    let Some(history) = call.history else { return read(&call.over(None), &mut Nowhere) };
    let (segment, mut days) = (call.column("segment"), ShownDays::of(call)?);
    let (mut by_segment, mut segments) = (BySegment::default(), Segments::default());
    call.each_user(&[segment], |user| {
        by_segment.each(user, segment, |code, requests| {
            let activity = segments.of(code, || Activity::new(history.kind(), call.zone()))?;
            let mut before = None;
            for &request in requests {
                let day = days.day(user.at[request as usize])?;
                if before != Some(day) {
                    activity.add(user.user, day)?;
                    before = Some(day);
                }
            }
            Ok(())
        })
    })?;
    segments.each(call, rows, |mut activity, rows| {
        activity.last_at = history.last_at();
        let value = activity.encode()?;
        drop(activity);
        read(&call.over(Some(&value)), rows)
    })
}
