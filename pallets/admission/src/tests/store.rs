//! How much of the store one application may make the chain look at.

use ep_tpm::certificate::{Role, StoredCertificate};
use frame_support::{assert_noop, assert_ok, BoundedVec};

use crate::{evidence::MOST_LISTS, mock::*, *};

/// Issuers of the fixtures' path: its CA and its root.
const PATH: usize = 2;
/// The name that the root has, and that of issuer `n` in its place: as long, so that the rest of a certificate stays.
const ROOT: &[u8; 20] = b"swtpm-localca-rootca";

fn issuer(n: usize) -> Vec<u8> {
	format!("swtpm-local-issuer{n:02}").into_bytes()
}

/// A certificate with the places in which it names the root filled with other names.
fn renamed(certificate: &str, names: &[Vec<u8>]) -> StoredCertificate {
	let mut bytes = file(certificate);
	for name in names {
		let at = bytes.windows(ROOT.len()).position(|window| window == ROOT).expect("it names the root so often");
		bytes[at..at + ROOT.len()].copy_from_slice(name);
	}
	StoredCertificate { role: Role::Intermediate, certificate: bytes.try_into().unwrap() }
}

/// Certificates by which the CA, besides having its own issuer, was issued by issuer 1, that one by issuer 2, and so on
/// up to issuer `last`. None of them is any good, but what they say has to be followed.
fn more_issuers(last: usize) {
	let links = (1..last).map(|n| renamed("root.der", &[issuer(n + 1), issuer(n)]));
	for stored in [renamed("ca.der", &[issuer(1)])].into_iter().chain(links) {
		let subject = stored.subject_hash().unwrap();
		Roots::<Test>::try_mutate(subject, |roots| roots.try_push(stored)).unwrap();
	}
}

/// A list, of whatever, by issuer `n`.
fn list_of(n: usize) {
	let named = renamed("root.der", &[issuer(n), issuer(n)]);
	Lists::<Test>::insert(named.subject_hash().unwrap(), List::truncate_from(vec![0; 100]));
}

#[test]
fn sixteen_issuers_are_looked_up_and_one_more_is_no_honest_path() {
	on_chain(|| {
		more_issuers(16 - PATH);
		assert_ok!(Applicant::new(ALICE, "ecc").apply());
	});
	on_chain(|| {
		more_issuers(16 - PATH + 1);
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::BadCertificate);
	});
}

#[test]
fn eight_lists_are_read_and_one_more_is_too_much() {
	on_chain(|| {
		more_issuers(MOST_LISTS + 1);
		(1..=MOST_LISTS).for_each(list_of);
		assert_ok!(Applicant::new(ALICE, "ecc").apply());
	});
	on_chain(|| {
		more_issuers(MOST_LISTS + 1);
		(1..=MOST_LISTS + 1).for_each(list_of);
		assert_noop!(Applicant::new(ALICE, "ecc").apply(), Error::<Test>::BadCertificate);
	});
}

#[test]
fn intermediates_that_an_applicant_brings_count_as_well() {
	on_chain(|| {
		let names: Vec<_> = (1..=6).map(|n| renamed("root.der", &[issuer(20 + n), issuer(n)]).certificate).collect();
		let mut applicant = Applicant::new(ALICE, "ecc");
		let bring = |names: &[_]| {
			let bytes = |name: &BoundedVec<u8, _>| name.to_vec().try_into().unwrap();
			names.iter().map(bytes).collect::<Vec<_>>().try_into().unwrap()
		};
		// The issuers of six lead nowhere, and two more are the path's own: within the bound, until the store adds nine.
		applicant.application.evidence.intermediates = bring(&names);
		assert_ok!(applicant.apply());
		let mut other = Applicant::new(BOB, "ecc");
		other.application.evidence.intermediates = bring(&names);
		more_issuers(9);
		assert_noop!(other.apply(), Error::<Test>::BadCertificate);
	});
}
