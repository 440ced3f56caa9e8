//! Texts of the server as texts of Rust, and back. A `&str` is UTF-8; the server's texts are in the encoding of the database:
//! arguments, names of the catalog, the text of a query, rows and messages.
//!
//! What comes from the server is always accepted: bytes that have no form in UTF-8, such as the undefined ones of WIN1252 or
//! any in a database in SQL_ASCII, become characters of a range of their own, and the same bytes on the way back. In a
//! database in UTF8 nothing is copied.
#![allow(unsafe_code)]

use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::pg_sys::pg_enc::{PG_SQL_ASCII, PG_UTF8};
use pgrx::prelude::*;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell, UnsafeCell};
use std::ffi::{CStr, CString};
use user_metrics_core::base::encoding::{self, Conversion};
use user_metrics_core::base::memory;
use user_metrics_core::{Error, Result};

/// Connects core to the encoding of the database; called when the library is loaded.
pub fn connect() {
    encoding::set(Conversion { decode: decoded, encode: encoded });
}

thread_local! {
    /// A call of the server costs more than most texts take. Nothing asks before a backend is in its database.
    static DATABASE: OnceCell<u32> = const { OnceCell::new() };
}

fn database() -> u32 {
    // SAFETY: the encoding of a database does not change.
    DATABASE.with(|known| *known.get_or_init(|| unsafe { pg_sys::GetDatabaseEncoding() as u32 }))
}

/// The name of the encoding of the database.
pub fn name() -> Cow<'static, str> {
    // SAFETY: a name that the server has for good.
    unsafe { CStr::from_ptr(pg_sys::GetDatabaseEncodingName()) }.to_string_lossy()
}

/// The character for the byte 0 that has no form in UTF-8; 128 to 255 occur. The range is for private use, at the end of
/// Unicode. Texts that have its characters are taken for bytes without a form, too, and so stay what they are.
const FIRST_RAW: u32 = 0x0010_FF00;

fn raw(byte: u8) -> char {
    char::from_u32(FIRST_RAW + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn byte_of(character: char) -> Option<u8> {
    let byte = u32::from(character).checked_sub(FIRST_RAW)?;
    u8::try_from(byte).ok().filter(|byte| !byte.is_ascii())
}

/// A text of the server in UTF-8.
pub fn decoded(text: &[u8]) -> Cow<'_, str> {
    if text.is_ascii() || database() == PG_UTF8 {
        return String::from_utf8_lossy(text);
    }
    let from = database();
    let mut whole = String::new();
    let mut rest = text;
    while let Some(byte) = rest.first() {
        let known = match from {
            PG_SQL_ASCII => rest.utf8_chunks().next().map(|chunk| chunk.valid().as_bytes().into()).map(whole_length),
            _ => converted(rest, from, PG_UTF8).map(|(text, length)| (text.into(), length)),
        };
        let (text, length): (Cow<'_, [u8]>, usize) = known.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        grow(&mut whole, text.len() + 4);
        for character in text.chars() {
            match byte_of(character) {
                None => whole.push(character),
                Some(_) => character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                    grow(&mut whole, 4);
                    whole.push(raw(byte));
                }),
            }
        }
        if length == 0 {
            whole.push(if byte.is_ascii() { char::from(*byte) } else { raw(*byte) });
        }
        rest = &rest[length.max(1)..];
    }
    Cow::Owned(whole)
}

/// A text in UTF-8 as the server has it; `None` if the encoding of the database lacks one of its characters.
pub fn encoded(text: &str) -> Option<Cow<'_, [u8]>> {
    if text.is_ascii() || database() == PG_UTF8 {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let to = database();
    let mut whole = Vec::new();
    let mut rest = text;
    let mut has_raw = false;
    while let Some(character) = rest.chars().next() {
        let end = rest.find(|character| byte_of(character).is_some()).unwrap_or(rest.len());
        let length = match byte_of(character) {
            Some(byte) => {
                has_raw = true;
                grow_bytes(&mut whole, 1);
                whole.push(byte);
                character.len_utf8()
            }
            None if to == PG_SQL_ASCII => {
                grow_bytes(&mut whole, end);
                whole.extend_from_slice(&rest.as_bytes()[..end]);
                end
            }
            None => {
                let (text, length) =
                    converted(&rest.as_bytes()[..end], PG_UTF8, to).filter(|(_, length)| *length > 0)?;
                grow_bytes(&mut whole, text.len());
                whole.extend_from_slice(&text);
                length
            }
        };
        rest = rest.get(length..)?;
    }
    // SAFETY: the bytes are there as long as it reads them.
    let is_valid = || unsafe { pg_sys::pg_verify_mbstr(to as i32, whole.as_ptr().cast(), whole.len() as i32, true) };
    if has_raw && to != PG_SQL_ASCII && !is_valid() { None } else { Some(Cow::Owned(whole)) }
}

fn whole_length(text: Cow<'_, [u8]>) -> (Cow<'_, [u8]>, usize) {
    let length = text.len();
    (text, length)
}

/// The most bytes that are converted at once: what is tried again after a byte without a form is never much.
const PIECE: usize = 2048;

/// The beginning of a text in another encoding, and its length in this one: up to a piece, or to what has no form. `None`
/// if the server cannot convert.
fn converted(text: &[u8], from: u32, to: u32) -> Option<(Vec<u8>, usize)> {
    // few: a piece, and the four bytes that each of its bytes may become
    let (mut piece, mut room) = (text[..text.len().min(PIECE)].to_vec(), vec![0; 4 * text.len().min(PIECE) + 8]);
    let (from, to) = (from as i32, to as i32);
    // SAFETY: PostgreSQL's own conversion, which reads and writes no more than it is given and raises no error.
    let length = unsafe {
        let procedure = pg_sys::FindDefaultConversionProc(from, to);
        if procedure == pg_sys::InvalidOid {
            return None;
        }
        let (text, size) = (piece.as_mut_ptr(), piece.len() as i32);
        pg_sys::pg_do_encoding_conversion_buf(
            procedure,
            from,
            to,
            text,
            size,
            room.as_mut_ptr(),
            room.len() as i32,
            true,
        )
    };
    let end = CStr::from_bytes_until_nul(&room).map_or(0, CStr::count_bytes);
    room.truncate(end);
    Some((room, usize::try_from(length).ok()?))
}

fn grow(text: &mut String, by: usize) {
    text.try_reserve(by).unwrap_or_else(|_| out_of_memory());
}

fn grow_bytes(text: &mut Vec<u8>, by: usize) {
    text.try_reserve(by).unwrap_or_else(|_| out_of_memory());
}

fn out_of_memory() {
    Err(crate::error::refused("user_metrics")(memory::out_of_memory())).unwrap_or_report()
}

/// Whether the server's texts are converted: in UTF8 and SQL_ASCII they are taken as they are.
pub fn converts() -> bool {
    !matches!(database(), PG_UTF8 | PG_SQL_ASCII)
}

/// A copy of a text in the current memory context.
///
/// # Safety
///
/// The context must live as long as the copy is used.
pub unsafe fn kept<'a>(text: &str) -> &'a str {
    // SAFETY: the memory is ours, as long as it was asked for, and filled with a text before it is read.
    unsafe {
        let copy = pg_sys::palloc(text.len().max(1)).cast::<u8>();
        copy.copy_from_nonoverlapping(text.as_ptr(), text.len());
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(copy, text.len()))
    }
}

/// A text as a C string of the server.
pub fn c_string(text: &str) -> Result<CString> {
    CString::new(encoding::encoded(text)?).map_err(|_| Error::Corrupt { what: "a text with a zero byte" })
}

/// A message of the server; a character that its encoding lacks is written as in a Unicode escape.
fn message_text(text: &str) -> CString {
    let mut whole = Vec::new();
    match encoded(text) {
        Some(text) => whole.extend_from_slice(&text),
        None => {
            for character in text.chars() {
                match (encoded(character.encode_utf8(&mut [0; 4])), character) {
                    (Some(bytes), _) => whole.extend_from_slice(&bytes),
                    (None, '\u{2026}') => whole.extend_from_slice(b"..."),
                    (None, _) => whole.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes()),
                }
            }
        }
    }
    CString::new(whole).unwrap_or_default()
}

/// A message and its hint, as pgrx hands them to the server and as the server has them.
struct Message {
    raised: CString,
    message: CString,
    hint: CString,
}

thread_local! {
    static MESSAGE: RefCell<Option<Message>> = const { RefCell::new(None) };
    static CALLBACK: UnsafeCell<pg_sys::ErrorContextCallback> = const {
        UnsafeCell::new(pg_sys::ErrorContextCallback {
            previous: std::ptr::null_mut(),
            callback: Some(replace_message),
            arg: std::ptr::null_mut(),
        })
    };
}

/// Arranges that a message, which is about to be raised, reaches the server in its encoding. pgrx can only pass on UTF-8, so
/// the message is replaced while the server finishes the error, by a callback for the context of errors. After an error the
/// server restores the list of callbacks itself; after a notice [`end_message`] does.
pub fn begin_message(message: &str, hint: &str) {
    if database() == PG_UTF8 || (message.is_ascii() && hint.is_ascii()) {
        return;
    }
    let raised = CString::new(message).unwrap_or_default();
    MESSAGE.set(Some(Message { raised, message: message_text(message), hint: message_text(hint) }));
    push_callback();
}

fn push_callback() {
    CALLBACK.with(|callback| {
        let ours = callback.get();
        // SAFETY: the callback lives as long as the process, and is put on the list only if it is not there.
        unsafe {
            let mut listed = pg_sys::error_context_stack;
            while !listed.is_null() && listed != ours {
                listed = (*listed).previous;
            }
            if listed.is_null() {
                (*ours).previous = pg_sys::error_context_stack;
                pg_sys::error_context_stack = ours;
            }
        }
    });
}

/// Ends what [`begin_message`] began, for a message after which the call goes on.
pub fn end_message() {
    MESSAGE.set(None);
    CALLBACK.with(|callback| {
        // SAFETY: as above; ours is removed if it is the first.
        unsafe {
            if pg_sys::error_context_stack == callback.get() {
                pg_sys::error_context_stack = (*callback.get()).previous;
            }
        }
    });
}

/// Replaces the message of the error that the server is finishing, if it is the one announced.
#[pg_guard]
unsafe extern "C-unwind" fn replace_message(_argument: *mut core::ffi::c_void) {
    let Some(ours) = MESSAGE.take() else { return };
    // SAFETY: a callback may set the fields of the error; its data are copied into memory that is freed, and not in the
    // context in which the server finishes errors.
    unsafe {
        if finishing().is_some_and(|error| error.message == ours.raised) {
            set_message(&ours.message, &ours.hint);
        }
    }
}

/// What the server says of the error that it is finishing.
struct Finishing {
    is_error: bool,
    message: CString,
    hint: CString,
}

unsafe fn finishing() -> Option<Finishing> {
    // SAFETY: called while an error is finished; its data are copied into memory that is freed, and not in the context in
    // which the server finishes errors.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = pg_sys::TopMemoryContext;
        let data = pg_sys::CopyErrorData();
        let text = |text: *mut core::ffi::c_char| {
            if text.is_null() { CString::default() } else { CStr::from_ptr(text).to_owned() }
        };
        let error = data.as_ref().map(|data| Finishing {
            is_error: data.elevel >= PgLogLevel::ERROR as i32,
            message: text(data.message),
            hint: text(data.hint),
        });
        pg_sys::FreeErrorData(data);
        pg_sys::CurrentMemoryContext = context;
        error
    }
}

unsafe fn set_message(message: &CStr, hint: &CStr) {
    // SAFETY: a callback for the context of an error may set its fields, which copies the texts.
    unsafe {
        pg_sys::errmsg_internal(c"%s".as_ptr(), message.as_ptr());
        if !hint.is_empty() {
            errhint(c"%s".as_ptr(), hint.as_ptr());
        }
    }
}

/// Runs what may raise errors of the server with names or texts of the caller, such as the query over a log. pgrx catches
/// these errors, takes their messages for UTF-8 and raises them once more; they reach the server as they were.
pub fn with_messages<T>(run: impl FnOnce() -> crate::error::Result<T>) -> crate::error::Result<T> {
    if database() == PG_UTF8 {
        return run();
    }
    let listening = Listening::begin();
    let result = run();
    if result.is_ok() {
        MESSAGE.set(None);
    }
    drop(listening);
    result
}

/// A callback on the list of the server until it is dropped.
struct Listening(Box<pg_sys::ErrorContextCallback>);

impl Listening {
    fn begin() -> Self {
        let callback = Some(take_message as unsafe extern "C-unwind" fn(*mut core::ffi::c_void));
        // SAFETY: the callback is taken off the list before it is freed.
        unsafe {
            let previous = pg_sys::error_context_stack;
            let arg = std::ptr::null_mut();
            let mut ours = Listening(Box::new(pg_sys::ErrorContextCallback { previous, callback, arg }));
            pg_sys::error_context_stack = &raw mut *ours.0;
            ours
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // SAFETY: what was on the list before ours is there until the caller returns.
        unsafe { pg_sys::error_context_stack = self.0.previous };
        if MESSAGE.with_borrow(Option::is_some) {
            push_callback();
        }
    }
}

/// Notes the message of an error that the server is finishing, as pgrx will raise it once more, and as it was.
#[pg_guard]
unsafe extern "C-unwind" fn take_message(_argument: *mut core::ffi::c_void) {
    // SAFETY: the server calls this while it finishes an error.
    unsafe {
        let Some(error) = finishing().filter(|error| error.is_error) else { return };
        let Finishing { message, hint, .. } = error;
        if message.as_bytes().is_ascii() && hint.as_bytes().is_ascii() {
            return;
        }
        let raised = CString::new(&*message.to_string_lossy()).unwrap_or_default();
        MESSAGE.set(Some(Message { raised, message, hint }));
    }
}

unsafe extern "C-unwind" {
    fn errhint(format: *const core::ffi::c_char, ...) -> core::ffi::c_int;
}
