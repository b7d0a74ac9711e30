//! Against a real swtpm for TPM 1.2, with the verifying side as the judge. Where swtpm is built without TPM 1.2, this says
//! so and passes.

use super::*;
use ep_tpm::{
	certificate::{verify_ek, Error as CertificateError, Policy, Role, StoredCertificate, TrustStore},
	legacy::{verify_platform, PlatformEvidence, TIER},
	model::TierTable,
	AllowedPcrs, Error as Rule, PcrRule, PlatformPolicy,
};
use std::{
	fs,
	os::unix::net::UnixStream,
	process::{Child, Command as Program, Stdio},
	thread::sleep,
	time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const OWNER: Secret = Secret([7; 20]);

fn has_tpm12() -> bool {
	let capabilities = Program::new("swtpm").args(["socket", "--print-capabilities"]).output();
	let has = capabilities.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("tpm-1.2"));
	if !has {
		eprintln!("no swtpm with TPM 1.2 here: nothing was tried");
	}
	has
}

/// A software chip, with an authority of its own that certified it.
struct Soft {
	dir: tempfile::TempDir,
	child: Option<Child>,
}

impl Soft {
	fn make() -> Self {
		let soft = Self::bare();
		let path = |name: &str| soft.dir.path().join(name).display().to_string();
		fs::create_dir(path("ca")).unwrap();
		let ca = path("ca");
		fs::write(
			path("localca.conf"),
			format!(
				"statedir = {ca}\nsigningkey = {ca}/signkey.pem\nissuercert = {ca}/issuercert.pem\n\
				 certserial = {ca}/certserial\n"
			),
		)
		.unwrap();
		fs::write(path("localca.options"), ABOUT.replace(" --", "\n--")).unwrap();
		fs::write(
			path("setup.conf"),
			format!(
				"create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = {}\n\
				 create_certs_tool_options = {}\n",
				path("localca.conf"),
				path("localca.options")
			),
		)
		.unwrap();
		let (state, config, log) = (path("state"), path("setup.conf"), path("log"));
		run(&format!("swtpm_setup --tpmstate {state} --config {config} --create-ek-cert --logfile {log}"));
		soft.on()
	}

	/// A folder.
	fn bare() -> Self {
		let dir = tempfile::tempdir().unwrap();
		fs::create_dir(dir.path().join("state")).unwrap();
		Self { dir, child: None }
	}

	fn on(self) -> Self {
		self.run_with(&[])
	}

	fn run_with(mut self, more: &[&str]) -> Self {
		let state = format!("dir={}", self.dir.path().join("state").display());
		let child = Program::new("swtpm")
			.args(["socket", "--flags", "not-need-init", "--tpmstate", &state, "--server"])
			.arg(format!("type=unixio,path={}", self.socket()))
			.args(more)
			.stdout(Stdio::null())
			.stderr(Stdio::null())
			.spawn()
			.unwrap();
		self.child = Some(child);
		let deadline = Instant::now() + Duration::from_secs(20);
		while UnixStream::connect(self.socket()).is_err() {
			assert!(Instant::now() < deadline, "swtpm does not listen");
			sleep(Duration::from_millis(5));
		}
		self
	}

	/// Off and on again.
	fn reboot(mut self) -> Self {
		self.off();
		self.on()
	}

	fn off(&mut self) {
		if let Some(mut child) = self.child.take() {
			child.kill().unwrap();
			child.wait().unwrap();
		}
		let _ = fs::remove_file(self.socket());
	}

	fn socket(&self) -> String {
		self.dir.path().join("socket").display().to_string()
	}

	fn tcti(&self) -> String {
		format!("swtpm:path={}", self.socket())
	}

	fn open(&self) -> LegacyTpm {
		LegacyTpm::open(&self.tcti()).unwrap()
	}

	/// Another certificate for this EK, signed with SHA-256; its issuer; and a store that trusts the root above.
	fn certified(&self, ek_public: &[u8]) -> (Vec<u8>, Vec<u8>, TrustStore) {
		let path = |name: &str| self.dir.path().join(name).display().to_string();
		let modulus = hex::encode(&ek_public[ek_public.len() - 256..]);
		let (dir, config, options) = (path("ca"), path("localca.conf"), path("localca.options"));
		run(&format!(
			"swtpm_localca --type ek --ek {modulus} --dir {dir} --logfile {} --tpm2 --tpm-spec-family 1.2 \
			 --tpm-spec-level 2 --tpm-spec-revision 116 {ABOUT} --configfile {config} --optsfile {options}",
			path("log")
		));
		let mut store = TrustStore::default();
		let root = der(&path("ca/swtpm-localca-rootca-cert.pem"));
		store.insert(StoredCertificate::new(Role::Root, &root).unwrap()).unwrap();
		(fs::read(path("ca/ek.cert")).unwrap(), der(&path("ca/issuercert.pem")), store)
	}
}

impl Drop for Soft {
	fn drop(&mut self) {
		self.off();
	}
}

const ABOUT: &str = "--tpm-manufacturer id:00001014 --tpm-model swtpm --tpm-version id:00740001";

fn run(line: &str) {
	let mut words = line.split_whitespace();
	let output = Program::new(words.next().unwrap()).args(words).output().unwrap();
	assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
}

fn der(pem: &str) -> Vec<u8> {
	use base64::{engine::general_purpose::STANDARD, Engine};
	let text = fs::read_to_string(pem).unwrap();
	let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----").unwrap();
	let (body, _) = rest.split_once("-----END").unwrap();
	STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap()
}

fn policy(value: &[u8]) -> PlatformPolicy {
	let one_of = PcrRule::OneOf(vec![value.to_vec().try_into().unwrap()].try_into().unwrap());
	PlatformPolicy {
		bank: 4,
		bitmap: vec![1, 4, 0].try_into().unwrap(),
		allowed: AllowedPcrs::Each(vec![PcrRule::Any, one_of].try_into().unwrap()),
		min_firmware: 0,
		may_reset: true,
		may_resume: true,
	}
}

fn judge(policy: &PlatformPolicy, ak_public: &[u8], quoted: &Quoted, nonce: &[u8]) -> Result<QuoteInfo, Rule> {
	let values: Vec<&[u8]> = quoted.pcr_values.iter().map(Vec::as_slice).collect();
	verify_platform(
		policy,
		&PlatformEvidence {
			key: &IdentityKey::parse(ak_public)?,
			quote_info: &quoted.attested.attest,
			signature: &quoted.attested.signature,
			nonce,
			pcr_values: &values,
		},
	)
}

/// The challenge to the chip of one identity for the identity key of another.
fn challenge(ek: &LegacyIdentity, ak: &LegacyIdentity, seed: u8) -> ep_tpm::Challenge {
	ek.keys().unwrap().0.challenge(&ak.keys().unwrap().1, &[seed; 32]).unwrap()
}

#[test]
fn a_chip_is_provisioned_certified_challenged_and_quoted() {
	if !has_tpm12() {
		return;
	}
	let soft = Soft::make();
	let mut chip = soft.open();
	assert_eq!((chip.version().specification.0, chip.version().manufacturer.as_str()), (2, "IBM"));
	assert!(!chip.is_owned().unwrap());
	let identity = chip.provision(&OWNER).unwrap();
	assert!(chip.is_owned().unwrap());

	// The certificate in the chip is of its EK, and its authority signs those of TPM 1.2 with SHA-1.
	let (certificate, issuer, store) = soft.certified(&identity.ek_public);
	let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
	let stored = identity.ek_certificate.as_deref().unwrap();
	let refusal = verify_ek(stored, &[&issuer], &store, &Policy::at(now));
	assert_eq!(refusal.map(drop), Err(CertificateError::WeakHash));
	let certified = verify_ek(&certificate, &[&issuer], &store, &Policy::at(now)).unwrap();
	assert_eq!(TierTable::defaults().tier(&certified.tpm), Ok(TIER));
	let (ek, ak) = identity.keys().unwrap();
	ek.check_certified(&certified.key).unwrap();
	assert_eq!(EndorsementKey::of_certified(&certified.key).unwrap(), ek);

	// Many times: nothing is left in the chip.
	for round in 0..30 {
		let asked = ek.challenge(&ak, &[round; 32]).unwrap();
		assert_eq!(chip.activate(&identity, &OWNER, &asked.credential).unwrap(), asked.secret);
		let quoted = chip.quote_with_pcrs(&identity, &[round; 32], &[0, 10]).unwrap();
		let met = judge(&policy(&[0; 20]), &identity.ak_public, &quoted, &[round; 32]);
		assert!(met.is_ok(), "{met:?}");
	}
	// From its file, after a power cut.
	let file = soft.dir.path().join("identity.json");
	identity.write(&file).unwrap();
	assert_eq!(LegacyIdentity::read(&file).unwrap(), identity);
	drop(chip);
	let soft = soft.reboot();
	let mut chip = soft.open();
	let asked = challenge(&identity, &identity, 1);
	assert_eq!(chip.activate(&identity, &OWNER, &asked.credential).unwrap(), asked.secret);
	// Again, now that it has an owner, who may read the EK.
	let again = chip.provision(&OWNER).unwrap();
	assert_eq!((&again.ek_public, &again.ek_certificate), (&identity.ek_public, &identity.ek_certificate));
	assert_ne!(again.ak_public, identity.ak_public);
	let error = chip.provision(&Secret([8; 20])).unwrap_err();
	assert!(matches!(error, TpmError::LegacyRefused { code: wire::AUTH_FAIL, .. }), "{error}");
	let error = chip.quote_with_pcrs(&identity, &[1; 32], &[24]).unwrap_err();
	assert!(matches!(error, TpmError::BadRequest { .. }), "{error}");
}

#[test]
fn forgers_are_refused_by_chip_or_judge() {
	if !has_tpm12() {
		return;
	}
	let (mut soft, other_soft) = (Soft::make(), Soft::make());
	let (mut chip, mut other_chip) = (soft.open(), other_soft.open());
	let (identity, other) = (chip.provision(&OWNER).unwrap(), other_chip.provision(&OWNER).unwrap());

	// Another chip, another key, a key in software, a bit that fell over.
	let mut not_for_it = |credential: &Credential, what: &str| {
		let error = chip.activate(&identity, &OWNER, credential).unwrap_err();
		assert!(matches!(error, TpmError::NotForThisChip { .. }), "{what}: {error}");
	};
	not_for_it(&challenge(&other, &identity, 1).credential, "another EK");
	not_for_it(&challenge(&other, &other, 1).credential, "another chip");
	not_for_it(&challenge(&identity, &other, 1).credential, "another identity key");
	let mut software = identity.clone();
	software.ak_public[200] ^= 2;
	not_for_it(&challenge(&identity, &software, 1).credential, "a key in software");
	let good = challenge(&identity, &identity, 1);
	for bit in [0, 1, 999, 2040, 2047] {
		let mut flipped = good.credential.clone();
		flipped.encrypted_secret.as_mut()[bit / 8] ^= 0x80 >> (bit % 8);
		not_for_it(&flipped, "a flipped bit");
	}
	let mut cut = good.credential.clone();
	cut.id_object.pop();
	not_for_it(&cut, "a cut second half");
	// The chip of one with the key of the other: it was encrypted by that chip to itself.
	let error = other_chip.activate(&identity, &OWNER, &challenge(&other, &identity, 1).credential).unwrap_err();
	assert!(matches!(error, TpmError::LegacyRefused { what: "TPM_LoadKey2", .. }), "{error}");
	let error = chip.activate(&identity, &Secret([8; 20]), &good.credential).unwrap_err();
	assert!(matches!(error, TpmError::LegacyRefused { what: "TPM_ActivateIdentity", .. }), "{error}");
	assert_eq!(chip.activate(&identity, &OWNER, &good.credential).unwrap(), good.secret);

	// A signing key of the same chip: its TPM_PUBKEY looks like an identity key's, but the chip knows better.
	let signing = signing_key(&mut chip, &identity);
	let error = chip.activate(&signing, &OWNER, &challenge(&identity, &signing, 1).credential).unwrap_err();
	assert!(matches!(error, TpmError::NotForThisChip { .. }), "{error}");

	// Quotes: another nonce, another chip's key, an extended PCR, and that PCR after a reboot.
	let zeros = policy(&[0; 20]);
	let quoted = chip.quote_with_pcrs(&identity, b"nonce", &[0, 10]).unwrap();
	assert!(judge(&zeros, &identity.ak_public, &quoted, b"nonce").is_ok());
	assert_eq!(judge(&zeros, &identity.ak_public, &quoted, b"other"), Err(Rule::Nonce));
	let refusal = judge(&zeros, &other.ak_public, &quoted, b"nonce").unwrap_err();
	assert!(matches!(refusal, Rule::BadSignature | Rule::SignatureRange), "{refusal}");
	let body = [&10u32.to_be_bytes()[..], &[0x33; 20]].concat();
	let extended = chip.chip.plain("TPM_Extend", 0x14, &body).unwrap();
	let fresh = chip.quote_with_pcrs(&identity, b"fresh", &[0, 10]).unwrap();
	assert_eq!(fresh.pcr_values[1], extended);
	assert_eq!(judge(&zeros, &identity.ak_public, &fresh, b"fresh"), Err(Rule::PcrNotAllowed));
	let lying = Quoted { pcr_values: quoted.pcr_values.clone(), ..fresh.clone() };
	assert_eq!(judge(&zeros, &identity.ak_public, &lying, b"fresh"), Err(Rule::PcrDigest));
	let measured = policy(&extended);
	assert!(judge(&measured, &identity.ak_public, &fresh, b"fresh").is_ok());
	drop(chip);
	soft = soft.reboot();
	let reset = soft.open().quote_with_pcrs(&identity, b"reset", &[0, 10]).unwrap();
	assert_eq!(judge(&measured, &identity.ak_public, &reset, b"reset"), Err(Rule::PcrNotAllowed));
	// A PCR that any program sets back is in no policy.
	let resettable = PlatformPolicy { bitmap: vec![1, 0, 1].try_into().unwrap(), ..zeros };
	let quoted = soft.open().quote_with_pcrs(&identity, b"debug", &[0, 16]).unwrap();
	assert_eq!(judge(&resettable, &identity.ak_public, &quoted, b"debug"), Err(Rule::LegacyStaticPcrs));
}

/// TPM_CreateWrapKey: a key below the storage root key that signs whatever it is given the digest of.
fn signing_key(chip: &mut LegacyTpm, identity: &LegacyIdentity) -> LegacyIdentity {
	// TPM_ET_SRK.
	let session = chip.chip.osap(4, HANDLE_SRK, &Secret::WELL_KNOWN).unwrap();
	let mut body = session.hide(&Secret::WELL_KNOWN).to_vec();
	body.extend([0; 20]);
	// TPM_KEY_SIGNING.
	body.extend(key_request(0x10, IDENTITY_SCHEMES));
	let command =
		Command { what: "TPM_CreateWrapKey", ordinal: 0x1F, handles: &[HANDLE_SRK], body: &body, handles_out: 0 };
	let ak_blob = chip.chip.authorised(&command, &[session]).unwrap();
	let mut ak_public = ak_blob[11..11 + KEY_PARMS_LEN].to_vec();
	ak_public.extend(&ak_blob[39..39 + 4 + 256]);
	LegacyIdentity { ak_public, ak_blob, ..identity.clone() }
}

#[test]
fn a_tpm_2_is_told_apart() {
	if !has_tpm12() {
		return;
	}
	let soft = Soft::bare().run_with(&["--tpm2", "--flags", "startup-clear"]);
	let error = LegacyTpm::open(&soft.tcti()).unwrap_err();
	assert!(error.to_string().contains("TPM 2.0"), "{error}");
}

#[test]
fn secrets_are_not_shown() {
	assert_eq!(format!("{:?}", Secret([7; 20])), "Secret(..)");
	assert_ne!(Secret::random(), Secret::random());
}
