//! `lifecycle_users`: the users whom `lifecycle` counts in a period, and as what. Definition D5.

use super::lifecycle;
use super::members::{PERIOD_START, UserDays, period_given, refuse_while_hidden};
use crate::base::calendar::Period;
use crate::base::days::Day;
use crate::base::error::{Error, Result};
use crate::function::{
    Argument, BY_VALUE_FIRST, Call, Cell, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows, Type, column,
};
use crate::history::History;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "lifecycle_users",
    path: "activity::lifecycle_users",
    example: "'2024-03-11'",
    summary: "users that lifecycle counts in a period as new, retained, resurrected or churned; refused while small \
              groups are hidden",
    arguments: &[
        PERIOD_START,
        lifecycle::FUNCTION.arguments[0],
        Argument {
            name: "state",
            kind: Type::Text,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "new, retained, resurrected or churned; by default all of them",
        },
        BY_VALUE_FIRST,
    ],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column(
            "state",
            Type::Text,
            "new, retained, resurrected, or churned: active in the previous period but not in this one; as in lifecycle, \
             no user is known to have churned until the period is complete, and unless the previous period lies within the log",
        ),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &[], names: true }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 1000,
    run,
};

/// What a user is in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Retained,
    Resurrected,
    Churned,
}

impl State {
    const ALL: [(&'static str, State); 4] = [
        ("new", State::New),
        ("retained", State::Retained),
        ("resurrected", State::Resurrected),
        ("churned", State::Churned),
    ];

    fn parse(given: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(word, _)| word.eq_ignore_ascii_case(given));
        let unknown = || Error::not_one_of("state", given, &Self::ALL.map(|(word, _)| word));
        found.map(|&(_, state)| state).ok_or_else(unknown)
    }

    fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// That of a user with these days, of which those from `from` on are shown. Whoever is not active in the period has
    /// churned if they were active in the one before.
    fn of(days: &[Day], from: Day, before: &Period, period: &Period) -> Option<Self> {
        let earlier = days.partition_point(|&day| day < period.start);
        let was_active = days[..earlier].last().is_some_and(|&day| day >= before.start);
        let first = days.partition_point(|&day| day < from.max(period.start));
        let is_active = days.get(first).is_some_and(|&day| day < period.end);
        match (is_active, was_active) {
            (true, _) if first == 0 => Some(State::New),
            (true, true) => Some(State::Retained),
            (true, false) => Some(State::Resurrected),
            (false, true) => Some(State::Churned),
            (false, false) => None,
        }
    }
}

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    refuse_while_hidden(call, "Use lifecycle, which counts them.")?;
    let calendar = call.calendar("period", "week")?;
    let period = period_given(call, calendar)?;
    let before = calendar.numbered(period.index.saturating_sub(1))?;
    let wanted = call.text("state").map(State::parse).transpose()?;
    call.by_value()?;
    let window = call.window(call.zone(), call.history.and_then(History::last_at))?;
    let (segment, mut days) = (call.column("segment"), UserDays::of(call, &window)?);
    // Who churned is known only if the log of the segment contains the previous period, which takes a pass of its own.
    let may_have_churned = window.is_complete(&period) && wanted.is_none_or(|state| state == State::Churned);
    let begins = if may_have_churned { Some(days.begins()?) } else { None };
    let is_known = |code: u32| {
        let begins = begins.as_ref().and_then(|begins| begins.get(code));
        begins.is_some_and(|&begins| begins <= before.start)
    };
    let from = window.since.unwrap_or(Day::MIN);
    days.each(|user, code, days| {
        let state = State::of(days, from, &before, &period);
        let state = state.filter(|&state| wanted.is_none_or(|wanted| wanted == state));
        let Some(state) = state.filter(|&state| state != State::Churned || is_known(code)) else { return Ok(()) };
        let user_id = call.user_id(user.user, user.name);
        rows.row(&mut [call.text_of(segment, code).into(), Cell::Bytes(&user_id), state.name().into()])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_one_of_four() {
        let period = |start: Day| Period { index: start / 7, start, end: start + 7 };
        let state = |days: &[Day], from: Day| State::of(days, from, &period(7), &period(14));
        for (days, expected) in [
            (&[14][..], Some(State::New)),
            (&[13, 20], Some(State::Retained)),
            (&[6, 20], Some(State::Resurrected)),
            (&[7, 21], Some(State::Churned)),
            (&[6, 21], None),
        ] {
            assert_eq!(state(days, Day::MIN), expected, "{days:?}");
        }
        // Shown from day 16 on: whoever began on day 15 is not new.
        assert_eq!([state(&[15, 16], 16), state(&[13, 15, 16], 16)], [Some(State::Resurrected), Some(State::Retained)]);
    }
}
