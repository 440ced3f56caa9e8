//! `first_sessions`: metrics of users' first sessions. Definitions D37 to D40.

use super::first_session_list::ARGUMENTS;
use super::firsts::{First, Firsts};
use super::{rate, seconds};
use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::state::State;
use crate::function::by_name;
use crate::function::{BY_VALUE_FIRST, Call, Cell, Function, Past, Reads, Requests, Rows, Type, column, with_bounds};
use crate::history::{Fold, Table, Timeline};
use crate::sessions::Ending;
use crate::stats::quantile::quantile;
use crate::survival::{Curve, Survival};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "first_sessions",
    path: "journey::onboarding::first_sessions",
    example: "",
    summary: "onboarding: median time from signup to the first request, with users without a request right-censored, \
              success of the first request, and active time, depth and breadth of the first session",
    arguments: &[ARGUMENTS[0], ARGUMENTS[1], ARGUMENTS[2], BY_VALUE_FIRST],
    columns: &[
        column("users", Type::Bigint, "users whose first request was at or after since"),
        column(
            "signed_up_users",
            Type::Bigint,
            "users of the segment whose signup is known; with by, users without a request are in no segment",
        ),
        column("without_request_users", Type::Bigint, "those of them without a request yet"),
        column("requests_before_signup", Type::Bigint, "those of them whose first request was before signup"),
        column(
            "seconds_to_first_request",
            Type::Double,
            "median time from signup to the first request, with users without a request right-censored; NULL if fewer \
             than half have made one",
        ),
        column("seconds_to_first_request_low", Type::Double, "its lower 95 % bound"),
        column("seconds_to_first_request_high", Type::Double, "its upper 95 % bound"),
        column(
            "first_request_within_1_day",
            Type::Double,
            "share with a first request within 24 hours of signup, 0 to 1; NULL if no user has been observed for that \
             long",
        ),
        column(
            "first_request_within_7_days",
            Type::Double,
            "share with a first request within 168 hours of signup, 0 to 1; NULL if no user has been observed for that \
             long",
        ),
        column("first_requests", Type::Bigint, "first requests with a known outcome"),
        column("first_request_answered_rate", Type::Double, "share of them that were answered, 0 to 1"),
        column("rate_low", Type::Double, "its lower 95 % bound"),
        column("rate_high", Type::Double, "its upper 95 % bound"),
        column(
            "open_sessions",
            Type::Bigint,
            "first sessions that may still continue, which the following columns exclude",
        ),
        column("features_discovered_mean", Type::Double, "mean number of features used in the first session"),
        column("active_mean_seconds", Type::Double, "mean active time: without pauses above session_gap"),
        column("active_median_seconds", Type::Double, "median active time"),
        column("requests_mean", Type::Double, "mean number of requests"),
        column("single_request_share", Type::Double, "share with a single request, 0 to 1"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        // Of requests with the same instant and id, a failed one comes first.
        columns: &["request_id", "succeeded", "session_id", "feature", "latency_ms"],
        needed: &[],
        names: false,
    }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.clock()?;
    let columns = Firsts::new(call)?.columns();
    let make = || {
        let (segments, claim) = (Table::default(), Claim::temporary());
        Ok(Beginnings { firsts: Firsts::new(call)?, segments, tells_features: false, claim })
    };
    call.fold(&columns, make)?.rows(call, rows)
}

/// The seconds of a day.
const DAY: f64 = 86_400.0;

/// The sums of a segment.
#[derive(Debug, Default)]
struct Totals {
    users: u64,
    signed_up: u64,
    waiting: u64,
    /// Users whose first request came before they signed up.
    early: u64,
    /// The times from signup to first request.
    waits: Survival,
    /// First requests of known outcome.
    known: u64,
    succeeded: u64,
    open: u64,
    /// Over first sessions that are closed.
    features: u64,
    active: i128,
    actives: Vec<Micros>,
    requests: u64,
    single: u64,
}

impl Totals {
    fn add(&mut self, First { session: first, signed_up, .. }: &First, end: Micros, claim: &mut Claim) -> Result<()> {
        let started = first.as_ref().map(|first| first.session.start);
        self.users += u64::from(first.is_some());
        self.waiting += u64::from(first.is_none());
        if let Some(signed_up) = *signed_up {
            self.signed_up += 1;
            self.early += u64::from(started.is_some_and(|started| started < signed_up));
            self.waits.observe(seconds(signed_up, started.unwrap_or(end)), first.is_some())?;
        }
        let Some(first) = first else { return Ok(()) };
        self.known += u64::from(first.succeeded.is_some());
        self.succeeded += u64::from(first.succeeded == Some(true));
        if first.ending == Some(Ending::Open) {
            self.open += 1;
            return Ok(());
        }
        self.features += first.features;
        self.active += i128::from(first.session.active());
        self.requests += u64::from(first.session.requests);
        self.single += u64::from(first.session.requests == 1);
        claim.push(&mut self.actives, first.session.active())
    }

    fn merge(&mut self, other: Self, claim: &mut Claim) -> Result<()> {
        self.users += other.users;
        self.signed_up += other.signed_up;
        self.waiting += other.waiting;
        self.early += other.early;
        self.waits.merge(&other.waits)?;
        self.known += other.known;
        self.succeeded += other.succeeded;
        self.open += other.open;
        self.features += other.features;
        self.active += other.active;
        self.requests += other.requests;
        self.single += other.single;
        claim.reserve_doubling(&mut self.actives, other.actives.len())?;
        self.actives.extend_from_slice(&other.actives);
        Ok(())
    }
}

/// The fold.
struct Beginnings<'a> {
    firsts: Firsts<'a>,
    segments: Table<Totals>,
    /// Whether any first session names a feature. If none does, the number of features is unknown.
    tells_features: bool,
    claim: Claim,
}

impl Beginnings<'_> {
    fn rows(mut self, call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
        if self.segments.is_empty() && !call.by {
            self.segments.entry([0; 3], &mut self.claim)?;
        }
        let has_signups = call.is_given("signups");
        for (name, mut totals) in by_name(call, self.segments, &mut self.claim)? {
            let mut cells = [Cell::Null; 20];
            cells[0] = name.into();
            // Users still without a request belong to the group, too; a small group is hidden.
            if call.hides(totals.users + totals.waiting) {
                rows.row(&mut cells)?;
                continue;
            }
            totals.waits.settle()?;
            let waits = Some(Curve::new(&totals.waits, 0.95)?).filter(|waits| !call.hides(waits.observed()));
            let median = waits.as_ref().map(|waits| waits.quantile("quantile", 0.5)).transpose()?;
            let within = waits.as_ref().map(|waits| waits.at(&[DAY, 7.0 * DAY])).transpose()?.unwrap_or_default();
            let within = |n: usize| within.get(n).and_then(|step| step.survival).map(|later| 1.0 - later);
            let closed = totals.users - totals.open;
            let mean = |sum: f64| (closed > 0).then(|| sum / closed as f64);
            let of_signups = |users: u64| Some(users).filter(|_| has_signups);
            let [rate, low, high] = with_bounds(rate(totals.succeeded, totals.known));
            cells[1..].copy_from_slice(&[
                totals.users.into(),
                of_signups(totals.signed_up).into(),
                of_signups(totals.waiting).into(),
                of_signups(totals.early).into(),
                median.and_then(|median| median.seconds).into(),
                median.and_then(|median| median.low).into(),
                median.and_then(|median| median.high).into(),
                within(0).into(),
                within(1).into(),
                totals.known.into(),
                rate,
                low,
                high,
                totals.open.into(),
                mean(totals.features as f64).filter(|_| self.tells_features).into(),
                mean(totals.active as f64 / 1e6).into(),
                quantile(&mut totals.actives, 0.5).into(),
                mean(totals.requests as f64).into(),
                mean(totals.single as f64).into(),
            ]);
            rows.row(&mut cells)?;
        }
        Ok(())
    }
}

impl Fold for Beginnings<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Beginnings { firsts, segments, tells_features, claim } = self;
        let end = firsts.end();
        firsts.each(user, |first| {
            *tells_features |= first.session.as_ref().is_some_and(|first| first.features > 0);
            let (_, totals) = segments.entry([0, 0, first.segment], claim)?;
            totals.add(first, end, claim)
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.tells_features |= other.tells_features;
        let merge = |ours: &mut Totals, theirs, claim: &mut Claim| ours.merge(theirs, claim);
        self.segments.merge(other.segments, &mut self.claim, merge).map(drop)
    }
}
