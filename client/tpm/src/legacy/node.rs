//! A TPM 1.2 as a node's chip: [`Tpm`] over a [`LegacyTpm`].
//!
//! Beside the identity file it keeps, in the same folder, what a TPM 2.0 keeps inside itself:
//!
//! | file          | what                                                      | secret |
//! |---------------|-----------------------------------------------------------|--------|
//! | `owner.json`  | the owner's secret                                        | **yes**: whoever has it can clear the chip, and answer for it |
//! | `legacy.json` | [`LegacyIdentity`], with the identity key encrypted by the chip to itself | no use without the chip |
//!
//! The owner's secret is on disk before the chip has it: a crash in between loses nothing, and the other way round would
//! lose the chip until the firmware set-up has cleared it.

use super::{LegacyIdentity, LegacyTpm, Secret};
use crate::{
	backend::{Attested, Clock, PcrBank, PcrSelection, Quoted, Tpm},
	error::TpmError,
	identity::{hex_bytes, read_json, write_json, Files, Identity},
	provision::Mode,
};
use ep_tpm::Credential;
use serde::{Deserialize, Serialize};
use std::{path::Path, time::Duration};

/// Revision 116 of the Main Specification, the only one that chips of this kind have.
const REVISION: u32 = 116;

/// The owner's secret, as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
	#[serde(with = "hex_bytes")]
	secret: Vec<u8>,
}

/// A provisioned chip.
#[derive(Debug)]
pub(crate) struct LegacyNode {
	chip: LegacyTpm,
	owner: Secret,
	legacy: LegacyIdentity,
	identity: Identity,
}

impl LegacyNode {
	/// Connects, and provisions the chip if it never was and `mode` says so.
	pub(crate) fn open(tcti: &str, base: &Path, mode: Mode) -> Result<Self, TpmError> {
		let files = Files::new(base);
		let (owner_file, legacy_file) = (files.dir.join("owner.json"), files.dir.join("legacy.json"));
		let mut chip = LegacyTpm::open(tcti)?;
		let kept = match LegacyIdentity::read(&legacy_file) {
			Err(TpmError::NotProvisioned { .. }) if mode == Mode::Provision => None,
			other => Some(other?),
		};
		let owner = match read_owner(&owner_file) {
			// Without it nobody can activate, so a key that is there is of no use.
			Err(TpmError::NotProvisioned { path }) if kept.is_some() => {
				return Err(TpmError::Incomplete { present: legacy_file, missing: path });
			}
			Err(TpmError::NotProvisioned { .. }) => {
				let secret = Secret::random();
				write_json(&owner_file, &Owner { secret: secret.0.to_vec() }, 0o600)?;
				secret
			}
			other => other?,
		};
		let legacy = match kept {
			Some(legacy) => legacy,
			None => {
				log::info!("making an identity key, and taking ownership if nobody has: this may take a minute");
				let legacy = chip.provision(&owner)?;
				legacy.write(&legacy_file)?;
				legacy
			}
		};
		let identity = identity(&legacy)?;
		if mode == Mode::Provision {
			identity.write(&files.identity)?;
		}
		let mut node = Self { chip, owner, legacy, identity };
		// Another chip, or one that was cleared, does not load the key.
		node.attest(b"elapse/legacy", &[0]).map_err(|error| match error {
			TpmError::LegacyRefused { what: "TPM_LoadKey2", .. } => TpmError::Cleared { dir: files.dir.clone() },
			other => other,
		})?;
		Ok(node)
	}

	fn attest(&mut self, nonce: &[u8], pcrs: &[u8]) -> Result<Quoted, TpmError> {
		self.chip.quote_with_pcrs(&self.legacy, nonce, pcrs)
	}
}

fn read_owner(path: &Path) -> Result<Secret, TpmError> {
	let owner: Owner = read_json(path)?;
	let secret = owner.secret.try_into().map(Secret);
	secret.map_err(|_| TpmError::Damaged { path: path.to_owned(), why: "the secret is not 20 bytes long".into() })
}

fn identity(legacy: &LegacyIdentity) -> Result<Identity, TpmError> {
	let broken = |rule: ep_tpm::Error| TpmError::BadAnswer { what: "TPM_ReadPubek", why: rule.to_string() };
	let (ek, ak) = legacy.keys().map_err(broken)?;
	Ok(Identity {
		ak_public: legacy.ak_public.clone(),
		ak_name: ak.name().as_bytes().to_vec(),
		ek_public: legacy.ek_public.clone(),
		ek_name: ek.name().as_bytes().to_vec(),
		ek_certificate: legacy.ek_certificate.clone(),
		ek_chain: Vec::new(),
		manufacturer: legacy.version.manufacturer.clone(),
		model: String::new(),
		firmware: legacy.version.firmware.clone(),
		revision: REVISION,
	})
}

impl Tpm for LegacyNode {
	fn identity(&self) -> &Identity {
		&self.identity
	}

	fn get_time(&mut self, _: &[u8]) -> Result<Attested, TpmError> {
		Err(TpmError::NoTime)
	}

	fn quote(&mut self, nonce: &[u8], selection: &PcrSelection) -> Result<Attested, TpmError> {
		self.quote_with_pcrs(nonce, selection).map(|quoted| quoted.attested)
	}

	fn quote_with_pcrs(&mut self, nonce: &[u8], selection: &PcrSelection) -> Result<Quoted, TpmError> {
		if selection.bank != PcrBank::Sha1 {
			let why = format!("a TPM 1.2 keeps PCRs in the bank SHA-1 only, not in {:?}", selection.bank);
			return Err(TpmError::BadRequest { why });
		}
		self.attest(nonce, &selection.pcrs)
	}

	fn activate(&mut self, credential: &Credential) -> Result<Vec<u8>, TpmError> {
		self.chip.activate(&self.legacy, &self.owner, credential)
	}

	fn read_clock(&mut self) -> Result<Option<Clock>, TpmError> {
		self.alive().map(|()| None)
	}

	fn alive(&mut self) -> Result<(), TpmError> {
		self.chip.is_owned().map(drop)
	}

	/// The chip's end is the kernel's or its owner's to order.
	fn shutdown(&mut self) -> Result<(), TpmError> {
		Ok(())
	}

	fn raw_get_time(&mut self, _: &[u8]) -> Result<Duration, TpmError> {
		Err(TpmError::NoTime)
	}
}
