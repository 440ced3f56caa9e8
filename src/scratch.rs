//! PostgreSQL's temporary files as [`Scratch`]: `temp_file_limit` and `temp_tablespaces` apply to them, and they are removed
//! when the query ends, however it ends.
//!
//! The files of one query lie in an area: a `SharedFileSet` in a segment of shared memory that the function over the log
//! creates before its query, so that workers find it by the segment's handle. It belongs to the resource owner, which
//! releases it at the latest when the statement ends; it must not be kept longer, since files deleted at backend exit report
//! to statistics that are already shut down. A worker detaches when it has handed over its file, otherwise each query would
//! warn of leaked shared memory. An open file belongs to the resource owner too: after an error only the resource owner may
//! close it.
#![allow(unsafe_code)]

use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::CString;
use user_metrics_core::history::Scratch;
use user_metrics_core::{Error, Result};

/// The content of the segment of an area.
#[repr(C)]
struct Area {
    /// Identifies the segment as an area: a plan with a forged number must not make us write into a foreign segment.
    mark: [u8; 16],
    files: pg_sys::SharedFileSet,
}

const MARK: [u8; 16] = *b"user_metrics/1\0\0";

thread_local! {
    /// Areas of this process: the number, how many of its files are open, and whether to detach with the last of them.
    static AREAS: RefCell<Vec<(u32, usize, bool)>> = const { RefCell::new(Vec::new()) };
}

/// The most areas that this process may have created and not left: more than nested calls need.
const MOST_AREAS: usize = 64;

/// Makes an area for the files of a query.
pub fn make_area() -> u32 {
    // Building queries without running them must not accumulate shared memory.
    let oldest = AREAS.with_borrow(|areas| areas.first().filter(|_| areas.len() >= MOST_AREAS).map(|(area, ..)| *area));
    if let Some(oldest) = oldest {
        leave_area(oldest);
    }
    // SAFETY: the segment is made for the area, and belongs to the current resource owner.
    unsafe {
        let segment = pg_sys::dsm_create(size_of::<Area>() as _, 0);
        let area = pg_sys::dsm_segment_address(segment).cast::<Area>();
        pg_sys::SharedFileSetInit(&raw mut (*area).files, segment);
        (&raw mut (*area).mark).write(MARK);
        let number = pg_sys::dsm_segment_handle(segment);
        enter(number, 0);
        number
    }
}

/// Counts that many more open files of an area.
fn enter(area: u32, more: usize) {
    AREAS.with_borrow_mut(|areas| match areas.iter_mut().find(|(number, ..)| *number == area) {
        Some((_, open, _)) => *open += more,
        None => areas.push((area, more, false)),
    });
}

/// Detaches from an area of this process, now or with the last of its files: an open file refers to it.
pub fn leave_area(area: u32) {
    let is_free = AREAS.with_borrow_mut(|areas| match areas.iter_mut().find(|(number, ..)| *number == area) {
        Some((_, open, leave)) if *open > 0 => {
            *leave = true;
            false
        }
        Some(_) => {
            areas.retain(|(number, ..)| *number != area);
            true
        }
        // An area that this process has not entered is not released by it.
        None => false,
    });
    if is_free {
        // SAFETY: a mapping that is found is one of this process; after an error the resource owner has let it go already.
        unsafe {
            let segment = pg_sys::dsm_find_mapping(area);
            if !segment.is_null() && is_area(segment) {
                pg_sys::dsm_detach(segment);
            }
        }
    }
}

/// Whether a segment is that of an area.
unsafe fn is_area(segment: *mut pg_sys::dsm_segment) -> bool {
    // SAFETY: the segment is mapped, and no more is read of it than there is.
    unsafe {
        let found = pg_sys::dsm_segment_address(segment).cast::<Area>();
        pg_sys::dsm_segment_map_length(segment) >= size_of::<Area>() as _ && (&raw const (*found).mark).read() == MARK
    }
}

/// Counts a closed file of an area. Returns whether to detach from the area with it.
fn take_off(area: u32) -> bool {
    AREAS.with_borrow_mut(|areas| {
        let Some((_, open, leave)) = areas.iter_mut().find(|(number, ..)| *number == area) else { return false };
        *open = open.saturating_sub(1);
        *open == 0 && *leave
    })
}

/// The file set of an area. A process that attaches to it detaches with the last of its files.
fn file_set(area: u32) -> Result<*mut pg_sys::FileSet> {
    const NOT_THERE: Error = Error::Corrupt { what: "a plan whose area is not there" };
    // SAFETY: what is found is looked at as bytes until it is known to be an area.
    unsafe {
        let known = pg_sys::dsm_find_mapping(area);
        let segment = if known.is_null() { pg_sys::dsm_attach(area) } else { known };
        if segment.is_null() {
            return Err(NOT_THERE);
        }
        let found = pg_sys::dsm_segment_address(segment).cast::<Area>();
        if !is_area(segment) {
            if known.is_null() {
                pg_sys::dsm_detach(segment);
            }
            return Err(NOT_THERE);
        }
        if known.is_null() {
            pg_sys::SharedFileSetAttach(&raw mut (*found).files, segment);
            // A known area with this number was from an earlier transaction.
            AREAS.with_borrow_mut(|areas| {
                areas.retain(|(number, ..)| *number != area);
                areas.push((area, 0, true));
            });
        }
        Ok(&raw mut (*found).files.fs)
    }
}

/// The size of a segment of a temporary file.
const SEGMENT: u64 = 1 << 30;

/// A temporary file in an area.
pub struct SharedFile {
    area: u32,
    /// The memory context in which it is opened, which lives as long as the aggregate.
    context: pg_sys::MemoryContext,
    file: *mut pg_sys::BufFile,
    name: String,
}

thread_local! {
    /// Sequence number for file names.
    static LAST: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

impl SharedFile {
    /// A file to be written; it is created with the first bytes.
    pub fn new(area: u32, context: pg_sys::MemoryContext) -> Self {
        LAST.set(LAST.get() + 1);
        let name = format!("history.{}.{}", std::process::id(), LAST.get());
        SharedFile { area, context, file: std::ptr::null_mut(), name }
    }

    /// Opens or creates the file in that memory context.
    fn open_with(&mut self, open: impl FnOnce(*mut pg_sys::FileSet, &CString) -> *mut pg_sys::BufFile) -> Result<()> {
        let name =
            CString::new(self.name.as_str()).map_err(|_| Error::Corrupt { what: "a file's name that is none" })?;
        let files = file_set(self.area)?;
        // SAFETY: the context is that of the aggregate. After an error PostgreSQL sets the current one itself.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(self.context);
            self.file = open(files, &name);
            pg_sys::MemoryContextSwitchTo(before);
        }
        enter(self.area, 1);
        Ok(())
    }

    fn close(&mut self) {
        let file = std::mem::replace(&mut self.file, std::ptr::null_mut());
        if file.is_null() {
            return;
        }
        // SAFETY: the file is open, and this is not an error's way out.
        unsafe { pg_sys::BufFileClose(file) };
        if take_off(self.area) {
            leave_area(self.area);
        }
    }
}

impl Scratch for SharedFile {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.file.is_null() {
            // SAFETY: the file set is there, and the name ends with a zero.
            self.open_with(|files, name| unsafe { pg_sys::BufFileCreateFileSet(files, name.as_ptr()) })?;
        }
        // SAFETY: the file is open; what is written is only read.
        unsafe { pg_sys::BufFileWrite(self.file, bytes.as_ptr().cast_mut().cast(), bytes.len() as _) };
        Ok(())
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let cut = Error::Corrupt { what: "a temporary file that ends too early" };
        if self.file.is_null() {
            return Err(cut);
        }
        // SAFETY: the file is open, and there is room for what is read.
        let read = unsafe {
            let (segment, offset) = ((at / SEGMENT) as i32, (at % SEGMENT) as i64);
            if pg_sys::BufFileSeek(self.file, segment, offset as _, 0) != 0 {
                return Err(cut);
            }
            pg_sys::BufFileRead(self.file, into.as_mut_ptr().cast(), into.len() as _)
        };
        if read as usize == into.len() { Ok(()) } else { Err(cut) }
    }

    fn hand_over(&mut self) -> Result<String> {
        if !self.file.is_null() {
            // SAFETY: the file is open.
            unsafe { pg_sys::BufFileExportFileSet(self.file) };
        }
        self.close();
        Ok(self.name.clone())
    }
}

impl Drop for SharedFile {
    fn drop(&mut self) {
        // SAFETY: asks for the state of the transaction.
        if !std::thread::panicking() && unsafe { pg_sys::IsTransactionState() } {
            self.close();
        } else if !self.file.is_null() {
            // The resource owner closes it and releases the area.
            if take_off(self.area) {
                AREAS.with_borrow_mut(|areas| areas.retain(|(number, ..)| *number != self.area));
            }
        }
    }
}

/// Opens a file handed over by another process.
pub fn open(area: u32, name: &str, context: pg_sys::MemoryContext) -> Result<Box<dyn Scratch>> {
    let mut file = SharedFile { area, context, file: std::ptr::null_mut(), name: name.to_owned() };
    // SAFETY: the file set is there, and the name ends with a zero; 0 is for reading.
    file.open_with(|files, name| unsafe { pg_sys::BufFileOpenFileSet(files, name.as_ptr(), 0, false) })?;
    Ok(Box::new(file))
}
