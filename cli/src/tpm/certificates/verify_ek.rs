//! `elapse tpm verify-ek`.

use std::{
	collections::BTreeSet,
	path::{Path, PathBuf},
	time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use ep_tpm::{
	certificate::{
		describe_name, examine_ek, name_hash, trim_nv, Certificate, EndorsementKey, Error as Rule, Finding,
		Outcome as Found, Policy, RevocationList, Scope, Store, MAX_CANDIDATES,
	},
	model::{Denylist, TierTable},
	public::strip_tpm2b,
	PublicArea,
};
use serde_json::{json, Value};

use super::store::{fingerprint, Collection};
use crate::{
	input::{self, describe_time, Error},
	report::{Check, Outcome, Report, Verdict},
};

/// Verify the certificate of a TPM's endorsement key (EK), rule by rule.
///
/// The certificate must lead to a root among those given, by way of the intermediates given; each certificate of the
/// path must be valid at the time asked for and must be allowed to do what it does there, and the EK's must be one of an
/// EK that decrypts. Each rule is printed with its outcome; what the rules are is told by the documentation of the crate
/// ep-tpm, module certificate, under the same names.
///
/// Reads PEM and DER, also as tpm2_nvread and tpm2_getekcertificate write it: padding of 0xFF or 0x00 behind the
/// certificate is cut off, and said so.
///
/// Examples:
///   elapse tpm roots import certificates/ --out roots.json
///   elapse tpm verify-ek ek.der --roots roots.json
///   elapse tpm verify-ek ek.pem --roots root.pem --intermediate ca1.der ca2.pem --at 2024-01-01T00:00:00Z
#[derive(Debug, Args)]
#[command(
	verbatim_doc_comment,
	override_usage = "elapse tpm verify-ek <CERT> --roots <FILE|DIR>... [--intermediate <FILE>...] [OPTIONS]"
)]
pub(crate) struct VerifyEk {
	/// The certificate (PEM or DER; - for standard input).
	#[arg(value_name = "CERT")]
	certificate: PathBuf,
	/// Intermediate certificates, in any order (PEM, bundles too, or DER).
	#[arg(long, value_name = "FILE", num_args = 1..)]
	intermediate: Vec<PathBuf>,
	/// Whom to trust: a store made by `roots import`, PEM bundles, DER files, or folders of them. Self-issued CA
	/// certificates are roots, the others intermediates.
	#[arg(long, value_name = "FILE|DIR", num_args = 1.., required = true)]
	roots: Vec<PathBuf>,
	/// SHA-256 of a certificate among the roots that is to be trusted although it names another issuer.
	#[arg(long, value_name = "SHA256", value_parser = fingerprint)]
	anchor: Vec<[u8; 32]>,
	/// Revocation lists (PEM or DER). A list of an issuer that is not in the path changes nothing.
	#[arg(long, value_name = "FILE", num_args = 1..)]
	crl: Vec<PathBuf>,
	/// Refuse lists whose next one is overdue for longer than this. Without it, an old list is taken for what it says.
	#[arg(long, value_name = "SECONDS", requires = "crl")]
	crl_grace: Option<u64>,
	/// The EK's public area (TPMT_PUBLIC or TPM2B_PUBLIC), which must have the certified key.
	#[arg(long, value_name = "FILE")]
	public: Option<PathBuf>,
	/// Judge everything at this time: RFC 3339 or seconds since 1970. Now, if not given.
	#[arg(long, value_name = "TIME", value_parser = input::time)]
	at: Option<u64>,
	/// Print one JSON object.
	#[arg(long)]
	json: bool,
}

impl VerifyEk {
	pub(super) fn run(self) -> Result<Verdict, Error> {
		let at = match self.at {
			Some(at) => at,
			None => SystemTime::now()
				.duration_since(UNIX_EPOCH)
				.map_err(|_| Error::Usage("the clock of this machine is before 1970: use --at".into()))?
				.as_secs(),
		};
		let mut report = Report::default();
		let mut roots = Collection::with_anchors(&self.anchor);
		for path in &self.roots {
			roots.add(path)?;
		}
		if let Some(missing) = roots.missing_anchors().first() {
			return Err(Error::Usage(format!("--anchor {missing} is none of the certificates given with --roots")));
		}
		let file = one_certificate(&self.certificate)?;
		let certificate = trim(&file, &mut report);
		let given = intermediates(&self.intermediate)?;
		let given: Vec<&[u8]> = given.iter().map(Vec::as_slice).collect();
		let candidates = relevant(certificate, &given, &roots);
		let mut list_files = Vec::new();
		for path in &self.crl {
			list_files.extend(lists_in(path)?);
		}
		let lists = parse_lists(&list_files, &mut report);
		let policy = Policy { at, ek_at: None, lists: &lists, list_grace: self.crl_grace };

		let (findings, result) = examine_ek(certificate, &candidates, &roots.store, &policy);
		add_findings(&mut report, &findings, !self.crl.is_empty());
		report.facts.insert("at".into(), describe_time(i64::try_from(at).unwrap_or(i64::MAX)).into());
		add_certificate(&mut report, certificate);
		if let Ok(ek) = &result {
			add_key(&mut report, ek, &given, &roots);
		}
		if result == Err(Rule::TrustedRoot) {
			add_hint(&mut report, certificate, &given, &roots);
		}
		if !roots.left_out.is_empty() {
			report.facts.insert("certificates left out of the roots".into(), roots.left_out.len().into());
		}
		if let Some(path) = &self.public {
			check_public(&mut report, path, result.as_ref().ok())?;
		}
		report.print(self.json);
		Ok(report.verdict())
	}
}

/// The one certificate of a file; of a PEM bundle the first, as tools that write a chain put it.
fn one_certificate(path: &Path) -> Result<Vec<u8>, Error> {
	let found = input::certificates(path)?.into_iter().next();
	found.ok_or_else(|| Error::Format { path: path.to_path_buf(), reason: "no certificate, PEM or DER".into() })
}

/// The certificate without what an NV index adds. What is no padding stays, for the rule that refuses it.
fn trim<'a>(file: &'a [u8], report: &mut Report) -> &'a [u8] {
	match trim_nv(file) {
		Ok(certificate) if certificate.len() < file.len() => {
			let cut = file.len() - certificate.len();
			report.facts.insert("padding".into(), format!("{cut} bytes around the certificate were cut off").into());
			certificate
		}
		_ => file,
	}
}

fn intermediates(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, Error> {
	let mut all = Vec::new();
	for path in paths {
		let found = input::certificates(path)?;
		if found.is_empty() {
			return Err(Error::Format { path: path.clone(), reason: "no certificate, PEM or DER".into() });
		}
		all.extend(found.into_iter().map(|der| trim_nv(&der).map(<[u8]>::to_vec).unwrap_or(der)));
	}
	Ok(all)
}

/// Those of the intermediates that a path could use, since a bundle may hold more than the rules allow at once: whoever
/// has the name of an issuer that is wanted, and what cannot be read.
fn relevant<'a>(certificate: &[u8], given: &[&'a [u8]], roots: &Collection) -> Vec<&'a [u8]> {
	if given.len() <= MAX_CANDIDATES {
		return given.to_vec();
	}
	let issuer = |der: &[u8]| Certificate::parse(der).ok().and_then(|parsed| name_hash(parsed.issuer()).ok());
	let subject = |der: &[u8]| Certificate::parse(der).ok().and_then(|parsed| name_hash(parsed.subject()).ok());
	let mut wanted: Vec<[u8; 32]> = issuer(certificate).into_iter().collect();
	let mut seen = BTreeSet::new();
	let mut found = Vec::new();
	while let Some(name) = wanted.pop() {
		if !seen.insert(name) {
			continue;
		}
		wanted.extend(roots.store.of_subject(&name).iter().filter_map(|stored| issuer(&stored.certificate)));
		for der in given.iter().filter(|der| subject(der) == Some(name)) {
			wanted.extend(issuer(der));
			found.push(*der);
		}
	}
	found
}

fn lists_in(path: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
	let found = input::der_blocks(path, input::read(path)?, &["X509 CRL", "CRL"])?;
	if found.is_empty() {
		return Err(Error::Format { path: path.to_path_buf(), reason: "no revocation list, PEM or DER".into() });
	}
	Ok(found.into_iter().map(|der| (path.to_path_buf(), der)).collect())
}

/// The lists that have their form. One that has not fails its rule: whoever gave it wanted it to count.
fn parse_lists<'a>(files: &'a [(PathBuf, Vec<u8>)], report: &mut Report) -> Vec<RevocationList<'a>> {
	let mut lists = Vec::new();
	let mut facts = Vec::new();
	for (path, der) in files {
		match RevocationList::parse(der) {
			Ok(list) => {
				let next = list.next_update().map_or("unknown".into(), describe_time);
				facts.push(format!(
					"{}: {} revoked, made {}, next {next}",
					describe_name(list.issuer()),
					list.len(),
					describe_time(list.this_update())
				));
				lists.push(list);
			}
			Err(rule) => report.checks.push(Check {
				rule: rule.rule().into(),
				outcome: Outcome::Fail,
				detail: format!("{}: {}", path.display(), rule.meaning()),
			}),
		}
	}
	if !facts.is_empty() {
		report.facts.insert("revocation lists".into(), facts.into());
	}
	lists
}

fn add_findings(report: &mut Report, findings: &[Finding], with_lists: bool) {
	for Finding { scope, rule, outcome } in findings {
		if !with_lists && rule.number().starts_with("RL") {
			continue;
		}
		let whose = match scope {
			Scope::Certificate => rule.number().to_string(),
			Scope::Path => format!("{} of the path", rule.number()),
		};
		let (outcome, detail) = match outcome {
			Found::Pass => (Outcome::Pass, whose),
			Found::Fail => (Outcome::Fail, format!("{whose}: {}", rule.meaning())),
			Found::Skipped => (Outcome::Skipped, whose),
		};
		report.checks.push(Check { rule: rule.rule().into(), outcome, detail });
	}
}

/// What the certificate says, good or not.
fn add_certificate(report: &mut Report, der: &[u8]) {
	let Ok(certificate) = Certificate::parse(der) else { return };
	let mut fact = |name: &str, value: Value| report.facts.insert(name.into(), value);
	fact("fingerprint", hex::encode(certificate.fingerprint()).into());
	fact("issuer", describe_name(certificate.issuer()).into());
	fact("subject", describe_name(certificate.subject()).into());
	fact("serial number", hex::encode(certificate.serial()).into());
	fact("valid from", describe_time(certificate.not_before()).into());
	fact("valid to", describe_time(certificate.not_after()).into());
	if let Ok(key) = certificate.public_key() {
		fact("key", key.describe().into());
		fact("key hash", hex::encode(key.hash()).into());
	}
	if let Ok(tpm) = ep_tpm::certificate::TpmIdentity::of(&certificate) {
		fact("manufacturer", tpm.manufacturer.to_string().into());
		fact("model", tpm.model.as_str().into());
		fact("version", tpm.version.as_str().into());
		let tier = TierTable::defaults().tier(&tpm);
		fact("tier", tier.map_or_else(|unknown| unknown.to_string(), |tier| format!("{tier:?}").to_lowercase()).into());
		if let Some(rule) = Denylist::defaults().find(&tpm, tpm.firmware()) {
			// Not a matter of the certificate: the chip may run other firmware by now. An attestation tells.
			fact("advisory on the factory's firmware", rule.advisory.as_str().into());
		}
		if let Some(of) = &tpm.specification {
			fact("specification", format!("{} level {} revision {}", of.family, of.level, of.revision).into());
		}
	}
}

/// What only a good path tells.
fn add_key(report: &mut Report, ek: &EndorsementKey, given: &[&[u8]], roots: &Collection) {
	let name = |wanted: &[u8; 32]| {
		let stored = roots.store.iter().map(|stored| stored.certificate.as_slice());
		let of = |der: &[u8]| {
			Certificate::parse(der)
				.ok()
				.filter(|parsed| parsed.fingerprint() == *wanted)
				.map(|parsed| describe_name(parsed.subject()))
		};
		given.iter().copied().chain(stored).find_map(of)
	};
	let path: Vec<String> = ek
		.path
		.iter()
		.map(|link| match name(link) {
			Some(name) => format!("{} {name}", hex::encode(link)),
			None => hex::encode(link),
		})
		.collect();
	report.facts.insert("path".into(), json!(path));
	report.facts.insert("all of the path valid to".into(), describe_time(ek.earliest_not_after).into());
}

/// Where a path without a root ends, so that people know what is missing.
fn add_hint(report: &mut Report, certificate: &[u8], given: &[&[u8]], roots: &Collection) {
	let stored: Vec<&[u8]> = roots.store.iter().map(|stored| stored.certificate.as_slice()).collect();
	let all: Vec<Certificate<'_>> =
		given.iter().chain(&stored).filter_map(|der| Certificate::parse(der).ok()).collect();
	let Ok(mut last) = Certificate::parse(certificate) else { return };
	// By name alone, and not in circles.
	for _ in 0..all.len() {
		let wanted = name_hash(last.issuer());
		match all.iter().find(|issuer| name_hash(issuer.subject()) == wanted && **issuer != last) {
			Some(issuer) if !issuer.is_self_issued() => last = *issuer,
			Some(issuer) => {
				last = *issuer;
				break;
			}
			None => break,
		}
	}
	let hint = format!(
		"{} {}, whose issuer is {}",
		hex::encode(last.fingerprint()),
		describe_name(last.subject()),
		match last.is_self_issued() {
			true => "itself, and which is no root given".into(),
			false => format!("{}: not given", describe_name(last.issuer())),
		}
	);
	report.facts.insert("path ends at".into(), hint.into());
}

/// Rule EK5, over a public area as the TPM or as tpm2-tools have it.
fn check_public(report: &mut Report, path: &Path, ek: Option<&EndorsementKey>) -> Result<(), Error> {
	let bytes = input::read(path)?;
	let area = strip_tpm2b(&bytes).unwrap_or(&bytes);
	let public = PublicArea::parse(area)
		.map_err(|error| Error::Format { path: path.to_path_buf(), reason: format!("no public area: {error}") })?;
	let (outcome, detail) = match ek.map(|ek| ek.check_public_area(&public)) {
		Some(Ok(())) => (Outcome::Pass, String::new()),
		Some(Err(error)) => (Outcome::Fail, error.to_string()),
		None => (Outcome::Skipped, String::new()),
	};
	report.checks.push(Check { rule: Rule::SameKey.rule().into(), outcome, detail });
	Ok(())
}
