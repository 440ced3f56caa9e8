//! Weekly usage in two panels: all users whose week has elapsed, and the same users throughout. Definition D52.

use super::Terms;
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Clock};
use crate::history::{BySegment, Fold, Table, Timeline};
use crate::sessions::{self, Session};
use crate::stats::sum::Sum;
use std::cmp::Reverse;

/// The days of a week.
const WEEK: Day = 7;

/// The sums over a panel's users for a week.
#[derive(Debug, Default)]
struct Week {
    users: u64,
    active: u64,
    requests: u64,
    /// The total active time of sessions in microseconds, and their number.
    duration: i128,
    sessions: u64,
    /// The number of features used, summed over active users.
    features: u64,
    ratings: Sum,
}

/// One user's usage in a week.
#[derive(Clone, Debug, Default)]
struct Own {
    requests: u64,
    duration: i128,
    sessions: u64,
    features: u64,
}

/// A week of a panel as shown in a row.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) users: u64,
    pub(super) active_users: u64,
    pub(super) requests_per_day: Option<f64>,
    pub(super) requests_per_active_user_day: Option<f64>,
    pub(super) avg_session_seconds: Option<f64>,
    pub(super) features_used: Option<f64>,
    pub(super) satisfaction_score: Option<f64>,
}

/// The fold.
pub(super) struct Panels<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    terms: &'a Terms,
    /// The end of observation, and its day.
    end: (Micros, Day),
    pub(super) segment: Option<usize>,
    session: Option<usize>,
    latency: Option<usize>,
    succeeded: Option<usize>,
    feature: Option<usize>,
    rating: Option<usize>,
    /// Users whose first day is in range, by segment.
    pub(super) segments: Table<u64>,
    /// By the indexes of panel and week, and the segment.
    weeks: Table<Week>,
    /// Users of a feature, by the indexes of panel and week; counted if asked for, over all segments.
    names: Option<Table<u64>>,
    /// Whether any request names a feature.
    tells_features: bool,
    /// The smallest rating outside the scale.
    misfit: Option<f64>,
    days: Vec<Day>,
    own: Vec<Own>,
    /// Features with the index of the week.
    features: Vec<(usize, u32)>,
    ratings: Vec<(usize, f64)>,
    parts: Vec<Session>,
    sessions: Vec<Session>,
    by_segment: BySegment,
    pub(super) claim: Claim,
}

/// The columns that it reads.
const COLUMNS: [&str; 6] = ["segment", "session_id", "latency_ms", "succeeded", "feature", "rating"];

impl<'a> Panels<'a> {
    fn new(call: &'a Call<'_>, terms: &'a Terms, columns: [Option<usize>; 6]) -> Result<Self> {
        let [segment, session, latency, succeeded, feature, rating] = columns;
        let (mut clock, end) = (call.clock()?, call.end());
        Ok(Panels {
            end: (end, clock.day(end)?),
            call,
            clock,
            terms,
            segment,
            session,
            latency,
            succeeded,
            feature,
            rating,
            segments: Table::default(),
            weeks: Table::default(),
            names: None,
            tells_features: false,
            misfit: None,
            days: Vec::new(),
            own: Vec::new(),
            features: Vec::new(),
            ratings: Vec::new(),
            parts: Vec::new(),
            sessions: Vec::new(),
            by_segment: BySegment::default(),
            claim: Claim::temporary(),
        })
    }

    /// All users except excluded ones, or an error for a rating outside the scale; with the users of each feature, if asked
    /// for.
    pub(super) fn of(call: &'a Call<'_>, terms: &'a Terms, names: bool) -> Result<Self> {
        let columns = COLUMNS.map(|name| call.column(name));
        let make = || Ok(Panels { names: names.then(Table::default), ..Panels::new(call, terms, columns)? });
        let panels = call.fold(&columns, make)?;
        if let Some((scale, misfit)) = terms.scale.zip(panels.misfit) {
            scale.score(misfit)?;
        }
        Ok(panels)
    }

    /// The metrics of a panel and a week, each by index, and a segment.
    pub(super) fn figures(&self, panel: u32, week: usize, segment: u32) -> Result<Figures> {
        let none = Week::default();
        let of = self.weeks.find([panel, week as u32, segment]).unwrap_or(&none);
        let share = |part: f64, whole: u64| (whole > 0).then(|| part / whole as f64);
        let per_day = |users: u64| share(of.requests as f64, WEEK as u64 * users);
        let score = self.terms.scale.zip(of.ratings.mean()).map(|(scale, mean)| scale.score_of_mean(mean));
        Ok(Figures {
            users: of.users,
            active_users: of.active,
            requests_per_day: per_day(of.users),
            requests_per_active_user_day: per_day(of.active),
            avg_session_seconds: share(of.duration as f64 / 1e6, of.sessions),
            features_used: share(of.features as f64, of.active).filter(|_| self.tells_features),
            satisfaction_score: score.transpose()?,
        })
    }

    /// The features used in a panel and a week, each by index: those of most users first, then by name. `None` if no request
    /// names one.
    pub(super) fn features(&self, panel: u32, week: usize) -> Result<Option<Vec<&[u8]>>> {
        let Some(names) = self.names.as_ref().filter(|_| self.tells_features) else { return Ok(None) };
        let (mut claim, mut found) = (Claim::temporary(), Vec::new());
        let of_week = |codes: &[u32; 3]| codes[0] == panel && codes[1] == week as u32;
        for (codes, _, &users) in names.iter().filter(|(codes, ..)| of_week(codes)) {
            if let Some(name) = self.call.text_of(self.feature, codes[2]).filter(|_| !self.call.hides(users)) {
                claim.push(&mut found, (Reverse(users), name))?;
            }
        }
        found.sort_unstable();
        Ok(Some(claim.collected(found.iter().map(|(_, name)| *name))?))
    }

    /// Reads what concerns all users, whenever they began.
    fn look(&mut self, user: &Timeline<'_>) {
        self.tells_features |= user.codes(self.feature).is_some_and(|codes| codes.iter().any(|code| *code != 0));
        if let Some((scale, ratings)) = self.terms.scale.zip(user.numbers(self.rating)) {
            let misfits = ratings.iter().copied().filter(|rating| !rating.is_nan() && !scale.holds(*rating));
            self.misfit = misfits.chain(self.misfit).reduce(f64::min);
        }
    }
}

impl Fold for Panels<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        self.look(user);
        let Panels { call, clock, terms, end, segment, session, latency, succeeded, feature, rating, .. } = self;
        let Panels { segments, weeks, names, days, own, features, ratings, parts, sessions, by_segment, claim, .. } =
            self;
        let (codes, rated) = (user.codes(*feature), user.numbers(*rating));
        by_segment.each(user, *segment, |segment, requests| {
            let began = requests.first().map(|&request| user.at[request as usize]);
            if call.since.is_some_and(|since| began < Some(since)) {
                return Ok(());
            }
            days.clear();
            claim.reserve(days, requests.len())?;
            for &request in requests {
                days.push(clock.day(user.at[request as usize])?);
            }
            // If a clock is set back over midnight, the first day is not that of the first request.
            let Some(&first_day) = days.iter().min() else { return Ok(()) };
            *segments.entry([0, 0, segment], claim)?.1 += 1;
            let elapsed = terms.weeks.partition_point(|week| first_day.saturating_add(WEEK * *week) <= end.1);
            if elapsed == 0 {
                return Ok(());
            }
            let asked = &terms.weeks[..elapsed];
            let number = |day: Day| asked.binary_search(&((day - first_day) / WEEK + 1)).ok();
            own.clear();
            claim.extend_to(own, elapsed)?;
            features.clear();
            ratings.clear();
            for (&request, &day) in requests.iter().zip(&*days) {
                let (request, Some(week)) = (request as usize, number(day)) else { continue };
                own[week].requests += 1;
                let feature = codes.map_or(0, |codes| codes[request]);
                if feature != 0 && features.last() != Some(&(week, feature)) {
                    claim.push(features, (week, feature))?;
                }
                let rating = rated.map(|rated| rated[request]).zip(terms.scale);
                if let Some((rating, _)) = rating.filter(|(rating, scale)| scale.holds(*rating)) {
                    claim.push(ratings, (week, rating))?;
                }
            }
            features.sort_unstable();
            features.dedup();
            features.iter().for_each(|(week, _)| own[*week].features += 1);
            let of_segment = sessions::requests_among(user, requests, *session, *latency, *succeeded);
            sessions::of_requests(of_segment, terms.limits, parts, sessions, claim)?;
            for session in sessions.iter().filter(|session| !session.is_open(terms.limits, end.0)) {
                if let Some(week) = number(clock.day(session.start)?) {
                    own[week].duration += i128::from(session.active());
                    own[week].sessions += 1;
                }
            }
            let is_throughout = elapsed == terms.weeks.len();
            for panel in 0..if is_throughout { 2 } else { 1 } {
                for (week, own) in (0..).zip(&*own) {
                    let (_, of) = weeks.entry([panel, week, segment], claim)?;
                    of.users += 1;
                    of.active += u64::from(own.requests > 0);
                    of.requests += own.requests;
                    of.duration += own.duration;
                    of.sessions += own.sessions;
                    of.features += own.features;
                }
                if let Some(names) = names {
                    for &(week, feature) in &*features {
                        *names.entry([panel, week as u32, feature], claim)?.1 += 1;
                    }
                }
                for &(week, rating) in &*ratings {
                    weeks.entry([panel, week as u32, segment], claim)?.1.ratings.add(rating, claim)?;
                }
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.tells_features |= other.tells_features;
        self.misfit = self.misfit.into_iter().chain(other.misfit).reduce(f64::min);
        self.segments.merge(other.segments, &mut self.claim, |ours, theirs, _| {
            *ours += theirs;
            Ok(())
        })?;
        if let (Some(ours), Some(theirs)) = (&mut self.names, other.names) {
            ours.merge(theirs, &mut self.claim, |ours, theirs, _| {
                *ours += theirs;
                Ok(())
            })?;
        }
        let merged = self.weeks.merge(other.weeks, &mut self.claim, |ours, theirs, claim| {
            ours.users += theirs.users;
            ours.active += theirs.active;
            ours.requests += theirs.requests;
            ours.duration += theirs.duration;
            ours.sessions += theirs.sessions;
            ours.features += theirs.features;
            ours.ratings.merge(theirs.ratings, claim)
        });
        merged.map(drop)
    }
}
