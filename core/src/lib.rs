//! The algorithms of `user_metrics`: rows in, mergeable values, figures out.
//!
//! Nothing here knows PostgreSQL, a clock, a time zone database or a file. Instants are microseconds and local days are
//! day numbers, both counted from 2000-01-01 as PostgreSQL counts them; the glue turns arguments into these and figures
//! into rows.
//!
//! - [`state`]: what every mergeable value promises; [`wire`]: its bytes; [`host`]: the memory ledger and the stop signal.
//! - [`activity`]: who was active on which local day; [`users`] and [`days`] are how it is held, and
//!   [`grouping`] brings what other values hold in order.
//! - [`lists`]: values that hold a list for every user, and how they are merged.
//! - [`function`]: what a function of the SQL surface declares, and how it is called. A function is one file: those that read
//!   an activity are the modules of [`activity`].
//! - [`sessions`]: who used the product in one go, with its readouts.
//! - [`funnel`]: how far users get on a way of several steps.
//! - [`segments`]: every user in one of five; [`stages`]: how far they have come; [`properties`]: what is told of them;
//!   [`plans`]: the limits that usage is measured against; [`usage`]: how often each hour of the local clock has come.
//! - [`preferences`]: which models a user prefers; [`benchmark`]: a figure beside that of the user's peers;
//!   [`profile`]: everything that is known of one user.
//! - [`assignment`]: which variant of an experiment a user gets.
//! - [`survival`]: how long until something happens, right-censored; [`onboarding`]: how users begin, and which of
//!   [`milestones`] they come to; [`rating`]: satisfaction on a declared scale.
//! - [`association`]: rates compared, at equal volume too; [`drivers`]: what users do that goes with staying
//!   and with leaving; [`threshold`]: how much use tells who stays; [`seasonality`]: whether it matters when they began.
//! - [`experiment`]: the figures of users by variant, over exact sums ([`exact`]); [`comparison`]: how they are made of
//!   requests, and what they tell.
//! - [`source`]: the doorway to the caller's log.
//! - [`calendar`]: periods of local days and the observed range; [`interval`]: confidence bounds; [`random`]: random numbers
//!   that are the same in every release.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod activity;
pub mod adoption;
pub mod assignment;
pub mod association;
pub mod benchmark;
pub mod calendar;
pub mod chunks;
pub mod comparison;
pub mod days;
pub mod drivers;
pub mod error;
pub mod evolution;
pub mod exact;
pub mod experiment;
pub mod function;
pub mod funnel;
pub mod grouping;
pub mod history;
pub mod host;
pub mod interval;
pub mod json;
pub mod lists;
pub mod milestones;
pub mod onboarding;
pub mod plans;
pub mod preferences;
pub mod profile;
pub mod properties;
pub mod random;
pub mod rating;
pub mod seasonality;
pub mod segments;
pub mod sessions;
pub mod source;
pub mod stages;
pub mod state;
pub mod stats;
pub mod survival;
pub mod threshold;
pub mod usage;
pub mod users;
pub mod wire;

pub use error::{Error, Result};
