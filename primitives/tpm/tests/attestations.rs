//! Rules E1-E3, N1, A1-A4 and Q1-Q5, each with its forger. Forged attestations are signed by a key in software, so that
//! nothing but the rule stands between them and acceptance.

mod common;

use common::*;
use ep_tpm::{
	verify_quote, verify_time, AttestationKey, Error, HashAlgorithm, PcrSelection, QuoteAttestation, TimeAttestation,
	MAX_TIME_ATTEST_LEN,
};

fn key() -> AttestationKey {
	AttestationKey::parse_author(&Public::p256().bytes()).unwrap()
}

fn time(attest: &[u8]) -> Result<TimeAttestation, Error> {
	verify_time(&key(), attest, &p256_sign(attest), NONCE)
}

fn quote(attest: &[u8]) -> Result<QuoteAttestation, Error> {
	verify_quote(&key(), attest, &p256_sign(attest), NONCE)
}

fn time_refusal(change: impl FnOnce(&mut Attest)) -> Option<Error> {
	time(&Attest::time().with(change)).err()
}

fn quote_refusal(change: impl FnOnce(&mut Attest)) -> Option<Error> {
	quote(&Attest::quote().with(change)).err()
}

fn banks(banks: Vec<(u16, Vec<u8>)>) -> impl FnOnce(&mut Attest) {
	move |attest| {
		if let Body::Quote { banks: forged, .. } = &mut attest.body {
			*forged = banks;
		}
	}
}

fn policy() -> Vec<PcrSelection> {
	vec![PcrSelection { bank: 0x000B, bitmap: vec![1, 2, 0] }]
}

#[test]
fn the_forgers_untouched_attestations_are_accepted() {
	let parsed = time(&Attest::time().bytes()).unwrap();
	assert_eq!(parsed.extra_data, NONCE);
	assert!(quote(&Attest::quote().bytes()).unwrap().clock_info.safe);
}

#[test]
fn truncated_refuses_every_prefix_of_an_attestation() {
	let (time_attest, quote_attest) = (Attest::time().bytes(), Attest::quote().bytes());
	for len in 0..time_attest.len() {
		assert_eq!(time(&time_attest[..len]), Err(Error::Truncated), "cut at {len}");
	}
	for len in 0..quote_attest.len() {
		assert_eq!(quote(&quote_attest[..len]), Err(Error::Truncated), "cut at {len}");
	}
}

#[test]
fn trailing_bytes_refuses_one_byte_after_an_attestation() {
	assert_eq!(time(&[Attest::time().bytes(), vec![0]].concat()), Err(Error::TrailingBytes));
	assert_eq!(quote(&[Attest::quote().bytes(), vec![0]].concat()), Err(Error::TrailingBytes));
}

#[test]
fn oversized_field_refuses_a_signer_nonce_or_digest_longer_than_its_type() {
	assert_eq!(time_refusal(|attest| attest.signer = vec![0; 67]), Some(Error::OversizedField));
	assert_eq!(time_refusal(|attest| attest.extra = vec![0; 67]), Some(Error::OversizedField));
	let longer = |attest: &mut Attest| {
		if let Body::Quote { digest, .. } = &mut attest.body {
			*digest = vec![0; 65];
		}
	};
	assert_eq!(quote_refusal(longer), Some(Error::OversizedField));
}

#[test]
fn the_longest_time_attestation_is_as_long_as_stated() {
	let longest = Attest::time().with(|attest| {
		attest.signer = [vec![0, 0x0D], vec![7; 64]].concat();
		attest.extra = vec![1; 66];
	});
	assert_eq!(longest.len(), MAX_TIME_ATTEST_LEN);
	assert!(TimeAttestation::parse(&longest).is_ok());
}

#[test]
fn magic_refuses_what_no_tpm_generated() {
	for magic in [0, 0xff54_4346, 0x4743_54ff, 0x7f54_4347] {
		assert_eq!(time_refusal(|attest| attest.magic = magic), Some(Error::Magic));
		assert_eq!(quote_refusal(|attest| attest.magic = magic), Some(Error::Magic));
	}
}

#[test]
fn attestation_type_refuses_a_quote_in_place_of_a_time_attestation_and_the_reverse() {
	assert_eq!(time(&Attest::quote().bytes()), Err(Error::AttestationType));
	assert_eq!(quote(&Attest::time().bytes()), Err(Error::AttestationType));
	// Nor does a quote with a time attestation's body parse, or the reverse.
	assert_eq!(time_refusal(|attest| attest.kind = 0x8018), Some(Error::AttestationType));
	assert!(QuoteAttestation::parse(&Attest::time().with(|attest| attest.kind = 0x8018)).is_err());
	assert!(TimeAttestation::parse(&Attest::quote().with(|attest| attest.kind = 0x8019)).is_err());
}

#[test]
fn attestation_type_refuses_every_other_kind() {
	for kind in (0x8014..=0x801C).filter(|kind| *kind != 0x8019) {
		assert_eq!(time_refusal(|attest| attest.kind = kind), Some(Error::AttestationType), "{kind:04x}");
	}
	for kind in (0x8014..=0x801C).filter(|kind| *kind != 0x8018) {
		assert_eq!(quote_refusal(|attest| attest.kind = kind), Some(Error::AttestationType), "{kind:04x}");
	}
}

#[test]
fn name_form_refuses_an_empty_signer_a_handle_and_a_wrong_length() {
	for signer in [vec![], vec![0x40, 0, 0, 0x07], [vec![0, 0x04], vec![7; 20]].concat(), vec![0; 34]] {
		assert_eq!(time_refusal(|attest| attest.signer = signer.clone()), Some(Error::NameForm));
		assert_eq!(quote_refusal(|attest| attest.signer = signer), Some(Error::NameForm));
	}
}

#[test]
fn nonce_refuses_a_prefix_a_longer_one_another_one_and_none() {
	for extra in [
		NONCE[..NONCE.len() - 1].to_vec(),
		NONCE[1..].to_vec(),
		[NONCE, &[0]].concat(),
		[&[0], NONCE].concat(),
		NONCE.to_ascii_lowercase(),
		vec![],
	] {
		assert_eq!(time_refusal(|attest| attest.extra = extra.clone()), Some(Error::Nonce));
		assert_eq!(quote_refusal(|attest| attest.extra = extra), Some(Error::Nonce));
	}
	let attest = Attest::time().bytes();
	assert_eq!(verify_time(&key(), &attest, &p256_sign(&attest), &[]), Err(Error::Nonce));
}

#[test]
fn safe_flag_refuses_2_and_255_in_either_clock_info() {
	for flag in [2, 255] {
		assert_eq!(time_refusal(|attest| attest.outer.safe = flag), Some(Error::SafeFlag));
		assert_eq!(quote_refusal(|attest| attest.outer.safe = flag), Some(Error::SafeFlag));
		let inner = |attest: &mut Attest| {
			if let Body::Time { inner, .. } = &mut attest.body {
				inner.safe = flag;
			}
		};
		assert_eq!(time_refusal(inner), Some(Error::SafeFlag));
	}
}

#[test]
fn clock_safe_refuses_a_quote_but_not_a_time_attestation() {
	assert_eq!(quote_refusal(|attest| attest.outer.safe = 0), Some(Error::ClockNotSafe));
	// `time` is what counts there, and the flag says nothing about it.
	let unsafe_everywhere = |attest: &mut Attest| {
		attest.outer.safe = 0;
		if let Body::Time { inner, .. } = &mut attest.body {
			inner.safe = 0;
		}
	};
	assert_eq!(time_refusal(unsafe_everywhere), None);
}

#[test]
fn time_is_not_clock() {
	let parse = |change: &dyn Fn(&mut u64, &mut Clock, &mut Clock)| {
		let attest = Attest::time().with(|attest| {
			if let Body::Time { time, inner, .. } = &mut attest.body {
				change(time, inner, &mut attest.outer);
			}
		});
		time(&attest).unwrap()
	};
	let honest = parse(&|_, _, _| ());
	assert_eq!(honest.time, 1234);
	let set = parse(&|_, inner, outer| {
		inner.clock += 86_400_000;
		outer.clock += 86_400_000;
	});
	assert_eq!(set.time, honest.time, "setting clock moves nothing that counts");
	assert_eq!(set.clock_info.clock, honest.clock_info.clock + 86_400_000);
	let later = parse(&|time, _, _| *time += 1);
	assert_eq!(later.time, honest.time + 1);
	assert_eq!(later.clock_info, honest.clock_info);
}

#[test]
fn counters_and_firmware_are_the_inner_ones() {
	let parsed = time(&Attest::time().bytes()).unwrap();
	assert_eq!((parsed.clock_info.reset_count, parsed.clock_info.restart_count), (5, 6));
	assert_eq!(parsed.firmware_version, 7);
	let outer = Attest::time().with(|attest| {
		attest.outer = Clock { clock: 1, reset_count: 2, restart_count: 3, safe: 0 };
		attest.firmware = 4;
	});
	assert_eq!(time(&outer).unwrap(), parsed, "the outer ones do not matter");
}

#[test]
fn signature_refuses_an_attestation_that_was_changed_after_signing() {
	let signature = p256_sign(&Attest::time().bytes());
	let earlier = Attest::time().with(|attest| {
		if let Body::Time { time, .. } = &mut attest.body {
			*time -= 1;
		}
	});
	assert_eq!(verify_time(&key(), &earlier, &signature, NONCE), Err(Error::BadSignature));
}

#[test]
fn pcr_selection_form_refuses_a_bank_twice_too_many_banks_and_odd_bitmaps() {
	let bank = |id: u16, len: usize| (id, vec![1; len]);
	for forged in [
		vec![bank(0x000B, 3), bank(0x000B, 3)],
		(0..17).map(|id| bank(id, 3)).collect(),
		vec![bank(0x000B, 0)],
		vec![bank(0x000B, 2)],
		vec![bank(0x000B, 33)],
	] {
		assert_eq!(quote_refusal(banks(forged)), Some(Error::PcrSelectionForm));
	}
	assert_eq!(quote_refusal(banks((0..16).map(|id| bank(id, 3)).collect())), None);
	assert_eq!(quote_refusal(banks(vec![])), None);
	// A count that lies costs nothing: no room is made for what is not there.
	let mut lie = Attest::quote().bytes();
	let count = lie.len() - (2 + 32) - (2 + 1 + 3) - 4;
	lie[count..count + 4].copy_from_slice(&[0xff; 4]);
	assert_eq!(quote(&lie), Err(Error::PcrSelectionForm));
}

#[test]
fn pcr_selection_refuses_anything_but_the_policy() {
	let zero: &[u8] = &[0; 32];
	let check = |policy: &[PcrSelection]| {
		let quote = quote(&Attest::quote().bytes()).unwrap();
		quote.verify_pcrs(HashAlgorithm::Sha256, policy, &[zero, zero])
	};
	assert_eq!(check(&policy()), Ok(()));
	let selection = |bank, bitmap: &[u8]| PcrSelection { bank, bitmap: bitmap.to_vec() };
	for other in [
		vec![],
		vec![selection(0x000B, &[1, 4, 0])],
		vec![selection(0x000B, &[1, 0, 0])],
		vec![selection(0x000B, &[3, 2, 0])],
		vec![selection(0x000C, &[1, 2, 0])],
		vec![selection(0x000B, &[1, 2, 0, 0])],
		vec![selection(0x000B, &[1, 2, 0]), selection(0x000C, &[0, 0, 0])],
	] {
		assert_eq!(check(&other), Err(Error::PcrSelection), "{other:?}");
	}
}

#[test]
fn pcr_values_refuses_a_missing_one_one_too_many_and_shifted_boundaries() {
	let check = |values: &[&[u8]]| {
		let quote = quote(&Attest::quote().bytes()).unwrap();
		quote.verify_pcrs(HashAlgorithm::Sha256, &policy(), values)
	};
	let zeros = [0; 64];
	assert_eq!(check(&[&zeros[..32], &zeros[..32]]), Ok(()));
	for values in [
		vec![],
		vec![&zeros[..32]],
		vec![&zeros[..64]],
		vec![&zeros[..31], &zeros[..33]],
		vec![&zeros[..32], &zeros[..32], &zeros[..0]],
		vec![&zeros[..32], &zeros[..32], &zeros[..32]],
	] {
		assert_eq!(check(&values), Err(Error::PcrValues), "{values:?}");
	}
}

#[test]
fn pcr_values_refuses_a_bank_whose_digest_length_is_unknown() {
	let quote = quote(&Attest::quote().with(banks(vec![(0x0012, vec![1, 0, 0])]))).unwrap();
	let policy = [PcrSelection { bank: 0x0012, bitmap: vec![1, 0, 0] }];
	assert_eq!(quote.verify_pcrs(HashAlgorithm::Sha256, &policy, &[&[0; 32]]), Err(Error::PcrValues));
}

#[test]
fn pcr_digest_refuses_other_values_another_order_and_the_banks_hash() {
	let quote = quote(&Attest::quote().bytes()).unwrap();
	let zero: &[u8] = &[0; 32];
	let one: &[u8] = &[1; 32];
	for values in [[zero, one], [one, zero]] {
		assert_eq!(quote.verify_pcrs(HashAlgorithm::Sha256, &policy(), &values), Err(Error::PcrDigest));
	}
	// The digest is the signing hash's: under a SHA-384 key this quote of a SHA-256 bank is wrong.
	assert_eq!(quote.verify_pcrs(HashAlgorithm::Sha384, &policy(), &[zero, zero]), Err(Error::PcrDigest));
}

#[test]
fn selected_pcrs_are_read_from_the_lowest_bit_of_the_first_byte() {
	let selection = PcrSelection { bank: 0x000B, bitmap: vec![0x81, 0x01, 0x80] };
	assert_eq!(selection.pcrs().collect::<Vec<_>>(), [0, 7, 8, 23]);
}
