//! `seasonality`: retention by calendar month and by weekday of the first day: definition D61.
//!
//! A repeating pattern can be distinguished from a single event only if it is observed at least twice: without two whole
//! cycles the result is only the reason.

use crate::activity::View;
use crate::base::calendar::{Calendar, Grain, Window};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{
    Argument, Call, Cell, Function, Past, Reads, Role, Rows, Type, column, column_about, with_bounds,
};
use crate::predictors::drivers::{Question, subjects};
use crate::stats::association::{Comparison, false_discovery};
use crate::stats::interval::wilson;

/// The functions of this file.
pub const FUNCTIONS: &[&Function] = &[&FUNCTION];

const ABOUT: &[&str] = &["users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "seasonality",
    path: "predictors::seasonality",
    example: "",
    summary: "retention by calendar month and by weekday of the first day, with 95 % bounds, also relative to the rate \
              of all users; or the reason, if fewer than two whole cycles have been observed",
    arguments: &[Argument {
        name: "retained",
        kind: Type::Integers,
        role: Role::Value,
        default: "'{21,27}'",
        about: "first and last day of the outcome, counted from the user's first day; users active on at least one of \
                these days are retained",
    }],
    columns: &[
        column("pattern", Type::Text, "month or weekday"),
        column("number", Type::Integer, "1 for January or Monday; NULL if there is no result yet"),
        column_about(ABOUT, "users", Type::Bigint, "users whose first day lies in it and whose outcome is known"),
        column_about(ABOUT, "retained_users", Type::Bigint, "those of them who were retained"),
        column_about(ABOUT, "retention_rate", Type::Double, "retained_users / users, 0 to 1"),
        column_about(ABOUT, "rate_low", Type::Double, "lower 95 % bound of the rate (Wilson)"),
        column_about(ABOUT, "rate_high", Type::Double, "upper 95 % bound of the rate (Wilson)"),
        column_about(ABOUT, "index", Type::Double, "retention rate divided by the rate of all users"),
        column_about(ABOUT, "index_low", Type::Double, "lower bound of the index"),
        column_about(ABOUT, "index_high", Type::Double, "upper bound of the index"),
        column_about(
            ABOUT,
            "q_value",
            Type::Double,
            "p value of the difference from all other users, adjusted for all comparisons of the pattern",
        ),
        column("reason", Type::Text, "why there is no result; NULL if there is one"),
    ],
    reads: Reads::Activity(Past::All),
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 19,
    run,
};

crate::activity::over_log::of_requests!(
    "predictors::seasonality::of_requests",
    &[super::FUNCTION.arguments[0], crate::function::BY_VALUE_FIRST],
    |call, rows| crate::activity::over_log::run(call, rows, super::run)
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let span = call.integers("retained").unwrap_or(&[Some(21), Some(27)]);
    Question::retained(1, span)?;
    let answers = match call.value(0, View::open)? {
        None => nothing(),
        Some(view) => seasonality(&view, span, &call.window(view.zone(), view.last_at())?)?,
    };
    for answer in &answers {
        let (pattern, reason) = (Cell::Text(answer.pattern.name()), answer.reason());
        let Ok(parts) = &answer.parts else {
            let mut row = [Cell::Null; 12];
            (row[0], row[11]) = (pattern, reason.as_deref().into());
            rows.row(&mut row)?;
            continue;
        };
        for part in parts {
            let [rate, low, high] = with_bounds(part.rate());
            let [index, index_low, index_high] = with_bounds(part.index());
            let (users, retained) = (part.comparison.with, part.comparison.with_outcome);
            rows.row(&mut [
                pattern,
                part.number.into(),
                users.into(),
                retained.into(),
                rate,
                low,
                high,
                index,
                index_low,
                index_high,
                part.q_value.into(),
                Cell::Null,
            ])?;
        }
    }
    Ok(())
}

/// The fewest cycles for a result.
pub const CYCLES: i32 = 2;

/// The pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The months of a year.
    Month,
    /// The days of a week.
    Weekday,
}

impl Pattern {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Pattern::Month => "month",
            Pattern::Weekday => "weekday",
        }
    }

    /// The number of parts of a cycle.
    pub fn parts(self) -> i32 {
        match self {
            Pattern::Month => 12,
            Pattern::Weekday => 7,
        }
    }

    /// The part that contains a day: 1 is January or Monday.
    fn part(self, day: Day) -> Result<i32> {
        Ok(match self {
            Pattern::Month => MONTHS.period(day)?.index.rem_euclid(12) + 1,
            // 2000-01-01, day 0, was a Saturday.
            Pattern::Weekday => (i64::from(day) + 5).rem_euclid(7) as i32 + 1,
        })
    }

    /// The number of whole parts in the days `from..until`.
    fn whole_parts(self, from: Day, until: Day) -> Result<i32> {
        Ok(match self {
            _ if until <= from => 0,
            Pattern::Weekday => until - from,
            Pattern::Month => {
                let first = MONTHS.period(from)?;
                let begun = if first.start == from { first.index } else { first.index + 1 };
                (MONTHS.period(until)?.index - begun).max(0)
            }
        })
    }
}

const MONTHS: Calendar = Calendar::plain(Grain::Month);

/// Users whose first day is in one part of a cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The number of the part, from 1.
    pub number: i32,
    /// Its users compared with all others.
    pub comparison: Comparison,
    /// The p value of the difference, adjusted over the parts.
    pub q_value: Option<f64>,
}

impl Part {
    /// The rate of all users, these included.
    fn rate_of_all(&self) -> Option<f64> {
        let of = &self.comparison;
        let (users, outcomes) = (of.with + of.without, of.with_outcome + of.without_outcome);
        (users > 0).then(|| outcomes as f64 / users as f64).filter(|&rate| rate > 0.0)
    }

    /// Their rate with 95 % bounds.
    pub fn rate(&self) -> Option<(f64, f64, f64)> {
        let (low, high) = wilson(self.comparison.with_outcome, self.comparison.with)?;
        Some((self.comparison.rate_with()?, low, high))
    }

    /// Their rate and its bounds divided by the rate of all users.
    pub fn index(&self) -> Option<(f64, f64, f64)> {
        let (all, (rate, low, high)) = (self.rate_of_all()?, self.rate()?);
        Some((rate / all, low / all, high / all))
    }
}

/// A pattern, or without two cycles the number of its parts seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The pattern.
    pub pattern: Pattern,
    /// Its parts, or the number of whole ones seen.
    pub parts: std::result::Result<Vec<Part>, i32>,
}

impl Answer {
    /// The reason without a result, as text.
    pub fn reason(&self) -> Option<String> {
        let seen = self.parts.as_ref().err()?;
        let (parts, of) = match self.pattern {
            Pattern::Month => ("months", "years"),
            Pattern::Weekday => ("days", "weeks"),
        };
        let wanted = CYCLES * self.pattern.parts();
        Some(format!("needs two whole {of} of users whose outcome is known: {seen} of {wanted} {parts} so far"))
    }
}

/// The result without users.
pub fn nothing() -> [Answer; 2] {
    [Pattern::Month, Pattern::Weekday].map(|pattern| Answer { pattern, parts: Err(0) })
}

/// Both patterns of retention by first day.
pub fn seasonality(view: &View<'_>, span: &[Option<i32>], window: &Window) -> Result<[Answer; 2]> {
    let question = Question::retained(1, span)?;
    let (Some((begins, _)), Question::Retained { span: (_, last), .. }) = (view.bounds(), question) else {
        return Ok(nothing());
    };
    let mut claim = Claim::temporary();
    let people = subjects(view, &question, window, &mut claim)?;
    // The possible first days with known outcome.
    let from = begins.max(window.whole_from.unwrap_or(begins));
    let until = window.elapsed.saturating_sub(last);
    let mut answers = nothing();
    for answer in &mut answers {
        let (pattern, seen) = (answer.pattern, answer.pattern.whole_parts(from, until)?);
        answer.parts = Err(seen);
        if seen < CYCLES * pattern.parts() {
            continue;
        }
        let mut counts = vec![(0u64, 0u64); pattern.parts() as usize];
        for person in &people {
            let count = &mut counts[pattern.part(person.from)? as usize - 1];
            *count = (count.0 + 1, count.1 + u64::from(person.outcome));
        }
        let (users, outcomes) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        let compare = |&(with, with_outcome): &(u64, u64)| Comparison {
            with,
            with_outcome,
            without: users - with,
            without_outcome: outcomes - with_outcome,
        };
        let comparisons: Vec<Comparison> = counts.iter().map(compare).collect();
        let q_values = false_discovery(&comparisons.iter().map(Comparison::p_value).collect::<Vec<_>>());
        let parts = comparisons.into_iter().zip(q_values).zip(1..);
        answer.parts = Ok(parts.map(|((comparison, q_value), number)| Part { number, comparison, q_value }).collect());
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-01 was a Monday, and day 8766.
    #[test]
    fn parts_of_days() {
        assert_eq!((Pattern::Weekday.part(8766).unwrap(), Pattern::Month.part(8766).unwrap()), (1, 1));
        assert_eq!((Pattern::Weekday.part(8765).unwrap(), Pattern::Month.part(8765).unwrap()), (7, 12));
        assert_eq!((Pattern::Weekday.part(-1).unwrap(), Pattern::Month.part(-1).unwrap()), (5, 12));
    }

    #[test]
    fn only_whole_parts_count() {
        for (from, until, months) in
            [(8766, 8766 + 31, 1), (8767, 8766 + 60, 1), (8766, 8766 + 59, 1), (8766, 8766 + 60, 2), (8770, 8760, 0)]
        {
            assert_eq!(Pattern::Month.whole_parts(from, until).unwrap(), months, "{from} {until}");
        }
        assert_eq!(Pattern::Weekday.whole_parts(3, 17).unwrap(), 14);
    }
}
