//! Evidence from other projects, row by row of `expected-quotes.json`: what it is, and how it must come out. The files are
//! not part of this repository: `ELAPSE_TPM_VECTORS` names the folder that they lie in. Without it this says so and passes.
//!
//! A row names a file and a check, and the verdict: `good`, or `refused` with the rule that must refuse it. Rows about the
//! same file with another nonce, key or log are forgeries made out of real evidence. `source` says whose word a value is.

mod common;

use std::{collections::BTreeMap, fs, path::PathBuf};

use common::Public;
use ep_tpm::{
	eventlog::SecureBoot, public::strip_tpm2b, verify_quote, AttestationKey, Credential, EndorsementKey, Error,
	EventLog, Name, PcrSelection, Randomness,
};
use rsa::{pkcs8::DecodePublicKey, traits::PublicKeyParts};
use serde_json::Value;

struct Row<'a> {
	root: PathBuf,
	fields: &'a Value,
}

impl Row<'_> {
	fn text(&self, field: &str) -> Option<&str> {
		self.fields[field].as_str()
	}

	/// The file that a field names.
	fn file(&self, field: &str) -> Option<Vec<u8>> {
		let path = self.root.join(self.text(field)?);
		Some(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
	}

	fn bank(&self) -> u16 {
		match self.text("bank").unwrap() {
			"sha1" => 0x0004,
			"sha256" => 0x000B,
			"sha384" => 0x000C,
			"sha512" => 0x000D,
			other => panic!("{other}"),
		}
	}

	fn judge(&self) -> Result<(), Error> {
		let file = self.file("file").unwrap();
		match self.text("check").unwrap() {
			"attestation-key" => AttestationKey::parse(&area(&file)).map(|_| ()),
			"endorsement-key" => EndorsementKey::parse(&area(&file)).map(|_| ()),
			"name" => {
				assert_eq!(Name::of_public(&area(&file))?.as_bytes(), self.file("name").unwrap());
				Ok(())
			}
			"quote" => self.quote(&file),
			"eventlog" => self.eventlog(file),
			"credential" => self.credential(&file),
			"credential-file" => {
				let credential = Credential::from_file(&file)?;
				assert_eq!(credential.to_file(), file);
				Ok(())
			}
			other => panic!("{other}"),
		}
	}

	fn quote(&self, attest: &[u8]) -> Result<(), Error> {
		let key = AttestationKey::parse(&area(&self.file("ak").unwrap()))?;
		let nonce = hex::decode(self.text("nonce").unwrap()).unwrap();
		let quote = verify_quote(&key, attest, &self.file("signature").unwrap(), &nonce)?;
		if let Some(ek) = self.file("ek") {
			quote.signed_under_ek(&key, &Name::of_public(&area(&ek))?)?;
		}
		let (selection, values) = match self.file("pcrs") {
			Some(json) => {
				let values: BTreeMap<u8, String> = serde_json::from_slice(&json).unwrap();
				let values = values.values().map(|value| hex::decode(value).unwrap()).collect();
				(PcrSelection { bank: self.bank(), bitmap: vec![0xff; 3] }, values)
			}
			None => serialized(&self.file("serialized").unwrap()),
		};
		let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
		quote.verify_pcrs(key.hash_algorithm(), std::slice::from_ref(&selection), &values)?;
		let Some(log) = self.file("log") else { return Ok(()) };
		let replayed = EventLog::parse(&log)?.replay(self.bank())?;
		// What firmware accounts for: PCR 0 to 7, and what its log extends.
		let mut accounted = PcrSelection { bank: self.bank(), bitmap: vec![0; 3] };
		let mut kept = Vec::new();
		for (pcr, value) in selection.pcrs().zip(values) {
			if pcr < 8 || replayed.extended.contains_key(&pcr) {
				accounted.bitmap[pcr / 8] |= 1 << (pcr % 8);
				kept.push(value);
			}
		}
		replayed.check(&accounted, &kept)
	}

	fn eventlog(&self, mut bytes: Vec<u8>) -> Result<(), Error> {
		if let Some(cut) = self.fields["cut"].as_u64() {
			bytes.truncate(bytes.len() - cut as usize);
		}
		if let Some(at) = self.fields["flip"].as_u64() {
			bytes[at as usize] ^= 0xff;
		}
		let log = EventLog::parse(&bytes)?;
		let replayed = log.replay(self.bank())?;
		for (pcr, value) in self.fields["pcrs"].as_object().unwrap() {
			let pcr: usize = pcr.parse().unwrap();
			let mut selection = PcrSelection { bank: self.bank(), bitmap: vec![0; 3] };
			selection.bitmap[pcr / 8] = 1 << (pcr % 8);
			replayed.check(&selection, &[&hex::decode(value.as_str().unwrap()).unwrap()])?;
		}
		let secure_boot = match log.summary(self.bank())?.secure_boot {
			SecureBoot::Enabled => "enabled",
			SecureBoot::Disabled => "disabled",
			SecureBoot::Unknown => "unknown",
		};
		assert_eq!(Some(secure_boot), self.text("secureBoot"));
		Ok(())
	}

	/// A known answer. Of the RSA one only what does not hang on OAEP's own randomness is known.
	fn credential(&self, json: &[u8]) -> Result<(), Error> {
		let all: Value = serde_json::from_slice(json).unwrap();
		let known = &all[self.text("key").unwrap()];
		let bytes = |field: &str| hex::decode(known[field].as_str().unwrap_or_default()).unwrap();
		let ek = EndorsementKey::parse(&area(&bytes("ek_tpm2b_public")))?;
		let object = Name::from_bytes(&bytes("ak_name"))?;
		let (seed, ephemeral);
		let randomness = match known["ephemeral_priv_dec"].as_str() {
			Some(decimal) => {
				let number = rsa::BigUint::parse_bytes(decimal.as_bytes(), 10).unwrap();
				ephemeral = number.to_bytes_be();
				Randomness::Ecc { ephemeral: &ephemeral }
			}
			None => {
				seed = bytes("seed");
				Randomness::Rsa { seed: &seed, oaep_seed: &[0; 32] }
			}
		};
		let made = ek.make_credential_with(&object, &bytes("secret"), randomness)?.to_file();
		let (whole, prefix) = (bytes("expected"), bytes("expected_prefix80"));
		assert!(if prefix.is_empty() { made == whole } else { made.starts_with(&prefix) }, "{}", hex::encode(made));
		Ok(())
	}
}

/// A public area, out of its TPM2B, or written around a key in PEM, of which nothing more was published.
fn area(file: &[u8]) -> Vec<u8> {
	if let Ok(pem) = std::str::from_utf8(file) {
		let key = rsa::RsaPublicKey::from_public_key_der(&common::pem(pem)).unwrap();
		return Public::rsa_with(2048, 0, key.n().to_bytes_be()).bytes();
	}
	strip_tpm2b(file).unwrap_or(file).to_vec()
}

/// Of the `serialized` format of tpm2_quote: one bank, one list of digests.
fn serialized(file: &[u8]) -> (PcrSelection, Vec<Vec<u8>>) {
	let bitmap = file[7..7 + usize::from(file[6])].to_vec();
	let count = file[4 + 16 * 8 + 4];
	let digest = |index: usize| {
		let at = 4 + 16 * 8 + 4 + 4 + index * 66;
		file[at + 2..at + 2 + usize::from(file[at])].to_vec()
	};
	let bank = u16::from_le_bytes([file[4], file[5]]);
	(PcrSelection { bank, bitmap }, (0..usize::from(count)).map(digest).collect())
}

fn rule(error: Error) -> String {
	error.to_string().split(':').next().unwrap().to_lowercase().replace(' ', "-")
}

#[test]
fn every_row_comes_out_as_expected() {
	let Some(root) = common::vectors() else { return };
	let rows: Vec<Value> = serde_json::from_str(include_str!("expected-quotes.json")).unwrap();
	let mut wrong = 0;
	for fields in &rows {
		let row = Row { root: root.clone(), fields };
		let found = match row.judge() {
			Ok(()) => "good".to_owned(),
			Err(error) => format!("refused: {}", rule(error)),
		};
		let expected = match row.text("rule") {
			Some(rule) => format!("{}: {rule}", row.text("verdict").unwrap()),
			None => row.text("verdict").unwrap().to_owned(),
		};
		let mark = if found == expected { "ok   " } else { "WRONG" };
		wrong += usize::from(found != expected);
		let what = [row.text("file").unwrap(), row.text("key").unwrap_or("")].join(" ");
		println!("{mark} {:<16} {found:<28} {expected:<28} {what}", row.text("check").unwrap());
	}
	println!("{} rows, {wrong} wrong", rows.len());
	assert_eq!(wrong, 0);
}
