//! Forgers of revocation lists, by rule (RL).

mod common;

use common::x509::*;
use ep_tpm::certificate::{Certificate, Error, RevocationList, MAX_LIST_LEN};

fn parse(change: impl FnOnce(&mut ForgeList)) -> Result<(), Error> {
	RevocationList::parse(&ForgeList::new().with(change)).map(|_| ())
}

#[test]
fn a_list_in_which_nothing_is_wrong_is_read() {
	let bytes = ForgeList::new().bytes();
	let list = RevocationList::parse(&bytes).unwrap();
	assert_eq!((list.len(), list.number(), list.next_update().is_some()), (1, Some(&[5][..]), true));
	assert!(list.revokes(&[0x22]) && !list.revokes(&[0x11]));
	assert!(judge_list(&bytes, Some(0)).is_ok());
	let empty = ForgeList::new().with(|list| list.entries = vec![]);
	assert!(RevocationList::parse(&empty).unwrap().is_empty());
	// Version 1, and an empty sequence of entries, which RFC 5280 does not want.
	let first = ForgeList::new().with(|list| {
		list.version = vec![];
		list.extensions = vec![];
	});
	assert_eq!(RevocationList::parse(&first).unwrap().number(), None);
}

#[test]
fn list_size_refuses_more_than_a_mebibyte() {
	let long = vec![0x30; MAX_LIST_LEN + 1];
	assert_eq!(RevocationList::parse(&long).err(), Some(Error::ListSize));
}

#[test]
fn list_form_refuses_missing_and_surplus_fields_and_every_prefix() {
	assert_eq!(parse(|list| list.version = tlv(2, &[0])), Err(Error::ListForm));
	assert_eq!(parse(|list| list.version = tlv(2, &[2])), Err(Error::ListForm));
	assert_eq!(parse(|list| list.version = vec![]), Err(Error::ListForm), "version 1 has no extensions");
	assert_eq!(parse(|list| list.tail = tlv(4, &[])), Err(Error::ListForm));
	assert_eq!(parse(|list| list.entries = vec![seq(&[&tlv(4, &[1])])]), Err(Error::ListForm));
	assert_eq!(parse(|list| list.this_update = tlv(0x17, b"never")), Err(Error::TimeForm));
	assert_eq!(parse(|list| list.issuer = seq(&[])), Err(Error::NameForm));
	assert_eq!(parse(|list| list.algorithm = algorithm(&[0x2a])), Err(Error::AlgorithmsAgree));
	let surplus =
		[entry(&[1], &[]), entry(&[2], &[]), seq(&[&tlv(2, &[3]), &tlv(0x17, b"231230000000Z"), &tlv(4, &[])])];
	assert_eq!(parse(|list| list.entries = surplus.to_vec()), Err(Error::ListForm));
	assert_eq!(parse(|list| list.extensions.push(number(&[6]))), Err(Error::DuplicateExtension));
	assert_eq!(parse(|list| list.extensions = vec![number(&[1; 21])]), Err(Error::ExtensionForm));
	let whole = ForgeList::new().bytes();
	for len in 0..whole.len() {
		assert!(RevocationList::parse(&whole[..len]).is_err(), "{len}");
	}
	assert_eq!(RevocationList::parse(&[whole, vec![0]].concat()).err(), Some(Error::CertificateTrailingBytes));
}

#[test]
fn delta_list_refuses_a_list_of_differences() {
	let base = extension(&[0x55, 0x1d, 0x1b], true, &tlv(2, &[4]));
	assert_eq!(parse(|list| list.extensions.push(base)), Err(Error::DeltaList));
	let removed = extension(&[0x55, 0x1d, 0x15], false, &tlv(0x0a, &[8]));
	assert_eq!(parse(|list| list.entries = vec![entry(&[1], &[&removed])]), Err(Error::DeltaList));
}

/// `issuingDistributionPoint` of these elements.
fn point(elements: &[&[u8]]) -> Vec<u8> {
	extension(&[0x55, 0x1d, 0x1c], true, &seq(elements))
}

#[test]
fn indirect_list_refuses_lists_about_other_issuers() {
	assert_eq!(parse(|list| list.extensions.push(point(&[&[0x84, 1, 0xff]]))), Err(Error::IndirectList));
	let other = extension(&[0x55, 0x1d, 0x1d], true, &seq(&[]));
	assert_eq!(parse(|list| list.entries = vec![entry(&[1], &[&other])]), Err(Error::IndirectList));
}

#[test]
fn partial_list_refuses_some_reasons_and_attribute_certificates() {
	assert_eq!(parse(|list| list.extensions.push(point(&[&tlv(0x83, &[1, 2])]))), Err(Error::PartialList));
	assert_eq!(parse(|list| list.extensions.push(point(&[&[0x85, 1, 0xff]]))), Err(Error::PartialList));
	let both = point(&[&[0x81, 1, 0xff], &[0x82, 1, 0xff]]);
	assert_eq!(parse(|list| list.extensions.push(both)), Err(Error::PartialList));
	assert_eq!(parse(|list| list.extensions.push(point(&[&[0x81, 1, 0x01]]))), Err(Error::ExtensionForm));
	// A list of CAs says nothing about an EK, one of users does, wherever it is published.
	let revoked = |flag: &[u8]| {
		let list = ForgeList::new().with(|list| {
			list.entries = vec![entry(&[0x11], &[])];
			list.extensions.push(point(&[&tlv(0xa0, &tlv(0xa0, b"")), flag]));
		});
		judge_list(&list, None).map(|_| ())
	};
	assert_eq!(revoked(&[0x82, 1, 0xff]), Ok(()));
	assert_eq!(revoked(&[0x81, 1, 0xff]), Err(Error::Revoked));
	assert_eq!(revoked(&[]), Err(Error::Revoked));
}

#[test]
fn list_critical_extension_refuses_what_is_not_understood() {
	let unknown = |critical| extension(&[0x2a, 3], critical, &[]);
	assert_eq!(parse(|list| list.extensions.push(unknown(true))), Err(Error::ListCriticalExtension));
	assert_eq!(parse(|list| list.extensions.push(unknown(false))), Ok(()));
	assert_eq!(parse(|list| list.entries = vec![entry(&[1], &[&unknown(true)])]), Err(Error::ListCriticalExtension));
	assert_eq!(parse(|list| list.entries = vec![entry(&[1], &[&unknown(false)])]), Ok(()));
}

#[test]
fn list_issuer_refuses_another_cas_list() {
	let (ca, root) = (Forge::intermediate().bytes(), Forge::root().bytes());
	let bytes = ForgeList::new().bytes();
	let list = RevocationList::parse(&bytes).unwrap();
	assert_eq!(list.check_issuer(&Certificate::parse(&ca).unwrap()), Ok(()));
	assert_eq!(list.check_issuer(&Certificate::parse(&root).unwrap()), Err(Error::ListIssuer));
	// The same name and another key, as both say.
	let ca = Forge::intermediate().with(|forge| forge.extensions.push(extension(SUBJECT_KEY, false, &tlv(4, &[7]))));
	let key = extension(ISSUER_KEY, false, &seq(&[&tlv(0x80, &[8])]));
	let bytes = ForgeList::new().with(|list| list.extensions.push(key));
	let list = RevocationList::parse(&bytes).unwrap();
	assert_eq!(list.check_issuer(&Certificate::parse(&ca).unwrap()), Err(Error::ListIssuer));
	// Whoever is revoked by another CA's list is not revoked.
	let other = ForgeList::new().with(|list| {
		list.issuer = name("Other");
		list.entries = vec![entry(&[0x11], &[])];
	});
	assert!(judge_list(&other, None).is_ok());
}

#[test]
fn list_signer_refuses_a_ca_that_may_not_sign_lists() {
	let ca = |usage| Forge::intermediate().with(|forge| forge.set(KEY_USAGE, usage));
	let bytes = ForgeList::new().bytes();
	let list = RevocationList::parse(&bytes).unwrap();
	let certificates_only = ca(Some(key_usage(0x04)));
	assert_eq!(list.check_issuer(&Certificate::parse(&certificates_only).unwrap()), Err(Error::ListSigner));
	assert_eq!(list.check_issuer(&Certificate::parse(&ca(None)).unwrap()), Ok(()));
}

#[test]
fn certificate_signature_refuses_a_list_by_another_hand_and_every_flipped_bit() {
	let forged = ForgeList::new().with(|list| list.signer = 3);
	assert_eq!(judge_list(&forged, None), Err(Error::Signature));
	let good = ForgeList::new().bytes();
	let ca = Forge::intermediate().bytes();
	let ca = Certificate::parse(&ca).unwrap();
	for bit in 0..good.len() * 8 {
		let mut forged = good.clone();
		forged[bit / 8] ^= 1 << (bit % 8);
		let result = RevocationList::parse(&forged).and_then(|list| list.check_issuer(&ca));
		assert!(result.is_err(), "bit {bit}");
	}
}

#[test]
fn list_not_yet_valid_refuses_a_list_of_tomorrow() {
	let tomorrow = ForgeList::new().with(|list| list.this_update = tlv(0x17, b"240102000000Z"));
	assert_eq!(judge_list(&tomorrow, None), Err(Error::ListNotYetValid));
}

#[test]
fn list_stale_refuses_an_overdue_list_where_the_policy_says_so() {
	let old = ForgeList::new().with(|list| list.next_update = tlv(0x17, b"231231235950Z"));
	assert!(judge_list(&old, None).is_ok());
	assert!(judge_list(&old, Some(10)).is_ok());
	assert_eq!(judge_list(&old, Some(9)), Err(Error::ListStale));
	let silent = ForgeList::new().with(|list| list.next_update = vec![]);
	assert!(judge_list(&silent, None).is_ok());
	assert_eq!(judge_list(&silent, Some(u64::MAX)), Err(Error::ListStale));
}

#[test]
fn list_rollback_refuses_an_older_list_in_the_place_of_a_newer() {
	let list = |number: Option<&[u8]>, day: &str| {
		ForgeList::new().with(|list| {
			list.extensions = number.map(self::number).into_iter().collect();
			list.this_update = tlv(0x17, format!("2312{day}000000Z").as_bytes());
		})
	};
	let newer =
		|new: &[u8], old: &[u8]| RevocationList::parse(new).unwrap().check_newer(&RevocationList::parse(old).unwrap());
	let old = list(Some(&[5]), "20");
	assert_eq!(newer(&list(Some(&[6]), "20"), &old), Ok(()));
	assert_eq!(newer(&list(Some(&[1, 0]), "21"), &old), Ok(()), "256 is more than 5");
	assert_eq!(newer(&list(Some(&[5]), "21"), &old), Err(Error::ListRollback), "the same number");
	assert_eq!(newer(&list(Some(&[4]), "21"), &old), Err(Error::ListRollback));
	assert_eq!(newer(&list(Some(&[6]), "19"), &old), Err(Error::ListRollback), "a later number of an earlier day");
	assert_eq!(newer(&list(None, "21"), &old), Err(Error::ListRollback), "numbers do not go away");
	let without = list(None, "20");
	assert_eq!(newer(&list(None, "21"), &without), Ok(()));
	assert_eq!(newer(&list(None, "20"), &without), Err(Error::ListRollback));
	assert_eq!(newer(&list(Some(&[1]), "21"), &without), Ok(()));
	let other = ForgeList::new().with(|list| list.issuer = name("Other"));
	assert_eq!(newer(&other, &old), Err(Error::ListIssuer));
	let of_users = ForgeList::new().with(|list| list.extensions.push(point(&[&[0x81, 1, 0xff]])));
	assert_eq!(newer(&of_users, &old), Err(Error::ListIssuer), "another scope");
}

#[test]
fn revoked_refuses_the_ek_and_any_ca_above_it() {
	let revoke = |serial: &[u8]| ForgeList::new().with(|list| list.entries.push(entry(serial, &[])));
	assert_eq!(judge_list(&revoke(&[0x11]), None), Err(Error::Revoked));
	assert_eq!(judge_list(&revoke(&[0x00, 0x11]), None), Err(Error::Revoked), "padded as STMicroelectronics did");
	assert!(judge_list(&revoke(&[0x11, 0x00]), None).is_ok());
	// On hold.
	let hold = extension(&[0x55, 0x1d, 0x15], false, &tlv(0x0a, &[6]));
	let held = ForgeList::new().with(|list| list.entries = vec![entry(&[0x11], &[&hold])]);
	assert_eq!(judge_list(&held, None), Err(Error::Revoked));
	// The CA, by the root.
	let of_root = ForgeList::new().with(|list| {
		list.issuer = name("Root");
		list.signer = 1;
		list.entries = vec![entry(&[0x11], &[])];
	});
	assert_eq!(judge_list(&of_root, None), Err(Error::Revoked));
}
