//! Declaration and calls of the functions of the SQL surface.
//!
//! A function is one file: a [`Function`] with its name, summary, arguments, columns and what it reads, and the algorithm
//! behind `run`. Everything else is derived from the declaration: the SQL of its forms with their comments
//! ([`crate::catalog`]), the query over the log ([`crate::source`]), the check of its result type, and which cells of a row
//! are hidden because they describe too few users. The glue does not depend on single functions.

use crate::base::error::Result;

pub mod aggregate;
mod argument;
mod by_period;
mod call;
mod clock;
mod named;
mod reads;
mod row;
mod session_limits;

pub use argument::{
    Argument, BY_VALUE_EACH, BY_VALUE_FIRST, BY_VALUE_STEP, NAME_ONE, NAMED_USER, NO_DEFAULT, ONLY_USER, PER, REQUIRED,
    Role, Type,
};
pub(crate) use argument::{BY_VALUES, STEP};
pub use by_period::{ByPeriod, COMPLETE, PERIOD, PERIOD_START};
pub use call::{ByValue, Call, Environment, Given, Interval};
pub use clock::Clock;
pub(crate) use named::{Named, by_name, named, text_order};
pub use reads::{AS_TEXT, Past, Reads, Requests, Stored};
pub use row::{Cell, Column, Rows, column, column_about, with_bounds};
pub use session_limits::{MAX_IDLE, SESSION_LIMITS, session_limits, sessions_since};

/// A function of the SQL surface.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The module of core that contains its file, which has the name of the function if it declares only one.
    pub path: &'static str,
    /// The arguments in the example of `user_metrics.functions` after the log or the value, as SQL; empty if the defaults
    /// suffice.
    pub example: &'static str,
    /// A description in one sentence.
    pub summary: &'static str,
    /// Its own arguments.
    pub arguments: &'static [Argument],
    /// The columns of its form over a value; its form over a log has `segment` before them, if it is `segmented`.
    pub columns: &'static [Column],
    /// What it reads.
    pub reads: Reads,
    /// Whether `by` gives separate rows for each segment.
    pub segmented: bool,
    /// Whether it returns a value instead of rows: the only column of the only row, NULL if there is none.
    pub scalar: bool,
    /// Whether its form over a value takes a time zone, because the value has instants and no days. A fold takes one only if
    /// this is set.
    pub zoned: bool,
    /// The number of rows that the planner should expect.
    pub rows: u32,
    /// Evaluates a call and returns its rows.
    pub run: fn(&Call<'_>, &mut dyn Rows) -> Result<()>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The column of segments from `by`, which precedes all others.
pub const SEGMENT: Column =
    column("segment", Type::Text, "value of the column or property named in by; NULL without by");

impl Function {
    /// The columns that `run` returns: with the segment for a fold, without it for a value.
    pub fn given(&self) -> impl Iterator<Item = &'static Column> {
        static OF_SEGMENT: &[Column] = &[SEGMENT];
        let has_segment = self.segmented && !self.reads.is_stored();
        OF_SEGMENT.iter().filter(move |_| has_segment).chain(self.columns)
    }

    /// Whether an argument names the user whose requests are read.
    pub fn names_a_user(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument.role, Role::User))
    }

    /// Whether it follows users who enter before `until`, which then limits neither what is read nor the end of observation.
    pub fn follows(&self) -> bool {
        matches!(self.reads, Reads::Value(Stored::Funnel))
            || self.arguments.iter().any(|argument| matches!(argument.role, Role::Following))
    }

    /// Sets the cells of a row that must not be shown to NULL.
    pub fn hide(&self, row: &mut [Cell<'_>], min_group_size: u64) {
        if min_group_size <= 1 {
            return;
        }
        let own = row.len().saturating_sub(self.columns.len());
        let row = &mut row[own..];
        let count = |name: &str| {
            let at = self.columns.iter().position(|column| column.name == name)?;
            if let Some(Cell::Bigint(users)) = row.get(at) { u64::try_from(*users).ok() } else { None }
        };
        let is_small = |name: &&str| count(name).is_some_and(|users| hides(users, min_group_size));
        // The counts are needed until all cells are decided.
        let hidden = self.columns.iter().enumerate().filter(|(_, column)| column.users.iter().any(is_small));
        let hidden = hidden.fold(0u128, |hidden, (n, _)| hidden | 1 << n);
        for (_, cell) in row.iter_mut().enumerate().filter(|(n, _)| hidden >> n & 1 == 1) {
            *cell = Cell::Null;
        }
    }
}

/// Whether a group of that many users must be hidden. An empty group reveals no user.
pub fn hides(users: u64, min_group_size: u64) -> bool {
    users > 0 && users < min_group_size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_group_hides_what_is_about_it() {
        static FUNCTION: Function = Function {
            name: "f",
            path: "f",
            example: "",
            summary: "",
            arguments: &[],
            columns: &[
                column_about(&["users"], "users", Type::Bigint, ""),
                column_about(&["users", "others"], "rate", Type::Double, ""),
                column_about(&["others"], "others", Type::Bigint, ""),
                column("complete", Type::Boolean, ""),
            ],
            reads: Reads::Activity(Past::All),
            segmented: true,
            scalar: false,
            zoned: false,
            rows: 1,
            run: |_, _| Ok(()),
        };
        let hidden = |users: u64, others: u64, least: u64| {
            let mut row = [users.into(), 0.5.into(), others.into(), true.into()];
            FUNCTION.hide(&mut row, least);
            row.map(|cell| cell == Cell::Null)
        };
        assert_eq!(hidden(2, 9, 3), [true, true, false, false]);
        assert_eq!(hidden(3, 2, 3), [false, true, true, false]);
        assert_eq!(hidden(3, 0, 3), [false; 4]);
        assert_eq!(hidden(1, 1, 1), [false; 4]);
    }
}
