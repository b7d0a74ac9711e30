//! `elapse tpm inspect`: what a file is, by trying every parser, each of which takes whole files only.

use std::path::Path;

use ep_tpm::{
	public::{strip_tpm2b, ObjectAttributes, PublicKey, Scheme},
	AttestationKey, CertifyAttestation, CreationAttestation, CreationData, Credential, EndorsementKey, EventLog, Name,
	PublicArea, QuoteAttestation, Signature, TimeAttestation,
};
use serde_json::{json, Map, Value};

use super::{
	files::{bare_key, hash_name, BareKey},
	pcrs::{selection_text, serialized},
};
use crate::{
	input::{read, Error},
	report::{Check, Outcome, Report},
};

/// What a file is called, and its fields.
type Found = (&'static str, Map<String, Value>);
/// One parser.
type Recogniser = fn(&[u8]) -> Option<Found>;

/// Shows every field, or fails if no parser takes the file.
pub(super) fn run(path: &Path) -> Result<Report, Error> {
	let bytes = read(path)?;
	let recognisers: [Recogniser; 6] = [credential, attestation, public, signature, keys, others];
	let found = recognisers.iter().find_map(|recognise| recognise(&bytes));
	// Then what it may be inside a TPM2B.
	let inner = strip_tpm2b(&bytes).ok();
	let (kind, fields, wrapped) = match (found, inner) {
		(Some((kind, fields)), _) => (kind, fields, false),
		(None, Some(inner)) => match recognisers.iter().find_map(|recognise| recognise(inner)) {
			Some((kind, fields)) => (kind, fields, true),
			None => return Err(unknown(path, &bytes)),
		},
		(None, None) => return Err(unknown(path, &bytes)),
	};
	let mut report = Report { facts: fields, ..Report::default() };
	let kind = if wrapped { format!("{kind} in a TPM2B") } else { kind.to_owned() };
	report.checks.push(Check { rule: "recognised".into(), outcome: Outcome::Pass, detail: kind });
	Ok(report)
}

fn unknown(path: &Path, bytes: &[u8]) -> Error {
	// The head says what it was meant to be, so say what is wrong with it.
	let hint = match bytes {
		[0xff, 0x54, 0x43, 0x47, 0x80, 0x17, ..] => {
			CertifyAttestation::parse(bytes).err().map(|error| error.to_string())
		}
		[0xff, 0x54, 0x43, 0x47, 0x80, 0x1a, ..] => {
			CreationAttestation::parse(bytes).err().map(|error| error.to_string())
		}
		[0xff, 0x54, 0x43, 0x47, 0x80, 0x18, ..] => QuoteAttestation::parse(bytes).err().map(|error| error.to_string()),
		[0xff, 0x54, 0x43, 0x47, 0x80, 0x19, ..] => TimeAttestation::parse(bytes).err().map(|error| error.to_string()),
		[0x00, 0x01 | 0x23, ..] => PublicArea::parse(bytes).err().map(|error| error.to_string()),
		_ => None,
	};
	let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
	Error::Usage(format!("{} is no file that is known here{hint}", path.display()))
}

fn fields(value: Value) -> Map<String, Value> {
	match value {
		Value::Object(map) => map,
		other => Map::from_iter([("value".to_owned(), other)]),
	}
}

fn scheme(scheme: Scheme) -> Value {
	json!({ "algorithm": format!("{:#06x}", scheme.algorithm), "hash": scheme.hash.map(hash_name) })
}

fn attributes(attributes: ObjectAttributes) -> Value {
	const NAMES: [(u32, &str); 10] = [
		(ObjectAttributes::FIXED_TPM, "fixedTPM"),
		(ObjectAttributes::ST_CLEAR, "stClear"),
		(ObjectAttributes::FIXED_PARENT, "fixedParent"),
		(ObjectAttributes::SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin"),
		(ObjectAttributes::USER_WITH_AUTH, "userWithAuth"),
		(ObjectAttributes::ADMIN_WITH_POLICY, "adminWithPolicy"),
		(ObjectAttributes::NO_DA, "noDA"),
		(ObjectAttributes::RESTRICTED, "restricted"),
		(ObjectAttributes::DECRYPT, "decrypt"),
		(ObjectAttributes::SIGN, "sign"),
	];
	let known = NAMES.iter().fold(0, |known, (bit, _)| known | bit);
	let mut names: Vec<String> =
		NAMES.iter().filter(|(bit, _)| attributes.has(*bit)).map(|(_, name)| (*name).to_owned()).collect();
	if attributes.0 & !known != 0 {
		names.push(format!("{:#010x}", attributes.0 & !known));
	}
	json!(names)
}

fn public(bytes: &[u8]) -> Option<Found> {
	let area = PublicArea::parse(bytes).ok()?;
	let (kind, key) = match area.key {
		PublicKey::Rsa { key_bits, exponent, modulus } => {
			("rsa", json!({ "bits": key_bits, "exponent": exponent, "modulus": hex::encode(modulus) }))
		}
		PublicKey::Ecc { curve, kdf, x, y } => (
			"ecc",
			json!({ "curve": format!("{curve:#06x}"), "kdf": scheme(kdf), "x": hex::encode(x), "y": hex::encode(y) }),
		),
	};
	let role = |result: Result<(), ep_tpm::Error>| match result {
		Ok(()) => "yes".to_owned(),
		Err(error) => format!("no: {error}"),
	};
	Some((
		"TPMT_PUBLIC",
		fields(json!({
			"name": Name::of_public(bytes).ok()?.to_string(),
			"nameAlgorithm": hash_name(area.name_hash.id()),
			"attributes": attributes(area.attributes),
			"authPolicy": hex::encode(area.auth_policy),
			"symmetric": area.symmetric.map(|symmetric| json!({
				"algorithm": format!("{:#06x}", symmetric.algorithm),
				"bits": symmetric.key_bits,
				"mode": format!("{:#06x}", symmetric.mode),
			})),
			"scheme": scheme(area.scheme),
			"type": kind,
			"key": key,
			"isAttestationKey": role(AttestationKey::parse(bytes).map(|_| ())),
			"isEndorsementKey": role(EndorsementKey::parse(bytes).map(|_| ())),
		})),
	))
}

fn attestation(bytes: &[u8]) -> Option<Found> {
	if let Ok(quote) = QuoteAttestation::parse(bytes) {
		return Some((
			"TPMS_ATTEST of a quote",
			fields(json!({
				"qualifiedSigner": quote.qualified_signer.to_string(),
				"extraData": hex::encode(&quote.extra_data),
				"clockInfo": quote.clock_info,
				"firmwareVersion": format!("{:#018x}", quote.firmware_version),
				"selection": selection_text(&quote.pcr_selection),
				"pcrDigest": hex::encode(&quote.pcr_digest),
			})),
		));
	}
	if let Ok(certified) = CertifyAttestation::parse(bytes) {
		return Some((
			"TPMS_ATTEST of an object",
			fields(json!({
				"qualifiedSigner": certified.qualified_signer.to_string(),
				"extraData": hex::encode(&certified.extra_data),
				"clockInfo": certified.clock_info,
				"firmwareVersion": format!("{:#018x}", certified.firmware_version),
				"name": certified.name.to_string(),
				"qualifiedName": certified.qualified_name.to_string(),
			})),
		));
	}
	if let Ok(created) = CreationAttestation::parse(bytes) {
		return Some((
			"TPMS_ATTEST of a creation",
			fields(json!({
				"qualifiedSigner": created.qualified_signer.to_string(),
				"extraData": hex::encode(&created.extra_data),
				"clockInfo": created.clock_info,
				"firmwareVersion": format!("{:#018x}", created.firmware_version),
				"name": created.name.to_string(),
				"creationHash": hex::encode(&created.creation_hash),
			})),
		));
	}
	let time = TimeAttestation::parse(bytes).ok()?;
	Some((
		"TPMS_ATTEST of the time",
		fields(json!({
			"qualifiedSigner": time.qualified_signer.to_string(),
			"extraData": hex::encode(&time.extra_data),
			"time": time.time,
			"clockInfo": time.clock_info,
			"firmwareVersion": format!("{:#018x}", time.firmware_version),
		})),
	))
}

fn signature(bytes: &[u8]) -> Option<Found> {
	let found = match Signature::parse(bytes).ok()? {
		Signature::Rsassa { hash, signature } => {
			json!({ "scheme": "rsassa", "hash": hash_name(hash.id()), "signature": hex::encode(signature) })
		}
		Signature::Ecdsa { hash, r, s } => {
			json!({ "scheme": "ecdsa", "hash": hash_name(hash.id()), "r": hex::encode(r), "s": hex::encode(s) })
		}
	};
	Some(("TPMT_SIGNATURE", fields(found)))
}

fn credential(bytes: &[u8]) -> Option<Found> {
	let credential = Credential::from_file(bytes).ok()?;
	let found = json!({
		"idObject": hex::encode(&credential.id_object),
		"encryptedSecret": hex::encode(&credential.encrypted_secret),
	});
	Some(("a credential for tpm2_activatecredential", fields(found)))
}

fn keys(bytes: &[u8]) -> Option<Found> {
	let found = match bare_key(bytes)? {
		BareKey::Rsa { modulus, exponent } => {
			json!({ "type": "rsa", "bits": modulus.len() * 8, "exponent": exponent, "modulus": hex::encode(modulus) })
		}
		BareKey::Ecc { curve, x, y } => {
			json!({ "type": "ecc", "curve": format!("{curve:#06x}"), "x": hex::encode(x), "y": hex::encode(y) })
		}
	};
	Some(("a public key alone (SubjectPublicKeyInfo)", fields(found)))
}

fn others(bytes: &[u8]) -> Option<Found> {
	if let Some(file) = serialized(bytes) {
		let values: Vec<String> = file.values.iter().map(hex::encode).collect();
		let found = json!({ "selection": selection_text(&file.selection.unwrap_or_default()), "values": values });
		return Some(("PCR values, serialized", fields(found)));
	}
	if let Ok(data) = CreationData::parse(bytes) {
		let parent = data.parent.map(
			|parent| json!({ "name": parent.name.to_string(), "qualifiedName": parent.qualified_name.to_string() }),
		);
		let found = json!({
			"selection": selection_text(&data.pcr_selection),
			"pcrDigest": hex::encode(&data.pcr_digest),
			"locality": data.locality,
			"parent": parent,
			"outsideInfo": hex::encode(&data.outside_info),
		});
		return Some(("TPMS_CREATION_DATA", fields(found)));
	}
	if let Ok(log) = EventLog::parse(bytes) {
		let banks: Vec<String> = log.banks.iter().map(|bank| hash_name(bank.algorithm)).collect();
		let found = json!({ "cryptoAgile": log.crypto_agile, "banks": banks, "events": log.events.len() });
		return Some(("a measured-boot event log (see `elapse tpm eventlog`)", fields(found)));
	}
	let name = Name::from_bytes(bytes).ok()?;
	Some(("a Name", fields(json!({ "name": name.to_string(), "algorithm": hash_name(name.hash_algorithm().id()) }))))
}
