//! Rules T1-T10 and M1-M4, each with its forger; and credentials opened in software, as a TPM opens them.

mod common;

use aes::cipher::{generic_array::GenericArray, BlockEncrypt, KeyInit};
use common::{fixture, Key, Public, EK_ATTRIBUTES, FIXTURES};
use ep_tpm::{Credential, EndorsementKey, Error, HashAlgorithm, Name, Randomness};

fn refusal(change: impl FnOnce(&mut Public)) -> Option<Error> {
	EndorsementKey::parse(&Public::p256().into_ek().with(change)).err()
}

fn ek() -> EndorsementKey {
	EndorsementKey::parse(&Public::p256().into_ek().bytes()).unwrap()
}

fn rsa_ek() -> EndorsementKey {
	EndorsementKey::parse(&Public::rsa().into_ek().bytes()).unwrap()
}

fn object() -> Name {
	Name::of_public(&Public::p256().bytes()).unwrap()
}

#[test]
fn the_forgers_untouched_endorsement_keys_are_accepted() {
	for public in [Public::p256(), Public::p384(), Public::rsa()] {
		assert!(EndorsementKey::parse(&public.into_ek().bytes()).is_ok());
	}
	// The templates of the high range also let the key be used with its password.
	assert_eq!(refusal(|ek| ek.attributes |= 1 << 6), None);
	assert_eq!(refusal(|ek| ek.symmetric[1] = 256), None);
}

#[test]
fn real_endorsement_keys_are_accepted_and_no_other_real_key() {
	for folder in FIXTURES.into_iter().filter(|folder| *folder != "owner") {
		let public = fixture(&format!("{folder}/ek.tpmt_public"));
		let ek = EndorsementKey::parse(&public).expect(folder);
		assert_eq!(*ek.name(), Name::of_public(&public).unwrap());
		let ak = fixture(&format!("{folder}/ak.tpmt_public"));
		assert_eq!(EndorsementKey::parse(&ak), Err(Error::EkNotDecrypting), "{folder}");
	}
	// A storage key of the owner: it has no policy.
	let parent = fixture("owner/ek.tpmt_public");
	assert_eq!(EndorsementKey::parse(&parent), Err(Error::EkNotAdminWithPolicy));
}

#[test]
fn ek_restricted_refuses_a_key_that_decrypts_anything() {
	assert_eq!(refusal(|ek| ek.attributes &= !(1 << 16)), Some(Error::EkNotRestricted));
}

#[test]
fn ek_decrypt_refuses_a_key_that_does_not_decrypt() {
	assert_eq!(refusal(|ek| ek.attributes &= !(1 << 17)), Some(Error::EkNotDecrypting));
}

#[test]
fn ek_no_sign_refuses_a_key_that_also_signs() {
	assert_eq!(refusal(|ek| ek.attributes |= 1 << 18), Some(Error::EkCanSign));
}

#[test]
fn ek_fixed_tpm_refuses_a_key_that_can_be_duplicated() {
	assert_eq!(refusal(|ek| ek.attributes &= !(1 << 1)), Some(Error::EkNotFixedTpm));
}

#[test]
fn ek_fixed_parent_refuses_a_key_that_can_be_moved() {
	assert_eq!(refusal(|ek| ek.attributes &= !(1 << 4)), Some(Error::EkNotFixedParent));
}

#[test]
fn ek_made_in_tpm_refuses_an_imported_key() {
	assert_eq!(refusal(|ek| ek.attributes &= !(1 << 5)), Some(Error::EkNotMadeInTpm));
}

#[test]
fn ek_admin_policy_refuses_a_key_without_the_attribute_or_without_a_policy() {
	assert_eq!(refusal(|ek| ek.attributes &= !(1 << 7)), Some(Error::EkNotAdminWithPolicy));
	assert_eq!(refusal(|ek| ek.policy.clear()), Some(Error::EkNotAdminWithPolicy));
}

#[test]
fn ek_known_attributes_refuses_every_other_bit() {
	// All but those of the templates, userWithAuth, noDA and sign, which has a rule of its own.
	for bit in (0..32).filter(|bit| (EK_ATTRIBUTES | 1 << 6 | 1 << 10 | 1 << 18) >> bit & 1 == 0) {
		assert_eq!(refusal(|ek| ek.attributes |= 1 << bit), Some(Error::EkForbiddenAttribute), "bit {bit}");
	}
}

#[test]
fn ek_symmetric_refuses_no_cipher_another_cipher_another_length_and_another_mode() {
	for symmetric in [
		vec![0x0010],
		vec![0x0026, 128, 0x0043],
		vec![0x0006, 192, 0x0043],
		vec![0x0006, 64, 0x0043],
		vec![0x0006, 128, 0x0042],
		vec![0x0006, 128, 0x0010],
	] {
		assert_eq!(refusal(|ek| ek.symmetric = symmetric), Some(Error::EkSymmetric));
	}
}

#[test]
fn ek_scheme_refuses_a_scheme_and_a_derivation() {
	assert_eq!(refusal(|ek| ek.scheme = vec![0x0019, 0x000B]), Some(Error::EkScheme));
	let kdf = |ek: &mut Public| {
		if let Key::Ecc { kdf, .. } = &mut ek.key {
			*kdf = vec![0x0020, 0x000B];
		}
	};
	assert_eq!(refusal(kdf), Some(Error::EkScheme));
	let oaep = Public::rsa().into_ek().with(|ek| ek.scheme = vec![0x0017, 0x000B]);
	assert_eq!(EndorsementKey::parse(&oaep), Err(Error::EkScheme));
}

#[test]
fn key_rules_hold_for_endorsement_keys_too() {
	let ecc = |change: fn(&mut u16, &mut Vec<u8>, &mut Vec<u8>)| {
		refusal(|ek| {
			if let Key::Ecc { curve, x, y, .. } = &mut ek.key {
				change(curve, x, y);
			}
		})
	};
	assert_eq!(ecc(|curve, _, _| *curve = 5), Some(Error::KeyCurve));
	assert_eq!(ecc(|_, x, _| x.insert(0, 0)), Some(Error::CoordinateSize));
	assert_eq!(ecc(|_, _, y| y[31] ^= 1), Some(Error::PointNotOnCurve));
	let rsa = |change: fn(&mut u16, &mut u32, &mut Vec<u8>)| {
		let public = Public::rsa().into_ek().with(|ek| {
			if let Key::Rsa { bits, exponent, modulus } = &mut ek.key {
				change(bits, exponent, modulus);
			}
		});
		EndorsementKey::parse(&public).err()
	};
	assert_eq!(rsa(|_, exponent, _| *exponent = 3), Some(Error::RsaExponent));
	let half = rsa(|bits, _, modulus| {
		*bits = 1024;
		modulus.truncate(128);
		modulus[127] |= 1;
	});
	assert_eq!(half, Some(Error::RsaKeySize));
	assert_eq!(rsa(|bits, _, _| *bits = 2056), Some(Error::RsaModulus));
}

#[test]
fn credential_size_refuses_no_secret_and_one_longer_than_the_ek_s_digest() {
	for ek in [ek(), rsa_ek()] {
		assert_eq!(ek.make_credential(&object(), &[], &[1; 32]), Err(Error::CredentialSize));
		assert_eq!(ek.make_credential(&object(), &[7; 33], &[1; 32]), Err(Error::CredentialSize));
		assert!(ek.make_credential(&object(), &[7; 32], &[1; 32]).is_ok());
		assert!(ek.make_credential(&object(), &[7], &[1; 32]).is_ok());
	}
}

#[test]
fn randomness_form_refuses_the_other_kind_wrong_lengths_and_scalars_out_of_range() {
	let rsa = |seed: &[u8], oaep_seed: &[u8]| {
		rsa_ek().make_credential_with(&object(), b"secret", Randomness::Rsa { seed, oaep_seed }).err()
	};
	let ecc = |ephemeral: &[u8]| ek().make_credential_with(&object(), b"secret", Randomness::Ecc { ephemeral }).err();
	assert_eq!(rsa(&[1; 32], &[2; 32]), None);
	assert_eq!(ecc(&[1; 32]), None);
	for (seed, oaep_seed) in [(31, 32), (33, 32), (32, 31), (32, 33), (0, 0)] {
		assert_eq!(rsa(&vec![1; seed], &vec![2; oaep_seed]), Some(Error::RandomnessForm));
	}
	let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
	for ephemeral in [vec![], vec![1; 31], vec![1; 33], vec![0; 32], order, vec![0xff; 32]] {
		assert_eq!(ecc(&ephemeral), Some(Error::RandomnessForm), "{ephemeral:?}");
	}
	let swapped = Randomness::Ecc { ephemeral: &[1; 32] };
	assert_eq!(rsa_ek().make_credential_with(&object(), b"secret", swapped), Err(Error::RandomnessForm));
	let swapped = Randomness::Rsa { seed: &[1; 32], oaep_seed: &[1; 32] };
	assert_eq!(ek().make_credential_with(&object(), b"secret", swapped), Err(Error::RandomnessForm));
}

#[test]
fn credential_file_refuses_another_magic_or_version() {
	let credential = ek().make_credential(&object(), b"secret", &[1; 32]).unwrap();
	let file = credential.to_file();
	assert_eq!(Credential::from_file(&file), Ok(credential));
	for byte in 0..8 {
		let mut forged = file.clone();
		forged[byte] ^= 1;
		assert_eq!(Credential::from_file(&forged), Err(Error::CredentialFile), "byte {byte}");
	}
	for len in 0..file.len() {
		assert_eq!(Credential::from_file(&file[..len]), Err(Error::Truncated), "cut at {len}");
	}
	assert_eq!(Credential::from_file(&[file.as_slice(), &[0]].concat()), Err(Error::TrailingBytes));
	let mut longer = file[..8].to_vec();
	longer.extend(common::sized(&[0; 133]));
	assert_eq!(Credential::from_file(&longer), Err(Error::OversizedField));
}

#[test]
fn credential_recomputed_refuses_another_seed_object_ek_and_every_flipped_bit() {
	for ek in [ek(), rsa_ek()] {
		let challenge = ek.challenge(&object(), &[1; 32]).unwrap();
		let check = |credential: &Credential| ek.check_challenge(&object(), &[1; 32], credential);
		assert_eq!(check(&challenge.credential), Ok(challenge.secret.clone()));
		let no = Err(Error::CredentialRecomputed);
		assert_eq!(ek.check_challenge(&object(), &[2; 32], &challenge.credential), no);
		assert_eq!(ek.check_challenge(ek.name(), &[1; 32], &challenge.credential), no);
		let other = EndorsementKey::parse(&Public::p384().into_ek().bytes()).unwrap();
		assert_eq!(other.check_challenge(&object(), &[1; 32], &challenge.credential), no);
		for bit in (0..challenge.credential.id_object.len() * 8).step_by(7) {
			let mut id_object = challenge.credential.id_object.to_vec();
			id_object[bit / 8] ^= 1 << (bit % 8);
			let forged = Credential { id_object: id_object.try_into().unwrap(), ..challenge.credential.clone() };
			assert_eq!(check(&forged), no);
		}
	}
}

#[test]
fn one_seed_gives_unrelated_blobs_for_two_secrets_objects_or_keys() {
	let ek = ek();
	let other_ek = EndorsementKey::parse(&Public::p256().into_ek().with(|ek| ek.policy[0] ^= 1)).unwrap();
	let blobs = [
		ek.make_credential(&object(), &[7; 32], &[1; 32]).unwrap(),
		ek.make_credential(&object(), &[8; 32], &[1; 32]).unwrap(),
		ek.make_credential(ek.name(), &[7; 32], &[1; 32]).unwrap(),
		other_ek.make_credential(&object(), &[7; 32], &[1; 32]).unwrap(),
		ek.make_credential(&object(), &[7; 32], &[2; 32]).unwrap(),
	];
	for (index, left) in blobs.iter().enumerate() {
		for right in &blobs[index + 1..] {
			assert_ne!(left.encrypted_secret, right.encrypted_secret, "not even the ephemeral key is the same");
		}
	}
}

/// The encoding is frozen: a chain that recomputes an old challenge must come to the same bits.
#[test]
fn a_challenge_is_the_same_for_ever() {
	let digest = |challenge: ep_tpm::Challenge| {
		hex::encode(HashAlgorithm::Sha256.digest(&[&challenge.secret, &challenge.credential.to_file()]))
	};
	let p384 = EndorsementKey::parse(&Public::p384().into_ek().bytes()).unwrap();
	let found = [ek(), p384, rsa_ek()].map(|ek| digest(ek.challenge(&object(), &[0x5A; 32]).unwrap()));
	assert_eq!(found, FROZEN);
}

/// P-256, P-384, RSA.
const FROZEN: [&str; 3] = [
	"ca7e84dcef6c687ba5297ad40d07d06b885521b08ed75c0cdf1e7261224b77f1",
	"9023470872f6f9d37bdbd9f6a259bcac2e1fdfe80e491c79cb9cfd1251b9d6b5",
	"ffb0f792465c782c0d2a192c03982f2fbe98d3a17cddead4db9290200e1e7db7",
];

/// Opens a credential as a TPM would, with nothing of the crate but its hash: written anew from Part 1, section 24.
fn open(credential: &Credential, object: &Name) -> Option<Vec<u8>> {
	let hash = |parts: &[&[u8]]| HashAlgorithm::Sha256.digest(parts);
	let hmac = |key: &[u8], message: &[u8]| {
		let pad = |byte: u8| (0..64).map(|at| key.get(at).unwrap_or(&0) ^ byte).collect::<Vec<u8>>();
		hash(&[&pad(0x5c), &hash(&[&pad(0x36), message])])
	};
	let (own_x, own_y) = (&credential.encrypted_secret[2..34], &credential.encrypted_secret[36..68]);
	let point = p256::PublicKey::from_sec1_bytes(&[&[4], own_x, own_y].concat()).unwrap();
	let private = p256::NonZeroScalar::try_from([0x42; 32].as_slice()).unwrap();
	let shared = p256::PublicKey::from_affine((point.to_projective() * *private).to_affine()).unwrap();
	let z = shared.to_sec1_bytes();
	let z = p256::EncodedPoint::from_bytes(&z).unwrap().x().unwrap().to_vec();
	let ek_x = common::p256_signer().verifying_key().to_encoded_point(false).x().unwrap().to_vec();
	let seed = hash(&[&[0, 0, 0, 1], &z, b"IDENTITY\0", own_x, &ek_x]);

	let (integrity, identity) = credential.id_object[2..].split_at(32);
	let key = hmac(&seed, b"\0\0\0\x01INTEGRITY\0\0\0\x01\0");
	if hmac(&key, &[identity, object.as_bytes()].concat()) != integrity {
		return None;
	}
	let key = hmac(&seed, &[b"\0\0\0\x01STORAGE\0", object.as_bytes(), b"\0\0\0\x80"].concat());
	let cipher = aes::Aes128::new_from_slice(&key[..16]).unwrap();
	let mut feedback = GenericArray::from([0; 16]);
	let mut plain = Vec::new();
	for chunk in identity.chunks(16) {
		cipher.encrypt_block(&mut feedback);
		for (at, byte) in chunk.iter().enumerate() {
			plain.push(byte ^ feedback[at]);
			feedback[at] = *byte;
		}
	}
	assert_eq!(usize::from(plain[1]), plain.len() - 2);
	Some(plain[2..].to_vec())
}

#[test]
fn a_credential_opens_to_its_secret_for_its_object_only() {
	for secret in [&[9; 32][..], b"x", b"seventeen bytes !"] {
		let credential = ek().make_credential(&object(), secret, &[3; 32]).unwrap();
		assert_eq!(open(&credential, &object()), Some(secret.to_vec()));
		assert_eq!(open(&credential, ek().name()), None, "another object in the same TPM gets nothing");
	}
	let challenge = ek().challenge(&object(), &[4; 32]).unwrap();
	assert_eq!(open(&challenge.credential, &object()), Some(challenge.secret));
}
