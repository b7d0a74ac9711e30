//! Which verdicts are given, and as what.

use codec::Encode;
use ep_trust::{anchor, Chain, Judgement, Reason, Seat, Verdict, VerdictCertificate};
use sp_core::{ecdsa, offchain::storage::InMemOffchainStorage, Pair, H160};

use super::*;

const ROUND: Round = 5;
const BLOCK: u64 = 40;
const CHAIN: Chain = Chain { id: 20, contract: H160::repeat_byte(0xab) };

/// What three of four members signed for `chain`.
fn signed_for(chain: Chain) -> SignedVerdict {
	let mut pairs: Vec<_> = (1..=4).map(|n| ecdsa::Pair::from_seed(&[n; 32])).collect();
	let address = |pair: &ecdsa::Pair| anchor::address(&pair.public()).unwrap();
	pairs.sort_by_key(address);
	let seats = pairs.iter().map(|pair| Seat { anchor: address(pair), votes: 10 }).collect();
	let committee = Committee::new(seats, 40).unwrap();
	let verdict = Verdict {
		genesis: H256::repeat_byte(1),
		round: ROUND,
		subject: [2; 32],
		evidence: H256::repeat_byte(3),
		judgement: Judgement::Refuse(Reason::Platform),
		committee: committee.root(ROUND),
		expected: committee.expected(),
	};
	let digest = verdict.digest(&chain);
	let certificate =
		VerdictCertificate::collect(&digest, pairs[..3].iter().map(|pair| pair.sign_prehashed(&digest).0));
	SignedVerdict { chain, verdict, seats: committee.seats().to_vec(), certificate }
}

/// What is given of it, if the block concluded this.
fn given(kept: Option<SignedVerdict>, concluded: Vec<(Round, H256)>) -> Result<(u64, SignedVerdict), Error> {
	recordable(ROUND, kept.map(|signed| (BLOCK, signed)), |block| {
		assert_eq!(block, BLOCK);
		concluded
	})
}

#[test]
fn a_verdict_is_found_where_the_chain_puts_it() {
	let signed = signed_for(CHAIN);
	let mut offchain = InMemOffchainStorage::default();
	offchain.set(STORAGE_PREFIX, &archive::verdict(ROUND), &(BLOCK, &signed).encode());
	assert_eq!(kept(Some(&offchain), &archive::verdict(ROUND)), Some((BLOCK, signed)));
	assert_eq!(kept::<(u64, SignedVerdict)>(Some(&offchain), &archive::verdict(ROUND + 1)), None);
	assert_eq!(kept::<(u64, SignedVerdict)>(None::<&InMemOffchainStorage>, &archive::verdict(ROUND)), None);
}

#[test]
fn a_verdict_is_given_if_its_block_concluded_the_round_under_that_committee() {
	let signed = signed_for(CHAIN);
	let own = (ROUND, signed.verdict.committee);
	let other = Err(Error::OtherBranch { round: ROUND, block: BLOCK });
	assert_eq!(given(Some(signed.clone()), vec![(4, own.1), own]), Ok((BLOCK, signed.clone())));
	assert_eq!(given(Some(signed.clone()), vec![]), other);
	assert_eq!(given(Some(signed.clone()), vec![(4, own.1)]), other);
	assert_eq!(given(Some(signed), vec![(ROUND, H256::zero())]), other);
}

#[test]
fn what_cannot_be_recorded_is_refused_by_name() {
	assert_eq!(given(None, vec![]), Err(Error::NoVerdict(ROUND)));
	let unknown = signed_for(Chain::default());
	let concluded = vec![(ROUND, unknown.verdict.committee)];
	assert_eq!(given(Some(unknown), concluded), Err(Error::NoContract(ROUND)));
	let error = ErrorObjectOwned::from(Error::NoVerdict(ROUND));
	assert_eq!(error.code(), 9_300);
	assert!(error.message().starts_with("this node has none of round 5: "), "{error}");
}

#[test]
fn what_does_not_hold_is_not_given() {
	let good = signed_for(CHAIN);
	let concluded = vec![(ROUND, good.verdict.committee)];
	let mut few = good.clone();
	few.certificate.0.pop();
	let mut others = good.clone();
	others.seats.pop();
	let elsewhere = SignedVerdict { chain: Chain { id: 21, ..CHAIN }, ..good };
	for bad in [few, others, elsewhere] {
		let refused = given(Some(bad.clone()), concluded.clone());
		assert!(matches!(refused, Err(Error::Damaged(_))), "{bad:?}: {refused:?}");
	}
}

#[test]
fn a_verdict_has_the_names_and_shapes_that_the_contract_has() {
	let signed = signed_for(CHAIN);
	let view = serde_json::to_value(VerdictView::new(BLOCK, &signed)).unwrap();
	let word = |byte: &str| format!("0x{}", byte.repeat(32));
	let hex = |bytes: &[u8]| serde_json::to_value(sp_core::Bytes(bytes.to_vec())).unwrap();
	let words: Vec<u8> =
		signed.seats.iter().flat_map(|seat| [seat.anchor.as_bytes(), &[0; 11], &[10]].concat()).collect();
	assert_eq!((words.len(), signed.certificate.0.len()), (4 * 32, 3));
	let expected = serde_json::json!({
		"round": 5,
		"block": 40,
		"contract": { "chainId": 20, "address": format!("0x{}", "ab".repeat(20)) },
		"verdict": {
			"genesis": word("01"),
			"round": 5,
			"subject": word("02"),
			"evidence": word("03"),
			"judgement": 3,
			"committee": signed.verdict.committee,
			"expected": 40,
		},
		"seats": hex(&words),
		"signatures": hex(&signed.certificate.0.concat()),
	});
	assert_eq!(view, expected);
}
