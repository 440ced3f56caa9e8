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

/// Makes an area for the files of a query.
pub fn make_area() -> u32 {
    // SAFETY: the segment is made for the area, and belongs to the current resource owner.
    unsafe {
        let segment = pg_sys::dsm_create(size_of::<Area>() as _, 0);
        let area = pg_sys::dsm_segment_address(segment).cast::<Area>();
        pg_sys::SharedFileSetInit(&raw mut (*area).files, segment);
        (&raw mut (*area).mark).write(MARK);
        pg_sys::dsm_segment_handle(segment)
    }
}

/// Lets go of an area that this process is attached to, if it is.
pub fn leave_area(area: u32) {
    // SAFETY: a mapping that is found is one of this process.
    unsafe {
        let segment = pg_sys::dsm_find_mapping(area);
        let length = if segment.is_null() { 0 } else { pg_sys::dsm_segment_map_length(segment) };
        if length >= size_of::<Area>() as _ {
            let found = pg_sys::dsm_segment_address(segment).cast::<Area>();
            if (&raw const (*found).mark).read() == MARK {
                pg_sys::dsm_detach(segment);
            }
        }
    }
}

/// The file set of an area, and whether this process had to attach to it.
fn file_set(area: u32) -> Result<(*mut pg_sys::FileSet, bool)> {
    const NOT_THERE: Error = Error::Corrupt { what: "a plan whose area is not there" };
    // SAFETY: what is found is looked at as bytes until it is known to be an area.
    unsafe {
        let known = pg_sys::dsm_find_mapping(area);
        let segment = if known.is_null() { pg_sys::dsm_attach(area) } else { known };
        if segment.is_null() {
            return Err(NOT_THERE);
        }
        let found = pg_sys::dsm_segment_address(segment).cast::<Area>();
        let is_area = pg_sys::dsm_segment_map_length(segment) >= size_of::<Area>() as _;
        if !is_area || (&raw const (*found).mark).read() != MARK {
            if known.is_null() {
                pg_sys::dsm_detach(segment);
            }
            return Err(NOT_THERE);
        }
        if known.is_null() {
            pg_sys::SharedFileSetAttach(&raw mut (*found).files, segment);
        }
        Ok((&raw mut (*found).files.fs, known.is_null()))
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
    /// Whether this process attached to the area for it.
    attached: bool,
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
        SharedFile { area, context, file: std::ptr::null_mut(), name, attached: false }
    }

    /// Opens or makes the file in the memory that lives long enough.
    fn open_with(&mut self, open: impl FnOnce(*mut pg_sys::FileSet, &CString) -> *mut pg_sys::BufFile) -> Result<()> {
        let name =
            CString::new(self.name.as_str()).map_err(|_| Error::Corrupt { what: "a file's name that is none" })?;
        let (files, attached) = file_set(self.area)?;
        self.attached = attached;
        // SAFETY: the context is that of the aggregate. After an error PostgreSQL sets the current one itself.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(self.context);
            self.file = open(files, &name);
            pg_sys::MemoryContextSwitchTo(before);
        }
        Ok(())
    }

    fn close(&mut self) {
        let file = std::mem::replace(&mut self.file, std::ptr::null_mut());
        if !file.is_null() {
            // SAFETY: the file is open, and this is not an error's way out.
            unsafe { pg_sys::BufFileClose(file) };
        }
        if std::mem::take(&mut self.attached) {
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
        }
    }
}

/// Opens a file that another process handed over.
pub fn open(area: u32, name: &str, context: pg_sys::MemoryContext) -> Result<Box<dyn Scratch>> {
    let mut file = SharedFile { area, context, file: std::ptr::null_mut(), name: name.to_owned(), attached: false };
    // SAFETY: the file set is there, and the name ends with a zero; 0 is for reading.
    file.open_with(|files, name| unsafe { pg_sys::BufFileOpenFileSet(files, name.as_ptr(), 0, false) })?;
    Ok(Box::new(file))
}
