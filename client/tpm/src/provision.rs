//! The keys of a node on its chip: which EK, and the AK below it.
//!
//! - The **EK** is opened, and closed again as soon as the AK is loaded: see [`crate::endorsement`].
//! - The **AK** is an ECC P-256 key for ECDSA with SHA-256, restricted, and a *child of the EK*: TPM2_Clear makes it
//!   unloadable, and every attestation names its parentage in qualifiedSigner. It has noDA set, so that nobody's
//!   failed guesses of passwords stop a node.

use crate::{
	endorsement::{self, read_public, Ek, Kind},
	error::TpmError,
	identity::{AkBlob, Files, Identity},
	probe,
};
use ep_tpm::certificate::MAX_CANDIDATES;
use tss_esapi::{
	abstraction::{ak, AsymmetricAlgorithmSelection as Algorithm, KeyCustomization},
	attributes::ObjectAttributesBuilder,
	handles::KeyHandle,
	interface_types::{
		algorithm::{HashingAlgorithm, SignatureSchemeAlgorithm},
		ecc::EccCurve,
	},
	structures::{Private, Public},
	traits::{Marshall, UnMarshall},
	Context,
};

const ECC_P256: Algorithm = Algorithm::Ecc(EccCurve::NistP256);

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

/// Load the node's AK into the chip, making it first if there never was one. `issuers` are certificates between that of
/// the EK and a root which are known from elsewhere than the chip.
pub(crate) fn load(
	context: &mut Context,
	files: &Files,
	mode: Mode,
	issuers: Vec<Vec<u8>>,
) -> Result<Loaded, TpmError> {
	let (kept, blob) = files.kept()?;
	if blob.is_none() && mode == Mode::LoadOnly {
		return Err(TpmError::NotProvisioned { path: files.ak.clone() });
	}
	let kind = Kind::choose(context, kept.as_ref())?;
	let certificates = Certificates::read(context, kind, issuers)?;
	let ek = kind.open(context, kept.as_ref())?;
	let loaded = below_ek(context, &ek, certificates, kept.as_ref(), blob, files, mode);
	let closed = ek.close(context);
	// What went wrong first is what is told.
	let loaded = loaded?;
	closed.map(|()| loaded)
}

/// Who vouches for the EK.
struct Certificates {
	own: Option<Vec<u8>>,
	chain: Vec<Vec<u8>>,
}

impl Certificates {
	fn read(context: &mut Context, kind: Kind, issuers: Vec<Vec<u8>>) -> Result<Self, TpmError> {
		let own = kind.certificate(context)?;
		let mut chain = endorsement::chain(context)?;
		for issuer in issuers {
			if !chain.contains(&issuer) {
				chain.push(issuer);
			}
		}
		chain.truncate(MAX_CANDIDATES);
		Ok(Certificates { own, chain })
	}
}

/// The part during which the EK is loaded.
fn below_ek(
	context: &mut Context,
	ek: &Ek,
	certificates: Certificates,
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
	let identity = identify(context, ak, ek, certificates, blob.public)?;
	match kept {
		Some(kept) if kept.ak_public != identity.ak_public => {
			return Err(TpmError::Damaged { path: files.ak.clone(), why: "it is not the key of identity.json".into() });
		}
		Some(kept) if *kept == identity => {}
		// The first time, or the chip's firmware or certificates were updated.
		_ if mode == Mode::Provision => identity.write(&files.identity)?,
		_ => {}
	}
	Ok(Loaded { ak, identity })
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

fn identify(
	context: &mut Context,
	ak: KeyHandle,
	ek: &Ek,
	certificates: Certificates,
	ak_public: Vec<u8>,
) -> Result<Identity, TpmError> {
	let (_, ak_name) = read_public(context, ak.into())?;
	let make = probe::make(context)?;
	Ok(Identity {
		ak_public,
		ak_name,
		ek_public: ek.public.clone(),
		ek_name: ek.name.clone(),
		ek_certificate: certificates.own,
		ek_chain: certificates.chain,
		manufacturer: make.manufacturer,
		model: make.model,
		firmware: make.firmware,
		revision: make.revision,
	})
}
