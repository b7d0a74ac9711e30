//! The contracts' verdicts and this crate's, on the same bytes, good and bad.
//!
//! `contracts/test/vectors` is what the contracts' own tests run on an EVM: sets, submissions, proofs, each with the rule
//! that refuses it, if one does. Rules that only a contract has (which checkpoint landed before, which set is its current
//! one) are counted and passed over.

use std::path::Path;

use ep_bridge::{history, Certificate, Checkpoint, HistoryLeaf, NoSet, Refusal, ScoreProof, SignerSet};
use ep_trust::{anchor, Chain};
use serde_json::Value;
use sp_core::{H160, H256};

fn vectors(name: &str) -> Value {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/test/vectors").join(name);
	let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
	serde_json::from_slice(&text).unwrap()
}

fn list(value: &Value) -> &[Value] {
	value.as_array().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
	hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn hash(value: &Value) -> H256 {
	H256::from_slice(&bytes(value))
}

fn address(value: &Value) -> H160 {
	H160::from_slice(&bytes(value))
}

/// Numbers that do not fit into JSON's are text.
fn number(value: &Value) -> u64 {
	value.as_u64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn chain(value: &Value) -> Chain {
	Chain { id: number(&value["chainId"]), contract: address(&value["contract"]) }
}

fn checkpoint(value: &Value) -> Checkpoint {
	Checkpoint {
		genesis: hash(&value["genesis"]),
		epoch: number(&value["epoch"]),
		number: number(&value["number"]),
		block_hash: hash(&value["blockHash"]),
		state_root: hash(&value["stateRoot"]),
		history_root: hash(&value["historyRoot"]),
		history_leaves: number(&value["historyLeaves"]),
		trust_root: hash(&value["trustRoot"]),
		trust_leaves: number(&value["trustLeaves"]),
		signers: number(&value["signers"]),
		next_signers: hash(&value["nextSigners"]),
	}
}

#[test]
fn sets_have_the_hash_that_the_contract_stores() {
	let vectors = vectors("signers.json");
	let mut looked_at = 0;
	for row in list(&vectors["sets"]) {
		let set = SignerSet::from_words(number(&row["id"]), &bytes(&row["words"]));
		let total = &row["total"];
		let total = total.as_u64().map_or_else(|| total.as_str().unwrap().parse().unwrap(), u128::from);
		if total > u64::MAX.into() {
			// The contract adds in wider numbers. No chain has such a set: all members together weigh less.
			assert_eq!(set, Err(NoSet::Total));
			continue;
		}
		let set = set.unwrap();
		assert_eq!((u128::from(set.total()), set.hash()), (total, hash(&row["hash"])));
		looked_at += 1;
	}
	assert!(looked_at >= 8, "{looked_at}");
}

#[test]
fn submissions_are_refused_by_the_same_rule() {
	let vectors = vectors("checkpoints.json");
	let (chain, expected) = (chain(&vectors["chain"]), hash(&vectors["set"]["hash"]));
	let (mut accepted, mut refused, mut the_contracts_alone) = (0, 0, 0);
	for case in list(&vectors["cases"]) {
		let (name, rule) = (&case["name"], case["rule"].as_str());
		if let Some("Genesis" | "Newer" | "Handover" | "Leaves") = rule {
			the_contracts_alone += 1;
			continue;
		}
		let checkpoint = checkpoint(&case["checkpoint"]);
		if rule.is_none() {
			assert_eq!(checkpoint.digest(&chain).to_vec(), bytes(&case["digest"]), "{name}");
		}
		let verify = || {
			let set = SignerSet::from_words(checkpoint.signers, &bytes(&case["signers"])).map_err(|_| Refusal::Set)?;
			let certificate = Certificate::from_bytes(&bytes(&case["bitmap"]), &bytes(&case["signatures"]));
			certificate.ok_or(Refusal::Bitmap)?.verify(&checkpoint, &chain, &set, &expected)
		};
		let said = match verify() {
			Ok(_) => None,
			Err(Refusal::Set) => Some("Set"),
			Err(Refusal::Bitmap) => Some("Bitmap"),
			Err(Refusal::LowS) => Some("LowS"),
			Err(Refusal::Signer) => Some("Signer"),
			Err(Refusal::Quorum) => Some("Quorum"),
		};
		assert_eq!(said, rule, "{name}");
		match rule {
			None => accepted += 1,
			Some(_) => refused += 1,
		}
	}
	println!("{accepted} accepted, {refused} refused, {the_contracts_alone} by rules of the contract alone");
	assert!(accepted >= 4 && refused >= 30, "{accepted} {refused}");
}

#[test]
fn scores_are_proven_and_not_proven_alike() {
	let vectors = vectors("scores.json");
	let (mut good, mut bad) = (0, 0);
	for tree in list(&vectors["trees"]) {
		let root = hash(&tree["root"]);
		for case in list(&tree["cases"]) {
			let siblings: Vec<H256> = list(&case["siblings"]).iter().map(hash).collect();
			let proof = ScoreProof {
				epoch: number(&case["epoch"]),
				index: number(&case["index"]),
				signer: address(&case["signer"]),
				siblings: siblings.try_into().unwrap(),
			};
			let proven = proof.verify(&hash(&case["node"]).0, number(&case["score"]), &root, number(&case["leaves"]));
			assert_eq!(proven.is_ok(), case["good"].as_bool().unwrap(), "{} of {}", case["name"], tree["leaves"]);
			match proven {
				Ok(()) => good += 1,
				Err(_) => bad += 1,
			}
		}
	}
	assert!(good >= 15 && bad >= 100, "{good} {bad}");
}

#[test]
fn blocks_are_proven_and_not_proven_alike() {
	let vectors = vectors("history.json");
	let (mut good, mut bad) = (0, 0);
	for range in list(&vectors["ranges"]) {
		let root = hash(&range["root"]);
		for case in list(&range["cases"]) {
			let leaf = &case["leaf"];
			let leaf = HistoryLeaf {
				number: number(&leaf["number"]),
				block_hash: hash(&leaf["blockHash"]),
				trust_root: hash(&leaf["trustRoot"]),
				trust_leaves: number(&leaf["trustLeaves"]),
				committees: hash(&leaf["committees"]),
			};
			let leaves = case.get("leaves").map_or_else(|| number(&range["leaves"]), number);
			let items: Vec<H256> = list(&case["items"]).iter().map(hash).collect();
			let proven = history::verify(&leaf, number(&case["index"]), &items, &root, leaves);
			assert_eq!(proven.is_ok(), case["good"].as_bool().unwrap(), "{} of {leaves}", case["name"]);
			match proven {
				Ok(()) => good += 1,
				Err(_) => bad += 1,
			}
		}
	}
	assert!(good >= 100 && bad >= 30, "{good} {bad}");
}

#[test]
fn verdicts_have_the_digest_that_the_contract_recovers_from() {
	use ep_trust::{Committee, Judgement, Reason, Seat, Verdict, VerdictCertificate};
	let vectors = vectors("verdicts.json");
	let chain = chain(&vectors["chain"]);
	for case in list(&vectors["cases"]) {
		let told = &case["verdict"];
		let judgement = match number(&told["judgement"]) {
			0 => Judgement::Admit,
			1 => Judgement::Refuse(Reason::Unanswered),
			2 => Judgement::Refuse(Reason::EventLog),
			3 => Judgement::Refuse(Reason::Platform),
			4 => Judgement::Refuse(Reason::Unreachable),
			_ => Judgement::Refuse(Reason::Forged),
		};
		let verdict = Verdict {
			genesis: hash(&told["genesis"]),
			round: number(&told["round"]) as u32,
			subject: hash(&told["subject"]).0,
			evidence: hash(&told["evidence"]),
			judgement,
			committee: hash(&told["committee"]),
			expected: number(&told["expected"]),
		};
		assert_eq!(verdict.digest(&chain).to_vec(), bytes(&case["digest"]), "{told}");
		let seats = bytes(&case["seats"]);
		let seat = |word: &[u8]| Seat {
			anchor: H160::from_slice(&word[..20]),
			votes: u64::from_be_bytes(word[24..].try_into().unwrap()),
		};
		let committee = Committee::new(seats.chunks(32).map(seat).collect(), verdict.expected).unwrap();
		assert_eq!(committee.root(verdict.round), verdict.committee, "{told}");
		let signatures: Vec<[u8; 65]> =
			bytes(&case["signatures"]).chunks(65).map(|signature| signature.try_into().unwrap()).collect();
		assert!(signatures.iter().all(|signature| anchor::recover(signature, &verdict.digest(&chain)).is_some()));
		let certificate = VerdictCertificate(signatures.try_into().unwrap());
		assert!(certificate.verify(&verdict, &chain, &committee).is_ok(), "{told}");
	}
	assert!(list(&vectors["cases"]).len() >= 8);
}
