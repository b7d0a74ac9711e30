//! Forgers of certificates, one for each rule.

use sp_core::{ecdsa, Pair, H160};

use super::*;
use crate::{checkpoint::others, Signer};

const CHAIN: Chain = Chain { id: 20, contract: H160::repeat_byte(7) };

fn pair(n: u8) -> ecdsa::Pair {
	ecdsa::Pair::from_seed(&[n; 32])
}

fn address(pair: &ecdsa::Pair) -> H160 {
	anchor::address(&pair.public()).unwrap()
}

/// Nine signers of weights 10 to 18, in the order of their addresses, and what they sign.
fn setting() -> (Vec<ecdsa::Pair>, SignerSet, Checkpoint) {
	let mut pairs: Vec<_> = (1..=9).map(pair).collect();
	pairs.sort_by_key(address);
	let weighted = pairs.iter().zip(10..).map(|(pair, weight)| Signer { address: address(pair), weight });
	let set = SignerSet::new(4, weighted.collect()).unwrap();
	let checkpoint = Checkpoint { number: 700, signers: 4, next_signers: set.hash(), ..Default::default() };
	(pairs, set, checkpoint)
}

fn sign(pairs: &[ecdsa::Pair], chosen: &[usize], checkpoint: &Checkpoint, chain: &Chain) -> Certificate {
	let digest = checkpoint.digest(chain);
	let signature = |place: &usize| (*place, compact(&pairs[*place].sign_prehashed(&digest).0).unwrap());
	Certificate::build(pairs.len(), chosen.iter().map(signature))
}

/// Places 2 to 8: 105 of 126, where 84 are too few.
const ENOUGH: [usize; 7] = [2, 3, 4, 5, 6, 7, 8];

#[test]
fn more_than_two_thirds_convince() {
	let (pairs, set, checkpoint) = setting();
	let certificate = sign(&pairs, &ENOUGH, &checkpoint, &CHAIN);
	assert_eq!(certificate.bitmap[..], [0b1111_1100, 1]);
	assert_eq!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()), Ok(105));
	let all: Vec<usize> = (0..9).collect();
	let certificate = sign(&pairs, &all, &checkpoint, &CHAIN);
	assert_eq!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()), Ok(126));
	let certified = Certified { checkpoint, chain: CHAIN, signers: set.clone(), certificate };
	assert_eq!(certified.verify(&set.hash()), Ok(126));
	assert!(!certified.hands_over());
}

#[test]
fn signatures_are_collected_in_any_order_once_each() {
	let (pairs, set, checkpoint) = setting();
	let digest = checkpoint.digest(&CHAIN);
	let own = ENOUGH.iter().rev().chain(&ENOUGH).map(|place| pairs[*place].sign_prehashed(&digest).0);
	let strangers = [pair(77).sign_prehashed(&digest).0, [0xff; 65]];
	let certificate = Certificate::collect(&set, &digest, own.chain(strangers));
	assert_eq!(certificate, sign(&pairs, &ENOUGH, &checkpoint, &CHAIN));
}

#[test]
fn a_certificate_is_read_from_the_bytes_that_the_contract_takes() {
	let (pairs, _, checkpoint) = setting();
	let certificate = sign(&pairs, &ENOUGH, &checkpoint, &CHAIN);
	let (bitmap, signatures) = (certificate.bitmap.to_vec(), certificate.signatures.concat());
	assert_eq!(Certificate::from_bytes(&bitmap, &signatures), Some(certificate));
	assert_eq!(Certificate::from_bytes(&bitmap, &signatures[1..]), None);
	assert_eq!(Certificate::from_bytes(&[0; 1_000], &signatures), None);
}

#[test]
fn compact_is_the_same_signature() {
	let (pairs, _, checkpoint) = setting();
	let digest = checkpoint.digest(&CHAIN);
	let mut ids = Vec::new();
	for pair in &pairs {
		let signature = pair.sign_prehashed(&digest).0;
		assert_eq!(expand(&compact(&signature).unwrap()), signature);
		ids.push(signature[64]);
	}
	assert!(ids.contains(&0) && ids.contains(&1), "both recovery ids are tried");
	let mut other = pairs[0].sign_prehashed(&digest).0;
	other[64] += 27;
	assert_eq!(compact(&other), None);
}

#[test]
fn set_refuses_other_signers_another_number_and_what_is_no_set() {
	let (pairs, set, checkpoint) = setting();
	let certificate = sign(&pairs, &ENOUGH, &checkpoint, &CHAIN);
	let verify = |set: &SignerSet, expected| certificate.verify(&checkpoint, &CHAIN, set, &expected);
	assert_eq!(verify(&set, H256::repeat_byte(1)), Err(Refusal::Set));
	// The same members with other weights, so that fewer signatures would do.
	let mut cheap = set.signers().to_vec();
	cheap[0].weight = 1;
	assert_eq!(verify(&SignerSet::new(4, cheap).unwrap(), set.hash()), Err(Refusal::Set));
	// Those who signed, as a set of another number.
	let later = SignerSet::new(5, set.signers().to_vec()).unwrap();
	assert_eq!(verify(&later, later.hash()), Err(Refusal::Set));
	// A signer twice.
	let twice = vec![set.signers()[0]; 9];
	let twice = SignerSet::decode(&mut &(4u64, twice).encode()[..]).unwrap();
	assert_eq!(verify(&twice, twice.hash()), Err(Refusal::Set));
}

#[test]
fn bitmap_refuses_other_lengths_bits_beyond_and_signatures_without_bits() {
	let (pairs, set, checkpoint) = setting();
	let good = sign(&pairs, &ENOUGH, &checkpoint, &CHAIN);
	let refused = |change: &dyn Fn(&mut Certificate)| {
		let mut certificate = good.clone();
		change(&mut certificate);
		assert_eq!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()), Err(Refusal::Bitmap));
	};
	refused(&|certificate| certificate.bitmap.force_push(0));
	refused(&|certificate| certificate.bitmap.truncate(1));
	refused(&|certificate| certificate.bitmap.clear());
	// A signer whom there is not.
	refused(&|certificate| {
		certificate.bitmap[1] |= 0b10;
		certificate.signatures.force_push(good.signatures[0]);
	});
	refused(&|certificate| certificate.bitmap[0] |= 1);
	refused(&|certificate| certificate.bitmap[0] &= !0b100);
	refused(&|certificate| {
		certificate.signatures.pop();
	});
	refused(&|certificate| certificate.signatures.force_push(good.signatures[0]));
}

#[test]
fn low_s_refuses_the_twin_of_a_good_signature() {
	let (pairs, set, checkpoint) = setting();
	let digest = checkpoint.digest(&CHAIN);
	let mut certificate = sign(&pairs, &ENOUGH, &checkpoint, &CHAIN);
	let signature = pairs[2].sign_prehashed(&digest).0;
	let twin = twin(signature);
	let recovered = |signature: &[u8; 65]| sp_core::ecdsa::Signature::from_raw(*signature).recover_prehashed(&digest);
	assert_eq!(recovered(&twin), recovered(&signature), "a careless verifier takes it");
	assert_eq!(compact(&twin), None);
	// The highest bit of s is the recovery id's: hardly any twin can be written down at all.
	certificate.signatures[0].copy_from_slice(&twin[..64]);
	let refused = certificate.verify(&checkpoint, &CHAIN, &set, &set.hash());
	assert!(matches!(refused, Err(Refusal::LowS | Refusal::Signer)), "{refused:?}");
	// The least s in the upper half.
	let mut upper = [0; 64];
	upper[0] = 1;
	upper[32..].copy_from_slice(&[
		0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57,
		0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa1,
	]);
	certificate.signatures[0] = upper;
	assert_eq!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()), Err(Refusal::LowS));
}

/// (r, n - s, the other recovery id): the same signer to a careless verifier.
fn twin(mut signature: [u8; 65]) -> [u8; 65] {
	const ORDER: [u8; 32] = [
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae,
		0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
	];
	let mut borrow = 0i16;
	for (byte, order) in signature[32..64].iter_mut().zip(ORDER).rev() {
		let difference = i16::from(order) - i16::from(*byte) - borrow;
		borrow = i16::from(difference < 0);
		*byte = difference.rem_euclid(256) as u8;
	}
	signature[64] ^= 1;
	signature
}

#[test]
fn signer_refuses_strangers_disorder_one_counted_twice_and_what_nobody_made() {
	let (pairs, set, checkpoint) = setting();
	let digest = checkpoint.digest(&CHAIN);
	let good = sign(&pairs, &ENOUGH, &checkpoint, &CHAIN);
	let refused = |change: &dyn Fn(&mut Certificate)| {
		let mut certificate = good.clone();
		change(&mut certificate);
		assert_eq!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()), Err(Refusal::Signer));
	};
	let stranger = compact(&pair(77).sign_prehashed(&digest).0).unwrap();
	refused(&|certificate| certificate.signatures[3] = stranger);
	refused(&|certificate| {
		let first = certificate.signatures[0];
		certificate.signatures[0] = certificate.signatures[1];
		certificate.signatures[1] = first;
	});
	refused(&|certificate| certificate.signatures[1] = certificate.signatures[0]);
	refused(&|certificate| certificate.signatures[6] = [0; 64]);
}

#[test]
fn quorum_refuses_two_thirds_and_nobody() {
	let (pairs, set, checkpoint) = setting();
	// 10 + 11 + 12 + 16 + 17 + 18 = 84 of 126.
	let certificate = sign(&pairs, &[0, 1, 2, 6, 7, 8], &checkpoint, &CHAIN);
	assert_eq!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()), Err(Refusal::Quorum));
	let certificate = sign(&pairs, &[0, 1, 3, 6, 7, 8], &checkpoint, &CHAIN);
	assert_eq!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()), Ok(85));
	let certificate = sign(&pairs, &[], &checkpoint, &CHAIN);
	assert_eq!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()), Err(Refusal::Quorum));
	let nobody = SignerSet::new(4, vec![]).unwrap();
	let certificate = Certificate::default();
	assert_eq!(certificate.verify(&checkpoint, &CHAIN, &nobody, &nobody.hash()), Err(Refusal::Quorum));
}

#[test]
fn a_signature_is_worth_nothing_elsewhere() {
	let (pairs, set, checkpoint) = setting();
	let certificate = sign(&pairs, &ENOUGH, &checkpoint, &CHAIN);
	for other in others(&checkpoint) {
		assert!(certificate.verify(&other, &CHAIN, &set, &set.hash()).is_err(), "{other:?}");
	}
	for chain in [Chain { id: 21, ..CHAIN }, Chain { contract: H160::zero(), ..CHAIN }] {
		assert_eq!(certificate.verify(&checkpoint, &chain, &set, &set.hash()), Err(Refusal::Signer), "{chain:?}");
	}
}

#[test]
fn a_thousand_mutations_of_a_good_certificate_convince_nobody() {
	let (pairs, set, checkpoint) = setting();
	let good = sign(&pairs, &ENOUGH, &checkpoint, &CHAIN).encode();
	// A small generator of pseudo-random numbers, so that a failure can be repeated.
	let mut state = 1u64;
	let mut random = move |below: usize| {
		state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		(state >> 33) as usize % below
	};
	for _ in 0..1_000 {
		let mut bytes = good.clone();
		let at = random(bytes.len());
		bytes[at] ^= 1 << random(8);
		let Ok(certificate) = Certificate::decode(&mut &bytes[..]) else { continue };
		assert!(certificate.verify(&checkpoint, &CHAIN, &set, &set.hash()).is_err(), "byte {at}");
	}
}
