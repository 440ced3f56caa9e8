//! Statistics that several topics need, exact and independent of the order in which numbers come.

pub mod amount;
pub mod association;
pub mod exact;
pub mod interval;
pub mod median;
pub mod quantile;
pub mod sum;
pub(crate) mod tails;
