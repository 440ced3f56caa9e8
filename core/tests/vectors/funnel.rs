//! The golden cases of funnels.

use crate::{Golden, Said, Zones, day_0, hex, instant, keys, kind};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};
use user_metrics_core::base::calendar::Micros;
use user_metrics_core::base::calendar::Span;
use user_metrics_core::base::state::State;
use user_metrics_core::funnel::{
    Compatibility, Event, Funnel, Matcher, Mode, Rules, Standing, View, names, progress, shown, steps,
};
use user_metrics_core::{Error, Result};

/// User, time, and a letter for each step it is, `x` for one that must not come in between.
type Request = (Value, String, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    origin: String,
    requests: Vec<Request>,
    #[serde(default)]
    users: Option<String>,
    #[serde(default)]
    without_users: Vec<String>,
    steps: usize,
    /// In seconds.
    window: i64,
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    compatibility: Option<String>,
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
    since: Option<String>,
    until: Option<String>,
    as_of: Option<String>,
}

/// An instant as PostgreSQL writes a UTC time.
fn time(at: Micros) -> String {
    (day_0().and_hms_opt(0, 0, 0).expect("midnight") + TimeDelta::microseconds(at)).to_string()
}

/// The letters of the steps: a to w and A to Z, for x is none.
fn bits(letters: &str) -> u64 {
    let step = |letter: char| match letter {
        'a'..='w' => letter as u32 - 'a' as u32,
        'A'..='Z' => letter as u32 - 'A' as u32 + 23,
        other => panic!("there is no step {other}"),
    };
    letters.chars().filter(|&letter| letter != 'x').fold(0, |bits, letter| bits | 1 << step(letter))
}

impl Case {
    fn rules(&self) -> Rules {
        let mode = Mode::parse(self.mode.as_deref().unwrap_or("ordered")).expect("a mode");
        Rules::new(self.steps, self.window * 1_000_000, mode).expect("rules")
    }

    fn state<'a>(&self, requests: impl Iterator<Item = &'a Request>) -> Result<Funnel> {
        let kind = kind(self.users.as_deref());
        let mut funnel = Funnel::new(kind, self.rules());
        for (user, at, letters) in requests {
            for key in keys(kind, user) {
                funnel.observe(Event::new(instant(at), bits(letters), letters.contains('x')), || key)?;
            }
        }
        Ok(funnel)
    }

    /// The bytes of the funnel of some requests: the same in one pass, backwards, and merged from a value each.
    fn value<'a>(&self, requests: impl DoubleEndedIterator<Item = &'a Request> + Clone) -> Result<Vec<u8>> {
        let bytes = self.state(requests.clone())?.encode()?;
        assert_eq!(self.state(requests.clone().rev())?.encode()?, bytes, "{}: backwards", self.name);
        let mut merged = self.state(std::iter::empty())?;
        for request in requests {
            merged.merge(&Funnel::decode(&self.state(std::iter::once(request))?.encode()?)?)?;
        }
        assert_eq!(merged.encode()?, bytes, "{}: merged", self.name);
        assert_eq!(Funnel::decode(&bytes)?.encode()?, bytes, "{}: read back", self.name);
        let kind = kind(self.users.as_deref());
        let left_out =
            self.without_users.iter().flat_map(|user| keys(kind, &json!(user))).flatten().collect::<Vec<_>>();
        Ok(View::open(&bytes)?.without(&left_out)?.unwrap_or(bytes))
    }

    /// What the glue makes of the times a caller gives, for a present later than all of them.
    fn span(&self, last_at: Option<Micros>) -> Span {
        let given = |text: &Option<String>| text.as_deref().map(instant);
        let (since, until) = (given(&self.arguments.since), given(&self.arguments.until));
        Span { since, until, end: given(&self.arguments.as_of).or(last_at).unwrap_or(0) }
    }

    /// Where each user stands, by name, for a value knows only keys.
    fn users(&self, compatibility: Compatibility) -> Result<Vec<Value>> {
        let mut users = self.requests.iter().map(|(user, ..)| user).collect::<Vec<_>>();
        users.sort_by_key(|user| user.as_str());
        users.dedup();
        let mut rows = Vec::new();
        for user in users {
            let bytes = self.value(self.requests.iter().filter(|(own, ..)| own == user))?;
            let view = View::open(&bytes)?;
            let span = self.span(view.last_at());
            let mut matcher = Matcher::new(view.rules(), compatibility, span.end)?.until(span.until);
            view.each(|_, events| {
                for row in progress(matcher.journey(shown(events, &span))?, self.steps) {
                    assert_eq!(row.reached.is_some(), row.standing == Standing::Completed);
                    rows.push(json!([user, row.step + 1, row.reached.map(time), row.standing.name()]));
                }
                Ok(())
            })?;
        }
        Ok(rows)
    }

    /// How each of the expected refusals comes out.
    fn refusals(&self) -> Vec<Value> {
        let refusal = |row: &Vec<Value>| {
            let digits = row[0].as_str().and_then(|text| text.strip_prefix("\\x")).expect("bytes");
            let byte = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).expect("digits");
            match Funnel::decode(&(0..digits.len()).step_by(2).map(byte).collect::<Vec<_>>()) {
                Ok(_) => json!([row[0], null, null]),
                Err(Error::Corrupt { what }) => json!([row[0], "22P02", what]),
                Err(Error::UnknownVersion { given }) => json!([row[0], "0A000", format!("layout version {given}")]),
                Err(other) => panic!("{}: refused as {other:?}", self.name),
            }
        };
        self.rows.iter().map(refusal).collect()
    }
}

impl Golden for Case {
    fn said(&self) -> Said<'_> {
        let Case { name, origin, columns, rows, tolerance, .. } = self;
        Said { name, origin, columns, rows, tolerance: *tolerance }
    }

    fn answer(&self, _: &Zones) -> Result<Vec<Value>> {
        let compatibility = Compatibility::parse(self.compatibility.as_deref().unwrap_or("standard"))?;
        match &self.readout[..] {
            "refused" => Ok(self.refusals()),
            "funnel_users" => self.users(compatibility),
            "value" => {
                let bytes = self.value(self.requests.iter())?;
                Ok(vec![json!([hex(&bytes), View::open(&bytes)?.users()])])
            }
            "funnel_steps" => {
                let bytes = self.value(self.requests.iter())?;
                let view = View::open(&bytes)?;
                let called = names(self.steps, view.rules().mode, None)?;
                let table = steps(&view, compatibility, &self.span(view.last_at()))?;
                let row = |((number, name), mut step): ((usize, String), user_metrics_core::funnel::Step)| {
                    let [median, p90] = [0.5, 0.9].map(|share| step.quantile(share));
                    let (low, high) = step.bounds().unzip();
                    let rates = (step.from_previous_rate(), step.from_first_rate());
                    json!([
                        number,
                        name,
                        step.users,
                        step.eligible,
                        step.reached,
                        rates.0,
                        rates.1,
                        step.dropped,
                        step.open,
                        median,
                        p90,
                        low,
                        high
                    ])
                };
                Ok((1..).zip(called).zip(table).map(row).collect())
            }
            other => panic!("{}: there is no readout {other}", self.name),
        }
    }
}
