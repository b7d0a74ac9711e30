//! Forgers of endorsement keys' certificates and of the paths above them, by rule (EK, CP).

mod common;

use common::{x509::*, Public};
use ep_tpm::{
	certificate::{
		examine_ek, name_hash, verify_ek, Error, Outcome, Policy, Role, StoredCertificate, TrustStore, MAX_CANDIDATES,
		MAX_PATH_CERTIFICATES, MAX_SIGNATURE_CHECKS,
	},
	PublicArea,
};

#[test]
fn ek_not_ca_refuses_a_ca_in_the_place_of_an_ek() {
	assert_eq!(
		judge_ek(|forge| forge.set(BASIC_CONSTRAINTS, Some(basic_constraints(true, None)))),
		Err(Error::EkNotCa)
	);
	assert!(judge_ek(|forge| forge.set(BASIC_CONSTRAINTS, None)).is_ok(), "no CA either");
}

#[test]
fn ek_key_usage_refuses_attestation_keys_that_are_certified_for_the_eks_purpose() {
	let ecc = |usage| judge_ek(|forge| forge.set(KEY_USAGE, usage)).map(|_| ());
	let rsa = |usage| {
		let changed = judge_ek(|forge| {
			forge.key = rsa_key();
			forge.set(KEY_USAGE, usage);
		});
		changed.map(|_| ())
	};
	// digitalSignature alone, as Google's AK certificates have it; none at all; keyCertSign; dataEncipherment.
	for usage in [Some(key_usage(0x80)), None, Some(key_usage(0x04)), Some(key_usage(0x10)), Some(key_usage(0))] {
		assert_eq!(ecc(usage.clone()), Err(Error::EkKeyUsage), "{usage:02x?}");
		assert_eq!(rsa(usage), Err(Error::EkKeyUsage));
	}
	assert_eq!(ecc(Some(key_usage(0x20))), Err(Error::EkKeyUsage), "ECC does not encipher keys");
	assert_eq!(ecc(Some(key_usage(0x08))), Ok(()));
	assert_eq!(rsa(Some(key_usage(0x20))), Ok(()));
	assert_eq!(rsa(Some(key_usage(0x08))), Ok(()), "Pluton");
	assert_eq!(rsa(Some(key_usage(0xa0))), Ok(()), "an EK that may sign too");
}

#[test]
fn ek_extended_key_usage_refuses_other_purposes_and_none() {
	let with = |extension| judge_ek(|forge| forge.set(PURPOSES, extension)).map(|_| ());
	assert_eq!(with(None), Err(Error::EkExtendedKeyUsage));
	// A TLS server, a platform certificate, any purpose.
	for purpose in [
		&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01][..],
		&[0x67, 0x81, 0x05, 0x08, 0x02],
		&[0x55, 0x1d, 0x25, 0x00],
	] {
		assert_eq!(with(Some(purposes(&[purpose]))), Err(Error::EkExtendedKeyUsage));
		assert_eq!(with(Some(purposes(&[purpose, EK_PURPOSE]))), Ok(()));
	}
}

#[test]
fn tpm_attributes_refuses_alternative_names_without_a_tpm() {
	let with = |name: Option<Vec<u8>>| judge_ek(|forge| forge.set(ALTERNATIVE_NAME, name)).map(|_| ());
	let tpm = |attributes: &[(u8, &str)]| with(Some(alternative_name(&tpm_name(attributes))));
	let refused = Err(Error::TpmAttributes);
	assert_eq!(with(None), refused);
	assert_eq!(with(Some(extension(ALTERNATIVE_NAME, true, &seq(&[&tlv(0x82, b"example.org")])))), refused);
	let (maker, model, version) = ((1, "id:4E544300"), (2, "NPCT75x"), (3, "id:00070002"));
	assert_eq!(tpm(&[maker, model]), refused);
	assert_eq!(tpm(&[maker, version]), refused);
	assert_eq!(tpm(&[model, version]), refused);
	assert_eq!(tpm(&[maker, maker, model, version]), refused, "twice");
	assert_eq!(tpm(&[(1, "NTC"), model, version]), refused, "no number");
	assert_eq!(tpm(&[(1, "id:4E5443"), model, version]), refused, "too short");
	assert_eq!(tpm(&[(1, "id:+E544300"), model, version]), refused, "no digit");
	assert_eq!(tpm(&[maker, (2, &"x".repeat(65)), version]), refused, "too long");
	assert_eq!(tpm(&[maker, (2, "a\u{1b}[2J"), version]), refused, "not for a terminal");
	assert_eq!(tpm(&[version, maker, model, (4, "more")]), Ok(()), "any order, others beside them");
	// All in one RDN, as Nuvoton and Intel have them.
	let all: Vec<u8> =
		TPM.iter().flat_map(|(last, text)| attribute(&[0x67, 0x81, 0x05, 0x02, *last], 0x13, text)).collect();
	assert_eq!(with(Some(alternative_name(&seq(&[&tlv(0x31, &all)])))), Ok(()));
	// A directory name each, and other names between them.
	let names: Vec<u8> = [tlv(0x82, b"example.org")]
		.into_iter()
		.chain(TPM.iter().map(|attribute| tlv(0xa4, &tpm_name(&[*attribute]))))
		.flatten()
		.collect();
	assert_eq!(with(Some(extension(ALTERNATIVE_NAME, false, &tlv(0x30, &names)))), Ok(()));
	// Not UTF-8, PrintableString or IA5String.
	let odd = seq(&[&tlv(0x31, &attribute(&[0x67, 0x81, 0x05, 0x02, 1], 0x04, "id:4E544300"))]);
	assert_eq!(with(Some(alternative_name(&odd))), refused);
}

#[test]
fn same_key_refuses_another_chips_public_area() {
	let ek = judge_ek(|_| {}).unwrap();
	let point = signer(9).verifying_key().to_encoded_point(false);
	let area = |x: &[u8], y: &[u8], curve| {
		let (x, y) = (x.to_vec(), y.to_vec());
		Public::p256().with(|public| public.key = common::Key::Ecc { curve, kdf: vec![0x0010], x, y })
	};
	let (x, y) = (point.x().unwrap(), point.y().unwrap());
	let own = area(x, y, 0x0003);
	assert_eq!(ek.check_public_area(&PublicArea::parse(&own).unwrap()), Ok(()));
	let other = signer(8).verifying_key().to_encoded_point(false);
	let other = area(other.x().unwrap(), other.y().unwrap(), 0x0003);
	assert_eq!(ek.check_public_area(&PublicArea::parse(&other).unwrap()), Err(Error::SameKey));
	let other_curve = area(x, y, 0x0020);
	let refused = ek.check_public_area(&PublicArea::parse(&other_curve).unwrap());
	assert_eq!(refused, Err(Error::PublicKeyAlgorithm));
	let rsa = Public::rsa().bytes();
	assert_eq!(ek.check_public_area(&PublicArea::parse(&rsa).unwrap()), Err(Error::SameKey));
	// The same RSA key, its exponent written as zero and as itself.
	let ek = judge_ek(|forge| {
		forge.key = rsa_key();
		forge.set(KEY_USAGE, Some(key_usage(0x20)));
	});
	assert_eq!(ek.unwrap().check_public_area(&PublicArea::parse(&rsa).unwrap()), Ok(()));
}

#[test]
fn trusted_root_refuses_paths_that_end_elsewhere() {
	let (ek, ca) = (Forge::ek().bytes(), Forge::intermediate().bytes());
	assert_eq!(judge(&ek, &[]), Err(Error::TrustedRoot), "no intermediate");
	// A root of the forger's own, brought along.
	let root = Forge::ca("Evil", 7, "Evil", 7).bytes();
	let evil = Forge::ca("CA", 2, "Evil", 7).bytes();
	assert_eq!(judge(&ek, &[&root, &evil]), Err(Error::TrustedRoot));
	// Of the same name as the real one: then its signature is what fails, or its being met twice.
	let root = Forge::ca("Root", 7, "Root", 7).bytes();
	let evil = Forge::ca("CA", 2, "Root", 7).bytes();
	assert_eq!(judge(&ek, &[&root, &evil]), Err(Error::Signature));
	// An intermediate of the store is trusted only under a root.
	let mut store = TrustStore::default();
	store.insert(StoredCertificate::new(Role::Intermediate, &ca).unwrap()).unwrap();
	assert_eq!(verify_ek(&ek, &[], &store, &Policy::at(NOW)), Err(Error::TrustedRoot));
	store.insert(StoredCertificate::new(Role::Root, &Forge::root().bytes()).unwrap()).unwrap();
	assert!(verify_ek(&ek, &[], &store, &Policy::at(NOW)).is_ok());
	// Whoever keeps the store may end the path earlier.
	let mut store = TrustStore::default();
	store.insert(StoredCertificate::new(Role::Root, &ca).unwrap()).unwrap();
	assert_eq!(verify_ek(&ek, &[], &store, &Policy::at(NOW)).unwrap().path.len(), 2);
	// Nobody trusts nobody.
	assert_eq!(verify_ek(&ek, &[&ca], &TrustStore::default(), &Policy::at(NOW)), Err(Error::TrustedRoot));
}

#[test]
fn a_store_takes_only_cas_and_roots_that_signed_themselves() {
	let new = |role, forge: Forge| StoredCertificate::new(role, &forge.bytes()).map(|_| ());
	assert_eq!(new(Role::Root, Forge::ek()), Err(Error::NotCa));
	assert_eq!(new(Role::Intermediate, Forge::ek()), Err(Error::NotCa));
	assert_eq!(new(Role::Root, Forge::ca("Root", 1, "Root", 2)), Err(Error::Signature));
	assert_eq!(new(Role::Intermediate, Forge::intermediate()), Ok(()));
	assert_eq!(StoredCertificate::of(&Forge::root().bytes()).unwrap().role, Role::Root);
	assert_eq!(StoredCertificate::of(&Forge::intermediate().bytes()).unwrap().role, Role::Intermediate);
	let mut store = store(&[&Forge::root().bytes()]);
	assert!(store.insert(StoredCertificate::of(&Forge::root().bytes()).unwrap()).is_err(), "known");
	assert!(store.remove(&StoredCertificate::of(&Forge::root().bytes()).unwrap().fingerprint()));
	assert_eq!(store.iter().count(), 0);
}

/// CAs from "Root" down to "CA", so many of them.
fn ladder(len: u8) -> Vec<Vec<u8>> {
	let names: Vec<String> =
		(0..len).map(|step| if step + 1 == len { "CA".into() } else { format!("{step}") }).collect();
	let keys: Vec<u8> = (0..len).map(|step| if step + 1 == len { 2 } else { 100 + step }).collect();
	(0..usize::from(len))
		.map(|step| match step.checked_sub(1) {
			None => Forge::ca(&names[step], keys[step], "Root", 1).bytes(),
			Some(above) => Forge::ca(&names[step], keys[step], &names[above], keys[above]).bytes(),
		})
		.collect()
}

#[test]
fn path_depth_refuses_ladders_and_loops_lead_nowhere() {
	let judge_ladder = |len| {
		let cas = ladder(len);
		let cas: Vec<&[u8]> = cas.iter().map(Vec::as_slice).collect();
		judge(&Forge::ek().bytes(), &cas).map(|ek| ek.path.len())
	};
	let most = MAX_PATH_CERTIFICATES as u8 - 2;
	assert_eq!(judge_ladder(most), Ok(MAX_PATH_CERTIFICATES));
	assert_eq!(judge_ladder(most + 1), Err(Error::PathDepth));
	// Two that certify each other, and one that certifies itself.
	let there = Forge::ca("CA", 2, "Other", 3).bytes();
	let back = Forge::ca("Other", 3, "CA", 2).bytes();
	assert_eq!(judge(&Forge::ek().bytes(), &[&there, &back]), Err(Error::TrustedRoot));
	let itself = Forge::ca("CA", 2, "CA", 2).bytes();
	assert_eq!(judge(&Forge::ek().bytes(), &[&itself]), Err(Error::TrustedRoot));
}

#[test]
fn path_work_refuses_crowds_of_candidates() {
	let ek = Forge::ek().bytes();
	let crowd: Vec<Vec<u8>> = (0..=MAX_CANDIDATES as u8)
		.map(|serial| Forge::ca("CA", 3, "Root", 1).with(|forge| forge.serial = tlv(2, &[serial])))
		.collect();
	let crowd: Vec<&[u8]> = crowd.iter().map(Vec::as_slice).collect();
	assert_eq!(judge(&ek, &crowd), Err(Error::PathWork));
	assert_eq!(judge(&ek, &crowd[1..]), Err(Error::Signature), "looked at, and none signed it");
	// All of one name and key, each certified by all.
	let maze: Vec<Vec<u8>> = (0..MAX_CANDIDATES as u8)
		.map(|serial| Forge::ca("CA", 2, "CA", 2).with(|forge| forge.serial = tlv(2, &[serial])))
		.collect();
	let maze: Vec<&[u8]> = maze.iter().map(Vec::as_slice).collect();
	assert_eq!(judge(&ek, &maze), Err(Error::PathWork));
	const { assert!(MAX_SIGNATURE_CHECKS > MAX_CANDIDATES) };
}

#[test]
fn candidates_are_found_in_any_order_and_dead_ends_are_left() {
	let mut cas = ladder(4);
	// A dead end of the same name and key as "CA", and one of the same name and another key.
	cas.push(Forge::ca("CA", 2, "Nobody", 5).bytes());
	cas.push(Forge::ca("CA", 6, "Root", 1).bytes());
	cas.push(b"no certificate at all".to_vec());
	for _ in 0..cas.len() {
		cas.rotate_left(1);
		let given: Vec<&[u8]> = cas.iter().map(Vec::as_slice).collect();
		assert_eq!(judge(&Forge::ek().bytes(), &given).map(|ek| ek.path.len()), Ok(6));
	}
}

#[test]
fn ca_refuses_a_leaf_that_signs() {
	// The holder of a genuine EK certificate with an interesting key certifies another key.
	let leaf = Forge::ek().with(|forge| {
		forge.subject = name("Leaf");
		forge.key = ec_key(5);
	});
	let forged = Forge::ek().with(|forge| {
		forge.issuer = name("Leaf");
		forge.signer = 5;
	});
	assert_eq!(judge(&forged, &[&leaf, &Forge::intermediate().bytes()]), Err(Error::NotCa));
	assert_eq!(judge_ca(|forge| forge.set(BASIC_CONSTRAINTS, None)), Err(Error::NotCa));
	assert_eq!(judge_ca(|forge| forge.set(BASIC_CONSTRAINTS, Some(basic_constraints(false, None)))), Err(Error::NotCa));
}

#[test]
fn ca_key_usage_refuses_a_ca_that_may_not_sign_certificates() {
	assert_eq!(judge_ca(|forge| forge.set(KEY_USAGE, Some(key_usage(0x02)))), Err(Error::CaKeyUsage));
	assert_eq!(judge_ca(|forge| forge.set(KEY_USAGE, Some(key_usage(0x80)))), Err(Error::CaKeyUsage));
	assert!(judge_ca(|forge| forge.set(KEY_USAGE, None)).is_ok(), "RFC 5280, section 6.1.4 (n)");
}

#[test]
fn ca_extended_key_usage_refuses_a_ca_for_something_else() {
	let server = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01][..];
	let with = |list: &[&[u8]]| judge_ca(|forge| forge.set(PURPOSES, Some(purposes(list)))).map(|_| ());
	assert_eq!(with(&[server]), Err(Error::CaExtendedKeyUsage));
	assert_eq!(with(&[server, EK_PURPOSE]), Ok(()));
	assert_eq!(with(&[&[0x55, 0x1d, 0x25, 0x00]]), Ok(()));
}

#[test]
fn path_length_refuses_more_cas_than_one_above_allows() {
	let with = |length: Option<u8>, cas: u8| {
		let root = Forge::root().with(|forge| forge.set(BASIC_CONSTRAINTS, Some(basic_constraints(true, length))));
		let cas = ladder(cas);
		let cas: Vec<&[u8]> = cas.iter().map(Vec::as_slice).collect();
		verify_ek(&Forge::ek().bytes(), &cas, &store(&[&root]), &Policy::at(NOW)).map(|_| ())
	};
	assert_eq!(with(Some(0), 1), Err(Error::PathLength));
	assert_eq!(with(Some(1), 1), Ok(()));
	assert_eq!(with(Some(1), 2), Err(Error::PathLength));
	assert_eq!(with(Some(2), 2), Ok(()));
	assert_eq!(with(None, 5), Ok(()));
	// Of an intermediate; the EK itself does not count.
	let zero = |forge: &mut Forge| forge.set(BASIC_CONSTRAINTS, Some(basic_constraints(true, Some(0))));
	assert!(judge_ca(zero).is_ok());
	// A self-issued certificate (a new key of the same CA) does not count either.
	let old = Forge::ca("CA", 3, "Root", 1).with(zero);
	let new = Forge::ca("CA", 2, "CA", 3).bytes();
	assert_eq!(judge(&Forge::ek().bytes(), &[&old, &new]).map(|ek| ek.path.len()), Ok(4));
}

#[test]
fn critical_extension_refuses_what_is_not_understood() {
	let unknown = |critical| extension(&[0x2a, 3], critical, b"?");
	assert_eq!(judge_ek(|forge| forge.extensions.push(unknown(true))), Err(Error::CriticalExtension));
	assert_eq!(judge_ca(|forge| forge.extensions.push(unknown(true))), Err(Error::CriticalExtension));
	assert!(judge_ek(|forge| forge.extensions.push(unknown(false))).is_ok());
	// Name constraints, policy constraints, inhibitAnyPolicy, policy mappings.
	for last in [0x1e, 0x24, 0x36, 0x21] {
		let kind = [0x55, 0x1d, last];
		let refused = judge_ca(|forge| forge.extensions.push(extension(&kind, true, &seq(&[]))));
		assert_eq!(refused, Err(Error::CriticalExtension));
	}
	// Policies are critical in many a manufacturer's CA, and restrict nothing for us.
	assert!(judge_ca(|forge| forge.extensions.push(extension(&[0x55, 0x1d, 0x20], true, &seq(&[])))).is_ok());
}

#[test]
fn key_identifier_refuses_an_issuer_with_another_key() {
	let wanted = |id: u8| extension(ISSUER_KEY, false, &seq(&[&tlv(0x80, &[id])]));
	let ca = Forge::intermediate().with(|forge| forge.extensions.push(extension(SUBJECT_KEY, false, &tlv(4, &[7]))));
	let with = |extra: Vec<u8>| judge(&Forge::ek().with(|forge| forge.extensions.push(extra)), &[&ca]).map(|_| ());
	assert_eq!(with(wanted(7)), Ok(()));
	assert_eq!(with(wanted(8)), Err(Error::KeyIdentifier));
	assert_eq!(with(extension(ISSUER_KEY, false, &seq(&[]))), Ok(()), "does not say");
	assert!(judge_ek(|forge| forge.extensions.push(wanted(8))).is_ok(), "the issuer does not say");
}

#[test]
fn not_yet_valid_and_expired_refuse_every_certificate_of_the_path_outside_its_validity() {
	let (start, end) = (1_577_836_800, 1_893_456_000);
	let at = |time, ek_at| {
		let policy = Policy { ek_at, ..Policy::at(time) };
		let ca = Forge::intermediate().bytes();
		verify_ek(&Forge::ek().bytes(), &[&ca], &store(&[&Forge::root().bytes()]), &policy).map(|_| ())
	};
	assert_eq!(at(start - 1, None), Err(Error::NotYetValid));
	assert_eq!(at(start, None), Ok(()));
	assert_eq!(at(end, None), Ok(()));
	assert_eq!(at(end + 1, None), Err(Error::Expired));
	assert_eq!(at(u64::MAX, None), Err(Error::Expired));
	// The EK's own validity may be judged at another time; the CAs' may not.
	assert_eq!(at(NOW, Some(end + 1)), Err(Error::Expired));
	assert_eq!(at(end + 1, Some(NOW)), Err(Error::Expired));
	let short = Forge::ek().with(|forge| forge.not_after = tlv(0x17, b"210101000000Z"));
	let judge_short = |ek_at| {
		let policy = Policy { ek_at, ..Policy::at(NOW) };
		verify_ek(&short, &[&Forge::intermediate().bytes()], &store(&[&Forge::root().bytes()]), &policy)
	};
	assert_eq!(judge_short(None), Err(Error::Expired));
	assert_eq!(judge_short(Some(start)).unwrap().earliest_not_after, 1_609_459_200);
	assert_eq!(judge_ca(|forge| forge.not_after = tlv(0x17, b"231231000000Z")), Err(Error::Expired));
	assert_eq!(judge_ca(|forge| forge.not_before = tlv(0x17, b"240601000000Z")), Err(Error::NotYetValid));
	let root = Forge::root().with(|forge| forge.not_after = tlv(0x17, b"231231000000Z"));
	let ca = Forge::intermediate().bytes();
	let old_root = verify_ek(&Forge::ek().bytes(), &[&ca], &store(&[&root]), &Policy::at(NOW));
	assert_eq!(old_root, Err(Error::Expired), "the root too");
}

#[test]
fn names_are_the_same_whatever_their_string_type_and_nothing_else() {
	let hash = |tag, text| name_hash(&name_as(tag, text)).unwrap();
	assert_eq!(hash(0x0c, "AMDTPM"), hash(0x13, "AMDTPM"));
	assert_ne!(hash(0x0c, "AMDTPM"), hash(0x0c, "amdtpm"));
	assert_ne!(hash(0x0c, "AMDTPM"), hash(0x16, "AMDTPM"));
	let ca = Forge::intermediate().with(|forge| forge.subject = name_as(0x13, "CA"));
	assert!(judge(&Forge::ek().bytes(), &[&ca]).is_ok());
	// What stands in one RDN and in two is not the same.
	let (a, b) = (attribute(&[0x55, 4, 3], 12, "A"), attribute(&[0x55, 4, 10], 12, "B"));
	let one = seq(&[&tlv(0x31, &[a.clone(), b.clone()].concat())]);
	let two = seq(&[&tlv(0x31, &a), &tlv(0x31, &b)]);
	assert_ne!(name_hash(&one), name_hash(&two));
}

#[test]
fn an_examination_comes_to_the_verdict_and_tells_every_rule() {
	let store = store(&[&Forge::root().bytes()]);
	let ca = Forge::intermediate().bytes();
	for (ek, failed) in [
		(Forge::ek().bytes(), vec![]),
		(Forge::ek().with(|forge| forge.set(KEY_USAGE, None)), vec![Error::EkKeyUsage]),
		(Forge::ek().with(|forge| forge.signer = 3), vec![Error::Signature]),
		(Forge::ek().bytes()[..99].to_vec(), vec![Error::Der]),
		(
			Forge::ek().with(|forge| {
				forge.set(PURPOSES, None);
				forge.set(ALTERNATIVE_NAME, None);
				forge.issuer = name("Nobody");
			}),
			vec![Error::EkExtendedKeyUsage, Error::TpmAttributes, Error::TrustedRoot],
		),
	] {
		let (findings, result) = examine_ek(&ek, &[&ca], &store, &Policy::at(NOW));
		let found: Vec<Error> =
			findings.iter().filter(|finding| finding.outcome == Outcome::Fail).map(|finding| finding.rule).collect();
		assert_eq!(found, failed);
		assert_eq!(result.as_ref().err(), failed.first());
		assert_eq!(verify_ek(&ek, &[&ca], &store, &Policy::at(NOW)), result);
		assert_eq!(findings.len(), 50, "each rule has its line, whatever comes out");
		if failed.is_empty() {
			assert!(findings.iter().all(|finding| finding.outcome == Outcome::Pass));
		}
	}
}
