//! Rules S1-S6, each with its forger, and the normal form.

mod common;

use common::*;
use ep_tpm::{AttestationKey, Error, HashAlgorithm, Signature};

const MESSAGE: &[u8] = b"what was signed";

/// The orders of the curves.
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384_ORDER: &str =
	"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";

fn p256() -> AttestationKey {
	AttestationKey::parse(&Public::p256().bytes()).unwrap()
}

fn rsa() -> AttestationKey {
	AttestationKey::parse(&Public::rsa().bytes()).unwrap()
}

/// `order - s`, the other half of the pair of valid signatures.
fn complement(order: &str, s: &[u8]) -> Vec<u8> {
	let order = rsa::BigUint::from_bytes_be(&hex::decode(order).unwrap());
	(order - rsa::BigUint::from_bytes_be(s)).to_bytes_be()
}

fn p256_refusal(r: &[u8], s: &[u8]) -> Option<Error> {
	p256().verify(MESSAGE, &ecdsa_signature(0x000B, r, s)).err()
}

fn rsa_refusal(number: &[u8]) -> Option<Error> {
	rsa().verify(MESSAGE, &rsassa_signature(0x000B, number)).err()
}

#[test]
fn truncated_refuses_every_prefix_of_a_signature() {
	for (key, signature) in [(p256(), p256_sign(MESSAGE)), (rsa(), rsa_sign(MESSAGE))] {
		assert_eq!(key.verify(MESSAGE, &signature), Ok(()));
		for len in 0..signature.len() {
			assert_eq!(key.verify(MESSAGE, &signature[..len]), Err(Error::Truncated), "cut at {len}");
		}
	}
}

#[test]
fn trailing_bytes_refuses_one_byte_after_a_signature() {
	for (key, signature) in [(p256(), p256_sign(MESSAGE)), (rsa(), rsa_sign(MESSAGE))] {
		assert_eq!(key.verify(MESSAGE, &[signature, vec![0]].concat()), Err(Error::TrailingBytes));
	}
}

#[test]
fn oversized_field_refuses_a_part_that_no_key_has() {
	assert_eq!(rsa_refusal(&[1; 513]), Some(Error::OversizedField));
	assert_eq!(p256_refusal(&[1; 32], &[1; 513]), Some(Error::OversizedField));
}

#[test]
fn signature_scheme_refuses_the_null_signature() {
	for key in [p256(), rsa()] {
		assert_eq!(key.verify(MESSAGE, &words(&[0x0010])), Err(Error::SignatureScheme));
	}
}

#[test]
fn signature_scheme_refuses_pss_sm2_ecdaa_schnorr_and_hmac() {
	for scheme in [0x0016, 0x001B, 0x001A, 0x001C, 0x0005, 0x0000] {
		let mut signature = p256_sign(MESSAGE);
		signature[..2].copy_from_slice(&words(&[scheme]));
		assert_eq!(Signature::parse(&signature), Err(Error::SignatureScheme), "{scheme:04x}");
		assert_eq!(p256().verify(MESSAGE, &signature), Err(Error::SignatureScheme), "{scheme:04x}");
	}
}

#[test]
fn signature_scheme_refuses_rsa_under_ecc_and_the_reverse() {
	assert_eq!(p256().verify(MESSAGE, &rsa_sign(MESSAGE)), Err(Error::SignatureScheme));
	assert_eq!(rsa().verify(MESSAGE, &p256_sign(MESSAGE)), Err(Error::SignatureScheme));
	// Even with parts of the other kind's size, and whatever the hash: the scheme is judged first.
	assert_eq!(p256().verify(MESSAGE, &rsassa_signature(0x000C, &[1; 32])), Err(Error::SignatureScheme));
	assert_eq!(p256().verify(MESSAGE, &rsassa_signature(0x000B, &[1; 32])), Err(Error::SignatureScheme));
	assert_eq!(rsa().verify(MESSAGE, &ecdsa_signature(0x000B, &[1; 256], &[1; 256])), Err(Error::SignatureScheme));
}

#[test]
fn signature_hash_refuses_sha1_and_null() {
	let (r, s) = p256_parts(MESSAGE);
	for hash in [0x0004, 0x0010, 0x0000] {
		assert_eq!(p256().verify(MESSAGE, &ecdsa_signature(hash, &r, &s)), Err(Error::SignatureHash));
		let signature = rsassa_signature(hash, &rsa_number(MESSAGE));
		assert_eq!(rsa().verify(MESSAGE, &signature), Err(Error::SignatureHash));
	}
}

#[test]
fn signature_hash_refuses_an_accepted_hash_that_is_not_the_keys_own() {
	let (r, s) = p256_parts(MESSAGE);
	assert_eq!(p256().verify(MESSAGE, &ecdsa_signature(0x000C, &r, &s)), Err(Error::SignatureHash));
	// A genuine SHA-512 signature of the key in software, which the TPM's key could not have made.
	let digest = HashAlgorithm::Sha512.digest(&[MESSAGE]);
	let number = rsa_signer().sign(rsa::Pkcs1v15Sign::new::<sha2::Sha512>(), &digest).unwrap();
	assert_eq!(rsa().verify(MESSAGE, &rsassa_signature(0x000D, &number)), Err(Error::SignatureHash));
	assert_eq!(rsa().verify(MESSAGE, &rsassa_signature(0x000B, &number)), Err(Error::BadSignature));
}

#[test]
fn signature_size_refuses_padded_and_stripped_parts() {
	let (r, s) = p256_parts(MESSAGE);
	let padded = |part: &[u8]| [&[0], part].concat();
	assert_eq!(p256_refusal(&padded(&r), &s), Some(Error::SignatureSize));
	assert_eq!(p256_refusal(&r, &padded(&s)), Some(Error::SignatureSize));
	assert_eq!(p256_refusal(&r[1..], &s), Some(Error::SignatureSize));
	assert_eq!(p256_refusal(&r, &s[1..]), Some(Error::SignatureSize));
	assert_eq!(p256_refusal(&[], &[]), Some(Error::SignatureSize));
	// A byte moved from one part to the other keeps the total.
	assert_eq!(p256_refusal(&[&r[..], &s[..1]].concat(), &s[1..]), Some(Error::SignatureSize));
	let number = rsa_number(MESSAGE);
	assert_eq!(rsa_refusal(&padded(&number)), Some(Error::SignatureSize));
	assert_eq!(rsa_refusal(&number[1..]), Some(Error::SignatureSize));
	assert_eq!(rsa_refusal(&[]), Some(Error::SignatureSize));
}

#[test]
fn signature_size_refuses_a_stripped_leading_zero() {
	// The message whose r or s happens to begin with a zero: the one case in which stripping keeps the number.
	let (message, r, s) = (0_u32..)
		.map(|index| {
			let message = index.to_be_bytes();
			let (r, s) = p256_parts(&message);
			(message, r, s)
		})
		.find(|(_, r, _)| r[0] == 0)
		.unwrap();
	let key = p256();
	assert_eq!(key.verify(&message, &ecdsa_signature(0x000B, &r, &s)), Ok(()));
	let stripped = ecdsa_signature(0x000B, &r[1..], &s);
	assert_eq!(key.verify(&message, &stripped), Err(Error::SignatureSize));
	assert_eq!(key.normalise_signature(&stripped).unwrap(), ecdsa_signature(0x000B, &r, &s));
}

#[test]
fn signature_range_refuses_zero_and_the_order_and_beyond() {
	let (r, s) = p256_parts(MESSAGE);
	let order = hex::decode(P256_ORDER).unwrap();
	for out in [vec![0; 32], order, vec![0xff; 32]] {
		assert_eq!(p256_refusal(&out, &s), Some(Error::SignatureRange));
		assert_eq!(p256_refusal(&r, &out), Some(Error::SignatureRange));
		assert_eq!(p256_refusal(&out, &out), Some(Error::SignatureRange));
	}
	let p384 = AttestationKey::parse(&Public::p384().bytes()).unwrap();
	let out = ecdsa_signature(0x000C, &hex::decode(P384_ORDER).unwrap(), &[1; 48]);
	assert_eq!(p384.verify(MESSAGE, &out), Err(Error::SignatureRange));
}

#[test]
fn signature_range_refuses_the_modulus_added_to_an_rsa_signature() {
	use rsa::traits::PublicKeyParts;
	// The same number modulo n, and still 256 bytes for some messages.
	let n = rsa_signer().n();
	let (message, forged) = (0_u32..)
		.map(|index| {
			let message = index.to_be_bytes();
			let number = rsa::BigUint::from_bytes_be(&rsa_number(&message)) + n;
			(message, number.to_bytes_be())
		})
		.find(|(_, number)| number.len() == 256)
		.unwrap();
	assert_eq!(rsa().verify(&message, &rsassa_signature(0x000B, &forged)), Err(Error::SignatureRange));
	assert_eq!(rsa_refusal(&n.to_bytes_be()), Some(Error::SignatureRange));
	assert_eq!(rsa_refusal(&[0; 256]), Some(Error::SignatureRange));
}

#[test]
fn low_s_refuses_the_other_half_of_a_valid_pair() {
	let (r, s) = p256_parts(MESSAGE);
	assert_eq!(p256_refusal(&r, &s), None);
	assert_eq!(p256_refusal(&r, &complement(P256_ORDER, &s)), Some(Error::HighS));

	let p384 = AttestationKey::parse(&Public::p384().bytes()).unwrap();
	let good = p384_sign(MESSAGE);
	let (head, s) = good.split_at(good.len() - 48);
	let forged = [head, &complement(P384_ORDER, s)].concat();
	assert_eq!(p384.verify(MESSAGE, &good), Ok(()));
	assert_eq!(p384.verify(MESSAGE, &forged), Err(Error::HighS));
	assert_eq!(p384.normalise_signature(&forged), Ok(good));
}

#[test]
fn low_s_draws_the_line_at_half_the_order() {
	// (n - 1) / 2 is low, (n + 1) / 2 is high. Neither verifies, but for different reasons.
	let (r, _) = p256_parts(MESSAGE);
	let half = hex::decode("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8").unwrap();
	assert_eq!(p256_refusal(&r, &half), Some(Error::BadSignature));
	assert_eq!(p256_refusal(&r, &complement(P256_ORDER, &half)), Some(Error::HighS));
}

#[test]
fn signature_refuses_another_message_and_another_key() {
	for (key, signature) in [(p256(), p256_sign(MESSAGE)), (rsa(), rsa_sign(MESSAGE))] {
		assert_eq!(key.verify(b"something else", &signature), Err(Error::BadSignature));
		assert_eq!(key.verify(b"", &signature), Err(Error::BadSignature));
	}
	let (r, s) = p256_parts(MESSAGE);
	assert_eq!(p256_refusal(&s, &r), Some(if s[0] < 0x80 && r[0] < 0x80 { Error::BadSignature } else { Error::HighS }));
}

#[test]
fn signature_refuses_an_rsa_number_whose_padding_is_not_exact() {
	// What a textbook signature of the bare digest would be, and of the digest with an unknown prefix.
	let digest = HashAlgorithm::Sha256.digest(&[MESSAGE]);
	let bare = rsa_signer().sign(rsa::Pkcs1v15Sign::new_unprefixed(), &digest).unwrap();
	assert_eq!(rsa_refusal(&bare), Some(Error::BadSignature));
}

#[test]
fn the_normal_form_of_any_padding_and_either_s_is_the_same() {
	let (r, s) = p256_parts(MESSAGE);
	let normal = p256_sign(MESSAGE);
	let high = complement(P256_ORDER, &s);
	for s in [s, high] {
		for zeros in [0, 1, 16] {
			let pad = |part: &[u8]| [vec![0; zeros], part.to_vec()].concat();
			let raw = ecdsa_signature(0x000B, &pad(&r), &pad(&s));
			assert_eq!(p256().normalise_signature(&raw).as_ref(), Ok(&normal));
		}
	}
	assert_eq!(p256().verify(MESSAGE, &normal), Ok(()));
	let raw = rsassa_signature(0x000B, &[vec![0, 0], rsa_number(MESSAGE)].concat());
	assert_eq!(rsa().normalise_signature(&raw), Ok(rsa_sign(MESSAGE)));
}

#[test]
fn normalising_refuses_what_cannot_be_made_a_signature_of_the_key() {
	let refusal = |key: &AttestationKey, signature: &[u8]| key.normalise_signature(signature).err();
	let key = p256();
	assert_eq!(refusal(&key, &rsa_sign(MESSAGE)), Some(Error::SignatureScheme));
	assert_eq!(refusal(&key, &ecdsa_signature(0x000C, &[1; 32], &[1; 32])), Some(Error::SignatureHash));
	assert_eq!(refusal(&key, &ecdsa_signature(0x000B, &[1; 33], &[1; 32])), Some(Error::SignatureSize));
	assert_eq!(refusal(&key, &ecdsa_signature(0x000B, &[], &[1; 32])), Some(Error::SignatureRange));
	assert_eq!(refusal(&key, &ecdsa_signature(0x000B, &[0xff; 32], &[1; 32])), Some(Error::SignatureRange));
	assert_eq!(refusal(&key, &[p256_sign(MESSAGE), vec![0]].concat()), Some(Error::TrailingBytes));
	assert_eq!(refusal(&rsa(), &rsassa_signature(0x000B, &[1; 257])), Some(Error::SignatureSize));
}
