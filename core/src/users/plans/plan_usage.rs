//! `plan_usage`: what every user used of their plan in each of its periods. Definition D36.

use super::{Plan, Unit, columns, parse};
use crate::base::calendar::{Anchor, Cycle, Grain, Micros, Period};
use crate::base::days::Day;
use crate::base::encoding;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::{
    Argument, Call, Cell, Clock, Function, NAMED_USER, NO_DEFAULT, Past, REQUIRED, Reads, Requests, Role, Rows, Type,
    column, text_order,
};
use crate::history::Timeline;
use crate::stats::sum::Sum;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

const GIVE: &str = "Give plans such as {\"free\": {\"limit\": 1000, \"every\": \"month\"}}, and the property that names a user's \
                    plan.";

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "plan_usage",
    path: "users::plans::plan_usage",
    example: "'{\"free\": {\"monthly_request_limit\": 1000}}'",
    summary: "use of every user compared with the limit of their plan, a row for each period and plan held in it: share \
              used, projection to the end of the period, first day over the limit, requests to features outside the plan",
    arguments: &[
        Argument {
            name: "plans",
            kind: Type::Json,
            role: Role::Wants(&["prompt_tokens", "completion_tokens", "cost_usd"], columns),
            default: REQUIRED,
            about: "JSON object of plans, each with limit (or monthly_request_limit), of (requests, tokens or cost_usd), \
                    every (day, week or month), anchor and features",
        },
        Argument {
            name: "plan_property",
            kind: Type::Text,
            role: Role::Property,
            default: "'UserTier'",
            about: "property that holds the user's plan",
        },
        Argument {
            role: Role::User,
            default: NO_DEFAULT,
            about: "id of the only user whose requests are read; by default all users",
            ..NAMED_USER
        },
    ],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("plan", Type::Text, "plan held at these requests: the most recent value told; NULL before the first"),
        column("period_start", Type::Date, "first local day of the period"),
        column("complete", Type::Boolean, "whether the period is over"),
        column("requests", Type::Bigint, "requests in the period under the plan"),
        column("refused_requests", Type::Bigint, "those known not to have been answered, which use up nothing"),
        column("unit", Type::Text, "unit of the limit: requests, tokens or cost_usd"),
        column("used", Type::Double, "use by all other requests, in this unit; NULL if it is not known"),
        column("plan_limit", Type::Double, "limit of the plan in a period; NULL without one, see reason"),
        column("used_share", Type::Double, "used / plan_limit; NULL if one of them is not known, or the limit is 0"),
        column("projected", Type::Double, "use expected by the end of the period at this pace"),
        column("first_day_over_limit", Type::Date, "day on which the limit was exceeded; NULL if it was not"),
        column(
            "out_of_plan_requests",
            Type::Bigint,
            "requests to features that the plan does not include; NULL if it includes all, or is not known",
        ),
        column(
            "reason",
            Type::Text,
            "why used_share is NULL: unlimited, plan not in plans, no plan told, limit is 0, or use not known",
        ),
        column("details", Type::Json, "other keys of the plan in plans, such as support_level"),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &["feature", "succeeded"], needed: &[], names: true }),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let plans = parse(call.required("plans", call.json("plans"), GIVE)?)?;
    // few: the plans of an argument
    let plans = plans.iter().filter_map(|plan| Some((in_log(&plan.name)?, Terms::of(plan)))).collect();
    call.required("plan_property", call.text("plan_property"), GIVE)?;
    let column = |name| call.column(name);
    let mut usage = Usage {
        call,
        clock: call.clock()?,
        plans,
        property: column("plan_property"),
        feature: column("feature"),
        succeeded: column("succeeded"),
        tokens: ["prompt_tokens", "completion_tokens"].map(column),
        cost: column("cost_usd"),
        held: Vec::new(),
        parts: Vec::new(),
        claim: Claim::temporary(),
    };
    let [sent, received] = usage.tokens;
    let columns = [usage.property, usage.feature, usage.succeeded, sent, received, usage.cost];
    call.each_user(&columns, |user| usage.user(user, rows))
}

/// A text of an argument as the log has it; `None` if the log's encoding lacks one of its characters.
fn in_log(text: &str) -> Option<Vec<u8>> {
    encoding::encoded(text).ok().map(Cow::into_owned)
}

/// The terms of a plan, with features as the log names them.
struct Terms {
    limit: Option<f64>,
    unit: Unit,
    cycle: Cycle,
    features: Option<BTreeSet<Vec<u8>>>,
    details: Option<String>,
}

/// The terms of a plan that is not known.
const UNKNOWN: &Terms = &Terms {
    limit: None,
    unit: Unit::Requests,
    cycle: Cycle { grain: Grain::Month, anchor: Anchor::Standard },
    features: None,
    details: None,
};

impl Terms {
    fn of(plan: &Plan) -> Self {
        // few: the features of a plan
        let features = plan.features.as_ref().map(|names| names.iter().filter_map(|name| in_log(name)).collect());
        Terms { limit: plan.limit, unit: plan.unit, cycle: plan.cycle, features, details: plan.details.clone() }
    }
}

/// A request of a user: the plan held, the local day, and its index.
type Held = (u32, Day, u32);

/// The requests of a user in one period under one plan, as a range of those by plan and day.
#[derive(Clone, Copy)]
struct Part {
    plan: u32,
    period: Period,
    from: usize,
    to: usize,
}

struct Usage<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    plans: BTreeMap<Vec<u8>, Terms>,
    property: Option<usize>,
    feature: Option<usize>,
    succeeded: Option<usize>,
    tokens: [Option<usize>; 2],
    cost: Option<usize>,
    /// A user's requests by plan and day.
    held: Vec<Held>,
    parts: Vec<Part>,
    claim: Claim,
}

impl Usage<'_> {
    fn user(&mut self, user: &Timeline<'_>, rows: &mut dyn Rows) -> Result<()> {
        let Some(&first_at) = user.at.first() else { return Ok(()) };
        let first_day = self.clock.day(first_at)?;
        let (plan, since) = self.hold(user)?;
        self.held.sort_unstable();
        self.parts.clear();
        let mut from = 0;
        while let Some(&(plan, day, _)) = self.held.get(from) {
            let period = self.terms(plan).cycle.period(day, first_day, self.call.calendar_of(Grain::Month))?;
            let part = |&(of, day, _): &Held| of == plan && day < period.end;
            let to = from + self.held[from..].partition_point(part);
            self.claim.push(&mut self.parts, Part { plan, period, from, to })?;
            from = to;
        }
        let mut parts = std::mem::take(&mut self.parts);
        let order = |part: &Part| (part.period.start, text_order(self.call.text_of(self.property, part.plan)));
        parts.sort_by(|a, b| order(a).cmp(&order(b)));
        for part in &parts {
            // The plan at the end goes on, from when it was last taken up.
            self.row(user, part, (part.plan == plan).then_some(since), rows)?;
        }
        self.parts = parts;
        Ok(())
    }

    /// Lists the requests with the plan held at each. Returns the plan held at the end, and since when, if another was held
    /// before.
    fn hold(&mut self, user: &Timeline<'_>) -> Result<(u32, Micros)> {
        let Usage { call, clock, property, held, claim, .. } = self;
        let told = user.codes(*property);
        held.clear();
        claim.reserve(held, user.at.len())?;
        let (mut plan, mut since, mut from) = (0, Micros::MIN, 0);
        while from < user.at.len() {
            memory::poll();
            // Of several plans told at one instant, one holds from then on.
            let at = user.at[from];
            let to = from + user.at[from..].partition_point(|&other| other == at);
            let of = |request: usize| told.map_or(0, |told| told[request]);
            let last = call.told_last(*property, (from..to).map(|request| (of(request), at)));
            if last != 0 && last != plan {
                since = if plan == 0 { since } else { at };
                plan = last;
            }
            let day = clock.day(at)?;
            for request in from..to {
                let own = Some(of(request)).filter(|code| *code != 0);
                held.push((own.unwrap_or(plan), day, request as u32));
            }
            from = to;
        }
        Ok((plan, since))
    }

    fn terms(&self, plan: u32) -> &Terms {
        let known = self.call.text_of(self.property, plan);
        known.and_then(|known| self.plans.get(known)).unwrap_or(UNKNOWN)
    }

    /// How much a request uses, in a unit; `None` if that is not known.
    fn use_of(&self, user: &Timeline<'_>, unit: Unit, request: usize) -> Option<f64> {
        let number = |column| user.numbers(column).map(|numbers| numbers[request]).filter(|number| !number.is_nan());
        match unit {
            Unit::Requests => Some(1.0),
            Unit::Cost => number(self.cost),
            Unit::Tokens => match self.tokens.map(number) {
                [None, None] => None,
                [sent, received] => Some(sent.unwrap_or_default() + received.unwrap_or_default()),
            },
        }
    }

    fn row(&mut self, user: &Timeline<'_>, part: &Part, goes_on: Option<Micros>, rows: &mut dyn Rows) -> Result<()> {
        let (begins, ends) = (self.clock.midnight(part.period.start)?, self.clock.midnight(part.period.end)?);
        if self.call.since.is_some_and(|since| ends <= since) {
            return Ok(());
        }
        let Usage { call, property, feature, succeeded, held, plans, .. } = &*self;
        let plan = call.text_of(*property, part.plan);
        let known = plan.and_then(|plan| plans.get(plan));
        let terms = known.unwrap_or(UNKNOWN);
        // The pace of a plan is that since it was taken up.
        let from = goes_on.map(|since| since.max(begins));
        let (mut claim, mut sums) = (Claim::temporary(), [Sum::default(), Sum::default()]);
        let (mut refused, mut outside, mut unknown, mut over_on) = (0u64, 0u64, false, None);
        let features = user.codes(*feature);
        for &(_, day, request) in &held[part.from..part.to] {
            let request = request as usize;
            let name = features.and_then(|features| call.text_of(*feature, features[request]));
            let lists = |name: &[u8]| terms.features.as_ref().is_none_or(|listed| listed.contains(name));
            outside += u64::from(name.is_some_and(|name| !lists(name)));
            if user.flag(*succeeded, request) == Some(false) {
                refused += 1;
                continue;
            }
            let Some(amount) = self.use_of(user, terms.unit, request) else {
                unknown = true;
                continue;
            };
            sums[0].add(amount, &mut claim)?;
            if from.is_some_and(|from| user.at[request] >= from) {
                sums[1].add(amount, &mut claim)?;
            }
            let is_over = |limit: f64| sums[0].value().is_some_and(|used| used > limit);
            if over_on.is_none() && terms.limit.is_some_and(is_over) {
                over_on = Some(day);
            }
        }
        let [used, lately] = sums.map(|sum| sum.value());
        // Of requests that say nothing of their use, it is not known.
        let used = used.or(Some(0.0).filter(|_| !unknown));
        let share = used.zip(terms.limit).filter(|(_, limit)| *limit > 0.0).map(|(used, limit)| used / limit);
        let end = call.end();
        let is_over = ends <= end;
        let projected = match (used, from) {
            (Some(used), Some(from)) if !is_over => {
                let (passed, left) = (end.saturating_sub(from) as f64, ends.saturating_sub(end) as f64);
                (passed > 0.0).then(|| used + lately.unwrap_or_default() * (left / passed))
            }
            (used, _) => used,
        };
        let reason = match (plan, known, terms.limit) {
            (None, ..) => Some("no plan told"),
            (_, None, _) => Some("plan not in plans"),
            (.., None) => Some("unlimited"),
            (.., Some(0.0)) => Some("limit is 0"),
            _ => used.is_none().then_some("use not known"),
        };
        let id = call.user_id(user.user, user.name);
        rows.row(&mut [
            Cell::Bytes(&id),
            plan.into(),
            Cell::Date(part.period.start),
            is_over.into(),
            ((part.to - part.from) as u64).into(),
            refused.into(),
            known.map(|terms| terms.unit.name()).into(),
            used.into(),
            terms.limit.into(),
            share.into(),
            projected.into(),
            over_on.map_or(Cell::Null, Cell::Date),
            terms.features.as_ref().map(|_| outside).into(),
            reason.into(),
            terms.details.as_deref().map_or(Cell::Null, Cell::Json),
        ])
    }
}
