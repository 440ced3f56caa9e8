//! What the targets share.

use user_metrics_core::Error;
use user_metrics_core::base::memory;
use user_metrics_core::base::wire::{Kind, Writer};

/// More than any input needs that is worth reading, and little enough that a wish for much more is refused at once.
const LIMIT: usize = 4 << 20;

/// The bytes of a stored value with this body: with the length and the checksum that belong to it, so that the fuzzer gets
/// past them.
pub fn framed(kind: Kind, version: u8, body: &[u8]) -> Vec<u8> {
    let mut value = Writer::new(kind, version, body.len()).expect("room for a small value");
    value.raw(body).expect("room for a small value");
    value.finish()
}

/// Runs `work` under a limit on memory, and sees to it that it gives everything back.
pub fn held<T>(work: impl FnOnce() -> T) -> T {
    memory::set_limit(LIMIT);
    let result = work();
    assert_eq!((memory::claims(), memory::used()), (0, 0), "claims and bytes left in the memory account");
    result
}

/// Bytes are refused as what they are, or for the memory they would take.
pub fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. } | Error::UnknownVersion { .. } | Error::OutOfMemory { .. })
}
