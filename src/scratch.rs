//! PostgreSQL's temporary files as [`Scratch`]: `temp_file_limit` and `temp_tablespaces` hold for them, and nothing is left of
//! them when the query ends, however it does.
//!
//! The files of one query lie in an area: a `SharedFileSet` in a segment of shared memory that the function over the log makes
//! before its query, so that workers find it by the segment's number. It is the resource owner's, which lets go of it at the
//! latest when the statement ends; it must not be kept beyond, since files that are deleted when a backend ends report to
//! statistics that are gone by then. A worker lets go of it when it has handed over its file, or each query would warn of
//! leaked shared memory. A file that is open belongs to the resource owner too: after an error only that may close it.
#![allow(unsafe_code)]

use pgrx::prelude::*;
use std::cell::RefCell;
use std::ffi::CString;
use user_metrics_core::history::Scratch;
use user_metrics_core::{Error, Result};

/// What lies in the segment of an area.
#[repr(C)]
struct Area {
    /// What tells it from any other segment: a plan with a made-up number must not have us write into somebody else's.
    mark: [u8; 16],
    files: pg_sys::SharedFileSet,
}

const MARK: [u8; 16] = *b"user_metrics/1\0\0";

thread_local! {
    /// Areas of this process: the number, how many files of it are open, and whether it is to be left with the last of them.
    static AREAS: RefCell<Vec<(u32, usize, bool)>> = const { RefCell::new(Vec::new()) };
}

/// Areas that this process may have made and not left: more than calls within calls need.
const MOST_AREAS: usize = 64;

/// Makes an area for the files of a query.
pub fn make_area() -> u32 {
    // Whoever asks for queries and does not run them gets no more shared memory for that.
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

/// Enters that so many more files of an area are open.
fn enter(area: u32, more: usize) {
    AREAS.with_borrow_mut(|areas| match areas.iter_mut().find(|(number, ..)| *number == area) {
        Some((_, open, _)) => *open += more,
        None => areas.push((area, more, false)),
    });
}

/// Lets go of an area of this process, now or with the last of its files: an open file reaches into it.
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
        // Of what this process has not entered it lets nothing go.
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

/// Takes a file of an area off. Gives whether the area is to be left with it.
fn take_off(area: u32) -> bool {
    AREAS.with_borrow_mut(|areas| {
        let Some((_, open, leave)) = areas.iter_mut().find(|(number, ..)| *number == area) else { return false };
        *open = open.saturating_sub(1);
        *open == 0 && *leave
    })
}

/// The file set of an area. A process that attaches to it leaves it with the last of its files.
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
            // What was known of the number was of a transaction before.
            AREAS.with_borrow_mut(|areas| {
                areas.retain(|(number, ..)| *number != area);
                areas.push((area, 0, true));
            });
        }
        Ok(&raw mut (*found).files.fs)
    }
}

/// Bytes of a segment of a temporary file.
const SEGMENT: u64 = 1 << 30;

/// A temporary file in an area.
pub struct SharedFile {
    area: u32,
    /// The memory in which it is opened, which lives as long as the aggregate.
    context: pg_sys::MemoryContext,
    file: *mut pg_sys::BufFile,
    name: String,
}

thread_local! {
    /// Numbers for the names of files.
    static LAST: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

impl SharedFile {
    /// A file to be written; it is made when the first bytes come.
    pub fn new(area: u32, context: pg_sys::MemoryContext) -> Self {
        LAST.set(LAST.get() + 1);
        let name = format!("history.{}.{}", std::process::id(), LAST.get());
        SharedFile { area, context, file: std::ptr::null_mut(), name }
    }

    /// Opens or makes the file in the memory that lives long enough.
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
            // The resource owner closes it, and lets the area go.
            if take_off(self.area) {
                AREAS.with_borrow_mut(|areas| areas.retain(|(number, ..)| *number != self.area));
            }
        }
    }
}

/// Opens a file that another process handed over.
pub fn open(area: u32, name: &str, context: pg_sys::MemoryContext) -> Result<Box<dyn Scratch>> {
    let mut file = SharedFile { area, context, file: std::ptr::null_mut(), name: name.to_owned() };
    // SAFETY: the file set is there, and the name ends with a zero; 0 is for reading.
    file.open_with(|files, name| unsafe { pg_sys::BufFileOpenFileSet(files, name.as_ptr(), 0, false) })?;
    Ok(Box::new(file))
}
