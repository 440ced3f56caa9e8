//! `feature_adoption`: adoption funnel of each feature. Definition D48.

use super::{MIN_DAYS, Terms, WITHIN_DAYS, whole};
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::{
    Argument, BY_VALUE_FIRST, Call, Clock, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows, Type, column,
    column_about, with_bounds,
};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Places, Table, Timeline};
use crate::segments::ceil_of_share;
use crate::stats::interval::rate_with_bounds;
use std::cmp::Reverse;

const REACH: &[&str] = &["users", "aware_users", "tried_users"];
const TRIED: &[&str] = &["aware_users", "tried_users"];
const ELIGIBLE: &[&str] = &["aware_users", "tried_users", "eligible_users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "feature_adoption",
    path: "journey::adoption::feature_adoption",
    example: "",
    summary: "feature adoption funnel: users who are aware of each feature (if the log records exposure), try it, \
              adopt it by use on several days, and become power users of it; adoption is a share of eligible users, \
              whose time for it has elapsed",
    arguments: &[
        Argument {
            name: "exposed",
            kind: Type::Json,
            role: Role::Condition,
            default: NO_DEFAULT,
            about: "rows that record the exposure of a user to the feature, in the form of filter; they do not count \
                    as use",
        },
        MIN_DAYS,
        WITHIN_DAYS,
        Argument {
            name: "power_share",
            kind: Type::Double,
            role: Role::Value,
            default: "0.10",
            about: "share of the users who tried the feature who are power users of it, from 0 to 1, rounded up to \
                    whole users",
        },
        Argument {
            name: "min_users",
            kind: Type::Integer,
            role: Role::Value,
            default: "10",
            about: "fewest users who must have tried the feature for it to have power users, 1 or more",
        },
        BY_VALUE_FIRST,
    ],
    columns: &[
        column("feature", Type::Text, "the feature"),
        column_about(&["users"], "users", Type::Bigint, "users with a request at or after since"),
        column_about(
            TRIED,
            "aware_users",
            Type::Bigint,
            "users who were shown the feature or used it; NULL without exposed",
        ),
        column_about(TRIED, "tried_users", Type::Bigint, "users whose first use of the feature was at or after since"),
        column_about(REACH, "reach", Type::Double, "tried_users / users"),
        column_about(TRIED, "tried_rate", Type::Double, "tried_users / aware_users; NULL without exposed"),
        column_about(ELIGIBLE, "eligible_users", Type::Bigint, "users who tried it at least within_days days ago"),
        column_about(ELIGIBLE, "open_users", Type::Bigint, "users who tried it later, whose adoption is not known yet"),
        column_about(
            ELIGIBLE,
            "adopted_users",
            Type::Bigint,
            "eligible users who used it on min_days days of the first within_days",
        ),
        column_about(ELIGIBLE, "adoption_rate", Type::Double, "adopted_users / eligible_users"),
        column_about(ELIGIBLE, "rate_low", Type::Double, "its lower 95 % bound (Wilson)"),
        column_about(ELIGIBLE, "rate_high", Type::Double, "its upper 95 % bound"),
        column_about(
            ELIGIBLE,
            "power_users",
            Type::Bigint,
            "adopted users in the power_share with the most requests, among users who tried the feature",
        ),
        column_about(ELIGIBLE, "power_rate", Type::Double, "power_users / adopted_users"),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &["feature"], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 100,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let terms = Terms::of(call)?;
    let min_users = whole(call, "min_users", 1, i32::MAX)?;
    terms.check(call)?;
    let power_share = match call.double("power_share") {
        Some(share) if (0.0..=1.0).contains(&share) => share,
        given => {
            let given = given.map_or("NULL".to_owned(), |given| given.to_string());
            return call.refuse("power_share", given, "a number from 0 to 1");
        }
    };
    let columns = ["segment", "feature", "exposed"].map(|name| call.column(name));
    let mut adoption = call.fold(&columns, || Adoption::new(call, terms, columns))?;
    adoption.count_power(power_share, min_users.unsigned_abs().into())?;
    adoption.rows(call, rows)
}

/// The counts of a feature in a segment.
#[derive(Debug, Default)]
struct Feature {
    aware: u64,
    tried: u64,
    eligible: u64,
    adopted: u64,
    power: u64,
}

/// Users of a feature with the same number of requests.
#[derive(Debug, Default)]
struct Alike {
    users: u64,
    /// Those who adopted it, among users whose period has elapsed.
    adopted: u64,
}

/// One user's use of a feature.
#[derive(Debug)]
struct Own {
    feature: u32,
    requests: u32,
    /// The first use.
    first: Option<Micros>,
    /// The last use or exposure.
    last: Micros,
    /// The day of the previous use.
    day: Option<Day>,
}

/// The fold.
struct Adoption<'a> {
    clock: Clock<'a>,
    terms: Terms,
    since: Option<Micros>,
    /// The day on which observation ends.
    end: Day,
    segment: Option<usize>,
    feature: Option<usize>,
    exposed: Option<usize>,
    /// Users by segment.
    users: Table<u64>,
    features: Table<Feature>,
    /// By segment, feature and number of requests.
    alike: Table<Alike>,
    own: Vec<Own>,
    places: Places,
    /// Days of use with the index of the feature.
    days: Vec<(usize, Day)>,
    by_segment: BySegment,
    claim: Claim,
}

impl<'a> Adoption<'a> {
    fn new(call: &'a Call<'_>, terms: Terms, [segment, feature, exposed]: [Option<usize>; 3]) -> Result<Self> {
        let mut clock = call.clock()?;
        Ok(Adoption {
            end: clock.day(call.end())?,
            clock,
            terms,
            since: call.since,
            segment,
            feature,
            exposed,
            users: Table::default(),
            features: Table::default(),
            alike: Table::default(),
            own: Vec::new(),
            places: Places::default(),
            days: Vec::new(),
            by_segment: BySegment::default(),
            claim: Claim::temporary(),
        })
    }

    /// Counts adopted users among the top share of the feature's users by requests. Users with the lowest usage are never
    /// counted.
    fn count_power(&mut self, share: f64, min_users: u64) -> Result<()> {
        let Adoption { features, alike, claim, .. } = self;
        let mut ranked = claim.collected(alike.iter().map(|(codes, _, alike)| (codes, alike)))?;
        memory::poll();
        ranked.sort_unstable_by_key(|([segment, feature, requests], _)| (*segment, *feature, Reverse(*requests)));
        for of_feature in ranked.chunk_by(|(a, _), (b, _)| a[..2] == b[..2]) {
            let users = of_feature.iter().map(|(_, alike)| alike.users).sum::<u64>();
            let places = ceil_of_share(share, users);
            // The last ones have the lowest usage.
            let Some((([segment, code, _], _), others)) = of_feature.split_last() else { continue };
            let (mut above, mut power) = (0, 0);
            for (_, alike) in others.iter().filter(|_| users >= min_users) {
                if above < places {
                    power += alike.adopted;
                }
                above += alike.users;
            }
            features.entry([0, *segment, *code], claim)?.1.power = power;
        }
        Ok(())
    }

    fn rows(mut self, call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
        let asks_exposure = call.json("exposed").is_some();
        let mut features = named(call, [None, self.segment, self.feature], &self.features, &mut self.claim)?;
        // Hidden rows come after shown ones, so that their position reveals nothing.
        let shown = |of: &Feature| Some(of.tried).filter(|_| !call.hides(of.aware) && !call.hides(of.tried));
        features.sort_by_key(|feature| {
            let ([_, segment, name], tried) = (feature.texts, shown(feature.value));
            (text_order(segment), tried.is_none(), Reverse(tried), name)
        });
        for feature in features {
            let of = feature.value;
            let users = self.users.find([0, 0, feature.codes[1]]).copied().unwrap_or_default();
            let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
            let [rate, low, high] = with_bounds(rate_with_bounds(of.adopted, of.eligible));
            rows.row(&mut [
                feature.texts[1].into(),
                feature.texts[2].into(),
                users.into(),
                asks_exposure.then_some(of.aware).into(),
                of.tried.into(),
                share(of.tried, users).into(),
                share(of.tried, of.aware).filter(|_| asks_exposure).into(),
                of.eligible.into(),
                (of.tried - of.eligible).into(),
                of.adopted.into(),
                rate,
                low,
                high,
                of.power.into(),
                share(of.power, of.adopted).into(),
            ])?;
        }
        Ok(())
    }
}

impl Fold for Adoption<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Adoption { clock, terms, since, end, segment, feature, exposed, .. } = self;
        let Adoption { users, features, alike, own, places, days, by_segment, claim, .. } = self;
        let Some(codes) = user.codes(*feature) else { return Ok(()) };
        let is_asked = |at: Micros| since.is_none_or(|since| at >= since);
        by_segment.each(user, *segment, |segment, requests| {
            if requests.last().is_some_and(|&request| is_asked(user.at[request as usize])) {
                *users.entry([0, 0, segment], claim)?.1 += 1;
            }
            own.clear();
            places.clear();
            days.clear();
            for &request in requests.iter().filter(|&&request| codes[request as usize] != 0) {
                let (feature, at) = (codes[request as usize], user.at[request as usize]);
                let (place, is_new) = places.place(feature, claim)?;
                if is_new {
                    claim.push(own, Own { feature, requests: 0, first: None, last: at, day: None })?;
                }
                let own = &mut own[place];
                own.last = at;
                // Rows that only show the feature are no use of it.
                if user.flag(*exposed, request as usize) == Some(true) {
                    continue;
                }
                own.requests += 1;
                own.first.get_or_insert(at);
                let day = clock.day(at)?;
                if own.day != Some(day) {
                    own.day = Some(day);
                    claim.push(days, (place, day))?;
                }
            }
            // If a clock is set back over midnight, a day recurs.
            days.sort_unstable();
            days.dedup();
            let mut rest = &days[..];
            for (place, own) in own.iter().enumerate() {
                let days;
                (days, rest) = rest.split_at(rest.partition_point(|(of, _)| *of == place));
                // Users whose first use or last exposure lies before `since` are left out.
                if !is_asked(own.first.unwrap_or(own.last)) {
                    continue;
                }
                let (_, of) = features.entry([0, segment, own.feature], claim)?;
                of.aware += 1;
                let Some(&(_, first_day)) = days.first() else { continue };
                let is_eligible = terms.has_elapsed(first_day, *end);
                let is_adopted = is_eligible && terms.is_adopted(days.iter().map(|(_, day)| *day));
                of.tried += 1;
                of.eligible += u64::from(is_eligible);
                of.adopted += u64::from(is_adopted);
                let (_, alike) = alike.entry([segment, own.feature, own.requests], claim)?;
                alike.users += 1;
                alike.adopted += u64::from(is_adopted);
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let claim = &mut self.claim;
        self.users.merge(other.users, claim, |ours, theirs, _| {
            *ours += theirs;
            Ok(())
        })?;
        self.features.merge(other.features, claim, |ours, theirs, _| {
            ours.aware += theirs.aware;
            ours.tried += theirs.tried;
            ours.eligible += theirs.eligible;
            ours.adopted += theirs.adopted;
            Ok(())
        })?;
        let merged = self.alike.merge(other.alike, claim, |ours, theirs, _| {
            (ours.users, ours.adopted) = (ours.users + theirs.users, ours.adopted + theirs.adopted);
            Ok(())
        });
        merged.map(drop)
    }
}
