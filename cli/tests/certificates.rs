//! `elapse tpm verify-ek` and `elapse tpm roots import` as people use them, over the fixtures of ep-tpm: certificates by
//! swtpm and openssl.

use std::{
	fs,
	path::{Path, PathBuf},
	process::{Command, Output},
};

fn fixture(path: &str) -> String {
	let path = Path::new("../primitives/tpm/tests/certificates").join(path);
	path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display())).display().to_string()
}

fn elapse(arguments: &[&str]) -> Output {
	Command::new(env!("CARGO_BIN_EXE_elapse")).arg("tpm").args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
	output.status.code().unwrap()
}

fn text(output: &Output) -> String {
	String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8(output.stderr.clone()).unwrap()
}

/// A time at which the certificates of the fixtures are valid: whenever they were made, it was before 2040.
const AT: &str = "2036-01-01T00:00:00Z";

fn verify(certificate: &str, more: &[&str]) -> Output {
	let (certificate, root) = (fixture(certificate), fixture("swtpm/root.der"));
	elapse(&[&["verify-ek", certificate.as_str(), "--roots", &root, "--at", AT], more].concat())
}

#[test]
fn a_good_certificate_is_good_in_words_and_in_json() {
	let (ca, public) = (fixture("swtpm/ca.der"), fixture("swtpm/ek-rsa.tpmt_public"));
	let output = verify("swtpm/ek-rsa.der", &["--intermediate", &ca, "--public", &public]);
	assert_eq!(code(&output), 0, "{}", text(&output));
	assert!(text(&output).ends_with("\ngood\n"));
	assert!(text(&output).lines().any(|line| line.starts_with("pass") && line.contains("same-key")));
	let output = verify("swtpm/ek-ecc.der", &["--intermediate", &ca, "--json"]);
	assert_eq!(code(&output), 0);
	let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
	assert_eq!(json["verdict"], "good");
	assert_eq!(json["facts"]["model"], "swtpm");
	assert_eq!(json["facts"]["tier"], "software");
	assert_eq!(json["facts"]["path"].as_array().unwrap().len(), 3);
	assert!(json["checks"].as_array().unwrap().iter().all(|check| check["outcome"] == "pass"));
}

/// The rules that failed.
fn failed(output: &Output) -> Vec<String> {
	let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)));
	let checks = json["checks"].as_array().unwrap();
	checks
		.iter()
		.filter(|check| check["outcome"] == "fail")
		.map(|check| check["rule"].as_str().unwrap().to_string())
		.collect()
}

#[test]
fn refused_is_one_and_the_rule_is_named() {
	let output = verify("swtpm/ek-rsa.der", &["--json"]);
	assert_eq!((code(&output), failed(&output)), (1, vec!["trusted-root".into()]));
	let ca = fixture("swtpm/ca.der");
	let late = verify("swtpm/ek-rsa.der", &["--intermediate", &ca, "--json"]);
	assert_eq!(code(&late), 0);
	let certificate = fixture("swtpm/ek-rsa.der");
	let early = ["verify-ek", &certificate, "--roots", &fixture("swtpm"), "--at", "1577836800", "--json"];
	assert_eq!(failed(&elapse(&early)), ["not-yet-valid", "not-yet-valid"]);
	let wrong_key = fixture("swtpm/ek-ecc.tpmt_public");
	let output = verify("swtpm/ek-rsa.der", &["--intermediate", &ca, "--public", &wrong_key, "--json"]);
	assert_eq!((code(&output), failed(&output)), (1, vec!["same-key".into()]));
	// A CA's certificate in the place of an EK's.
	let output = verify("swtpm/ca.der", &["--json"]);
	assert_eq!(code(&output), 1);
	assert!(failed(&output).contains(&"ek-not-ca".to_string()));
}

#[test]
fn revoked_is_refused_and_a_broken_list_too() {
	let judge = |certificate: &str, list: &str| {
		let (certificate, ca) = (fixture(certificate), fixture("list/ca.der"));
		elapse(&["verify-ek", &certificate, "--roots", &ca, "--at", AT, "--crl", list, "--json"])
	};
	let list = fixture("list/list.der");
	assert_eq!(code(&judge("list/good.der", &list)), 0);
	let output = judge("list/revoked.der", &list);
	assert_eq!((code(&output), failed(&output)), (1, vec!["revoked".into()]));
	let folder = tempfile::tempdir().unwrap();
	let broken = folder.path().join("broken.der");
	fs::write(&broken, &fs::read(&list).unwrap()[..100]).unwrap();
	let output = judge("list/good.der", broken.to_str().unwrap());
	assert_eq!((code(&output), failed(&output)), (1, vec!["der".into()]));
}

#[test]
fn what_cannot_be_done_is_two() {
	let root = fixture("swtpm/root.der");
	let readme = fixture("README");
	for arguments in [
		&["verify-ek", "/nowhere/ek.der", "--roots", &root][..],
		&["verify-ek", &readme, "--roots", &root],
		&["verify-ek", &root, "--roots", &readme],
		&["verify-ek", &root, "--roots", &root, "--at", "yesterday"],
		&["verify-ek", &root, "--roots", &root, "--anchor", &"00".repeat(32)],
		&["verify-ek", &root],
		&["roots", "import", &readme, "--out", "/nowhere/store"],
	] {
		let output = elapse(arguments);
		assert_eq!(code(&output), 2, "{arguments:?}: {}", text(&output));
	}
}

#[test]
fn padding_of_an_nv_index_is_cut_off_and_nothing_else() {
	let folder = tempfile::tempdir().unwrap();
	let whole = fs::read(fixture("swtpm/ek-rsa.der")).unwrap();
	let path = folder.path().join("ek.bin");
	let ca = fixture("swtpm/ca.der");
	let root = fixture("swtpm/root.der");
	let judge = |bytes: &[u8]| {
		fs::write(&path, bytes).unwrap();
		let path = path.to_str().unwrap();
		elapse(&["verify-ek", path, "--roots", &root, "--intermediate", &ca, "--at", AT, "--json"])
	};
	assert_eq!(code(&judge(&[whole.clone(), vec![0xff; 400]].concat())), 0);
	let output = judge(&[whole.clone(), b"more".to_vec()].concat());
	assert_eq!((code(&output), failed(&output)), (1, vec!["certificate-trailing-bytes".into()]));
	assert_eq!(code(&judge(&whole[..500])), 1);
}

#[test]
fn a_store_is_imported_from_folders_and_used() {
	let folder = tempfile::tempdir().unwrap();
	let out = folder.path().join("roots.json");
	let out = out.to_str().unwrap();
	let output = elapse(&["roots", "import", &fixture("swtpm"), &fixture("list"), "--out", out]);
	let said = text(&output);
	assert_eq!(code(&output), 0, "{said}");
	assert!(said.contains("2 roots") && said.contains("1 intermediates") && said.contains("6 left out"), "{said}");
	assert!(said.contains("not the certificate of a CA"), "and why: {said}");
	let judge = |certificate: &str| elapse(&["verify-ek", &fixture(certificate), "--roots", out, "--at", AT, "--json"]);
	for good in ["swtpm/ek-rsa.der", "swtpm/ek-ecc.der", "list/good.der"] {
		assert_eq!(code(&judge(good)), 0, "{good}");
	}
	// The same again, from the store itself: one store has one file.
	let again = folder.path().join("again.json");
	assert_eq!(code(&elapse(&["roots", "import", out, "--out", again.to_str().unwrap()])), 0);
	assert_eq!(fs::read(out).unwrap(), fs::read(again).unwrap());
	// A store that was tampered with is none.
	let text = fs::read_to_string(out).unwrap();
	let forged = folder.path().join("forged.json");
	fs::write(&forged, text.replacen("\"sha256\": \"", "\"sha256\": \"00", 1)).unwrap();
	let output = elapse(&["verify-ek", &fixture("list/good.der"), "--roots", forged.to_str().unwrap()]);
	assert_eq!(code(&output), 2);
}

#[test]
fn an_anchor_ends_the_path_at_an_intermediate() {
	let ca = fixture("swtpm/ca.der");
	let certificate = fixture("swtpm/ek-rsa.der");
	let arguments = ["verify-ek", &certificate, "--roots", &ca, "--at", AT, "--json"];
	assert_eq!(failed(&elapse(&arguments)), ["trusted-root"]);
	let folder = tempfile::tempdir().unwrap();
	let out: PathBuf = folder.path().join("roots.json");
	let all = fixture("swtpm");
	let listed = elapse(&["roots", "import", &all, "--out", out.to_str().unwrap(), "--json"]);
	let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
	let of_ca = listed["certificates"].as_array().unwrap().iter().find(|entry| entry["role"] == "intermediate");
	let anchor = of_ca.unwrap()["sha256"].as_str().unwrap();
	assert_eq!(code(&elapse(&[&arguments[..], &["--anchor", anchor]].concat())), 0);
}
