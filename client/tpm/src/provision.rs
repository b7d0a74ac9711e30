//! The keys of a node on its chip: which EK, and the AK below it.
//!
//! - The **EK** is derived from the chip's endorsement seed by the default template (TCG EK Credential Profile 2.5,
//!   B.3.3 and B.3.4): RSA-2048 or ECC P-256, whichever the chip has a certificate for.
//! - The **AK** is an ECC P-256 key for ECDSA with SHA-256, restricted, and a *child of the EK*: TPM2_Clear makes it
//!   unloadable, and every attestation names its parentage in qualifiedSigner. It has noDA set, so that nobody's
//!   failed guesses of passwords stop a node.

use crate::{
	error::TpmError,
	identity::{AkBlob, Files, Identity},
	probe,
};
use tss_esapi::{
	abstraction::{ak, ek, AsymmetricAlgorithmSelection as Algorithm, DefaultKey, KeyCustomization},
	attributes::ObjectAttributesBuilder,
	constants::CapabilityType,
	handles::{KeyHandle, ObjectHandle, PersistentTpmHandle, TpmHandle},
	interface_types::{
		algorithm::{HashingAlgorithm, SignatureSchemeAlgorithm},
		ecc::EccCurve,
		key_bits::RsaKeyBits,
	},
	structures::{CapabilityData, Private, Public},
	traits::{Marshall, UnMarshall},
	Context,
};

const RSA_2048: Algorithm = Algorithm::Rsa(RsaKeyBits::Rsa2048);
const ECC_P256: Algorithm = Algorithm::Ecc(EccCurve::NistP256);

/// NV indices of EK certificates and handles where makers leave EKs (TCG EK Credential Profile 2.2.1.4; Registry of
/// Reserved TPM 2.0 Handles, 2.3.1). The first kind that has a certificate is taken.
const KINDS: [(Algorithm, u32, u32); 2] = [(RSA_2048, 0x01c0_0002, 0x8101_0001), (ECC_P256, 0x01c0_000a, 0x8101_0002)];

/// tss-esapi's AK template leaves noDA clear.
struct NoDictionaryAttackProtection;

impl KeyCustomization for NoDictionaryAttackProtection {
	fn attributes(&self, attributes: ObjectAttributesBuilder) -> ObjectAttributesBuilder {
		attributes.with_no_da(true)
	}
}

/// The AK, loaded, and whose it is.
pub(crate) struct Loaded {
	pub(crate) ak: KeyHandle,
	pub(crate) identity: Identity,
}

/// Whether a key may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
	/// Make an AK if there never was one, and write the files.
	Provision,
	/// Only load what is there.
	LoadOnly,
}

/// Load the node's AK into the chip, making it first if there never was one.
pub(crate) fn load(context: &mut Context, files: &Files, mode: Mode) -> Result<Loaded, TpmError> {
	let (kept, blob) = files.kept()?;
	if blob.is_none() && mode == Mode::LoadOnly {
		return Err(TpmError::NotProvisioned { path: files.ak.clone() });
	}
	let ek = open_ek(context, kept.as_ref())?;
	let loaded = below_ek(context, &ek, kept.as_ref(), blob, files, mode);
	if ek.transient {
		context.flush_context(ek.handle.into()).map_err(|e| TpmError::from_tss("TPM2_FlushContext", e))?;
	}
	loaded
}

/// The part during which the EK is loaded.
fn below_ek(
	context: &mut Context,
	ek: &Ek,
	kept: Option<&Identity>,
	blob: Option<AkBlob>,
	files: &Files,
	mode: Mode,
) -> Result<Loaded, TpmError> {
	if let Some(kept) = kept.filter(|kept| kept.ek_name != ek.name) {
		return Err(TpmError::OtherChip {
			expected: hex::encode(&kept.ek_name),
			found: hex::encode(&ek.name),
			dir: files.dir.clone(),
		});
	}
	let blob = match blob {
		Some(blob) => blob,
		None => {
			let blob = create_ak(context, ek.handle)?;
			blob.write(&files.ak)?;
			log::info!(
				"made an attestation key (ECC P-256, child of the endorsement key); kept in {}",
				files.ak.display()
			);
			blob
		}
	};
	let ak = load_ak(context, ek.handle, &blob, files)?;
	let identity = identify(context, ak, ek, blob.public)?;
	match kept {
		Some(kept) if kept.ak_public != identity.ak_public => {
			return Err(TpmError::Damaged { path: files.ak.clone(), why: "it is not the key of identity.json".into() });
		}
		Some(kept) if *kept == identity => {}
		// The first time, or the chip's firmware was updated.
		_ if mode == Mode::Provision => identity.write(&files.identity)?,
		_ => {}
	}
	Ok(Loaded { ak, identity })
}

struct Ek {
	handle: KeyHandle,
	/// Made by us and to be flushed.
	transient: bool,
	public: Vec<u8>,
	name: Vec<u8>,
	certificate: Option<Vec<u8>>,
}

/// The EK that was used before, else the first kind that has a certificate, else RSA.
fn open_ek(context: &mut Context, kept: Option<&Identity>) -> Result<Ek, TpmError> {
	let indices = handles(context, 0x01c0_0000)?;
	let kind = match kept {
		// TPMT_PUBLIC begins with its type: TPM_ALG_RSA 0x0001, TPM_ALG_ECC 0x0023.
		Some(kept) => KINDS.iter().find(|(algorithm, ..)| kept.ek_public.starts_with(type_bytes(algorithm))),
		None => KINDS.iter().find(|(_, index, _)| indices.contains(index)),
	};
	let (algorithm, index, persistent) = *kind.unwrap_or(&KINDS[0]);
	let certificate = if indices.contains(&index) {
		let padded = ek::retrieve_ek_pubcert(context, algorithm).map_err(|e| TpmError::from_tss("TPM2_NV_Read", e))?;
		trim_der(&padded).map(<[u8]>::to_vec)
	} else {
		log::warn!("this TPM has no EK certificate of the usual kind: only chains that know its EK will admit it");
		None
	};

	// Deriving an RSA key takes a discrete chip seconds: use the one that it keeps, if that is the one.
	if let Some(kept) = kept {
		if handles(context, persistent)?.contains(&persistent) {
			let handle = PersistentTpmHandle::new(persistent)
				.and_then(|handle| context.tr_from_tpm_public(TpmHandle::Persistent(handle)))
				.map_err(|e| TpmError::from_tss("TPM2_ReadPublic", e))?;
			let (public, name) = read_public(context, handle)?;
			if name == kept.ek_name {
				return Ok(Ek { handle: KeyHandle::from(handle), transient: false, public, name, certificate });
			}
		}
	}
	let handle = ek::create_ek_object_2(context, algorithm, DefaultKey)
		.map_err(|e| TpmError::from_tss("TPM2_CreatePrimary", e))?;
	let (public, name) = read_public(context, handle.into())?;
	Ok(Ek { handle, transient: true, public, name, certificate })
}

fn type_bytes(algorithm: &Algorithm) -> &'static [u8] {
	match algorithm {
		Algorithm::Rsa(_) => &[0x00, 0x01],
		Algorithm::Ecc(_) => &[0x00, 0x23],
	}
}

fn read_public(context: &mut Context, handle: ObjectHandle) -> Result<(Vec<u8>, Vec<u8>), TpmError> {
	let wrong = |e| TpmError::from_tss("TPM2_ReadPublic", e);
	let (public, name, _) = context.read_public(KeyHandle::from(handle)).map_err(wrong)?;
	Ok((public.marshall().map_err(wrong)?, name.value().to_vec()))
}

/// Handles in use from `first` on, of the same kind (TPM_CAP_HANDLES).
fn handles(context: &mut Context, first: u32) -> Result<Vec<u32>, TpmError> {
	match context.get_capability(CapabilityType::Handles, first, 64) {
		Ok((CapabilityData::Handles(list), _)) => Ok(list.iter().map(|handle| u32::from(*handle)).collect()),
		Ok(_) => Err(TpmError::BadAnswer { what: "TPM2_GetCapability", why: "not the capability asked for".into() }),
		Err(error) => Err(TpmError::from_tss("TPM2_GetCapability", error)),
	}
}

fn create_ak(context: &mut Context, ek: KeyHandle) -> Result<AkBlob, TpmError> {
	let wrong = |e| TpmError::from_tss("TPM2_Create", e);
	let made = ak::create_ak_2(
		context,
		ek,
		HashingAlgorithm::Sha256,
		ECC_P256,
		SignatureSchemeAlgorithm::EcDsa,
		None,
		NoDictionaryAttackProtection,
	)
	.map_err(wrong)?;
	Ok(AkBlob::new(made.out_public.marshall().map_err(wrong)?, made.out_private.value().to_vec()))
}

fn load_ak(context: &mut Context, ek: KeyHandle, blob: &AkBlob, files: &Files) -> Result<KeyHandle, TpmError> {
	let damaged = |why: &str| TpmError::Damaged { path: files.ak.clone(), why: why.into() };
	let private = Private::try_from(blob.private.clone()).map_err(|_| damaged("its private part is too long"))?;
	let public = Public::unmarshall(&blob.public).map_err(|_| damaged("its public part is not a TPMT_PUBLIC"))?;
	ak::load_ak(context, ek, None, private, public).map_err(|e| match TpmError::from_tss("TPM2_Load", e) {
		// TPM_RC_INTEGRITY, TPM_RC_SENSITIVE, TPM_RC_BINDING and their like. The file is as it was written and the EK
		// is the same: the seed that protects the EK's children was changed, which is what TPM2_Clear does.
		TpmError::Refused { .. } => TpmError::Cleared { dir: files.dir.clone() },
		other => other,
	})
}

fn identify(context: &mut Context, ak: KeyHandle, ek: &Ek, ak_public: Vec<u8>) -> Result<Identity, TpmError> {
	let (_, ak_name) = read_public(context, ak.into())?;
	let make = probe::make(context)?;
	Ok(Identity {
		ak_public,
		ak_name,
		ek_public: ek.public.clone(),
		ek_name: ek.name.clone(),
		ek_certificate: ek.certificate.clone(),
		manufacturer: make.manufacturer,
		model: make.model,
		firmware: make.firmware,
		revision: make.revision,
	})
}

/// A certificate without what follows it: some makers pad their NV index with 0xFF. `None` if it is none.
fn trim_der(bytes: &[u8]) -> Option<&[u8]> {
	let (header, length) = match *bytes {
		[0x30, n, ..] if n < 0x80 => (2, usize::from(n)),
		[0x30, 0x81, n, ..] => (3, usize::from(n)),
		[0x30, 0x82, high, low, ..] => (4, usize::from(high) << 8 | usize::from(low)),
		_ => return None,
	};
	bytes.get(..header + length)
}

#[cfg(test)]
mod tests {
	use super::trim_der;

	#[test]
	fn padding_behind_a_certificate_is_cut() {
		assert_eq!(trim_der(&[0x30, 2, 1, 2, 0xff, 0xff]), Some(&[0x30, 2, 1, 2][..]));
		assert_eq!(trim_der(&[0x30, 0x82, 0, 1, 9, 0xff]), Some(&[0x30, 0x82, 0, 1, 9][..]));
		assert_eq!(trim_der(&[0x30, 5, 1]), None, "cut short");
		assert_eq!(trim_der(&[0xff; 8]), None, "erased");
	}
}
