//! `elapse tpm verify-quote`.

use std::path::PathBuf;

use ep_tpm::{
	AllowedPcrs, AttestationKey, Error as Rule, HashAlgorithm, Name, PcrSelection, PublicArea, QuoteAttestation,
	Signature,
};
use serde_json::json;

use super::{
	files::{hexadecimal, public_area, public_file, signature, PublicFile},
	log,
	pcrs::{selection, selection_text, PcrFile},
	platform, rules, KeyArguments,
};
use crate::{
	input::{read, Error},
	report::Report,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
	#[command(flatten)]
	key: KeyArguments,
	/// The quote (TPMS_ATTEST), as `tpm2_quote -m` writes it.
	#[arg(long, value_name = "FILE")]
	quote: PathBuf,
	/// Its signature, as `tpm2_quote -s` writes it, `tss` or `plain`.
	#[arg(long, value_name = "FILE")]
	signature: PathBuf,
	/// The nonce that the quote must be under, whole, in hexadecimal.
	#[arg(long, value_name = "HEX")]
	nonce: String,
	/// The PCR values, as `tpm2_quote -o` writes them, `serialized` or `values`; or JSON from numbers to hexadecimal.
	#[arg(long, value_name = "FILE")]
	pcrs: Option<PathBuf>,
	/// The PCRs that must have been quoted, such as sha256:0,1,7, exactly and in this order of banks.
	#[arg(long, value_name = "SELECTION", conflicts_with = "policy")]
	select: Option<String>,
	/// What they must hold: a platform policy as JSON.
	#[arg(long, value_name = "FILE", requires = "pcrs")]
	policy: Option<PathBuf>,
	/// The measured-boot event log, which must add up to the quoted PCRs.
	#[arg(long, value_name = "FILE", requires = "pcrs")]
	eventlog: Option<PathBuf>,
	/// Print JSON.
	#[arg(long)]
	pub(super) json: bool,
}

/// Judges.
pub(super) fn run(arguments: &Arguments) -> Result<Report, Error> {
	let mut report = Report::default();
	let signature = read(&arguments.signature)?;
	let nonce = hexadecimal("--nonce", &arguments.nonce)?;
	let attest = read(&arguments.quote)?;
	let ek_name = ek_name(&mut report, &arguments.key)?;
	let key = attestation_key(&mut report, &arguments.key, &signature)?;

	let form: Vec<Rule> = rules::ATTESTATION.iter().copied().chain([Rule::PcrSelectionForm]).collect();
	let quote = report.stage("quote", &form, QuoteAttestation::parse(&attest));
	if let Some(quote) = &quote {
		facts(&mut report, quote);
		report.stage("quote", &[Rule::Nonce], held(quote.extra_data == nonce, Rule::Nonce));
		report.stage("quote", &[Rule::ClockNotSafe], held(quote.clock_info.safe, Rule::ClockNotSafe));
	} else {
		report.skip(&[Rule::Nonce, Rule::ClockNotSafe], "the quote does not parse");
	}
	verify_signature(&mut report, key.as_ref(), &attest, &signature);
	if let (Some(ek_name), Some(key), Some(quote)) = (&ek_name, &key, &quote) {
		report.stage("quote", &[Rule::QualifiedSigner], quote.signed_under_ek(&key.key, ek_name));
	} else if arguments.key.ek.is_some() {
		report.skip(&[Rule::QualifiedSigner], "for want of key or quote");
	}
	pcrs(&mut report, arguments, key.as_ref(), quote.as_ref())?;
	Ok(report)
}

/// Wraps a Boolean rule.
pub(super) fn held(holds: bool, rule: Rule) -> Result<(), Rule> {
	if holds {
		Ok(())
	} else {
		Err(rule)
	}
}

/// The key, and the form that its signatures have.
pub(super) struct Key {
	pub(super) key: AttestationKey,
	area: Vec<u8>,
}

/// The Name of `--ek`, which must be an endorsement key.
pub(super) fn ek_name(report: &mut Report, arguments: &KeyArguments) -> Result<Option<Name>, Error> {
	let Some(path) = &arguments.ek else {
		report.fact("ek", "not given: whose TPM the key is in was not checked");
		return Ok(None);
	};
	let area = public_area(path)?;
	let form: Vec<Rule> = rules::PUBLIC_AREA.iter().chain(rules::EK_TEMPLATE).copied().collect();
	let ek = report.stage("endorsement key", &form, ep_tpm::EndorsementKey::parse(&area));
	if let Some(ek) = &ek {
		report.fact("ekName", ek.name().to_string());
	}
	Ok(ek.map(|ek| *ek.name()))
}

/// The attestation key of `--ak`.
pub(super) fn attestation_key(
	report: &mut Report,
	arguments: &KeyArguments,
	signature: &[u8],
) -> Result<Option<Key>, Error> {
	let (area, bare) = match public_file(&arguments.ak)? {
		PublicFile::Area(area) => (area, false),
		PublicFile::Key(key) => {
			// The hash is the signature's own, or else the common one.
			let hash = match Signature::parse(signature) {
				Ok(Signature::Rsassa { hash, .. } | Signature::Ecdsa { hash, .. }) => hash,
				Err(_) => HashAlgorithm::Sha256,
			};
			(key.as_attestation_key(hash), true)
		}
	};
	let kind = match PublicArea::parse(&area).map(|area| area.key) {
		Ok(ep_tpm::public::PublicKey::Rsa { .. }) => rules::RSA_KEY,
		Ok(ep_tpm::public::PublicKey::Ecc { .. }) => rules::ECC_KEY,
		Err(_) => &[],
	};
	let parsed = AttestationKey::parse(&area);
	if bare {
		if arguments.key_only {
			report
				.fact("attributes", "not checked (--key-only): a key that signs anything can sign forged attestations");
		} else {
			report.skip(rules::KEY_ATTRIBUTES, "attestation key: a key alone does not say (--key-only to go without)");
		}
		return Ok(report.stage("attestation key", kind, parsed).map(|key| Key { key, area }));
	}
	let form: Vec<Rule> = rules::PUBLIC_AREA.iter().chain(rules::KEY_ATTRIBUTES).chain(kind).copied().collect();
	let key = report.stage("attestation key", &form, parsed);
	if let Some(key) = &key {
		report.fact("akName", key.name().to_string());
	}
	Ok(key.map(|key| Key { key, area }))
}

/// Rules S, over the signature in its one accepted form.
pub(super) fn verify_signature(report: &mut Report, key: Option<&Key>, attest: &[u8], file: &[u8]) {
	let Some(Key { key, area }) = key else {
		report.skip(rules::SIGNATURE, "signature: for want of a key");
		return;
	};
	let marshalled = match PublicArea::parse(area) {
		Ok(area) => signature(file, &area),
		Err(_) => file.to_vec(),
	};
	let normal = key.normalise_signature(&marshalled);
	if normal.as_ref().is_ok_and(|normal| *normal != marshalled) {
		// What a chip returns: s in either half, parts with or without leading zeros.
		report.fact("signatureNormalised", true);
	}
	let verified = normal.and_then(|normal| key.verify(attest, &normal));
	report.stage("signature", rules::SIGNATURE, verified);
}

fn facts(report: &mut Report, quote: &QuoteAttestation) {
	report.fact("qualifiedSigner", quote.qualified_signer.to_string());
	report.fact("extraData", hex::encode(&quote.extra_data));
	report.fact("clockInfo", json!(quote.clock_info));
	report.fact("firmwareVersion", format!("{:#018x}", quote.firmware_version));
	report.fact("selection", selection_text(&quote.pcr_selection));
	report.fact("pcrDigest", hex::encode(&quote.pcr_digest));
}

/// Rules Q3-Q5 and G.
fn pcrs(
	report: &mut Report,
	arguments: &Arguments,
	key: Option<&Key>,
	quote: Option<&QuoteAttestation>,
) -> Result<(), Error> {
	let policy = arguments.policy.as_ref().map(|path| platform::parse(&read(path)?)).transpose()?;
	let asked = match (&arguments.select, &policy) {
		(Some(text), _) => Some(selection(text)?),
		(None, Some(policy)) => Some(vec![policy.selection()]),
		(None, None) => None,
	};
	let (Some(key), Some(quote)) = (key, quote) else {
		if asked.is_some() || arguments.pcrs.is_some() {
			report.skip(&[Rule::PcrSelection, Rule::PcrValues, Rule::PcrDigest], "for want of key or quote");
		}
		if arguments.eventlog.is_some() {
			report.skip(&[Rule::LogReplay], "for want of key or quote");
		}
		return Ok(());
	};
	if let Some(asked) = &asked {
		report.stage("quote", &[Rule::PcrSelection], held(quote.pcr_selection == *asked, Rule::PcrSelection));
	}
	let Some(path) = &arguments.pcrs else {
		report.fact("pcrs", "not given: what the PCRs hold was not checked");
		return Ok(());
	};
	let file = PcrFile::parse(&read(path)?, &quote.pcr_selection)?;
	if let Some(named) = &file.selection {
		let same = trimmed(named) == trimmed(&quote.pcr_selection);
		report.stage("PCR file", &[Rule::PcrSelection], held(same, Rule::PcrSelection));
	}
	let values = file.values();
	let hash = key.key.hash_algorithm();
	let held_against = quote.verify_pcrs(hash, &quote.pcr_selection, &values);
	let good = report.stage("PCR file", &[Rule::PcrValues, Rule::PcrDigest], held_against).is_some();
	if good {
		let mut rest = values.iter();
		let mut banks = serde_json::Map::new();
		for bank in &quote.pcr_selection {
			let pcrs: serde_json::Map<_, _> = bank
				.pcrs()
				.zip(rest.by_ref())
				.map(|(pcr, value)| (format!("{pcr:02}"), hex::encode(value).into()))
				.collect();
			banks.insert(super::files::hash_name(bank.bank), pcrs.into());
		}
		report.fact("pcrs", banks);
	}
	if let Some(path) = &arguments.eventlog {
		log::beside_quote(report, &read(path)?, &quote.pcr_selection, good.then_some(values.as_slice()));
	}
	let Some(policy) = policy else { return Ok(()) };
	let form = report.stage("policy", &[Rule::PolicyForm], policy.check_form());
	if policy.min_firmware > 0 && arguments.key.ek.is_none() {
		report.skip(&[Rule::FirmwareFloor], "the version is plain only under an EK: give --ek");
	} else {
		report.stage("policy", &[Rule::FirmwareFloor], policy.check_firmware(quote));
	}
	let rule = match policy.allowed {
		AllowedPcrs::Each(_) => Rule::PcrNotAllowed,
		AllowedPcrs::Composite(_) => Rule::CompositeNotAllowed,
	};
	if form.is_none() {
		report.skip(&[rule], "policy: its form is wrong");
	} else if good {
		report.stage("policy", &[rule], policy.check_values(quote, &values));
	} else {
		report.skip(&[rule], "policy: the values are not those of the quote");
	}
	Ok(())
}

/// tpm2-tools may write a bitmap longer than the TPM's own, with zeros.
fn trimmed(selection: &[PcrSelection]) -> Vec<(u16, Vec<usize>)> {
	selection.iter().map(|bank| (bank.bank, bank.pcrs().collect())).collect()
}
