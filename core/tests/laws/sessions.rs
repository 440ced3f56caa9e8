//! Sessions as the laws see them, and what is true of sessions alone: compared with a definition that looks at all
//! requests of a user at once and knows nothing of parts.

use crate::Subject;
use crate::activity::{NEW_YEAR_2024, key, local_day};
use crate::support::{Verdict, check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use user_metrics_core::base::calendar::Span;
use user_metrics_core::base::calendar::{Calendar, DAY_MICROS, Grain, Micros};
use user_metrics_core::base::days::Day;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::sessions::{Ending, Hazard, Limits, Session, SessionKey, Sessions, View, hazard, stats};
use user_metrics_core::{Error, Result};

const MINUTE: Micros = 60_000_000;
const HOUR: Micros = 60 * MINUTE;
const MONDAY: Micros = NEW_YEAR_2024 as Micros * DAY_MICROS;

/// A request: user number, instant, latency, session id, success.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    user: Option<u32>,
    at: Micros,
    latency_ms: Option<f64>,
    id: Option<u32>,
    succeeded: Option<bool>,
}

fn session_key(id: Option<u32>) -> SessionKey {
    id.map_or(SessionKey::NONE, |id| SessionKey::text(format!("chat {id}").as_bytes()))
}

fn instant() -> impl Strategy<Value = Micros> {
    let fine = prop_oneof![3 => Just(0), 1 => -1..=1i64];
    prop_oneof![
        // A few days by quarters of an hour, so that gaps of exactly the limit are common.
        10 => (0..400i64, fine).prop_map(|(quarters, fine)| MONDAY + quarters * 15 * MINUTE + fine),
        4 => (0..60 * DAY_MICROS).prop_map(|time| MONDAY + time),
        1 => -400 * 365 * DAY_MICROS..0,
    ]
}

fn latency() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => Just(None),
        4 => (0..3600u32).prop_map(|seconds| Some(f64::from(seconds) * 1000.0)),
        2 => (0.0..100_000.0).prop_map(Some),
        1 => prop::sample::select(vec![Some(-5.0), Some(f64::NAN), Some(f64::INFINITY), Some(900_000.0), Some(9e7)]),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let user = prop_oneof![1 => Just(None), 12 => (0..4u32).prop_map(Some), 2 => (0..5000u32).prop_map(Some)];
    let id = prop_oneof![3 => Just(None), 3 => (0..3u32).prop_map(Some), 1 => (0..1_000_000u32).prop_map(Some)];
    let succeeded = prop::sample::select(vec![None, Some(true), Some(true), Some(false)]);
    (user, instant(), latency(), id, succeeded).prop_map(|(user, at, latency_ms, id, succeeded)| Row {
        user,
        at,
        latency_ms,
        id,
        succeeded,
    })
}

/// More users than are taken in row by row, with requests in the order of time or not, as a log has them.
fn crowd((users, further, seed, in_order): (u32, u32, u64, bool)) -> Vec<Row> {
    let mut state = seed | 1;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut row = |user: Option<u32>| Row {
        user: Some(user.unwrap_or_else(|| random(u64::from(users)) as u32)),
        at: MONDAY + random(3 * DAY_MICROS as u64) as Micros,
        latency_ms: (random(2) == 0).then(|| random(400_000) as f64),
        id: (random(3) == 0).then(|| random(6) as u32),
        succeeded: [None, Some(true), Some(false)][random(3) as usize],
    };
    let mut rows: Vec<Row> = (0..users).map(Some).chain((0..further).map(|_| None)).map(&mut row).collect();
    if in_order {
        rows.sort_by_key(|row| row.at);
    }
    rows
}

impl Subject for Sessions {
    type Options = (UserKind, Limits);
    type Row = Row;

    fn options() -> BoxedStrategy<Self::Options> {
        let gap = prop::sample::select(vec![30 * MINUTE, 30 * MINUTE, 0, HOUR, Micros::MAX]);
        let idle = prop::sample::select(vec![DAY_MICROS, HOUR, 0]);
        let kind = prop::sample::select(vec![UserKind::Text, UserKind::Uuid, UserKind::Bigint]);
        (kind, (gap, idle).prop_map(|(gap, idle)| Limits { gap, idle })).boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        prop_oneof![vec(row(), 0..6), vec(row(), 0..250)].boxed()
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        (4097..7_000u32, 0..20_000u32, any::<u64>(), any::<bool>()).prop_map(crowd).boxed()
    }

    fn new(&(kind, limits): &Self::Options) -> Self {
        Sessions::new(kind, limits)
    }

    fn observe(&mut self, row: &Row) -> Result<()> {
        let user = row.user.map(|n| key(self.kind(), n));
        self.observe(user, Session::request(row.at, row.latency_ms, session_key(row.id), row.succeeded))
    }
}

/// A session as defined.
#[derive(Clone, Debug, PartialEq)]
struct Naive {
    start: Micros,
    end: Micros,
    /// Without pauses above the gap.
    active: Micros,
    id: Option<u32>,
    requests: u32,
    errors: u32,
    /// How the last request ended.
    succeeded: Option<bool>,
}

fn end_of(row: &Row) -> Micros {
    let latency = row.latency_ms.filter(|ms| ms.is_finite() && *ms > 0.0).unwrap_or(0.0);
    row.at + (latency * 1000.0).round() as Micros
}

/// Cuts requests where nothing lasts for longer than a limit.
fn cut(mut rows: Vec<&Row>, limit: Micros) -> Vec<Vec<&Row>> {
    rows.sort_by_key(|row| row.at);
    let (mut pieces, mut busy_until) = (Vec::<Vec<&Row>>::new(), Micros::MIN);
    for row in rows {
        match pieces.last_mut() {
            Some(piece) if row.at <= busy_until.saturating_add(limit) => piece.push(row),
            _ => pieces.push(vec![row]),
        }
        busy_until = busy_until.max(end_of(row));
    }
    pieces
}

/// When each run of requests with pauses of at most the gap begins and ends.
fn runs(rows: Vec<&Row>, gap: Micros) -> Vec<(Micros, Micros)> {
    let ends = |run: &Vec<&Row>| (run[0].at, run.iter().map(|row| end_of(row)).max().unwrap_or(0));
    cut(rows, gap).iter().map(ends).collect()
}

fn naive_session(rows: &[&Row], id: Option<u32>, gap: Micros) -> Naive {
    let last = rows.iter().map(|row| row.at).max().unwrap_or(0);
    let at_last: Vec<_> = rows.iter().filter(|row| row.at == last).map(|row| row.succeeded).collect();
    let said = |answer| at_last.contains(&Some(answer)).then_some(answer);
    Naive {
        start: rows.iter().map(|row| row.at).min().unwrap_or(0),
        end: rows.iter().map(|row| end_of(row)).max().unwrap_or(0),
        active: runs(rows.to_vec(), gap).iter().map(|(start, end)| end - start).sum(),
        id,
        requests: rows.len() as u32,
        errors: rows.iter().filter(|row| row.succeeded == Some(false)).count() as u32,
        succeeded: said(true).or(said(false)),
    }
}

/// Per user the sessions, as the definition has them.
fn naive(kind: UserKind, limits: Limits, rows: &[Row]) -> BTreeMap<UserKey, Vec<Naive>> {
    let mut users = BTreeMap::<u32, Vec<&Row>>::new();
    for row in rows {
        if let Some(user) = row.user {
            users.entry(user).or_default().push(row);
        }
    }
    let sessions = |own: Vec<&Row>| {
        let ids: BTreeSet<u32> = own.iter().filter_map(|row| row.id).collect();
        let of = |id| own.iter().copied().filter(|row| row.id == id).collect::<Vec<_>>();
        let (mut sessions, mut rest) = (Vec::new(), of(None));
        for id in ids {
            for piece in cut(of(Some(id)), limits.idle) {
                match piece[..] {
                    [single] => rest.push(single),
                    _ => sessions.push(naive_session(&piece, Some(id), limits.gap)),
                }
            }
        }
        sessions.extend(cut(rest, limits.gap).iter().map(|piece| naive_session(piece, None, limits.gap)));
        sessions.sort_by_key(|session| (session.start, session_key(session.id)));
        sessions
    };
    users.into_iter().map(|(user, own)| (key(kind, user), sessions(own))).collect()
}

fn value(options: &(UserKind, Limits), rows: &[Row]) -> Verdict<Vec<u8>> {
    let mut state = <Sessions as Subject>::new(options);
    ok(rows.iter().try_for_each(|row| Subject::observe(&mut state, row)))?;
    ok(state.encode())
}

fn found(view: &View<'_>) -> Verdict<BTreeMap<UserKey, Vec<Session>>> {
    let mut found = BTreeMap::new();
    ok(view.each_session(|user, sessions| {
        found.insert(user, sessions.to_vec());
        Ok(())
    }))?;
    Ok(found)
}

fn are_as_defined(options: (UserKind, Limits), rows: &[Row]) -> Verdict {
    let bytes = value(&options, rows)?;
    let view = ok(View::open(&bytes))?;
    prop_assert_eq!(
        (view.kind(), view.rules(), view.last_at()),
        (options.0, options.1, rows.iter().map(|r| r.at).max())
    );
    let (expected, found) = (naive(options.0, options.1, rows), found(&view)?);
    prop_assert_eq!(view.users(), expected.len());
    for (user, expected) in &expected {
        let found: Vec<_> = found[user]
            .iter()
            .map(|s| (s.start, s.end, s.active(), s.key, s.requests, s.errors, s.ending(options.1, Micros::MAX)))
            .collect();
        let ending = |s: &Naive| match s.succeeded {
            // No time is left in which it could be known to have ended.
            _ if s.end.saturating_add(if s.id.is_some() { options.1.idle } else { options.1.gap }) == Micros::MAX => {
                Some(Ending::Open)
            }
            Some(true) => Some(Ending::Completed),
            Some(false) => Some(Ending::Abandoned),
            None => None,
        };
        let expected: Vec<_> = expected
            .iter()
            .map(|s| (s.start, s.end, s.active, session_key(s.id), s.requests, s.errors, ending(s)))
            .collect();
        prop_assert_eq!(found, expected);
    }
    Ok(())
}

#[test]
fn sessions_are_as_defined() {
    check(400, (Sessions::options(), Sessions::few()), |(options, rows)| are_as_defined(options, &rows));
    check(6, (Sessions::options(), Sessions::many()), |(options, rows)| are_as_defined(options, &rows));
}

#[test]
fn sessions_of_other_users_or_limits_are_refused() {
    check(100, (Sessions::options(), Sessions::options(), Sessions::few(), Sessions::few()), |(a, b, one, other)| {
        let (mut ours, mut theirs) = (<Sessions as Subject>::new(&a), <Sessions as Subject>::new(&b));
        ok(one.iter().try_for_each(|row| Subject::observe(&mut ours, row)))?;
        ok(other.iter().try_for_each(|row| Subject::observe(&mut theirs, row)))?;
        let merged = ours.merge(&theirs);
        if a == b {
            return ok(merged);
        }
        let refused = match merged {
            Err(Error::Mixed { what, .. }) => what,
            _ => "nothing",
        };
        prop_assert_eq!(refused, if a.0 == b.0 { "session limits" } else { "types of user ids" });
        Ok(())
    });
}

#[test]
fn sessions_without_users_are_those_of_the_rows_of_others() {
    let inputs = (Sessions::options(), Sessions::few(), vec(0..5000u32, 0..4), vec(0..4u32, 0..4));
    check(300, inputs, |(options, rows, strangers, known)| {
        let left_out = [strangers, known].concat();
        let nobody = |row: &Row| Row { user: row.user.filter(|user| !left_out.contains(user)), ..*row };
        let (all, others) = (value(&options, &rows)?, value(&options, &rows.iter().map(nobody).collect::<Vec<_>>())?);
        let keys = left_out.iter().map(|&n| key(options.0, n)).collect::<Vec<_>>();
        let rest = ok(ok(View::open(&all))?.without(&keys))?;
        prop_assert_eq!(rest.is_some(), all != others, "bytes are made only where somebody is taken out");
        prop_assert_eq!(rest.unwrap_or(all), others);
        Ok(())
    });
}

fn span() -> impl Strategy<Value = Span> {
    let near = || MONDAY - DAY_MICROS..MONDAY + 6 * DAY_MICROS;
    (prop::option::of(near()), prop::option::of(near()), near()).prop_map(|(since, until, end)| Span {
        since,
        until,
        end: until.map_or(end, |until| end.min(until)),
    })
}

fn mean(figures: &[f64]) -> Option<f64> {
    (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
}

fn share(of: &[&Naive], such: impl Fn(&Naive) -> bool) -> Option<f64> {
    mean(&of.iter().map(|session| f64::from(u8::from(such(session)))).collect::<Vec<_>>())
}

fn quantile(mut figures: Vec<f64>, share: f64) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let place = share * (figures.len().checked_sub(1)?) as f64;
    let (low, high) = (figures[place.floor() as usize], figures[place.ceil() as usize]);
    Some(low + place.fract() * (high - low))
}

/// When visits of a user begin and end.
type Visits = Vec<(Micros, Micros)>;

fn visits(kind: UserKind, gap: Micros, rows: &[Row]) -> BTreeMap<UserKey, Visits> {
    let mut users = BTreeMap::<UserKey, Vec<&Row>>::new();
    for row in rows {
        if let Some(user) = row.user {
            users.entry(key(kind, user)).or_default().push(row);
        }
    }
    users.into_iter().map(|(user, rows)| (user, runs(rows, gap))).collect()
}

/// The first time by which a share of waits is over, by Kaplan-Meier, in seconds.
fn time_within(waits: &[(Micros, bool)], share: f64) -> Option<f64> {
    let mut times: Vec<_> = waits.iter().filter(|(_, is_over)| *is_over).map(|(wait, _)| *wait).collect();
    times.sort_unstable();
    times.dedup();
    let mut left = 1.0;
    let passed = times.into_iter().find(|time| {
        let at_risk = waits.iter().filter(|(wait, _)| wait >= time).count() as f64;
        let over = waits.iter().filter(|(wait, is_over)| wait == time && *is_over).count() as f64;
        left *= 1.0 - over / at_risk;
        left <= 1.0 - share + 1e-9
    });
    passed.map(|time| time as f64 / 1e6)
}

fn near(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
        (a, b) => a == b,
    }
}

#[test]
fn stats_are_as_defined() {
    let grain = prop::sample::select(vec![None, Some(Grain::Day), Some(Grain::Week), Some(Grain::Month)]);
    let inputs = (Sessions::options(), Sessions::few(), span(), grain);
    check(300, inputs, |(options, mut rows, span, grain)| {
        let limits = options.1;
        // Centuries of days would take long to compare.
        rows.retain(|row| row.at > MONDAY - DAY_MICROS);
        let bytes = value(&options, &rows)?;
        let calendar = grain.map(Calendar::plain);
        let day = |at: Micros| Ok(local_day("Asia/Kathmandu", at));
        let mut found = ok(stats(&ok(View::open(&bytes))?, calendar, &span, day))?;
        let users = naive(options.0, limits, &rows);
        let visits = visits(options.0, limits.gap, &rows);
        let period = |s: &Naive| -> Option<Day> {
            calendar.map(|c| c.period(local_day("Asia/Kathmandu", s.start)).expect("a near day").start)
        };
        let shown = |s: &&Naive| {
            s.start <= span.end && span.since.is_none_or(|t| t <= s.start) && span.until.is_none_or(|t| s.start < t)
        };
        let sum: u64 = found.iter().map(|row| row.sessions).sum();
        prop_assert_eq!(sum as usize, users.values().flatten().filter(shown).count(), "every session is in a row");
        if calendar.is_some() {
            let starts: Vec<_> = found.iter().map(|row| row.start).collect();
            prop_assert!(starts.is_sorted_by(|a, b| a < b));
        } else {
            prop_assert_eq!(found.len(), 1);
        }
        for row in &mut found {
            let of = |sessions: &[Naive]| -> Vec<Naive> {
                sessions.iter().filter(shown).filter(|s| period(s) == row.start).cloned().collect()
            };
            let sessions: Vec<(Naive, &[Naive], &Visits)> = users
                .iter()
                .flat_map(|(user, all)| of(all).into_iter().map(|s| (s, &all[..], &visits[user])))
                .collect();
            let open =
                |s: &Naive| s.end.saturating_add(if s.id.is_some() { limits.idle } else { limits.gap }) >= span.end;
            let closed: Vec<_> = sessions.iter().filter(|(s, ..)| !open(s)).collect();
            let plain: Vec<&Naive> = closed.iter().map(|(s, ..)| s).collect();
            let requests = |s: &&Naive| f64::from(s.requests);
            let lengths = || plain.iter().map(|s| s.active as f64 / 1e6).collect::<Vec<_>>();
            let spans = plain.iter().map(|s| (s.end - s.start) as f64 / 1e6).collect::<Vec<_>>();
            prop_assert_eq!(row.users as usize, users.values().filter(|all| !of(all).is_empty()).count());
            prop_assert_eq!(row.sessions as usize, sessions.len());
            prop_assert_eq!(row.requests, sessions.iter().map(|(s, ..)| u64::from(s.requests)).sum::<u64>());
            prop_assert_eq!(row.open as usize, sessions.len() - closed.len());
            prop_assert_eq!(row.completed as usize, plain.iter().filter(|s| s.succeeded == Some(true)).count());
            prop_assert_eq!(row.abandoned as usize, plain.iter().filter(|s| s.succeeded == Some(false)).count());
            prop_assert!(near(row.requests_per_session(), mean(&plain.iter().map(requests).collect::<Vec<_>>())));
            prop_assert!(near(row.active_mean(), mean(&lengths())));
            prop_assert!(near(row.span_mean(), mean(&spans)));
            prop_assert!(near(row.active_quantile(0.5), quantile(lengths(), 0.5)));
            prop_assert!(near(row.active_quantile(0.9), quantile(lengths(), 0.9)));
            prop_assert!(near(row.single_request_share(), share(&plain, |s| s.requests == 1)));
            prop_assert!(near(row.engaged_rate(), share(&plain, |s| s.requests - s.errors >= 2)));
            let abandoned: Vec<_> = plain.iter().filter(|s| s.succeeded == Some(false)).map(requests).collect();
            prop_assert!(near(row.abandonment_point(), mean(&abandoned)));
            let asked: Vec<_> = closed.iter().filter(|(s, ..)| s.end + DAY_MICROS <= span.end).collect();
            let back = |(s, all, visits): &(Naive, &[Naive], &Visits)| {
                all.iter().any(|next| {
                    s.end < next.start
                        && visits.iter().any(|visit| visit.0 == next.start)
                        && next.start <= s.end + DAY_MICROS
                        && span.until.is_none_or(|until| next.start < until)
                })
            };
            let back: Vec<_> = asked.iter().map(|s| f64::from(u8::from(back(s)))).collect();
            prop_assert!(near(row.returned_24h_rate(), mean(&back)), "{:?} {back:?}", row.returned_24h_rate());
            let mut waits = Vec::new();
            for of_user in visits.values() {
                for (n, &(start, end)) in of_user.iter().enumerate() {
                    let is_shown = start <= span.end
                        && span.since.is_none_or(|since| since <= start)
                        && span.until.is_none_or(|until| start < until)
                        && calendar.map(|c| c.period(local_day("Asia/Kathmandu", start)).expect("a near day").start)
                            == row.start;
                    if is_shown && end.saturating_add(limits.gap) < span.end {
                        let next = of_user.get(n + 1).map(|next| next.0);
                        let next =
                            next.filter(|next| *next <= span.end && span.until.is_none_or(|until| *next < until));
                        waits.push((next.unwrap_or(span.end) - end, next.is_some()));
                    }
                }
            }
            let [median, p90] = ok(row.returns([0.5, 0.9]))?;
            prop_assert!(near(median, time_within(&waits, 0.5)) && near(p90, time_within(&waits, 0.9)), "{waits:?}");
        }
        Ok(())
    });
}

#[test]
fn the_hazard_is_as_defined() {
    check(400, (Sessions::options(), Sessions::few(), span(), 1..12u32), |(options, rows, span, most)| {
        let bytes = value(&options, &rows)?;
        let found = ok(hazard(&ok(View::open(&bytes))?, &span, most))?;
        let users = found_sessions(&bytes, &options, &span)?;
        let longest = users.iter().flatten().map(|s| s.0).max().unwrap_or(0).min(most);
        let expected: Vec<_> = (1..=longest)
            .map(|k| {
                let known = |s: &Shape| matches!(s.1, Some(Ending::Completed | Ending::Abandoned));
                let reaches = |s: &&Shape| s.0 > k || (s.0 == k && known(s));
                let abandoned = |s: &&Shape| *s == &(k, Some(Ending::Abandoned));
                Hazard {
                    number: k,
                    users: users.iter().filter(|all| all.iter().any(|s| reaches(&s))).count() as u64,
                    reaching: users.iter().flatten().filter(reaches).count() as u64,
                    abandoned: users.iter().flatten().filter(abandoned).count() as u64,
                }
            })
            .collect();
        prop_assert_eq!(found, expected);
        Ok(())
    });
}

/// Of a session how many requests it has, and how it ended.
type Shape = (u32, Option<Ending>);

/// Of every user the sessions shown.
fn found_sessions(bytes: &[u8], options: &(UserKind, Limits), span: &Span) -> Verdict<Vec<Vec<Shape>>> {
    let found = found(&ok(View::open(bytes))?)?;
    let of = |all: &Vec<Session>| {
        all.iter().filter(|s| span.shows(s.start)).map(|s| (s.requests, s.ending(options.1, span.end))).collect()
    };
    Ok(found.values().map(of).collect())
}
