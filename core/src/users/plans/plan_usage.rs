//! `plan_usage`: requests of every user and calendar month against the limit of their plan. Definition D36.

use super::{Plan, parse};
use crate::base::calendar::{Calendar, Grain};
use crate::base::days::Day;
use crate::base::encoding;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{
    Argument, Call, Cell, Clock, Function, Past, REQUIRED, Reads, Requests, Role, Rows, Type, column,
};
use crate::history::Timeline;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

const GIVE: &str =
    "Give plans such as {\"free\": {\"monthly_request_limit\": 1000}}, and the property that names a user's plan.";

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "plan_usage",
    path: "users::plans::plan_usage",
    example: "'{\"free\": {\"monthly_request_limit\": 1000}}'",
    summary: "monthly requests of every user compared with the limit of their plan: share used, projection to the end \
              of the month, first day over the limit, requests to features outside the plan",
    arguments: &[
        Argument {
            name: "plans",
            kind: Type::Json,
            role: Role::Value,
            default: REQUIRED,
            about: "JSON object of plans, each with monthly_request_limit and features",
        },
        Argument {
            name: "plan_property",
            kind: Type::Text,
            role: Role::Property,
            default: "'UserTier'",
            about: "property that holds the user's plan",
        },
    ],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("plan", Type::Text, "most recent plan at the end of the month; NULL if none is known"),
        column("month", Type::Date, "first day of the calendar month"),
        column("requests", Type::Bigint, "requests in the month"),
        column("request_limit", Type::Bigint, "limit of the plan; NULL if it has none or is not in plans"),
        column("used_share", Type::Double, "requests / limit; NULL without a limit, or if it is 0"),
        column("projected_month_end", Type::Double, "requests expected by the end of the month at this pace"),
        column("first_day_over_limit", Type::Date, "day on which the limit was exceeded; NULL if it was not"),
        column(
            "out_of_plan_requests",
            Type::Bigint,
            "requests to features that the plan does not include; NULL if the plan lists none",
        ),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &["feature"], needed: &[], names: true }),
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
    let (property, feature) = (call.column("plan_property"), call.column("feature"));
    let mut months = Months {
        call,
        clock: call.clock()?,
        calendar: Calendar::plain(Grain::Month),
        plans,
        days: Vec::new(),
        claim: Claim::temporary(),
    };
    call.each_user(&[property, feature], |user| months.user(user, property, feature, rows))
}

/// A text of an argument as the log has it; `None` if the log's encoding lacks one of its characters.
fn in_log(text: &str) -> Option<Vec<u8>> {
    encoding::encoded(text).ok().map(Cow::into_owned)
}

/// The terms of a plan, with features as the log names them.
struct Terms {
    request_limit: Option<i64>,
    features: Option<BTreeSet<Vec<u8>>>,
}

impl Terms {
    fn of(plan: &Plan) -> Self {
        // few: the features of a plan
        let features = plan.features.as_ref().map(|names| names.iter().filter_map(|name| in_log(name)).collect());
        Terms { request_limit: plan.request_limit, features }
    }
}

struct Months<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    calendar: Calendar,
    plans: BTreeMap<Vec<u8>, Terms>,
    /// Local days of a user's requests, with the requests' indexes.
    days: Vec<(Day, u32)>,
    claim: Claim,
}

impl Months<'_> {
    fn user(
        &mut self,
        user: &Timeline<'_>,
        property: Option<usize>,
        feature: Option<usize>,
        rows: &mut dyn Rows,
    ) -> Result<()> {
        let call = self.call;
        let id = call.user_id(user.user, user.name);
        let name = Cell::Bytes(&id);
        let (told, features) = (user.codes(property), user.codes(feature));
        // Requests by local day. If a clock is set back over midnight, a day recurs.
        self.days.clear();
        self.claim.reserve(&mut self.days, user.at.len())?;
        for (request, &at) in user.at.iter().enumerate() {
            self.days.push((self.clock.day(at)?, request as u32));
        }
        if !self.days.is_sorted() {
            self.days.sort_unstable();
        }
        let days = std::mem::take(&mut self.days);
        let (mut from, mut plan) = (0, 0);
        while from < days.len() {
            let month = self.calendar.period(days[from].0)?;
            let of_month = days[from..].partition_point(|(day, _)| *day < month.end);
            let days = &days[from..from + of_month];
            from += of_month;
            let numbers = || days.iter().map(|(_, request)| *request as usize);
            let of_plan = numbers().filter_map(|request| Some((told?[request], user.at[request])));
            let last = call.told_last(property, of_plan);
            plan = if last != 0 { last } else { plan };
            let known = call.text_of(property, plan);
            let terms = known.and_then(|known| self.plans.get(known));
            let limit = terms.and_then(|terms| terms.request_limit);
            let listed = terms.and_then(|terms| terms.features.as_ref());
            let outside = listed.map(|listed| {
                let is_outside = |request: &usize| {
                    let name = features.and_then(|features| call.text_of(feature, features[*request]));
                    name.is_some_and(|name| !listed.contains(name))
                };
                numbers().filter(is_outside).count() as u64
            });
            let over_on = limit.and_then(|limit| days.get(usize::try_from(limit).unwrap_or(usize::MAX)));
            let (begins, ends) = (self.clock.midnight(month.start)?, self.clock.midnight(month.end)?);
            let requests = days.len() as u64;
            if call.since.is_some_and(|since| ends <= since) {
                continue;
            }
            let end = call.end();
            let passed = end.saturating_sub(begins) as f64;
            let projected = match ends <= end {
                true => Some(requests as f64),
                false => (passed != 0.0).then(|| requests as f64 * (ends.saturating_sub(begins) as f64 / passed)),
            };
            rows.row(&mut [
                name,
                known.into(),
                Cell::Date(month.start),
                requests.into(),
                limit.map_or(Cell::Null, Cell::Bigint),
                limit.filter(|limit| *limit != 0).map(|limit| requests as f64 / limit as f64).into(),
                projected.into(),
                over_on.map_or(Cell::Null, |(day, _)| Cell::Date(*day)),
                outside.into(),
            ])?;
        }
        self.days = days;
        Ok(())
    }
}
