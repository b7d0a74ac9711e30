//! Quotes from other projects, of other TPMs. They are not part of this repository: `ELAPSE_TPM_VECTORS` names a folder
//! with them (`google/go-tpm-tools` and `keylime/keylime`, each with its own tree below). Without it these tests are
//! skipped, and say so.

mod common;

use std::fs;

use common::Public;
use ep_tpm::{public::strip_tpm2b, verify_quote, AttestationKey, Error, HashAlgorithm, Name, PcrSelection};
use rsa::{pkcs8::DecodePublicKey, traits::PublicKeyParts};

fn vectors(folder: &str) -> Option<impl Fn(&str) -> Vec<u8>> {
	let root = common::vectors()?.join(folder);
	Some(move |path: &str| {
		let path = root.join(path);
		fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
	})
}

/// The values of a flat JSON object whose keys are 0, 1, 2, ... and whose values are hexadecimal.
fn values(json: &[u8]) -> Vec<Vec<u8>> {
	let text = String::from_utf8(json.to_vec()).unwrap();
	let mut strings = text.split('"').skip(1).step_by(2);
	let mut values = Vec::new();
	while let (Some(key), Some(value)) = (strings.next(), strings.next()) {
		assert_eq!(key, values.len().to_string());
		values.push(hex::decode(value).unwrap());
	}
	values
}

#[test]
fn quotes_of_google_machines_verify_with_their_pcr_values() {
	let Some(read) = vectors("google/go-tpm-tools/internal/test/attestations") else { return };
	for (folder, nonce) in
		[("gce-cos-85-no-nonce.extracted", &[][..]), ("gce-cos-85-nonce9009.extracted", &[0x90, 0x09])]
	{
		let key = AttestationKey::parse(&read(&format!("{folder}/akpub.tpmt_public.bin"))).unwrap();
		for (bank_name, bank) in [("sha1", 0x0004), ("sha256", 0x000B), ("sha384", 0x000C)] {
			let file = |kind: &str| read(&format!("{folder}/quote_{bank_name}.{kind}"));
			let (attest, signature) = (file("tpms_attest.bin"), file("tpmt_signature.bin"));
			let quote = verify_quote(&key, &attest, &signature, nonce).unwrap();
			let values = values(&file("pcrs.json"));
			let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
			let policy = [PcrSelection { bank, bitmap: vec![0xff; 3] }];
			assert_eq!(quote.verify_pcrs(HashAlgorithm::Sha256, &policy, &values), Ok(()), "{folder} {bank_name}");
			assert_eq!(verify_quote(&key, &attest, &signature, b"other"), Err(Error::Nonce));
		}
	}
}

#[test]
fn keylimes_quote_and_names_verify() {
	let Some(read) = vectors("keylime/keylime/test-data/files") else { return };
	let (ak, ek) = (read("ak.pub"), read("ek.pub"));
	let key = AttestationKey::parse(strip_tpm2b(&ak).unwrap()).unwrap();
	assert_eq!(key.name().as_bytes(), read("ak.name"));
	let nonce = hex::decode("db1db298db6d60e6385b7231743e9c3056a18003").unwrap();
	let quote = verify_quote(&key, &read("quote.out"), &read("quotesig.out"), &nonce).unwrap();
	assert_eq!(quote.pcr_selection, [PcrSelection { bank: 0x000B, bitmap: vec![0x00, 0x80, 0x41] }]);
	let ek_name = Name::of_public(strip_tpm2b(&ek).unwrap()).unwrap();
	assert_eq!(quote.signed_under_ek(&key, &ek_name), Ok(()));
}

#[test]
fn keylimes_quote_of_a_long_running_tpm_verifies() {
	let Some(read) = vectors("keylime/keylime/keylime/tpm/tpm_util_test") else { return };
	// Only the key's PEM is published, so its public area is written here around the modulus.
	let pem = String::from_utf8(read("aik.pem")).unwrap();
	let rsa = rsa::RsaPublicKey::from_public_key_der(&common::pem(&pem)).unwrap();
	let key = AttestationKey::parse(&Public::rsa_with(2048, 0, rsa.n().to_bytes_be()).bytes()).unwrap();
	let nonce = read("nonce.txt");
	let quote = verify_quote(&key, &read("quoteblob.bin"), &read("sigblob.bin"), nonce.trim_ascii_end()).unwrap();
	assert_eq!(quote.pcr_selection, [PcrSelection { bank: 0x000B, bitmap: vec![0, 0, 1] }]);
	assert_eq!(quote.clock_info.reset_count, 3);
}
