//! Common ground of values and folds: memory, errors, user keys, days, calendar, encoding.

pub mod calendar;
pub mod chunked;
pub mod days;
pub mod encoding;
pub mod error;
pub mod hours;
pub mod json;
pub mod length;
pub mod memory;
pub mod outcome;
pub mod random;
pub mod series;
pub mod sort_by_user;
pub mod state;
pub mod told;
pub mod user_lists;
pub mod user_table;
pub mod wire;
