//! The algorithms of `user_metrics`: rows in, mergeable values, metrics out.
//!
//! Nothing here knows PostgreSQL, a clock, a time zone database or a file. Instants are microseconds and local days are
//! day numbers, both counted from 2000-01-01 as PostgreSQL counts them; the glue turns arguments into these and metrics
//! into rows.
//!
//! The modules are layered; each uses those of lower layers and of its own, without cycles:
//!
//! 1. [`base`]: common ground: memory accounting, byte encoding, user keys, days, the calendar.
//! 2. [`stats`]: statistics used by several topics.
//! 3. [`history`]: each user's requests in time order, and folds over them.
//! 4. [`function`]: declaration and calls of the functions of the SQL surface.
//! 5. [`source`]: the query over the caller's log.
//! 6. The stored values with the functions that read them: [`activity`], [`sessions`], [`funnel`], [`survival`],
//!    [`experiment`]; and the topics whose functions fold requests: [`usage`], [`segments`], [`users`], [`journey`],
//!    [`predictors`], [`stages`], [`assignment`]. A function is one file.
//! 7. [`catalog`]: all functions, and what is generated from their declarations.
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
