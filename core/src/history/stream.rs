//! Streams: complete packed rows of one process in order of arrival, in memory or in a file; and the bytes that hand them to
//! another process.

use super::block::PADDING;
use super::{History, INLINE, PARTITIONS, Part, Plan, Scratch};
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::user_table::UserKind;
use crate::base::wire::{Kind, Reader, Writer};

/// A file that contains streams.
pub(super) enum File {
    /// A file of another process, by name.
    Named(String),
    /// An open file.
    Open(Box<dyn Scratch>),
}

/// Bytes in memory or in the stream's file.
#[derive(Debug)]
pub(super) enum Bytes {
    Here(Vec<u8>),
    Filed { at: u64, length: u32 },
}

impl Bytes {
    pub(super) fn len(&self) -> usize {
        match self {
            Bytes::Here(bytes) => bytes.len(),
            Bytes::Filed { length, .. } => *length as usize,
        }
    }

    /// The number of them in a file.
    pub(super) fn filed(&self) -> usize {
        if let Bytes::Filed { length, .. } = self { *length as usize } else { 0 }
    }

    /// The bytes, read into `buffer` if they are in a file.
    pub(super) fn read<'a>(
        &'a self,
        file: Option<&dyn Scratch>,
        buffer: &'a mut Vec<u8>,
        claim: &mut Claim,
    ) -> Result<&'a [u8]> {
        match self {
            Bytes::Here(bytes) => Ok(bytes),
            Bytes::Filed { at, length } => {
                let file = file.ok_or(Error::Corrupt { what: "a history whose file is not there" })?;
                buffer.clear();
                claim.extend_to(buffer, *length as usize)?;
                file.read(*at, buffer)?;
                Ok(buffer)
            }
        }
    }
}

/// The part of a stream in one partition.
#[derive(Debug)]
pub(super) struct StreamPart {
    pub(super) rows: u64,
    /// Keys of 16 bytes, by users' indexes.
    pub(super) keys: Bytes,
    /// User ids, each preceded by its length in four bytes; empty if they are not kept.
    pub(super) names: Bytes,
    pub(super) chunks: Vec<Bytes>,
}

/// Packed rows of one process.
#[derive(Debug)]
pub(super) struct Stream {
    /// The index of its file; without one, the history's own.
    pub(super) file: Option<usize>,
    /// The history's codes for the codes of the rows, by column; empty if they are the same.
    pub(super) codes: Vec<Vec<u32>>,
    pub(super) parts: Vec<StreamPart>,
}

/// Appends bytes to a file.
fn file(bytes: &[u8], scratch: &mut dyn Scratch, filed: &mut u64) -> Result<Bytes> {
    scratch.append(bytes)?;
    let at = *filed;
    *filed += bytes.len() as u64;
    let length = u32::try_from(bytes.len()).map_err(|_| Error::TooLarge { bytes: bytes.len() })?;
    Ok(Bytes::Filed { at, length })
}

impl Stream {
    /// Takes the packed rows out of the partitions; with `scratch`, all of them go there.
    pub(super) fn of(
        parts: &mut [Part],
        mut scratch: Option<&mut Box<dyn Scratch>>,
        filed: &mut u64,
        claim: &mut Claim,
    ) -> Result<Self> {
        let mut taken = Vec::new();
        claim.reserve(&mut taken, parts.len())?;
        for part in parts {
            memory::poll();
            let sessions = part.lasts.len();
            let users = part.users.len();
            let mut keys = Vec::new();
            claim.reserve(&mut keys, 16 * users)?;
            (0..users).for_each(|i| keys.extend_from_slice(&part.users.key(i).to_bytes()));
            let mut names = Vec::new();
            claim.reserve(&mut names, part.names.len() + 4 * part.ends.len())?;
            let mut from = 0;
            for &end in &part.ends {
                names.extend_from_slice(&(end - from).to_le_bytes());
                names.extend_from_slice(&part.names[from as usize..end as usize]);
                from = end;
            }
            if !part.chunk.is_empty() {
                claim.reserve(&mut part.chunk, PADDING)?;
                part.chunk.resize(part.chunk.len() + PADDING, 0);
                let chunk = std::mem::take(&mut part.chunk);
                claim.push(&mut part.full, chunk)?;
            }
            let mut chunks = Vec::new();
            claim.reserve(&mut chunks, part.filed.len() + part.full.len())?;
            chunks.extend(part.filed.drain(..).map(|(at, length)| Bytes::Filed { at, length }));
            let (rows, full) = (part.rows, std::mem::take(&mut part.full));
            // What the partition held is released with it, except what continues in the stream.
            let bytes = part.held();
            *part = Part::of(sessions);
            claim.shrink(bytes);
            let (mut keys, mut names) = (Bytes::Here(keys), Bytes::Here(names));
            for chunk in full {
                chunks.push(Bytes::Here(chunk));
            }
            if let Some(scratch) = &mut scratch {
                for bytes in chunks.iter_mut().chain([&mut keys, &mut names]) {
                    bytes.file(scratch.as_mut(), filed, claim)?;
                }
            }
            taken.push(StreamPart { rows, keys, names, chunks });
        }
        Ok(Stream { file: None, codes: Vec::new(), parts: taken })
    }

    /// The stream as part of a history in which its files start at index `files`, and its own file has index `own`.
    pub(super) fn moved(self, files: usize, own: Option<usize>, codes: &[Vec<u32>], claim: &mut Claim) -> Result<Self> {
        let mut ours = Vec::new();
        claim.reserve(&mut ours, codes.len())?;
        for (c, map) in codes.iter().enumerate() {
            // Its codes may be mapped from those of a third process.
            let mut both = Vec::new();
            match self.codes.get(c) {
                Some(theirs) => {
                    claim.reserve(&mut both, theirs.len())?;
                    both.extend(theirs.iter().map(|&code| map.get(code as usize).copied().unwrap_or(0)));
                }
                None => {
                    claim.reserve(&mut both, map.len())?;
                    both.extend_from_slice(map);
                }
            }
            ours.push(both);
        }
        Ok(Stream { file: self.file.map(|file| files + file).or(own), codes: ours, parts: self.parts })
    }

    /// Bytes claimed for the stream.
    pub(super) fn held(&self) -> usize {
        let bytes = |bytes: &Bytes| if let Bytes::Here(bytes) = bytes { bytes.capacity() } else { 0 };
        let part = |part: &StreamPart| {
            let chunks = part.chunks.iter().chain([&part.keys, &part.names]).map(bytes).sum::<usize>();
            chunks + part.chunks.capacity() * size_of::<Bytes>()
        };
        self.parts.iter().map(part).sum::<usize>() + self.parts.capacity() * size_of::<StreamPart>()
    }

    /// Bytes in memory to be handed over.
    fn inline(&self) -> usize {
        let here = |bytes: &Bytes| if let Bytes::Here(bytes) = bytes { bytes.len() } else { 0 };
        let part = |part: &StreamPart| part.chunks.iter().chain([&part.keys, &part.names]).map(here).sum::<usize>();
        self.parts.iter().map(part).sum()
    }
}

impl Bytes {
    /// Moves the bytes into a file.
    fn file(&mut self, scratch: &mut dyn Scratch, filed: &mut u64, claim: &mut Claim) -> Result<()> {
        if let Bytes::Here(bytes) = self {
            let bytes = std::mem::take(bytes);
            *self = file(&bytes, scratch, filed)?;
            claim.shrink(bytes.capacity());
        }
        Ok(())
    }

    fn encode(&self, to: &mut Writer) -> Result<()> {
        match self {
            Bytes::Here(bytes) => to.uint(0).and_then(|()| to.bytes(bytes)),
            Bytes::Filed { at, length } => {
                to.uint(1).and_then(|()| to.uint(*at)).and_then(|()| to.uint((*length).into()))
            }
        }
    }

    fn decode(from: &mut Reader<'_>, claim: &mut Claim) -> Result<Self> {
        match from.uint()? {
            0 => {
                let (bytes, mut here) = (from.bytes()?, Vec::new());
                claim.reserve(&mut here, bytes.len())?;
                here.extend_from_slice(bytes);
                Ok(Bytes::Here(here))
            }
            1 => {
                let (at, length) = (from.uint()?, from.uint()?);
                let length =
                    u32::try_from(length).map_err(|_| Error::Corrupt { what: "a place in a file that is none" })?;
                Ok(Bytes::Filed { at, length })
            }
            _ => Err(Error::Corrupt { what: "bytes neither here nor in a file" }),
        }
    }
}

impl Part {
    /// Bytes claimed for users and their values.
    pub(super) fn held_by_users(&self) -> usize {
        let lasts = self.lasts.iter().map(|lasts| 8 * lasts.capacity()).sum::<usize>();
        self.users.held() + lasts + self.names.capacity() + 4 * self.ends.capacity()
    }

    /// Bytes claimed for the content of the partition.
    fn held(&self) -> usize {
        self.held_by_users()
            + 8 * self.open.capacity()
            + self.ids.capacity()
            + self.chunk.capacity()
            + self.full.iter().map(Vec::capacity).sum::<usize>()
    }
}

/// The layout of what is handed over; both sides have the same release.
pub const VERSION: u8 = 1;

impl History {
    /// Ends the input and returns the bytes for another process. If they are too many for a message, they go into the file,
    /// if there is one.
    pub fn hand_over(&mut self) -> Result<Vec<u8>> {
        self.settle()?;
        let inline = self.streams.iter().map(Stream::inline).sum::<usize>();
        let is_filed = self.filed > 0 || inline > INLINE;
        let name = match &mut self.scratch {
            Some(scratch) if is_filed => {
                for part in self.streams.iter_mut().flat_map(|stream| &mut stream.parts) {
                    for bytes in part.chunks.iter_mut().chain([&mut part.keys, &mut part.names]) {
                        bytes.file(scratch.as_mut(), &mut self.filed, &mut self.claim)?;
                    }
                }
                scratch.hand_over()?
            }
            _ => String::new(),
        };
        let texts = self.dictionaries.iter().flat_map(|texts| texts.texts()).map(|text| text.len() + 2).sum::<usize>();
        let mut to =
            Writer::new(Kind::History, VERSION, texts + if is_filed { 64 * 1024 } else { inline + 16 * 1024 })?;
        to.bytes(self.plan.to_json().as_bytes())?;
        to.uint(self.kind as u64)?;
        to.maybe_int(self.last_at)?;
        to.bytes(name.as_bytes())?;
        for texts in &self.dictionaries {
            to.uint(texts.len() as u64)?;
            texts.texts().try_for_each(|text| to.bytes(text))?;
        }
        to.uint(self.streams.len() as u64)?;
        for part in self.streams.iter().flat_map(|stream| &stream.parts) {
            to.uint(part.rows)?;
            part.keys.encode(&mut to)?;
            part.names.encode(&mut to)?;
            to.uint(part.chunks.len() as u64)?;
            part.chunks.iter().try_for_each(|chunk| chunk.encode(&mut to))?;
        }
        Ok(to.finish())
    }

    /// A history handed over by another process.
    pub fn handed_over(bytes: &[u8]) -> Result<Self> {
        let mut from = Reader::open(bytes, Kind::History, VERSION)?;
        let plan = std::str::from_utf8(from.bytes()?).map_err(|_| Error::Corrupt { what: "a plan that is no text" })?;
        let plan = Plan::parse(plan)?;
        let kind = UserKind::from_number(u8::try_from(from.uint()?).unwrap_or(u8::MAX))?;
        let mut history = History::new(plan, kind, None)?;
        history.last_at = from.maybe_int()?;
        let name =
            std::str::from_utf8(from.bytes()?).map_err(|_| Error::Corrupt { what: "a file's name that is no text" })?;
        if !name.is_empty() {
            history.claim.push(&mut history.files, File::Named(name.to_owned()))?;
        }
        for texts in &mut history.dictionaries {
            for code in 1..=from.uint_before_end()? {
                if u64::from(texts.code(from.bytes()?, &mut history.claim)?) != code {
                    return Err(Error::Corrupt { what: "a text twice in a dictionary" });
                }
            }
        }
        for _ in 0..from.uint_before_end()? {
            let mut parts = Vec::new();
            history.claim.reserve(&mut parts, PARTITIONS)?;
            for _ in 0..PARTITIONS {
                let rows = from.uint()?;
                if u32::try_from(rows).is_err() {
                    return Err(Error::Corrupt { what: "more rows than a partition can have" });
                }
                let (keys, names) =
                    (Bytes::decode(&mut from, &mut history.claim)?, Bytes::decode(&mut from, &mut history.claim)?);
                let mut chunks = Vec::new();
                for _ in 0..from.uint_before_end()? {
                    let chunk = Bytes::decode(&mut from, &mut history.claim)?;
                    history.claim.push(&mut chunks, chunk)?;
                }
                parts.push(StreamPart { rows, keys, names, chunks });
            }
            let file = (!history.files.is_empty()).then_some(0);
            history.claim.push(&mut history.streams, Stream { file, codes: Vec::new(), parts })?;
        }
        from.finish()?;
        Ok(history)
    }
}
