//! Commands of TPM 1.2: framing, authorisation sessions, results (TPM Main 1.2 revision 116, Part 2 section 6, Part 3).
//!
//! # Authorisation
//!
//! Who commands shows by an HMAC that it knows a secret, in a session whose nonces roll on; the chip shows the same in its
//! answer, which is checked. Every session is used for one command, and the chip forgets it with that
//! (`continueAuthSession` is false), or when the command fails. OIAP serves any secret; OSAP, for `TPM_MakeIdentity`, also
//! hides the new key's secret under the owner's.

use super::transport::{Transport, HEAD_LEN};
use crate::error::TpmError;
use hmac::{digest::KeyInit, Hmac, Mac};
use rand::{rngs::OsRng, RngCore};
use sha1::{Digest, Sha1};
use std::fmt;

/// `TPM_TAG_RQU_COMMAND`; with one and two authorisations the two tags after it.
const TAG_REQUEST: u16 = 0x00C1;
/// `TPM_TAG_RSP_COMMAND`; the same.
const TAG_ANSWER: u16 = 0x00C4;
/// `TPM_ST_NO_SESSIONS`, with which a TPM 2.0 answers.
const TAG_TPM2: u16 = 0x8001;
/// Nonce, flag and HMAC at the end of an answer, for each session.
const ANSWER_AUTH_LEN: usize = 20 + 1 + 20;

const ORD_OIAP: u32 = 0x0A;
const ORD_OSAP: u32 = 0x0B;
const ORD_FLUSH_SPECIFIC: u32 = 0xBA;
/// `TPM_RT_KEY`.
const RESOURCE_KEY: u32 = 1;
/// `TPM_RT_AUTH`.
const RESOURCE_SESSION: u32 = 2;

/// A secret that authorises: `TPM_AUTHDATA`, 20 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 20]);

impl Secret {
	/// Twenty zeros: what the storage root key and keys below it have by custom, since the chip itself protects them.
	pub const WELL_KNOWN: Self = Self([0; 20]);

	/// A new one, from the operating system's randomness.
	pub fn random() -> Self {
		Self(nonce())
	}
}

impl fmt::Debug for Secret {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("Secret(..)")
	}
}

/// A `TPM_NONCE`.
pub(super) fn nonce() -> [u8; 20] {
	let mut nonce = [0; 20];
	OsRng.fill_bytes(&mut nonce);
	nonce
}

/// SHA-1 of the concatenation of `parts`.
pub(super) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
	parts.iter().fold(Sha1::new(), |hasher, part| hasher.chain_update(part)).finalize().into()
}

fn mac(key: &[u8; 20], parts: &[&[u8]]) -> Hmac<Sha1> {
	// Shorter keys are padded with zeros to the hash's block (RFC 2104).
	let mut block = [0; 64];
	block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
	let mac = <Hmac<Sha1> as KeyInit>::new(&block.into());
	parts.iter().fold(mac, |mac, part| mac.chain_update(part))
}

fn hmac(key: &[u8; 20], parts: &[&[u8]]) -> [u8; 20] {
	mac(key, parts).finalize().into_bytes().into()
}

/// An authorisation session, for one command.
pub(super) struct Session {
	handle: u32,
	nonce_even: [u8; 20],
	/// The secret (OIAP), or what is shared for this session (OSAP).
	key: [u8; 20],
}

impl Session {
	/// `TPM_ENCAUTH` of a new key's secret in an OSAP session (Part 1, section 8.4).
	pub(super) fn hide(&self, secret: &Secret) -> [u8; 20] {
		let mut hidden = sha1(&[&self.key, &self.nonce_even]);
		hidden.iter_mut().zip(secret.0).for_each(|(byte, secret)| *byte ^= secret);
		hidden
	}
}

/// A command with its arguments. `handles` come before them and are not authorised (Part 1, section 8.1).
pub(super) struct Command<'a> {
	/// Its name in Part 3, for messages.
	pub(super) what: &'static str,
	pub(super) ordinal: u32,
	pub(super) handles: &'a [u32],
	pub(super) body: &'a [u8],
	/// How many bytes of handles the answer begins with, which are not authorised either.
	pub(super) handles_out: usize,
}

/// A chip, by its commands.
#[derive(Debug)]
pub(super) struct Chip(Transport);

impl Chip {
	pub(super) fn open(tcti: &str) -> Result<Self, TpmError> {
		Transport::open(tcti).map(Self)
	}

	/// A command without authorisation; what its answer has behind the head.
	pub(super) fn plain(&mut self, what: &'static str, ordinal: u32, body: &[u8]) -> Result<Vec<u8>, TpmError> {
		self.send(what, TAG_REQUEST, ordinal, body)
	}

	fn send(&mut self, what: &'static str, tag: u16, ordinal: u32, body: &[u8]) -> Result<Vec<u8>, TpmError> {
		let mut command = tag.to_be_bytes().to_vec();
		let size = u32::try_from(HEAD_LEN + body.len());
		command.extend(size.map_err(|_| TpmError::BadRequest { why: "a command too long".into() })?.to_be_bytes());
		command.extend(ordinal.to_be_bytes());
		command.extend(body);
		let answer = self.0.exchange(what, &command)?;
		let mut reader = Reader::new(what, &answer);
		let answered = reader.u16()?;
		let _size = reader.u32()?;
		let code = reader.u32()?;
		if answered == TAG_TPM2 {
			return Err(TpmError::LegacyRefused { what, code, meaning: TPM2 });
		}
		if code != 0 {
			return Err(TpmError::LegacyRefused { what, code, meaning: meaning(code) });
		}
		// The same number of authorisations.
		if answered.checked_sub(TAG_ANSWER) != tag.checked_sub(TAG_REQUEST) {
			return Err(reader.bad("the answer to another kind of command"));
		}
		Ok(reader.rest().to_vec())
	}

	/// TPM_OIAP.
	pub(super) fn oiap(&mut self, secret: &Secret) -> Result<Session, TpmError> {
		let answer = self.plain("TPM_OIAP", ORD_OIAP, &[])?;
		let mut reader = Reader::new("TPM_OIAP", &answer);
		let session = Session { handle: reader.u32()?, nonce_even: reader.array()?, key: secret.0 };
		reader.finish().map(|()| session)
	}

	/// TPM_OSAP for an entity of this `TPM_ENTITY_TYPE` and handle, which has this secret.
	pub(super) fn osap(&mut self, kind: u16, handle: u32, secret: &Secret) -> Result<Session, TpmError> {
		let odd = nonce();
		let body = [&kind.to_be_bytes()[..], &handle.to_be_bytes(), &odd].concat();
		let answer = self.plain("TPM_OSAP", ORD_OSAP, &body)?;
		let mut reader = Reader::new("TPM_OSAP", &answer);
		let (handle, nonce_even) = (reader.u32()?, reader.array()?);
		let shared: [u8; 20] = reader.array()?;
		reader.finish()?;
		Ok(Session { handle, nonce_even, key: hmac(&secret.0, &[&shared, &odd]) })
	}

	/// A command with one or two authorisations; what its answer has between head and authorisations, which were checked.
	pub(super) fn authorised(&mut self, command: &Command<'_>, sessions: &[Session]) -> Result<Vec<u8>, TpmError> {
		let Command { what, ordinal, handles, body, handles_out } = *command;
		let digest = sha1(&[&ordinal.to_be_bytes(), body]);
		let mut bytes: Vec<u8> = handles.iter().flat_map(|handle| handle.to_be_bytes()).collect();
		bytes.extend(body);
		let odds: Vec<[u8; 20]> = sessions.iter().map(|_| nonce()).collect();
		for (session, odd) in sessions.iter().zip(&odds) {
			bytes.extend(session.handle.to_be_bytes());
			bytes.extend(odd);
			bytes.push(0);
			bytes.extend(hmac(&session.key, &[&digest, &session.nonce_even, odd, &[0]]));
		}
		// Two at most.
		let answer = self.send(what, TAG_REQUEST + sessions.len() as u16, ordinal, &bytes)?;
		let mut reader = Reader::new(what, &answer);
		let bad = reader.bad("it ends before its authorisation");
		let out = reader.take(answer.len().checked_sub(ANSWER_AUTH_LEN * sessions.len()).ok_or(bad)?)?;
		let signed = out.get(handles_out..).ok_or_else(|| reader.bad("it ends before its handles"))?;
		let digest = sha1(&[&[0; 4], &ordinal.to_be_bytes(), signed]);
		for (session, odd) in sessions.iter().zip(&odds) {
			let (even, more): ([u8; 20], [u8; 1]) = (reader.array()?, reader.array()?);
			let said: [u8; 20] = reader.array()?;
			let authentic = mac(&session.key, &[&digest, &even, odd, &more]).verify_slice(&said).is_ok();
			if !authentic {
				return Err(reader.bad("its authorisation is not the chip's"));
			}
		}
		Ok(out.to_vec())
	}

	/// As [`Self::authorised`] with two OIAP sessions; the first is not left behind if the second cannot be had.
	pub(super) fn two_oiap(&mut self, first: &Secret, second: &Secret) -> Result<[Session; 2], TpmError> {
		let first = self.oiap(first)?;
		match self.oiap(second) {
			Ok(second) => Ok([first, second]),
			Err(error) => {
				self.forget_session(&first);
				Err(error)
			}
		}
	}

	/// Takes a key out of the chip's memory. It may have gone already, so nothing comes of a failure.
	pub(super) fn forget_key(&mut self, handle: u32) {
		self.flush(handle, RESOURCE_KEY);
	}

	/// The same of a session.
	pub(super) fn forget_session(&mut self, session: &Session) {
		self.flush(session.handle, RESOURCE_SESSION);
	}

	fn flush(&mut self, handle: u32, kind: u32) {
		let body = [handle.to_be_bytes(), kind.to_be_bytes()].concat();
		if let Err(error) = self.plain("TPM_FlushSpecific", ORD_FLUSH_SPECIFIC, &body) {
			log::debug!("{handle:#x} stays in the chip: {error}");
		}
	}
}

/// A strict cursor over an answer.
pub(super) struct Reader<'a> {
	what: &'static str,
	rest: &'a [u8],
}

impl<'a> Reader<'a> {
	pub(super) fn new(what: &'static str, answer: &'a [u8]) -> Self {
		Self { what, rest: answer }
	}

	pub(super) fn bad(&self, why: &str) -> TpmError {
		TpmError::BadAnswer { what: self.what, why: why.into() }
	}

	pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], TpmError> {
		let (head, tail) = self.rest.split_at_checked(len).ok_or_else(|| self.bad("it ends too early"))?;
		self.rest = tail;
		Ok(head)
	}

	pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], TpmError> {
		let (head, tail) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.bad("it ends too early"))?;
		self.rest = tail;
		Ok(*head)
	}

	pub(super) fn u16(&mut self) -> Result<u16, TpmError> {
		self.array().map(u16::from_be_bytes)
	}

	pub(super) fn u32(&mut self) -> Result<u32, TpmError> {
		self.array().map(u32::from_be_bytes)
	}

	/// 32 bits of size, and so many bytes.
	pub(super) fn sized(&mut self) -> Result<&'a [u8], TpmError> {
		let len = self.u32()?;
		self.take(usize::try_from(len).unwrap_or(usize::MAX))
	}

	pub(super) fn rest(&self) -> &'a [u8] {
		self.rest
	}

	pub(super) fn finish(self) -> Result<(), TpmError> {
		if self.rest.is_empty() {
			Ok(())
		} else {
			Err(self.bad("something follows its last field"))
		}
	}
}

/// `TPM_AUTHFAIL`.
pub(super) const AUTH_FAIL: u32 = 0x01;
/// `TPM_BADINDEX`.
pub(super) const BAD_INDEX: u32 = 0x02;
/// `TPM_BAD_PARAMETER`.
pub(super) const BAD_PARAMETER: u32 = 0x03;
/// `TPM_DISABLED_CMD`.
pub(super) const DISABLED_COMMAND: u32 = 0x08;
/// `TPM_DECRYPT_ERROR`.
pub(super) const DECRYPT_ERROR: u32 = 0x21;
/// `TPM_INVALID_POSTINIT`.
pub(super) const INVALID_POSTINIT: u32 = 0x26;
/// `TPM_AUTH_CONFLICT`.
pub(super) const AUTH_CONFLICT: u32 = 0x3B;

const TPM2: &str = "it is a TPM 2.0, which needs none of this";

/// What a result means to who operates the machine (Part 2, section 16).
fn meaning(code: u32) -> &'static str {
	match code {
		AUTH_FAIL | 0x1D => {
			"the secret of the owner or of a key is another one: give the one that ownership was taken with"
		}
		BAD_INDEX => "there is no such register or NV index",
		0x06 | 0x07 => "the chip is disabled or deactivated: enable and activate it in the firmware set-up",
		DISABLED_COMMAND => "the command is disabled on this chip",
		0x0B => "taking ownership is disabled: allow it in the firmware set-up",
		0x0D => "the key was made by another chip, or before this one was cleared: provision anew",
		0x12 => "the chip has no owner yet: provision it first",
		0x14 => "the chip has an owner already: give that owner's secret",
		0x15 => "the chip has no room: another program leaves keys or sessions loaded",
		0x1C => "the chip failed its self-test",
		0x1E => TPM2,
		DECRYPT_ERROR => "what it was given is not encrypted to it, or was damaged on its way",
		0x23 => "the chip has no endorsement key",
		INVALID_POSTINIT => "the chip was not started since power-on, or twice",
		0x802 => "the chip tests itself: try again",
		0x800 => "the chip is busy: try again",
		// Format one of TPM 2.0 (Part 2, section 6.6.2): the results of 1.2 end below it, and go on at 0x800.
		0x80..=0xFF => TPM2,
		0x803 => "the chip is in dictionary-attack lockout: wait, then try again",
		_ => "see TPM Main Part 2, section 16",
	}
}
