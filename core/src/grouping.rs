//! Items of many users brought in order: all of one user together, as states that keep lists per user need them.

use crate::error::{Error, Result};
use crate::host::{self, Claim};

/// Items from which on a counting sort by user pays.
const MANY: usize = 4096;

/// What belongs to a user of a table.
pub trait Owned: Copy {
    /// What decides among a user's items.
    type Order: Ord;
    /// The number of the user.
    fn whose(&self) -> u32;
    /// The item's place among those of its user.
    fn order(&self) -> Self::Order;
}

/// Sorts items by user and order. `claim` is that of the items, whose room may change.
///
/// Rows mostly come in the order of time, and so do each user's items once they are together: a counting sort brings them
/// there, and hardly anything is left to sort.
pub fn sort<T: Owned>(items: &mut Vec<T>, users: usize, claim: &mut Claim) {
    let mut meanwhile = Claim::passing();
    if items.len() > MANY
        && let Ok(begins) = begins(items, users, &mut meanwhile)
        && group(items, begins, claim, &mut meanwhile).is_ok()
    {
        for own in items.chunk_by_mut(|a, b| a.whose() == b.whose()) {
            if !own.is_sorted_by_key(T::order) {
                sort_in_place(own);
            }
        }
    } else {
        // In place where there is no room for a copy.
        sort_in_place(items);
    }
}

fn sort_in_place<T: Owned>(items: &mut [T]) {
    let mut compared = 0u32;
    items.sort_unstable_by(|a, b| {
        compared = compared.wrapping_add(1);
        if compared.is_multiple_of(16 * host::POLL_EVERY as u32) {
            host::poll();
        }
        (a.whose(), a.order()).cmp(&(b.whose(), b.order()))
    });
}

/// Where each user's items begin once they are together, and behind the last user where they end.
pub fn begins<T: Owned>(items: &[T], users: usize, claim: &mut Claim) -> Result<Vec<u32>> {
    if u32::try_from(items.len()).is_err() {
        return Err(Error::TooLarge { bytes: size_of_val(items) });
    }
    let mut begins = claim.filled(0u32, users + 1)?;
    for item in items {
        begins[item.whose() as usize + 1] += 1;
    }
    let mut sum = 0;
    for begin in &mut begins {
        sum += *begin;
        *begin = sum;
    }
    Ok(begins)
}

/// Puts all items of a user together, in the order they came: a counting sort.
fn group<T: Owned>(items: &mut Vec<T>, mut begins: Vec<u32>, claim: &mut Claim, meanwhile: &mut Claim) -> Result<()> {
    let (mut room, mut grouped) = (Claim::new(), Vec::new());
    let mut order = meanwhile.filled(0u32, items.len())?;
    room.reserve(&mut grouped, items.len())?;
    for (i, item) in items.iter().enumerate() {
        let place = &mut begins[item.whose() as usize];
        order[*place as usize] = i as u32;
        *place += 1;
    }
    for order in order.chunks(host::POLL_EVERY) {
        host::poll();
        grouped.extend(order.iter().map(|&i| items[i as usize]));
    }
    claim.shrink(items.capacity() * size_of::<T>());
    *items = grouped;
    claim.take_over(room);
    Ok(())
}
