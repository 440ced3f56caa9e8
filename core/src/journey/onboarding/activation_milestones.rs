//! `activation_milestones`: milestones reached by users, and the time to them. Definitions D41 to D46.

use super::members::Members;
use super::{Comings, SIGNUPS, rate, seconds};
use crate::base::calendar::{Micros, has_elapsed};
use crate::base::encoding;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::state::State;
use crate::function::by_name;
use crate::function::{
    Argument, BY_VALUE_FIRST, Call, Cell, Clock, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows,
    SESSION_LIMITS, Type, column, with_bounds,
};
use crate::history::{Fold, Table, Timeline};
use crate::journey::milestones::Milestone;
use crate::sessions::{Limits, Session, SessionKey, of_requests, request};
use crate::survival::{Curve, Survival};
use std::collections::HashSet;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "activation_milestones",
    path: "journey::onboarding::activation_milestones",
    example: "",
    summary: "onboarding milestones, standard or custom: share of eligible users, whose time limit has elapsed, who \
              reached each one, and right-censored (Kaplan-Meier) time to it",
    arguments: &[
        Argument {
            name: "milestones",
            kind: Type::Json,
            role: Role::Conditions(filters),
            default: NO_DEFAULT,
            about: "custom milestones in place of the standard ones: a JSON array of objects with name, filter, from, \
                    count and within",
        },
        Argument {
            name: "advanced_features",
            kind: Type::Texts,
            role: Role::Needs("feature"),
            default: NO_DEFAULT,
            about: "features whose first use is a milestone as well",
        },
        SIGNUPS,
        SESSION_LIMITS[0],
        SESSION_LIMITS[1],
        BY_VALUE_FIRST,
    ],
    columns: &[
        column("milestone_number", Type::Integer, "number of the milestone"),
        column("milestone", Type::Text, "name of the milestone"),
        column(
            "eligible_users",
            Type::Bigint,
            "users of the milestone whose time limit has elapsed; all of them if there is no limit",
        ),
        column("reached_users", Type::Bigint, "eligible users who reached the milestone"),
        column("reached_rate", Type::Double, "reached_users / eligible_users, 0 to 1"),
        column("rate_low", Type::Double, "its lower 95 % bound"),
        column("rate_high", Type::Double, "its upper 95 % bound"),
        column(
            "median_seconds",
            Type::Double,
            "median time to the milestone over all users of the milestone, with those who have not reached it right-censored; NULL if \
             fewer have reached it",
        ),
        column("p25_seconds", Type::Double, "25th percentile of the time, likewise"),
        column("p75_seconds", Type::Double, "75th percentile of the time, likewise"),
        column("p90_seconds", Type::Double, "90th percentile of the time, likewise"),
        column(
            "dropped_from_previous",
            Type::Bigint,
            "eligible users who reached the previous milestone and not this one; NULL for the first",
        ),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        columns: &["session_id", "feature", "latency_ms", "succeeded"],
        needed: &[],
        names: false,
    }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

/// The filters of custom milestones, followed by those of first requests.
fn filters(milestones: &str) -> Result<Vec<String>> {
    let milestones = Milestone::list(milestones)?;
    let of_first = milestones.iter().filter_map(|milestone| milestone.from.clone());
    Ok(milestones.iter().map(|milestone| milestone.filter.clone()).chain(of_first).collect()) // few: of an argument
}

/// The columns of a custom milestone's filters.
#[derive(Clone, Copy)]
struct Columns {
    filter: Option<usize>,
    /// Whether a first request is one with which a user must have begun: `None` if all users are counted.
    from: Option<Option<usize>>,
}

/// The columns of the filters of custom milestones, in the order of [`filters`].
fn columns_of(call: &Call<'_>, told: &[Milestone]) -> Vec<Columns> {
    let mut of_first = told.len()..;
    let column = |n| call.column(&Role::numbered("milestones", n));
    let columns = |(n, milestone): (usize, &Milestone)| Columns {
        filter: column(n),
        from: milestone.from.as_ref().and_then(|_| of_first.next()).map(column),
    };
    told.iter().enumerate().map(columns).collect() // few: of an argument
}

/// The names of the standard milestones; the one in the middle requires advanced features.
const STANDARD: [&str; 5] = [
    "first successful request",
    "first multi-turn conversation",
    "first use of an advanced feature",
    "active again in the first week",
    "regular use",
];

/// The day after the user's first on which the time limit of returning has passed, and that of regular use.
const AGAIN_BY: i32 = 8;
const REGULAR_BY: i32 = 14;
/// The number of active days of regular use.
const REGULAR: usize = 3;
/// The number of local days after which neither can be reached, whatever clock changes occurred.
const LONG_AFTER: i32 = 2 * REGULAR_BY;

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let told = call.json("milestones").map(Milestone::list).transpose()?;
    let make = || Ways::new(call, told.as_deref());
    let columns = make()?.columns();
    call.fold(&columns, make)?.rows(call, rows)
}

/// The milestones of a call.
enum Asked<'a> {
    Standard(Box<Standard<'a>>),
    /// Custom milestones, and the columns of their filters.
    Told(&'a [Milestone], Vec<Columns>),
}

/// The input of the standard milestones.
struct Standard<'a> {
    limits: Limits,
    clock: Clock<'a>,
    /// The columns of session, latency and success.
    of_sessions: [Option<usize>; 3],
    feature: Option<usize>,
    /// The codes of the advanced features, if that milestone is included.
    advanced: Option<Vec<u32>>,
    members: Members,
    parts: Vec<Session>,
    sessions: Vec<Session>,
    claim: Claim,
}

/// A user and a milestone.
#[derive(Clone, Copy)]
struct Way {
    /// Whether the user is counted.
    counts: bool,
    reached: Option<Micros>,
    /// The last instant at which it can be reached.
    deadline: Option<Micros>,
}

/// The counts of a milestone.
#[derive(Debug, Default)]
struct Count {
    users: u64,
    eligible: u64,
    reached: u64,
    dropped: u64,
    times: Survival,
}

/// The counts of a segment.
#[derive(Debug, Default)]
struct Segment {
    users: u64,
    /// Whether the outcome of any request is known.
    tells_success: bool,
    counts: Vec<Count>,
}

/// The fold.
struct Ways<'a> {
    call: &'a Call<'a>,
    end: Micros,
    asked: Asked<'a>,
    names: Vec<&'a str>,
    comings: Comings,
    segments: Table<Segment>,
    ways: Vec<Way>,
    claim: Claim,
}

impl<'a> Ways<'a> {
    fn new(call: &'a Call<'_>, told: Option<&'a [Milestone]>) -> Result<Self> {
        let clock = call.clock()?;
        let (asked, names) = match told {
            Some(told) => {
                let names = told.iter().map(|milestone| milestone.name.as_str()).collect(); // few: of an argument
                (Asked::Told(told, columns_of(call, told)), names)
            }
            None => {
                let standard = Standard::new(call, clock)?;
                let is_asked = |name: &&str| *name != STANDARD[2] || standard.advanced.is_some();
                let names = STANDARD.into_iter().filter(is_asked).collect(); // few: five
                (Asked::Standard(Box::new(standard)), names)
            }
        };
        Ok(Ways {
            call,
            end: call.end(),
            asked,
            names,
            comings: Comings::new(call.column("segment"), call.column("signups")),
            segments: Table::default(),
            ways: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    /// The columns it reads.
    fn columns(&self) -> Vec<Option<usize>> {
        let mut columns = vec![self.comings.segment, self.comings.signups];
        match &self.asked {
            Asked::Told(_, told) => {
                columns.extend(told.iter().flat_map(|columns| [columns.filter, columns.from.flatten()]));
            }
            Asked::Standard(standard) => columns.extend(standard.of_sessions.into_iter().chain([standard.feature])),
        }
        columns
    }

    fn rows(mut self, call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
        let mut segments = by_name(call, self.segments, &mut self.claim)?;
        segments.retain(|(_, segment)| segment.users > 0);
        if segments.is_empty() && !call.by {
            // Without users the outcome does not count as unknown.
            let mut nobody = Segment { tells_success: true, ..Segment::default() };
            nobody.counts.resize_with(self.names.len(), Count::default);
            self.claim.push(&mut segments, (None, nobody))?;
        }
        for (name, segment) in segments {
            let Segment { users, tells_success, counts } = segment;
            for (n, (milestone, mut count)) in self.names.iter().zip(counts).enumerate() {
                let mut cells = [Cell::Null; 13];
                cells[..3].copy_from_slice(&[name.into(), Cell::Integer(n as i32 + 1), Cell::Text(milestone)]);
                let is_known = n > 0 || tells_success || matches!(self.asked, Asked::Told(..));
                // Eligible users may be few even if all users are many.
                if is_known
                    && !call.hides(users)
                    && ![count.users, count.eligible].into_iter().any(|users| call.hides(users))
                {
                    count.times.settle()?;
                    let times = Curve::new(&count.times, 0.95)?;
                    let times = Some(times).filter(|times| !call.hides(times.observed()));
                    let by = |share: f64| times.as_ref().map(|times| times.quantile("quantile", share)).transpose();
                    let [rate, low, high] = with_bounds(rate(count.reached, count.eligible));
                    cells[3..8].copy_from_slice(&[count.eligible.into(), count.reached.into(), rate, low, high]);
                    for (cell, share) in cells[8..12].iter_mut().zip([0.5, 0.25, 0.75, 0.9]) {
                        *cell = by(share)?.and_then(|time| time.seconds).into();
                    }
                    cells[12] = Some(count.dropped).filter(|_| n > 0).into();
                }
                rows.row(&mut cells)?;
            }
        }
        Ok(())
    }
}

impl Fold for Ways<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Ways { call, end, asked, names, comings, segments, ways, claim } = self;
        let signed_up = comings.signed_up(user);
        let mut count = |segment: u32, requests: &[u32], began: Micros| {
            let (_, segment) = segments.entry([0, 0, segment], claim)?;
            if segment.counts.is_empty() {
                claim.reserve(&mut segment.counts, names.len())?;
                segment.counts.resize_with(names.len(), Count::default);
            }
            if let Asked::Standard(standard) = asked {
                segment.tells_success |= standard.tells_success(user, requests);
            }
            if call.since.is_some_and(|since| began < since) {
                return Ok(());
            }
            segment.users += 1;
            ways.clear();
            match asked {
                Asked::Standard(standard) => standard.ways(user, requests, began, ways, claim)?,
                Asked::Told(told, columns) => {
                    for (milestone, columns) in told.iter().zip(columns) {
                        claim.push(ways, told_way(user, requests, began, milestone, *columns))?;
                    }
                }
            }
            let mut reached_previous = false;
            for (count, way) in segment.counts.iter_mut().zip(&*ways) {
                let is_reached = way.counts && way.reached.is_some();
                let was_before = std::mem::replace(&mut reached_previous, is_reached);
                if !way.counts {
                    continue;
                }
                count.users += 1;
                let until = way.reached.unwrap_or(way.deadline.unwrap_or(*end).min(*end));
                count.times.observe(seconds(began, until), is_reached)?;
                if way.deadline.is_none_or(|deadline| has_elapsed(deadline, 0, *end)) {
                    count.eligible += 1;
                    count.reached += u64::from(is_reached);
                    count.dropped += u64::from(was_before && !is_reached);
                }
            }
            Ok(())
        };
        let has_come = comings.each(user, |segment, requests| {
            let first = requests.first().map(|&row| user.at[row as usize]);
            first.into_iter().chain(signed_up).min().map_or(Ok(()), |began| count(segment, requests, began))
        })?;
        // A user who signed up without any request belongs to no segment.
        let waiting = signed_up.filter(|at| !has_come && !call.by && at <= end);
        waiting.map_or(Ok(()), |began| count(0, &[], began))
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let merge = |ours: &mut Segment, theirs: Segment, claim: &mut Claim| {
            ours.users += theirs.users;
            ours.tells_success |= theirs.tells_success;
            if ours.counts.is_empty() {
                claim.reserve(&mut ours.counts, theirs.counts.len())?;
                ours.counts.resize_with(theirs.counts.len(), Count::default);
            }
            for (ours, theirs) in ours.counts.iter_mut().zip(theirs.counts) {
                ours.users += theirs.users;
                ours.eligible += theirs.eligible;
                ours.reached += theirs.reached;
                ours.dropped += theirs.dropped;
                ours.times.merge(&theirs.times)?;
            }
            Ok(())
        };
        self.segments.merge(other.segments, &mut self.claim, merge).map(drop)
    }
}

/// A user's time to a custom milestone: the nth request in time order, within the time limit, end included.
fn told_way(user: &Timeline<'_>, requests: &[u32], began: Micros, milestone: &Milestone, columns: Columns) -> Way {
    let passes = |filter, row: &u32| user.flag(filter, *row as usize) == Some(true);
    // Of several first requests at one instant any may be the one a user began with.
    let first = requests.first().map(|&row| user.at[row as usize]);
    let mut firsts = requests.iter().take_while(|&&row| first == Some(user.at[row as usize]));
    let is_counted = columns.from.is_none_or(|from| firsts.any(|row| passes(from, row)));
    let counts = |row: &u32| passes(columns.filter, row);
    let row = requests.iter().copied().filter(counts).nth(milestone.count as usize - 1);
    let deadline = milestone.within_seconds.map(|seconds| began.saturating_add(seconds.saturating_mul(1_000_000)));
    let reached = row.map(|row| user.at[row as usize]);
    let reached = reached.filter(|&at| deadline.is_none_or(|deadline| at <= deadline));
    Way { counts: is_counted, reached, deadline }
}

impl<'a> Standard<'a> {
    fn new(call: &'a Call<'_>, clock: Clock<'a>) -> Result<Self> {
        let feature = call.column("feature");
        let advanced = call.texts("advanced_features").map(|features| {
            let features = features.iter().filter_map(|feature| encoding::encoded(feature).ok());
            let features = features.collect::<HashSet<_>>(); // few: of an argument
            let is_advanced = |text: &[u8]| features.contains(text);
            let dictionary = call.history.zip(feature).map(|(history, feature)| history.dictionary(feature));
            let codes = dictionary.map_or(0, |dictionary| dictionary.len()) as u32;
            let text = |code: &u32| dictionary.and_then(|dictionary| dictionary.text(*code));
            (1..=codes).filter(|code| text(code).is_some_and(is_advanced)).collect() // few: of an argument
        });
        Ok(Standard {
            limits: Limits::given(call)?,
            clock,
            of_sessions: ["session_id", "latency_ms", "succeeded"].map(|name| call.column(name)),
            feature,
            advanced,
            members: Members::default(),
            parts: Vec::new(),
            sessions: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    fn tells_success(&self, user: &Timeline<'_>, requests: &[u32]) -> bool {
        requests.iter().any(|&row| user.flag(self.of_sessions[2], row as usize).is_some())
    }

    /// A user's times to the standard milestones.
    fn ways(
        &mut self,
        user: &Timeline<'_>,
        requests: &[u32],
        began: Micros,
        ways: &mut Vec<Way>,
        claim: &mut Claim,
    ) -> Result<()> {
        let second = self.second_of_talk(user, requests)?;
        let first = |is: &dyn Fn(usize) -> bool| {
            let mut rows = requests.iter().map(|&row| row as usize);
            rows.find(|&row| is(row)).map(|row| user.at[row])
        };
        let mut any = |reached| claim.push(ways, Way { counts: true, reached, deadline: None });
        any(first(&|row| user.flag(self.of_sessions[2], row) == Some(true)))?;
        any(second)?;
        if let Some(advanced) = &self.advanced {
            let features = user.codes(self.feature);
            any(first(&|row| features.is_some_and(|features| advanced.contains(&features[row]))))?;
        }
        let first_day = self.clock.day(began)?;
        let (again, regular) = self.returns(user, requests, first_day)?;
        for (reached, by) in [(again, AGAIN_BY), (regular, REGULAR_BY)] {
            let deadline = Some(self.clock.midnight(first_day.saturating_add(by))?.saturating_sub(1));
            claim.push(ways, Way { counts: true, reached, deadline })?;
        }
        Ok(())
    }

    /// The first request on one of the days 1 to 7 after the first, and the first request of the third active day within the
    /// first 14.
    fn returns(
        &mut self,
        user: &Timeline<'_>,
        requests: &[u32],
        first_day: i32,
    ) -> Result<(Option<Micros>, Option<Micros>)> {
        let (mut again, mut days) = (None, [None; REGULAR_BY as usize]);
        for &row in requests {
            let at = user.at[row as usize];
            let day = self.clock.day(at)?.saturating_sub(first_day);
            if (1..AGAIN_BY).contains(&day) {
                again = again.or(Some(at));
            }
            if let Some(first) = usize::try_from(day).ok().and_then(|day| days.get_mut(day)) {
                *first = first.or(Some(at));
            }
            if day > LONG_AFTER {
                break;
            }
        }
        Ok((again, days.into_iter().flatten().nth(REGULAR - 1)))
    }

    /// The second request of the first session with two or more.
    fn second_of_talk(&mut self, user: &Timeline<'_>, requests: &[u32]) -> Result<Option<Micros>> {
        let Standard { limits, of_sessions, members, parts, sessions, claim, .. } = self;
        let (request, keys) = (request(user, *of_sessions), user.sessions(of_sessions[0]));
        of_requests(requests.iter().map(|&row| request(row as usize)), *limits, parts, sessions, claim)?;
        let Some(talk) = sessions.iter().find(|session| session.requests > 1) else { return Ok(None) };
        members.of(talk, sessions)?;
        let from = requests.partition_point(|&row| user.at[row as usize] < talk.start);
        let key = |row: usize| keys.map_or(SessionKey::NONE, |keys| SessionKey::of_hash(keys[row]));
        let mut rows = requests[from..].iter().map(|&row| row as usize);
        Ok(rows.by_ref().filter(|&row| members.has(user.at[row], key(row))).nth(1).map(|row| user.at[row]))
    }
}
