//! What can go wrong around a network.

use std::{path::PathBuf, time::Duration};

/// The result of nearly everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong around a network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
	/// The node's program is not where it should be.
	#[error("{path} is not there: build it with `cargo build --release -p elapse-node`, or name it in ELAPSE_NODE")]
	NoProgram {
		/// Where it was looked for.
		path: PathBuf,
	},
	/// The operating system refused.
	#[error("cannot {what} {path}: {source}")]
	Io {
		/// A verb.
		what: &'static str,
		/// The file or folder.
		path: PathBuf,
		/// The operating system's words.
		source: std::io::Error,
	},
	/// A command of the node failed.
	#[error("`{command}` failed ({status}): {output}")]
	Command {
		/// The command line.
		command: String,
		/// Its exit status.
		status: String,
		/// The end of what it printed.
		output: String,
	},
	/// A node that should be running is not, or the other way round.
	#[error("{node}: {why}")]
	Node {
		/// Its name.
		node: String,
		/// What is wrong.
		why: String,
	},
	/// A node did not answer, or answered with an error.
	#[error("{node} does not answer {method}: {why}")]
	Rpc {
		/// Its name.
		node: String,
		/// What it was asked.
		method: String,
		/// The client's words.
		why: String,
	},
	/// What a node answered is not what was asked for.
	#[error("{node} answered {method} with what cannot be read: {why}")]
	Answer {
		/// Its name.
		node: String,
		/// What it was asked.
		method: String,
		/// What is wrong.
		why: String,
	},
	/// It did not happen in time.
	#[error("{what} did not happen within {} s; last seen: {last}", .after.as_secs())]
	Deadline {
		/// What was waited for.
		what: String,
		/// How long.
		after: Duration,
		/// What was seen last.
		last: String,
	},
	/// The chain specification is not as expected.
	#[error("the chain specification {path}: {why}")]
	Spec {
		/// The file.
		path: PathBuf,
		/// What is wrong.
		why: String,
	},
	/// No port is free.
	#[error("no port is free between {from} and {to}")]
	NoPort {
		/// The first tried.
		from: u16,
		/// The last.
		to: u16,
	},
}

impl Error {
	/// For `map_err`: an input or output error, with what was being done.
	pub fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
		let path = path.into();
		move |source| Error::Io { what, path, source }
	}

	pub(crate) fn node(node: &str, why: impl Into<String>) -> Self {
		Error::Node { node: node.into(), why: why.into() }
	}
}
