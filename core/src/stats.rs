//! Statistics used by several topics, exact and independent of the order of the input.

pub mod amount;
pub mod association;
pub mod exact;
pub mod interval;
pub mod median;
pub mod quantile;
pub mod sum;
pub(crate) mod tails;
