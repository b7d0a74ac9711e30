//! Networks of real nodes on one machine.
//!
//! # Overview
//! A [`Network`] makes the chips of its nodes (`elapse-node tpm provision`, each node its own managed swtpm), builds the
//! chain specification from the identities that this gives, starts the nodes, and can do to them what happens to nodes:
//! end them in order, kill them, pause them, kill the chip under them, copy them, start them again, let others join late.
//! The program `elapse-network` (`scripts/network.sh`) does that for people; `tests/network` for the tests.
//!
//! # Properties
//! * Nothing outlives its owner: a node dies with the process that started it, however that ends, and takes its swtpm
//!   along.
//! * Nothing waits for ever: every wait has a deadline, says now and then what it waits for, and names at the end what
//!   it saw last.
//! * Networks do not meet: ports are chosen free, every network has its own genesis, nodes listen on the loopback
//!   address only and know each other by address, without discovery.
//! * What happened can be read: every node's log is a file in its folder, appended to over restarts; a [`Network`] that
//!   is dropped without [`Network::finish`] shows the end of each.
//!
//! # Where things are
//! * [`network`]: the network.
//! * [`node`]: a node of it.
//! * [`spec`]: the chain specification.
//! * [`process`]: processes, signals, ports, the swtpm below a base path.
//! * [`rpc`]: what a node is asked.
//! * [`sudo`]: signed transactions of the development key.
//! * [`wait`]: waiting with a deadline.

#![forbid(unsafe_code)]

pub mod error;
pub mod network;
pub mod node;
pub mod process;
pub mod rpc;
pub mod spec;
pub mod sudo;
pub mod wait;

pub use error::{Error, Result};
pub use network::{Network, NetworkOptions};
pub use node::{Backend, Node, NodeOptions, Role, Sync};
pub use rpc::{BlockId, Rpc};
pub use wait::{name_this_thread, say, until, Seen};
