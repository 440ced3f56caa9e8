//! The input of stages: active days of each user, and the days of activation and upgrade.

use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Clock};
use crate::history::{Fold, Id, Ids, Timeline};

/// The life of a user.
#[derive(Debug)]
pub(super) struct Life {
    id: Id,
    pub(super) first_at: Micros,
    pub(super) last_at: Micros,
    /// The range of the user's days in `days`.
    days: (usize, usize),
    /// The first day by which there was a success, and three active days or two features.
    pub(super) activated_on: Option<Day>,
    /// The range of the user's days in `tiers`.
    tiers: (usize, usize),
}

/// The fold.
pub(super) struct Lives<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    feature: Option<usize>,
    succeeded: Option<usize>,
    tier: Option<usize>,
    /// The rank among the tiers, from 1, by the code of the text; 0 for other texts.
    ranks: Vec<u32>,
    pub(super) lives: Vec<Life>,
    /// Local days with their numbers of requests, user by user, ascending.
    days: Vec<(Day, u32)>,
    /// Days on which the tier logged last rose above the first one and days on which it ceased to be, in turn, user by user.
    tiers: Vec<Day>,
    ids: Ids,
    own: OwnDays,
    claim: Claim,
}

impl<'a> Lives<'a> {
    fn new(call: &'a Call<'_>) -> Result<Self> {
        let (tier, mut claim) = (call.column("tier_property"), Claim::temporary());
        let ranks = match call.texts_and_nulls("tiers") {
            Some(tiers) => ranks(call, tier, tiers, &mut claim)?,
            None => Vec::new(),
        };
        Ok(Lives {
            call,
            clock: call.clock()?,
            feature: call.column("feature"),
            succeeded: call.column("succeeded"),
            tier,
            ranks,
            lives: Vec::new(),
            days: Vec::new(),
            tiers: Vec::new(),
            ids: Ids::default(),
            own: OwnDays::default(),
            claim,
        })
    }

    /// All users except excluded ones.
    pub(super) fn of(call: &'a Call<'_>) -> Result<Self> {
        let columns = ["feature", "succeeded", "tier_property"].map(|name| call.column(name));
        call.fold(&columns, || Lives::new(call))
    }

    /// The id of a user as shown in rows.
    pub(super) fn id<'l>(&'l self, life: &'l Life) -> std::borrow::Cow<'l, [u8]> {
        self.call.shown(&self.ids, &life.id)
    }

    /// The active days of a user, ascending, with their requests.
    pub(super) fn days(&self, life: &Life) -> &[(Day, u32)] {
        self.days.get(life.days.0..life.days.1).unwrap_or_default()
    }

    /// The first and the last day of a user.
    pub(super) fn first_and_last(&self, life: &Life) -> Option<(Day, Day)> {
        let days = self.days(life);
        Some((days.first()?.0, days.last()?.0))
    }

    /// The first and the last day of any user.
    pub(super) fn bounds(&self) -> Option<(Day, Day)> {
        let bounds = self.lives.iter().filter_map(|life| self.first_and_last(life));
        bounds.reduce(|(first, last), (day, until)| (first.min(day), last.max(until)))
    }

    /// Whether a user began at `since` or later.
    pub(super) fn is_shown(&self, life: &Life) -> bool {
        self.call.since.is_none_or(|since| life.first_at >= since)
    }

    /// The day from which a user has had a tier above the first one, at the end of a day.
    pub(super) fn upgraded_on(&self, life: &Life, end: Day) -> Option<Day> {
        let turns = self.tiers.get(life.tiers.0..life.tiers.1).unwrap_or_default();
        let passed = turns.partition_point(|&day| day <= end);
        (passed % 2 == 1).then(|| turns[passed - 1])
    }

    /// Adds the days on which a user's tier rises above the first one or ceases to be above it. Of several tiers at one
    /// instant, the highest counts as the first and the lowest as the last, so that their order makes no upgrade.
    fn read_tiers(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Lives { ranks, tier, tiers, own, claim, .. } = self;
        let Some(codes) = user.codes(*tier) else { return Ok(()) };
        let rank = |request: u32| ranks.get(codes[request as usize] as usize).copied().filter(|rank| *rank > 0);
        let at = |request: u32| user.at[request as usize];
        let told = (0..user.at.len() as u32).filter_map(|request| Some((at(request), rank(request)?)));
        let Some(began) = told.clone().next().map(|(at, _)| at) else { return Ok(()) };
        let first = told.take_while(|(at, _)| *at == began).map(|(_, rank)| rank).max();
        let mut is_above = false;
        for (day, requests) in own.each() {
            let told = || requests.iter().filter_map(|&(_, request)| Some((at(request), rank(request)?)));
            let Some(latest) = told().map(|(at, _)| at).max() else { continue };
            let last = told().filter(|(at, _)| *at == latest).map(|(_, rank)| rank).min();
            if (last > first) != is_above {
                is_above = !is_above;
                claim.push(tiers, day)?;
            }
        }
        Ok(())
    }
}

/// The rank among the tiers, from 1, of every text of a column; the first one if a tier is repeated. A tier may be NULL.
fn ranks(call: &Call<'_>, tier: Option<usize>, tiers: &[Option<String>], claim: &mut Claim) -> Result<Vec<u32>> {
    let texts = tier.zip(call.history).map_or(0, |(tier, history)| history.dictionary(tier).len());
    let place = |code: u32| {
        let text = call.text_of(tier, code);
        tiers.iter().position(|tier| tier.as_deref().map(str::as_bytes) == text).map_or(0, |place| place as u32 + 1)
    };
    let mut ranks = Vec::new();
    claim.reserve(&mut ranks, texts + 1)?;
    ranks.extend((0..=texts as u32).map(place));
    Ok(ranks)
}

impl Fold for Lives<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let (Some(&first_at), Some(&last_at)) = (user.at.first(), user.at.last()) else { return Ok(()) };
        self.own.read(user, &mut self.clock, &mut self.claim)?;
        let (activated_on, tiers_from) = (self.own.activated_on(user, self.feature, self.succeeded), self.tiers.len());
        self.read_tiers(user)?;
        let Lives { lives, days, tiers, ids, own, claim, .. } = self;
        let begin = days.len();
        for (day, requests) in own.each() {
            claim.push(days, (day, requests.len() as u32))?;
        }
        let life = Life {
            id: ids.keep(user, claim)?,
            first_at,
            last_at,
            days: (begin, days.len()),
            activated_on,
            tiers: (tiers_from, tiers.len()),
        };
        claim.push(lives, life)
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let Lives { lives, days, tiers, ids, claim, .. } = self;
        let (days_from, tiers_from, ours) = (days.len(), tiers.len(), ids.merge(other.ids, claim)?);
        claim.reserve_doubling(tiers, other.tiers.len())?;
        tiers.extend_from_slice(&other.tiers);
        claim.reserve_doubling(days, other.days.len())?;
        days.extend_from_slice(&other.days);
        for life in other.lives {
            let days = (days_from + life.days.0, days_from + life.days.1);
            let tiers = (tiers_from + life.tiers.0, tiers_from + life.tiers.1);
            claim.push(lives, Life { id: ours(life.id), days, tiers, ..life })?;
        }
        Ok(())
    }
}

/// One user's requests by local day.
#[derive(Debug, Default)]
pub(super) struct OwnDays {
    /// Days and the numbers of requests, ascending.
    requests: Vec<(Day, u32)>,
}

impl OwnDays {
    /// Reads another user.
    pub(super) fn read(&mut self, user: &Timeline<'_>, clock: &mut Clock<'_>, claim: &mut Claim) -> Result<()> {
        self.requests.clear();
        claim.reserve(&mut self.requests, user.at.len())?;
        for (request, &at) in user.at.iter().enumerate() {
            self.requests.push((clock.day(at)?, request as u32));
        }
        // If a clock is set back over midnight, a day recurs.
        if !self.requests.is_sorted() {
            self.requests.sort_unstable();
        }
        Ok(())
    }

    /// The days, ascending, each with its requests.
    pub(super) fn each(&self) -> impl Iterator<Item = (Day, &[(Day, u32)])> {
        let days = self.requests.chunk_by(|a, b| a.0 == b.0);
        days.filter_map(|requests| Some((requests.first()?.0, requests)))
    }

    /// The first day by which there was a success, and three active days or two features. If the outcome of all requests is
    /// unknown, three days or two features are enough.
    pub(super) fn activated_on(
        &self,
        user: &Timeline<'_>,
        feature: Option<usize>,
        succeeded: Option<usize>,
    ) -> Option<Day> {
        let features = user.codes(feature);
        let mut has_succeeded = !(0..user.at.len()).any(|request| user.flag(succeeded, request).is_some());
        let (mut first_feature, mut has_two) = (0, false);
        let reached = self.each().zip(1u32..).find(|((_, requests), active_days)| {
            for &(_, request) in *requests {
                has_succeeded = has_succeeded || user.flag(succeeded, request as usize) == Some(true);
                match features.map_or(0, |features| features[request as usize]) {
                    0 => {}
                    feature if first_feature == 0 => first_feature = feature,
                    feature => has_two = has_two || feature != first_feature,
                }
            }
            has_succeeded && (*active_days >= 3 || has_two)
        });
        reached.map(|((day, _), _)| day)
    }
}
