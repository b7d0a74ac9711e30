//! A chip in software, and blocks sealed with it: for tests, benchmarks and fuzzers.
//!
//! It signs whatever it is told to, which is what a forger would want and no TPM does. Nothing in a node uses it.

use alloc::vec::Vec;
use p256::ecdsa::{signature::Signer, Signature, SigningKey};
use sp_core::{crypto::VrfSecret, sr25519, Pair, H256};
use sp_runtime::{generic, traits::BlakeTwo256, traits::Header as HeaderT, Digest, DigestItem};

use crate::{
	api::{Contestant, Lottery, Parameters},
	digest::{seal_message, seal_nonce, start_nonce, Attestation, Claim, PreDigest, Seal},
	lottery, rate, AuthorityId, Hash, Millis,
};

/// The header type that test blocks have; the runtime's own.
pub type Header = generic::Header<u32, BlakeTwo256>;

/// What a forged attestation says.
#[derive(Clone, Debug)]
pub struct Statement {
	/// `TPMS_TIME_INFO.time`.
	pub time: Millis,
	/// Inner `clockInfo.clock`.
	pub clock: u64,
	/// Inner reset count.
	pub reset_count: u32,
	/// Inner restart count.
	pub restart_count: u32,
	/// `extraData`.
	pub nonce: Vec<u8>,
}

impl Statement {
	fn marshal_clock(&self, out: &mut Vec<u8>) {
		out.extend(self.clock.to_be_bytes());
		out.extend(self.reset_count.to_be_bytes());
		out.extend(self.restart_count.to_be_bytes());
		out.push(1);
	}
}

/// A P-256 attestation key whose private half is at hand, under an endorsement key that is only a name.
#[derive(Clone)]
pub struct SoftChip {
	key: SigningKey,
	ek_name: ep_tpm::Name,
}

impl SoftChip {
	/// The chip number `seed`. Seeds 0 and above 2^63 are the caller's mistake.
	pub fn new(seed: u64) -> Self {
		let mut secret = [0x11; 32];
		secret[24..].copy_from_slice(&seed.to_be_bytes());
		let mut name = [0u8; 34];
		name[..2].copy_from_slice(&0x000b_u16.to_be_bytes());
		name[2..].copy_from_slice(&sp_crypto_hashing::blake2_256(&secret));
		Self {
			key: SigningKey::from_bytes(&secret.into()).expect("the secret is below the order of P-256"),
			ek_name: ep_tpm::Name::from_bytes(&name).expect("34 bytes with SHA-256 are a name"),
		}
	}

	/// The attestation key's `TPMT_PUBLIC`: restricted, signing, fixed, noDA, ECDSA P-256 with SHA-256.
	pub fn ak_public(&self) -> Vec<u8> {
		let point = self.key.verifying_key().to_encoded_point(false);
		let mut out = Vec::new();
		out.extend(0x0023_u16.to_be_bytes()); // TPM_ALG_ECC
		out.extend(0x000b_u16.to_be_bytes()); // name algorithm: SHA-256
		out.extend(0x0005_0472_u32.to_be_bytes()); // sign, restricted, noDA, userWithAuth, sensitiveDataOrigin, fixed*
		out.extend(0u16.to_be_bytes()); // no policy
		out.extend(0x0010_u16.to_be_bytes()); // symmetric: null
		out.extend(0x0018_u16.to_be_bytes()); // scheme: ECDSA
		out.extend(0x000b_u16.to_be_bytes()); // with SHA-256
		out.extend(0x0003_u16.to_be_bytes()); // NIST P-256
		out.extend(0x0010_u16.to_be_bytes()); // kdf: null
		for coordinate in [point.x(), point.y()].into_iter().flatten() {
			out.extend(32u16.to_be_bytes());
			out.extend(coordinate);
		}
		out
	}

	/// Name of the endorsement key above it.
	pub fn ek_name(&self) -> ep_tpm::Name {
		self.ek_name
	}

	/// The same attestation key, as a child of another endorsement key.
	pub fn under(mut self, ek_name: ep_tpm::Name) -> Self {
		self.ek_name = ek_name;
		self
	}

	/// `TPMS_ATTEST` of type time that says `statement`, unsigned.
	pub fn attest(&self, statement: &Statement) -> Vec<u8> {
		let mut out = self.attest_head(0x8019, statement);
		out.extend(statement.time.to_be_bytes());
		statement.marshal_clock(&mut out);
		out.extend(7u64.to_be_bytes());
		out
	}

	/// What every `TPMS_ATTEST` begins with.
	fn attest_head(&self, kind: u16, statement: &Statement) -> Vec<u8> {
		let signer = ep_tpm::AttestationKey::parse(&self.ak_public())
			.and_then(|key| key.qualified_name_under_ek(&self.ek_name))
			.expect("the key is well made");
		let mut out = Vec::new();
		out.extend(0xff54_4347_u32.to_be_bytes());
		out.extend(kind.to_be_bytes());
		out.extend((signer.as_bytes().len() as u16).to_be_bytes());
		out.extend(signer.as_bytes());
		out.extend((statement.nonce.len() as u16).to_be_bytes());
		out.extend(&statement.nonce);
		statement.marshal_clock(&mut out);
		out.extend(7u64.to_be_bytes());
		out
	}

	/// `TPMS_ATTEST` of a quote of PCRs in the SHA-256 bank that hold `values`.
	pub fn quote(&self, statement: &Statement, bitmap: [u8; 3], values: &[[u8; 32]]) -> Vec<u8> {
		let mut out = self.attest_head(0x8018, statement);
		out.extend(1u32.to_be_bytes());
		out.extend(0x000b_u16.to_be_bytes());
		out.push(3);
		out.extend(bitmap);
		let digest = ep_tpm::HashAlgorithm::Sha256.digest(&[&values.concat()]);
		out.extend((digest.len() as u16).to_be_bytes());
		out.extend(digest);
		out
	}

	/// `TPMT_SIGNATURE` over any bytes, low-s.
	pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
		let signature: Signature = self.key.sign(bytes);
		let signature = signature.normalize_s().unwrap_or(signature);
		let mut out = Vec::new();
		out.extend(0x0018_u16.to_be_bytes());
		out.extend(0x000b_u16.to_be_bytes());
		for part in [signature.r().to_bytes(), signature.s().to_bytes()] {
			out.extend(32u16.to_be_bytes());
			out.extend(part);
		}
		out
	}

	/// What `TPM2_GetTime` would give.
	pub fn get_time(&self, statement: &Statement) -> Attestation {
		let attest = self.attest(statement);
		let signature = self.sign(&attest);
		Attestation::new(attest, signature).expect("within the bounds")
	}
}

/// A member with a chip in software.
#[derive(Clone)]
pub struct SoftMember {
	/// Its key.
	pub pair: sr25519::Pair,
	/// Its chip.
	pub chip: SoftChip,
	/// Its weight.
	pub weight: u64,
}

/// A block about to be sealed: every field may be forged before [`Draft::seal`].
#[derive(Clone)]
pub struct Draft {
	/// The header, its digest empty.
	pub header: Header,
	/// The pre-runtime digest.
	pub pre_digest: PreDigest,
	/// What A2 will say, but for its nonce.
	pub end: Statement,
	/// Genesis hash that the seal is made for.
	pub genesis: Hash,
}

impl SoftMember {
	/// Member number `seed`.
	pub fn new(seed: u64, weight: u64) -> Self {
		let mut bytes = [0x22; 32];
		bytes[24..].copy_from_slice(&seed.to_be_bytes());
		Self { pair: sr25519::Pair::from_seed(&bytes), chip: SoftChip::new(seed), weight }
	}

	/// Its public key.
	pub fn id(&self) -> AuthorityId {
		self.pair.public().into()
	}

	/// What an honest chain knows of it.
	pub fn contestant(&self) -> Contestant {
		Contestant {
			weight: self.weight,
			ak_public: self.chip.ak_public().try_into().expect("within the bounds"),
			ek_name: self.chip.ek_name(),
			rate: rate::ONE,
			last: None,
		}
	}

	/// An honest block of this member on `parent`, its wait begun at `start_time` of its chip.
	pub fn draft(&self, lottery: &Lottery, parent: Hash, contestant: &Contestant, start_time: Millis) -> Draft {
		let vrf = self.pair.vrf_sign(&lottery::sign_data(lottery));
		let x = lottery::uniform(lottery, &self.id(), &vrf.pre_output).expect("our own output is a point");
		let wait = lottery::wait(x, lottery.mean, contestant.weight, lottery.parameters.minimum_wait);
		let nonce = start_nonce(lottery.genesis, parent, lottery.height, &self.id(), lottery.mean, &vrf);
		let start =
			Statement { time: start_time, clock: 5_000, reset_count: 3, restart_count: 1, nonce: nonce.to_vec() };
		let end = Statement {
			time: start_time.saturating_add(rate::chip_wait(wait, contestant.rate)),
			nonce: Vec::new(),
			..start.clone()
		};
		Draft {
			header: Header::new(
				lottery.height as u32,
				H256::repeat_byte(1),
				H256::repeat_byte(2),
				parent,
				Digest::default(),
			),
			pre_digest: PreDigest {
				author: self.id(),
				vrf,
				timestamp: lottery.parent_timestamp.saturating_add(wait),
				claim: Claim {
					epoch: lottery.epoch,
					mean: lottery.mean,
					weight: contestant.weight,
					rate: contestant.rate,
					wait,
				},
				start: self.chip.get_time(&start),
			},
			end,
			genesis: lottery.genesis,
		}
	}
}

impl Draft {
	/// The header before its seal.
	pub fn pre_seal(&self) -> Header {
		let mut header = self.header.clone();
		header.digest_mut().push(DigestItem::from(&self.pre_digest));
		header
	}

	/// A2 as the chip would give it.
	pub fn attest_end(&self, chip: &SoftChip) -> Attestation {
		let nonce = seal_nonce(self.pre_seal().hash()).to_vec();
		chip.get_time(&Statement { nonce, ..self.end.clone() })
	}

	/// Seals honestly.
	pub fn seal(&self, member: &SoftMember) -> Header {
		self.seal_with(member, self.attest_end(&member.chip))
	}

	/// Seals with any A2, signed by the author.
	pub fn seal_with(&self, member: &SoftMember, end: Attestation) -> Header {
		let mut header = self.pre_seal();
		let message = seal_message(self.genesis, header.hash(), &end);
		let signature = member.pair.sign(&message).into();
		header.digest_mut().push(DigestItem::from(&Seal { end, signature }));
		header
	}
}

/// A lottery in the middle of a chain.
pub fn lottery() -> Lottery {
	let parameters =
		Parameters { target: 2_000, minimum_wait: 200, overhead: 300, max_slack: 20_000, epoch_length: 10 };
	Lottery {
		genesis: H256::repeat_byte(0xee),
		height: 42,
		epoch: 4,
		randomness: [9; 32],
		mean: 1_500 * 1_000,
		parent_timestamp: 1_800_000_000_000,
		parameters,
	}
}
