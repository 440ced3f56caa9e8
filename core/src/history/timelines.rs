//! Reading a history: partitions are converted one by one into arrays by column, user after user, each user's requests in
//! time order; then every user is visited.
//!
//! Streams are merged by time: within a stream rows mostly come in order, so it is only left when another has an earlier
//! row. If a stream goes back in time - a scan may begin in the middle of a table and wrap - it is treated as two; if that
//! happens often, users are sorted one by one. Requests of a user at the same instant are ordered by content: shorter ids
//! before longer ones (in characters), then by bytes, then by the other columns in order, unknown values last.
//!
//! A partition that does not fit in memory is read in several passes, each with a part of its users.

use super::block::{Block, Blocks};
use super::stream::{Bytes, File, Stream, StreamPart};
use super::timeline::{Timeline, Values, characters, id, permuted, sized};
use super::{History, Kind, PARTITION_BITS, PARTITIONS, Scratch};
use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::user_table::{UNKNOWN, UserKey, Users};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::Range;

/// The index of a user who is not read: excluded, or in another pass.
const SKIPPED: u32 = u32::MAX;
/// With more sorted runs than this, users are sorted one by one.
const MOST_RUNS: usize = 8;
/// The number of users looked up in the table at a time.
const BATCH: usize = 256;

fn corrupt<T>(what: &'static str) -> Result<T> {
    Err(Error::Corrupt { what })
}

/// Working memory of reading, kept from partition to partition: fresh memory costs more than filling it.
#[derive(Default)]
struct Buffers {
    /// Buffers for streams' chunks.
    chunks: Vec<Vec<u8>>,
    keys: Vec<UserKey>,
    /// The index of a united user for each user of a stream, stream by stream.
    numbers: Vec<Vec<u32>>,
    /// The stream and the index there of a united user.
    sources: Vec<(u32, u32)>,
    /// Times and users, row by row and stream by stream.
    times: Vec<Micros>,
    users: Vec<u32>,
    /// The row's position in the arrays.
    places: Vec<u32>,
    /// Where each user's requests begin.
    starts: Vec<u32>,
    next: Vec<u32>,
    at: Vec<Micros>,
    columns: Vec<Option<Values>>,
    ids: Vec<u8>,
    blocks: Blocks,
    lasts: Vec<u64>,
    order: Vec<u32>,
}

impl History {
    /// Visits every user except those of the ascending `left_out`, with the columns whose indexes are in `wanted`. It can be
    /// repeated. Input must have been settled.
    pub fn each(
        &self,
        wanted: &[usize],
        left_out: &[UserKey],
        visit: &mut dyn FnMut(&Timeline<'_>) -> Result<()>,
    ) -> Result<()> {
        let (mut buffers, mut claim) = (Buffers::default(), Claim::temporary());
        buffers.columns = self.layout.kinds.iter().map(|_| None).collect(); // few: columns
        for &column in wanted {
            buffers.columns[column] = Some(Values::new(self.layout.kinds[column]));
        }
        for p in 0..PARTITIONS {
            let passes = self.passes(p, &buffers, &claim)?;
            for pass in 0..passes {
                memory::poll();
                let mut visit = |user: &Timeline<'_>| {
                    self.has_users.set(true);
                    visit(user)
                };
                self.partition(p, (pass, passes), left_out, &mut buffers, &mut claim, &mut visit)?;
            }
        }
        Ok(())
    }

    /// Whether any user has been visited: otherwise all requests are of nobody, or of users who are left out.
    pub fn has_users(&self) -> bool {
        self.has_users.get()
    }

    /// The number of passes over a partition, a power of two.
    fn passes(&self, p: usize, buffers: &Buffers, claim: &Claim) -> Result<usize> {
        let parts = || self.streams.iter().filter_map(|stream| Some((stream, stream.parts.get(p)?)));
        let rows = parts().map(|(_, part)| part.rows as usize).sum::<usize>();
        let users = parts().map(|(_, part)| part.keys.len() / 16).sum::<usize>();
        let packed = parts().flat_map(|(_, part)| &part.chunks).map(Bytes::filed).sum::<usize>();
        let wanted = buffers.columns.iter().flatten().map(Values::width).sum::<usize>();
        // The buffers exist since the previous partition.
        let others = memory::used().saturating_sub(claim.bytes());
        // Memory needed by every pass; and memory that is divided: positions and values of rows, and users once for all
        // streams.
        let all = packed + rows * 16 + users * 4;
        let free = memory::limit().saturating_sub(others).saturating_sub(all) / 4 * 3;
        // The bytes of ids, which are copied.
        let has_ids = buffers.columns.iter().flatten().any(|values| matches!(values, Values::Ids(_)));
        let chunks = parts().flat_map(|(_, part)| &part.chunks).map(Bytes::len).sum::<usize>();
        let ids = if has_ids { chunks } else { 0 };
        let passes = |users: usize| {
            (rows * (8 + wanted) + users * 64 + ids).div_ceil(free.max(1)).next_power_of_two().min(1 << 10)
        };
        match passes(users) {
            1 => Ok(1),
            _ => self.distinct(parts()).map(|distinct| passes(distinct.min(users))),
        }
    }

    /// The approximate number of distinct users of streams, estimated from a sample.
    fn distinct<'a>(&'a self, parts: impl Iterator<Item = (&'a Stream, &'a StreamPart)>) -> Result<usize> {
        const OF: u64 = 16;
        let (mut sample, mut claim, mut buffer) = (Users::<()>::new(), Claim::temporary(), Vec::new());
        for (stream, part) in parts {
            memory::poll();
            let bytes = part.keys.read(self.scratch(stream), &mut buffer, &mut claim)?;
            for key in bytes.as_chunks::<16>().0.iter().map(|bytes| UserKey::from(u128::from_be_bytes(*bytes))) {
                // Bits that determine neither the partition nor the pass.
                if key.hash() >> 20 & (OF - 1) == 0 {
                    sample.number(key, (), &mut claim)?;
                }
            }
        }
        Ok((sample.len() + 1) * OF as usize)
    }

    fn scratch(&self, stream: &Stream) -> Option<&dyn Scratch> {
        match stream.file {
            None => self.scratch.as_deref(),
            Some(file) => match self.files.get(file)? {
                File::Open(scratch) => Some(scratch.as_ref()),
                File::Named(_) => None,
            },
        }
    }

    fn partition(
        &self,
        p: usize,
        pass: (usize, usize),
        left_out: &[UserKey],
        buffers: &mut Buffers,
        claim: &mut Claim,
        visit: &mut dyn FnMut(&Timeline<'_>) -> Result<()>,
    ) -> Result<()> {
        // Data that live as long as the partition is read.
        let (mut parts, mut own) = (Vec::new(), Claim::temporary());
        own.reserve(&mut parts, self.streams.len())?;
        for stream in &self.streams {
            parts.push((stream, stream.parts.get(p).ok_or(Error::Corrupt { what: "a stream without a partition" })?));
        }
        let mut name_bytes = Vec::new();
        let names = self.unite(&parts, pass, left_out, buffers, (claim, &mut own), &mut name_bytes)?;
        // All chunks of the partition, in memory while it is read.
        let mut chunks: Vec<(usize, &[u8])> = Vec::new();
        let count = parts.iter().map(|(_, part)| part.chunks.len()).sum::<usize>();
        own.reserve(&mut chunks, count)?;
        let mut held = std::mem::take(&mut buffers.chunks);
        while held.len() < count {
            claim.push(&mut held, Vec::new())?;
        }
        let mut free = held.iter_mut();
        for (s, (stream, part)) in parts.iter().enumerate() {
            for chunk in &part.chunks {
                let Some(buffer) = free.next() else { return corrupt("more chunks than there are") };
                chunks.push((s, chunk.read(self.scratch(stream), buffer, claim)?));
            }
        }
        let rows = parts.iter().map(|(_, part)| part.rows as usize).sum::<usize>();
        let ends = self.rows(&chunks, rows, parts.len(), buffers, claim)?;
        let in_order = self.places(&ends, buffers, claim)?;
        self.columns(&chunks, buffers, claim)?;
        buffers.chunks = held;
        self.sort(in_order, buffers, claim)?;
        for u in 0..buffers.keys.len() {
            if u % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                memory::poll();
            }
            let (from, until) = (buffers.starts[u] as usize, buffers.starts[u + 1] as usize);
            if from == until {
                continue;
            }
            let name = match (&names, buffers.sources.get(u)) {
                (Some(names), Some(&(stream, number))) => {
                    let (from, until) = names[stream as usize][number as usize];
                    Some(&name_bytes[from..until])
                }
                _ => None,
            };
            visit(&Timeline {
                user: buffers.keys[u],
                name,
                at: &buffers.at[from..until],
                from,
                columns: &buffers.columns,
                ids: &buffers.ids,
                instead: None,
            })?;
        }
        Ok(())
    }

    /// Gives every user of the pass one index, whatever streams they are in: `keys`, `numbers` and, if names are kept,
    /// `sources`. Returns where the names of streams' users are in `name_bytes`.
    fn unite(
        &self,
        parts: &[(&Stream, &StreamPart)],
        (pass, passes): (usize, usize),
        left_out: &[UserKey],
        buffers: &mut Buffers,
        (claim, own): (&mut Claim, &mut Claim),
        name_bytes: &mut Vec<u8>,
    ) -> Result<Option<Vec<Vec<(usize, usize)>>>> {
        let Buffers { keys, numbers, sources, .. } = buffers;
        keys.clear();
        sources.clear();
        while numbers.len() < parts.len() {
            claim.push(numbers, Vec::new())?;
        }
        let (mut table, mut passing) = (Users::<()>::new(), Claim::temporary());
        let mut names = Vec::new();
        let (mut buffer, mut name_buffer) = (Vec::new(), Vec::new());
        let shift = 64 - PARTITION_BITS - passes.trailing_zeros();
        let is_read = |key: UserKey| {
            (passes == 1 || (key.hash() >> shift) as usize & (passes - 1) == pass)
                && (left_out.is_empty() || left_out.binary_search(&key).is_err())
        };
        for (s, (stream, part)) in parts.iter().enumerate() {
            let bytes = part.keys.read(self.scratch(stream), &mut buffer, &mut passing)?;
            let (stored, []) = bytes.as_chunks::<16>() else { return corrupt("users cut short") };
            let map = &mut numbers[s];
            map.clear();
            claim.reserve(map, stored.len())?;
            for batch in stored.chunks(BATCH) {
                memory::poll();
                let of = |bytes: &[u8; 16]| UserKey::from(u128::from_be_bytes(*bytes));
                let mut found = [UNKNOWN; BATCH];
                if s > 0 {
                    table.find_all(batch.iter().map(of), &mut found[..batch.len()]);
                }
                for (bytes, &known) in batch.iter().zip(&found) {
                    let key = of(bytes);
                    if known != UNKNOWN {
                        map.push(known);
                    } else if !is_read(key) {
                        map.push(SKIPPED);
                    } else {
                        // The users of one stream are distinct; only those of others must be looked up.
                        let (number, is_new) = match parts.len() {
                            1 => (keys.len(), true),
                            _ => table.number(key, (), &mut passing)?,
                        };
                        if is_new {
                            claim.push(keys, key)?;
                            if self.keeps_names() {
                                claim.push(sources, (s as u32, map.len() as u32))?;
                            }
                        }
                        map.push(number as u32);
                    }
                }
            }
            if self.keeps_names() {
                let bytes = part.names.read(self.scratch(stream), &mut name_buffer, &mut passing)?;
                let base = name_bytes.len();
                own.reserve_doubling(name_bytes, bytes.len())?;
                name_bytes.extend_from_slice(bytes);
                let mut places = Vec::new();
                own.reserve(&mut places, stored.len())?;
                let mut rest = bytes;
                while let Some((length, after)) = rest.split_first_chunk::<4>() {
                    let length = u32::from_le_bytes(*length) as usize;
                    let Some(after) = after.get(length..) else { return corrupt("names cut short") };
                    let until = base + bytes.len() - after.len();
                    own.push(&mut places, (until - length, until))?;
                    rest = after;
                }
                if places.len() != stored.len() {
                    return corrupt("users without names");
                }
                names.push(places);
            }
        }
        Ok(self.keeps_names().then_some(names))
    }

    /// Reads times and users of all rows, and counts the users' requests. Returns where each stream's rows end.
    fn rows(
        &self,
        chunks: &[(usize, &[u8])],
        rows: usize,
        streams: usize,
        buffers: &mut Buffers,
        claim: &mut Claim,
    ) -> Result<Vec<usize>> {
        let Buffers { times, users, numbers, starts, blocks, keys, .. } = buffers;
        sized(times, rows, claim)?;
        sized(users, rows, claim)?;
        starts.clear();
        sized(starts, keys.len() + 1, claim)?;
        let (mut from, mut ends) = (0, vec![0; streams]); // few: streams
        let mut is_wrong = false;
        for &(s, mut chunk) in chunks {
            memory::poll();
            let map = &numbers[s];
            while let Some(block) = blocks.next(&self.layout, &mut chunk)? {
                let until = from + block.rows;
                let (Some(times), Some(users)) = (times.get_mut(from..until), users.get_mut(from..until)) else {
                    return corrupt("more rows than there are");
                };
                block.times(|i, at| times[i] = at);
                block.users(|i, user| {
                    let user = map.get(user as usize).copied().unwrap_or_else(|| {
                        is_wrong = true;
                        SKIPPED
                    });
                    users[i] = user;
                    if user != SKIPPED {
                        starts[user as usize + 1] += 1;
                    }
                });
                from = until;
            }
            ends[s] = from;
        }
        if is_wrong || from != rows {
            return corrupt("rows of users that are none");
        }
        // Streams without rows here end where the previous one ends.
        (1..streams).for_each(|s| ends[s] = ends[s].max(ends[s - 1]));
        let mut sum = 0u32;
        for start in starts.iter_mut() {
            sum = sum.checked_add(*start).ok_or(Error::TooLarge { bytes: rows })?;
            *start = sum;
        }
        Ok(ends)
    }

    /// Assigns every row its position: user by user, in time order. Returns whether that was possible.
    fn places(&self, ends: &[usize], buffers: &mut Buffers, claim: &mut Claim) -> Result<bool> {
        let Buffers { times, users, places, starts, next, .. } = buffers;
        next.clear();
        claim.reserve(next, starts.len())?;
        next.extend_from_slice(starts);
        sized(places, times.len(), claim)?;
        let mut put = |row: usize, places: &mut [u32]| {
            let user = users[row];
            places[row] = match next.get_mut(user as usize) {
                Some(place) => {
                    *place += 1;
                    *place - 1
                }
                None => SKIPPED,
            };
        };
        let runs = runs(times, ends);
        let Some(mut runs) = runs else {
            (0..times.len()).for_each(|row| put(row, places));
            return Ok(false);
        };
        // The runs by the time of their next row.
        let mut heap = BinaryHeap::with_capacity(runs.len()); // few: runs
        heap.extend(runs.iter().enumerate().map(|(r, run)| Reverse((times[run.start], r))));
        while let Some(Reverse((_, r))) = heap.pop() {
            memory::poll();
            let other = heap.peek().map_or(Micros::MAX, |Reverse((at, _))| *at);
            let run = &mut runs[r];
            let mut row = run.start;
            // Until another run has an earlier row.
            loop {
                put(row, places);
                row += 1;
                if row >= run.end || times[row] > other {
                    break;
                }
            }
            run.start = row;
            if row < run.end {
                heap.push(Reverse((times[row], r)));
            }
        }
        Ok(true)
    }

    /// Moves times and wanted columns to their rows' positions.
    fn columns(&self, chunks: &[(usize, &[u8])], buffers: &mut Buffers, claim: &mut Claim) -> Result<()> {
        let Buffers { times, places, starts, at, columns, ids, blocks, lasts, .. } = buffers;
        let rows = starts.last().map_or(0, |&rows| rows as usize);
        sized(at, rows, claim)?;
        for (&time, &place) in times.iter().zip(&*places) {
            if let Some(at) = at.get_mut(place as usize) {
                *at = time;
            }
        }
        ids.clear();
        for values in columns.iter_mut().flatten() {
            values.prepare(rows, claim)?;
        }
        let (mut numbers, mut sessions) = (0, 0);
        for (c, values) in columns.iter_mut().enumerate() {
            let kind = self.layout.kinds[c];
            let nth = if kind == Kind::Session { sessions } else { numbers };
            match kind {
                Kind::Count | Kind::Number => numbers += 1,
                Kind::Session => sessions += 1,
                _ => {}
            }
            let Some(values) = values else { continue };
            let (mut from, mut of) = (0, None);
            for &(s, mut chunk) in chunks {
                memory::poll();
                if of != Some(s) {
                    of = Some(s);
                    lasts.clear();
                    if kind == Kind::Session {
                        // By the indexes of the stream itself, which are below the number of its rows.
                        sized(lasts, buffers.numbers[s].len(), claim)?;
                    }
                }
                let map = self.streams[s].codes.get(c);
                while let Some(block) = blocks.next(&self.layout, &mut chunk)? {
                    let Some(places) = places.get(from..from + block.rows) else {
                        return corrupt("more rows than there are");
                    };
                    from += block.rows;
                    bring(&block, (c, nth), values, places, map.map(Vec::as_slice), ids, lasts, claim)?;
                }
            }
        }
        Ok(())
    }

    /// Sorts what is not in order yet: users' requests by time, and those at the same instant by content.
    fn sort(&self, in_order: bool, buffers: &mut Buffers, claim: &mut Claim) -> Result<()> {
        let Buffers { starts, at, columns, ids, order, .. } = buffers;
        for (u, range) in starts.windows(2).enumerate() {
            if u % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                memory::poll();
            }
            let range = range[0] as usize..range[1] as usize;
            if !in_order && !at[range.clone()].is_sorted() {
                order.clear();
                claim.reserve(order, range.len())?;
                order.extend(0..range.len() as u32);
                memory::poll();
                order.sort_by_key(|&i| at[range.start + i as usize]);
                permuted(&mut at[range.clone()], order)?;
                columns.iter_mut().flatten().try_for_each(|values| values.permute(range.clone(), order))?;
            }
            let mut from = range.start;
            while from < range.end {
                let instant = at[from];
                let until = from + at[from..range.end].iter().take_while(|&&at| at == instant).count();
                if until - from > 1 {
                    order.clear();
                    claim.reserve(order, until - from)?;
                    order.extend(0..(until - from) as u32);
                    memory::poll();
                    order.sort_by(|&a, &b| self.compare(columns, ids, from + a as usize, from + b as usize));
                    columns.iter_mut().flatten().try_for_each(|values| values.permute(from..until, order))?;
                }
                from = until;
            }
        }
        Ok(())
    }

    /// The order of two requests of one user at the same instant.
    fn compare(&self, columns: &[Option<Values>], ids: &[u8], a: usize, b: usize) -> Ordering {
        let of_ids = columns.iter().flatten().map(|values| match values {
            Values::Ids(places) => {
                let of = |row: usize| id(ids, places[row]).map(|id| (characters(id), id));
                last_if_none(of(a), of(b))
            }
            _ => Ordering::Equal,
        });
        let others = columns.iter().enumerate().filter_map(|(c, values)| Some((c, values.as_ref()?)));
        let of_others = others.map(|(c, values)| match values {
            Values::Codes(codes) => {
                let text = |row: usize| self.dictionary(c).text(codes[row]);
                if codes[a] == codes[b] { Ordering::Equal } else { last_if_none(text(a), text(b)) }
            }
            Values::Sessions(sessions) => sessions[a].cmp(&sessions[b]),
            Values::Ids(_) => Ordering::Equal,
            Values::Numbers(numbers) => {
                let known = |row: usize| Some(numbers[row]).filter(|number| !number.is_nan());
                match (known(a), known(b)) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    (a, b) => b.is_some().cmp(&a.is_some()),
                }
            }
            Values::Flags(flags) => flags[a].wrapping_sub(1).cmp(&flags[b].wrapping_sub(1)),
        });
        of_ids.chain(of_others).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

fn last_if_none<T: Ord>(a: Option<T>, b: Option<T>) -> Ordering {
    match (&a, &b) {
        (Some(a), Some(b)) => a.cmp(b),
        _ => b.is_some().cmp(&a.is_some()),
    }
}

/// The sorted runs of rows by time, stream by stream, or `None` if there are too many.
fn runs(times: &[Micros], ends: &[usize]) -> Option<Vec<Range<usize>>> {
    let (mut runs, mut from) = (Vec::new(), 0);
    for &end in ends {
        while from < end {
            let rest = &times[from..end];
            let length = rest.windows(2).position(|pair| pair[1] < pair[0]).map_or(rest.len(), |last| last + 1);
            if runs.len() >= MOST_RUNS * ends.len() {
                return None;
            }
            runs.push(from..from + length);
            from += length;
        }
    }
    Some(runs)
}

/// Moves a block's values of a column to their positions.
fn bring(
    block: &Block<'_>,
    (column, nth): (usize, usize),
    values: &mut Values,
    places: &[u32],
    codes: Option<&[u32]>,
    ids: &mut Vec<u8>,
    lasts: &mut [u64],
    claim: &mut Claim,
) -> Result<()> {
    match values {
        Values::Codes(to) => block.small(column, |i, code| {
            if let Some(to) = to.get_mut(places[i] as usize) {
                *to = match codes {
                    None => code as u32,
                    Some(codes) => codes.get(code as usize).copied().unwrap_or(0),
                };
            }
        }),
        Values::Flags(to) => block.small(column, |i, flag| {
            if let Some(to) = to.get_mut(places[i] as usize) {
                *to = flag as u8;
            }
        }),
        Values::Numbers(to) => block.numbers(column, nth, |i, number| {
            if let Some(to) = to.get_mut(places[i] as usize) {
                *to = number;
            }
        })?,
        Values::Sessions(to) => {
            let mut users = [0; super::MOST_ROWS];
            block.users(|i, user| users[i] = user as u32);
            block.sessions((column, nth), lasts, &users[..block.rows], |i, session| {
                if let Some(to) = to.get_mut(places[i] as usize) {
                    *to = session;
                }
            })?;
        }
        Values::Ids(to) => {
            claim.reserve_doubling(ids, block.tail.len())?;
            let (mut from, mut is_too_large) = (0usize, false);
            block.small(column, |i, length| {
                let until = from.saturating_add(length.saturating_sub(1) as usize);
                let id = block.tail.get(from..until).unwrap_or_default();
                if let Some(to) = to.get_mut(places[i] as usize) {
                    is_too_large |= u32::try_from(ids.len() + id.len()).is_err();
                    *to = (ids.len() as u32, length as u32);
                    ids.extend_from_slice(id);
                }
                from = until.min(block.tail.len());
            });
            if is_too_large {
                return Err(Error::TooLarge { bytes: ids.len() });
            }
        }
    }
    Ok(())
}
