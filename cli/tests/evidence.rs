//! `elapse tpm` over files that tpm2-tools wrote (`make-fixtures.sh`), good and forged: exit code, and the rule named.

#[path = "../../primitives/tpm/tests/common/swtpm.rs"]
mod swtpm;

use std::{
	fs,
	path::{Path, PathBuf},
	process::Command,
};

const NONCE: &str = "456c61707365206669787475726520313233343536373839306162636465666768";
const KEYS: [&str; 2] = ["rsa", "ecc"];

fn fixture(path: &str) -> PathBuf {
	std::env::current_dir().unwrap().join("tests/fixtures").join(path)
}

/// Exit code and what was printed, on either stream.
fn elapse(arguments: &[&str]) -> (i32, String) {
	let output = Command::new(env!("CARGO_BIN_EXE_elapse"))
		.arg("tpm")
		.args(arguments)
		.current_dir(fixture(""))
		.output()
		.unwrap();
	let text = [output.stdout, output.stderr].concat();
	(output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// The same, of arguments in one line.
fn line(arguments: &str) -> (i32, String) {
	elapse(&arguments.split_whitespace().collect::<Vec<_>>())
}

/// The rules that did not pass, with how they came out.
fn broken(arguments: &str) -> (i32, Vec<(String, String)>) {
	let (code, text) = line(&format!("{arguments} --json"));
	let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
	assert_eq!(json["verdict"] == "good", code == 0, "{text}");
	let checks = json["checks"].as_array().unwrap();
	assert!(!checks.is_empty());
	let field = |check: &serde_json::Value, name: &str| check[name].as_str().unwrap().to_owned();
	let broken = checks
		.iter()
		.map(|check| (field(check, "rule"), field(check, "outcome")))
		.filter(|(_, outcome)| outcome != "pass")
		.collect();
	(code, broken)
}

/// The one rule that failed.
fn failed(arguments: &str) -> String {
	let (code, broken) = broken(arguments);
	assert_eq!(code, 1, "{arguments}: {broken:?}");
	let failed: Vec<_> = broken.iter().filter(|(_, outcome)| outcome == "fail").collect();
	assert_eq!(failed.len(), 1, "{arguments}: {broken:?}");
	failed[0].0.clone()
}

fn quote(key: &str, rest: &str) -> String {
	format!("verify-quote --ak {key}/ak.pub --quote {key}/quote.attest --signature {key}/quote.signature {rest}")
}

fn time(key: &str, rest: &str) -> String {
	format!("verify-time --ak {key}/ak.pub --attest {key}/time.attest --signature {key}/time.signature {rest}")
}

/// A file with one byte changed.
fn forged(folder: &Path, from: &str, at: usize) -> String {
	let mut bytes = fs::read(fixture(from)).unwrap();
	bytes[at] ^= 1;
	let path = folder.join(format!("{}-{at}", from.replace('/', "-")));
	fs::write(&path, bytes).unwrap();
	path.display().to_string()
}

#[test]
fn good_quotes_of_tpm2_tools_are_good() {
	for key in KEYS {
		for rest in [
			format!("--nonce {NONCE}"),
			format!("--nonce 0x{NONCE} --ek {key}/ek.pub --pcrs {key}/quote.serialized"),
			format!("--nonce {NONCE} --select sha1:0+sha256:0,1,2,3,4,5,7,9,16"),
		] {
			assert_eq!(broken(&quote(key, &rest)), (0, vec![]));
			let (code, text) = line(&quote(key, &rest));
			assert!(code == 0 && text.ends_with("good\n"), "{text}");
		}
		for ak in ["ak.pub", "ak.tpmt"] {
			let plain = format!(
				"verify-quote --ak {key}/{ak} --quote {key}/plain.attest --signature {key}/plain.signature --nonce {NONCE} \
				 --pcrs {key}/plain.values --select sha256:0,16"
			);
			assert_eq!(broken(&plain), (0, vec![]), "plain signatures and `values`");
		}
	}
}

#[test]
fn good_time_attestations_of_tpm2_tools_are_good() {
	for key in KEYS {
		assert_eq!(broken(&time(key, &format!("--nonce {NONCE}"))), (0, vec![]));
		assert_eq!(broken(&time(key, &format!("--nonce {NONCE} --ek {key}/ek.pub"))), (0, vec![]));
	}
}

#[test]
fn a_key_alone_is_not_enough_unless_asked_for() {
	for (key, file) in [("rsa", "ak.pem"), ("rsa", "ak.der"), ("ecc", "ak.pem"), ("ecc", "ak.der")] {
		let arguments = format!(
			"verify-quote --ak {key}/{file} --quote {key}/quote.attest --signature {key}/quote.signature --nonce {NONCE}"
		);
		let (code, broken_rules) = broken(&arguments);
		assert_eq!(code, 1);
		assert!(broken_rules.contains(&("restricted".into(), "skipped".into())), "{broken_rules:?}");
		assert!(broken_rules.iter().all(|(_, outcome)| outcome == "skipped"));
		assert_eq!(broken(&format!("{arguments} --key-only")), (0, vec![]));
	}
}

#[test]
fn nonce_refuses_another_one_and_a_part_of_it() {
	for nonce in ["00", &NONCE[2..], &NONCE[..NONCE.len() - 2]] {
		assert_eq!(failed(&quote("rsa", &format!("--nonce {nonce}"))), "nonce");
		assert_eq!(failed(&time("ecc", &format!("--nonce {nonce}"))), "nonce");
	}
}

#[test]
fn magic_type_and_signature_are_named_when_they_fail() {
	let folder = tempfile::tempdir().unwrap();
	let with = |at: usize| {
		let attest = forged(folder.path(), "ecc/quote.attest", at);
		broken(&format!(
			"verify-quote --ak ecc/ak.pub --quote {attest} --signature ecc/quote.signature --nonce {NONCE}"
		))
	};
	let has = |(code, broken): (i32, Vec<(String, String)>), rule: &str| {
		assert_eq!(code, 1);
		assert!(broken.contains(&(rule.into(), "fail".into())), "{rule}: {broken:?}");
		assert!(broken.contains(&("signature".into(), "fail".into())), "{rule}: {broken:?}");
	};
	has(with(0), "magic");
	has(with(5), "attestation-type");
	// The clock: nothing but the signature knows.
	let (code, broken_rules) = with(4 + 2 + 36 + 35 + 7);
	assert_eq!(code, 1);
	assert_eq!(broken_rules.iter().filter(|(_, outcome)| outcome == "fail").count(), 1);

	let signature = forged(folder.path(), "rsa/time.signature", 100);
	let refused =
		format!("verify-time --ak rsa/ak.pub --attest rsa/time.attest --signature {signature} --nonce {NONCE}");
	assert_eq!(failed(&refused), "signature");
}

#[test]
fn a_quote_is_no_time_attestation() {
	let confused = format!(
		"verify-time --ak rsa/ak.pub --attest rsa/quote.attest --signature rsa/quote.signature --nonce {NONCE}"
	);
	assert_eq!(failed(&confused), "attestation-type");
}

#[test]
fn qualified_signer_refuses_the_ek_of_another_key() {
	assert_eq!(failed(&quote("rsa", &format!("--nonce {NONCE} --ek ecc/ek.pub"))), "qualified-signer");
	assert_eq!(failed(&time("ecc", &format!("--nonce {NONCE} --ek rsa/ek.pub"))), "qualified-signer");
}

#[test]
fn an_endorsement_key_is_no_attestation_key_and_the_reverse() {
	let swapped = format!(
		"verify-quote --ak rsa/ek.pub --quote rsa/quote.attest --signature rsa/quote.signature --nonce {NONCE}"
	);
	assert_eq!(failed(&swapped), "signing");
	assert_eq!(failed(&quote("rsa", &format!("--nonce {NONCE} --ek rsa/ak.pub"))), "ek-decrypt");
}

#[test]
fn pcr_rules_refuse_another_selection_other_values_and_missing_ones() {
	let folder = tempfile::tempdir().unwrap();
	assert_eq!(failed(&quote("rsa", &format!("--nonce {NONCE} --select sha256:0"))), "pcr-selection");
	// One more bit in the selection of the file, as in CVE-2024-29039.
	let selection = forged(folder.path(), "rsa/quote.serialized", 4 + 8 + 3 + 2);
	assert_eq!(failed(&quote("rsa", &format!("--nonce {NONCE} --pcrs {selection}"))), "pcr-selection");
	let value = forged(folder.path(), "rsa/quote.serialized", 132 + 4 + 4 + 2);
	assert_eq!(failed(&quote("rsa", &format!("--nonce {NONCE} --pcrs {value}"))), "pcr-digest");
	// A size: the value is cut.
	let size = forged(folder.path(), "rsa/quote.serialized", 132 + 4 + 4);
	assert_eq!(failed(&quote("rsa", &format!("--nonce {NONCE} --pcrs {size}"))), "pcr-values");
	let (code, text) = line(&quote("rsa", &format!("--nonce {NONCE} --pcrs ecc/plain.values")));
	assert_eq!(code, 2, "neither format: {text}");
}

#[test]
fn a_policy_refuses_what_it_does_not_list() {
	let folder = tempfile::tempdir().unwrap();
	let judge = |json: &str| {
		let path = folder.path().join("policy.json");
		fs::write(&path, json).unwrap();
		format!(
			"verify-quote --ak ecc/ak.pub --ek ecc/ek.pub --quote ecc/plain.attest --signature ecc/plain.signature \
			 --nonce {NONCE} --pcrs ecc/plain.values --policy {}",
			path.display()
		)
	};
	let values = fs::read(fixture("ecc/plain.values")).unwrap();
	let (first, second) = (hex::encode(&values[..32]), hex::encode(&values[32..]));
	let each = |first: &str, second: &str, firmware: u64| {
		format!(r#"{{"bank":"sha256","pcrs":{{"0":["{first}"],"16":["{second}"]}},"minFirmware":{firmware}}}"#)
	};
	assert_eq!(broken(&judge(&each(&first, &second, 1))), (0, vec![]));
	assert_eq!(failed(&judge(&each(&second, &second, 1))), "pcr-allowed");
	assert_eq!(failed(&judge(&each(&first, &second, u64::MAX))), "firmware-floor");
	let any = format!(r#"{{"bank":"sha256","pcrs":{{"0":null,"16":["{second}"]}}}}"#);
	assert_eq!(broken(&judge(&any)), (0, vec![]));
	assert_eq!(failed(&judge(r#"{"bank":"sha256","pcrs":{"0":null,"16":[]}}"#)), "policy-form");
	let digest = "00".repeat(32);
	assert_eq!(
		failed(&judge(&format!(r#"{{"bank":"sha256","pcrs":[0,16],"composite":["{digest}"]}}"#))),
		"composite-allowed"
	);
	assert_eq!(line(&judge("{}")).0, 2);
	assert_eq!(line(&judge(r#"{"bank":"sha256","pcrs":{"0":null},"pcr":{}}"#)).0, 2, "unknown fields are no policy");
}

#[test]
fn what_cannot_be_done_ends_with_2() {
	for arguments in [
		quote("rsa", "--nonce xyz"),
		quote("missing", &format!("--nonce {NONCE}")),
		"inspect /dev/null".into(),
		format!("verify-quote --nonce {NONCE}"),
		"inspect rsa/plain.values".into(),
	] {
		assert_eq!(line(&arguments).0, 2, "{arguments}");
	}
}

#[test]
fn inspect_knows_every_file_of_tpm2_tools() {
	for (file, kind, field) in [
		("ak.pub", "TPMT_PUBLIC in a TPM2B", "\"isAttestationKey\":\"yes\""),
		("ek.pub", "TPMT_PUBLIC in a TPM2B", "\"isEndorsementKey\":\"yes\""),
		("ak.tpmt", "TPMT_PUBLIC", "fixedParent"),
		("ak.pem", "a public key alone", "\"type\":"),
		("ak.der", "a public key alone", "\"type\":"),
		("ak.name", "a Name", "sha256"),
		("quote.attest", "TPMS_ATTEST of a quote", NONCE),
		("time.attest", "TPMS_ATTEST of the time", NONCE),
		("certify.attest", "TPMS_ATTEST of an object", "qualifiedName"),
		("creation.attest", "TPMS_ATTEST of a creation", NONCE),
		("creation.data", "TPMS_CREATION_DATA in a TPM2B", "outsideInfo"),
		("quote.signature", "TPMT_SIGNATURE", "sha256"),
		("quote.serialized", "PCR values, serialized", "sha1:0+sha256:0,1,2,3,4,5,7,9,16"),
	] {
		for key in KEYS {
			let (code, text) = line(&format!("inspect {key}/{file} --json"));
			assert_eq!(code, 0, "{key}/{file}: {text}");
			assert!(text.contains(kind) && text.contains(field), "{key}/{file}: {text}");
		}
	}
}

#[test]
fn a_made_credential_is_opened_by_a_tpm() {
	let Some(tpm) = swtpm::Tpm::start() else { return };
	for kind in [("rsa", "rsa2048"), ("ecc", "ecc256")] {
		tpm.run("tpm2_createek", &format!("-G {} -c ek.ctx -u ek.pub", kind.0)).unwrap();
		tpm.flush();
		tpm.run("tpm2_createak", &format!("-C ek.ctx -c ak.ctx -u ak.pub -n ak.name -G {} -g sha256", kind.1)).unwrap();
		tpm.flush();
		let path = |file: &str| tpm.path().join(file).display().to_string();
		let (ek, out) = (path("ek.pub"), path("made"));
		let name = hex::encode(fs::read(path("ak.name")).unwrap());
		for name in [path("ak.name"), path("ak.pub"), name] {
			let (code, text) =
				elapse(&["make-credential", "--ek", &ek, "--name", &name, "--secret", "00112233", "--out", &out]);
			assert_eq!(code, 0, "{text}");
			assert_eq!(tpm.activate(false, &fs::read(&out).unwrap()).unwrap(), [0x00, 0x11, 0x22, 0x33]);
		}
	}
}

#[test]
fn make_credential_repeats_itself_under_a_seed_and_refuses_bad_keys_and_secrets() {
	let folder = tempfile::tempdir().unwrap();
	let make = |ek: &str, secret: &str, seed: &str, out: &str| {
		let out = folder.path().join(out).display().to_string();
		let mut arguments =
			vec!["make-credential", "--ek", ek, "--name", "rsa/ak.name", "--secret", secret, "--out", &out];
		if !seed.is_empty() {
			arguments.extend(["--seed", seed]);
		}
		(elapse(&arguments).0, fs::read(&out).ok())
	};
	let seed = "11".repeat(32);
	for ek in ["rsa/ek.pub", "ecc/ek.pub"] {
		let (code, first) = make(ek, "aabb", &seed, "first");
		assert_eq!((code, &first), (0, &make(ek, "aabb", &seed, "again").1));
		assert_ne!(first, make(ek, "aabb", &"12".repeat(32), "other").1);
		assert_ne!(make(ek, "aabb", "", "random").1, make(ek, "aabb", "", "random again").1);
	}
	assert_eq!(make("rsa/ak.pub", "aabb", &seed, "no ek"), (1, None));
	assert_eq!(make("rsa/ek.pub", &"00".repeat(33), &seed, "long"), (1, None));
	assert_eq!(make("rsa/ek.pub", "aabb", "1111", "short seed"), (2, None));
	assert_eq!(make("rsa/ak.pem", "aabb", &seed, "pem"), (2, None));
}

/// An event of an old log, whose digest is `[number; 20]`.
fn event(pcr: u32, number: u8) -> Vec<u8> {
	[&pcr.to_le_bytes()[..], &13_u32.to_le_bytes(), &[number; 20], &0_u32.to_le_bytes()].concat()
}

#[test]
fn eventlog_replays_and_compares() {
	let folder = tempfile::tempdir().unwrap();
	let write = |name: &str, bytes: &[u8]| {
		let path = folder.path().join(name);
		fs::write(&path, bytes).unwrap();
		path.display().to_string()
	};
	let log = write("log", &[event(0, 1), event(8, 2), event(8, 3)].concat());
	let (code, text) = line(&format!("eventlog {log} --json"));
	assert_eq!(code, 0, "{text}");
	let json: serde_json::Value = serde_json::from_str(&text).unwrap();
	let replayed = &json["facts"]["replayed"];
	assert_eq!(json["facts"]["events"].as_array().unwrap().len(), 3);
	let pcrs = |zero: &str, eight: &str| {
		let values: Vec<String> = (0..24)
			.map(|pcr| {
				let value = match pcr {
					0 => zero.to_owned(),
					8 => eight.to_owned(),
					_ => "00".repeat(20),
				};
				format!("\"{pcr}\":\"{value}\"")
			})
			.collect();
		write("pcrs", format!("{{{}}}", values.join(",")).as_bytes())
	};
	let (zero, eight) = (replayed["00"].as_str().unwrap(), replayed["08"].as_str().unwrap());
	assert_eq!(broken(&format!("eventlog {log} --pcrs {}", pcrs(zero, eight))), (0, vec![]));
	assert_eq!(failed(&format!("eventlog {log} --pcrs {}", pcrs(zero, zero))), "log-replay");
	assert_eq!(failed(&format!("eventlog {log} --bank sha256")), "log-bank");
	let cut = write("cut", &event(0, 1)[..20]);
	assert_eq!(failed(&format!("eventlog {cut}")), "truncated");
	let beyond = write("beyond", &event(24, 1));
	assert_eq!(failed(&format!("eventlog {beyond}")), "log-pcr");
	assert!(line(&format!("eventlog {log}")).1.contains("EV_IPL"));
}

#[test]
fn a_log_beside_a_quote_must_add_up_to_it() {
	let folder = tempfile::tempdir().unwrap();
	let judge = |log: &[u8]| {
		let path = folder.path().join("log");
		fs::write(&path, log).unwrap();
		let rest = format!("--nonce {NONCE} --pcrs rsa/quote.serialized --eventlog {}", path.display());
		broken(&quote("rsa", &rest))
	};
	// The fixture's TPM measured nothing but what went into PCR 16, which is not quoted in the SHA-1 bank.
	assert_eq!(judge(&event(23, 1)), (0, vec![]));
	let refused = (1, vec![("log-replay".to_owned(), "fail".to_owned())]);
	assert_eq!(judge(&event(0, 1)), refused);
}
