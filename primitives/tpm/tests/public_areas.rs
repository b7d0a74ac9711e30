//! Rules E1-E3, P1-P6, K1-K17 and N1, each with its forger.

mod common;

use codec::{Decode, Encode, MaxEncodedLen};
use common::{fixture, p256_sign, p384_sign, rsa_sign, rsassa_signature, Key, Public, AUTHOR_ATTRIBUTES};
use ep_tpm::{
	public::strip_tpm2b, AttestationKey, Curve, Error, HashAlgorithm, Name, PublicArea, MAX_AK_PUBLIC_LEN,
	MAX_SIGNATURE_LEN, RH_ENDORSEMENT,
};

/// The refusal of a public area as an author's key.
fn refusal(public: &[u8]) -> Option<Error> {
	AttestationKey::parse_author(public).err()
}

/// The same after a change to the good P-256 key.
fn p256_refusal(change: impl FnOnce(&mut Public)) -> Option<Error> {
	refusal(&Public::p256().with(change))
}

/// The same after a change to the good RSA key.
fn rsa_refusal(change: impl FnOnce(&mut Public)) -> Option<Error> {
	refusal(&Public::rsa().with(change))
}

fn attributes(set: u32, clear: u32) -> Option<Error> {
	p256_refusal(|public| public.attributes = (public.attributes | set) & !clear)
}

#[test]
fn the_forgers_untouched_keys_are_accepted() {
	// Otherwise every refusal below could have another reason.
	for (public, sign) in
		[(Public::p256(), p256_sign as fn(&[u8]) -> Vec<u8>), (Public::p384(), p384_sign), (Public::rsa(), rsa_sign)]
	{
		let key = AttestationKey::parse_author(&public.bytes()).unwrap();
		assert_eq!(key.verify(b"message", &sign(b"message")), Ok(()));
	}
	let key = AttestationKey::parse(&Public::p384().bytes()).unwrap();
	assert_eq!((key.curve(), key.hash_algorithm()), (Some(Curve::P384), HashAlgorithm::Sha384));
	assert_eq!(AttestationKey::parse(&Public::rsa().bytes()).unwrap().curve(), None);
}

#[test]
fn truncated_refuses_every_prefix_of_a_public_area() {
	for public in [Public::p256().bytes(), Public::p384().bytes(), Public::rsa().bytes()] {
		for len in 0..public.len() {
			assert_eq!(refusal(&public[..len]), Some(Error::Truncated), "cut at {len}");
		}
	}
}

#[test]
fn trailing_bytes_refuses_one_byte_after_a_public_area() {
	for public in [Public::p256().bytes(), Public::rsa().bytes()] {
		assert_eq!(refusal(&[public, vec![0]].concat()), Some(Error::TrailingBytes));
	}
}

#[test]
fn trailing_bytes_refuses_a_public_area_that_still_has_its_size_prefix() {
	// The prefix is taken for the type.
	let public = Public::p256().bytes();
	let tpm2b = common::sized(&public);
	assert_eq!(refusal(&tpm2b), Some(Error::ObjectType));
	assert_eq!(strip_tpm2b(&tpm2b), Ok(public.as_slice()));
	assert_eq!(strip_tpm2b(&tpm2b[..tpm2b.len() - 1]), Err(Error::Truncated));
	assert_eq!(strip_tpm2b(&[tpm2b, vec![0]].concat()), Err(Error::TrailingBytes));
}

#[test]
fn oversized_field_refuses_buffers_longer_than_their_type() {
	assert_eq!(p256_refusal(|public| public.policy = vec![0; 65]), Some(Error::OversizedField));
	let longer = |public: &mut Public| {
		if let Key::Ecc { x, .. } = &mut public.key {
			*x = vec![0; 67];
		}
	};
	assert_eq!(p256_refusal(longer), Some(Error::OversizedField));
	assert_eq!(refusal(&Public::rsa_with(4104, 0, vec![0xff; 513]).bytes()), Some(Error::OversizedField));
}

#[test]
fn object_type_refuses_symmetric_and_keyed_hash_objects() {
	for object_type in [0x0000, 0x0008, 0x0025, 0xffff] {
		assert_eq!(p256_refusal(|public| public.object_type = object_type), Some(Error::ObjectType));
	}
}

#[test]
fn rsa_and_ecc_bodies_cannot_be_confused() {
	// Each is a scheme that the other type does not know.
	assert_eq!(p256_refusal(|public| public.object_type = 0x0001), Some(Error::SchemeForm));
	assert_eq!(rsa_refusal(|public| public.object_type = 0x0023), Some(Error::SchemeForm));
}

#[test]
fn name_hash_refuses_sha1_null_and_sha3() {
	for name_hash in [0x0004, 0x0010, 0x0027, 0x0012] {
		assert_eq!(p256_refusal(|public| public.name_hash = name_hash), Some(Error::NameHash));
	}
}

#[test]
fn auth_policy_size_refuses_anything_but_one_digest_of_the_name_hash() {
	for len in [1, 20, 31, 33, 48, 64] {
		assert_eq!(p256_refusal(|public| public.policy = vec![1; len]), Some(Error::AuthPolicySize));
	}
	assert_eq!(p256_refusal(|public| public.policy = vec![1; 32]), None);
	let wider = |public: &mut Public| {
		public.name_hash = 0x000D;
		public.policy = vec![1; 64];
	};
	assert_eq!(p256_refusal(wider), None);
}

#[test]
fn symmetric_form_refuses_what_is_no_block_cipher() {
	for algorithm in [0x0000, 0x000A, 0x000B] {
		assert_eq!(p256_refusal(|public| public.symmetric = vec![algorithm]), Some(Error::SymmetricForm));
	}
}

#[test]
fn key_symmetric_refuses_a_signing_key_with_a_cipher() {
	for algorithm in [0x0003, 0x0006, 0x0013, 0x0026] {
		assert_eq!(p256_refusal(|public| public.symmetric = vec![algorithm, 128, 0x43]), Some(Error::KeySymmetric));
	}
}

#[test]
fn scheme_form_refuses_schemes_of_the_other_type() {
	for scheme in [0x0014, 0x0016, 0x0017, 0x0015, 0x0005] {
		assert_eq!(p256_refusal(|public| public.scheme = vec![scheme, 0x000B]), Some(Error::SchemeForm));
	}
	for scheme in [0x0018, 0x001A, 0x001B, 0x001C, 0x0005] {
		assert_eq!(rsa_refusal(|public| public.scheme = vec![scheme, 0x000B]), Some(Error::SchemeForm));
	}
}

#[test]
fn key_scheme_refuses_the_null_scheme_under_which_the_caller_chooses() {
	assert_eq!(p256_refusal(|public| public.scheme = vec![0x0010]), Some(Error::KeyScheme));
	assert_eq!(rsa_refusal(|public| public.scheme = vec![0x0010]), Some(Error::KeyScheme));
}

#[test]
fn key_scheme_refuses_every_scheme_but_ecdsa_and_rsassa() {
	for scheme in [vec![0x001A, 0x000B, 0], vec![0x001B, 0x000B], vec![0x001C, 0x000B], vec![0x0019, 0x000B]] {
		assert_eq!(p256_refusal(|public| public.scheme = scheme), Some(Error::KeyScheme));
	}
	for scheme in [vec![0x0016, 0x000B], vec![0x0017, 0x000B], vec![0x0015]] {
		assert_eq!(rsa_refusal(|public| public.scheme = scheme), Some(Error::KeyScheme));
	}
}

#[test]
fn key_hash_refuses_sha1_null_and_unknown_hashes() {
	for hash in [0x0004, 0x0010, 0x0027, 0x0000] {
		assert_eq!(p256_refusal(|public| public.scheme = vec![0x0018, hash]), Some(Error::KeyHash));
		assert_eq!(rsa_refusal(|public| public.scheme = vec![0x0014, hash]), Some(Error::KeyHash));
	}
}

#[test]
fn key_kdf_refuses_a_signing_key_that_derives_keys() {
	let with_kdf = |public: &mut Public| {
		if let Key::Ecc { kdf, .. } = &mut public.key {
			*kdf = vec![0x0020, 0x000B];
		}
	};
	assert_eq!(p256_refusal(with_kdf), Some(Error::KeyKdf));
}

#[test]
fn restricted_refuses_a_key_that_signs_anything() {
	assert_eq!(attributes(0, 1 << 16), Some(Error::NotRestricted));
}

#[test]
fn signing_refuses_a_key_without_the_sign_attribute() {
	assert_eq!(attributes(0, 1 << 18), Some(Error::NotSigning));
}

#[test]
fn no_decrypt_refuses_a_key_that_can_decrypt() {
	assert_eq!(attributes(1 << 17, 0), Some(Error::CanDecrypt));
}

#[test]
fn fixed_tpm_refuses_a_key_that_can_leave() {
	assert_eq!(attributes(0, 1 << 1), Some(Error::NotFixedTpm));
}

#[test]
fn fixed_parent_refuses_a_key_that_can_move() {
	assert_eq!(attributes(0, 1 << 4), Some(Error::NotFixedParent));
}

#[test]
fn made_in_tpm_refuses_an_imported_secret() {
	assert_eq!(attributes(0, 1 << 5), Some(Error::NotMadeInTpm));
}

#[test]
fn known_attributes_refuses_reserved_bits_and_those_of_other_keys() {
	let free = [2, 6, 7];
	let judged = [1, 4, 5, 10, 16, 17, 18];
	for bit in (0..32).filter(|bit| !judged.contains(bit)) {
		let expected = (!free.contains(&bit)).then_some(Error::ForbiddenAttribute);
		assert_eq!(attributes(1 << bit, 0), expected, "bit {bit}");
	}
	// userWithAuth is free the other way, too.
	assert_eq!(attributes(0, 1 << 6), None);
}

#[test]
fn no_lockout_refuses_an_author_without_no_da() {
	assert_eq!(attributes(0, 1 << 10), Some(Error::SubjectToLockout));
	let key = Public::p256().with(|public| public.attributes &= !(1 << 10));
	assert!(!AttestationKey::parse(&key).unwrap().no_da(), "as a mere attestation key it will do");
}

#[test]
fn rsa_key_size_refuses_1024_bits_and_sizes_between() {
	for bits in [1024, 1536, 2040, 2056, 2560, 3584] {
		let public = Public::rsa_with(bits, 0, vec![0xff; usize::from(bits) / 8]).bytes();
		assert_eq!(refusal(&public), Some(Error::RsaKeySize), "{bits}");
	}
}

#[test]
fn rsa_modulus_refuses_any_length_but_the_stated_one() {
	for (bits, len) in [(2048, 255), (2048, 257), (2048, 0), (3072, 256), (2047, 256), (1024, 256)] {
		assert_eq!(refusal(&Public::rsa_with(bits, 0, vec![0xff; len]).bytes()), Some(Error::RsaModulus));
	}
}

#[test]
fn rsa_modulus_refuses_a_short_number_padded_to_the_stated_length() {
	let mut modulus = vec![0xff; 256];
	modulus[0] = 0x7f;
	assert_eq!(refusal(&Public::rsa_with(2048, 0, modulus).bytes()), Some(Error::RsaModulus));
}

#[test]
fn rsa_modulus_refuses_an_even_number() {
	let mut modulus = vec![0xff; 256];
	modulus[255] = 0xfe;
	let public = Public::rsa_with(2048, 0, modulus).bytes();
	assert_eq!(refusal(&public), Some(Error::RsaModulus));
	assert_eq!(PublicArea::parse(&public), Err(Error::RsaModulus), "by the parser, for an EK too");
}

#[test]
fn rsa_exponent_refuses_3_and_everything_but_65537() {
	for exponent in [1, 3, 17, 65536, 65539, u32::MAX] {
		assert_eq!(refusal(&Public::rsa_with(2048, exponent, vec![0xff; 256]).bytes()), Some(Error::RsaExponent));
	}
	for exponent in [0, 65537] {
		assert_eq!(refusal(&Public::rsa_with(2048, exponent, vec![0xff; 256]).bytes()), None);
	}
}

#[test]
fn rsa_4096_is_the_largest_key_and_verifies() {
	let public = Public::rsa_with(4096, 65537, fixture("rsa4096/modulus")).with(|public| {
		public.name_hash = 0x000D;
		public.policy = vec![1; 64];
		public.scheme = vec![0x0014, 0x000D];
	});
	assert_eq!(public.len(), MAX_AK_PUBLIC_LEN);
	let message = fixture("rsa4096/message");
	let signature = rsassa_signature(0x000D, &fixture("rsa4096/signature"));
	assert_eq!(signature.len(), MAX_SIGNATURE_LEN);
	let key = AttestationKey::parse_author(&public).unwrap();
	assert_eq!(key.name().as_bytes().len(), 66);
	assert_eq!(key.verify(&message, &signature), Ok(()));
	assert_eq!(key.verify(b"another", &signature), Err(Error::BadSignature));
}

#[test]
fn key_curve_refuses_p224_p521_sm2_and_bn() {
	for id in [0x0000, 0x0001, 0x0002, 0x0005, 0x0010, 0x0020] {
		let other = |public: &mut Public| {
			if let Key::Ecc { curve, .. } = &mut public.key {
				*curve = id;
			}
		};
		assert_eq!(p256_refusal(other), Some(Error::KeyCurve));
	}
}

#[test]
fn coordinate_size_refuses_padded_and_stripped_coordinates_and_another_curve() {
	for change in [
		(|x, _| x.insert(0, 0)) as fn(&mut Vec<u8>, &mut Vec<u8>),
		|x, _| *x = x.split_off(1),
		|_, y| y.insert(0, 0),
		|_, y| *y = y.split_off(1),
		|x, y| {
			x.clear();
			y.clear();
		},
	] {
		let padded = |public: &mut Public| {
			if let Key::Ecc { x, y, .. } = &mut public.key {
				change(x, y);
			}
		};
		assert_eq!(p256_refusal(padded), Some(Error::CoordinateSize));
	}
	for id in [3, 4] {
		let wrong = if id == 3 { Public::p384() } else { Public::p256() }.with(|public| {
			if let Key::Ecc { curve, .. } = &mut public.key {
				*curve = id;
			}
		});
		assert_eq!(refusal(&wrong), Some(Error::CoordinateSize));
	}
}

#[test]
fn on_curve_refuses_points_beside_the_curve_and_coordinates_beyond_the_field() {
	for public in [Public::p256(), Public::p384()] {
		for change in [
			(|_, y| *y.last_mut().unwrap() ^= 1) as fn(&mut Vec<u8>, &mut Vec<u8>),
			|x, y| {
				x.fill(0);
				y.fill(0);
			},
			|x, _| x.fill(0xff),
		] {
			let beside = public.clone().with(|public| {
				if let Key::Ecc { x, y, .. } = &mut public.key {
					change(x, y);
				}
			});
			assert_eq!(refusal(&beside), Some(Error::PointNotOnCurve));
		}
	}
}

#[test]
fn name_form_refuses_empty_names_handles_sha1_and_wrong_lengths() {
	let digest = |id: [u8; 2], len| [id.to_vec(), vec![9; len]].concat();
	let mut wrong = vec![
		vec![],
		vec![0],
		vec![0x40, 0, 0, 0x0B],
		digest([0, 0x04], 20),
		digest([0, 0x10], 32),
		digest([0x0B, 0], 32),
	];
	for (id, len) in [(0x0B, 32), (0x0C, 48), (0x0D, 64)] {
		assert!(Name::from_bytes(&digest([0, id], len)).is_ok());
		wrong.extend([digest([0, id], len - 1), digest([0, id], len + 1), digest([0, id], 0)]);
	}
	for name in wrong {
		assert_eq!(Name::from_bytes(&name), Err(Error::NameForm), "{name:02x?}");
		assert!(Name::decode(&mut name.encode().as_slice()).is_err(), "decoding is no way around");
	}
}

#[test]
fn a_name_encodes_as_its_bytes_and_prints_as_hexadecimal() {
	for (id, len) in [(0x0B, 32), (0x0C, 48), (0x0D, 64)] {
		let bytes = [vec![0, id], vec![0xa5; len]].concat();
		let name = Name::from_bytes(&bytes).unwrap();
		assert_eq!(name.encode(), bytes.encode());
		assert!(name.encode().len() <= Name::max_encoded_len());
		assert_eq!(Name::decode(&mut name.encode().as_slice()), Ok(name));
		assert_eq!(name.to_string(), hex::encode(&bytes));
		assert_eq!(format!("{name:?}"), format!("Name({})", hex::encode(&bytes)));
		assert_eq!(name.to_string().parse(), Ok(name));
		assert_eq!(format!("0x{name}").parse(), Ok(name));
		assert_eq!(format!("{name}0").parse::<Name>(), Err(Error::NameForm));
		assert_eq!(name.to_string().replace('a', "g").parse::<Name>(), Err(Error::NameForm));
	}
}

#[test]
fn a_lying_length_in_an_encoded_name_is_refused_before_anything_is_read() {
	let lie = [codec::Compact(u32::MAX).encode(), vec![0; 10]].concat();
	assert!(Name::decode(&mut lie.as_slice()).is_err());
}

#[test]
fn names_are_the_digests_that_the_specification_asks_for() {
	let public = Public::p256().with(|public| public.name_hash = 0x000C);
	let name = Name::of_public(&public).unwrap();
	let h = |parts: &[&[u8]]| [vec![0x00, 0x0C], HashAlgorithm::Sha384.digest(parts)].concat();
	assert_eq!(name.as_bytes(), h(&[&public]));
	let primary = name.qualified_in_hierarchy(RH_ENDORSEMENT).unwrap();
	assert_eq!(primary.as_bytes(), h(&[&[0x40, 0, 0, 0x0B], name.as_bytes()]));
	// The child's hash counts, not the parent's.
	let parent = Name::of_public(&Public::rsa().bytes()).unwrap();
	assert_eq!(name.qualified_under(&parent).unwrap().as_bytes(), h(&[parent.as_bytes(), name.as_bytes()]));
}

#[test]
fn an_ek_template_is_parsed_for_its_name_though_its_curve_is_unknown_here() {
	// The default ECC EK of the TCG's EK Credential Profile: restricted decrypt, AES-128-CFB, here on P-521.
	let ek = Public {
		object_type: 0x0023,
		name_hash: 0x000D,
		attributes: 0x0003_00b2,
		policy: vec![1; 64],
		symmetric: vec![0x0006, 256, 0x0043],
		scheme: vec![0x0010],
		key: Key::Ecc { curve: 5, kdf: vec![0x0010], x: vec![1; 66], y: vec![2; 66] },
	};
	let name = Name::of_public(&ek.bytes()).unwrap();
	assert_eq!(name.as_bytes()[2..], HashAlgorithm::Sha512.digest(&[&ek.bytes()]));
	let area = ek.bytes();
	let area = PublicArea::parse(&area).unwrap();
	assert_eq!(area.symmetric.map(|cipher| (cipher.algorithm, cipher.key_bits, cipher.mode)), Some((6, 256, 0x43)));
	assert!(area.scheme.is_null() && area.attributes.has(0x0003_00b2) && !area.attributes.has(AUTHOR_ATTRIBUTES));
}

#[cfg(feature = "serde")]
#[test]
fn a_name_is_serialised_as_hexadecimal_and_checked_when_it_comes_back() {
	use serde::{de::IntoDeserializer, Deserialize, Serialize};
	struct Shown(Name);
	impl core::fmt::Display for Shown {
		fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
			self.0.serialize(f)
		}
	}
	let name = Name::of_public(&Public::p256().bytes()).unwrap();
	let text = Shown(name).to_string();
	assert_eq!(text, hex::encode(name.as_bytes()));
	let read = |text: &str| {
		let deserializer: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
		Name::deserialize(deserializer)
	};
	assert_eq!(read(&text), Ok(name));
	assert!(read(&text[2..]).is_err());
}
