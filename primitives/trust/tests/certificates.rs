//! Committees and whole certificates, against an implementation that shares no code with this one.
//!
//! `certificates.json` was made by `certificates.mjs` (in this folder, `npm ci && npm run certificates`): addresses,
//! signatures and typed data by ethers, the Merkle tree and the SCALE bytes by hand. It freezes what a contract has to
//! compute too: the committee's root, the bytes of [`Verdict`] and [`VerdictCertificate`], and which of them convince.

use codec::{DecodeAll, Encode};
use ep_trust::{Chain, Committee, Judgement, Reason, Refusal, Seat, Verdict, VerdictCertificate};
use serde_json::Value;
use sp_core::{H160, H256};

fn vectors() -> Value {
	serde_json::from_str(include_str!("certificates.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
	hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn hash(value: &Value) -> H256 {
	H256::from_slice(&bytes(value))
}

fn number(value: &Value) -> u64 {
	value.as_u64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn chain(vectors: &Value) -> Chain {
	Chain { id: number(&vectors["chain"]["id"]), contract: H160::from_slice(&bytes(&vectors["chain"]["contract"])) }
}

/// From the last to the first, so that the order is this side's work.
fn seats(rows: &Value) -> Vec<Seat> {
	let seat = |row: &Value| Seat { anchor: H160::from_slice(&bytes(&row["anchor"])), votes: number(&row["votes"]) };
	rows.as_array().unwrap().iter().rev().map(seat).collect()
}

fn verdict(row: &Value) -> Verdict {
	let judgement = match number(&row["judgement"]) {
		0 => Judgement::Admit,
		1 => Judgement::Refuse(Reason::Unanswered),
		2 => Judgement::Refuse(Reason::EventLog),
		3 => Judgement::Refuse(Reason::Platform),
		4 => Judgement::Refuse(Reason::Unreachable),
		5 => Judgement::Refuse(Reason::Forged),
		other => panic!("no judgement {other}"),
	};
	Verdict {
		genesis: hash(&row["genesis"]),
		round: number(&row["round"]) as u32,
		subject: hash(&row["subject"]).0,
		evidence: hash(&row["evidence"]),
		judgement,
		committee: hash(&row["committee"]),
		expected: number(&row["expected"]),
	}
}

#[test]
fn roots_of_committees_are_those_of_another_merkle_tree() {
	let vectors = vectors();
	let rows = vectors["committees"].as_array().unwrap();
	assert_eq!(rows.len(), 15);
	for row in rows {
		let committee = Committee::new(seats(&row["seats"]), 0).unwrap();
		assert_eq!(
			committee.root(number(&row["round"]) as u32),
			hash(&row["root"]),
			"{} seats",
			committee.seats().len()
		);
	}
}

#[test]
fn verdicts_have_the_bytes_and_digests_that_were_written_by_hand() {
	let vectors = vectors();
	let chain = chain(&vectors);
	for row in vectors["certificates"].as_array().unwrap() {
		let (verdict, scale) = (verdict(&row["verdict"]), bytes(&row["verdict"]["scale"]));
		assert_eq!(verdict.encode(), scale, "{}", row["what"]);
		assert_eq!(Verdict::decode_all(&mut &scale[..]), Ok(verdict.clone()), "{}", row["what"]);
		assert_eq!(verdict.digest(&chain).to_vec(), bytes(&row["digest"]), "{}", row["what"]);
	}
}

#[test]
fn certificates_have_the_bytes_that_were_written_by_hand() {
	for row in vectors()["certificates"].as_array().unwrap() {
		let scale = bytes(&row["scale"]);
		let decoded = VerdictCertificate::decode_all(&mut &scale[..]);
		if row["outcome"] == "undecodable" {
			assert!(decoded.is_err(), "{}", row["what"]);
			continue;
		}
		let decoded = decoded.unwrap();
		assert_eq!(decoded.encode(), scale, "{}", row["what"]);
		if let Value::Array(signatures) = &row["signatures"] {
			let each = |signature: &Value| <[u8; 65]>::try_from(bytes(signature)).unwrap();
			let signatures: Vec<_> = signatures.iter().map(each).collect();
			assert_eq!(decoded, VerdictCertificate(signatures.try_into().unwrap()), "{}", row["what"]);
		}
	}
}

#[test]
fn certificates_convince_or_are_refused_by_the_rule_that_they_break() {
	let vectors = vectors();
	let chain = chain(&vectors);
	let (mut good, mut bad) = (0, 0);
	for row in vectors["certificates"].as_array().unwrap() {
		let Ok(certificate) = VerdictCertificate::decode_all(&mut &bytes(&row["scale"])[..]) else { continue };
		let verdict = verdict(&row["verdict"]);
		let committee = Committee::new(seats(&row["seats"]), verdict.expected).unwrap();
		assert_eq!(committee.root(verdict.round), verdict.committee, "{}", row["what"]);
		assert_eq!(committee.expected(), verdict.expected, "{}", row["what"]);
		let found = certificate.verify(&verdict, &chain, &committee);
		let expected = row["outcome"].as_str().unwrap();
		match expected {
			"low-s" => assert_eq!(found, Err(Refusal::LowS), "{}", row["what"]),
			"ascending" => assert_eq!(found, Err(Refusal::Ascending), "{}", row["what"]),
			"seated" => assert_eq!(found, Err(Refusal::Seated), "{}", row["what"]),
			"quorum" => assert_eq!(found, Err(Refusal::Quorum), "{}", row["what"]),
			"refused" => assert!(found.is_err(), "{}", row["what"]),
			votes => assert_eq!(found, Ok(votes.parse().unwrap()), "{}", row["what"]),
		}
		match found {
			Ok(_) => good += 1,
			Err(_) => bad += 1,
		}
	}
	assert_eq!((good, bad), (8, 13));
}
