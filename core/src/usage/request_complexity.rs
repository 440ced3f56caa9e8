//! `request_complexity`: the complexity of each request among those of its model and month, from the known columns.
//! Definition D22.

use crate::base::calendar::{Calendar, Grain, Period};
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::base::user_table::{UserKey, Users};
use crate::function::{Call, Cell, Clock, Function, Past, Reads, Requests, Rows, Type, column};
use crate::history::{Fold, Table, Timeline};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "request_complexity",
    path: "usage::request_complexity",
    example: "",
    summary: "heuristic complexity of each request among those of its model and month: mean of the percentile ranks of \
              its prompt tokens, its completion tokens and its turn in the session, as far as they are known",
    arguments: &[],
    columns: &[
        column("request_id", Type::Text, "id of the request"),
        column("user_id", Type::Text, "user of the request"),
        column("occurred_at", Type::Instant, "time of the request"),
        column("complexity", Type::Double, "mean of those of the three ranks that are known, between 0 and 1"),
        column("prompt_tokens_rank", Type::Double, "percentile rank of its prompt tokens"),
        column("completion_tokens_rank", Type::Double, "percentile rank of its completion tokens"),
        column("turn_rank", Type::Double, "percentile rank of its turn in the session"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::Nothing,
        columns: &["request_id", "session_id", "model", "prompt_tokens", "completion_tokens"],
        needed: &[],
        names: true,
    }),
    segmented: false,
    scalar: false,
    zoned: true,
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
            calendar: Calendar::plain(Grain::Month),
            month: Period { index: 0, start: 0, end: 0 },
            columns,
            empty,
            numbers: Table::default(),
        };
        let (turns, known, claim) = (Turns::default(), Vec::new(), Claim::temporary());
        Ok(Complexity { groups, turns, known, counts: Counts::default(), claim })
    };
    let Complexity { mut groups, mut turns, mut known, mut counts, mut claim } = call.fold(&columns, make)?;
    counts.rank(&mut claim)?;
    call.each_user(&columns, |user| {
        let whose = call.user_id(user.user, user.name);
        let name = Cell::Bytes(&whose);
        groups.known(user, &mut turns, &mut known, &mut claim)?;
        for (request, (list, numbers)) in known.iter().enumerate() {
            let rank = |n: usize| numbers[n].and_then(|number| counts.rank_of(list + n, number));
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

/// The indexes of columns.
const ID: usize = 0;
const SESSION: usize = 1;
const MODEL: usize = 2;
const PROMPT: usize = 3;
const COMPLETION: usize = 4;

/// The number of values of a request: prompt tokens, completion tokens and turn.
const KINDS: usize = 3;
/// The index of the first list of the request's group, and the values.
type Known = (usize, [Option<f64>; KINDS]);

/// The frequency of each number, by list: one for each group and kind of value.
#[derive(Debug, Default)]
struct Counts {
    /// The small whole numbers, which most are, by value: their frequency, and later the bits of their rank.
    small: Vec<Vec<u64>>,
    /// Other numbers.
    others: Users<u64>,
    is_ranked: bool,
}

/// Whole numbers below this are small.
const SMALL: usize = 1 << 14;

/// A number as index, if it is small.
#[inline]
fn small(number: f64) -> Option<usize> {
    let whole = number as usize;
    (whole < SMALL && whole as f64 == number).then_some(whole)
}

fn other(list: usize, number: f64) -> UserKey {
    // Doubles of 0 or more have the same order as their bits.
    UserKey::from((list as u128) << 64 | u128::from(number.to_bits()))
}

impl Counts {
    #[inline]
    fn add(&mut self, list: usize, number: f64, times: u64, claim: &mut Claim) -> Result<()> {
        let Some(place) = small(number) else {
            let (number, _) = self.others.number(other(list, number), 0, claim)?;
            *self.others.value_mut(number) += times;
            return Ok(());
        };
        while self.small.len() <= list {
            claim.push(&mut self.small, Vec::new())?;
        }
        let counts = &mut self.small[list];
        if counts.len() <= place {
            claim.extend_to(counts, (place + 1).next_power_of_two())?;
        }
        counts[place] += times;
        Ok(())
    }

    /// Replaces the frequency of each number by its percentile rank: the share of lower numbers, and half the share of equal
    /// ones.
    fn rank(&mut self, claim: &mut Claim) -> Result<()> {
        let order = self.others.sorted(claim)?;
        let list_of = |i: u32, others: &Users<u64>| (u128::from(others.key(i as usize)) >> 64) as usize;
        let mut rest = order.as_slice();
        let lists = order.last().map_or(0, |&i| list_of(i, &self.others) + 1).max(self.small.len());
        for list in 0..lists {
            memory::poll();
            let of_list = rest.partition_point(|&i| list_of(i, &self.others) <= list);
            let (others, behind) = rest.split_at(of_list);
            rest = behind;
            let mut nothing = Vec::new();
            let small = self.small.get_mut(list).unwrap_or(&mut nothing);
            let of_others = others.iter().map(|&i| *self.others.value(i as usize)).sum::<u64>();
            let total = (small.iter().sum::<u64>() + of_others) as f64;
            let (mut below, mut others) = (0u64, others.iter().peekable());
            let mut rank = |count: &mut u64| {
                let rank = (below as f64 + *count as f64 / 2.0) / total;
                below += std::mem::replace(count, rank.to_bits());
            };
            for (place, count) in small.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
                // Fractional numbers lie in between.
                while let Some(&&i) = others.peek()
                    && f64::from_bits(u128::from(self.others.key(i as usize)) as u64) < place as f64
                {
                    rank(self.others.value_mut(i as usize));
                    others.next();
                }
                rank(count);
            }
            others.for_each(|&i| rank(self.others.value_mut(i as usize)));
        }
        self.is_ranked = true;
        Ok(())
    }

    /// The rank of a number that was counted, after ranking.
    #[inline]
    fn rank_of(&self, list: usize, number: f64) -> Option<f64> {
        let bits = match small(number) {
            Some(place) => *self.small.get(list)?.get(place)?,
            None => *self.others.value(self.others.get(other(list, number))?),
        };
        self.is_ranked.then(|| f64::from_bits(bits))
    }
}

/// The groups of comparison: requests with the same model and local month.
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
    /// The known values of each of a user's requests.
    fn known(
        &mut self,
        user: &Timeline<'_>,
        turns: &mut Turns,
        known: &mut Vec<Known>,
        claim: &mut Claim,
    ) -> Result<()> {
        let models = user.codes(self.columns[MODEL]);
        let tokens = [PROMPT, COMPLETION].map(|column| user.numbers(self.columns[column]));
        let turns = turns.of(user, self.columns[SESSION], self.columns[ID])?;
        known.clear();
        claim.reserve(known, user.at.len())?;
        for (request, &at) in user.at.iter().enumerate() {
            let day = self.clock.day(at)?;
            if !(self.month.start..self.month.end).contains(&day) {
                self.month = self.calendar.period(day)?;
            }
            // Requests without a model form a group, too, and so do those with an empty text.
            let model = models.map_or(0, |codes| codes[request]);
            let model = if model == self.empty { 0 } else { model };
            let (group, ()) = self.numbers.entry([0, model, self.month.index as u32], claim)?;
            // -0 becomes 0.
            let of = |numbers: Option<&[f64]>| numbers.map(|numbers| numbers[request] + 0.0).filter(|n| !n.is_nan());
            let turn = turns.map(|turns| turns[request]).filter(|&turn| turn > 0).map(f64::from);
            known.push((group * KINDS, [of(tokens[0]), of(tokens[1]), turn]));
        }
        Ok(())
    }
}

/// The turns of a user's requests in their sessions: the number of requests of the session so far, this one and any with the
/// same instant and id included; 0 for requests without a session.
struct Turns {
    order: Vec<u32>,
    turns: Vec<u32>,
    claim: Claim,
}

impl Default for Turns {
    fn default() -> Self {
        Turns { order: Vec::new(), turns: Vec::new(), claim: Claim::temporary() }
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
            memory::poll();
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

/// The fold: the frequency of each number.
struct Complexity<'a> {
    groups: Groups<'a>,
    turns: Turns,
    known: Vec<Known>,
    counts: Counts,
    claim: Claim,
}

impl Fold for Complexity<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Complexity { groups, turns, known, counts, claim } = self;
        groups.known(user, turns, known, claim)?;
        for (list, numbers) in &*known {
            for (kind, number) in numbers.iter().enumerate() {
                if let Some(number) = number {
                    counts.add(list + kind, *number, 1, claim)?;
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let Complexity { groups, counts, claim, .. } = self;
        let groups = groups.numbers.merge(other.groups.numbers, claim, |(), (), _| Ok(()))?;
        let ours = |list: usize| groups.get(list / KINDS).copied().unwrap_or_default() * KINDS + list % KINDS;
        for (list, theirs) in other.counts.small.iter().enumerate() {
            for (number, &times) in theirs.iter().enumerate().filter(|(_, times)| **times > 0) {
                counts.add(ours(list), number as f64, times, claim)?;
            }
        }
        let others = other.counts.others;
        (0..others.len()).try_for_each(|i| {
            let key = u128::from(others.key(i));
            counts.add(ours((key >> 64) as usize), f64::from_bits(key as u64), *others.value(i), claim)
        })
    }
}
