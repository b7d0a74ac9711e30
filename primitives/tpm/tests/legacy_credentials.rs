//! TPM 1.2: challenges. Rules M1, M4, H11 and H12, each with its forger; a blob that a chip opened, made again to the last
//! byte; and challenges opened in software, as a TPM opens them.

mod common;

use common::{legacy::read, rsa_signer, TestRng};
use ep_tpm::{
	legacy::{open_credential, EndorsementKey, IdentityKey},
	Credential, Error,
};
use rsa::{traits::PublicKeyParts, Oaep, RsaPrivateKey};
use sha1::{Digest, Sha1};

fn aik() -> IdentityKey {
	IdentityKey::parse(&read("aik.pubkey")).unwrap()
}

/// The endorsement key of a chip in software.
fn ek_of(key: &RsaPrivateKey) -> EndorsementKey {
	let head: Vec<u8> = [1, 0x0003_0001, 12, 2048, 2, 0, 256u32].iter().flat_map(|word| word.to_be_bytes()).collect();
	EndorsementKey::parse(&[head, key.n().to_bytes_be()].concat()).unwrap()
}

fn ek() -> EndorsementKey {
	ek_of(rsa_signer())
}

/// `TPM_ActivateIdentity` (Part 3, section 15.2, actions 4 to 9) with this EK and an identity key of this digest.
fn activate(key: &RsaPrivateKey, digest: &[u8; 20], credential: &Credential) -> Option<Vec<u8>> {
	let contents = key.decrypt(Oaep::new_with_label::<Sha1, _>("TCPA"), &credential.encrypted_secret).ok()?;
	// TPM_EK_BLOB would be of another version.
	assert_ne!(contents[..2], [0, 0x0C]);
	let (symmetric_key, expected) = contents.split_at(contents.len() - 20);
	(expected == digest).then(|| symmetric_key.to_vec())
}

#[test]
fn the_blob_that_a_chip_opened_is_made_again() {
	let ek = EndorsementKey::parse(&read("ek.pubkey")).unwrap();
	let contents = [&[0, 0, 0, 6, 0, 5, 0, 16], &read("credential.session")[..], aik().digest()].concat();
	let seed = read("credential.seed").try_into().unwrap();
	assert_eq!(ek.encrypt(&contents, &seed).unwrap(), read("credential.blob"));
}

#[test]
fn a_challenge_opens_with_its_chip_and_its_key_alone() {
	let (ek, aik) = (ek(), aik());
	let asked = ek.challenge(&aik, &[7; 32]).unwrap();
	let session = activate(rsa_signer(), aik.digest(), &asked.credential).expect("it is this chip's");
	assert_eq!(open_credential(&asked.credential, &session), Ok(asked.secret.clone()));
	let other = IdentityKey::parse(&read("other/aik.pubkey")).unwrap();
	assert_eq!(activate(rsa_signer(), other.digest(), &asked.credential), None, "another identity key");
	let other_chip = RsaPrivateKey::new(&mut TestRng(2), 2048).unwrap();
	assert_eq!(activate(&other_chip, aik.digest(), &asked.credential), None, "another chip");
	// The label keeps it apart from the EKs of TPM 2.0.
	let other_label = Oaep::new_with_label::<Sha1, _>("IDENTITY\0");
	assert!(rsa_signer().decrypt(other_label, &asked.credential.encrypted_secret).is_err());
	// Another chip's session key opens nothing.
	let elsewhere = ek_of(&other_chip).challenge(&aik, &[7; 32]).unwrap();
	let stolen = activate(&other_chip, aik.digest(), &elsewhere.credential).unwrap();
	assert_ne!(open_credential(&asked.credential, &stolen), Ok(asked.secret));
}

#[test]
fn ofb_is_that_of_the_standard() {
	let session: Vec<u8> = (0..16).collect();
	let mut credential = ek().make_credential(&aik(), &[0; 32], &[1; 32]).unwrap();
	let len = credential.id_object.len();
	credential.id_object.as_mut()[len - 32..].fill(0);
	let key = [&[0, 0, 0, 6, 0, 5, 0, 16], &session[..]].concat();
	let stream = open_credential(&credential, &key).unwrap();
	// openssl enc -aes-128-ofb -K 000102030405060708090a0b0c0d0e0f -iv 0 of 32 zero bytes.
	assert_eq!(hex::encode(stream), KEY_STREAM);
}

const KEY_STREAM: &str = "c6a13b37878f5b826f4f8162a1c8d879af9d9926f7dac87192b1c4143ad98958";

#[test]
fn credential_size_refuses_no_secret_and_more_than_32_bytes() {
	for len in [0, 33, 100] {
		assert_eq!(ek().make_credential(&aik(), &vec![1; len], &[1; 32]), Err(Error::CredentialSize));
	}
	for len in [1, 16, 31, 32] {
		let secret = vec![0x5A; len];
		let credential = ek().make_credential(&aik(), &secret, &[1; 32]).unwrap();
		let session = activate(rsa_signer(), aik().digest(), &credential).unwrap();
		assert_eq!(open_credential(&credential, &session), Ok(secret));
	}
}

#[test]
fn randomness_form_refuses_more_than_oaep_has_room_for() {
	assert!(ek().encrypt(&[1; 214], &[0; 20]).is_ok());
	assert_eq!(ek().encrypt(&[1; 215], &[0; 20]), Err(Error::RandomnessForm));
}

#[test]
fn credential_recomputed_refuses_every_other_seed_key_and_bit() {
	let (ek, aik) = (ek(), aik());
	let asked = ek.challenge(&aik, &[7; 32]).unwrap();
	assert_eq!(ek.check_challenge(&aik, &[7; 32], &asked.credential), Ok(asked.secret.clone()));
	let refused = Err(Error::CredentialRecomputed);
	assert_eq!(ek.check_challenge(&aik, &[8; 32], &asked.credential), refused);
	let other = IdentityKey::parse(&read("other/aik.pubkey")).unwrap();
	assert_eq!(ek.check_challenge(&other, &[7; 32], &asked.credential), refused);
	let other_ek = EndorsementKey::parse(&read("ek.pubkey")).unwrap();
	assert_eq!(other_ek.check_challenge(&aik, &[7; 32], &asked.credential), refused);
	for index in 0..asked.credential.id_object.len() {
		let mut changed = asked.credential.clone();
		changed.id_object.as_mut()[index] ^= 1;
		assert_eq!(ek.check_challenge(&aik, &[7; 32], &changed), refused);
	}
	for index in [0, 100, 255] {
		let mut changed = asked.credential.clone();
		changed.encrypted_secret.as_mut()[index] ^= 1;
		assert_eq!(ek.check_challenge(&aik, &[7; 32], &changed), refused);
	}
}

#[test]
fn everything_random_differs_with_seed_keys_and_secret() {
	let (ek, aik) = (ek(), aik());
	let other = IdentityKey::parse(&read("other/aik.pubkey")).unwrap();
	let all = [
		ek.make_credential(&aik, &[0; 32], &[7; 32]).unwrap(),
		ek.make_credential(&aik, &[0; 32], &[8; 32]).unwrap(),
		ek.make_credential(&aik, &[0; 31], &[7; 32]).unwrap(),
		ek.make_credential(&other, &[0; 32], &[7; 32]).unwrap(),
	];
	let sessions: std::collections::BTreeSet<_> = all
		.iter()
		.zip([&aik, &aik, &aik, &other])
		.map(|(credential, object)| activate(rsa_signer(), object.digest(), credential).unwrap())
		.collect();
	assert_eq!(sessions.len(), 4);
}

#[test]
fn a_challenge_stays_as_it_is() {
	// Whoever changes this breaks challenges that are under way.
	let asked = ek().challenge(&aik_of_the_test(), &[7; 32]).unwrap();
	let digest = Sha1::new()
		.chain_update(&asked.secret)
		.chain_update(&asked.credential.id_object)
		.chain_update(&asked.credential.encrypted_secret)
		.finalize();
	assert_eq!(hex::encode(digest), "fda854745c6f4e3027fc46c5100b444ae1c68dde");
}

/// An identity key that no run of the fixtures' script changes.
fn aik_of_the_test() -> IdentityKey {
	let head: Vec<u8> = [1, 0x0001_0002, 12, 2048, 2, 0, 256u32].iter().flat_map(|word| word.to_be_bytes()).collect();
	IdentityKey::parse(&[head, rsa_signer().n().to_bytes_be()].concat()).unwrap()
}

#[test]
fn legacy_session_key_refuses_other_kinds() {
	let asked = ek().challenge(&aik(), &[7; 32]).unwrap();
	let good = activate(rsa_signer(), aik().digest(), &asked.credential).unwrap();
	let open = |key: &[u8]| open_credential(&asked.credential, key);
	for index in 0..8 {
		let mut changed = good.clone();
		changed[index] ^= 1;
		assert_eq!(open(&changed), Err(Error::LegacySessionKey), "byte {index}");
	}
	for len in 0..good.len() {
		assert_eq!(open(&good[..len]), Err(Error::Truncated), "cut at {len}");
	}
	assert_eq!(open(&[&good[..], &[0]].concat()), Err(Error::TrailingBytes));
}

#[test]
fn legacy_sym_attestation_refuses_other_kinds_and_lengths() {
	let asked = ek().challenge(&aik(), &[7; 32]).unwrap();
	let key = activate(rsa_signer(), aik().digest(), &asked.credential).unwrap();
	let open = |id_object: Vec<u8>| {
		let credential = Credential { id_object: id_object.try_into().unwrap(), ..asked.credential.clone() };
		open_credential(&credential, &key)
	};
	let good = asked.credential.id_object.to_vec();
	let head = good.len() - 32;
	for index in 0..head {
		let mut changed = good.clone();
		changed[index] ^= 1;
		assert_eq!(open(changed), Err(Error::LegacySymAttestation), "byte {index}");
	}
	for len in 0..good.len() {
		let expected = if len < 4 { Error::Truncated } else { Error::LegacySymAttestation };
		assert_eq!(open(good[..len].to_vec()), Err(expected), "cut at {len}");
	}
	assert_eq!(open([&good[..], &[0]].concat()), Err(Error::LegacySymAttestation));
	let long = [&33u32.to_be_bytes(), &good[4..], &[0]].concat();
	assert_eq!(open(long), Err(Error::LegacySymAttestation), "a secret of 33 bytes");
	assert_eq!(open(good), Ok(asked.secret.clone()));
}
