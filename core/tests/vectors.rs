//! The golden cases of `tests/vectors` through core. `tests/vectors.py`, which runs the same files through SQL, says what
//! a case is made of.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Timelike};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use user_metrics_core::Result;
use user_metrics_core::activity::active_users::active_users;
use user_metrics_core::activity::cohort_table::cohort_table;
use user_metrics_core::activity::engagement::engagement;
use user_metrics_core::activity::lifecycle::lifecycle;
use user_metrics_core::activity::retention::{Cell, Clock, Kind, Question};
use user_metrics_core::activity::retention_curve::curve;
use user_metrics_core::activity::retention_matrix::matrix;
use user_metrics_core::activity::stickiness::stickiness;
use user_metrics_core::activity::{Activity, View};
use user_metrics_core::base::calendar::{Calendar, DAY_MICROS, Grain, LocalDays, Micros, Segment, Window};
use user_metrics_core::base::days::Day;
use user_metrics_core::base::memory;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};

#[path = "vectors/assignment.rs"]
mod assignment;
#[path = "vectors/funnel.rs"]
mod funnel;
#[path = "vectors/sessions.rs"]
mod sessions;
#[path = "vectors/survival.rs"]
mod survival;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<C> {
    #[serde(default)]
    zones: Zones,
    cases: Vec<C>,
}

/// Per zone the UTC times from which on it has an offset.
#[derive(Deserialize, Default)]
struct Zones(HashMap<String, Vec<(Option<String>, String)>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    origin: String,
    requests: Vec<Vec<Value>>,
    #[serde(default)]
    users: Option<String>,
    #[serde(default)]
    timezone: Option<String>,
    #[serde(default)]
    week_start: Option<String>,
    #[serde(default)]
    without_users: Vec<String>,
    readout: String,
    #[serde(default)]
    arguments: Arguments,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    #[serde(default)]
    tolerance: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Arguments {
    cohort: Option<String>,
    period: Option<String>,
    offsets: Option<Vec<i32>>,
    kind: Option<String>,
    clock: Option<String>,
    days: Option<i32>,
    since: Option<String>,
    until: Option<String>,
    as_of: Option<String>,
}

/// A UTC time such as `2024-01-31`, `2024-01-31 12:00:00.5` or `0044-03-15 12:00 BC`.
fn instant(text: &str) -> Micros {
    let (text, before_christ) = text.strip_suffix(" BC").map_or((text, false), |text| (text, true));
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00"));
    let date: NaiveDate = date.parse().expect("a date");
    let date = if before_christ { date.with_year(1 - date.year()).expect("a year") } else { date };
    let time: NaiveTime = time.parse().expect("a time");
    let seconds = i64::from(time.num_seconds_from_midnight());
    (date - day_0()).num_days() * DAY_MICROS + seconds * 1_000_000 + i64::from(time.nanosecond() / 1000)
}

fn day_0() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date")
}

/// A day as PostgreSQL writes it.
fn day(day: Day) -> String {
    let days = Days::new(u64::from(day.unsigned_abs()));
    let date = if day < 0 { day_0() - days } else { day_0() + days };
    match date.year() {
        year @ 1.. => format!("{year:04}-{:02}-{:02}", date.month(), date.day()),
        year => format!("{:04}-{:02}-{:02} BC", 1 - year, date.month(), date.day()),
    }
}

/// The local time less UTC that `+05:45` means.
fn offset(text: &str) -> Micros {
    let (hours, minutes) = text[1..].split_once(':').expect("hours and minutes");
    let minutes = 60 * hours.parse::<i64>().expect("hours") + minutes.parse::<i64>().expect("minutes");
    let sign = if text.starts_with('-') { -1 } else { 1 };
    sign * minutes * DAY_MICROS / 1440
}

/// Bytes as PostgreSQL writes them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// The type of user ids of a name, text by default.
fn kind(name: Option<&str>) -> UserKind {
    let kinds = [UserKind::Text, UserKind::Uuid, UserKind::Bigint];
    kinds.into_iter().find(|kind| kind.name() == name.unwrap_or("text")).expect("a type of user ids")
}

/// The keys of the users a name stands for.
fn keys(kind: UserKind, user: &Value) -> Vec<Option<UserKey>> {
    match (kind, user) {
        (_, Value::Null) => vec![None],
        (UserKind::Bigint, user) => vec![Some(UserKey::bigint(user.as_i64().expect("an integer")))],
        (UserKind::Uuid, user) => {
            let digits = user.as_str().expect("a uuid").replace('-', "");
            vec![Some(u128::from_str_radix(&digits, 16).expect("a uuid").into())]
        }
        (UserKind::Text, user) => {
            let name = user.as_str().expect("a text");
            match name.strip_suffix('}').and_then(|name| name.split_once("{1..")) {
                None => vec![UserKey::text(name.as_bytes())],
                Some((stem, last)) => {
                    let last: u32 = last.parse().expect("a number");
                    (1..=last).map(|i| UserKey::text(format!("{stem}{i}").as_bytes())).collect()
                }
            }
        }
    }
}

/// Periods of a name, weeks from a day on.
fn calendar(argument: &'static str, period: &str, week_start: Option<&str>) -> Result<Calendar> {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let week_start = week_start.unwrap_or("monday");
    let week_start = days.iter().position(|&day| day == week_start).expect("a day of the week") as u8;
    Ok(Calendar { grain: Grain::parse(argument, period)?, week_start, year_start: 0 })
}

impl Zones {
    fn segment(&self, zone: &str, at: Micros) -> Segment {
        let Some(changes) = self.0.get(zone) else {
            assert_eq!(zone, "UTC", "the file does not say when it has which offset");
            return Segment { from: Micros::MIN, until: Micros::MAX, offset: 0 };
        };
        let from = |i: usize| changes.get(i).map(|(from, _)| from.as_deref().map_or(Micros::MIN, instant));
        let i = (0..changes.len()).rfind(|&i| from(i) <= Some(at)).expect("an offset from the beginning on");
        Segment {
            from: from(i).unwrap_or(at),
            until: from(i + 1).unwrap_or(Micros::MAX),
            offset: offset(&changes[i].1),
        }
    }
}

impl Case {
    fn zone(&self) -> &str {
        self.timezone.as_deref().unwrap_or("UTC")
    }

    /// The bytes of the activity of the requests.
    fn value(&self, zones: &Zones) -> Result<Vec<u8>> {
        let kind = kind(self.users.as_deref());
        let mut activity = Activity::new(kind, self.zone());
        for line in &self.requests {
            let [user, instants @ ..] = &line[..] else { panic!("a request by nobody begins with null") };
            for key in keys(kind, user) {
                for at in instants {
                    let at = instant(at.as_str().expect("a time"));
                    activity.observe(key, at, |zone, at| Ok(zones.segment(zone, at)))?;
                }
            }
        }
        let bytes = activity.encode()?;
        let left_out =
            self.without_users.iter().flat_map(|user| keys(kind, &json!(user))).flatten().collect::<Vec<_>>();
        Ok(View::open(&bytes)?.without(&left_out)?.unwrap_or(bytes))
    }

    /// What the glue makes of the times a caller gives, for a present later than all of them.
    fn window(&self, zones: &Zones, last_at: Option<Micros>) -> Result<Window> {
        let given = |text: &Option<String>| text.as_deref().map(instant);
        let (since, until) = (given(&self.arguments.since), given(&self.arguments.until));
        let end = given(&self.arguments.as_of).or(until).or(last_at).unwrap_or(0);
        let end = until.map_or(end, |until| until.min(end));
        let mut days = LocalDays::default();
        let mut day = |at| days.day(at, |at| Ok(zones.segment(self.zone(), at)));
        let since_days = since.map(|at| Ok((day(at)?, day(at - 1)?))).transpose()?;
        Ok(Window {
            since: since_days.map(|(first, _)| first),
            whole_from: since_days.map(|(first, before)| if first == before { first + 1 } else { first }),
            elapsed: day(end)?,
            begun: day(end - 1)?,
            at_end: until.is_none_or(|until| end < until),
        })
    }

    fn calendar(&self, name: &'static str, given: &Option<String>, default: &str) -> Result<Calendar> {
        calendar(name, given.as_deref().unwrap_or(default), self.week_start.as_deref())
    }

    fn period(&self, default: &str) -> Result<Calendar> {
        self.calendar("period", &self.arguments.period, default)
    }

    fn question(&self) -> Result<Question> {
        let asked = &self.arguments;
        let cohort = self.calendar("cohort", &asked.cohort, "week")?;
        let clock = Clock::parse(asked.clock.as_deref().unwrap_or("calendar"), self.period("week")?)?;
        let kind = Kind::parse(asked.kind.as_deref().unwrap_or("on"))?;
        let offsets = asked.offsets.clone().map(Question::offsets).transpose()?;
        Ok(Question { offsets, ..Question::new(cohort, clock, kind) })
    }

    fn ask(&self, zones: &Zones) -> Result<Vec<Value>> {
        let bytes = self.value(zones)?;
        let view = View::open(&bytes)?;
        let window = self.window(zones, view.last_at())?;
        Ok(match &self.readout[..] {
            "value" => {
                let (first, last) = view.bounds().unzip();
                assert_eq!(Activity::decode(&bytes)?.encode()?, bytes, "{}: read back", self.name);
                vec![json!([hex(&bytes), view.users(), first.map(day), last.map(day)])]
            }
            "active_users" => active_users(&view, self.period("day")?, &window)?
                .iter()
                .map(|r| json!([day(r.start), r.active, r.new, r.active - r.new, r.complete]))
                .collect(),
            "engagement" => engagement(&view, &window)?
                .iter()
                .map(|r| json!([day(r.day), r.daily, r.weekly, r.monthly, r.stickiness(), r.complete]))
                .collect(),
            "lifecycle" => lifecycle(&view, self.period("week")?, &window)?
                .iter()
                .map(|r| {
                    let ratio = r.quick_ratio();
                    json!([day(r.start), r.active, r.new, r.retained, r.resurrected, r.churned, ratio, r.complete])
                })
                .collect(),
            "stickiness" => stickiness(&view, self.arguments.days.unwrap_or(28), &window)?
                .iter()
                .map(|r| json!([r.active_days, r.users, r.at_least, r.share()]))
                .collect(),
            "retention_matrix" => matrix(&view, &self.question()?, &window)?
                .iter()
                .map(|c| {
                    let (retained, rate, low, high) = rate(c);
                    let start = c.cohort.map(day);
                    json!([start, c.users, c.number, c.eligible, retained, rate, low, high, c.complete()])
                })
                .collect(),
            "retention_curve" => curve(&view, &self.question()?, &window)?
                .iter()
                .map(|c| {
                    let (retained, rate, low, high) = rate(c);
                    json!([c.number, c.users, c.eligible, retained, rate, low, high, c.complete()])
                })
                .collect(),
            "cohort_table" => cohort_table(&view, &window)?
                .iter()
                .map(|r| {
                    let [week_1, week_2, week_4, week_8, week_12] = r.weeks;
                    json!([day(r.cohort), r.users, week_1, week_2, week_4, week_8, week_12])
                })
                .collect(),
            other => panic!("{}: there is no readout {other}", self.name),
        })
    }
}

impl Golden for Case {
    fn said(&self) -> Said<'_> {
        let Case { name, origin, columns, rows, tolerance, .. } = self;
        Said { name, origin, columns, rows, tolerance: *tolerance }
    }

    fn answer(&self, zones: &Zones) -> Result<Vec<Value>> {
        self.ask(zones)
    }
}

/// What a case says of itself and of the answer.
struct Said<'a> {
    name: &'a str,
    origin: &'a str,
    columns: &'a [String],
    rows: &'a [Vec<Value>],
    tolerance: Option<f64>,
}

/// A case of any concept.
trait Golden {
    fn said(&self) -> Said<'_>;

    /// The answer, in the columns that SQL gives it.
    fn answer(&self, zones: &Zones) -> Result<Vec<Value>>;

    fn check(&self, zones: &Zones) {
        let Said { name, origin, columns, rows, tolerance } = self.said();
        let got = self.answer(zones).unwrap_or_else(|error| panic!("{name}: refused: {error:?}"));
        let expected = rows.iter().map(|row| json!(row)).collect::<Vec<_>>();
        let same = |(a, b): (&Value, &Value)| is_same(a, b, tolerance.unwrap_or(1e-12));
        let alike = got.len() == expected.len() && expected.iter().zip(&got).all(same);
        assert!(alike, "{name}\n({origin})\nexpected {expected:#?}\ngot {got:#?}");
        assert!(rows.iter().all(|row| row.len() == columns.len()), "{name}: columns");
        assert!(!origin.is_empty(), "{name}: whose figures are these?");
        assert_eq!((memory::claims(), memory::used()), (0, 0), "{name}: memory left in the memory account");
    }
}

/// Retained members and their rate with its bounds, `None` where nobody is eligible.
fn rate(cell: &Cell) -> (Option<u64>, Option<f64>, Option<f64>, Option<f64>) {
    match cell.rate() {
        None => (None, None, None, None),
        Some((rate, low, high)) => (Some(cell.retained), Some(rate), Some(low), Some(high)),
    }
}

/// Whether two values are the same, numbers to a tolerance.
fn is_same(expected: &Value, got: &Value, tolerance: f64) -> bool {
    match (expected, got) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b, tolerance))
        }
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| (a - b).abs() <= tolerance)
        }
        _ => expected == got,
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

fn run<C: Golden + DeserializeOwned>(name: &str) {
    let text = std::fs::read(directory().join(name).with_extension("json")).expect("a file");
    let file: File<C> = serde_json::from_slice(&text).expect("cases");
    assert!(!file.cases.is_empty());
    file.cases.iter().for_each(|case| case.check(&file.zones));
}

/// A test a file, named like it, with what its cases are.
macro_rules! files {
    ($($name:ident: $case:ty;)*) => {
        mod file {
            $(
                #[test]
                fn $name() {
                    crate::run::<$case>(stringify!($name));
                }
            )*
        }

        const FILES: &[&str] = &[$(stringify!($name)),*];
    };
}

files! {
    activity: crate::Case;
    assignment: crate::assignment::Case;
    engagement: crate::Case;
    funnel: crate::funnel::Case;
    lifecycle: crate::Case;
    retention: crate::Case;
    sessions: crate::sessions::Case;
    survival: crate::survival::Case;
}

#[test]
fn no_file_is_forgotten() {
    let files = std::fs::read_dir(directory()).expect("a directory").map(|file| file.expect("a file").path());
    let mut names = files.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned)).collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, FILES);
}
