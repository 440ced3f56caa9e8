//! `user_properties`: the most recent non-null value of every property of every user. Definition D8.
//!
//! A user's requests are read from the last to the first, so that the most recent value of a property counts. Objects are
//! not stored as codes, since they may differ with every request, but like request ids: they go into the files of the query
//! with the other columns.

use super::object::{Text, pairs};
use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::{Call, Cell, Function, Past, Reads, Requests, Rows, Type, column};
use crate::history::Timeline;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "user_properties",
    path: "users::properties::user_properties",
    example: "",
    summary: "most recent value (not NULL) of every property of every user up to as_of, and its time",
    arguments: &[],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("property", Type::Text, "key of the properties"),
        column("value", Type::Text, "most recent value that is not NULL; objects and lists as JSON text"),
        column("told_at", Type::Instant, "time at which it was last logged"),
    ],
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: &[], needed: &["properties"], names: true }),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let properties = call.column("properties");
    let (mut property, mut value, mut buffers) = (Vec::new(), Vec::new(), Claim::temporary());
    call.each_user(&[properties], |user| {
        let mut claim = Claim::temporary();
        let objects = objects(call, user, properties, &mut claim)?;
        let told = told_last(&objects, &mut claim)?;
        let id = call.user_id(user.user, user.name);
        for (key, (at, text)) in told.into_values() {
            read(key, &mut property, &mut buffers)?;
            read(text, &mut value, &mut buffers)?;
            rows.row(&mut [Cell::Bytes(&id), Cell::Bytes(&property), Cell::Bytes(&value), Cell::Instant(at)])?;
        }
        Ok(())
    })
}

/// The distinct objects of a user's requests in text form, the last first. A log repeats the same few objects, and a
/// repetition adds nothing.
fn objects(
    call: &Call<'_>,
    user: &Timeline<'_>,
    properties: Option<usize>,
    claim: &mut Claim,
) -> Result<Vec<(Micros, Vec<u8>)>> {
    let (mut objects, mut last) = (Vec::new(), None);
    for (request, &at) in user.at.iter().enumerate().rev() {
        if request % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
            memory::poll();
        }
        let Some(object) = user.id(properties, request).filter(|object| last != Some(*object)) else { continue };
        last = Some(object);
        let written = (call.environment.json)(object)?;
        claim.grow(written.capacity())?;
        claim.push(&mut objects, (at, written))?;
    }
    Ok(objects)
}

/// Copies the bytes of a text into a buffer.
fn read(text: Text<'_>, buffer: &mut Vec<u8>, claim: &mut Claim) -> Result<()> {
    buffer.clear();
    claim.reserve(buffer, text.written().len())?;
    buffer.extend(text.bytes());
    Ok(())
}

/// About the memory of a property while a user is processed.
const PROPERTY: usize = 128;

/// Properties by their keys in text form: the key, the instant of the last value, and the value.
type Told<'u> = BTreeMap<&'u [u8], (Text<'u>, (Micros, Text<'u>))>;

/// The most recent value of each property; of several at the same instant, the greatest by its bytes.
fn told_last<'o>(objects: &'o [(Micros, Vec<u8>)], claim: &mut Claim) -> Result<Told<'o>> {
    let mut told: Told<'o> = BTreeMap::new();
    for (at, object) in objects {
        for (key, value) in pairs(object) {
            match told.entry(key.written()) {
                Entry::Vacant(free) => {
                    claim.grow(PROPERTY)?;
                    free.insert((key, (*at, value)));
                }
                Entry::Occupied(mut taken) => {
                    let (_, (told_at, text)) = taken.get_mut();
                    if told_at == at && text.bytes().lt(value.bytes()) {
                        *text = value;
                    }
                }
            }
        }
    }
    Ok(told)
}
