//! A node's name, and what a gateway answers about it (`bridge_scoreProof`).

use ep_bridge::{tree::DEPTH, ScoreProof};
use serde::Deserialize;
use serde_json::Value;
use sp_core::{
	crypto::{AccountId32, Ss58Codec},
	H160, H256,
};

/// A node's key for lottery and seals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Node(pub(super) [u8; 32]);

impl Node {
	/// Reads an SS58 address, or 0x and 64 hexadecimal digits.
	pub(super) fn parse(text: &str) -> Result<Self, String> {
		if let Some(digits) = text.strip_prefix("0x") {
			let bytes = hex::decode(digits).ok().and_then(|bytes| bytes.try_into().ok());
			return bytes.map(Self).ok_or_else(|| "a key has 64 hexadecimal digits after 0x".into());
		}
		let key = AccountId32::from_ss58check(text);
		key.map(|key| Self(key.into()))
			.map_err(|error| format!("neither an SS58 address ({error}) nor 0x and 64 digits"))
	}

	/// The key as an address: `author` of the chain's RPC.
	pub(super) fn author(&self) -> String {
		AccountId32::new(self.0).to_ss58check()
	}

	/// The key in hexadecimal: `node` of the contracts.
	pub(super) fn hexadecimal(&self) -> String {
		hexadecimal(&self.0)
	}
}

/// Bytes as the contracts' world has them.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
	format!("0x{}", hex::encode(bytes))
}

/// An answer, of which nothing is believed yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Answer {
	/// Height of the checkpoint that the score is to be proven under.
	pub(super) checkpoint: u64,
	/// The node.
	pub(super) node: Node,
	/// Its score.
	pub(super) score: u64,
	/// The proof.
	pub(super) proof: ScoreProof,
}

/// The members that are needed, as the RPC names them. Others are nothing to us: root and number of leaves are the
/// contract's to say.
#[derive(Deserialize)]
struct View {
	checkpoint: u64,
	node: H256,
	score: u64,
	epoch: u64,
	index: u64,
	signer: H160,
	siblings: Vec<H256>,
}

impl Answer {
	/// Reads a file: the answer, or all of what a node has sent.
	pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
		let mut value: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}"))?;
		if let Some(message) = value.pointer("/error/message") {
			return Err(format!("it is an error and no proof: {message}"));
		}
		Self::parse(value.get_mut("result").map(Value::take).unwrap_or(value))
	}

	/// Reads it (rule *shape*).
	pub(super) fn parse(value: Value) -> Result<Self, String> {
		let view = View::deserialize(value).map_err(|error| error.to_string())?;
		let View { checkpoint, node, score, epoch, index, signer, siblings } = view;
		let siblings = siblings.try_into();
		let siblings = siblings.map_err(|few: Vec<_>| format!("{} siblings, and not {DEPTH}", few.len()))?;
		Ok(Self { checkpoint, node: Node(node.0), score, proof: ScoreProof { epoch, index, signer, siblings } })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::json;

	fn view() -> Value {
		json!({
			"checkpoint": 40, "trustRoot": H256::zero(), "trustLeaves": 3, "author": "5…", "node": H256([7; 32]),
			"score": 900_000, "epoch": 2, "index": 1, "signer": H160([5; 20]), "siblings": vec![H256([9; 32]); 17],
		})
	}

	#[test]
	fn a_node_is_an_address_or_hexadecimal_and_nothing_else() {
		let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
		let hexed = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
		let node = Node::parse(alice).unwrap();
		assert_eq!(Node::parse(hexed), Ok(node));
		assert_eq!((node.author(), node.hexadecimal()), (alice.into(), hexed.into()));
		let wrong = alice.replace("5Grw", "5Grv");
		for text in ["", "0x", &hexed[2..], &hexed[..64], &format!("{hexed}00"), &hexed.replace('d', "g"), &wrong] {
			assert!(Node::parse(text).is_err(), "{text}");
		}
	}

	#[test]
	fn an_answer_is_read_as_it_is_and_as_a_node_has_sent_it() {
		let answer = Answer::parse(view()).unwrap();
		assert_eq!((answer.checkpoint, answer.node, answer.score), (40, Node([7; 32]), 900_000));
		let proof = ScoreProof { epoch: 2, index: 1, signer: H160([5; 20]), siblings: [H256([9; 32]); 17] };
		assert_eq!(answer.proof, proof);
		assert_eq!(Answer::read(view().to_string().as_bytes()), Ok(answer));
		let sent = json!({ "jsonrpc": "2.0", "id": 1, "result": view() });
		assert_eq!(Answer::read(sent.to_string().as_bytes()), Ok(answer));
	}

	#[test]
	fn shape_refuses_what_is_missing_or_of_another_type_or_length() {
		let refused = |member: &str, value: Value| {
			let mut view = view();
			view[member] = value;
			assert!(Answer::parse(view).is_err(), "{member}");
		};
		for member in ["checkpoint", "node", "score", "epoch", "index", "signer", "siblings"] {
			let mut short = view();
			short.as_object_mut().unwrap().remove(member);
			assert!(Answer::parse(short).unwrap_err().contains(member), "{member}");
			refused(member, Value::Null);
			refused(member, json!("0x12"));
		}
		refused("score", json!(-1));
		refused("score", json!(1.5));
		refused("index", json!("1"));
		for length in [0, 16, 18] {
			refused("siblings", json!(vec![H256::zero(); length]));
		}
		for nothing in [json!(null), json!([]), json!("true")] {
			assert!(Answer::parse(nothing).is_err());
		}
		let error = br#"{"jsonrpc":"2.0","id":1,"error":{"code":9300,"message":"it is no member"}}"#;
		assert!(Answer::read(error).unwrap_err().contains("it is no member"));
		assert!(Answer::read(b"{").unwrap_err().contains("no JSON"));
	}
}
