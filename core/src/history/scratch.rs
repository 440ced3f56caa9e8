//! Temporary files for data that exceed the memory, provided by the surrounding process.

use crate::base::error::{Error, Result};
use std::cell::RefCell;
use std::rc::Rc;

/// A file that is written sequentially, read at any position, and removed when it is no longer needed.
pub trait Scratch {
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;

    /// Reads bytes from a position on.
    fn read(&self, at: u64, into: &mut [u8]) -> Result<()>;

    /// Ends writing and returns the name under which another process can open it.
    fn hand_over(&mut self) -> Result<String>;
}

/// A file in memory, for tests: clones are the same file.
#[derive(Clone, Debug, Default)]
pub struct InMemory(Rc<RefCell<Vec<u8>>>);

impl Scratch for InMemory {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<()> {
        let (bytes, at) = (self.0.borrow(), at as usize);
        let found = bytes.get(at..at + into.len()).ok_or(Error::Corrupt { what: "a file that ends too early" })?;
        into.copy_from_slice(found);
        Ok(())
    }

    fn hand_over(&mut self) -> Result<String> {
        Ok("in memory".to_owned())
    }
}
