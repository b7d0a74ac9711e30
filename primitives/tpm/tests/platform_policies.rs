//! Rules G1-G8, each with its forger. Quotes are signed by a key in software under a made-up EK, so that nothing but the
//! rule stands between them and acceptance.

mod common;

use codec::{Decode, Encode, MaxEncodedLen};
use common::*;
use ep_tpm::{
	AllowedPcrs, AttestationKey, Boot, ClockInfo, Error, HashAlgorithm, Name, PcrRule, PlatformEvidence,
	PlatformPolicy, QuoteAttestation,
};

fn key() -> AttestationKey {
	AttestationKey::parse_author(&Public::p256().bytes()).unwrap()
}

fn ek_name() -> Name {
	Name::of_public(&Public::rsa().into_ek().bytes()).unwrap()
}

/// PCR 0 and 9 of the SHA-256 bank.
fn policy() -> PlatformPolicy {
	let zeros = || PcrRule::OneOf(vec![vec![0; 32].try_into().unwrap()].try_into().unwrap());
	PlatformPolicy {
		bank: 0x000B,
		bitmap: vec![1, 2, 0].try_into().unwrap(),
		allowed: AllowedPcrs::Each(vec![zeros(), zeros()].try_into().unwrap()),
		min_firmware: 0x7777,
		may_reset: false,
		may_resume: false,
	}
}

fn each(rules: Vec<PcrRule>) -> AllowedPcrs {
	AllowedPcrs::Each(rules.try_into().unwrap())
}

fn one_of(values: Vec<Vec<u8>>) -> PcrRule {
	let values: Vec<_> = values.into_iter().map(|value| value.try_into().unwrap()).collect();
	PcrRule::OneOf(values.try_into().unwrap())
}

fn composite(digests: Vec<Vec<u8>>) -> AllowedPcrs {
	let digests: Vec<_> = digests.into_iter().map(|value| value.try_into().unwrap()).collect();
	AllowedPcrs::Composite(digests.try_into().unwrap())
}

/// The forger's quote, under the right EK.
fn attest() -> Attest {
	let signer = key().qualified_name_under_ek(&ek_name()).unwrap();
	Attest { signer: signer.as_bytes().to_vec(), ..Attest::quote() }
}

/// The clock information of [`attest`].
const NOW: ClockInfo = ClockInfo { clock: 70_000, reset_count: 0x5555, restart_count: 0x6666, safe: true };

type Judged = Result<(QuoteAttestation, Option<Boot>), Error>;

fn judge(policy: &PlatformPolicy, attest: &Attest, values: &[&[u8]], previous: Option<&ClockInfo>) -> Judged {
	let attest = attest.bytes();
	policy.verify(&PlatformEvidence {
		key: &key(),
		ek_name: &ek_name(),
		attest: &attest,
		signature: &p256_sign(&attest),
		nonce: NONCE,
		pcr_values: values,
		previous,
	})
}

const ZEROS: [&[u8]; 2] = [&[0; 32], &[0; 32]];

fn refusal(change: impl FnOnce(&mut PlatformPolicy)) -> Option<Error> {
	let mut policy = policy();
	change(&mut policy);
	judge(&policy, &attest(), &ZEROS, None).err()
}

fn since(change: impl FnOnce(&mut ClockInfo)) -> Result<Option<Boot>, Error> {
	let mut previous = NOW;
	change(&mut previous);
	judge(&policy(), &attest(), &ZEROS, Some(&previous)).map(|(_, boot)| boot)
}

#[test]
fn the_forgers_untouched_quote_meets_the_policy() {
	let (quote, boot) = judge(&policy(), &attest(), &ZEROS, None).unwrap();
	assert_eq!((quote.clock_info, boot), (NOW, None));
}

#[test]
fn a_policy_does_not_replace_the_rules_of_the_quote() {
	let refused = |change: fn(&mut Attest), values: &[&[u8]]| {
		let mut attest = attest();
		change(&mut attest);
		judge(&policy(), &attest, values, None).err()
	};
	assert_eq!(refused(|attest| attest.magic = 0, &ZEROS), Some(Error::Magic));
	assert_eq!(refused(|attest| attest.extra.clear(), &ZEROS), Some(Error::Nonce));
	assert_eq!(refused(|attest| attest.outer.safe = 0, &ZEROS), Some(Error::ClockNotSafe));
	assert_eq!(refused(|attest| attest.signer[2] ^= 1, &ZEROS), Some(Error::QualifiedSigner));
	assert_eq!(refused(|_| (), &ZEROS[..1]), Some(Error::PcrValues));
	assert_eq!(refused(|_| (), &[&[0; 32], &[1; 32]]), Some(Error::PcrDigest));
	let other_bank = |attest: &mut Attest| {
		if let Body::Quote { banks, .. } = &mut attest.body {
			banks[0].0 = 0x000C;
		}
	};
	assert_eq!(refused(other_bank, &ZEROS), Some(Error::PcrSelection));
	let more = |attest: &mut Attest| {
		if let Body::Quote { banks, .. } = &mut attest.body {
			banks.push((0x000C, vec![0; 3]));
		}
	};
	assert_eq!(refused(more, &ZEROS), Some(Error::PcrSelection), "exactly the policy's bank and no other");
	// Who looks at the platform alone takes any clock, and nothing else.
	let platform = |change: fn(&mut Attest), values: &[&[u8]]| {
		let mut attest = attest();
		change(&mut attest);
		let bytes = attest.bytes();
		let (key, ek_name, signature) = (key(), ek_name(), p256_sign(&bytes));
		let (attest, previous) = (&bytes[..], None);
		let evidence = PlatformEvidence {
			key: &key,
			ek_name: &ek_name,
			attest,
			signature: &signature,
			nonce: NONCE,
			pcr_values: values,
			previous,
		};
		policy().verify_platform(&evidence).err()
	};
	assert_eq!(platform(|attest| attest.outer.safe = 0, &ZEROS), None);
	assert_eq!(platform(|attest| attest.extra.clear(), &ZEROS), Some(Error::Nonce));
	assert_eq!(platform(|attest| attest.signer[2] ^= 1, &ZEROS), Some(Error::QualifiedSigner));
	assert_eq!(platform(|_| (), &[&[0; 32], &[1; 32]]), Some(Error::PcrDigest));
	let wrong_signature = attest().bytes();
	let judged = policy().verify(&PlatformEvidence {
		key: &key(),
		ek_name: &ek_name(),
		attest: &wrong_signature,
		signature: &p256_sign(b"something else"),
		nonce: NONCE,
		pcr_values: &ZEROS,
		previous: None,
	});
	assert_eq!(judged, Err(Error::BadSignature));
}

#[test]
fn policy_form_refuses_an_unknown_bank_no_pcrs_missing_rules_empty_lists_and_wrong_lengths() {
	let form = |change: fn(&mut PlatformPolicy)| refusal(change);
	assert_eq!(form(|policy| policy.bank = 0x0012), Some(Error::PolicyForm));
	assert_eq!(form(|policy| policy.bitmap = vec![0, 0, 0].try_into().unwrap()), Some(Error::PolicyForm));
	assert_eq!(form(|policy| policy.bitmap = vec![1, 2].try_into().unwrap()), Some(Error::PolicyForm));
	for allowed in [
		each(vec![]),
		each(vec![one_of(vec![vec![0; 32]])]),
		each(vec![one_of(vec![vec![0; 32]]), one_of(vec![])]),
		each(vec![one_of(vec![vec![0; 32]]), one_of(vec![vec![0; 32], vec![0; 31]])]),
		each(vec![PcrRule::Any, PcrRule::Any]),
		each(vec![PcrRule::Any, one_of(vec![vec![0; 32]]), PcrRule::Any]),
		composite(vec![]),
		composite(vec![vec![0; 20]]),
		composite(vec![vec![]]),
	] {
		assert_eq!(refusal(|policy| policy.allowed = allowed), Some(Error::PolicyForm));
	}
}

#[test]
fn firmware_floor_refuses_older_firmware() {
	assert_eq!(refusal(|policy| policy.min_firmware = 0x7778), Some(Error::FirmwareFloor));
	assert_eq!(refusal(|policy| policy.min_firmware = u64::MAX), Some(Error::FirmwareFloor));
	assert_eq!(refusal(|policy| policy.min_firmware = 0x7777), None);
	assert_eq!(refusal(|policy| policy.min_firmware = 0), None);
}

#[test]
fn pcr_allowed_refuses_a_value_that_is_not_listed_for_its_pcr() {
	let listed = |first: PcrRule, second: PcrRule| refusal(|policy| policy.allowed = each(vec![first, second]));
	let zeros = || one_of(vec![vec![0; 32]]);
	let ones = || one_of(vec![vec![1; 32]]);
	assert_eq!(listed(zeros(), ones()), Some(Error::PcrNotAllowed));
	assert_eq!(listed(ones(), zeros()), Some(Error::PcrNotAllowed));
	assert_eq!(listed(PcrRule::Any, ones()), Some(Error::PcrNotAllowed));
	assert_eq!(listed(PcrRule::Any, zeros()), None);
	assert_eq!(listed(one_of(vec![vec![1; 32], vec![0; 32]]), zeros()), None, "any of the list will do");
}

#[test]
fn composite_allowed_refuses_a_digest_that_is_not_listed() {
	let listed = |digests: Vec<Vec<u8>>| refusal(|policy| policy.allowed = composite(digests));
	let right = HashAlgorithm::Sha256.digest(&[&[0; 64]]);
	assert_eq!(listed(vec![right.clone()]), None);
	assert_eq!(listed(vec![vec![0; 32], right.clone()]), None);
	assert_eq!(listed(vec![HashAlgorithm::Sha384.digest(&[&[0; 64]])]), Some(Error::CompositeNotAllowed));
	assert_eq!(listed(vec![vec![0; 32]]), Some(Error::CompositeNotAllowed));
}

#[test]
fn counters_forward_refuses_a_lower_reset_count_and_a_lower_restart_count_in_one_boot() {
	assert_eq!(since(|previous| previous.reset_count += 1), Err(Error::CountersWentBack));
	assert_eq!(since(|previous| previous.restart_count += 1), Err(Error::CountersWentBack));
	let reset_hides_nothing = since(|previous| {
		previous.reset_count += 1;
		previous.restart_count = 0;
	});
	assert_eq!(reset_hides_nothing, Err(Error::CountersWentBack));
}

#[test]
fn clock_forward_refuses_a_lower_clock() {
	assert_eq!(since(|previous| previous.clock += 1), Err(Error::ClockWentBack));
	assert_eq!(since(|_| ()), Ok(Some(Boot::Same)));
	assert_eq!(since(|previous| previous.clock = 0), Ok(Some(Boot::Same)));
}

#[test]
fn same_boot_refuses_a_reset_unless_the_policy_allows_it() {
	// A reset begins the restart counter anew, so a lower one is in order.
	let mut before = ClockInfo { reset_count: NOW.reset_count - 1, restart_count: u32::MAX, ..NOW };
	assert_eq!(since(|previous| *previous = before), Err(Error::Reset));
	let lenient = PlatformPolicy { may_reset: true, ..policy() };
	let judged = judge(&lenient, &attest(), &ZEROS, Some(&before)).map(|(_, boot)| boot);
	assert_eq!(judged, Ok(Some(Boot::Reset)));
	before.clock += 1;
	assert_eq!(
		judge(&lenient, &attest(), &ZEROS, Some(&before)).err(),
		Some(Error::ClockWentBack),
		"not even a reset turns a safe clock back"
	);
}

#[test]
fn no_resume_refuses_a_restart_unless_the_policy_allows_it() {
	let before = ClockInfo { restart_count: NOW.restart_count - 1, ..NOW };
	assert_eq!(since(|previous| *previous = before), Err(Error::Restarted));
	let lenient = PlatformPolicy { may_resume: true, ..policy() };
	let judged = judge(&lenient, &attest(), &ZEROS, Some(&before)).map(|(_, boot)| boot);
	assert_eq!(judged, Ok(Some(Boot::Resumed)));
}

#[test]
fn a_policy_fits_its_bound_and_survives_its_encoding() {
	let long = || vec![7; 64];
	let full = each(vec![one_of(vec![long(); 16]); 24]);
	let largest = PlatformPolicy { allowed: full, bitmap: vec![0xff; 32].try_into().unwrap(), ..policy() };
	assert_eq!(largest.encoded_size(), PlatformPolicy::max_encoded_len());
	for policy in [policy(), largest] {
		assert_eq!(PlatformPolicy::decode(&mut policy.encode().as_slice()), Ok(policy));
	}
	// A list longer than its bound does not decode.
	let mut forged = policy().encode();
	let list = forged.iter().position(|byte| *byte == 0x04).unwrap();
	forged[list] = 17 << 2;
	assert!(PlatformPolicy::decode(&mut forged.as_slice()).is_err());
}

#[test]
fn real_quotes_meet_a_policy_of_their_own_values() {
	for (folder, bitmap, len) in [("p256", [0x81, 0, 1], 32), ("rsa2048", [0x81, 0, 1], 32), ("author", [0, 0, 1], 32)]
	{
		let read = |file: &str| fixture(&format!("{folder}/{file}"));
		let key = AttestationKey::parse(&read("ak.tpmt_public")).unwrap();
		let ek_name = Name::of_public(&read("ek.tpmt_public")).unwrap();
		let bytes = read("quote.values");
		let values: Vec<&[u8]> = bytes.chunks(len).collect();
		let policy = PlatformPolicy {
			bitmap: bitmap.to_vec().try_into().unwrap(),
			allowed: each(values.iter().map(|value| one_of(vec![value.to_vec()])).collect()),
			min_firmware: 1,
			..policy()
		};
		let signature = key.normalise_signature(&read("quote.signature")).unwrap();
		let attest = read("quote.attest");
		let mut evidence = PlatformEvidence {
			key: &key,
			ek_name: &ek_name,
			attest: &attest,
			signature: &signature,
			nonce: NONCE,
			pcr_values: &values,
			previous: None,
		};
		let (quote, _) = policy.verify(&evidence).expect(folder);
		evidence.previous = Some(&quote.clock_info);
		assert_eq!(policy.verify(&evidence).expect(folder).1, Some(Boot::Same));
		let other = PlatformPolicy { min_firmware: quote.firmware_version + 1, ..policy };
		assert_eq!(other.verify(&evidence).err(), Some(Error::FirmwareFloor), "{folder}");
	}
}
