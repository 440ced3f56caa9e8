//! Each user's requests in time order, with only the columns that a function reads: the input of folds.
//!
//! Rows come in any order and from any number of processes. They are collected by partition, each with a 64th of the users,
//! and packed in blocks ([`block`]): about 7 bytes per request for user and time, plus the columns. Rows that outgrow the
//! memory, or that are handed to another process, go into a file ([`Scratch`]). At the end the partitions are converted one
//! by one into arrays by column, user after user ([`timelines`]), and a fold processes each user.
//!
//! The results of folds do not depend on the order of rows. The bytes of a history do, since they are never stored: it is
//! not a [`State`](crate::base::state::State), and lives for one query.
//!
//! Memory: a process holds 16 bytes and a slot of 4 to 8 bytes for each user of its rows, dictionaries of texts, and packed
//! rows up to half of the limit. If the users alone outgrow that half, they go into the file as well, and the process starts
//! again without users; each such generation is one more stream to merge.

use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::outcome::of_status;
use crate::base::user_table::{UNKNOWN, UserKey, UserKind, Users};
use block::{FRONT, Layout, MOST_ROWS, Packer, Target};
use std::cell::Cell;

mod block;
mod dictionary;
mod fold;
mod ids;
pub mod jsonb;
pub mod numeric;
mod plan;
mod scratch;
mod stream;
mod timeline;
mod timelines;

pub use dictionary::Dictionary;
pub use fold::{BySegment, Fold, Places, Table};
pub use ids::{Id, Ids};
pub use plan::{Kind, Plan, PlannedColumn};
pub use scratch::{InMemory, Scratch};
pub use stream::VERSION;
use stream::{File, Stream};
pub use timeline::{Timeline, Values};

/// Users are partitioned by the top bits of their keys' hashes.
const PARTITION_BITS: u32 = 6;
/// The number of partitions.
const PARTITIONS: usize = 1 << PARTITION_BITS;
/// Words of all open rows together, so that they fit a CPU cache.
const OPEN_WORDS: usize = 64 * 1024;
/// Rows of the first block, so that few rows take little memory.
const FIRST_ROWS: usize = 16;
/// From this number of bytes on, a history is handed over through a file.
const INLINE: usize = 1 << 20;

/// The requests of a 64th of the users.
#[derive(Debug, Default)]
struct Part {
    /// Rows not packed yet: key, time and columns.
    open: Vec<u64>,
    /// The bytes of ids in open rows.
    ids: Vec<u8>,
    users: Users<()>,
    /// The session of each user's last row, by session column.
    lasts: Vec<Vec<u64>>,
    /// User ids, concatenated, and where each ends.
    names: Vec<u8>,
    ends: Vec<u32>,
    chunk: Vec<u8>,
    full: Vec<Vec<u8>>,
    /// Full chunks already in the file: offset and number of bytes.
    filed: Vec<(u64, u32)>,
    rows: u64,
}

impl Part {
    /// Without users, for the given number of session columns.
    fn of(sessions: usize) -> Self {
        Part { lasts: vec![Vec::new(); sessions], ..Part::default() } // few: columns
    }
}

/// Each user's requests in time order.
pub struct History {
    plan: Plan,
    layout: Layout,
    kind: UserKind,
    parts: Vec<Part>,
    dictionaries: Vec<Dictionary>,
    /// Whether a code of the column means success, for columns of that kind.
    answers: Vec<Vec<Option<bool>>>,
    packer: Packer,
    rows_a_block: usize,
    /// Position of the current row: its partition, and its first word.
    row: (usize, usize),
    /// Whether any user has been visited.
    has_users: Cell<bool>,
    /// Complete streams: earlier generations, and those handed over by other processes.
    streams: Vec<Stream>,
    /// The files of the streams.
    files: Vec<File>,
    scratch: Option<Box<dyn Scratch>>,
    /// Bytes written to this process's own file.
    filed: u64,
    /// The time of the last row, whether it has a user or not.
    last_at: Option<Micros>,
    claim: Claim,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("plan", &self.plan).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl History {
    /// A history without rows. Without `scratch` it must fit in memory.
    pub fn new(plan: Plan, kind: UserKind, scratch: Option<Box<dyn Scratch>>) -> Result<Self> {
        let mut claim = Claim::new();
        // Names are kept as one more id column of the row.
        let names = (plan.names && kind == UserKind::Text).then_some(Kind::Id);
        let layout = Layout::new(plan.columns.iter().map(|column| column.kind).collect()); // few: columns
        let stride = layout.stride() + usize::from(names.is_some());
        let mut parts = Vec::new();
        claim.reserve(&mut parts, PARTITIONS)?;
        let sessions = layout.kinds.iter().filter(|kind| **kind == Kind::Session).count();
        parts.resize_with(PARTITIONS, || Part::of(sessions));
        let columns = plan.columns.len();
        Ok(History {
            layout,
            kind,
            parts,
            dictionaries: (0..columns).map(|_| Dictionary::default()).collect(), // few: columns
            answers: vec![Vec::new(); columns],                                  // few: columns
            packer: Packer::default(),
            rows_a_block: ((OPEN_WORDS / PARTITIONS / stride + 1).next_power_of_two() / 2)
                .clamp(2 * FIRST_ROWS, MOST_ROWS),
            row: (0, 0),
            has_users: Cell::new(false),
            streams: Vec::new(),
            files: Vec::new(),
            scratch,
            filed: 0,
            last_at: None,
            claim,
            plan,
        })
    }

    /// The type of the users' ids.
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// The plan of its columns.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The index of a column, if the log has it.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.plan.columns.iter().position(|column| column.name == name)
    }

    /// The texts of a column.
    pub fn dictionary(&self, column: usize) -> &Dictionary {
        &self.dictionaries[column]
    }

    /// The time of the last row, requests without a user included.
    pub fn last_at(&self) -> Option<Micros> {
        self.last_at
    }

    /// The number of streams of its rows: one for each generation of each process.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether user ids are kept in addition to their keys.
    pub fn keeps_names(&self) -> bool {
        self.plan.names && self.kind == UserKind::Text
    }

    fn stride(&self) -> usize {
        self.layout.stride() + usize::from(self.keeps_names())
    }

    /// Records that a request was made, with or without a user.
    #[inline]
    pub fn see(&mut self, at: Micros) {
        if self.last_at.is_none_or(|last| last < at) {
            self.last_at = Some(at);
        }
    }

    /// Begins a row. Its columns are unknown until they are set.
    #[inline]
    pub fn begin(&mut self, key: UserKey, at: Micros) -> Result<()> {
        let stride = self.stride();
        let p = (key.hash() >> (64 - PARTITION_BITS)) as usize;
        let part = &mut self.parts[p];
        let from = part.open.len();
        if part.open.capacity() - from < stride {
            let rows = (from / stride).max(FIRST_ROWS);
            self.claim.reserve(&mut part.open, rows * stride)?;
        }
        part.open.resize(from + stride, 0);
        let key = u128::from(key);
        part.open[from..from + FRONT].copy_from_slice(&[(key >> 64) as u64, key as u64, at as u64]);
        self.row = (p, from);
        Ok(())
    }

    #[inline]
    fn set(&mut self, column: usize, value: u64) {
        let (p, from) = self.row;
        self.parts[p].open[from + FRONT + column] = value;
    }

    /// Sets a text column.
    #[inline]
    pub fn set_text(&mut self, column: usize, text: Option<&[u8]>) -> Result<()> {
        if let Some(text) = text {
            let code = self.dictionaries[column].code(text, &mut self.claim)?;
            self.set(column, u64::from(code));
        }
        Ok(())
    }

    /// Sets a session column to a hash of the id.
    #[inline]
    pub fn set_session(&mut self, column: usize, session: Option<u64>) {
        // 0 means no session.
        self.set(column, session.map_or(0, |session| session.max(1)));
    }

    /// Sets a numeric column.
    #[inline]
    pub fn set_number(&mut self, column: usize, number: Option<f64>) {
        let least = if self.layout.kinds[column] == Kind::Count { 0.0 } else { -MOST };
        // Adding 0 turns -0 into 0.
        let known = number.filter(|number| (least..=MOST).contains(number)).map(|number| number + 0.0);
        self.set(column, known.map_or(block::UNKNOWN, f64::to_bits));
    }

    /// Sets a boolean column.
    #[inline]
    pub fn set_flag(&mut self, column: usize, flag: Option<bool>) {
        self.set(column, flag.map_or(0, |flag| 1 + u64::from(flag)));
    }

    /// Sets a boolean column from a status text.
    #[inline]
    pub fn set_status(&mut self, column: usize, status: Option<&[u8]>) -> Result<()> {
        let Some(status) = status else { return Ok(()) };
        let code = self.dictionaries[column].code(status, &mut self.claim)? as usize;
        let known = &mut self.answers[column];
        if known.len() < code {
            self.claim.push(known, of_status(status))?;
        }
        let answered = code.checked_sub(1).and_then(|n| known.get(n).copied().flatten());
        self.set_flag(column, answered);
        Ok(())
    }

    /// Sets an id column.
    #[inline]
    pub fn set_id(&mut self, column: usize, id: Option<&[u8]>) -> Result<()> {
        if let Some(id) = id {
            let value = self.keep_id(id)?;
            self.set(column, value);
        }
        Ok(())
    }

    fn keep_id(&mut self, id: &[u8]) -> Result<u64> {
        let ids = &mut self.parts[self.row.0].ids;
        self.claim.reserve_doubling(ids, id.len())?;
        let value = block::open_id(ids.len(), id.len()).ok_or(Error::TooLarge { bytes: ids.len() })?;
        ids.extend_from_slice(id);
        Ok(value)
    }

    /// Sets the user id of the row, for histories that keep ids.
    #[inline]
    pub fn set_name(&mut self, name: &[u8]) -> Result<()> {
        let value = self.keep_id(name)?;
        self.set(self.layout.kinds.len(), value);
        Ok(())
    }

    /// Ends a row.
    #[inline]
    pub fn end(&mut self) -> Result<()> {
        let (p, from) = self.row;
        if from + self.stride() >= self.rows_a_block * self.stride() { self.close(p) } else { Ok(()) }
    }

    /// Packs the open rows of a partition.
    #[inline(never)]
    fn close(&mut self, p: usize) -> Result<()> {
        let (stride, names) = (self.stride(), self.keeps_names());
        let part = &mut self.parts[p];
        let count = part.open.len() / stride;
        if count == 0 {
            return Ok(());
        }
        let key = |row: &[u64]| UserKey::from(u128::from(row[0]) << 64 | u128::from(row[1]));
        let mut numbers = [0; MOST_ROWS];
        let numbers = &mut numbers[..count];
        part.users.find_all(part.open.chunks_exact(stride).map(key), numbers);
        for (number, row) in numbers.iter_mut().zip(part.open.chunks_exact(stride)) {
            if *number != UNKNOWN {
                continue;
            }
            let (found, is_new) = part.users.number(key(row), (), &mut self.claim)?;
            *number = found as u32;
            if is_new && names {
                let id = block::id(&part.ids, row[stride - 1]);
                self.claim.reserve_doubling(&mut part.names, id.len())?;
                part.names.extend_from_slice(id);
                let end = u32::try_from(part.names.len()).map_err(|_| Error::TooLarge { bytes: part.names.len() })?;
                self.claim.push(&mut part.ends, end)?;
            }
        }
        for lasts in &mut part.lasts {
            self.claim.extend_to(lasts, part.users.len())?;
        }
        if names {
            // The columns of the layout are packed.
            let (packed, mut to) = (stride - 1, 0);
            for row in 0..count {
                part.open.copy_within(row * stride..row * stride + packed, to);
                to += packed;
            }
            part.open.truncate(to);
        }
        let mut target = Target { chunk: &mut part.chunk, full: &mut part.full, claim: &mut self.claim };
        self.packer.pack(&self.layout, &mut part.open, numbers, &mut part.lasts, &part.ids, &mut target)?;
        part.rows += count as u64;
        part.open.clear();
        part.ids.clear();
        if self.claim.bytes() > memory::limit() / 2 { self.relieve() } else { Ok(()) }
    }

    /// Writes what it can to the file; if too much memory remains in use, ends the generation.
    #[cold]
    fn relieve(&mut self) -> Result<()> {
        let Some(scratch) = &mut self.scratch else { return Ok(()) };
        for part in &mut self.parts {
            memory::poll();
            for chunk in part.full.drain(..) {
                scratch.append(&chunk)?;
                part.filed.try_reserve(1).map_err(|_| memory::out_of_memory())?;
                part.filed.push((self.filed, chunk.len() as u32));
                self.filed += chunk.len() as u64;
                self.claim.shrink(chunk.capacity());
            }
        }
        let users = self.parts.iter().map(Part::held_by_users).sum::<usize>();
        if users > memory::limit() / 4 { self.end_generation(true) } else { Ok(()) }
    }

    /// Turns the rows so far into a stream; `filed` tells whether it goes into the file.
    fn end_generation(&mut self, filed: bool) -> Result<()> {
        if self.parts.iter().all(|part| part.rows == 0 && part.open.is_empty()) {
            return Ok(());
        }
        for p in 0..PARTITIONS {
            // Not by close, which would call this again.
            if !self.parts[p].open.is_empty() {
                self.pack_rest(p)?;
            }
        }
        let scratch = self.scratch.as_mut().filter(|_| filed);
        let stream = Stream::of(&mut self.parts, scratch, &mut self.filed, &mut self.claim)?;
        self.claim.push(&mut self.streams, stream)
    }

    fn pack_rest(&mut self, p: usize) -> Result<()> {
        let scratch = self.scratch.take();
        let packed = self.close(p);
        self.scratch = scratch;
        packed
    }

    /// Ends the input: the rows so far become a stream.
    pub fn settle(&mut self) -> Result<()> {
        self.end_generation(false)
    }

    /// Merges another history of the same plan, handed over by another process.
    pub fn absorb(&mut self, mut other: History) -> Result<()> {
        if self.kind != other.kind || self.plan != other.plan {
            return Err(Error::Corrupt { what: "histories of different plans" });
        }
        other.settle()?;
        if let Some(at) = other.last_at {
            self.see(at);
        }
        let files = self.files.len();
        for file in other.files.drain(..) {
            self.claim.push(&mut self.files, file)?;
        }
        if let Some(scratch) = other.scratch.take() {
            // Streams without a file of another process are in the other history's own file.
            self.claim.push(&mut self.files, File::Open(scratch))?;
        }
        let own = self.files.len().checked_sub(1);
        let (mut codes, mut meanwhile) = (Vec::new(), Claim::temporary());
        for (ours, theirs) in self.dictionaries.iter_mut().zip(&other.dictionaries) {
            let mut map = meanwhile.filled(dictionary::NONE, theirs.len() + 1)?;
            for (to, text) in map[1..].iter_mut().zip(theirs.texts()) {
                *to = ours.code(text, &mut self.claim)?;
            }
            codes.push(map);
        }
        for stream in other.streams.drain(..) {
            let held = stream.held();
            other.claim.shrink(held);
            self.claim.grow(held)?;
            let stream = stream.moved(files, own, &codes, &mut self.claim)?;
            self.claim.push(&mut self.streams, stream)?;
        }
        Ok(())
    }

    /// Opens the files handed over by other processes.
    pub fn open(&mut self, open: &mut dyn FnMut(&str) -> Result<Box<dyn Scratch>>) -> Result<()> {
        for file in &mut self.files {
            if let File::Named(name) = file {
                *file = File::Open(open(name)?);
            }
        }
        Ok(())
    }
}

/// Far larger than any measure of a request, and its square still fits a double.
const MOST: f64 = 1e100;
