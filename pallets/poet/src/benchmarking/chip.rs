//! An attestation key of the slowest kind that is accepted, P-384, whose private half is at hand.

use alloc::vec::Vec;
use ep_poet::{api::AkPublic, Attestation, Millis};
use ep_tpm::{AttestationKey, Name};
use p384::ecdsa::{signature::Signer, Signature, SigningKey};

/// The chip.
pub(super) struct Chip {
	key: SigningKey,
}

impl Chip {
	pub(super) fn new() -> Self {
		Self { key: SigningKey::from_bytes(&[0x11; 48].into()).expect("the secret is below the order of P-384") }
	}

	/// `TPMT_PUBLIC`: restricted, signing, fixed, noDA, ECDSA P-384 with SHA-384.
	pub(super) fn ak_public(&self) -> AkPublic {
		let point = self.key.verifying_key().to_encoded_point(false);
		let mut out = Vec::new();
		out.extend(0x0023_u16.to_be_bytes());
		out.extend(0x000c_u16.to_be_bytes());
		out.extend(0x0005_0472_u32.to_be_bytes());
		for field in [0u16, 0x0010, 0x0018, 0x000c, 0x0004, 0x0010] {
			out.extend(field.to_be_bytes());
		}
		for coordinate in [point.x(), point.y()].into_iter().flatten() {
			out.extend(48u16.to_be_bytes());
			out.extend(coordinate);
		}
		out.try_into().expect("within the bound")
	}

	/// Name of the endorsement key above it.
	pub(super) fn ek_name(&self) -> Name {
		let mut name = [7u8; 50];
		name[..2].copy_from_slice(&0x000c_u16.to_be_bytes());
		Name::from_bytes(&name).expect("50 bytes with SHA-384 are a name")
	}

	/// What `TPM2_GetTime` would give.
	pub(super) fn get_time(&self, time: Millis, nonce: &[u8]) -> Attestation {
		let signer = AttestationKey::parse(&self.ak_public())
			.and_then(|key| key.qualified_name_under_ek(&self.ek_name()))
			.expect("the key is well made");
		let mut attest = Vec::new();
		attest.extend(0xff54_4347_u32.to_be_bytes());
		attest.extend(0x8019_u16.to_be_bytes());
		for sized in [signer.as_bytes(), nonce] {
			attest.extend((sized.len() as u16).to_be_bytes());
			attest.extend(sized);
		}
		// Clock, resets, restarts, safe, firmware; outside and inside.
		let clock = [&[0u8; 16][..], &[1], &[0; 8]].concat();
		attest.extend(&clock);
		attest.extend(time.to_be_bytes());
		attest.extend(&clock);
		let signature: Signature = self.key.sign(&attest);
		let signature = signature.normalize_s().unwrap_or(signature);
		let mut out = Vec::new();
		out.extend(0x0018_u16.to_be_bytes());
		out.extend(0x000c_u16.to_be_bytes());
		for part in [signature.r().to_bytes(), signature.s().to_bytes()] {
			out.extend(48u16.to_be_bytes());
			out.extend(part);
		}
		Attestation::new(attest, out).expect("within the bounds")
	}
}
