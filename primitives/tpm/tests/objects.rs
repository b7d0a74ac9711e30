//! Rules O1-O6, each with its forger, and what a real TPM says about its objects.

mod common;

use common::*;
use ep_tpm::{
	verify_certify, verify_creation, verify_quote, verify_time, AttestationKey, CertifyAttestation,
	CreationAttestation, CreationData, Error, HashAlgorithm, Name, QuoteAttestation, TimeAttestation,
};

fn key() -> AttestationKey {
	AttestationKey::parse(&Public::p256().bytes()).unwrap()
}

/// The object that the forger certifies.
fn object() -> Vec<u8> {
	Public::p384().bytes()
}

fn name() -> Name {
	Name::of_public(&object()).unwrap()
}

fn parent() -> Name {
	Name::of_public(&Public::rsa().into_ek().bytes()).unwrap().qualified_in_hierarchy(0x4000_0001).unwrap()
}

fn certify_attest() -> Attest {
	let qualified_name = name().qualified_under(&parent()).unwrap();
	Attest {
		kind: 0x8017,
		body: Body::Certify { name: name().as_bytes().to_vec(), qualified_name: qualified_name.as_bytes().to_vec() },
		..Attest::time()
	}
}

fn certify(attest: &[u8]) -> Result<CertifyAttestation, Error> {
	verify_certify(&key(), attest, &p256_sign(attest), NONCE, &object())
}

/// A `TPMS_CREATION_DATA` with every field open.
#[derive(Clone)]
struct Data {
	digest: Vec<u8>,
	locality: u8,
	parent_hash: u16,
	parent_name: Vec<u8>,
	parent_qualified: Vec<u8>,
}

impl Data {
	fn new() -> Self {
		Self {
			digest: vec![7; 32],
			locality: 1,
			parent_hash: 0x000B,
			parent_name: [vec![0, 0x0B], vec![5; 32]].concat(),
			parent_qualified: parent().as_bytes().to_vec(),
		}
	}

	fn primary() -> Self {
		let handle = || vec![0x40, 0, 0, 1];
		Self { parent_hash: 0x0010, parent_name: handle(), parent_qualified: handle(), ..Self::new() }
	}

	fn bytes(&self) -> Vec<u8> {
		[
			&[0, 0, 0, 1, 0x00, 0x0B, 3, 1, 0, 0][..],
			&sized(&self.digest),
			&[self.locality],
			&self.parent_hash.to_be_bytes(),
			&sized(&self.parent_name),
			&sized(&self.parent_qualified),
			&sized(b"outside"),
		]
		.concat()
	}
}

fn creation_attest(data: &[u8]) -> Attest {
	let hash = HashAlgorithm::Sha256.digest(&[data]);
	Attest { kind: 0x801A, body: Body::Creation { name: name().as_bytes().to_vec(), hash }, ..Attest::time() }
}

fn creation(data: &Data) -> Result<(CreationAttestation, CreationData), Error> {
	let data = data.bytes();
	let attest = creation_attest(&data).bytes();
	verify_creation(&key(), &attest, &p256_sign(&attest), NONCE, &object(), &data)
}

fn refusal(change: impl FnOnce(&mut Data)) -> Option<Error> {
	let mut data = Data::new();
	change(&mut data);
	creation(&data).err()
}

#[test]
fn the_forgers_untouched_statements_are_accepted() {
	let certified = certify(&certify_attest().bytes()).unwrap();
	assert_eq!(certified.is_under(&parent()), Ok(()));
	let (created, data) = creation(&Data::new()).unwrap();
	assert_eq!((created.name, data.made_under(&parent())), (name(), Ok(())));
	assert_eq!((data.locality, data.outside_info.as_slice()), (1, b"outside".as_slice()));
}

#[test]
fn attestation_type_refuses_every_kind_in_the_place_of_another() {
	let data = Data::new().bytes();
	let all = [Attest::time(), Attest::quote(), certify_attest(), creation_attest(&data)];
	for (index, attest) in all.iter().enumerate() {
		let attest = attest.bytes();
		let signature = p256_sign(&attest);
		let key = key();
		let results = [
			verify_time(&key, &attest, &signature, NONCE).err(),
			verify_quote(&key, &attest, &signature, NONCE).err(),
			verify_certify(&key, &attest, &signature, NONCE, &object()).err(),
			verify_creation(&key, &attest, &signature, NONCE, &object(), &data).err(),
		];
		for (other, result) in results.into_iter().enumerate() {
			let expected = if other == index { None } else { Some(Error::AttestationType) };
			assert_eq!(result, expected, "{index} as {other}");
		}
	}
}

#[test]
fn a_changed_kind_does_not_make_one_body_into_another() {
	let data = Data::new().bytes();
	let time = Attest::time().with(|attest| attest.kind = 0x8017);
	let quote = Attest::quote().with(|attest| attest.kind = 0x801A);
	assert!(CertifyAttestation::parse(&time).is_err());
	assert!(CreationAttestation::parse(&quote).is_err());
	let certify = certify_attest().with(|attest| attest.kind = 0x801A);
	let creation = creation_attest(&data).with(|attest| attest.kind = 0x8017);
	assert_eq!(CertifyAttestation::parse(&creation), Err(Error::NameForm), "a digest is no name");
	// A Qualified Name is a sized buffer as a digest is: here only the type, which is signed, tells them apart.
	assert!(CreationAttestation::parse(&certify).is_ok());
	assert!(TimeAttestation::parse(&certify).is_err() && QuoteAttestation::parse(&certify).is_err());
}

#[test]
fn the_rules_of_every_attestation_hold() {
	let refused = |change: fn(&mut Attest)| certify(&certify_attest().with(change)).err();
	assert_eq!(refused(|attest| attest.magic = 0), Some(Error::Magic));
	assert_eq!(refused(|attest| attest.extra.clear()), Some(Error::Nonce));
	assert_eq!(refused(|attest| attest.outer.safe = 2), Some(Error::SafeFlag));
	let attest = certify_attest().bytes();
	assert_eq!(certify(&[attest.as_slice(), &[0]].concat()), Err(Error::TrailingBytes));
	for len in 0..attest.len() {
		assert_eq!(certify(&attest[..len]), Err(Error::Truncated), "cut at {len}");
	}
	let unsigned = verify_certify(&key(), &attest, &p256_sign(b"other"), NONCE, &object());
	assert_eq!(unsigned, Err(Error::BadSignature));

	let data = Data::new().bytes();
	let attest = creation_attest(&data).bytes();
	let verify = |attest: &[u8], signature: &[u8], nonce: &[u8]| {
		verify_creation(&key(), attest, signature, nonce, &object(), &data).err()
	};
	assert_eq!(verify(&attest, &p256_sign(b"other"), NONCE), Some(Error::BadSignature));
	assert_eq!(verify(&attest, &p256_sign(&attest), b"other"), Some(Error::Nonce));
	for len in 0..attest.len() {
		assert_eq!(verify(&attest[..len], &[], NONCE), Some(Error::Truncated), "cut at {len}");
	}
}

#[test]
fn certified_name_refuses_another_object_than_the_one_certified() {
	let attest = certify_attest().bytes();
	let other = Public::p384().with(|object| object.attributes ^= 1 << 6);
	assert_eq!(
		verify_certify(&key(), &attest, &p256_sign(&attest), NONCE, &other),
		Err(Error::CertifiedName),
		"the same key with other attributes is another object"
	);
}

#[test]
fn certified_qualified_name_refuses_another_parent() {
	let certified = certify(&certify_attest().bytes()).unwrap();
	let other = name().qualified_in_hierarchy(0x4000_0001).unwrap();
	assert_eq!(certified.is_under(&other), Err(Error::CertifiedQualifiedName));
}

#[test]
fn created_name_refuses_another_object_than_the_one_created() {
	let data = Data::new().bytes();
	let attest = creation_attest(&data).bytes();
	let other = Public::p384().with(|object| object.attributes ^= 1 << 6);
	let verified = verify_creation(&key(), &attest, &p256_sign(&attest), NONCE, &other, &data);
	assert_eq!(verified, Err(Error::CreatedName));
}

#[test]
fn creation_hash_refuses_every_changed_byte_of_the_creation_data() {
	let data = Data::new().bytes();
	let attest = creation_attest(&data).bytes();
	for at in 0..data.len() {
		let mut forged = data.clone();
		forged[at] ^= 1;
		let verified = verify_creation(&key(), &attest, &p256_sign(&attest), NONCE, &object(), &forged);
		assert_eq!(verified, Err(Error::CreationHash), "byte {at}");
	}
}

#[test]
fn creation_data_form_refuses_odd_localities_digests_and_parents() {
	for locality in [0, 3, 5, 17, 31] {
		assert_eq!(refusal(|data| data.locality = locality), Some(Error::CreationDataForm), "{locality}");
	}
	for locality in [1, 2, 4, 8, 16, 32, 255] {
		assert_eq!(refusal(|data| data.locality = locality), None, "{locality}");
	}
	assert_eq!(refusal(|data| data.digest = vec![7; 20]), Some(Error::CreationDataForm));
	assert_eq!(refusal(|data| data.parent_hash = 0x000C), Some(Error::CreationDataForm));
	assert_eq!(refusal(|data| data.parent_hash = 0x0010), Some(Error::CreationDataForm));
	assert_eq!(refusal(|data| *data = Data::primary()), None);
	let split = Data { parent_qualified: vec![0x40, 0, 0, 0x0B], ..Data::primary() };
	assert_eq!(refusal(|data| *data = split), Some(Error::CreationDataForm));
	assert_eq!(refusal(|data| data.parent_name = vec![0x40, 0, 0, 1]), Some(Error::NameForm));
	let whole = Data::new().bytes();
	for len in 0..whole.len() {
		assert_eq!(CreationData::parse(&whole[..len]), Err(Error::Truncated), "cut at {len}");
	}
	assert_eq!(CreationData::parse(&[whole.as_slice(), &[0]].concat()), Err(Error::TrailingBytes));
}

#[test]
fn creation_parent_refuses_another_parent_and_a_hierarchy() {
	let (_, data) = creation(&Data::new()).unwrap();
	assert_eq!(data.made_under(&name()), Err(Error::CreationParent));
	let (_, data) = creation(&Data::primary()).unwrap();
	assert_eq!(data.made_under(&parent()), Err(Error::CreationParent));
}

#[test]
fn what_a_real_tpm_says_about_its_objects_verifies() {
	let read = |file: &str| fixture(&format!("objects/{file}"));
	let key = AttestationKey::parse(&read("ak.tpmt_public")).unwrap();
	let ek_name = Name::of_public(&read("ek.tpmt_public")).unwrap();
	for object in ["child", "primary"] {
		let file = |kind: &str| read(&format!("{object}.{kind}"));
		let signature = |kind: &str| key.normalise_signature(&file(&format!("{kind}_signature"))).unwrap();
		let public = file("tpmt_public");
		// tpm2_certify takes no nonce and gives this one.
		let nonce = [0x00, 0xff, 0x55, 0xaa];
		let certified = verify_certify(&key, &file("certify"), &signature("certify"), &nonce, &public).unwrap();
		assert_eq!(certified.qualified_name.as_bytes(), file("qualified_name"));
		assert_eq!(certified.signed_under_ek(&key, &ek_name), Ok(()));

		let data = file("creation_data");
		let verified = verify_creation(&key, &file("creation"), &signature("creation"), NONCE, &public, &data);
		let (created, data) = verified.unwrap();
		assert_eq!(created.signed_under_ek(&key, &ek_name), Ok(()));
		if object == "child" {
			let parent = Name::from_bytes(&file("parent_name")).unwrap();
			assert_eq!((certified.is_under(&parent), data.made_under(&parent)), (Ok(()), Ok(())));
			assert_eq!(data.outside_info, NONCE);
		} else {
			assert_eq!(data.parent, None);
			assert_eq!(data.pcr_selection.len(), 1);
		}
	}
}
