//! How bytes come to a TPM 1.2 and back: a device node, or the data channel of a swtpm.

use crate::error::TpmError;
use std::{
	fs::{File, OpenOptions},
	io::{ErrorKind, Read, Write},
	net::TcpStream,
	os::unix::net::UnixStream,
	path::PathBuf,
	time::Duration,
};

/// Longest answer in bytes. The kernel's driver has no longer ones (TPM_BUFSIZE).
const MAX_ANSWER_LEN: usize = 4096;
/// Length of tag, size and result.
pub(super) const HEAD_LEN: usize = 10;
/// Longest wait for a software TPM, which makes RSA keys on a machine that may be busy with other things. Of a chip the
/// kernel's driver keeps the time.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A connection.
#[derive(Debug)]
pub(super) enum Transport {
	/// `/dev/tpm0`: one write is a command, one read its answer.
	Device(File),
	/// swtpm with `--server type=tcp`.
	Tcp(TcpStream),
	/// swtpm with `--server type=unixio`.
	Unix(UnixStream),
}

impl Transport {
	/// `device:PATH`, `swtpm:host=HOST,port=PORT` or `swtpm:path=PATH`.
	pub(super) fn open(tcti: &str) -> Result<Self, TpmError> {
		let bad = |why: &str| TpmError::BadTcti { tcti: tcti.into(), why: why.into() };
		let not_listening = |e: std::io::Error| match e.kind() {
			ErrorKind::PermissionDenied => TpmError::io("connect to", tcti, e),
			_ => TpmError::NotListening { tcti: tcti.into(), hint: "start a swtpm there, without --tpm2" },
		};
		let (kind, rest) = tcti.split_once(':').ok_or_else(|| bad("it names no kind of connection"))?;
		if kind == "device" {
			return open_device(PathBuf::from(rest)).map(Self::Device);
		}
		if kind != "swtpm" {
			return Err(bad("a TPM 1.2 is a device, or a swtpm"));
		}
		if let Some(path) = rest.strip_prefix("path=") {
			let stream = UnixStream::connect(path).map_err(not_listening)?;
			stream.set_read_timeout(Some(TIMEOUT)).map_err(|e| TpmError::io("connect to", tcti, e))?;
			return Ok(Self::Unix(stream));
		}
		let address = rest.strip_prefix("host=").and_then(|rest| rest.split_once(",port="));
		let (host, port) = address.ok_or_else(|| bad("neither host=..,port=.. nor path=.."))?;
		let port: u16 = port.parse().map_err(|_| bad("the port is no number"))?;
		let stream = TcpStream::connect((host, port)).map_err(not_listening)?;
		stream.set_read_timeout(Some(TIMEOUT)).map_err(|e| TpmError::io("connect to", tcti, e))?;
		Ok(Self::Tcp(stream))
	}

	/// Sends a command and returns its whole answer, whose size is that which it says.
	pub(super) fn exchange(&mut self, what: &'static str, command: &[u8]) -> Result<Vec<u8>, TpmError> {
		let answer = match self {
			Self::Device(file) => {
				let mut answer = vec![0; MAX_ANSWER_LEN];
				let len = file.write_all(command).and_then(|()| file.read(&mut answer)).map_err(lost)?;
				answer.truncate(len);
				answer
			}
			Self::Tcp(stream) => stream.write_all(command).map_err(lost).and_then(|()| receive(what, stream))?,
			Self::Unix(stream) => stream.write_all(command).map_err(lost).and_then(|()| receive(what, stream))?,
		};
		match answer_len(&answer) {
			Some(len) if len == answer.len() => Ok(answer),
			_ => Err(TpmError::BadAnswer { what, why: format!("{} bytes, of which it says otherwise", answer.len()) }),
		}
	}
}

fn open_device(path: PathBuf) -> Result<File, TpmError> {
	OpenOptions::new().read(true).write(true).open(&path).map_err(|e| match e.kind() {
		ErrorKind::NotFound => TpmError::NoDevice { path },
		ErrorKind::PermissionDenied => TpmError::NoPermission { path },
		ErrorKind::ResourceBusy => TpmError::DeviceBusy { path },
		_ => TpmError::io("open", path, e),
	})
}

fn lost(error: std::io::Error) -> TpmError {
	match error.kind() {
		ErrorKind::WouldBlock | ErrorKind::TimedOut => TpmError::TimedOut { after: TIMEOUT },
		_ => TpmError::Gone { reason: error.to_string() },
	}
}

/// A stream has no ends of messages: the head says how much follows.
fn receive(what: &'static str, stream: &mut impl Read) -> Result<Vec<u8>, TpmError> {
	let mut answer = vec![0; HEAD_LEN];
	stream.read_exact(&mut answer).map_err(lost)?;
	let len = answer_len(&answer).filter(|len| (HEAD_LEN..=MAX_ANSWER_LEN).contains(len));
	let len = len.ok_or(TpmError::BadAnswer { what, why: "a size that no answer has".into() })?;
	answer.resize(len, 0);
	if let Some(rest) = answer.get_mut(HEAD_LEN..) {
		stream.read_exact(rest).map_err(lost)?;
	}
	Ok(answer)
}

/// What an answer says that its length is.
fn answer_len(answer: &[u8]) -> Option<usize> {
	let size = answer.get(2..6)?.first_chunk::<4>()?;
	usize::try_from(u32::from_be_bytes(*size)).ok()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn connections_that_cannot_be_say_why() {
		for tcti in ["", "swtpm", "tabrmd:", "mssim:host=x,port=1", "swtpm:", "swtpm:host=x,port=y", "swtpm:host=x"] {
			let error = Transport::open(tcti).unwrap_err();
			assert!(matches!(error, TpmError::BadTcti { .. }), "{tcti}: {error}");
		}
		assert!(matches!(Transport::open("device:/nonexistent/tpm0"), Err(TpmError::NoDevice { .. })));
		assert!(matches!(Transport::open("swtpm:path=/nonexistent"), Err(TpmError::NotListening { .. })));
		assert!(matches!(Transport::open("swtpm:host=127.0.0.1,port=1"), Err(TpmError::NotListening { .. })));
	}

	#[test]
	fn an_answer_has_the_length_that_it_says() {
		let receive = |bytes: &[u8]| receive("test", &mut &bytes[..]);
		let good = [0, 0xc4, 0, 0, 0, 12, 0, 0, 0, 0, 1, 2];
		assert_eq!(receive(&good).unwrap(), good);
		assert!(matches!(receive(&good[..11]), Err(TpmError::Gone { .. })), "cut");
		for size in [[0, 0, 0, 9], [0, 0, 0, 0], [0, 0, 0x10, 1], [0xff; 4]] {
			let mut bad = good;
			bad[2..6].copy_from_slice(&size);
			assert!(matches!(receive(&bad), Err(TpmError::BadAnswer { .. })), "{size:?}");
		}
	}
}
