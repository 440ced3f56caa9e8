//! The algorithms of `user_metrics`: rows in, mergeable values, metrics out.
//!
//! Nothing here knows PostgreSQL, a clock, a time zone database or a file. Instants are microseconds and local days are
//! day numbers, both counted from 2000-01-01 as PostgreSQL counts them; the glue turns arguments into these and metrics
//! into rows.
//!
//! The modules stand on floors; each uses those of the floors below it and of its own, and never in a circle:
//!
//! 1. [`base`]: what everything stands on: the memory limit, bytes, keys of users, days, the calendar.
//! 2. [`stats`]: statistics that several topics need.
//! 3. [`history`]: each user's requests in order of time, and folds over them.
//! 4. [`function`]: what a function of the SQL surface declares, and how it is called.
//! 5. [`source`]: the query over the caller's log.
//! 6. The stored values with the functions that read them: [`activity`], [`sessions`], [`funnel`], [`survival`],
//!    [`experiment`]; and the topics whose functions fold requests: [`usage`], [`segments`], [`users`], [`journey`],
//!    [`predictors`], [`stages`], [`assignment`]. A function is one file.
//! 7. [`catalog`]: all functions, and what is made of their declarations.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod activity;
pub mod assignment;
pub mod base;
pub mod catalog;
pub mod experiment;
pub mod function;
pub mod funnel;
pub mod history;
pub mod journey;
pub mod predictors;
pub mod segments;
pub mod sessions;
pub mod source;
pub mod stages;
pub mod stats;
pub mod survival;
pub mod usage;
pub mod users;

pub use base::error::{Error, Result};
