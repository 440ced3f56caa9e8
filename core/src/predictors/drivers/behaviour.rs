//! Behaviour of users on the observed days, and the outcome by behaviour.

use super::own_days::OwnDays;
use super::{Counted, Driver, FEATURE, MOST_OWN, Question, STANDARD, behaviours, compare, volume_stratum};
use crate::base::calendar::{Micros, Window};
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::function::{Argument, Call, Cell, Column, NO_DEFAULT, Role, Rows, Type, column, column_about, with_bounds};
use crate::function::{Named, named, text_order};
use crate::history::{BySegment, Fold, History, Places, Table, Timeline};

/// The argument with the caller's own behaviours.
pub(super) const BEHAVIOURS: Argument = Argument {
    name: "behaviours",
    kind: Type::Json,
    role: Role::Conditions(|given| Ok(behaviours(given)?.into_iter().map(|(_, filter)| filter).collect())), // few: of an argument
    default: NO_DEFAULT,
    about: "custom behaviours: a list of objects with a name and a filter, at most 30",
};

/// The argument for the fewest users of a comparison.
pub(super) const MIN_USERS: Argument = Argument {
    name: "min_users",
    kind: Type::Integer,
    role: Role::Value,
    default: "30",
    about: "fewest users with a behaviour, and fewest without it, for it to be listed, 1 or more",
};

/// The argument with the properties for which the differences are adjusted.
pub(super) const ADJUST: Argument = Argument {
    name: "adjust",
    kind: Type::Texts,
    role: Role::Columns,
    default: NO_DEFAULT,
    about: "columns or properties, at most 8: adjusted differences compare users who also began the observed days with \
            the same values",
};

/// The most properties to adjust for.
const MOST_ADJUSTED: usize = 8;

const ABOUT: &[&str] = &["users_with", "users_without"];

/// The columns: the first names the behaviour, the others are the rates of users with it and without it.
pub(super) const fn columns(did: Column, with: [&'static str; 2], without: [&'static str; 2]) -> [Column; 19] {
    [
        did,
        column_about(ABOUT, "users_with", Type::Bigint, "users with the behaviour"),
        column_about(ABOUT, "users_without", Type::Bigint, "users without the behaviour"),
        column_about(ABOUT, with[0], Type::Double, with[1]),
        column_about(ABOUT, without[0], Type::Double, without[1]),
        column_about(ABOUT, "difference", Type::Double, "difference of the two rates, first minus second"),
        column_about(ABOUT, "difference_low", Type::Double, "its lower 95 % bound (Newcombe)"),
        column_about(ABOUT, "difference_high", Type::Double, "its upper 95 % bound (Newcombe)"),
        column_about(
            ABOUT,
            "ratio",
            Type::Double,
            "ratio of the two rates, first over second; NULL if the second is 0",
        ),
        column_about(ABOUT, "ratio_low", Type::Double, "its lower 95 % bound (Katz)"),
        column_about(ABOUT, "ratio_high", Type::Double, "its upper 95 % bound (Katz)"),
        column_about(ABOUT, "phi", Type::Double, "correlation of behaviour and outcome, -1 to 1"),
        column_about(
            ABOUT,
            "p_value",
            Type::Double,
            "probability of a difference at least as large if there were none: Pearson's test, or Fisher's if fewer \
             than 5 users are expected in a cell",
        ),
        column_about(ABOUT, "q_value", Type::Double, "p_value adjusted for all comparisons of the segment"),
        column_about(
            ABOUT,
            "adjusted_difference",
            Type::Double,
            "difference adjusted for usage volume, among users with a similar number of requests and the same values of \
             adjust (Mantel and Haenszel)",
        ),
        column_about(ABOUT, "adjusted_low", Type::Double, "its lower 95 % bound (Sato)"),
        column_about(ABOUT, "adjusted_high", Type::Double, "its upper 95 % bound (Sato)"),
        column_about(
            ABOUT,
            "evidence",
            Type::Text,
            "strength of evidence: clear (unlikely to be chance, also adjusted for usage volume), volume (unlikely to \
             be chance, but usage volume may explain it) or unclear (may be chance)",
        ),
        column("note", Type::Text, "association: it is not known which is the cause"),
    ]
}

/// Compares users with and without each behaviour, and returns a row for each. The definition is applied to the observed
/// days.
pub(super) fn compared(
    call: &Call<'_>,
    rows: &mut dyn Rows,
    question: impl Fn(&Window) -> Result<Question>,
) -> Result<()> {
    let min_users = call.integer("min_users").unwrap_or(30);
    let least = u64::try_from(min_users).ok().filter(|&least| least > 0).ok_or_else(|| {
        let accepted = "a number of 1 or more".to_owned();
        Error::Argument { name: "min_users", given: min_users.to_string(), accepted }
    })?;
    if let Some(names) = call.texts("adjust")
        && (names.len() > MOST_ADJUSTED || names.iter().any(String::is_empty))
    {
        return call.refuse("adjust", names.join(","), "a list of at most 8 columns or properties");
    }
    let own = call.json("behaviours").map(behaviours).transpose()?.unwrap_or_default();
    call.clock()?;
    let window = call.window(call.zone(), call.history.and_then(History::last_at))?;
    let question = question(&window)?;
    // few: behaviours of an argument
    let own = own.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let make = || Behaviour::new(call, question, window, own.len());
    let columns = make()?.columns();
    call.fold(&columns, make)?.rows(call, &own, least, rows)
}

/// The behaviour of one user on the observed days.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    requests: u64,
    /// Requests in the second half of the days.
    late: u64,
    /// The first success.
    succeeded_at: Option<Micros>,
    /// The first failure.
    failed_at: Option<Micros>,
    /// The caller's own behaviours, as bits.
    own: u32,
    rated: bool,
    /// The code of a model used.
    model: u32,
    several_models: bool,
    long_session: bool,
    /// The first value of `adjust`, as its instant and code.
    began: Option<(Micros, u32)>,
}

/// The largest code of `adjust` that can be told apart: beyond it, users are in one stratum.
const MOST_CODES: u32 = u32::MAX >> 6;

/// A stratum: users of similar volume, of which there are at most 64, and of one value of `adjust`.
fn stratum(volume: u32, adjusted: u32) -> u32 {
    adjusted.min(MOST_CODES) << 6 | volume
}

// Own behaviours are bits.
const _: () = assert!(MOST_OWN <= u32::BITS as usize);

/// Users of a stratum, and those with each behaviour.
#[derive(Debug, Default)]
struct Stratum {
    all: Counted,
    /// Users with each of [`STANDARD`], followed by each of the caller's own behaviours.
    did: Vec<Counted>,
}

impl Counted {
    fn add(&mut self, outcome: bool) {
        self.users += 1;
        self.outcomes += u64::from(outcome);
    }

    fn absorb(&mut self, other: Self) {
        self.users += other.users;
        self.outcomes += other.outcomes;
    }
}

/// The fold.
struct Behaviour<'a> {
    call: &'a Call<'a>,
    question: Question,
    window: Window,
    segment: Option<usize>,
    session: Option<usize>,
    model: Option<usize>,
    feature: Option<usize>,
    succeeded: Option<usize>,
    rating: Option<usize>,
    /// Whether a request passes the filter of each of the caller's own behaviours.
    own: Vec<Option<usize>>,
    adjust: Option<usize>,
    /// By value of `adjust`, segment and stratum.
    strata: Table<Stratum>,
    /// Users of a feature, by segment, feature and stratum.
    features: Table<Counted>,
    days: OwnDays<'a>,
    used: Vec<u32>,
    places: Places,
    sessions: Vec<u64>,
    by_segment: BySegment,
    claim: Claim,
}

impl<'a> Behaviour<'a> {
    fn new(call: &'a Call<'_>, question: Question, window: Window, own: usize) -> Result<Self> {
        let own = (0..own).map(|n| call.column(&Role::numbered(BEHAVIOURS.name, n)));
        Ok(Behaviour {
            call,
            question,
            window,
            segment: call.column("segment"),
            session: call.column("session_id"),
            model: call.column("model"),
            feature: call.column("feature"),
            succeeded: call.column("succeeded"),
            rating: call.column("rating"),
            own: own.collect(), // few: behaviours of an argument
            adjust: call.column("adjust"),
            strata: Table::default(),
            features: Table::default(),
            days: OwnDays::new(call.clock()?),
            used: Vec::new(),
            places: Places::default(),
            sessions: Vec::new(),
            by_segment: BySegment::default(),
            claim: Claim::temporary(),
        })
    }

    /// The columns it reads.
    fn columns(&self) -> Vec<Option<usize>> {
        let canonical =
            [self.segment, self.session, self.model, self.feature, self.succeeded, self.rating, self.adjust];
        canonical.into_iter().chain(self.own.iter().copied()).collect() // few: columns
    }

    fn rows(mut self, call: &Call<'_>, own: &[String], least: u64, rows: &mut dyn Rows) -> Result<()> {
        let claim = &mut self.claim;
        let mut strata = named(call, [self.adjust, self.segment, None], &self.strata, claim)?;
        strata.sort_by_key(|of| (text_order(of.texts[1]), text_order(of.texts[0]), of.codes[2]));
        let mut features = named(call, [self.segment, self.feature, None], &self.features, claim)?;
        memory::poll();
        features.sort_by_key(|of| (text_order(of.texts[0]), text_order(of.texts[1])));
        let mut features = features.chunk_by(|a, b| a.codes[0] == b.codes[0]).peekable();
        for strata in strata.chunk_by(|a, b| a.codes[1] == b.codes[1]) {
            memory::poll();
            let Some(first) = strata.first() else { continue };
            // A segment without features has none of these.
            let used = features.next_if(|used| used.first().is_some_and(|of| of.codes[0] == first.codes[1]));
            let segment = OfSegment { name: first.texts[1], strata, features: used.unwrap_or_default() };
            segment.rows(own, least, rows)?;
        }
        Ok(())
    }
}

/// The counts of one segment.
struct OfSegment<'a> {
    name: Option<&'a [u8]>,
    /// In order of strata.
    strata: &'a [Named<'a, Stratum>],
    /// In order of names.
    features: &'a [Named<'a, Counted>],
}

impl OfSegment<'_> {
    fn rows(&self, own: &[String], least: u64, rows: &mut dyn Rows) -> Result<()> {
        let (mut claim, mut all, mut did, mut names) = (Claim::temporary(), Vec::new(), Vec::new(), Vec::new());
        let of_stratum = |counted: &Counted, stratum: u32| Counted { stratum: stratum as i32, ..*counted };
        for Named { codes, value, .. } in self.strata {
            claim.push(&mut all, of_stratum(&value.all, codes[2]))?;
            for (number, counted) in value.did.iter().enumerate().filter(|(_, counted)| counted.users > 0) {
                claim.push(&mut did, (number, of_stratum(counted, codes[2])))?;
            }
        }
        let before = STANDARD.len() + own.len();
        for feature in self.features.chunk_by(|a, b| a.codes[1] == b.codes[1]) {
            for Named { codes, value, .. } in feature {
                claim.push(&mut did, (before + names.len(), of_stratum(value, codes[2])))?;
            }
            claim.push(&mut names, feature.first().and_then(|of| of.texts[1]).unwrap_or_default())?;
        }
        let mut of_feature = Vec::new();
        for driver in compare(&all, &did, least) {
            let name = match driver.number.checked_sub(before) {
                Some(feature) => {
                    let name = names.get(feature).copied().unwrap_or_default();
                    of_feature.clear();
                    claim.reserve_doubling(&mut of_feature, FEATURE.len() + name.len())?;
                    of_feature.extend_from_slice(FEATURE.as_bytes());
                    of_feature.extend_from_slice(name);
                    Cell::Bytes(&of_feature)
                }
                None => {
                    let own = || own.get(driver.number.checked_sub(STANDARD.len())?).map(String::as_str);
                    STANDARD.get(driver.number).copied().or_else(own).into()
                }
            };
            rows.row(&mut row(self.name, name, &driver))?;
        }
        Ok(())
    }
}

fn row<'a>(segment: Option<&'a [u8]>, name: Cell<'a>, driver: &Driver) -> [Cell<'a>; 20] {
    let of = driver.comparison;
    let [difference, difference_low, difference_high] = with_bounds(of.difference());
    let (ratio, adjusted) = (of.ratio_bounds(), driver.adjusted_bounds);
    [
        segment.into(),
        name,
        of.with.into(),
        of.without.into(),
        of.rate_with().into(),
        of.rate_without().into(),
        difference,
        difference_low,
        difference_high,
        of.ratio().into(),
        ratio.map(|(low, _)| low).into(),
        ratio.map(|(_, high)| high).into(),
        of.phi().into(),
        driver.p_value.into(),
        driver.q_value.into(),
        driver.adjusted.into(),
        adjusted.map(|(low, _)| low).into(),
        adjusted.map(|(_, high)| high).into(),
        driver.evidence.name().into(),
        "association".into(),
    ]
}

impl Fold for Behaviour<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Behaviour { call, question, window, segment, own, adjust, strata, features, .. } = self;
        let Behaviour { days, used, places, sessions, by_segment, claim, .. } = self;
        let (models, by_feature) = (user.codes(self.model), user.codes(self.feature));
        let (by_session, ratings) = (user.sessions(self.session), user.numbers(self.rating));
        let adjusting = user.codes(*adjust);
        let is_churn = matches!(question, Question::Churned { .. });
        by_segment.each(user, *segment, |segment, requests| {
            days.look_at(user.at, requests)?;
            let Some(subject) = question.subject(&days.active, window) else { return Ok(()) };
            let second_half = subject.until - (subject.until - subject.from) / 2;
            let mut done = Done::default();
            used.clear();
            places.clear();
            sessions.clear();
            let counts = |&(_, day): &(&u32, &i32)| (subject.from..subject.until).contains(day);
            for (&request, &day) in requests.iter().zip(&days.of_requests).filter(counts) {
                let request = request as usize;
                done.requests += 1;
                done.late += u64::from(day >= second_half);
                match user.flag(self.succeeded, request) {
                    Some(true) => done.succeeded_at = done.succeeded_at.or(Some(user.at[request])),
                    Some(false) => done.failed_at = done.failed_at.or(Some(user.at[request])),
                    None => {}
                }
                done.rated |= ratings.is_some_and(|ratings| !ratings[request].is_nan());
                if let Some(model) = models.map(|models| models[request]).filter(|&model| model != 0) {
                    done.several_models |= done.model != 0 && done.model != model;
                    done.model = model;
                }
                if let Some(feature) = by_feature.map(|codes| codes[request]).filter(|&feature| feature != 0)
                    && places.place(feature, claim)?.1
                {
                    claim.push(used, feature)?;
                }
                if let Some(told) = adjusting.map(|codes| codes[request]).filter(|&told| told != 0) {
                    let at = user.at[request];
                    match &mut done.began {
                        None => done.began = Some((at, told)),
                        Some((began, code)) if *began == at => {
                            *code = call.told_last(*adjust, [(*code, at), (told, at)].into_iter())
                        }
                        Some(_) => {}
                    }
                }
                // Requests of a session mostly follow each other.
                if let Some(session) = by_session.map(|sessions| sessions[request]).filter(|&session| session != 0)
                    && !done.long_session
                {
                    done.long_session = sessions.last() == Some(&session);
                    claim.push(sessions, session)?;
                }
                for (n, column) in own.iter().enumerate() {
                    done.own |= u32::from(user.flag(*column, request) == Some(true)) << n;
                }
            }
            if !done.long_session {
                sessions.sort_unstable();
                done.long_session = sessions.windows(2).any(|pair| pair[0] == pair[1]);
            }
            let adjusted = done.began.map_or(0, |(_, code)| code);
            let stratum = stratum(volume_stratum(done.requests), adjusted);
            // In the order of STANDARD.
            let standard = [
                subject.active_days >= 2,
                subject.active_days >= 3,
                used.len() >= 2,
                done.several_models,
                done.long_session,
                done.failed_at.is_some(),
                // Of requests at the same instant, a successful one comes first.
                done.failed_at.is_some_and(|failed| done.succeeded_at.is_none_or(|succeeded| failed < succeeded)),
                done.rated,
                is_churn && done.late < done.requests - done.late,
            ];
            let (_, of) = strata.entry([adjusted, segment, stratum], claim)?;
            claim.extend_to(&mut of.did, STANDARD.len() + own.len())?;
            of.all.add(subject.outcome);
            let did = standard.into_iter().chain((0..own.len()).map(|n| done.own >> n & 1 == 1));
            let counted = of.did.iter_mut().zip(did).filter(|(_, did)| *did);
            counted.for_each(|(counted, _)| counted.add(subject.outcome));
            for &feature in &*used {
                features.entry([segment, feature, stratum], claim)?.1.add(subject.outcome);
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.strata.merge(other.strata, &mut self.claim, |ours, theirs, claim| {
            ours.all.absorb(theirs.all);
            claim.extend_to(&mut ours.did, theirs.did.len())?;
            ours.did.iter_mut().zip(theirs.did).for_each(|(ours, theirs)| ours.absorb(theirs));
            Ok(())
        })?;
        let merge = |ours: &mut Counted, theirs: Counted, _: &mut Claim| {
            ours.absorb(theirs);
            Ok(())
        };
        self.features.merge(other.features, &mut self.claim, merge).map(drop)
    }
}
