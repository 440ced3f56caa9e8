//! `activation_threshold`: the amount of use in the first days that best separates retained users. Definition D60.

use super::{Answer, DAILY, Person, Question, reached, threshold};
use crate::base::calendar::Window;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::base::user_table::UserKey;
use crate::function::text_order;
use crate::function::{
    Argument, BY_VALUE_FIRST, Call, Cell, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows, Type, column,
    with_bounds,
};
use crate::history::{BySegment, Fold, History, Table, Timeline};
use crate::predictors::drivers;
use crate::predictors::drivers::own_days::OwnDays;
use crate::predictors::drivers::retention_drivers::{RETAINED, SPAN};

const fn number(name: &'static str, kind: Type, default: &'static str, about: &'static str) -> Argument {
    Argument { name, kind, role: Role::Value, default, about }
}

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "activation_threshold",
    path: "predictors::threshold::activation_threshold",
    example: "",
    summary: "activation threshold: the number of requests, or requests of an action, within a number of first days \
              that best predicts retention, chosen on one half of the users and evaluated on the other, with a \
              sentence; or the reason why there is none",
    arguments: &[
        Argument {
            name: "action",
            kind: Type::Json,
            role: Role::Condition,
            default: NO_DEFAULT,
            about: "requests that count, in the form of filter, by default all; new users are determined by all \
                    requests",
        },
        RETAINED,
        number("max_days", Type::Integer, "15", "largest number of first days to try, 1 to 15"),
        number("max_requests", Type::Integer, "10", "largest number of requests to try, 1 to 10"),
        number(
            "min_users",
            Type::Integer,
            "100",
            "fewest users of each half, 1 or more; a tenth of this number must reach a threshold, and a tenth must not",
        ),
        number("seed", Type::Bigint, "1", "seed of the division into halves: any number"),
        BY_VALUE_FIRST,
    ],
    columns: &[
        column("users", Type::Bigint, "users of both halves with a known outcome"),
        column("retained_users", Type::Bigint, "those of them who were retained"),
        column("days", Type::Integer, "number of first days of the threshold; NULL if there is none"),
        column("requests", Type::Integer, "number of requests within these days"),
        column(
            "days_low",
            Type::Integer,
            "lower 95 % bound of days; NULL if fewer than half of the bootstrap samples choose a threshold",
        ),
        column("days_high", Type::Integer, "its upper 95 % bound"),
        column("requests_low", Type::Integer, "lower 95 % bound of requests"),
        column("requests_high", Type::Integer, "its upper 95 % bound"),
        column("q_value", Type::Double, "q value of the threshold among all tried, in the half that chose it"),
        column(
            "held_out_users",
            Type::Bigint,
            "users of the other half, from which all following metrics are computed",
        ),
        column("users_reaching", Type::Bigint, "those of them who reached the threshold"),
        column("retention_reaching", Type::Double, "share of these users who were retained, 0 to 1"),
        column("retention_others", Type::Double, "share of the other users who were retained, 0 to 1"),
        column("difference", Type::Double, "difference of the two rates, first minus second"),
        column("difference_low", Type::Double, "its lower 95 % bound (Newcombe)"),
        column("difference_high", Type::Double, "its upper 95 % bound (Newcombe)"),
        column("phi", Type::Double, "correlation of reaching the threshold and retention, -1 to 1"),
        column("p_value", Type::Double, "probability of a difference at least as large if there were none"),
        column("recall", Type::Double, "share of the retained users who reached the threshold, 0 to 1"),
        column("youden_j", Type::Double, "recall minus the share of the users not retained who reached the threshold"),
        column("lift", Type::Double, "retention_reaching divided by the retention of all users"),
        column("sentence", Type::Text, "the threshold in words"),
        column("reason", Type::Text, "why there is no threshold; NULL if there is one"),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &[], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let number = |name, default| call.integer(name).unwrap_or(default);
    let (days, requests) = (number("max_days", DAILY as i32), number("max_requests", 10));
    let question = Question::new(days, requests, number("min_users", 100), call.bigint("seed").unwrap_or(1))?;
    call.clock()?;
    let retained = drivers::Question::retained(days, call.integers("retained").unwrap_or(&SPAN))?;
    let window = call.window(call.zone(), call.history.and_then(History::last_at))?;
    let [segment, action] = ["segment", "action"].map(|name| call.column(name));
    let make = || {
        let (days, by_segment) = (OwnDays::new(call.clock()?), BySegment::default());
        let (segments, claim) = (Table::default(), Claim::temporary());
        Ok(Starts { retained, question, window, segment, action, segments, days, by_segment, claim })
    };
    let mut fold = call.fold(&[segment, action], make)?;
    if fold.segments.is_empty() && !call.by {
        fold.segments.entry([0; 3], &mut fold.claim)?;
    }
    let mut segments = Vec::new();
    fold.claim.reserve(&mut segments, fold.segments.len())?;
    segments.extend(fold.segments.into_values().map(|([.., code], people)| (call.text_of(segment, code), people)));
    segments.sort_by_key(|(name, _)| text_order(*name));
    for (name, people) in segments {
        memory::poll();
        row(call, name, &threshold(people, &question)?, &question, rows)?;
    }
    Ok(())
}

fn row(
    call: &Call<'_>,
    segment: Option<&[u8]>,
    answer: &Answer,
    question: &Question,
    rows: &mut dyn Rows,
) -> Result<()> {
    let all = answer.training + answer.held_out;
    let shown = !call.hides(all) && !call.hides(answer.retained) && !call.hides(all - answer.retained);
    let is_shown = |of: &super::Found| shown && !call.hides(of.held_out.with) && !call.hides(of.held_out.without);
    let found = answer.found.filter(is_shown);
    let reason = match answer.lack {
        Some(lack) => Some(lack.reason(question)),
        None if found.is_none() => Some("groups are too small to be shown".to_owned()),
        None => None,
    };
    let count = |number: usize| Cell::Integer(number as i32);
    let counted = |number: Option<usize>| number.map_or(Cell::Null, count);
    let (days, requests) = (found.and_then(|found| found.days), found.and_then(|found| found.counts));
    let held_out = found.map(|found| found.held_out);
    let [difference, difference_low, difference_high] = with_bounds(held_out.and_then(|of| of.difference()));
    let sentence = found.and_then(|found| found.sentence(call.is_given("action")));
    rows.row(&mut [
        segment.into(),
        shown.then_some(all).into(),
        shown.then_some(answer.retained).into(),
        counted(found.map(|found| found.threshold.days)),
        counted(found.map(|found| found.threshold.count)),
        counted(days.map(|(low, _)| low)),
        counted(days.map(|(_, high)| high)),
        counted(requests.map(|(low, _)| low)),
        counted(requests.map(|(_, high)| high)),
        found.map(|found| found.training_q).into(),
        shown.then_some(answer.held_out).into(),
        held_out.map(|of| of.with).into(),
        held_out.and_then(|of| of.rate_with()).into(),
        held_out.and_then(|of| of.rate_without()).into(),
        difference,
        difference_low,
        difference_high,
        held_out.and_then(|of| of.phi()).into(),
        held_out.and_then(|of| of.p_value()).into(),
        found.and_then(|found| found.recall()).into(),
        found.and_then(|found| found.youden()).into(),
        found.and_then(|found| found.lift()).into(),
        sentence.as_deref().into(),
        reason.as_deref().into(),
    ])
}

/// The fold: users of each segment with known outcome. A segment without any also gives a row.
struct Starts<'a> {
    retained: drivers::Question,
    question: Question,
    window: Window,
    segment: Option<usize>,
    /// Whether a request counts; without this column all do.
    action: Option<usize>,
    segments: Table<Vec<(UserKey, Person)>>,
    days: OwnDays<'a>,
    by_segment: BySegment,
    claim: Claim,
}

impl Fold for Starts<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Starts { retained, question, window, segment, action, segments, days, by_segment, claim } = self;
        by_segment.each(user, *segment, |segment, requests| {
            days.look_at(user.at, requests)?;
            let (_, people) = segments.entry([0, 0, segment], claim)?;
            let Some(subject) = retained.subject(&days.active, window) else { return Ok(()) };
            let mut daily = [0u8; DAILY];
            for (&request, day) in requests.iter().zip(&days.of_requests) {
                let counts = || action.is_none() || user.flag(*action, request as usize) == Some(true);
                let nth = usize::try_from(day - subject.from).unwrap_or(DAILY);
                if let Some(count) = daily.get_mut(nth).filter(|_| counts()) {
                    // More than the largest count tried makes no difference.
                    *count = count.saturating_add(1);
                }
            }
            claim.push(people, (user.user, Person { reached: reached(&daily, question), outcome: subject.outcome }))
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let merge = |ours: &mut Vec<(UserKey, Person)>, theirs: Vec<(UserKey, Person)>, claim: &mut Claim| {
            claim.reserve_doubling(ours, theirs.len())?;
            ours.extend(theirs);
            Ok(())
        };
        self.segments.merge(other.segments, &mut self.claim, merge).map(drop)
    }
}
