//! Sorting of items by user, for states that keep a list per user.

use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};

/// From this number of items on, a counting sort by user pays off.
const MANY: usize = 4096;
/// Buckets of users in the first pass: as many write positions as fit the CPU caches.
const BUCKETS: usize = 512;

/// An item that belongs to a user of a table.
pub trait Owned: Copy {
    /// The sort key among a user's items.
    type Order: Ord;
    /// The index of the user.
    fn user_index(&self) -> u32;
    /// The item's sort key.
    fn order(&self) -> Self::Order;
}

/// Sorts items by user and order, users by the position that `place` returns for their index: below `users` and distinct.
/// `claim` is that of the items, whose capacity may change.
///
/// Rows mostly come in time order, and so do each user's items once they are grouped: after a counting sort by user, hardly
/// anything is left to sort.
pub fn sort<T: Owned>(items: &mut Vec<T>, users: usize, place: impl Fn(u32) -> u32, claim: &mut Claim) {
    if items.len() > MANY && group(items, users, &place, claim).is_ok() {
        for own in items.chunk_by_mut(|a, b| a.user_index() == b.user_index()) {
            if !own.is_sorted_by_key(T::order) {
                sort_in_place(own, |_| 0);
            }
        }
    } else {
        // In place if there is no memory for a copy.
        sort_in_place(items, place);
    }
}

fn sort_in_place<T: Owned>(items: &mut [T], place: impl Fn(u32) -> u32) {
    let mut compared = 0u32;
    items.sort_unstable_by(|a, b| {
        compared = compared.wrapping_add(1);
        if compared.is_multiple_of(16 * memory::POLL_EVERY as u32) {
            memory::poll();
        }
        (place(a.user_index()), a.order()).cmp(&(place(b.user_index()), b.order()))
    });
}

/// Groups items by user, stable, by counting: first into buckets of hundreds of users each, then each bucket by user. A
/// single pass would write to as many positions as there are users, which do not fit the caches. After an interrupt the
/// items are unchanged.
fn group<T: Owned>(items: &mut Vec<T>, users: usize, place: impl Fn(u32) -> u32, claim: &mut Claim) -> Result<()> {
    let Some(&any) = items.first() else { return Ok(()) };
    if u32::try_from(items.len()).is_err() {
        return Err(Error::TooLarge { bytes: size_of_val(&items[..]) });
    }
    let mut meanwhile = Claim::temporary();
    let bits = usize::BITS - (users / BUCKETS).leading_zeros();
    let mut dealt = meanwhile.filled(any, items.len())?;
    let mut ends = meanwhile.filled(0u32, (users >> bits) + 1)?;
    let mut own_ends = meanwhile.filled(0u32, 1 << bits)?;
    let place = |item: &T| place(item.user_index()) as usize;
    deal(items, &mut dealt, &mut ends, |item| place(item) >> bits);
    let (mut some, mut from, mut polled) = (Vec::new(), 0, 0);
    for end in ends.into_iter().map(|end| end as usize) {
        if end - polled > memory::POLL_EVERY {
            memory::poll();
            polled = end;
        }
        some.clear();
        if some.capacity() < end - from {
            meanwhile.reserve(&mut some, (end - from).next_power_of_two())?;
        }
        some.extend_from_slice(&dealt[from..end]);
        own_ends.fill(0);
        deal(&some, &mut dealt[from..end], &mut own_ends, |item| place(item) & ((1 << bits) - 1));
        from = end;
    }
    let room = |items: &Vec<T>| items.capacity() * size_of::<T>();
    meanwhile.shrink(room(&dealt));
    claim.shrink(room(items));
    claim.grow(room(&dealt))?;
    *items = dealt;
    Ok(())
}

/// Moves items to the ranges of their classes, which follow each other. `ends` is zero for each class at first, and the end
/// of its range afterwards.
fn deal<T: Copy>(items: &[T], to: &mut [T], ends: &mut [u32], class: impl Fn(&T) -> usize) {
    each_some(items, |some| some.iter().for_each(|item| ends[class(item)] += 1));
    let mut sum = 0;
    for end in ends.iter_mut() {
        let count = std::mem::replace(end, sum);
        sum += count;
    }
    each_some(items, |some| {
        for item in some {
            let next = &mut ends[class(item)];
            to[*next as usize] = *item;
            *next += 1;
        }
    });
}

/// Visits items by the thousand, with an interrupt check before each batch but the first.
fn each_some<T>(items: &[T], mut visit: impl FnMut(&[T])) {
    for (n, some) in items.chunks(memory::POLL_EVERY).enumerate() {
        if n > 0 {
            memory::poll();
        }
        visit(some);
    }
}
