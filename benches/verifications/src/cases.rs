//! The list.

use alloc::{boxed::Box, vec, vec::Vec};
use ep_tpm::{
	certificate::{verify_ek, Certificate, Policy, Role, StoredCertificate, TrustStore},
	legacy, verify_quote, verify_time, AttestationKey, EndorsementKey, EventLog, Name, PcrSelection,
};

use crate::{log, Case, Kind, Quote, NONCE};

/// A fixture of the tests of `ep-tpm`.
macro_rules! chip {
	($path:expr) => {
		include_bytes!(concat!("../../../primitives/tpm/tests/", $path)).as_slice()
	};
}

/// A fixture of the benches (`make-fixtures.sh`).
macro_rules! own {
	($path:expr) => {
		include_bytes!(concat!("../../fixtures/", $path)).as_slice()
	};
}

/// A key of which the tests have evidence.
macro_rules! of_chip {
	($algorithm:expr, $folder:expr, $hash:expr) => {
		Key {
			algorithm: $algorithm,
			hash: $hash,
			ak: chip!(concat!("fixtures/", $folder, "/ak.tpmt_public")),
			quote: (
				chip!(concat!("fixtures/", $folder, "/quote.attest")),
				chip!(concat!("fixtures/", $folder, "/quote.signature")),
			),
			time: (
				chip!(concat!("fixtures/", $folder, "/time.attest")),
				chip!(concat!("fixtures/", $folder, "/time.signature")),
			),
		}
	};
}

/// A key made by openssl, which signed what another key attested.
macro_rules! of_openssl {
	($algorithm:expr, $folder:expr, $attested:expr, $hash:expr) => {
		Key {
			algorithm: $algorithm,
			hash: $hash,
			ak: own!(concat!($folder, "/ak.tpmt_public")),
			quote: (
				chip!(concat!("fixtures/", $attested, "/quote.attest")),
				own!(concat!($folder, "/quote.signature")),
			),
			time: (chip!(concat!("fixtures/", $attested, "/time.attest")), own!(concat!($folder, "/time.signature"))),
		}
	};
}

/// An attestation key, and what it signed: attestations with their signatures.
struct Key {
	algorithm: &'static str,
	hash: &'static str,
	ak: &'static [u8],
	quote: (&'static [u8], &'static [u8]),
	time: (&'static [u8], &'static [u8]),
}

const KEYS: [Key; 10] = [
	of_chip!("ECDSA P-256, SHA-256", "p256", "sha256"),
	of_chip!("ECDSA P-256, SHA-512", "p256-sha512", "sha512"),
	of_chip!("ECDSA P-384, SHA-256", "p384-sha256", "sha256"),
	of_chip!("ECDSA P-384, SHA-384", "p384", "sha384"),
	of_chip!("RSASSA-2048, SHA-256", "rsa2048", "sha256"),
	of_openssl!("RSASSA-2048, SHA-384", "rsa2048-sha384", "rsa3072", "sha384"),
	of_openssl!("RSASSA-3072, SHA-256", "rsa3072-sha256", "rsa2048", "sha256"),
	of_chip!("RSASSA-3072, SHA-384", "rsa3072", "sha384"),
	of_openssl!("RSASSA-4096, SHA-256", "rsa4096-sha256", "rsa2048", "sha256"),
	of_openssl!("RSASSA-4096, SHA-384", "rsa4096-sha384", "rsa3072", "sha384"),
];

/// A root, an intermediate and an EK certificate.
macro_rules! path {
	($name:expr, $folder:expr) => {
		(
			$name,
			own!(concat!($folder, "/root.der")),
			own!(concat!($folder, "/ca.der")),
			own!(concat!($folder, "/ek.der")),
		)
	};
}

type Path = (&'static str, &'static [u8], &'static [u8], &'static [u8]);

const PATHS: [Path; 6] = [
	path!("RSA-2048 under RSA-2048", "path-rsa2048"),
	(
		"RSA-2048 under RSA-3072 (swtpm's)",
		chip!("certificates/swtpm/root.der"),
		chip!("certificates/swtpm/ca.der"),
		chip!("certificates/swtpm/ek-rsa.der"),
	),
	path!("RSA-2048 under RSA-4096", "path-rsa4096"),
	path!("P-256 under P-256", "path-p256"),
	path!("P-256 under P-384", "path-p384"),
	path!("P-256 under P-521", "path-p521"),
];

const EKS: [(&str, &[u8]); 3] = [
	("RSA-2048", chip!("fixtures/rsa2048/ek.tpmt_public")),
	("P-256", chip!("fixtures/p256/ek.tpmt_public")),
	("P-384", chip!("fixtures/p384/ek.tpmt_public")),
];

/// How many there are.
pub const COUNT: usize = KEYS.len() + 1 + KEYS.len() + PATHS.len() + EKS.len() + 1;

/// The verification at this place. `None` beyond the last one, and for a broken fixture.
pub fn case(mut index: usize) -> Option<Case> {
	let mut within = |len: usize| {
		let found = (index < len).then_some(index);
		index = index.saturating_sub(len);
		found
	};
	if let Some(key) = within(KEYS.len()) {
		return quote(&KEYS[key]);
	}
	if within(1).is_some() {
		return Some(legacy_quote());
	}
	if let Some(key) = within(KEYS.len()) {
		return time(&KEYS[key]);
	}
	if let Some(path) = within(PATHS.len()) {
		return ek_certificate(PATHS[path]);
	}
	if let Some(ek) = within(EKS.len()) {
		return challenge(EKS[ek]);
	}
	within(1).and_then(|_| event_log())
}

fn new(kind: Kind, algorithm: &'static str, run: impl Fn() -> bool + 'static) -> Case {
	Case { kind, algorithm, run: Box::new(run), quote: None }
}

fn quote(key: &'static Key) -> Option<Case> {
	let (attest, raw) = key.quote;
	// A signer brings it into the one accepted form, a verifier does not.
	let signature = AttestationKey::parse(key.ak).ok()?.normalise_signature(raw).ok()?;
	let run = move || {
		let judged = AttestationKey::parse(key.ak).and_then(|key| verify_quote(&key, attest, &signature, NONCE));
		judged.is_ok()
	};
	let files = Quote { ak: key.ak, attest, signature: raw, hash: key.hash };
	Some(Case { quote: Some(files), ..new(Kind::Quote, key.algorithm, run) })
}

fn time(key: &'static Key) -> Option<Case> {
	let (attest, raw) = key.time;
	let signature = AttestationKey::parse(key.ak).ok()?.normalise_signature(raw).ok()?;
	Some(new(Kind::Time, key.algorithm, move || {
		let judged = AttestationKey::parse(key.ak).and_then(|key| verify_time(&key, attest, &signature, NONCE));
		judged.is_ok()
	}))
}

fn legacy_quote() -> Case {
	let (aik, info, signature) = (
		chip!("fixtures/legacy/aik.pubkey"),
		chip!("fixtures/legacy/quote.info"),
		chip!("fixtures/legacy/quote.signature"),
	);
	new(Kind::LegacyQuote, "RSASSA-2048, SHA-1", move || {
		let key = legacy::IdentityKey::parse(aik);
		key.and_then(|key| legacy::verify_quote(&key, info, signature, NONCE)).is_ok()
	})
}

fn ek_certificate((name, root, ca, ek): Path) -> Option<Case> {
	let mut store = TrustStore::default();
	store.insert(StoredCertificate::new(Role::Root, root).ok()?).ok()?;
	let begin = [root, ca, ek].map(|der| Certificate::parse(der).map_or(0, |parsed| parsed.not_before()));
	let at = u64::try_from(*begin.iter().max()?).ok()?;
	Some(new(Kind::EkCertificate, name, move || verify_ek(ek, &[ca], &store, &Policy::at(at)).is_ok()))
}

fn challenge((name, ek): (&'static str, &'static [u8])) -> Option<Case> {
	let object = Name::of_public(KEYS.first()?.ak).ok()?;
	let seed = [7; ep_tpm::SEED_LEN];
	Some(new(Kind::Challenge, name, move || {
		EndorsementKey::parse(ek).and_then(|ek| ek.challenge(&object, &seed)).is_ok()
	}))
}

fn event_log() -> Option<Case> {
	const SHA256: u16 = 0x000B;
	let log = log::long();
	let selection = PcrSelection { bank: SHA256, bitmap: vec![0xff, 0x03, 0] };
	let replayed = EventLog::parse(&log).ok()?.replay(SHA256).ok()?;
	let values: Vec<Vec<u8>> = selection.pcrs().map(|pcr| replayed.value(pcr)).collect();
	Some(new(Kind::EventLog, "110 events, 3 banks, SHA-256", move || {
		let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
		let replayed = EventLog::parse(&log).and_then(|log| log.replay(SHA256));
		replayed.and_then(|pcrs| pcrs.check(&selection, &values)).is_ok()
	}))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn all_evidence_is_accepted() {
		for index in 0..COUNT {
			let case = case(index).unwrap_or_else(|| panic!("case {index}"));
			assert!((case.run)(), "{} {}", case.kind.name(), case.algorithm);
		}
		assert!(case(COUNT).is_none());
	}

	#[test]
	fn the_log_is_as_long_as_real_ones() {
		assert!((38_268..=45_300).contains(&log::long().len()), "{}", log::long().len());
	}
}
