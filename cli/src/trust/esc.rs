//! What the contracts on the Elastos Smart Chain say: three reads and one question, in the ABI's words.
//!
//! Entry points, answers and the error are those of `ElapseAnchor.sol` and `TrustScores.sol`.

use ep_bridge::ScoreProof;
use ep_trust::eip712::{address, number, Word};
use serde_json::{json, Value};
use sp_core::{H160, H256};
use sp_crypto_hashing::keccak_256;

use super::{
	answer::{hexadecimal, Node},
	http::{Failure, Http},
};
use crate::input::Error;

/// `anchor` of `TrustScores`.
const ANCHOR: &str = "anchor()";
/// `latest` of `ElapseAnchor`.
const LATEST: &str = "latest()";
/// `checkpoint` of `ElapseAnchor`.
const CHECKPOINT: &str = "checkpoint(uint64)";
/// `verifyAt` of `TrustScores`.
const VERIFY_AT: &str = "verifyAt(uint64,bytes32,uint64,(uint64,uint64,address,bytes32[17]))";
/// The anchor does not have a checkpoint, or not any more.
const NOT_RETAINED: &str = "NotRetained()";

/// Which contracts are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
	/// The EVM chain's id.
	pub(super) chain: u64,
	/// The anchor that the scores are by.
	pub(super) anchor: H160,
}

/// What the anchor keeps of a checkpoint, as far as it matters for scores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Landed {
	/// Height of its block.
	pub(super) number: u64,
	/// How many leaves the tree of scores has.
	pub(super) trust_leaves: u64,
	/// When it landed, in seconds since 1970.
	pub(super) landed: u64,
	/// The tree's root.
	pub(super) trust_root: H256,
}

/// A node of the chain, and the contract `TrustScores` on it.
pub(super) struct Esc {
	http: Http,
	scores: H160,
}

impl Esc {
	/// The node at a URL. Nothing is asked yet.
	pub(super) fn new(url: &str, scores: H160) -> Result<Self, Error> {
		Ok(Self { http: Http::new(url).map_err(|error| Error::Usage(format!("--esc: {error}")))?, scores })
	}

	/// Who is asked.
	pub(super) fn name(&self) -> String {
		self.http.name()
	}

	/// Chain and anchor.
	pub(super) async fn place(&self) -> Result<Place, Error> {
		let answer = self.http.ask("eth_chainId", json!([])).await.map_err(|failure| self.down(failure))?;
		let chain = answer.as_str().and_then(|text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok());
		let chain = chain.ok_or_else(|| self.down(Failure::Down(format!("eth_chainId: {answer} is no number"))))?;
		let none = |why: &dyn std::fmt::Display| {
			Error::Remote(format!(
				"there is no contract TrustScores at {} on chain {chain}, where {} is ({why}). Compare --scores with the \
				 published addresses, and see that the URL is of the chain that you mean: the Elastos Smart Chain is chain \
				 20, its testnet 21",
				hexadecimal(self.scores.as_bytes()),
				self.name(),
			))
		};
		let bytes = match self.call(&self.scores, ANCHOR, &[]).await {
			Ok(bytes) => bytes,
			// Another contract refuses the call; a node that is busy refuses to make it.
			Err(Failure::Said { message, .. }) if is_revert(&message) => return Err(none(&message)),
			Err(failure) => return Err(self.down(failure)),
		};
		let anchor = words(&bytes).and_then(|[word]| read_address(&word)).filter(|anchor| !anchor.is_zero());
		Ok(Place { chain, anchor: anchor.ok_or_else(|| none(&"it names no anchor"))? })
	}

	/// The checkpoint that landed last, if one has.
	pub(super) async fn latest(&self, anchor: &H160) -> Result<Option<Landed>, Error> {
		let bytes = self.call(anchor, LATEST, &[]).await.map_err(|failure| self.down(failure))?;
		let landed = read_landed(&bytes).ok_or_else(|| self.not_the_abi(LATEST))?;
		// All zero before the first.
		Ok(Some(landed).filter(|landed| landed.landed != 0))
	}

	/// The checkpoint of a height, if it is kept.
	pub(super) async fn checkpoint(&self, anchor: &H160, height: u64) -> Result<Option<Landed>, Error> {
		let bytes = match self.call(anchor, CHECKPOINT, &[number(height)]).await {
			Ok(bytes) => bytes,
			Err(failure) if is_not_retained(&failure) => return Ok(None),
			Err(failure) => return Err(self.down(failure)),
		};
		let landed = read_landed(&bytes).filter(|landed| landed.number == height);
		landed.map(Some).ok_or_else(|| self.not_the_abi(CHECKPOINT))
	}

	/// Whether the contract says that a node has a score.
	pub(super) async fn verify_at(
		&self,
		height: u64,
		node: &Node,
		score: u64,
		proof: &ScoreProof,
	) -> Result<bool, Error> {
		let arguments = arguments(height, node, score, proof);
		let bytes = match self.call(&self.scores, VERIFY_AT, &arguments).await {
			Ok(bytes) => bytes,
			// The checkpoint is there, so the contract has no reason to refuse: it is of another version.
			Err(Failure::Said { message, .. }) if is_revert(&message) => return Err(self.not_the_abi(VERIFY_AT)),
			Err(failure) => return Err(self.down(failure)),
		};
		let said = words(&bytes).and_then(|[word]| match word {
			word if word == number(0) => Some(false),
			word if word == number(1) => Some(true),
			_ => None,
		});
		said.ok_or_else(|| self.not_the_abi(VERIFY_AT))
	}

	async fn call(&self, to: &H160, signature: &str, arguments: &[Word]) -> Result<Vec<u8>, Failure> {
		let data = [&selector(signature)[..], arguments.concat().as_slice()].concat();
		let call = json!({ "to": hexadecimal(to.as_bytes()), "data": hexadecimal(&data) });
		let value = self.http.ask("eth_call", json!([call, "latest"])).await?;
		read_bytes(&value).ok_or_else(|| Failure::Down(format!("eth_call: {value} is no bytes")))
	}

	/// It does not answer, or with an error where there is none.
	fn down(&self, failure: Failure) -> Error {
		let (name, hint) = (self.name(), "Try again, or ask another node of the chain with --esc");
		Error::Remote(match failure {
			Failure::Down(why) => format!("{name} does not answer ({why}). {hint}"),
			Failure::Said { message, .. } => format!("{name} refuses to answer: {message}. {hint}"),
		})
	}

	fn not_the_abi(&self, signature: &str) -> Error {
		Error::Remote(format!(
			"what {} answers to {signature} is not what that contract answers. Compare --scores with the published \
			 addresses, and this program's version with that of the contracts; or ask another node of the chain with --esc",
			self.name(),
		))
	}
}

/// The first four bytes of a call or an error.
fn selector(signature: &str) -> [u8; 4] {
	let hash = keccak_256(signature.as_bytes());
	[hash[0], hash[1], hash[2], hash[3]]
}

/// The arguments of `verifyAt`: all of one length, so they stand one after the other.
fn arguments(height: u64, node: &Node, score: u64, proof: &ScoreProof) -> Vec<Word> {
	let ScoreProof { epoch, index, signer, siblings } = proof;
	let mut words = vec![number(height), node.0, number(score), number(*epoch), number(*index), address(signer)];
	words.extend(siblings.iter().map(|sibling| sibling.0));
	words
}

/// An answer of so many words, no more and no fewer.
fn words<const N: usize>(bytes: &[u8]) -> Option<[Word; N]> {
	let (words, rest) = bytes.as_chunks::<32>();
	<[Word; N]>::try_from(words).ok().filter(|_| rest.is_empty())
}

/// A number of 64 bits.
fn read_number(word: &Word) -> Option<u64> {
	let (high, low) = word.split_last_chunk::<8>()?;
	high.iter().all(|byte| *byte == 0).then(|| u64::from_be_bytes(*low))
}

fn read_address(word: &Word) -> Option<H160> {
	let (high, low) = word.split_last_chunk::<20>()?;
	high.iter().all(|byte| *byte == 0).then_some(H160(*low))
}

/// `Landed` of `Types.sol`: nine words.
fn read_landed(bytes: &[u8]) -> Option<Landed> {
	let [height, _epoch, _history_leaves, leaves, landed, _block, _state, _history, root] = words(bytes)?;
	Some(Landed {
		number: read_number(&height)?,
		trust_leaves: read_number(&leaves)?,
		landed: read_number(&landed)?,
		trust_root: H256(root),
	})
}

fn read_bytes(value: &Value) -> Option<Vec<u8>> {
	hex::decode(value.as_str()?.strip_prefix("0x")?).ok()
}

/// Whether the anchor has refused a height: it is the one error that `checkpoint` has. Some nodes give its bytes, some have
/// them in the message, some say only that the call was reverted.
fn is_not_retained(failure: &Failure) -> bool {
	match failure {
		Failure::Down(_) => false,
		Failure::Said { data: Some(data), .. } if !data.is_empty() => *data == selector(NOT_RETAINED),
		Failure::Said { message, .. } => is_revert(message),
	}
}

/// Whether it is the contract that has refused, and not the node.
fn is_revert(message: &str) -> bool {
	let message = message.to_lowercase();
	message.contains("revert") || message.contains("opcode")
}

#[cfg(test)]
mod tests {
	use super::*;

	/// As `forge inspect` has them (`methodIdentifiers`), so that a change of the contracts' entry points shows here.
	#[test]
	fn names_are_those_of_the_contracts() {
		let selectors = [ANCHOR, LATEST, CHECKPOINT, VERIFY_AT, NOT_RETAINED].map(|name| hex::encode(selector(name)));
		assert_eq!(selectors, ["d3fb73b4", "52bfe789", "2d588b18", "05b750e6", "78f5531f"]);
	}

	#[test]
	fn a_question_is_laid_out_as_the_abi_has_it() {
		let siblings = std::array::from_fn(|place| H256::repeat_byte(place as u8 + 1));
		let proof = ScoreProof { epoch: 5, index: 6, signer: H160([7; 20]), siblings };
		let words = arguments(2, &Node([3; 32]), 4, &proof);
		assert_eq!(words.len(), 3 + 3 + 17);
		assert_eq!(words[..5], [number(2), [3; 32], number(4), number(5), number(6)]);
		assert_eq!((words[5][..12].to_vec(), words[5][12..].to_vec()), (vec![0; 12], vec![7; 20]));
		assert_eq!((words[6], words[22]), ([1; 32], [17; 32]));
	}

	#[test]
	fn answers_are_read_whole_or_not_at_all() {
		let landed = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(number).concat();
		let expected = Landed { number: 1, trust_leaves: 4, landed: 5, trust_root: H256(number(9)) };
		assert_eq!(read_landed(&landed), Some(expected));
		assert_eq!(read_landed(&landed[..287]), None);
		assert_eq!(read_landed(&landed[..256]), None);
		assert_eq!(read_landed(&[landed.as_slice(), &[0; 32]].concat()), None);
		assert_eq!(read_landed(&[]), None);
		for at in [0, 23, 3 * 32, 4 * 32 + 23] {
			let mut wide = landed.clone();
			wide[at] = 1;
			assert_eq!(read_landed(&wide), None, "more than 64 bits at {at}");
		}
		assert_eq!(read_address(&address(&H160([7; 20]))), Some(H160([7; 20])));
		assert_eq!(read_address(&[7; 32]), None);
		assert_eq!(read_bytes(&json!("0x0a")), Some(vec![10]));
		for wrong in [json!("0a"), json!("0xa"), json!(10), json!(null)] {
			assert_eq!(read_bytes(&wrong), None);
		}
	}

	#[test]
	fn a_height_that_is_not_kept_is_told_from_every_other_error() {
		let said = |message: &str, data: Option<&[u8]>| {
			is_not_retained(&Failure::Said { message: message.into(), data: data.map(<[u8]>::to_vec) })
		};
		assert!(said("execution reverted", Some(&selector(NOT_RETAINED))));
		assert!(said("execution reverted", None));
		assert!(said("VM Exception: revert", Some(&[])));
		assert!(!said("execution reverted", Some(&selector("Paused()"))));
		assert!(!said("header not found", None));
		assert!(!is_not_retained(&Failure::Down("reverted".into())));
	}
}
