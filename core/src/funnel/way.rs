//! A funnel as defined by the arguments of a function over a log, and a user's requests as its events.

use super::{Compatibility, Event, Matcher, Mode, Plan, Rules, Term, names, plan};
use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::base::sort_by_user::Owned;
use crate::base::user_lists;
use crate::function::{Argument, Call, NO_DEFAULT, REQUIRED, Role, Type};
use crate::history::{History, Timeline};

/// The semantics of levels.
pub(super) const COMPATIBILITY: Argument = Argument {
    name: "compatibility",
    kind: Type::Text,
    role: Role::Value,
    default: "'standard'",
    about: "standard, or clickhouse for the levels of ClickHouse's windowFunnel",
};

/// The arguments that define the funnel.
pub(super) const ARGUMENTS: &[Argument] = &[
    Argument {
        name: "steps",
        kind: Type::Json,
        role: Role::Conditions(plan::steps),
        default: REQUIRED,
        about: "steps: a JSON array of up to 64 objects, each with a filter, an optional name and, with mode ordered, optional \
                conditions: within and after (longest and least time from the step before), optional (the step may be \
                skipped) and entry (users may enter with it)",
    },
    Argument {
        name: "within",
        kind: Type::Interval,
        role: Role::Following,
        default: "'7 days'",
        about: "longest time from the first step to the last",
    },
    Argument {
        name: "mode",
        kind: Type::Text,
        role: Role::Value,
        default: "'ordered'",
        about: "condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered",
    },
    Argument {
        name: "exclude",
        kind: Type::Json,
        role: Role::AnyOf(plan::excluded),
        default: NO_DEFAULT,
        about: "requests that must not occur between two steps: a filter or a JSON array of filters",
    },
    COMPATIBILITY,
];

/// A funnel with the columns that it reads.
#[derive(Debug)]
pub(super) struct Way {
    /// The condition on its steps.
    pub rules: Rules,
    /// The semantics of levels.
    pub compatibility: Compatibility,
    /// The names of its steps.
    pub names: Vec<String>,
    /// The conditions on single steps; none if no step has any.
    terms: Vec<Term>,
    /// The flags of its steps, and of excluded events.
    steps: Vec<Option<usize>>,
    excluded: Option<usize>,
    /// The steps that each of a user's requests matches.
    pub marks: Vec<u64>,
    /// The events of the requests last asked for, in the form of a stored funnel.
    pub events: Vec<Event>,
    claim: Claim,
}

fn window(call: &Call<'_>) -> Result<Micros> {
    call.length("within")?.ok_or_else(|| Error::Argument {
        name: "within",
        given: "NULL".to_owned(),
        accepted: "an interval of days, hours, minutes or seconds, such as '7 days'".to_owned(),
    })
}

/// Rejects conditions on single steps where they are not defined, or cannot be met.
fn check_terms(
    call: &Call<'_>,
    terms: &[Term],
    mode: Mode,
    compatibility: Compatibility,
    window: Micros,
) -> Result<()> {
    let keys = "steps without within, after, optional and entry";
    if mode != Mode::Ordered {
        return call.refuse("mode", mode.name(), &format!("ordered, or {keys}"));
    }
    if compatibility != Compatibility::Standard {
        return call.refuse("compatibility", compatibility.name(), &format!("standard, or {keys}"));
    }
    if terms.iter().any(|term| term.after > window) {
        return call.refuse(
            "within",
            format!("{} s", window as f64 / 1e6),
            "a window no shorter than the after of any step",
        );
    }
    Ok(())
}

impl Way {
    /// The funnel of a call, or an error for an invalid argument.
    pub fn given(call: &Call<'_>) -> Result<Self> {
        let plan = Plan::parse(call.json("steps").unwrap_or("null"), call.json("exclude"))?;
        let window = window(call)?;
        let mode = call.text("mode").map_or(Ok(Mode::Ordered), Mode::parse)?;
        let compatibility = Compatibility::given(call)?;
        compatibility.check(mode)?;
        if !plan.excluded.is_empty() {
            compatibility.check_exclusion()?;
        }
        if !plan.terms.is_empty() {
            check_terms(call, &plan.terms, mode, compatibility, window)?;
        }
        let count = plan.names.len();
        let names = if mode == Mode::Unordered { names(count, mode, None)? } else { plan.names };
        Ok(Way {
            rules: Rules::new(count, window, mode)?,
            compatibility,
            names,
            terms: plan.terms,
            steps: (0..count).map(|n| call.column(&Role::numbered("steps", n))).collect(), // few: steps
            excluded: call.column("exclude"),
            marks: Vec::new(),
            events: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    /// The matcher of a call.
    pub fn matcher(&self, call: &Call<'_>) -> Result<Matcher> {
        let end = call.end_of_following(call.history.and_then(History::last_at));
        let matcher = Matcher::new(self.rules, self.compatibility, end)?.until(call.until);
        if self.terms.is_empty() { Ok(matcher) } else { matcher.with_terms(&self.terms) }
    }

    /// Whether any step has conditions of its own.
    pub fn has_terms(&self) -> bool {
        !self.terms.is_empty()
    }

    /// The steps that may be skipped: bit 0 is the first.
    pub fn optional(&self) -> u64 {
        self.terms.iter().enumerate().fold(0, |mask, (n, term)| mask | u64::from(term.optional) << n)
    }

    /// The columns it reads.
    pub fn columns(&self) -> Vec<Option<usize>> {
        self.steps.iter().copied().chain([self.excluded]).collect() // few: steps
    }

    /// Determines the steps that each of a user's requests matches.
    pub fn look(&mut self, user: &Timeline<'_>) -> Result<()> {
        self.marks.clear();
        self.claim.extend_to(&mut self.marks, user.at.len())?;
        for (n, step) in self.steps.iter().enumerate() {
            for (marks, flag) in self.marks.iter_mut().zip(user.flags(*step).unwrap_or_default()) {
                *marks |= u64::from(*flag == YES) << n;
            }
        }
        Ok(())
    }

    /// Collects the events of some of these requests, by index.
    pub fn gather(&mut self, user: &Timeline<'_>, among: impl Iterator<Item = usize>) -> Result<()> {
        let Way { rules, excluded, marks, events, claim, .. } = self;
        let excluded = user.flags(*excluded).unwrap_or_default();
        events.clear();
        for request in among {
            let (steps, is_excluded) = (marks[request], excluded.get(request) == Some(&YES));
            if steps != 0 || is_excluded || rules.mode.keeps_others() {
                claim.push(events, Event::new(user.at[request], steps, is_excluded))?;
            }
        }
        events.sort_unstable_by_key(Owned::order);
        user_lists::close(*rules, events)
    }
}

/// A flag that is set.
const YES: u8 = 2;
