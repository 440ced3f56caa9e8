//! The laws of a history: whatever the order of rows, the split over processes, the files and the memory, every user is
//! visited once, with their requests in order of time and content. Against a naive sort of the rows.

#[path = "support/call.rs"]
mod call;
#[path = "laws/folds.rs"]
mod folds;
#[path = "laws/support.rs"]
mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{Verdict, check, limited, ok, polls, stopped};
use user_metrics_core::base::memory;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::history::{History, InMemory, Kind, Plan, PlannedColumn};
use user_metrics_core::{Error, Result};

/// A request: user, time, and a value of each kind of column.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
struct Row {
    user: u32,
    at: i64,
    id: Option<String>,
    feature: Option<String>,
    session: Option<u64>,
    cost: Option<f64>,
    rating: Option<f64>,
    succeeded: Option<bool>,
    status: Option<String>,
}

fn number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        Just(None),
        (-50i32..5000).prop_map(|n| Some(f64::from(n) / 100.0)),
        any::<f64>().prop_map(|n| Some(n).filter(|n| n.is_finite())),
        Just(Some(0.1 + 0.2)),
        Just(Some(-0.0)),
    ]
}

fn row(users: u32) -> impl Strategy<Value = Row> {
    let time = prop_oneof![0i64..20, any::<i32>().prop_map(i64::from), any::<i64>().prop_map(|at| at >> 3)];
    let texts = (
        proptest::option::of("[a-cé]{0,2}"),
        proptest::option::of("[a-d]{0,4}|a longer feature [ab]{0,3}"),
        proptest::option::of("200|ok|no|500|Failed|"),
    );
    let flags = (proptest::option::of(1u64..4), proptest::option::of(any::<bool>()));
    (0..users, time, texts, number(), number(), flags).prop_map(
        |(user, at, (id, feature, status), cost, rating, flags)| {
            let cost = cost.filter(|cost| (0.0..=1e100).contains(cost)).map(|cost| cost + 0.0);
            let rating = rating.filter(|rating| (-1e100..=1e100).contains(rating)).map(|rating| rating + 0.0);
            Row { user, at, id, feature, session: flags.0, cost, rating, succeeded: flags.1, status }
        },
    )
}

fn rows(users: u32, most: usize) -> impl Strategy<Value = Vec<Row>> {
    (vec(row(users), 0..most), any::<bool>()).prop_map(|(mut rows, in_order)| {
        if in_order {
            rows.sort_by_key(|row| row.at);
        }
        rows
    })
}

const COLUMNS: [(&str, Kind); 7] = [
    ("request_id", Kind::Id),
    ("feature", Kind::Text),
    ("session_id", Kind::Session),
    ("cost_usd", Kind::Count),
    ("rating", Kind::Number),
    ("succeeded", Kind::Flag),
    ("status", Kind::Status),
];

fn plan() -> Plan {
    let columns = COLUMNS.map(|(name, kind)| PlannedColumn { name: name.to_owned(), kind, key: None });
    Plan { columns: columns.to_vec(), names: true, area: None }
}

fn name(user: u32) -> String {
    format!("user {user}")
}

fn feed(history: &mut History, rows: &[Row]) -> Result<()> {
    for row in rows {
        let name = name(row.user);
        history.see(row.at);
        history.begin(UserKey::text(name.as_bytes()).unwrap(), row.at)?;
        history.set_name(name.as_bytes())?;
        history.set_id(0, row.id.as_deref().map(str::as_bytes))?;
        history.set_text(1, row.feature.as_deref().map(str::as_bytes))?;
        history.set_session(2, row.session);
        history.set_number(3, row.cost);
        history.set_number(4, row.rating);
        history.set_flag(5, row.succeeded);
        history.set_status(6, row.status.as_deref().map(str::as_bytes))?;
        history.end()?;
    }
    Ok(())
}

/// A history of rows that were dealt out to so many processes.
fn history(rows: &[Row], processes: usize, limit: usize) -> Result<History> {
    let mut whole: Option<History> = None;
    let mut files = Vec::new();
    for p in 0..processes {
        let mine: Vec<Row> = rows.iter().skip(p).step_by(processes).cloned().collect();
        let file = InMemory::default();
        memory::set_limit(limit);
        let mut history = History::new(plan(), UserKind::Text, Some(Box::new(file.clone())))?;
        feed(&mut history, &mine)?;
        if processes == 1 {
            history.settle()?;
            return Ok(history);
        }
        files.push(file);
        let bytes = history.hand_over()?;
        drop(history);
        let mut theirs = History::handed_over(&bytes)?;
        let file = files[p].clone();
        theirs.open(&mut |_| Ok(Box::new(file.clone())))?;
        match &mut whole {
            Some(whole) => whole.absorb(theirs)?,
            None => whole = Some(theirs),
        }
    }
    Ok(whole.unwrap())
}

fn found(history: &History, left_out: &[UserKey]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    history.each(&[0, 1, 2, 3, 4, 5, 6], left_out, &mut |timeline| {
        let user = text(timeline.name.unwrap());
        let user: u32 = user.strip_prefix("user ").unwrap().parse().unwrap();
        assert_eq!(timeline.user, UserKey::text(name(user).as_bytes()).unwrap());
        let known = |number: f64| Some(number).filter(|number| !number.is_nan());
        for (i, &at) in timeline.at.iter().enumerate() {
            rows.push(Row {
                user,
                at,
                id: timeline.id(Some(0), i).map(text),
                feature: history.dictionary(1).text(timeline.codes(Some(1)).unwrap()[i]).map(text),
                session: Some(timeline.sessions(Some(2)).unwrap()[i]).filter(|session| *session != 0),
                cost: known(timeline.numbers(Some(3)).unwrap()[i]),
                rating: known(timeline.numbers(Some(4)).unwrap()[i]),
                succeeded: timeline.flag(Some(5), i),
                status: timeline.flag(Some(6), i).map(|success| success.to_string()),
            });
        }
        Ok(())
    })?;
    // Users come in the order of their hashes.
    rows.sort_by_key(|row| row.user);
    Ok(rows)
}

/// The same by sorting.
fn expected(rows: &[Row], left_out: Option<u32>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.iter().filter(|row| Some(row.user) != left_out).cloned().collect();
    for row in &mut rows {
        // A status of a word that nobody knows does not tell, nor does an empty text.
        row.status = row.status.take().and_then(|status| match status.as_str() {
            "200" | "ok" => Some("true".to_owned()),
            "500" | "Failed" => Some("false".to_owned()),
            _ => None,
        });
        row.feature = row.feature.take().filter(|feature| !feature.is_empty());
    }
    fn last<T>(value: &Option<T>) -> bool {
        value.is_none()
    }
    rows.sort_by(|a, b| {
        let id = |row: &Row| row.id.clone().map(|id| (id.chars().count(), id));
        let number = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => last(&a).cmp(&last(&b)),
        };
        (a.user, a.at)
            .cmp(&(b.user, b.at))
            .then_with(|| (last(&a.id), id(a)).cmp(&(last(&b.id), id(b))))
            .then_with(|| (last(&a.feature), &a.feature).cmp(&(last(&b.feature), &b.feature)))
            .then_with(|| a.session.cmp(&b.session))
            .then_with(|| number(a.cost, b.cost))
            .then_with(|| number(a.rating, b.rating))
            .then_with(|| (last(&a.succeeded), a.succeeded).cmp(&(last(&b.succeeded), b.succeeded)))
            .then_with(|| (last(&a.status), &a.status).cmp(&(last(&b.status), &b.status)))
    });
    rows
}

fn same(found: &[Row], expected: &[Row]) -> Verdict {
    let bits = |rows: &[Row]| rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>();
    prop_assert_eq!(bits(found), bits(expected));
    Ok(())
}

#[test]
fn every_user_is_visited_in_order_whatever_the_split() {
    check(150, (rows(9, 400), 1usize..5, 0u32..9), |(rows, processes, left_out)| {
        let history = ok(history(&rows, processes, usize::MAX))?;
        same(&ok(found(&history, &[]))?, &expected(&rows, None))?;
        let key = UserKey::text(name(left_out).as_bytes()).unwrap();
        same(&ok(found(&history, &[key]))?, &expected(&rows, Some(left_out)))?;
        prop_assert_eq!(history.last_at(), rows.iter().map(|row| row.at).max());
        memory::set_limit(usize::MAX);
        Ok(())
    });
}

/// More users than the memory holds: generations, files and passes give the same.
#[test]
fn size_is_no_limit() {
    check(3, (vec(row(200_000), 30_000), 1usize..4), |(rows, processes)| {
        let history = ok(history(&rows, processes, 3 << 20))?;
        prop_assert!(processes > 1 || history.streams() > 1, "{} streams", history.streams());
        let found = ok(found(&history, &[]))?;
        memory::set_limit(usize::MAX);
        same(&found, &expected(&rows, None))
    });
}

/// What does not fit is refused, and a stop anywhere leaves no memory behind.
#[test]
fn refusals_and_stops_give_all_memory_back() {
    check(10, (rows(50, 3000), 0usize..2_000_000), |(rows, limit)| {
        let tried =
            limited(limit, || history(&rows, 3, limit).and_then(|history| found(&history, &[]).map(|rows| rows.len())));
        memory::set_limit(usize::MAX);
        match tried {
            Ok(count) => prop_assert_eq!(count, rows.len()),
            Err(error) => prop_assert!(matches!(error, Error::OutOfMemory { .. }), "{:?}", error),
        }
        Ok(())
    });
    check(10, (rows(50, 2000), any::<u32>()), |(rows, stop)| {
        let work = || history(&rows, 2, 1 << 21).and_then(|history| found(&history, &[]).map(drop));
        let most = polls(|| drop(work()));
        stopped(stop % most.max(1) + 1, || drop(work()));
        memory::set_limit(usize::MAX);
        Ok(())
    });
}

/// Damaged bytes are refused, or give other answers; they never panic.
#[test]
fn any_bytes_are_answered() {
    check(200, (rows(5, 60), any::<prop::sample::Index>(), any::<u8>()), |(rows, at, byte)| {
        let file = InMemory::default();
        let mut history = ok(History::new(plan(), UserKind::Text, Some(Box::new(file))))?;
        ok(feed(&mut history, &rows))?;
        let bytes = ok(history.hand_over())?;
        drop(history);
        let mut bytes = bytes;
        let place = at.index(bytes.len());
        bytes[place] = byte;
        // The checksum is made right again, so that what is behind it is looked at.
        let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[16..]).to_le_bytes();
        bytes[8..16].copy_from_slice(&checksum);
        if let Ok(mut history) = History::handed_over(&bytes) {
            let _ = history.settle();
            let _ = history.each(&[0, 1, 2, 3, 4, 5, 6], &[], &mut |_| Ok(()));
        }
        Ok(())
    });
}
