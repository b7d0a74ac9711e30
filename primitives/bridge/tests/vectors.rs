//! The encodings, against another implementation of them.
//!
//! `vectors.json` was made by ethers 6 from `vectors.mjs` (`npm i ethers@6 && node vectors.mjs > vectors.json`), which has
//! no line in common with this crate. It freezes the encodings: contracts and signatures depend on them.

use ep_bridge::{
	expand, history, tree, Certificate, Checkpoint, HistoryLeaf, ScoreLeaf, ScoreProof, Signer, SignerSet,
};
use ep_trust::{anchor, Chain};
use serde_json::Value;
use sp_core::{H160, H256};

fn vectors() -> Value {
	serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn rows(of: &str) -> Vec<Value> {
	vectors()[of].as_array().unwrap().clone()
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

fn hashes(value: &Value) -> Vec<H256> {
	value.as_array().unwrap().iter().map(hash).collect()
}

/// Numbers that do not fit into JSON's are text.
fn number(value: &Value) -> u64 {
	value.as_u64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn set(row: &Value) -> SignerSet {
	let signer = |signer: &Value| Signer { address: address(&signer["address"]), weight: number(&signer["weight"]) };
	SignerSet::new(number(&row["id"]), row["signers"].as_array().unwrap().iter().map(signer).collect()).unwrap()
}

#[test]
fn sets_of_signers() {
	for row in rows("signers") {
		let set = set(&row);
		assert_eq!(set.total(), number(&row["total"]), "{row}");
		assert_eq!(set.words(), row["words"].as_array().unwrap().iter().flat_map(bytes).collect::<Vec<_>>(), "{row}");
		assert_eq!(set.hash(), hash(&row["hash"]), "{row}");
	}
	assert_eq!(rows("signers").len(), 4);
}

fn checkpoint(row: &Value) -> Checkpoint {
	let message = &row["message"];
	Checkpoint {
		genesis: hash(&message["genesis"]),
		epoch: number(&message["epoch"]),
		number: number(&message["number"]),
		block_hash: hash(&message["blockHash"]),
		state_root: hash(&message["stateRoot"]),
		history_root: hash(&message["historyRoot"]),
		history_leaves: number(&message["historyLeaves"]),
		trust_root: hash(&message["trustRoot"]),
		trust_leaves: number(&message["trustLeaves"]),
		signers: number(&message["signers"]),
		next_signers: hash(&message["nextSigners"]),
	}
}

#[test]
fn checkpoints_and_their_certificates() {
	for row in rows("checkpoints") {
		let checkpoint = checkpoint(&row);
		let chain = Chain { id: number(&row["chainId"]), contract: address(&row["contract"]) };
		assert_eq!(checkpoint.hash_struct().to_vec(), bytes(&row["struct"]), "{row}");
		assert_eq!(checkpoint.digest(&chain).to_vec(), bytes(&row["digest"]), "{row}");
		let set = set(&row["set"]);
		let signatures: Vec<[u8; 64]> = row["signatures"]
			.as_array()
			.unwrap()
			.iter()
			.map(|signature| bytes(signature).try_into().unwrap())
			.collect();
		let certificate = Certificate {
			bitmap: bytes(&row["bitmap"]).try_into().unwrap(),
			signatures: signatures.clone().try_into().unwrap(),
		};
		let votes = certificate.verify(&checkpoint, &chain, &set, &hash(&row["set"]["hash"]));
		assert_eq!(votes, Ok(number(&row["votes"])), "{row}");
		// What ethers signs is made compact as ethers does it.
		let full = row["full"].as_array().unwrap().iter().map(|signature| {
			let mut signature: [u8; 65] = bytes(signature).try_into().unwrap();
			// Ethereum counts recovery ids from 27.
			signature[64] -= 27;
			signature
		});
		let full: Vec<[u8; 65]> = full.collect();
		assert_eq!(signatures.iter().map(expand).collect::<Vec<_>>(), full, "{row}");
		assert!(full.iter().all(|signature| anchor::recover(signature, &checkpoint.digest(&chain)).is_some()));
		assert_eq!(Certificate::collect(&set, &checkpoint.digest(&chain), full), certificate, "{row}");
	}
	assert_eq!(rows("checkpoints").len(), 4);
}

#[test]
fn trees_of_scores() {
	for (height, row) in (0..).zip(rows("empty")) {
		assert_eq!(tree::empty(height), hash(&row), "{height}");
	}
	for row in rows("trees") {
		let (root, leaves) = (hash(&row["root"]), number(&row["leaves"]));
		let proofs = row["proofs"].as_array().unwrap();
		assert_eq!(tree::root(proofs.iter().map(|proof| hash(&proof["hash"]))), root);
		for proof in proofs {
			let (epoch, score, index) = (number(&proof["epoch"]), number(&proof["score"]), number(&proof["index"]));
			let (node, signer) = (hash(&proof["node"]).0, address(&proof["signer"]));
			assert_eq!(ScoreLeaf { epoch, node, score, index, signer }.hash(), hash(&proof["hash"]), "{proof}");
			let siblings = hashes(&proof["siblings"]).try_into().unwrap();
			assert_eq!(
				ScoreProof { epoch, index, signer, siblings }.verify(&node, score, &root, leaves),
				Ok(()),
				"{proof}"
			);
		}
	}
	assert_eq!(rows("trees").len(), 7);
}

#[test]
fn histories() {
	for row in rows("history") {
		let leaf = &row["leaf"];
		let concluded: Vec<(u32, H256)> = leaf["concluded"]
			.as_array()
			.into_iter()
			.flatten()
			.map(|round| (number(&round["round"]) as u32, hash(&round["root"])))
			.collect();
		let made = HistoryLeaf {
			number: number(&leaf["number"]),
			block_hash: hash(&leaf["blockHash"]),
			trust_root: hash(&leaf["trustRoot"]),
			trust_leaves: number(&leaf["trustLeaves"]),
			committees: history::committees(&concluded),
		};
		assert_eq!(made.bytes().to_vec(), bytes(&leaf["bytes"]), "{row}");
		let (index, leaves, items) = (number(&row["index"]), number(&row["leaves"]), hashes(&row["items"]));
		assert_eq!(history::verify(&made, index, &items, &hash(&row["root"]), leaves), Ok(()), "{row}");
	}
	assert_eq!(rows("history").len(), 17);
}
