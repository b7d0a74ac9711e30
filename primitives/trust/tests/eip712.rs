//! The encoding of verdicts, against another implementation of EIP-712.
//!
//! `eip712.json` was made by ethers 6 from `eip712.mjs` (in this folder, `npm ci && npm run eip712`). It freezes the
//! encoding: contracts and signatures depend on it. A change of it needs another version in the domain. Committees and
//! whole certificates are in `certificates.rs`.

use std::str::FromStr;

use ep_poet::Hash;
use ep_trust::{anchor, eip712, Chain, Judgement, Reason, Verdict};
use serde_json::Value;
use sp_core::{H160, H256};

fn rows() -> Vec<Value> {
	let text = include_str!("eip712.json");
	serde_json::from_str(text).unwrap()
}

fn bytes(row: &Value, field: &str) -> Vec<u8> {
	hex::decode(row[field].as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn judgement(code: u64) -> Judgement {
	let reasons = [Reason::Unanswered, Reason::EventLog, Reason::Platform, Reason::Unreachable, Reason::Forged];
	let all = [Judgement::Admit].into_iter().chain(reasons.map(Judgement::Refuse));
	all.into_iter().find(|judgement| u64::from(judgement.code()) == code).unwrap()
}

fn read(row: &Value) -> (Verdict, Chain) {
	let chain = Chain { id: row["chainId"].as_u64().unwrap(), contract: H160::from_slice(&bytes(row, "contract")) };
	let verdict = Verdict {
		genesis: Hash::repeat_byte(1),
		round: row["round"].as_u64().unwrap() as u32,
		subject: [2; 32],
		evidence: H256::repeat_byte(3),
		judgement: judgement(row["judgement"].as_u64().unwrap()),
		committee: H256::repeat_byte(4),
		expected: u64::from_str(row["expected"].as_str().unwrap()).unwrap(),
	};
	(verdict, chain)
}

#[test]
fn domain_and_digest_are_those_of_ethers() {
	for row in rows() {
		let (verdict, chain) = read(&row);
		assert_eq!(eip712::domain(&chain).to_vec(), bytes(&row, "domain"), "{row}");
		assert_eq!(verdict.digest(&chain).to_vec(), bytes(&row, "digest"), "{row}");
	}
	assert_eq!(rows().len(), 3);
}

#[test]
fn what_ethers_signs_is_recovered() {
	for row in rows() {
		let (verdict, chain) = read(&row);
		let mut signature: [u8; 65] = bytes(&row, "signature").try_into().unwrap();
		// Ethereum counts recovery ids from 27.
		signature[64] -= 27;
		let signer = anchor::recover(&signature, &verdict.digest(&chain)).unwrap();
		assert_eq!(signer.as_bytes(), bytes(&row, "signer"), "{row}");
	}
}
