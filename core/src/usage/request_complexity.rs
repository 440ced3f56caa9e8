//! `request_complexity`: how demanding a request is among those of its model and month, by what the log knows of it.
//! Definition D22.

use crate::calendar::{Calendar, Grain, Period};
use crate::error::Result;
use crate::function::{Call, Cell, Clock, Function, Past, Reads, Requests, Rows, Type, column};
use crate::history::{Fold, Table, Timeline};
use crate::host::{self, Claim};
use crate::users::{UserKey, Users};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "request_complexity",
    path: "usage::request_complexity",
    summary: "a rough guess at how demanding each request is among those of its model and month: the mean of the percentile \
              ranks of its tokens sent, its tokens received and its turn in the session, as far as they are known",
    arguments: &[],
    columns: &[
        column("request_id", Type::Text, "which request"),
        column("user_id", Type::Text, "whose"),
        column("occurred_at", Type::Instant, "when"),
        column("complexity", Type::Double, "mean of those of the three ranks that are known, between 0 and 1"),
        column("prompt_tokens_rank", Type::Double, "rank of its tokens sent"),
        column("completion_tokens_rank", Type::Double, "rank of its tokens received"),
        column("turn_rank", Type::Double, "rank of its turn in the session"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::Nothing,
        columns: &["request_id", "session_id", "model", "prompt_tokens", "completion_tokens"],
        needed: &[],
        names: true,
        order: &[],
    }),
    segmented: false,
    scalar: false,
    zoned: true,
    serves: None,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let columns =
        ["request_id", "session_id", "model", "prompt_tokens", "completion_tokens"].map(|name| call.column(name));
    let models = call.history.zip(columns[MODEL]).map(|(history, model)| history.dictionary(model));
    let is_empty = |code: &u32| models.and_then(|models| models.text(*code)) == Some(b"");
    let empty = (1..=models.map_or(0, |models| models.len() as u32)).find(is_empty).unwrap_or(0);
    let make = || {
        let groups = Groups {
            clock: call.clock()?,
            calendar: Calendar { grain: Grain::Month, week_start: 0 },
            month: Period { index: 0, start: 0, end: 0 },
            columns,
            empty,
            numbers: Table::default(),
        };
        let (turns, keys, claim) = (Turns::default(), Vec::new(), Claim::passing());
        Ok(Complexity { groups, turns, keys, counts: Users::new(), claim })
    };
    let mut fold = call.fold(&columns, make)?;
    let ranks = fold.ranks()?;
    let Complexity { mut groups, mut turns, mut keys, counts, mut claim } = fold;
    call.each_user(&columns, |user| {
        let whose = call.user_id(user.user, user.name);
        let name = Cell::Bytes(&whose);
        groups.keys(user, &mut turns, &mut keys, &mut claim)?;
        for (request, keys) in keys.iter().enumerate() {
            let rank = |n: usize| keys[n].and_then(|key| ranks.get(counts.get(key)?).copied());
            let found = [rank(0), rank(1), rank(2)];
            let known = found.iter().flatten().count();
            let mean = (known > 0).then(|| found.iter().flatten().sum::<f64>() / known as f64);
            let [prompt, completion, turn] = found.map(Cell::from);
            let (id, at) = (user.id(columns[ID], request).into(), Cell::Instant(user.at[request]));
            rows.row(&mut [id, name, at, mean.into(), prompt, completion, turn])?;
        }
        Ok(())
    })
}

/// The columns, by their place.
const ID: usize = 0;
const SESSION: usize = 1;
const MODEL: usize = 2;
const PROMPT: usize = 3;
const COMPLETION: usize = 4;

/// A number of a request, among all of its group and of its kind: prompt tokens, completion tokens or turn.
fn key(group: usize, kind: usize, number: f64) -> UserKey {
    // Doubles of 0 or more are in the order of their bits; -0 is 0.
    UserKey::from((group as u128) << 66 | (kind as u128) << 64 | u128::from((number + 0.0).to_bits()))
}

/// Which requests are compared: those of one model and one local month.
struct Groups<'a> {
    clock: Clock<'a>,
    calendar: Calendar,
    /// The month found last.
    month: Period,
    columns: [Option<usize>; 5],
    /// The code of a model that is an empty text, or 0.
    empty: u32,
    numbers: Table<()>,
}

impl Groups<'_> {
    /// The keys of what is known of each of a user's requests.
    fn keys(
        &mut self,
        user: &Timeline<'_>,
        turns: &mut Turns,
        keys: &mut Vec<[Option<UserKey>; 3]>,
        claim: &mut Claim,
    ) -> Result<()> {
        let models = user.codes(self.columns[MODEL]);
        let tokens = [PROMPT, COMPLETION].map(|column| user.numbers(self.columns[column]));
        let turns = turns.of(user, self.columns[SESSION], self.columns[ID])?;
        keys.clear();
        claim.reserve(keys, user.at.len())?;
        for (request, &at) in user.at.iter().enumerate() {
            let day = self.clock.day(at)?;
            if !(self.month.start..self.month.end).contains(&day) {
                self.month = self.calendar.period(day)?;
            }
            // No model is one, too, and so is an empty text.
            let model = models.map_or(0, |codes| codes[request]);
            let model = if model == self.empty { 0 } else { model };
            let (group, ()) = self.numbers.entry([0, model, self.month.index as u32], claim)?;
            let known = |numbers: Option<&[f64]>| numbers.map(|numbers| numbers[request]).filter(|n| !n.is_nan());
            let turn = turns.map(|turns| turns[request]).filter(|&turn| turn > 0).map(f64::from);
            let [prompt, completion] = tokens.map(known);
            let of = |kind: usize, number: Option<f64>| number.map(|number| key(group, kind, number));
            keys.push([of(0, prompt), of(1, completion), of(2, turn)]);
        }
        Ok(())
    }
}

/// The turns of a user's requests in their sessions: how many of the session have been made so far, this one and any of the
/// same instant and id included; 0 for requests without a session.
struct Turns {
    order: Vec<u32>,
    turns: Vec<u32>,
    claim: Claim,
}

impl Default for Turns {
    fn default() -> Self {
        Turns { order: Vec::new(), turns: Vec::new(), claim: Claim::passing() }
    }
}

impl Turns {
    fn of(&mut self, user: &Timeline<'_>, session: Option<usize>, id: Option<usize>) -> Result<Option<&[u32]>> {
        let Some(sessions) = user.sessions(session) else { return Ok(None) };
        let Turns { order, turns, claim } = self;
        order.clear();
        claim.reserve(order, sessions.len())?;
        order.extend(0..sessions.len() as u32);
        if !sessions.is_sorted() {
            host::poll();
            order.sort_by_key(|&request| sessions[request as usize]);
        }
        turns.clear();
        claim.extend_to(turns, sessions.len())?;
        let session = |request: u32| sessions[request as usize];
        for requests in order.chunk_by(|&a, &b| session(a) == session(b)) {
            if requests.first().is_none_or(|&first| session(first) == 0) {
                continue;
            }
            let alike = |&a: &u32, &b: &u32| {
                let (a, b) = (a as usize, b as usize);
                user.at[a] == user.at[b] && user.id(id, a) == user.id(id, b)
            };
            let mut turn = 0;
            for requests in requests.chunk_by(alike) {
                turn += requests.len() as u32;
                requests.iter().for_each(|&request| turns[request as usize] = turn);
            }
        }
        Ok(Some(turns))
    }
}

/// The fold: how many requests there are of each number.
struct Complexity<'a> {
    groups: Groups<'a>,
    turns: Turns,
    keys: Vec<[Option<UserKey>; 3]>,
    counts: Users<u64>,
    claim: Claim,
}

impl Complexity<'_> {
    /// The percentile rank of each number: the share of those below, and half the share of those alike.
    fn ranks(&mut self) -> Result<Vec<f64>> {
        let counts = &self.counts;
        let order = counts.sorted(&mut self.claim)?;
        let mut ranks = self.claim.filled(0.0, counts.len())?;
        let all = |&i: &u32| u128::from(counts.key(i as usize)) >> 64;
        for alike in order.chunk_by(|a, b| all(a) == all(b)) {
            host::poll();
            let total = alike.iter().map(|&i| *counts.value(i as usize)).sum::<u64>() as f64;
            let mut below = 0u64;
            for &i in alike {
                let count = *counts.value(i as usize);
                ranks[i as usize] = (below as f64 + count as f64 / 2.0) / total;
                below += count;
            }
        }
        Ok(ranks)
    }
}

impl Fold for Complexity<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Complexity { groups, turns, keys, counts, claim } = self;
        groups.keys(user, turns, keys, claim)?;
        for key in keys.iter().flatten().flatten() {
            let (number, _) = counts.number(*key, 0, claim)?;
            *counts.value_mut(number) += 1;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let Complexity { groups, counts, claim, .. } = self;
        let numbers = groups.numbers.merge(other.groups.numbers, claim, |(), (), _| Ok(()))?;
        for i in 0..other.counts.len() {
            let theirs = u128::from(other.counts.key(i));
            let group = numbers.get((theirs >> 66) as usize).copied().unwrap_or_default();
            let ours = UserKey::from((group as u128) << 66 | theirs & ((1 << 66) - 1));
            let (number, _) = counts.number(ours, 0, claim)?;
            *counts.value_mut(number) += *other.counts.value(i);
        }
        Ok(())
    }
}
