//! The certificates between the EK's and its maker's root.

mod common;

use common::*;
use ec_tpm::{Identity, TpmConfig, TpmHandle};
use ep_tpm::{
	certificate::{verify_ek, Error, Policy, Role, StoredCertificate, TrustStore},
	PublicArea,
};
use std::{
	fs,
	path::Path,
	time::{SystemTime, UNIX_EPOCH},
};

fn identity_file(base: &Path) -> std::path::PathBuf {
	base.join("tpm/identity.json")
}

#[test]
fn a_managed_chips_certificate_is_verified_up_to_its_root() {
	let base = tempfile::tempdir().unwrap();
	assert_eq!(TpmConfig::managed_root(base.path()), None);
	let identity = start(base.path()).identity();
	let root = TpmConfig::managed_root(base.path()).unwrap();
	let mut store = TrustStore::default();
	store.insert(StoredCertificate::new(Role::Root, &root).unwrap()).unwrap();
	let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
	let verify = |chain: &[Vec<u8>]| {
		let candidates: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
		verify_ek(identity.ek_certificate.as_deref().unwrap(), &candidates, &store, &Policy::at(now))
	};
	let verified = verify(&identity.ek_chain).unwrap();
	verified.check_public_area(&PublicArea::parse(&identity.ek_public).unwrap()).unwrap();
	assert_eq!(verified.path.len(), 3);
	assert_eq!(verify(&[]), Err(Error::TrustedRoot));
	// Another chip's authority has the same name and another key.
	let other = tempfile::tempdir().unwrap();
	let stranger = start(other.path()).identity();
	assert_ne!(stranger.ek_chain, identity.ek_chain);
	assert!(verify(&stranger.ek_chain).is_err());
}

#[test]
fn an_identity_file_without_a_chain_is_read_and_completed() {
	let base = tempfile::tempdir().unwrap();
	let identity = start(base.path()).identity();
	let path = identity_file(base.path());
	let text = fs::read_to_string(&path).unwrap();
	assert!(text.contains("\"ek_chain\""));
	// As it was written before there were chains.
	let without = Identity { ek_chain: Vec::new(), ..identity.clone() };
	without.write(&path).unwrap();
	assert!(!fs::read_to_string(&path).unwrap().contains("ek_chain"));
	assert_eq!(Identity::read(&path).unwrap(), without);
	assert_eq!(start(base.path()).identity(), identity);
	assert_eq!(fs::read_to_string(&path).unwrap(), text);
	// The authority's files may go once the chip is made.
	fs::remove_dir_all(base.path().join("tpm/swtpm/ca")).unwrap();
	assert_eq!(TpmConfig::managed_root(base.path()), None);
	assert_eq!(start(base.path()).identity(), without);
}

#[test]
fn a_chain_out_of_bounds_is_a_damaged_file() {
	let base = tempfile::tempdir().unwrap();
	let identity = start(base.path()).identity();
	let path = base.path().join("copy.json");
	for chain in [vec![vec![0; 10]; 17], vec![vec![0; 4097]]] {
		Identity { ek_chain: chain, ..identity.clone() }.write(&path).unwrap();
		assert!(matches!(Identity::read(&path), Err(ec_tpm::TpmError::Damaged { .. })));
	}
}

#[test]
fn a_chain_in_the_chip_is_read_over_its_indices() {
	let made = tempfile::tempdir().unwrap();
	let issuer = start(made.path()).identity().ek_chain.remove(0);
	let root = TpmConfig::managed_root(made.path()).unwrap();
	let chip = Foreign::start();
	// One certificate and a part of the next; the rest, padded.
	chip.nv(0x01c0_0100, &[issuer.as_slice(), &root[..500]].concat(), MAKERS);
	chip.nv(0x01c0_0101, &[&root[500..], &[0xff; 100]].concat(), MAKERS);
	// Behind gaps, something that is no certificate, and two whole ones with padding between them.
	chip.nv(0x01c0_0110, &[0x30, 3, 1, 2, 3], MAKERS);
	chip.nv(0x01c0_0120, &[issuer.as_slice(), &[0xff; 50]].concat(), MAKERS);
	chip.nv(0x01c0_0121, &root, MAKERS);
	let base = tempfile::tempdir().unwrap();
	let identity = TpmHandle::start(chip.config(), base.path()).unwrap().identity();
	assert_eq!(identity.ek_chain, [issuer.clone(), root.clone(), issuer, root]);
	assert_eq!(Identity::read(&identity_file(base.path())).unwrap(), identity);
	assert_eq!(chip.tool(&["tpm2_getcap", "handles-transient"]), "");
	assert_eq!(chip.tool(&["tpm2_getcap", "handles-loaded-session"]), "");
}

#[test]
fn what_others_keep_at_these_indices_is_left_alone() {
	let made = tempfile::tempdir().unwrap();
	let issuer = start(made.path()).identity().ek_chain.remove(0);
	let chip = Foreign::start();
	chip.nv(0x01c0_0100, &issuer, MAKERS);
	// It has a password, and a wrong one would count.
	chip.tool(&["tpm2_nvdefine", "0x1c00101", "-C", "o", "-s", "9", "-p", "secret", "-a", "authread|authwrite"]);
	chip.tool(&["tpm2_nvwrite", "0x1c00101", "-P", "secret", "-i", chip.file(b"their own")]);
	// Never written.
	chip.tool(&["tpm2_nvdefine", "0x1c00102", "-C", "o", "-s", "9", "-a", "authread|authwrite|no_da"]);
	let base = tempfile::tempdir().unwrap();
	for _ in 0..3 {
		let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
		assert_eq!(tpm.identity().ek_chain, std::slice::from_ref(&issuer));
		get_time(&tpm, 1).unwrap();
		assert_eq!(lockout_counter(&chip), 0);
	}
}
