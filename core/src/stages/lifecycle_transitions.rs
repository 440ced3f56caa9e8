//! `lifecycle_transitions`: transitions of users between stages. Definition D103.

use super::judged::judged;
use super::lives::Lives;
use super::{Stage, TIER_PROPERTY, TIERS};
use crate::base::calendar::{Calendar, Period};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::{Argument, Call, Cell, Function, Past, Reads, Requests, Role, Rows, Type, column, column_about};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "lifecycle_transitions",
    path: "stages::lifecycle_transitions",
    example: "",
    summary: "transitions between the stages of lifecycle_stage: users by stage at the start and at the end of each \
              elapsed period",
    arguments: &[
        Argument {
            name: "period",
            kind: Type::Text,
            role: Role::Value,
            default: "'month'",
            about: "day, week, month, quarter or year",
        },
        TIERS,
        TIER_PROPERTY,
    ],
    columns: &[
        column("period_start", Type::Date, "first day of the period; only elapsed periods are reported"),
        column(
            "from_stage",
            Type::Text,
            "stage at the end of the previous period; NULL for users who are new in this one",
        ),
        column("to_stage", Type::Text, "stage at the end of this period"),
        column_about(&["users"], "users", Type::Bigint, "number of users who moved from one to the other"),
        column(
            "share",
            Type::Double,
            "share of all users with this from_stage in this period, 0 to 1; NULL if any of their rows is hidden",
        ),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        columns: &["feature", "succeeded"],
        needed: &[],
        names: false,
    }),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 100,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let calendar = call.calendar("period", "month")?;
    let elapsed = call.clock()?.day(call.end())?;
    let lives = Lives::of(call)?;
    let Some((first, _)) = lives.bounds() else { return Ok(()) };
    let mut claim = Claim::temporary();
    let periods = elapsed_periods(&calendar, first, elapsed, &mut claim)?;
    let mut moves = Moves { call, periods: &periods, next: 0, dormant: 0, rows };
    judged(
        &lives,
        periods.len(),
        |number| periods[number].end - 1,
        |number, of_period| {
            moves.dormant_until(number)?;
            let shown = of_period
                .iter()
                .filter(|(user, ..)| lives.lives.get(*user as usize).is_some_and(|life| lives.is_shown(life)));
            moves.period(shown.map(|&(_, from, to)| (from, to)))
        },
    )?;
    moves.dormant_until(periods.len())
}

/// The periods from the one that contains a given day on that have elapsed on another day.
fn elapsed_periods(calendar: &Calendar, from: Day, elapsed: Day, claim: &mut Claim) -> Result<Vec<Period>> {
    let (mut periods, mut period) = (Vec::new(), calendar.period(from)?);
    while period.end <= elapsed {
        memory::poll();
        claim.push(&mut periods, period)?;
        period = calendar.numbered(period.index + 1)?;
    }
    Ok(periods)
}

/// Users by previous stage, of which the first is none, and next stage.
type Counts = [[u64; Stage::ALL.len()]; Stage::ALL.len() + 1];

/// Output of periods in order.
struct Moves<'a, 'r> {
    call: &'a Call<'a>,
    periods: &'a [Period],
    /// The next period.
    next: usize,
    /// Users dormant at the end of the previous period.
    dormant: u64,
    rows: &'r mut dyn Rows,
}

impl Moves<'_, '_> {
    /// Periods with dormant users only.
    fn dormant_until(&mut self, number: usize) -> Result<()> {
        while self.next < number {
            memory::poll();
            self.period(std::iter::empty())?;
        }
        Ok(())
    }

    /// A period with the given transitions, in which all other users stayed dormant.
    fn period(&mut self, moves: impl Iterator<Item = (Option<Stage>, Stage)>) -> Result<()> {
        let (mut counts, dormant) = (Counts::default(), Stage::Dormant as usize);
        for (from, to) in moves {
            counts[from.map_or(0, |from| from as usize + 1)][to as usize] += 1;
        }
        let left = counts[dormant + 1].iter().sum::<u64>();
        counts[dormant + 1][dormant] += self.dormant.saturating_sub(left);
        self.dormant = counts.iter().map(|of| of[dormant]).sum();
        let Some(start) = self.periods.get(self.next).map(|period| period.start) else { return Ok(()) };
        self.next += 1;
        let stages = std::iter::once(None).chain(Stage::ALL.map(|stage| Some(stage.name())));
        for (from, of) in stages.zip(counts) {
            let all = of.iter().sum::<u64>();
            // Together with the other counts, a share would reveal the hidden ones.
            let is_open = !of.iter().any(|&users| self.call.hides(users));
            for (to, users) in Stage::ALL.into_iter().zip(of).filter(|(_, users)| *users > 0) {
                self.rows.row(&mut [
                    Cell::Date(start),
                    from.into(),
                    to.name().into(),
                    users.into(),
                    is_open.then(|| users as f64 / all as f64).into(),
                ])?;
            }
        }
        Ok(())
    }
}
