//! Statistics that several topics need, exact and independent of the order in which numbers come.

pub mod amount;
pub mod median;
pub mod sum;
