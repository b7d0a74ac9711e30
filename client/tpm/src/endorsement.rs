//! The endorsement key (EK) of a chip, and the certificates that its maker left beside it.
//!
//! - The **EK** is derived from the chip's endorsement seed by a default template of the low range (TCG EK Credential
//!   Profile 2.5, B.3.3 "L-1" and B.3.4 "L-2"): RSA-2048 or ECC P-256, whichever the chip has a certificate for. Both have
//!   PolicyA, which is PolicySecret(endorsement hierarchy); the PolicyOR of the high range is never needed, since no key
//!   of the high range is opened.
//! - The **EK certificate** is in an NV index of its own (2.2.1.4), and intermediates between it and the maker's root may
//!   be in others (2.2.1.5.2): Intel's on-die CA makes a path of its own for each machine, which is published nowhere.

use crate::{error::TpmError, identity::Identity};
use ep_tpm::certificate::{Certificate, MAX_CANDIDATES, MAX_CERTIFICATE_LEN};
use std::ops::RangeInclusive;
use tss_esapi::{
	abstraction::{ek, nv, AsymmetricAlgorithmSelection as Algorithm, DefaultKey},
	constants::CapabilityType,
	handles::{KeyHandle, NvIndexHandle, NvIndexTpmHandle, ObjectHandle, PersistentTpmHandle, TpmHandle},
	interface_types::{ecc::EccCurve, key_bits::RsaKeyBits, resource_handles::NvAuth},
	structures::CapabilityData,
	traits::Marshall,
	Context,
};

/// A template, and where makers leave what belongs to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
	algorithm: Algorithm,
	/// The TPM_ALG_ID that a TPMT_PUBLIC begins with.
	type_bytes: [u8; 2],
	/// NV index of the certificate (TCG EK Credential Profile 2.2.1.4).
	certificate: u32,
	/// Handle of the key itself, where it is kept (Registry of Reserved TPM 2.0 Handles, 2.3.1).
	persistent: u32,
}

/// The first kind that has a certificate is taken.
const KINDS: [Kind; 2] = [
	Kind {
		algorithm: Algorithm::Rsa(RsaKeyBits::Rsa2048),
		type_bytes: [0x00, 0x01],
		certificate: 0x01c0_0002,
		persistent: 0x8101_0001,
	},
	Kind {
		algorithm: Algorithm::Ecc(EccCurve::NistP256),
		type_bytes: [0x00, 0x23],
		certificate: 0x01c0_000a,
		persistent: 0x8101_0002,
	},
];

/// First NV index for certificates of any kind.
const CERTIFICATES: u32 = 0x01c0_0000;
/// NV indices of intermediates: DER, one behind the other, over as many consecutive indices as it takes.
const CHAIN: RangeInclusive<u32> = 0x01c0_0100..=0x01c0_01ff;
/// What a verifier looks at, and so all that is worth reading: the most and the longest certificates.
const MAX_CHAIN_LEN: usize = MAX_CANDIDATES * MAX_CERTIFICATE_LEN;

/// An open EK. It takes a place in the chip's memory until it is closed.
#[derive(Debug)]
pub(crate) struct Ek {
	pub(crate) handle: KeyHandle,
	/// Made by us and to be flushed.
	transient: bool,
	/// TPMT_PUBLIC.
	pub(crate) public: Vec<u8>,
	pub(crate) name: Vec<u8>,
}

impl Ek {
	/// Take it out of the chip's memory again, if we put it there.
	pub(crate) fn close(self, context: &mut Context) -> Result<(), TpmError> {
		let mut object = ObjectHandle::from(self.handle);
		if self.transient {
			context.flush_context(object).map_err(|e| TpmError::from_tss("TPM2_FlushContext", e))
		} else {
			context.tr_close(&mut object).map_err(|e| TpmError::from_tss("closing the endorsement key", e))
		}
	}
}

impl Kind {
	/// That of the EK that was used before, else the first that has a certificate, else RSA.
	pub(crate) fn choose(context: &mut Context, kept: Option<&Identity>) -> Result<Self, TpmError> {
		let indices = handles(context, CERTIFICATES)?;
		let kind = match kept {
			Some(kept) => Self::of(kept),
			None => KINDS.into_iter().find(|kind| indices.contains(&kind.certificate)),
		};
		Ok(kind.unwrap_or(KINDS[0]))
	}

	fn of(kept: &Identity) -> Option<Self> {
		KINDS.into_iter().find(|kind| kept.ek_public.starts_with(&kind.type_bytes))
	}

	/// Open the EK of this kind. `kept` is who this chip was before, if it is known.
	pub(crate) fn open(self, context: &mut Context, kept: Option<&Identity>) -> Result<Ek, TpmError> {
		// Deriving an RSA key takes a discrete chip seconds: use the one that it keeps, if that is the one.
		if let Some(kept) = kept {
			if handles(context, self.persistent)?.contains(&self.persistent) {
				let handle = PersistentTpmHandle::new(self.persistent)
					.and_then(|handle| context.tr_from_tpm_public(TpmHandle::Persistent(handle)))
					.map_err(|e| TpmError::from_tss("TPM2_ReadPublic", e))?;
				let (public, name) = read_public(context, handle)?;
				if name == kept.ek_name {
					return Ok(Ek { handle: KeyHandle::from(handle), transient: false, public, name });
				}
			}
		}
		let handle = ek::create_ek_object_2(context, self.algorithm, DefaultKey)
			.map_err(|e| TpmError::from_tss("TPM2_CreatePrimary", e))?;
		let ek = read_public(context, handle.into());
		match ek {
			Ok((public, name)) => Ok(Ek { handle, transient: true, public, name }),
			Err(error) => {
				// What went wrong first is what is told.
				let _ = context.flush_context(handle.into());
				Err(error)
			}
		}
	}

	/// The certificate of the EK of this kind, trimmed; `None`, with a warning, if the chip has none.
	pub(crate) fn certificate(self, context: &mut Context) -> Result<Option<Vec<u8>>, TpmError> {
		if !handles(context, CERTIFICATES)?.contains(&self.certificate) {
			log::warn!("this TPM has no EK certificate of the usual kind: only chains that know its EK will admit it");
			return Ok(None);
		}
		let padded =
			ek::retrieve_ek_pubcert(context, self.algorithm).map_err(|e| TpmError::from_tss("TPM2_NV_Read", e))?;
		Ok(trim_der(&padded).map(<[u8]>::to_vec))
	}
}

/// Open the EK that this identity has, on the chip that had it.
pub(crate) fn reopen(context: &mut Context, identity: &Identity) -> Result<Ek, TpmError> {
	Kind::of(identity).unwrap_or(KINDS[0]).open(context, Some(identity))
}

/// The intermediates in the chip's NV memory, in its order; at most [`MAX_CANDIDATES`]. None is an answer, not an error,
/// and so is one that cannot be read: they can be had otherwise, and a node must not fail to start for want of them.
pub(crate) fn chain(context: &mut Context) -> Result<Vec<Vec<u8>>, TpmError> {
	let mut indices = handles(context, *CHAIN.start())?;
	indices.retain(|index| CHAIN.contains(index));
	let (mut chain, mut run, mut total) = (Vec::new(), Vec::new(), 0);
	for (position, index) in indices.iter().enumerate() {
		let mut ends = indices.get(position + 1).is_none_or(|next| *next != index + 1);
		match read_nv(context, *index) {
			Ok(bytes) => {
				total += bytes.len();
				run.extend(bytes);
			}
			Err(error) if error.lost() => return Err(error),
			Err(error) => {
				log::warn!("the EK certificate chain at NV index {index:#x} is left out: {error}");
				ends = true;
			}
		}
		if total > MAX_CHAIN_LEN {
			log::warn!(
				"the EK certificate chain in this TPM is longer than {MAX_CHAIN_LEN} bytes: the rest is left out"
			);
			ends = true;
		}
		if ends {
			chain.extend(certificates(&run));
			run.clear();
		}
		if total > MAX_CHAIN_LEN {
			break;
		}
	}
	chain.truncate(MAX_CANDIDATES);
	Ok(chain)
}

/// An NV index as makers define those of certificates, read with its own, empty, authorisation.
fn read_nv(context: &mut Context, index: u32) -> Result<Vec<u8>, TpmError> {
	let wrong = |e| TpmError::from_tss("TPM2_NV_Read", e);
	let handle = NvIndexTpmHandle::new(index).map_err(wrong)?;
	let object = context.execute_without_session(|context| context.tr_from_tpm_public(handle.into())).map_err(wrong)?;
	let index = NvIndexHandle::from(object);
	let (public, _) = context.nv_read_public(index).map_err(|e| TpmError::from_tss("TPM2_NV_ReadPublic", e))?;
	let attributes = public.attributes();
	// Another owner's index may have a password, and a wrong one counts against the chip's lockout unless noDA is set.
	if !(attributes.auth_read() && attributes.no_da() && attributes.written()) {
		let why = "it is not one that everybody may read".into();
		return Err(TpmError::BadAnswer { what: "TPM2_NV_ReadPublic", why });
	}
	context
		.execute_with_nullauth_session(|context| nv::read_full(context, NvAuth::NvIndex(index), handle))
		.map_err(wrong)
}

/// The certificates in a run of NV memory. What a verifier cannot read is left out, since it would refuse all of them
/// for it.
fn certificates(mut bytes: &[u8]) -> Vec<Vec<u8>> {
	let mut found = Vec::new();
	// Some makers pad, as they pad EK certificates.
	while let Some(start) = bytes.iter().position(|byte| !matches!(byte, 0x00 | 0xff)) {
		bytes = bytes.get(start..).unwrap_or_default();
		let Some(der) = trim_der(bytes) else {
			log::warn!("{} bytes of the EK certificate chain in this TPM are no certificate: left out", bytes.len());
			break;
		};
		match Certificate::parse(der) {
			Ok(_) => found.push(der.to_vec()),
			Err(why) => log::warn!("a certificate of the EK certificate chain in this TPM is left out: {why}"),
		}
		bytes = bytes.get(der.len()..).unwrap_or_default();
	}
	found
}

pub(crate) fn read_public(context: &mut Context, handle: ObjectHandle) -> Result<(Vec<u8>, Vec<u8>), TpmError> {
	let wrong = |e| TpmError::from_tss("TPM2_ReadPublic", e);
	let (public, name, _) = context.read_public(KeyHandle::from(handle)).map_err(wrong)?;
	Ok((public.marshall().map_err(wrong)?, name.value().to_vec()))
}

/// Handles in use from `first` on, of the same kind (TPM_CAP_HANDLES); at most 64.
fn handles(context: &mut Context, first: u32) -> Result<Vec<u32>, TpmError> {
	match context.get_capability(CapabilityType::Handles, first, 64) {
		Ok((CapabilityData::Handles(list), _)) => Ok(list.iter().map(|handle| u32::from(*handle)).collect()),
		Ok(_) => Err(TpmError::BadAnswer { what: "TPM2_GetCapability", why: "not the capability asked for".into() }),
		Err(error) => Err(TpmError::from_tss("TPM2_GetCapability", error)),
	}
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
	use super::*;

	#[test]
	fn padding_behind_a_certificate_is_cut() {
		assert_eq!(trim_der(&[0x30, 2, 1, 2, 0xff, 0xff]), Some(&[0x30, 2, 1, 2][..]));
		assert_eq!(trim_der(&[0x30, 0x82, 0, 1, 9, 0xff]), Some(&[0x30, 0x82, 0, 1, 9][..]));
		assert_eq!(trim_der(&[0x30, 5, 1]), None, "cut short");
		assert_eq!(trim_der(&[0xff; 8]), None, "erased");
	}

	#[test]
	fn what_is_no_certificate_is_left_out_of_a_chain() {
		assert!(certificates(&[]).is_empty());
		assert!(certificates(&[0xff; 600]).is_empty());
		assert!(certificates(&[0x30, 2, 1, 2, 0x30, 0x82, 0xff]).is_empty());
	}
}
