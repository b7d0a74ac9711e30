//! What benches and the program `verification` share.

pub mod host;
pub mod processor;
pub mod verdict;
