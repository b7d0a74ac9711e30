//! Certificates that other programs made: swtpm's local CA, and openssl in every algorithm (make-certificate-fixtures.sh).

mod common;

use std::{fs, path::Path};

use common::x509::store;
use ep_tpm::{
	certificate::{
		verify_ek, Certificate, CertifiedKey, Error, Policy, RevocationList, Role, StoredCertificate, TrustStore,
	},
	model::{Tier, TierTable},
	PublicArea,
};

fn read(path: &str) -> Vec<u8> {
	let path = Path::new("tests/certificates").join(path);
	fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first second at which all of these are valid.
fn begin(certificates: &[&[u8]]) -> u64 {
	let first = |der: &&[u8]| Certificate::parse(der).unwrap().not_before() as u64;
	certificates.iter().map(first).max().unwrap()
}

#[test]
fn swtpms_certificates_are_good_and_of_the_chips_keys() {
	let (root, ca) = (read("swtpm/root.der"), read("swtpm/ca.der"));
	for name in ["rsa", "ecc"] {
		let der = read(&format!("swtpm/ek-{name}.der"));
		let at = begin(&[&root, &ca, &der]);
		let ek = verify_ek(&der, &[&ca], &store(&[&root]), &Policy::at(at)).unwrap();
		assert_eq!(ek.path.len(), 3);
		assert_eq!(TierTable::defaults().tier(&ek.tpm), Ok(Tier::Software));
		assert_eq!(ek.tpm.specification.as_ref().unwrap().family.as_str(), "2.0");
		let area = read(&format!("swtpm/ek-{name}.tpmt_public"));
		let area = PublicArea::parse(&area).unwrap();
		assert_eq!(ek.check_public_area(&area), Ok(()), "{name}");
		assert_eq!(CertifiedKey::of_public_area(&area).unwrap().hash(), ek.key_hash);
		let other = read(if name == "rsa" { "swtpm/ek-ecc.tpmt_public" } else { "swtpm/ek-rsa.tpmt_public" });
		assert_eq!(ek.check_public_area(&PublicArea::parse(&other).unwrap()), Err(Error::SameKey));
		// Without the store, by way of the store alone, and before its time.
		let stranger = read("algorithms/p256-sha256.der");
		let untrusted = verify_ek(&der, &[&ca, &root], &store(&[&stranger]), &Policy::at(at));
		assert_eq!(untrusted, Err(Error::TrustedRoot));
		let mut both = store(&[&root]);
		both.insert(StoredCertificate::new(Role::Intermediate, &ca).unwrap()).unwrap();
		assert!(verify_ek(&der, &[], &both, &Policy::at(at)).is_ok());
		let early = verify_ek(&der, &[&ca], &store(&[&root]), &Policy::at(at - 86_400));
		assert_eq!(early, Err(Error::NotYetValid));
	}
}

#[test]
fn ek_extended_key_usage_refuses_swtpms_platform_certificate() {
	let (root, ca, der) = (read("swtpm/root.der"), read("swtpm/ca.der"), read("swtpm/platform.der"));
	let result = verify_ek(&der, &[&ca], &store(&[&root]), &Policy::at(begin(&[&root, &ca, &der])));
	// It has its own purpose, 2.23.133.8.2, but no use for its key either.
	assert!(matches!(result, Err(Error::EkKeyUsage | Error::EkExtendedKeyUsage)), "{result:?}");
}

#[test]
fn every_accepted_algorithm_verifies_and_the_others_are_refused() {
	for name in [
		"rsa2048-sha256",
		"rsa2048-sha512",
		"rsa3072-sha384",
		"rsa4096-sha512",
		"p256-sha256",
		"p256-sha512",
		"p384-sha256",
		"p384-sha384",
		"p521-sha256",
		"p521-sha384",
		"p521-sha512",
	] {
		let der = read(&format!("algorithms/{name}.der"));
		let certificate = Certificate::parse(&der).unwrap();
		let key = certificate.public_key().unwrap();
		assert_eq!(certificate.verify_signature(&key), Ok(()), "{name}");
		assert!(name.starts_with(&key.describe().to_lowercase().replace('-', "")), "{name}: {}", key.describe());
		assert_eq!(StoredCertificate::of(&der).unwrap().role, Role::Root);
		// Flip a bit of what is signed (in the name), and one of the signature.
		for at in [der.windows(7).position(|window| window == b"Fixture").unwrap(), der.len() - 1] {
			let mut forged = der.clone();
			forged[at] ^= 1;
			let forged = Certificate::parse(&forged).unwrap();
			assert_eq!(forged.verify_signature(&key), Err(Error::Signature), "{name}");
		}
	}
	let refused = |name: &str| {
		let der = read(&format!("algorithms/{name}.der"));
		let certificate = Certificate::parse(&der).unwrap();
		let key = certificate.public_key()?;
		certificate.verify_signature(&key)
	};
	assert_eq!(refused("refused-sha1"), Err(Error::WeakHash));
	assert_eq!(refused("refused-pss"), Err(Error::SignatureAlgorithm));
	assert_eq!(refused("refused-ed25519"), Err(Error::PublicKeyAlgorithm));
	// A root's own signature may be of SHA-1: nothing rests on it.
	assert!(StoredCertificate::new(Role::Root, &read("algorithms/refused-sha1.der")).is_ok());
	assert_eq!(StoredCertificate::new(Role::Intermediate, &read("algorithms/refused-sha1.der")), Err(Error::WeakHash));
}

#[test]
fn revoked_refuses_what_openssl_has_revoked() {
	let (ca, list) = (read("list/ca.der"), read("list/list.der"));
	let list = RevocationList::parse(&list).unwrap();
	assert_eq!((list.len(), list.number()), (1, Some(&[5][..])));
	assert_eq!(list.check_issuer(&Certificate::parse(&ca).unwrap()), Ok(()));
	let judge = |name: &str, lists: &[RevocationList<'_>]| {
		let der = read(name);
		let at = begin(&[&ca, &der]).max(list.this_update() as u64);
		let policy = Policy { lists, list_grace: Some(0), ..Policy::at(at) };
		verify_ek(&der, &[], &store(&[&ca]), &policy).map(|_| ())
	};
	assert_eq!(judge("list/good.der", &[list]), Ok(()));
	assert_eq!(judge("list/revoked.der", &[]), Ok(()));
	assert_eq!(judge("list/revoked.der", &[list]), Err(Error::Revoked));
}

#[test]
fn a_store_survives_its_encoding() {
	use codec::{Decode, Encode, MaxEncodedLen};
	let mut store = TrustStore::default();
	for name in ["swtpm/root.der", "swtpm/ca.der", "list/ca.der"] {
		store.insert(StoredCertificate::of(&read(name)).unwrap()).unwrap();
	}
	let encoded = store.encode();
	assert!(encoded.len() <= TrustStore::max_encoded_len());
	assert_eq!(TrustStore::decode(&mut encoded.as_slice()).unwrap(), store);
}
