//! The laws of folds: whatever the order of rows and the split of users, a function that folds requests gives the same rows. A
//! function that declares itself joins them by that.

use crate::call::{Texts, call};
use crate::support::{Verdict, check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::base::calendar::DAY_MICROS;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::catalog::{all, all_of_requests};
use user_metrics_core::function::{Cell, Function, Reads, Role, Rows};
use user_metrics_core::history::{History, Kind, Plan, PlannedColumn};

/// What a log has of each column that a function may read.
const COLUMNS: [(&str, Kind); 40] = [
    ("request_id", Kind::Id),
    ("session_id", Kind::Session),
    ("model", Kind::Text),
    ("feature", Kind::Text),
    ("segment", Kind::Text),
    ("prompt_tokens", Kind::Count),
    ("completion_tokens", Kind::Count),
    ("cost_usd", Kind::Count),
    ("latency_ms", Kind::Count),
    ("rating", Kind::Number),
    ("succeeded", Kind::Flag),
    ("plan_property", Kind::Text),
    ("peers", Kind::Text),
    ("property:p", Kind::Text),
    ("prompt", Kind::Text),
    ("exposed", Kind::Flag),
    ("session_id as text", Kind::Text),
    ("signups", Kind::Flag),
    ("milestones 1", Kind::Flag),
    ("milestones 2", Kind::Flag),
    ("tier_property", Kind::Text),
    ("source_property", Kind::Text),
    ("start_event", Kind::Flag),
    ("end_event", Kind::Flag),
    ("premium", Kind::Flag),
    ("properties", Kind::Id),
    ("behaviours 1", Kind::Flag),
    ("action", Kind::Flag),
    ("steps 1", Kind::Flag),
    ("steps 2", Kind::Flag),
    ("steps 3", Kind::Flag),
    ("exclude", Kind::Flag),
    ("variant", Kind::Text),
    ("by", Kind::Text),
    ("number:n", Kind::Number),
    ("converted", Kind::Flag),
    ("start_event", Kind::Flag),
    ("return_event", Kind::Flag),
    ("property", Kind::Text),
    ("adjust", Kind::Text),
];

/// A request: user, time in hours, and a number for each column, of which 0 is not known.
type Row = (u8, u16, [u8; COLUMNS.len()]);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let values = vec(0u8..6, COLUMNS.len()).prop_map(|values| values.try_into().unwrap_or([0; COLUMNS.len()]));
    vec((0u8..12, 0u16..2000, values), 0..250)
}

fn history(rows: &[Row], has: u64) -> Result<History> {
    let columns: Vec<(usize, (&str, Kind))> =
        COLUMNS.into_iter().enumerate().filter(|(n, _)| has >> n & 1 == 1).collect();
    // There is one column of ids.
    let has_id = columns.first().is_some_and(|(n, _)| *n == 0);
    let columns: Vec<_> = columns.into_iter().filter(|(_, (name, _))| *name != "properties" || !has_id).collect();
    let planned =
        |(_, (name, kind)): &(usize, (&str, Kind))| PlannedColumn { name: (*name).to_owned(), kind: *kind, key: None };
    let plan = Plan { columns: columns.iter().map(planned).collect(), names: true, area: None };
    let mut history = History::new(plan, UserKind::Text, None)?;
    for (user, hours, values) in rows {
        let name = format!("user {user}");
        let at = i64::from(*hours) * DAY_MICROS / 24;
        history.see(at);
        history.begin(UserKey::text(name.as_bytes()).unwrap(), at)?;
        history.set_name(name.as_bytes())?;
        for (to, (n, (_, kind))) in columns.iter().enumerate() {
            let value = match COLUMNS[*n].0 {
                // That of a session's id is the text of its hash.
                "session_id as text" => values[1],
                _ => values[*n],
            };
            let text = match COLUMNS[*n].0 {
                // Mostly that of the user; some are in several.
                "variant" if value != 1 => format!("{}", user % 3),
                "properties" => {
                    format!(r#"{{"a": "{value}", "b": {hours}, "c{value}": null, "d{value}": ["\"", {{}}]}}"#)
                }
                _ => format!("{value}"),
            };
            let text = (value > 0).then_some(text.as_bytes());
            match kind {
                Kind::Text => history.set_text(to, text)?,
                Kind::Session => history.set_session(to, (value > 0).then_some(value.into())),
                Kind::Id => history.set_id(to, text)?,
                Kind::Count | Kind::Number => history.set_number(to, (value > 0).then(|| f64::from(value) / 3.0)),
                Kind::Flag => history.set_flag(to, (value > 0).then_some(value > 2)),
                Kind::Status => history.set_status(to, text)?,
            }
        }
        history.end()?;
    }
    history.settle()?;
    Ok(history)
}

/// Rows as text, to compare.
#[derive(Default)]
struct Shown(Vec<String>);

impl Rows for Shown {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()> {
        let columns = cells.iter().map(|cell| format!("{cell:?}")).collect::<Vec<_>>();
        self.0.push(columns.join(" | "));
        Ok(())
    }
}

fn answer(function: &'static Function, history: &History, parts: u64, least: u64) -> Result<Vec<String>> {
    let texts = Texts {
        name: "user 1",
        feature: "1",
        json: r#"{"1": {"limit": 2, "every": "week", "anchor": "first_request", "features": ["3"]}}"#,
        rules: r#"[{"segment": "a", "all": [{"requests": {">": 9}}, {"property:p": {"in": ["1", "2"]}}]},
            {"segment": "b", "any": [{"answered_rate": {">": 0.5}}, {"sessions": {"<": 3}}]}]"#,
    };
    let mut call = call(function, history, texts);
    let left_out = [UserKey::text(b"user 3").unwrap()];
    call.left_out = &left_out;
    // Lists of the users of a cell are refused while small groups are hidden.
    let is_refused = matches!(function.name, "active_user_list" | "lifecycle_users" | "retention_users");
    (call.environment.parts, call.environment.min_group_size) = (parts, if is_refused { 1 } else { least });
    call.environment.now = 3000 * DAY_MICROS;
    let mut rows = Shown::default();
    (function.run)(&call, &mut rows)?;
    // Where rows name users, their order is the bridge's to make, or not told.
    let of_one_user = function.arguments.iter().any(|argument| matches!(argument.role, Role::User));
    let names_users = matches!(function.reads, Reads::Requests(requests) if requests.names);
    if of_one_user || names_users {
        rows.0.sort();
    }
    Ok(rows.0)
}

fn folds() -> impl Iterator<Item = &'static Function> {
    all().chain(all_of_requests()).filter(|function| !function.reads.is_stored())
}

fn same(function: &Function, one: &[String], other: &[String]) -> Verdict {
    prop_assert_eq!(one, other, "{}", function.name);
    Ok(())
}

#[test]
fn neither_the_order_of_rows_nor_the_split_of_users_matters() {
    assert!(folds().count() >= 8);
    check(60, (rows(), any::<u64>(), 2u64..6, 0u64..4), |(rows, has, parts, least)| {
        let whole = ok(history(&rows, has))?;
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|(user, hours, values)| (values[7], values[0], u32::from(*hours) * 7919 % 1009, *user));
        let other = ok(history(&shuffled, has))?;
        for function in folds() {
            let expected = ok(answer(function, &whole, 1, least))?;
            same(function, &ok(answer(function, &other, 1, least))?, &expected)?;
            same(function, &ok(answer(function, &other, parts, least))?, &expected)?;
        }
        Ok(())
    });
}

/// A group with many numbers counts them first and looks again, and gives what it gives of few.
#[test]
fn many_requests_are_as_few() {
    let few: Vec<Row> =
        (0..200u16).map(|n| ((n % 7) as u8, n * 9 % 2000, [(n % 5) as u8 + 1; COLUMNS.len()])).collect();
    let many: Vec<Row> = (0..40).flat_map(|_| few.clone()).collect();
    for function in folds().filter(|function| matches!(function.name, "feature_usage" | "model_usage")) {
        let (few, many) = (history(&few, u64::MAX).unwrap(), history(&many, u64::MAX).unwrap());
        let latency = |row: &String| row.rsplit(" | ").next().map(str::to_owned);
        let of = |history: &History| answer(function, history, 3, 0).unwrap().iter().map(latency).collect::<Vec<_>>();
        assert_eq!(of(&few), of(&many), "{}", function.name);
    }
}
