//! The values of several keys of a stored `jsonb` object, read in place.
//!
//! An object is a header with the number of keys, an entry of 32 bits for each key, an entry for each value, and then
//! the bytes of the keys and of the values. An entry has a type and the length of its bytes; some have the offset of
//! their end instead, so that to find a value no more than 32 lengths are added up. Rows of a table mostly have the
//! same keys: where the keys are is worked out once and holds for as long as the bytes that say so are the same.

use std::cmp::Ordering;

/// A value of a key; the bytes are part of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The object has no such key, or the input is no object.
    Absent,
    /// The JSON null.
    Null,
    /// A string in the encoding of the database.
    String(&'a [u8]),
    /// true or false.
    Bool(bool),
    /// A `numeric`, from its varlena header on.
    Numeric(&'a [u8]),
    /// An array or an object, from its header on: the payload of a separate `jsonb`.
    Container(&'a [u8]),
}

/// The number of keys in an object's header.
const COUNT: u32 = 0x0FFF_FFFF;
/// The other bits of a header, of which an object has this one only.
const OBJECT: u32 = 0x2000_0000;

/// The length or the offset in an entry.
const LENGTH: u32 = 0x0FFF_FFFF;
/// The entry has the offset of its end, not its length.
const HAS_OFFSET: u32 = 0x8000_0000;
/// The type in an entry.
const TYPE: u32 = 0x7000_0000;
const STRING: u32 = 0x0000_0000;
const NUMERIC: u32 = 0x1000_0000;
const FALSE: u32 = 0x2000_0000;
const TRUE: u32 = 0x3000_0000;
const NULL: u32 = 0x4000_0000;
const CONTAINER: u32 = 0x5000_0000;
/// A type that no entry has, for a key that the object has not.
const ABSENT: u32 = u32::MAX;

/// Bytes of an object, header, entries of the keys and keys, up to which they are kept to compare the next row with. A
/// limit on the memory: for larger objects the keys are looked for in each row.
const MOST_KEPT: usize = 64 << 10;

/// Where a value is in the bytes that follow the entries.
#[derive(Clone, Copy, Debug)]
struct Span {
    kind: u32,
    start: usize,
    end: usize,
}

/// A wanted key that the object has.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The number of the pair of key and value in the object.
    pair: usize,
    /// The number of the wanted key.
    wanted: usize,
}

/// The wanted keys, and where they are in objects that have the keys of the row before.
#[derive(Debug)]
pub struct Shape {
    /// The wanted keys in the order of the keys of an object, each with its number in the order given.
    wanted: Vec<(Vec<u8>, usize)>,
    /// Header and entries of the keys of the row before; empty if nothing is kept.
    head: Vec<u8>,
    /// The bytes of its keys.
    keys: Vec<u8>,
    /// The wanted keys that it has, in the order of its keys.
    places: Vec<Place>,
    /// Where the value of each wanted key is, in the order given; those without a place are absent.
    spans: Vec<Span>,
}

impl Shape {
    /// A reader of the values of `keys`.
    pub fn new(keys: Vec<Vec<u8>>) -> Self {
        // few: keys
        let spans = vec![Span { kind: ABSENT, start: 0, end: 0 }; keys.len()];
        let places = Vec::with_capacity(keys.len()); // few: keys
        // few: keys
        let mut wanted: Vec<_> = keys.into_iter().enumerate().map(|(number, key)| (key, number)).collect();
        wanted.sort_by(|(one, _), (other, _)| order(one, other));
        Shape { wanted, head: Vec::new(), keys: Vec::new(), places, spans }
    }

    /// Calls `each` with the number and the value of each wanted key, in the order given, for the `jsonb` in `object`,
    /// which begins after the varlena header.
    ///
    /// All are absent in an array, in a scalar and in bytes that are no `jsonb`. Those are recognised by the header, the
    /// keys and the entries of the wanted values; the bytes of a string, `numeric` or container are not read.
    pub fn read<'a>(&mut self, object: &'a [u8], mut each: impl FnMut(usize, Value<'a>)) {
        match self.find(object) {
            Some(data) => self.spans.iter().enumerate().for_each(|(number, span)| each(number, span.value(data))),
            None => (0..self.spans.len()).for_each(|number| each(number, Value::Absent)),
        }
    }

    /// Sets the spans to those of `object` and returns the bytes they are in.
    fn find<'a>(&mut self, object: &'a [u8]) -> Option<&'a [u8]> {
        let count = count_of(object)?;
        let (values, data) = (4 + 4 * count, 4 + 8 * count);
        let entries = object.get(values..data)?.as_chunks::<4>().0;
        let data = object.get(data..)?;
        let same = object.get(..values) == Some(&self.head) && data.get(..self.keys.len()) == Some(&self.keys);
        let keys_end = if same { self.keys.len() } else { self.learn(object.get(..values)?, data)? };

        // The value whose start is known, the first or the one found last, and that start.
        let (mut known, mut offset) = (0, keys_end as u64);
        for place in &self.places {
            // Back to an entry that has an offset; 2²⁸ lengths of 28 bits do not overflow 64.
            let mut start = 0;
            let mut from = Some(offset);
            for entry in entries.get(known..place.pair)?.iter().rev() {
                let entry = u32::from_ne_bytes(*entry);
                start += u64::from(entry & LENGTH);
                if entry & HAS_OFFSET != 0 {
                    from = None;
                    break;
                }
            }
            start += from.unwrap_or(0);
            (known, offset) = (place.pair, start);
            let entry = u32::from_ne_bytes(*entries.get(place.pair)?);
            let span = Span::of(entry, usize::try_from(start).ok()?)?;
            if span.start < keys_end || span.end > data.len() {
                return None;
            }
            *self.spans.get_mut(place.wanted)? = span;
        }
        Some(data)
    }

    /// Works out where the wanted keys are from header and entries of the keys and the bytes that begin with the keys;
    /// returns how many of those bytes are keys.
    fn learn(&mut self, head: &[u8], data: &[u8]) -> Option<usize> {
        self.head.clear();
        self.keys.clear();
        self.places.clear();
        self.spans.iter_mut().for_each(|span| span.kind = ABSENT);

        let mut wanted = self.wanted.iter().peekable();
        let mut before: Option<&[u8]> = None;
        let mut at = 0;
        for (pair, entry) in head.get(4..)?.as_chunks::<4>().0.iter().enumerate() {
            let span = Span::of(u32::from_ne_bytes(*entry), at)?;
            let key = data.get(span.start..span.end)?;
            // Both lists are in this order, so one pass over both finds all.
            if span.kind != STRING || before.is_some_and(|before| order(before, key) != Ordering::Less) {
                return None;
            }
            while let Some((want, number)) = wanted.peek() {
                match order(want, key) {
                    Ordering::Less => {}
                    Ordering::Equal => self.places.push(Place { pair, wanted: *number }),
                    Ordering::Greater => break,
                }
                wanted.next();
            }
            (before, at) = (Some(key), span.end);
        }
        if head.len().saturating_add(at) <= MOST_KEPT {
            self.head.extend_from_slice(head);
            self.keys.extend_from_slice(data.get(..at)?);
        }
        Some(at)
    }
}

impl Span {
    /// The span of an entry whose bytes start at `start`; `None` if they would end before.
    #[inline]
    fn of(entry: u32, start: usize) -> Option<Self> {
        let length = (entry & LENGTH) as usize;
        let end = if entry & HAS_OFFSET == 0 { start.checked_add(length)? } else { length };
        let kind = entry & TYPE;
        let start = match kind {
            STRING | FALSE | TRUE | NULL => start,
            // The bytes begin with those that align them; what follows the entries is aligned itself.
            NUMERIC | CONTAINER => start.checked_next_multiple_of(4)?,
            _ => return None,
        };
        (start <= end).then_some(Span { kind, start, end })
    }

    /// The value in `data`, the bytes that follow the entries.
    #[inline]
    fn value(self, data: &[u8]) -> Value<'_> {
        match (self.kind, data.get(self.start..self.end)) {
            (NULL, _) => Value::Null,
            (FALSE, _) => Value::Bool(false),
            (TRUE, _) => Value::Bool(true),
            (STRING, Some(bytes)) => Value::String(bytes),
            (NUMERIC, Some(bytes)) => Value::Numeric(bytes),
            (CONTAINER, Some(bytes)) => Value::Container(bytes),
            _ => Value::Absent,
        }
    }
}

/// The number of keys in an object, `None` if `bytes` begin none.
#[inline]
fn count_of(bytes: &[u8]) -> Option<usize> {
    let header = u32::from_ne_bytes(*bytes.first_chunk()?);
    (header & !COUNT == OBJECT).then_some((header & COUNT) as usize)
}

/// The order of the keys in an object: by length, then by bytes.
#[inline]
fn order(one: &[u8], other: &[u8]) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// A value to store.
    #[derive(Clone, Debug)]
    enum Json {
        Null,
        Bool(bool),
        String(Vec<u8>),
        /// The bytes of a numeric; not read.
        Numeric(Vec<u8>),
        Array(Vec<Json>),
        Object(BTreeMap<Vec<u8>, Json>),
    }

    /// The object as PostgreSQL stores it, by the rules of its `convertJsonbObject`.
    fn object(pairs: &BTreeMap<Vec<u8>, Json>) -> Vec<u8> {
        let mut pairs: Vec<_> = pairs.iter().collect();
        pairs.sort_by(|(one, _), (other, _)| order(one, other));
        let keys = pairs.iter().map(|(key, _)| Json::String(key.to_vec()));
        let values = pairs.iter().map(|(_, value)| (*value).clone());
        container(OBJECT | pairs.len() as u32, keys.chain(values).collect())
    }

    fn container(header: u32, children: Vec<Json>) -> Vec<u8> {
        let mut entries = header.to_ne_bytes().to_vec();
        let mut data: Vec<u8> = Vec::new();
        for (number, child) in children.iter().enumerate() {
            let start = data.len();
            let align = |data: &mut Vec<u8>| data.resize(data.len().next_multiple_of(4), 0);
            let kind = match child {
                Json::Null => NULL,
                Json::Bool(false) => FALSE,
                Json::Bool(true) => TRUE,
                Json::String(bytes) => {
                    data.extend(bytes);
                    STRING
                }
                Json::Numeric(bytes) => {
                    align(&mut data);
                    data.extend(bytes);
                    NUMERIC
                }
                Json::Array(children) => {
                    align(&mut data);
                    data.extend(container(0x4000_0000 | children.len() as u32, children.clone()));
                    CONTAINER
                }
                Json::Object(pairs) => {
                    align(&mut data);
                    data.extend(object(pairs));
                    CONTAINER
                }
            };
            let length = if number % 32 == 0 { HAS_OFFSET | data.len() as u32 } else { (data.len() - start) as u32 };
            entries.extend((kind | length).to_ne_bytes());
        }
        [entries, data].concat()
    }

    /// What the readout of `key` must be, with its bytes owned.
    fn expected(pairs: &BTreeMap<Vec<u8>, Json>, key: &[u8]) -> (&'static str, Vec<u8>) {
        match pairs.get(key) {
            None => ("absent", vec![]),
            Some(Json::Null) => ("null", vec![]),
            Some(Json::Bool(value)) => ("bool", vec![u8::from(*value)]),
            Some(Json::String(bytes)) => ("string", bytes.clone()),
            Some(Json::Numeric(bytes)) => ("numeric", bytes.clone()),
            Some(Json::Array(children)) => {
                ("container", container(0x4000_0000 | children.len() as u32, children.clone()))
            }
            Some(Json::Object(pairs)) => ("container", object(pairs)),
        }
    }

    fn owned(value: Value) -> (&'static str, Vec<u8>) {
        match value {
            Value::Absent => ("absent", vec![]),
            Value::Null => ("null", vec![]),
            Value::Bool(value) => ("bool", vec![u8::from(value)]),
            Value::String(bytes) => ("string", bytes.to_vec()),
            Value::Numeric(bytes) => ("numeric", bytes.to_vec()),
            Value::Container(bytes) => ("container", bytes.to_vec()),
        }
    }

    fn values<'a>(shape: &mut Shape, object: &'a [u8]) -> Vec<Value<'a>> {
        let mut values = Vec::new();
        shape.read(object, |number, value| {
            assert_eq!(number, values.len());
            values.push(value);
        });
        values
    }

    fn check(shape: &mut Shape, wanted: &[Vec<u8>], pairs: &BTreeMap<Vec<u8>, Json>) {
        let stored = object(pairs);
        let read: Vec<_> = values(shape, &stored).into_iter().map(owned).collect();
        let right: Vec<_> = wanted.iter().map(|key| expected(pairs, key)).collect();
        assert_eq!(read, right);
    }

    /// An object of `count` keys with values of all types and lengths.
    fn sample(count: usize) -> BTreeMap<Vec<u8>, Json> {
        let value = |i: usize| match i % 7 {
            0 => Json::String(b"x".repeat(i % 5)),
            1 => Json::Numeric(b"\x20\0\0\0\x00\x80\x01\0".to_vec()),
            2 => Json::Bool(i.is_multiple_of(2)),
            3 => Json::Null,
            4 => Json::Array(vec![Json::String(b"abc".to_vec()), Json::Numeric(vec![1, 2, 3, 4, 5, 6])]),
            5 => Json::Object(BTreeMap::from([(b"k".to_vec(), Json::Null)])),
            _ => Json::Numeric(b"\x28\0\0\0\x00\x80\x01\0\x02\0".to_vec()),
        };
        (0..count).map(|i| (format!("key{i}").into_bytes(), value(i * 5 + i / 7))).collect()
    }

    #[test]
    fn objects_of_all_sizes() {
        let mut wanted: Vec<Vec<u8>> = (0..101).rev().map(|i| format!("key{i}").into_bytes()).collect();
        wanted.extend([b"".to_vec(), b"kez1".to_vec(), b"key50".to_vec(), b"key50".to_vec(), b"zzzzzzzzzzz".to_vec()]);
        let mut shape = Shape::new(wanted.clone());
        for count in [0, 1, 40, 100, 33, 32, 31, 64, 65, 0, 0, 100, 100] {
            check(&mut shape, &wanted, &sample(count));
            check(&mut shape, &wanted, &sample(count));
        }
        for key in &wanted {
            let mut shape = Shape::new(vec![key.clone()]);
            for count in [0, 1, 40, 40, 100] {
                check(&mut shape, std::slice::from_ref(key), &sample(count));
            }
        }
    }

    #[test]
    fn an_object_laid_out_by_hand() {
        let units = |units: &[u32]| -> Vec<u8> { units.iter().flat_map(|unit| unit.to_ne_bytes()).collect() };
        // {"a": 1, "bc": "x"}; the numeric has a byte of padding before it
        let mut stored = units(&[0x2000_0002, 0x8000_0001, 2, 0x1000_0009, 1]);
        stored.extend(b"abc\0\x20\0\0\0\x00\x80\x01\0x");
        let mut shape = Shape::new(vec![b"bc".to_vec(), b"a".to_vec()]);
        let right = vec![Value::String(b"x"), Value::Numeric(b"\x20\0\0\0\x00\x80\x01\0")];
        assert_eq!(values(&mut shape, &stored), right);
        assert_eq!(values(&mut shape, &stored), right);
    }

    #[test]
    fn no_wanted_keys() {
        let mut shape = Shape::new(vec![]);
        assert_eq!(values(&mut shape, &object(&sample(3))), vec![]);
        assert_eq!(values(&mut shape, &[]), vec![]);
    }

    #[test]
    fn what_is_no_object_has_no_keys() {
        let mut shape = Shape::new(vec![b"key0".to_vec(), b"key1".to_vec()]);
        let none = vec![Value::Absent; 2];
        let stored = object(&sample(2));
        let array = container(0x4000_0002, vec![Json::String(b"key0".to_vec()), Json::String(b"key1".to_vec())]);
        let scalar = container(0x5000_0001, vec![Json::String(b"key0".to_vec())]);
        assert_eq!(values(&mut shape, &[]), none);
        assert_eq!(values(&mut shape, &[0; 64]), none);
        for _ in 0..2 {
            assert_eq!(values(&mut shape, &array), none);
            assert_eq!(values(&mut shape, &scalar), none);
            assert_ne!(values(&mut shape, &stored), none);
            for end in 0..stored.len() {
                assert_eq!(values(&mut shape, &stored[..end]), none);
            }
            assert_ne!(values(&mut shape, &stored), none);
        }
        // keys out of order, and a type that is none
        let string = |bytes: &[u8]| Json::String(bytes.to_vec());
        let unsorted = container(OBJECT | 2, vec![string(b"key1"), string(b"key0"), Json::Null, Json::Null]);
        assert_eq!(values(&mut shape, &unsorted), none);
        let twice = container(OBJECT | 2, vec![string(b"key1"), string(b"key1"), Json::Null, Json::Null]);
        assert_eq!(values(&mut shape, &twice), none);
        let mut untyped = stored.clone();
        untyped[12..16].copy_from_slice(&0x6000_0000u32.to_ne_bytes());
        assert_eq!(values(&mut shape, &untyped), none);
    }

    #[test]
    fn large_objects_are_read_and_not_kept() {
        let wanted = [b"key7".to_vec(), b"key9999".to_vec(), b"none".to_vec()];
        let mut shape = Shape::new(wanted.to_vec());
        let large = sample(20_000);
        check(&mut shape, &wanted, &large);
        check(&mut shape, &wanted, &large);
        assert!(shape.head.is_empty() && shape.keys.is_empty());
        check(&mut shape, &wanted, &sample(9));
        assert!(!shape.head.is_empty());
    }

    fn json() -> impl Strategy<Value = Json> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..9);
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            bytes().prop_map(Json::String),
            bytes().prop_map(Json::Numeric),
        ];
        leaf.prop_recursive(2, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                prop::collection::btree_map("[a-c]{0,2}".prop_map(String::into_bytes), inner, 0..4)
                    .prop_map(Json::Object),
            ]
        })
    }

    /// Few distinct keys, so that wanted ones are often there.
    fn key() -> impl Strategy<Value = Vec<u8>> {
        "[a-d]{0,3}".prop_map(String::into_bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn objects_of_changing_shapes_are_read_back(
            wanted in prop::collection::vec(key(), 0..8),
            objects in prop::collection::vec(prop::collection::btree_map(key(), json(), 0..80), 1..5),
            rows in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..20),
        ) {
            let mut shape = Shape::new(wanted.clone());
            let others: Vec<BTreeMap<_, _>> = objects
                .iter()
                .map(|pairs| pairs.keys().zip(pairs.values().rev()).map(|(k, v)| (k.clone(), v.clone())).collect())
                .collect();
            for (row, other) in rows {
                // the same keys with the values of others
                check(&mut shape, &wanted, row.get(if other { &others } else { &objects }));
            }
        }

        #[test]
        fn no_bytes_panic(rows in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..4)) {
            let mut shape = Shape::new(vec![vec![], b"a".to_vec(), b"a".to_vec(), vec![0, 0]]);
            for row in rows {
                prop_assert_eq!(values(&mut shape, &row).len(), 4);
            }
        }

        #[test]
        fn no_entries_panic(
            count in 0u32..20,
            rows in prop::collection::vec(prop::collection::vec(
                (any::<bool>(), 0u32..8, prop_oneof![9 => 0u32..20, 1 => 0u32..1 << 28]), 0..40), 1..4),
            data in prop::collection::vec(0u8..2, 0..100),
        ) {
            let mut shape = Shape::new(vec![vec![], vec![0], vec![1], vec![0, 0]]);
            for row in rows {
                let entry = |(offset, kind, length): (bool, u32, u32)| u32::from(offset) << 31 | kind << 28 | length;
                let mut bytes = (OBJECT | count).to_ne_bytes().to_vec();
                bytes.extend(row.into_iter().flat_map(|parts| entry(parts).to_ne_bytes()));
                bytes.extend(&data);
                prop_assert_eq!(values(&mut shape, &bytes).len(), 4);
            }
        }

        #[test]
        fn spoilt_objects_do_not_panic(
            pairs in prop::collection::btree_map(key(), json(), 0..80),
            spoilt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            wanted in prop::collection::vec(key(), 0..8),
        ) {
            let mut shape = Shape::new(wanted.clone());
            let stored = object(&pairs);
            let mut other = stored.clone();
            for (at, byte) in spoilt {
                other[at.index(stored.len())] = byte;
            }
            for _ in 0..2 {
                prop_assert_eq!(values(&mut shape, &other).len(), wanted.len());
                check(&mut shape, &wanted, &pairs);
            }
        }
    }
}
