//! Credentials made here, opened by a TPM (swtpm). Where swtpm or tpm2-tools are missing, these
//! tests are skipped.

#[path = "common/swtpm.rs"]
mod swtpm;

use std::fs;

use ep_tpm::{public::strip_tpm2b, AttestationKey, EndorsementKey};
use swtpm::Tpm;

/// Asks a TPM with this EK, and checks that it answers to nothing but the untouched credential.
fn opens(make_ek: &[(&str, &str)], make_ak: &str, ek_has_password: bool) {
	let Some(tpm) = Tpm::start() else { return };
	for (tool, arguments) in make_ek {
		tpm.run(tool, arguments).unwrap();
		tpm.flush();
	}
	tpm.run("tpm2_createak", &format!("-C ek.ctx -c ak.ctx -u ak.pub {make_ak}")).unwrap();
	tpm.flush();
	let read = |file| fs::read(tpm.path().join(file)).unwrap();
	let ek = EndorsementKey::parse(strip_tpm2b(&read("ek.pub")).unwrap()).unwrap();
	let ak = AttestationKey::parse(strip_tpm2b(&read("ak.pub")).unwrap()).unwrap();

	for seed in 0..3 {
		let challenge = ek.challenge(ak.name(), &[seed; 32]).unwrap();
		assert_eq!(tpm.activate(ek_has_password, &challenge.credential.to_file()).unwrap(), challenge.secret);
	}
	let short = ek.make_credential(ak.name(), b"x", &[3; 32]).unwrap();
	assert_eq!(tpm.activate(ek_has_password, &short.to_file()).unwrap(), b"x");

	// Another object's credential, and one whose last bit was turned, open to nobody.
	let other = ek.challenge(ek.name(), &[0; 32]).unwrap();
	assert!(tpm.activate(ek_has_password, &other.credential.to_file()).is_err());
	let mut forged = ek.challenge(ak.name(), &[0; 32]).unwrap().credential;
	let last = forged.id_object.len() - 1;
	forged.id_object.as_mut()[last] ^= 1;
	assert!(tpm.activate(ek_has_password, &forged.to_file()).is_err());
}

#[test]
fn an_rsa_2048_ek_opens_its_credentials() {
	let make = [("tpm2_createek", "-G rsa -c ek.ctx -u ek.pub")];
	opens(&make, "-G rsa2048 -s rsassa -g sha256", false);
}

#[test]
fn a_p256_ek_opens_its_credentials() {
	let make = [("tpm2_createek", "-G ecc -c ek.ctx -u ek.pub")];
	opens(&make, "-G ecc256 -s ecdsa -g sha256", false);
}

#[test]
fn a_p384_ek_opens_its_credentials() {
	let make = [("tpm2_readpublic", "-c 0x81010016 -o ek.pub -t ek.ctx")];
	opens(&make, "-G ecc384 -s ecdsa -g sha384", true);
}
