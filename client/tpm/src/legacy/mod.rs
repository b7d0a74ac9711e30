//! TPM 1.2: what a node needs of such a chip, by raw commands.
//!
//! A [`LegacyTpm`] is provisioned once (ownership, an attestation identity key, the EK's certificate), then quotes PCRs and
//! answers challenges. What it returns has the types of the rest of the crate, and is verified by [`ep_tpm::legacy`]; both
//! were tried with swtpm and libtpms. Names and sections are those of the TPM Main Specification 1.2, revision 116.
//!
//! ```no_run
//! # use ec_tpm::legacy::{LegacyTpm, Secret};
//! # fn join(credential: &ep_tpm::Credential) -> Result<(), ec_tpm::TpmError> {
//! let owner = Secret::random(); // Keep it: activation needs it again.
//! let mut chip = LegacyTpm::open("device:/dev/tpm0")?;
//! let identity = chip.provision(&owner)?;
//! let answer = chip.activate(&identity, &owner, credential)?;
//! let quoted = chip.quote_with_pcrs(&identity, b"nonce", &[0, 2, 4])?;
//! # Ok(()) }
//! ```
//!
//! - `transport`: a device node, or a swtpm; `wire`: commands, sessions, results; `node`: such a chip as a node's.
//!
//! # What stays in the chip
//!
//! The owner and the storage root key. Identity keys are kept outside, encrypted by the chip to itself
//! ([`LegacyIdentity::ak_blob`]), and loaded for one command each; they are taken out again however it ends, and so are
//! sessions. A chip of this kind has room for a few keys, and the kernel does not swap them as it does for TPM 2.0: with
//! tcsd or another program on the same `/dev/tpm0` the device is busy.
//!
//! # Secrets
//!
//! The owner's is the caller's to keep: whoever has it can clear the chip, and activate. Those of the storage root key and
//! of identity keys are [`Secret::WELL_KNOWN`], as elsewhere: the blob is of no use without the chip.

pub(crate) mod node;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

pub use wire::Secret;

use crate::{
	backend::{Attested, Quoted},
	error::TpmError,
	identity::{hex_bytes, read_json, write_json},
};
use ep_tpm::{
	certificate::{trim_nv, MAX_CERTIFICATE_LEN},
	legacy::{open_credential, verify_quote, EndorsementKey, IdentityKey, PcrComposite, QuoteInfo},
	Credential,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use wire::{nonce, sha1, Chip, Command, Reader};

const ORD_TAKE_OWNERSHIP: u32 = 0x0D;
const ORD_QUOTE: u32 = 0x16;
const ORD_LOAD_KEY2: u32 = 0x41;
const ORD_GET_CAPABILITY: u32 = 0x65;
const ORD_MAKE_IDENTITY: u32 = 0x79;
const ORD_ACTIVATE_IDENTITY: u32 = 0x7A;
const ORD_READ_PUBEK: u32 = 0x7C;
const ORD_OWNER_READ_INTERNAL_PUB: u32 = 0x81;
const ORD_STARTUP: u32 = 0x99;
const ORD_NV_READ_VALUE: u32 = 0xCF;

/// `TPM_ST_CLEAR`.
const STARTUP_CLEAR: u16 = 1;
/// `TPM_CAP_VERSION_VAL`.
const CAP_VERSION_VAL: u32 = 0x1A;
/// `TPM_CAP_PROPERTY`, and in it `TPM_CAP_PROP_OWNER`.
const CAP_PROPERTY: u32 = 5;
const CAP_PROP_OWNER: u32 = 0x111;
/// `TPM_TAG_CAP_VERSION_INFO`.
const TAG_CAP_VERSION_INFO: u16 = 0x30;
/// `TPM_PID_OWNER`.
const PROTOCOL_OWNER: u16 = 5;
/// `TPM_KH_SRK`.
const HANDLE_SRK: u32 = 0x4000_0000;
/// `TPM_ET_OWNER`, and `TPM_KH_OWNER`.
const ENTITY_OWNER: u16 = 2;
const HANDLE_OWNER: u32 = 0x4000_0001;
/// `TPM_KH_EK`.
const HANDLE_EK: u32 = 0x4000_0006;
/// `TPM_NV_INDEX_EKCert` with the bit of what a manufacturer defines (Part 2, section 19.1).
const NV_EK_CERTIFICATE: u32 = 0x1000_F000;
/// How much is read of an index at a time: the smallest buffers have a kilobyte.
const NV_CHUNK_LEN: usize = 256;

/// `TPM_KEY_USAGE`: `TPM_KEY_STORAGE`, `TPM_KEY_IDENTITY`.
const KEY_STORAGE: u16 = 0x11;
const KEY_IDENTITY: u16 = 0x12;
/// `TPM_ES_RSAESOAEP_SHA1_MGF1` and `TPM_SS_NONE`; `TPM_ES_NONE` and `TPM_SS_RSASSAPKCS1v15_SHA1`.
const STORAGE_SCHEMES: [u16; 2] = [3, 1];
const IDENTITY_SCHEMES: [u16; 2] = [1, 2];
/// Length of `TPM_KEY_PARMS` with an empty exponent.
const KEY_PARMS_LEN: usize = 4 + 2 + 2 + 4 + 12;

/// PCRs of a PC Client TPM.
const PCRS: u8 = 24;

/// What a chip says of itself (`TPM_CAP_VERSION_INFO`, Part 2, section 21.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyVersion {
	/// Level and errata revision of the specification; 2 and 3 are revision 116.
	pub specification: (u16, u8),
	/// `TPM_VENDOR_ID` of the TCG's registry: "IFX", "STM", "IBM" ...
	pub manufacturer: String,
	/// The manufacturer's own version, `major.minor`.
	pub firmware: String,
}

/// The public half of a provisioned chip, and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacyIdentity {
	/// The identity key's TPM_PUBKEY: what [`IdentityKey::parse`] takes.
	#[serde(with = "hex_bytes")]
	pub ak_public: Vec<u8>,
	/// The identity key as the chip made it (TPM_KEY), its private half encrypted by the chip to itself.
	#[serde(with = "hex_bytes")]
	pub ak_blob: Vec<u8>,
	/// The endorsement key's TPM_PUBKEY.
	#[serde(with = "hex_bytes")]
	pub ek_public: Vec<u8>,
	/// Its certificate in the chip's NV memory (DER), where there is one.
	#[serde(with = "hex_bytes::option", default)]
	pub ek_certificate: Option<Vec<u8>>,
	/// The chip.
	pub version: LegacyVersion,
}

impl LegacyIdentity {
	/// Reads and checks an identity file.
	///
	/// # Errors
	/// [`TpmError::NotProvisioned`], [`TpmError::Damaged`], [`TpmError::Io`].
	pub fn read(path: &Path) -> Result<Self, TpmError> {
		let identity: Self = read_json(path)?;
		let damaged = |e: ep_tpm::Error| TpmError::Damaged { path: path.to_owned(), why: e.to_string() };
		identity.keys().map_err(damaged)?;
		Ok(identity)
	}

	/// Writes it as JSON, atomically, for its user alone.
	///
	/// # Errors
	/// [`TpmError::Io`].
	pub fn write(&self, path: &Path) -> Result<(), TpmError> {
		write_json(path, self, 0o600)
	}

	/// Both keys in the form that verifies.
	///
	/// # Errors
	/// The rule that one of them breaks.
	pub fn keys(&self) -> Result<(EndorsementKey, IdentityKey), ep_tpm::Error> {
		Ok((EndorsementKey::parse(&self.ek_public)?, IdentityKey::parse(&self.ak_public)?))
	}
}

/// One chip. All calls block, key generation for up to a minute and more on a chip of its own.
#[derive(Debug)]
pub struct LegacyTpm {
	chip: Chip,
	version: LegacyVersion,
}

impl LegacyTpm {
	/// Connects: `device:/dev/tpm0`, `swtpm:host=127.0.0.1,port=2321` or `swtpm:path=/run/swtpm.sock` (a swtpm without
	/// `--tpm2`). Starts the chip if nobody has since power-on.
	///
	/// # Errors
	/// [`TpmError::BadTcti`], those of the connection, and [`TpmError::LegacyRefused`], by a TPM 2.0 for example.
	pub fn open(tcti: &str) -> Result<Self, TpmError> {
		let mut chip = Chip::open(tcti)?;
		match chip.plain("TPM_Startup", ORD_STARTUP, &STARTUP_CLEAR.to_be_bytes()) {
			// Kernel or firmware did it, as they always do for a device.
			Err(TpmError::LegacyRefused { code: wire::INVALID_POSTINIT, .. }) => {}
			other => drop(other?),
		}
		let version = read_version(&mut chip)?;
		Ok(Self { chip, version })
	}

	/// What the chip says of itself.
	pub fn version(&self) -> &LegacyVersion {
		&self.version
	}

	/// Whether somebody has taken ownership.
	///
	/// # Errors
	/// Whatever the chip says.
	pub fn is_owned(&mut self) -> Result<bool, TpmError> {
		let answer = capability(&mut self.chip, CAP_PROPERTY, &CAP_PROP_OWNER.to_be_bytes())?;
		Ok(answer.iter().any(|byte| *byte != 0))
	}

	/// Makes the chip this node's: takes ownership with the secret `owner` if nobody has it, makes an identity key and reads
	/// the EK's certificate. A quote is made and verified before anything is returned.
	///
	/// # Errors
	/// [`TpmError::LegacyRefused`] if the chip has another owner, is disabled or whatever else it says;
	/// [`TpmError::BadAnswer`] if its keys break a rule (a key that can be factored, or is too short).
	pub fn provision(&mut self, owner: &Secret) -> Result<LegacyIdentity, TpmError> {
		let owned = self.is_owned()?;
		let ek_public = self.endorsement_key(owned.then_some(owner))?;
		let ek = EndorsementKey::parse(&ek_public).map_err(|e| broken("TPM_ReadPubek", e))?;
		if !owned {
			self.take_ownership(&ek, owner)?;
		}
		let ek_certificate = self.ek_certificate(owner)?;
		let (ak_public, ak_blob) = self.make_identity(owner)?;
		let version = self.version.clone();
		let identity = LegacyIdentity { ak_public, ak_blob, ek_public, ek_certificate, version };
		// A key that the chip does not load again, or whose quotes do not verify, is none.
		self.quote_with_pcrs(&identity, &nonce(), &[0])?;
		Ok(identity)
	}

	/// The EK's TPM_PUBKEY. An owned chip does not tell everybody; then the owner asks.
	fn endorsement_key(&mut self, owner: Option<&Secret>) -> Result<Vec<u8>, TpmError> {
		const WHAT: &str = "TPM_ReadPubek";
		let odd = nonce();
		let answer = match (self.chip.plain(WHAT, ORD_READ_PUBEK, &odd), owner) {
			(Err(TpmError::LegacyRefused { code: wire::DISABLED_COMMAND, .. }), Some(owner)) => {
				return self.owner_authorised(
					"TPM_OwnerReadInternalPub",
					ORD_OWNER_READ_INTERNAL_PUB,
					&HANDLE_EK.to_be_bytes(),
					owner,
				);
			}
			(answer, _) => answer?,
		};
		let mut reader = Reader::new(WHAT, &answer);
		let too_short = reader.bad("it ends before its checksum");
		let pubkey = reader.take(answer.len().checked_sub(20).ok_or(too_short)?)?;
		if reader.rest() != sha1(&[pubkey, &odd]) {
			return Err(reader.bad("its checksum is another one"));
		}
		Ok(pubkey.to_vec())
	}

	fn owner_authorised(
		&mut self,
		what: &'static str,
		ordinal: u32,
		body: &[u8],
		owner: &Secret,
	) -> Result<Vec<u8>, TpmError> {
		let session = self.chip.oiap(owner)?;
		self.chip.authorised(&Command { what, ordinal, handles: &[], body, handles_out: 0 }, &[session])
	}

	/// TPM_TakeOwnership, with a storage root key whose secret everybody knows.
	fn take_ownership(&mut self, ek: &EndorsementKey, owner: &Secret) -> Result<(), TpmError> {
		const WHAT: &str = "TPM_TakeOwnership";
		let mut body = PROTOCOL_OWNER.to_be_bytes().to_vec();
		for secret in [owner, &Secret::WELL_KNOWN] {
			let encrypted = ek.encrypt(&secret.0, &nonce()).map_err(|e| broken(WHAT, e))?;
			body.extend(sized(&encrypted));
		}
		body.extend(key_request(KEY_STORAGE, STORAGE_SCHEMES));
		self.owner_authorised(WHAT, ORD_TAKE_OWNERSHIP, &body, owner).map(drop)
	}

	/// TPM_MakeIdentity: the key's TPM_PUBKEY, and its TPM_KEY.
	fn make_identity(&mut self, owner: &Secret) -> Result<(Vec<u8>, Vec<u8>), TpmError> {
		const WHAT: &str = "TPM_MakeIdentity";
		let srk = self.chip.oiap(&Secret::WELL_KNOWN)?;
		let session = match self.chip.osap(ENTITY_OWNER, HANDLE_OWNER, owner) {
			Ok(session) => session,
			Err(error) => {
				self.chip.forget_session(&srk);
				return Err(error);
			}
		};
		let mut body = session.hide(&Secret::WELL_KNOWN).to_vec();
		// labelPrivCADigest: no privacy CA, and nothing that is verified later.
		body.extend(sha1(&[b"Elapse"]));
		body.extend(key_request(KEY_IDENTITY, IDENTITY_SCHEMES));
		let command = Command { what: WHAT, ordinal: ORD_MAKE_IDENTITY, handles: &[], body: &body, handles_out: 0 };
		let answer = self.chip.authorised(&command, &[srk, session])?;

		let mut reader = Reader::new(WHAT, &answer);
		// Version, usage, flags and when to authorise.
		reader.take(4 + 2 + 4 + 1)?;
		let parms = reader.take(KEY_PARMS_LEN)?;
		let _pcr_info = reader.sized()?;
		let public = [parms, &sized(reader.sized()?)].concat();
		let _private = reader.sized()?;
		let blob_len = answer.len() - reader.rest().len();
		let _binding = reader.sized()?;
		reader.finish()?;
		IdentityKey::parse(&public).map_err(|e| broken(WHAT, e))?;
		Ok((public, answer.get(..blob_len).unwrap_or_default().to_vec()))
	}

	/// The EK's certificate (DER) in NV memory, `None` if there is none. On some chips its owner alone may read it.
	///
	/// # Errors
	/// Whatever the chip says.
	pub fn ek_certificate(&mut self, owner: &Secret) -> Result<Option<Vec<u8>>, TpmError> {
		let head = match self.nv_read(owner, 0, 5) {
			Ok(head) => head,
			Err(TpmError::LegacyRefused { code: wire::BAD_INDEX, .. }) => return Ok(None),
			Err(error) => return Err(error),
		};
		let len = match head.as_slice() {
			// TCG_PCCLIENT_STORED_CERT, or a bare certificate.
			[0x10, 0x01, 0x00, high, low] => 5 + usize::from(u16::from_be_bytes([*high, *low])),
			[0x30, 0x82, high, low, _] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
			_ => 0,
		};
		if len == 0 || len > MAX_CERTIFICATE_LEN + 7 {
			log::warn!("NV index {NV_EK_CERTIFICATE:#x} holds something, but no certificate");
			return Ok(None);
		}
		let mut contents = head;
		while contents.len() < len {
			let next = self.nv_read(owner, contents.len(), NV_CHUNK_LEN.min(len - contents.len()))?;
			contents.extend(next);
		}
		Ok(trim_nv(&contents).map(<[u8]>::to_vec).map_err(|e| log::warn!("the EK certificate: {e}")).ok())
	}

	fn nv_read(&mut self, owner: &Secret, offset: usize, len: usize) -> Result<Vec<u8>, TpmError> {
		const WHAT: &str = "TPM_NV_ReadValue";
		// Both are bounded by the longest certificate.
		let body: Vec<u8> =
			[NV_EK_CERTIFICATE, offset as u32, len as u32].iter().flat_map(|word| word.to_be_bytes()).collect();
		let answer = match self.chip.plain(WHAT, ORD_NV_READ_VALUE, &body) {
			Err(TpmError::LegacyRefused { code: wire::AUTH_CONFLICT | wire::AUTH_FAIL, .. }) => {
				self.owner_authorised(WHAT, ORD_NV_READ_VALUE, &body, owner)?
			}
			answer => answer?,
		};
		let mut reader = Reader::new(WHAT, &answer);
		let data = reader.sized()?;
		if data.len() != len {
			return Err(reader.bad("more or less than was asked for"));
		}
		reader.finish().map(|()| data.to_vec())
	}

	/// TPM_Quote over `pcrs` (0 to 23) under `nonce`, whose SHA-1 is what the chip signs. `attest` is the TPM_QUOTE_INFO,
	/// `signature` bare. Values and quote belong together: the chip returns them in one answer.
	///
	/// # Errors
	/// [`TpmError::BadRequest`] for a PCR that no chip has; [`TpmError::BadAnswer`] if the quote does not verify; whatever
	/// the chip says.
	pub fn quote_with_pcrs(
		&mut self,
		identity: &LegacyIdentity,
		nonce: &[u8],
		pcrs: &[u8],
	) -> Result<Quoted, TpmError> {
		const WHAT: &str = "TPM_Quote";
		let mut bitmap = [0u8; 3];
		for pcr in pcrs {
			let no_such = || TpmError::BadRequest { why: format!("there is no PCR {pcr}, only 0 to {}", PCRS - 1) };
			*bitmap.get_mut(usize::from(pcr / 8)).ok_or_else(no_such)? |= 1 << (pcr % 8);
		}
		let external_data = QuoteInfo::of(&[], nonce).external_data;
		let body = [&external_data[..], &3u16.to_be_bytes(), &bitmap].concat();
		let answer = self.with_key(identity, |chip, handle| {
			let session = chip.oiap(&Secret::WELL_KNOWN)?;
			let command = Command { what: WHAT, ordinal: ORD_QUOTE, handles: &[handle], body: &body, handles_out: 0 };
			chip.authorised(&command, &[session])
		})?;
		let mut reader = Reader::new(WHAT, &answer);
		// TPM_PCR_COMPOSITE: its length is in it.
		let mut composite = Reader::new(WHAT, &answer);
		let select_len = usize::from(composite.u16()?);
		composite.take(select_len)?;
		let composite = reader.take(2 + select_len + 4 + composite.sized()?.len())?;
		let signature = reader.sized()?.to_vec();
		reader.finish()?;
		let attest = QuoteInfo::of(composite, nonce).to_bytes().to_vec();
		let key = IdentityKey::parse(&identity.ak_public).map_err(|e| broken(WHAT, e))?;
		let quote = verify_quote(&key, &attest, &signature, nonce).map_err(|e| broken(WHAT, e))?;
		let said = PcrComposite::parse(composite).map_err(|e| broken(WHAT, e))?;
		let asked = ep_tpm::PcrSelection { bitmap: bitmap.to_vec(), ..said.selection };
		quote.verify_pcrs(&asked, &said.values).map_err(|e| broken(WHAT, e))?;
		let pcr_values = said.values.iter().map(|value| value.to_vec()).collect();
		Ok(Quoted { attested: Attested { attest, signature }, pcr_values })
	}

	/// TPM_ActivateIdentity: the secret in a credential that was made for this chip's EK and this identity key.
	///
	/// # Errors
	/// [`TpmError::NotForThisChip`] for every other credential; whatever else the chip says.
	pub fn activate(
		&mut self,
		identity: &LegacyIdentity,
		owner: &Secret,
		credential: &Credential,
	) -> Result<Vec<u8>, TpmError> {
		const WHAT: &str = "TPM_ActivateIdentity";
		let body = sized(&credential.encrypted_secret);
		let answer = self.with_key(identity, |chip, handle| {
			let sessions = chip.two_oiap(&Secret::WELL_KNOWN, owner)?;
			let command =
				Command { what: WHAT, ordinal: ORD_ACTIVATE_IDENTITY, handles: &[handle], body: &body, handles_out: 0 };
			chip.authorised(&command, &sessions)
		});
		let (ek, ak) = identity.keys().map_err(|e| broken(WHAT, e))?;
		let not_for =
			|why| TpmError::NotForThisChip { why, ek_name: ek.name().to_string(), ak_name: ak.name().to_string() };
		let key = answer.map_err(|error| match error {
			TpmError::LegacyRefused { code: wire::BAD_PARAMETER, what: WHAT, .. } => {
				not_for("it was made for another attestation key")
			}
			TpmError::LegacyRefused { code, what: WHAT, .. } if UNREADABLE.contains(&code) => {
				not_for("it is not encrypted to this chip's endorsement key, or was damaged on its way")
			}
			other => other,
		})?;
		open_credential(credential, &key).map_err(|_| not_for("its second half was damaged on its way"))
	}

	/// TPM_LoadKey2, `work` with the key's handle, and the key is forgotten.
	fn with_key<T>(
		&mut self,
		identity: &LegacyIdentity,
		work: impl FnOnce(&mut Chip, u32) -> Result<T, TpmError>,
	) -> Result<T, TpmError> {
		const WHAT: &str = "TPM_LoadKey2";
		let session = self.chip.oiap(&Secret::WELL_KNOWN)?;
		let command = Command {
			what: WHAT,
			ordinal: ORD_LOAD_KEY2,
			handles: &[HANDLE_SRK],
			body: &identity.ak_blob,
			handles_out: 4,
		};
		let answer = self.chip.authorised(&command, &[session])?;
		let mut reader = Reader::new(WHAT, &answer);
		let handle = reader.u32()?;
		reader.finish()?;
		let result = work(&mut self.chip, handle);
		self.chip.forget_key(handle);
		result
	}
}

/// What a chip says of a blob that it cannot decrypt, or that decrypts to something else: `TPM_SIZE`,
/// `TPM_BAD_PARAM_SIZE`, `TPM_DECRYPT_ERROR`, `TPM_INVALID_STRUCTURE`, `TPM_BAD_TYPE`.
const UNREADABLE: [u32; 5] = [0x17, 0x19, wire::DECRYPT_ERROR, 0x43, 0x34];

fn read_version(chip: &mut Chip) -> Result<LegacyVersion, TpmError> {
	let answer = capability(chip, CAP_VERSION_VAL, &[])?;
	let mut reader = Reader::new("TPM_GetCapability", &answer);
	if reader.u16()? != TAG_CAP_VERSION_INFO {
		return Err(reader.bad("no TPM_CAP_VERSION_INFO"));
	}
	let [_, _, major, minor] = reader.array()?;
	let level = reader.u16()?;
	let [errata] = reader.array()?;
	let vendor: [u8; 4] = reader.array()?;
	let manufacturer = String::from_utf8_lossy(&vendor).trim_end_matches(['\0', ' ']).to_owned();
	Ok(LegacyVersion { specification: (level, errata), manufacturer, firmware: format!("{major}.{minor}") })
}

fn capability(chip: &mut Chip, area: u32, sub: &[u8]) -> Result<Vec<u8>, TpmError> {
	let body = [&area.to_be_bytes()[..], &sized(sub)].concat();
	let answer = chip.plain("TPM_GetCapability", ORD_GET_CAPABILITY, &body)?;
	let mut reader = Reader::new("TPM_GetCapability", &answer);
	let value = reader.sized()?.to_vec();
	reader.finish().map(|()| value)
}

fn broken(what: &'static str, rule: ep_tpm::Error) -> TpmError {
	TpmError::BadAnswer { what, why: rule.to_string() }
}

/// 32 bits of size, and the bytes. What comes here is bounded far below.
fn sized(bytes: &[u8]) -> Vec<u8> {
	[&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

/// `TPM_KEY` (Part 2, section 10.2) of a 2048-bit RSA key that is to be made: version 1.1.0.0, neither migratable nor
/// anything else, its secret always asked for, no PCRs.
fn key_request(usage: u16, schemes: [u16; 2]) -> Vec<u8> {
	let mut key = vec![1, 1, 0, 0];
	key.extend(usage.to_be_bytes());
	// keyFlags, then authDataUsage: TPM_AUTH_ALWAYS.
	key.extend([0, 0, 0, 0, 1]);
	// TPM_ALG_RSA, and its parameters: 2048 bits, two primes, the default exponent.
	key.extend(1u32.to_be_bytes());
	schemes.iter().for_each(|scheme| key.extend(scheme.to_be_bytes()));
	for word in [12u32, 2048, 2, 0] {
		key.extend(word.to_be_bytes());
	}
	// PCRInfoSize, no public key, no private key.
	key.extend([0; 12]);
	key
}
