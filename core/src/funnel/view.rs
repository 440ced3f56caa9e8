//! Encoding and decoding of the events of a funnel. The layout is described in [`funnel`](super).

use super::{Event, Mode, Rules};
use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::sort_by_user::Owned;
use crate::base::user_lists::{self, Listed, corrupt, instant};
use crate::base::wire::{Kind, Reader, Writer};

/// A stored funnel, read in place.
pub type View<'a> = user_lists::View<'a, Event>;

impl Listed for Event {
    type Rules = Rules;
    const KIND: Kind = Kind::Funnel;
    const VERSION: u8 = super::VERSION;
    const RULES: &'static str = "funnels";
    const NOTHING: &'static str = "a user without events";

    fn write_rules(rules: Rules, out: &mut Writer) -> Result<()> {
        out.uint(rules.steps as u64)?;
        out.uint(rules.mode as u64)?;
        out.uint(rules.window as u64)
    }

    fn read_rules(from: &mut Reader<'_>) -> Result<Rules> {
        let steps = usize::try_from(from.uint()?).unwrap_or(usize::MAX);
        let mode = Mode::from_number(from.uint()?)?;
        let Ok(window) = Micros::try_from(from.uint()?) else { return corrupt("a window beyond all time") };
        Rules::new(steps, window, mode).or_else(|_| corrupt("a funnel of no or too many steps"))
    }

    #[inline]
    fn write(&self, rules: Rules, before: Option<&Self>, out: &mut Writer) -> Result<()> {
        let number = match self.steps.count_ones() {
            0 => 0,
            1 => u64::from(self.steps.trailing_zeros()) + 1,
            _ => rules.steps as u64 + 1,
        };
        out.uint(number << 2 | u64::from(self.excluded) << 1 | u64::from(self.copies > 1))?;
        match before {
            None => out.int(self.at),
            Some(before) => out.uint(self.at.wrapping_sub(before.at) as u64),
        }?;
        if number > rules.steps as u64 {
            out.uint(self.steps)?;
        }
        if self.copies > 1 { out.uint(u64::from(self.copies) - 2) } else { Ok(()) }
    }

    #[inline(always)]
    fn read(rules: Rules, before: Option<&Self>, from: &mut Reader<'_>) -> Result<Self> {
        let event = read_event(from, rules, before)?;
        if before.is_some_and(|before| before.order() >= event.order()) {
            return corrupt("events out of order");
        }
        Ok(event)
    }

    #[inline]
    fn unite(&mut self, rules: Rules, next: &Self) -> Result<bool> {
        let is_alike = self.order() == next.order();
        if is_alike {
            self.copies = self.copies.saturating_add(next.copies).min(rules.most_copies(self.steps) as u16);
        }
        Ok(is_alike)
    }
}

#[inline(always)]
fn read_event(from: &mut Reader<'_>, rules: Rules, before: Option<&Event>) -> Result<Event> {
    let head = from.uint()?;
    let (number, excluded, several) = (head >> 2, head & 2 != 0, head & 1 != 0);
    let at = match before {
        None => Some(from.int()?),
        Some(before) => before.at.checked_add_unsigned(from.uint()?),
    };
    let at = instant(at)?;
    let steps = match number {
        0 if !excluded && !rules.mode.keeps_others() => return corrupt("an event that is nothing to the funnel"),
        0 => 0,
        one if one <= rules.steps as u64 => 1 << (one - 1),
        more if more == rules.steps as u64 + 1 => {
            let steps = from.uint()?;
            if steps.count_ones() < 2 || steps & !rules.all() != 0 {
                return corrupt("steps the funnel does not have");
            }
            steps
        }
        _ => return corrupt("a step the funnel does not have"),
    };
    let mut copies = 1;
    if several {
        copies = from.uint()?.saturating_add(2);
        if copies > u64::from(rules.most_copies(steps)) {
            return corrupt("more events than can matter");
        }
    }
    Ok(Event { at, steps, user_index: 0, copies: copies as u16, excluded })
}
