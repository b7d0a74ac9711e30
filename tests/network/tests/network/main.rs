//! The one test binary of this crate; see [`running_nodes`].
//!
//! `cargo test --workspace -- --skip running_nodes::` leaves out what takes minutes and both cores.

mod running_nodes;
