//! The golden cases of sessions.

use crate::{Golden, Said, Zones, calendar, day, day_0, hex, instant, keys, kind};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};
use user_metrics_core::base::calendar::Span;
use user_metrics_core::base::calendar::{LocalDays, Micros};
use user_metrics_core::base::state::State;
use user_metrics_core::sessions::{Ending, Limits, Session, SessionKey, Sessions, Stats, View, hazard, list, stats};
use user_metrics_core::{Error, Result};

/// User, time, session id, milliseconds, whether it succeeded; what is missing at the end is null.
type Request = Vec<Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    origin: String,
    requests: Vec<Request>,
    #[serde(default)]
    users: Option<String>,
    #[serde(default)]
    timezone: Option<String>,
    #[serde(default)]
    week_start: Option<String>,
    #[serde(default)]
    without_users: Vec<String>,
    /// In seconds.
    #[serde(default)]
    session_gap: Option<f64>,
    #[serde(default)]
    max_idle: Option<f64>,
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
    period: Option<String>,
    max_requests: Option<u32>,
    since: Option<String>,
    until: Option<String>,
    as_of: Option<String>,
}

/// An instant as PostgreSQL writes a UTC time.
fn time(at: Micros) -> String {
    (day_0().and_hms_opt(0, 0, 0).expect("midnight") + TimeDelta::microseconds(at)).to_string()
}

impl Case {
    fn limits(&self) -> Limits {
        let micros = |seconds: f64| (seconds * 1e6).round() as Micros;
        Limits { gap: micros(self.session_gap.unwrap_or(1800.0)), idle: micros(self.max_idle.unwrap_or(86_400.0)) }
    }

    /// The sessions of some of the requests.
    fn state<'a>(&self, requests: impl Iterator<Item = &'a Request>) -> Result<Sessions> {
        let kind = kind(self.users.as_deref());
        let mut sessions = Sessions::new(kind, self.limits());
        for request in requests {
            let at = instant(request[1].as_str().expect("a time"));
            let rest = |i: usize| request.get(i).cloned().unwrap_or_default();
            let id = rest(2).as_str().map_or(SessionKey::NONE, |id| SessionKey::text(id.as_bytes()));
            for key in keys(kind, &request[0]) {
                sessions.observe(key, Session::request(at, rest(3).as_f64(), id, rest(4).as_bool()))?;
            }
        }
        Ok(sessions)
    }

    /// The bytes of the sessions of some of the requests: the same in one pass, backwards, and merged from a value each.
    fn value<'a>(&self, requests: impl DoubleEndedIterator<Item = &'a Request> + Clone) -> Result<Vec<u8>> {
        let bytes = self.state(requests.clone())?.encode()?;
        assert_eq!(self.state(requests.clone().rev())?.encode()?, bytes, "{}: backwards", self.name);
        let mut merged = self.state(std::iter::empty())?;
        for request in requests {
            merged.merge(&Sessions::decode(&self.state(std::iter::once(request))?.encode()?)?)?;
        }
        assert_eq!(merged.encode()?, bytes, "{}: merged", self.name);
        assert_eq!(Sessions::decode(&bytes)?.encode()?, bytes, "{}: read back", self.name);
        let kind = kind(self.users.as_deref());
        let left_out =
            self.without_users.iter().flat_map(|user| keys(kind, &json!(user))).flatten().collect::<Vec<_>>();
        Ok(View::open(&bytes)?.without(&left_out)?.unwrap_or(bytes))
    }

    /// What the glue makes of the times a caller gives, for a present later than all of them.
    fn span(&self, last_at: Option<Micros>) -> Span {
        let given = |text: &Option<String>| text.as_deref().map(instant);
        let (since, until) = (given(&self.arguments.since), given(&self.arguments.until));
        let end = given(&self.arguments.as_of).or(until).or(last_at).unwrap_or(0);
        Span { since, until, end: until.map_or(end, |until| until.min(end)) }
    }

    fn stats(&self, view: &View<'_>, span: &Span, zones: &Zones) -> Result<Vec<Value>> {
        let zone = self.timezone.as_deref().unwrap_or("UTC");
        let week_start = self.week_start.as_deref();
        let periods = self.arguments.period.as_deref().map(|name| calendar("period", name, week_start)).transpose()?;
        let mut days = LocalDays::default();
        let rows = stats(view, periods, span, |at| days.day(at, |at| Ok(zones.segment(zone, at))))?;
        Ok(rows.into_iter().map(stats_row).collect())
    }

    /// The sessions of each user by name, for a value knows only keys.
    fn list(&self, span: &Span) -> Result<Vec<Value>> {
        let mut users =
            self.requests.iter().map(|request| &request[0]).filter(|user| !user.is_null()).collect::<Vec<_>>();
        users.sort_by_key(|user| user.as_str());
        users.dedup();
        let mut rows = Vec::new();
        for user in users {
            let own = self.requests.iter().filter(|request| request[0] == *user);
            let ids = own.clone().filter_map(|request| request.get(2)?.as_str());
            let bytes = self.value(own)?;
            for (number, s) in list(&View::open(&bytes)?, span)? {
                let id = ids.clone().find(|id| s.key.bits().is_some() && SessionKey::text(id.as_bytes()) == s.key);
                let [active, whole] = [s.active(), s.span()].map(|micros| micros as f64 / 1e6);
                let outcome = s.ending(self.limits(), span.end).map(Ending::name);
                let (start, end) = (time(s.start), time(s.end));
                rows.push(json!([user, number, id, start, end, active, whole, s.requests, s.errors, outcome]));
            }
        }
        Ok(rows)
    }

    /// How each of the expected refusals comes out.
    fn refusals(&self) -> Vec<Value> {
        let refusal = |row: &Vec<Value>| {
            let digits = row[0].as_str().and_then(|text| text.strip_prefix("\\x")).expect("bytes");
            let byte = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).expect("digits");
            match Sessions::decode(&(0..digits.len()).step_by(2).map(byte).collect::<Vec<_>>()) {
                Ok(_) => json!([row[0], null, null]),
                Err(Error::Corrupt { what }) => json!([row[0], "22P02", what]),
                Err(Error::UnknownVersion { given }) => json!([row[0], "0A000", format!("layout version {given}")]),
                Err(other) => panic!("{}: refused as {other:?}", self.name),
            }
        };
        self.rows.iter().map(refusal).collect()
    }
}

fn stats_row(mut row: Stats) -> Value {
    let known = |count: u64| row.endings_known().then_some(count);
    let (completed, abandoned) = (known(row.completed), known(row.abandoned));
    let [median, p90] = [0.5, 0.9].map(|share| row.active_quantile(share));
    let [return_median, return_p90] = row.returns([0.5, 0.9]).expect("few waits");
    json!([
        row.start.map(day),
        row.users,
        row.sessions,
        row.requests,
        row.requests_per_session(),
        row.active_mean(),
        median,
        p90,
        row.span_mean(),
        row.single_request_share(),
        row.engaged_rate(),
        row.returned_24h_rate(),
        return_median,
        return_p90,
        completed,
        abandoned,
        row.open,
        row.completion_rate(),
        row.abandonment_point()
    ])
}

impl Golden for Case {
    fn said(&self) -> Said<'_> {
        let Case { name, origin, columns, rows, tolerance, .. } = self;
        Said { name, origin, columns, rows, tolerance: *tolerance }
    }

    fn answer(&self, zones: &Zones) -> Result<Vec<Value>> {
        if self.readout == "refused" {
            return Ok(self.refusals());
        }
        let bytes = self.value(self.requests.iter())?;
        let view = View::open(&bytes)?;
        let span = self.span(view.last_at());
        match &self.readout[..] {
            "value" => Ok(vec![json!([hex(&bytes), view.users()])]),
            "session_stats" => self.stats(&view, &span, zones),
            "session_hazard" => {
                let rows = hazard(&view, &span, self.arguments.max_requests.unwrap_or(50))?;
                Ok(rows.iter().map(|r| json!([r.number, r.reaching, r.abandoned, r.hazard()])).collect())
            }
            "session_list" => self.list(&span),
            other => panic!("{}: there is no readout {other}", self.name),
        }
    }
}
