//! A chip in software: an endorsement key of a real template, whose private half nothing here needs, and an attestation
//! key of the slowest kind that is accepted, P-384.

use alloc::{vec, vec::Vec};
use ep_poet::api::AkPublic;
use ep_tpm::{
	policy::{AllowedPcrs, Digest, PcrRule, PlatformPolicy, MAX_PCRS, MAX_VALUES},
	AttestationKey, EndorsementKey, HashAlgorithm, Name,
};
use ep_trust::{Attested, Quote};
use p384::ecdsa::{signature::Signer, Signature, SigningKey};

/// P-384 after the high range's template: of all endorsement keys the slowest to ask.
const EK_PUBLIC: &[u8] = include_bytes!("../../../../primitives/tpm/tests/certificates/swtpm/ek-ecc.tpmt_public");

/// The bank with the longest values, SHA-512, and all PCRs that a policy can list.
const BANK: u16 = 0x000d;
const BITMAP: [u8; 3] = [0xff; 3];
const VALUE_LEN: usize = 64;

/// Clock, resets, restarts, safe: as of a chip that was just made.
const CLOCK: [u8; 17] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// The chip.
pub(super) struct Chip {
	key: SigningKey,
}

impl Chip {
	/// The chip number `n`.
	pub(super) fn new(n: u8) -> Self {
		let mut secret = [0x11; 48];
		secret[47] = n;
		Self { key: SigningKey::from_bytes(&secret.into()).expect("the secret is below the order of P-384") }
	}

	/// The attestation key's `TPMT_PUBLIC`.
	pub(super) fn ak_public(&self) -> AkPublic {
		let point = self.key.verifying_key().to_encoded_point(false);
		let coordinates: Vec<_> = [point.x(), point.y()].into_iter().flatten().map(|part| part.as_slice()).collect();
		attestation_key(&[], &coordinates)
	}

	/// Name of the attestation key.
	pub(super) fn ak_name(&self) -> Name {
		*AttestationKey::parse(&self.ak_public()).expect("the key is well made").name()
	}

	/// The endorsement key's `TPMT_PUBLIC`.
	pub(super) fn ek_public(&self) -> AkPublic {
		EK_PUBLIC.to_vec().try_into().expect("within the bound")
	}

	/// The endorsement key.
	pub(super) fn ek(&self) -> EndorsementKey {
		EndorsementKey::parse(EK_PUBLIC).expect("the key is a real one's")
	}

	/// Both coordinates of the endorsement key: each is a `TPM2B`, the last of the public area.
	pub(super) fn ek_point(&self) -> Vec<u8> {
		let y = EK_PUBLIC.len() - 48;
		[&EK_PUBLIC[y - 2 - 48..y - 2], &EK_PUBLIC[y..]].concat()
	}

	/// What every `TPMS_ATTEST` begins with: magic, type, signer, nonce, [`CLOCK`], firmware.
	fn attestation(&self, kind: u16, nonce: &[u8]) -> Vec<u8> {
		let signer = AttestationKey::parse(&self.ak_public())
			.and_then(|key| key.qualified_name_under_ek(self.ek().name()))
			.expect("the key is well made");
		let mut attest = Vec::new();
		attest.extend(0xff54_4347_u32.to_be_bytes());
		attest.extend(kind.to_be_bytes());
		for sized in [signer.as_bytes(), nonce] {
			attest.extend((sized.len() as u16).to_be_bytes());
			attest.extend(sized);
		}
		attest.extend(CLOCK);
		attest.extend([0; 8]);
		attest
	}

	/// The attestation key's `TPMT_SIGNATURE`.
	fn sign(&self, attest: &[u8]) -> Vec<u8> {
		let signature: Signature = self.key.sign(attest);
		let signature = signature.normalize_s().unwrap_or(signature);
		let mut out = Vec::new();
		out.extend(0x0018_u16.to_be_bytes());
		out.extend(0x000c_u16.to_be_bytes());
		for part in [signature.r().to_bytes(), signature.s().to_bytes()] {
			out.extend(48u16.to_be_bytes());
			out.extend(part);
		}
		out
	}

	/// What `TPM2_GetTime` would give.
	pub(super) fn get_time(&self, nonce: &[u8]) -> Attested {
		let mut attest = self.attestation(0x8019, nonce);
		// Time, and once more clock and firmware.
		attest.extend([&[0; 8][..], &CLOCK, &[0; 8]].concat());
		let signature = self.sign(&attest).try_into().expect("within the bound");
		Attested { attest: attest.try_into().expect("within the bound"), signature }
	}

	/// What `TPM2_Quote` would give for every PCR, each with the last value of [`policy`].
	pub(super) fn quote(&self, nonce: &[u8]) -> Quote {
		let mut attest = self.attestation(0x8018, nonce);
		attest.extend(1u32.to_be_bytes());
		attest.extend(BANK.to_be_bytes());
		attest.push(BITMAP.len() as u8);
		attest.extend(BITMAP);
		let values = vec![value(MAX_VALUES - 1); MAX_PCRS as usize];
		let parts: Vec<&[u8]> = values.iter().map(|value| value.as_slice()).collect();
		let digest = HashAlgorithm::Sha384.digest(&parts);
		attest.extend((digest.len() as u16).to_be_bytes());
		attest.extend(digest);
		let signature = self.sign(&attest).try_into().expect("within the bound");
		Quote {
			attest: attest.try_into().expect("within the bound"),
			signature,
			pcr_values: values.try_into().expect("within the bound"),
		}
	}
}

/// `TPMT_PUBLIC`: restricted, signing, fixed, noDA, ECDSA P-384 with SHA-384.
fn attestation_key(policy: &[u8], coordinates: &[&[u8]]) -> AkPublic {
	let mut out = Vec::new();
	out.extend(0x0023_u16.to_be_bytes());
	out.extend(0x000c_u16.to_be_bytes());
	out.extend(0x0005_0472_u32.to_be_bytes());
	out.extend((policy.len() as u16).to_be_bytes());
	out.extend(policy);
	for field in [0x0010u16, 0x0018, 0x000c, 0x0004, 0x0010] {
		out.extend(field.to_be_bytes());
	}
	for coordinate in coordinates {
		out.extend((coordinate.len() as u16).to_be_bytes());
		out.extend(*coordinate);
	}
	out.try_into().expect("within the bound")
}

/// Attestation key number `n` of those that nobody signs with: one point, many policies. Making points takes longer than
/// all that is measured.
pub(super) fn idle_attestation_key(n: u8) -> AkPublic {
	let y = EK_PUBLIC.len() - 48;
	attestation_key(&[n; 48], &[&EK_PUBLIC[y - 2 - 48..y - 2], &EK_PUBLIC[y..]])
}

/// A value of a PCR.
fn value(n: u32) -> Digest {
	vec![n as u8; VALUE_LEN].try_into().expect("within the bound")
}

/// The longest policy: every PCR has every value that it may have listed, and holds the last.
pub(super) fn policy() -> PlatformPolicy {
	let values: Vec<_> = (0..MAX_VALUES).map(value).collect();
	let rule = PcrRule::OneOf(values.try_into().expect("within the bound"));
	PlatformPolicy {
		bank: BANK,
		bitmap: BITMAP.to_vec().try_into().expect("within the bound"),
		allowed: AllowedPcrs::Each(vec![rule; MAX_PCRS as usize].try_into().expect("within the bound")),
		min_firmware: 0,
		may_reset: false,
		may_resume: false,
	}
}
