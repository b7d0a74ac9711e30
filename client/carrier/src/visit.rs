//! Visits: a member of the committee goes to the applicant's node, and looks for itself.
//!
//! One request and one reply. The visitor names the round and a random number; the node that holds the applicant's key
//! seals both, and hands out its boot event log if it is asked for it.
//!
//! # Rules
//! 1. *the-applicants-node*: a reply counts if it is sealed with the applicant's key for lottery and seals, over genesis,
//!    round, the visitor's number and the log. A peer's name in an application is anybody's word; this is who holds the
//!    key that would seal blocks, answering now.
//! 2. *its-own-rounds*: a node answers for live rounds in which it is the applicant, and for nothing else.
//! 3. *bounded*: a visitor gets so many replies in a round; questions are short, and a log has the length that one may
//!    have. What is too much gets no reply.
//!
//! # Attacks
//! * *Somebody else's node under the applicant's name*: it does not have the key.
//! * *A relay*: a node that forwards questions to where the key is. It is then the applicant's node that is reached, by a
//!   detour. What a chip is in is not seen by this, nor by anything else here.
//! * *Another log*: its hash is in the application, which the chip's quote is bound to.

use std::{
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
	time::Duration,
};

use codec::{Codec, Decode, DecodeAll, Encode};
use ep_poet::{AuthorityId, Hash};
use ep_tpm::eventlog::MAX_LOG_LEN;
use ep_trust::{api::TrustApi, nonce, Round};
use futures::StreamExt;
use sc_network::{
	request_responses::{IncomingRequest, OutgoingResponse},
	NetworkBackend, PeerId, ProtocolName,
};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::sr25519;
use sp_keystore::KeystorePtr;
use sp_runtime::traits::Block as BlockT;

use crate::{gossip::Seal, LOG_TARGET};

/// How long a visit may take: the log goes over a line as machines of this kind have.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Questions that wait.
const QUEUE: usize = 32;
/// Replies to one visitor in a round.
const MOST: u32 = 16;
/// Visitors in a round: as many as a committee has members, and some who relay.
const MOST_VISITORS: usize = 256;

/// The boot event log of this machine, read anew.
pub type BootLog = Arc<dyn Fn() -> Result<Option<Vec<u8>>, String> + Send + Sync>;

/// What a visitor asks.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Question {
	/// The round.
	pub round: Round,
	/// Random.
	pub number: [u8; 32],
	/// Whether the boot event log is asked for.
	pub log: bool,
}

/// What it is told.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Reply {
	/// By the applicant's key, over [`Reply::payload`].
	pub seal: Seal,
	/// The log, if it was asked for and there is one.
	pub log: Option<Vec<u8>>,
}

impl Reply {
	/// What is sealed.
	pub fn payload(genesis: &Hash, author: &AuthorityId, question: &Question, log: Option<&[u8]>) -> [u8; 32] {
		let log = log.map(sp_crypto_hashing::sha2_256);
		nonce::statement(genesis, author, "visit", question.round, &(question, log))
	}

	/// Rule *the-applicants-node*.
	pub fn holds(&self, genesis: &Hash, author: &AuthorityId, question: &Question) -> bool {
		let payload = Self::payload(genesis, author, question, self.log.as_deref());
		let key: &sr25519::Public = author.as_ref();
		sp_io::crypto::sr25519_verify(&sr25519::Signature::from_raw(self.seal), &payload, key)
	}

	/// A reply as it came.
	///
	/// # Errors
	/// What is wrong with it.
	pub fn read(bytes: &[u8], genesis: &Hash, author: &AuthorityId, question: &Question) -> Result<Self, String> {
		let reply = Self::decode_all(&mut &*bytes).map_err(|_| "its reply cannot be read")?;
		if reply.holds(genesis, author, question) {
			Ok(reply)
		} else {
			Err("its reply is not sealed with the applicant's key".into())
		}
	}
}

/// The protocol's name.
pub fn protocol_name(genesis: &Hash) -> ProtocolName {
	let hex: String = genesis.0.iter().map(|byte| format!("{byte:02x}")).collect();
	format!("/{hex}/carrier/visit/1").into()
}

/// The protocol, for the network's configuration; and where questions come in.
pub fn protocol_config<B: BlockT, N: NetworkBackend<B, B::Hash>>(
	name: ProtocolName,
) -> (N::RequestResponseProtocolConfig, async_channel::Receiver<IncomingRequest>) {
	let (sender, receiver) = async_channel::bounded(QUEUE);
	let longest = Question { round: 0, number: [0; 32], log: true }.encoded_size() as u64;
	let config = N::request_response_config(
		name,
		Vec::new(),
		longest,
		// The log, a seal, and lengths.
		MAX_LOG_LEN as u64 + 128,
		TIMEOUT,
		Some(sender),
	);
	(config, receiver)
}

/// What receiving visitors takes.
pub struct HostParams<C> {
	/// The client.
	pub client: Arc<C>,
	/// Genesis hash.
	pub genesis: Hash,
	/// The keys.
	pub keystore: KeystorePtr,
	/// The boot event log.
	pub boot_log: BootLog,
	/// Questions.
	pub questions: async_channel::Receiver<IncomingRequest>,
}

/// Receives visitors, for ever.
pub async fn receive_visitors<B, C, AccountId>(params: HostParams<C>)
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: TrustApi<B, AccountId>,
	AccountId: Codec + Send + 'static,
{
	let HostParams { client, genesis, keystore, boot_log, questions } = params;
	let mut questions = Box::pin(questions);
	let mut guests = Guests::default();
	while let Some(IncomingRequest { peer, payload, pending_response }) = questions.next().await {
		let mut reply = || {
			let question = Question::decode_all(&mut &payload[..]).map_err(|_| "the question cannot be read")?;
			let at = client.info().best_hash;
			let failed = |error: sp_api::ApiError| error.to_string();
			let info =
				client.runtime_api().round(at, question.round).map_err(failed)?.ok_or("there is no such round")?;
			let author = info.application.author;
			let live = client.runtime_api().rounds(at).map_err(failed)?.into_iter().collect();
			if !guests.may_ask(question.round, peer, &live) {
				return Err("it has asked too often".to_string());
			}
			let log = question.log.then(|| boot_log()).transpose()?.flatten();
			let payload = Reply::payload(&genesis, &author, &question, log.as_deref());
			let seal = keystore.sr25519_sign(ep_poet::KEY_TYPE, author.as_ref(), &payload);
			let seal = seal.map_err(|error| error.to_string())?.ok_or("this node is not the applicant's")?;
			Ok(Reply { seal: seal.0, log })
		};
		let result = reply().map(|reply| reply.encode()).map_err(|why| {
			log::debug!(target: LOG_TARGET, "{peer} asks, and gets no reply: {why}");
		});
		// Who does not wait for it has gone.
		let _ = pending_response.send(OutgoingResponse { result, reputation_changes: Vec::new(), sent_feedback: None });
	}
}

/// Who has asked how often (rule *bounded*).
#[derive(Default)]
struct Guests(BTreeMap<Round, BTreeMap<PeerId, u32>>);

impl Guests {
	fn may_ask(&mut self, round: Round, peer: PeerId, live: &BTreeSet<Round>) -> bool {
		self.0.retain(|round, _| live.contains(round));
		let guests = self.0.entry(round).or_default();
		if !guests.contains_key(&peer) && guests.len() >= MOST_VISITORS {
			return false;
		}
		let asked = guests.entry(peer).or_default();
		*asked = asked.saturating_add(1);
		*asked <= MOST
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::Pair;

	const GENESIS: Hash = Hash::repeat_byte(1);

	fn pair(n: u8) -> sr25519::Pair {
		sr25519::Pair::from_seed(&[n; 32])
	}

	fn question() -> Question {
		Question { round: 7, number: [3; 32], log: true }
	}

	fn reply(n: u8, genesis: &Hash, question: &Question, log: Option<Vec<u8>>) -> Reply {
		let payload = Reply::payload(genesis, &pair(n).public().into(), question, log.as_deref());
		Reply { seal: pair(n).sign(&payload).0, log }
	}

	#[test]
	fn the_applicants_node_is_believed_and_nobody_else() {
		let (author, asked) = (AuthorityId::from(pair(1).public()), question());
		let read = |reply: &Reply| Reply::read(&reply.encode(), &GENESIS, &author, &asked);
		for log in [None, Some(vec![1, 2, 3])] {
			let good = reply(1, &GENESIS, &asked, log);
			assert_eq!(read(&good), Ok(good.clone()));
		}
		let good = reply(1, &GENESIS, &asked, Some(vec![1, 2, 3]));
		let forged = [
			// Another key; a number that somebody else asked with; another round; another chain; another log, or none.
			reply(2, &GENESIS, &asked, Some(vec![1, 2, 3])),
			reply(1, &GENESIS, &Question { number: [4; 32], ..asked.clone() }, Some(vec![1, 2, 3])),
			reply(1, &GENESIS, &Question { round: 8, ..asked.clone() }, Some(vec![1, 2, 3])),
			reply(1, &Hash::repeat_byte(2), &asked, Some(vec![1, 2, 3])),
			Reply { log: Some(vec![1, 2, 4]), ..good.clone() },
			Reply { log: None, ..good.clone() },
		];
		for forged in forged {
			assert!(read(&forged).unwrap_err().contains("not sealed"), "{forged:?}");
		}
		let long = [good.encode(), vec![0]].concat();
		assert!(Reply::read(&long, &GENESIS, &author, &asked).unwrap_err().contains("cannot be read"));
		assert!(Reply::read(&[], &GENESIS, &author, &asked).is_err());
	}

	/// Bytes as a node may reply with them: a reply with bits turned, bytes cut off and put in.
	#[test]
	fn bytes_that_are_no_reply_are_told_and_never_believed() {
		use rand::{rngs::StdRng, Rng, SeedableRng};
		let (author, asked) = (AuthorityId::from(pair(1).public()), question());
		let good = reply(1, &GENESIS, &asked, Some(vec![9; 300]));
		let bytes = good.encode();
		let mut random = StdRng::seed_from_u64(2);
		for _ in 0..10_000 {
			let mut forged = bytes.clone();
			let at = random.gen_range(0..forged.len());
			match random.gen_range(0..3) {
				0 => forged[at] ^= 1 << random.gen_range(0..8),
				1 => forged.truncate(at),
				_ => forged.insert(at, random.gen()),
			}
			if forged == bytes {
				continue;
			}
			assert!(Reply::read(&forged, &GENESIS, &author, &asked).is_err(), "{forged:?}");
			// A question that was spoilt on its way is none, or another.
			let mut question = asked.encode();
			question.truncate(at % 37);
			assert_ne!(Question::decode_all(&mut &question[..]), Ok(asked.clone()));
		}
	}

	#[test]
	fn nobody_asks_for_ever() {
		let (mut guests, live) = (Guests::default(), BTreeSet::from([7, 8]));
		let first = PeerId::random();
		assert!((0..MOST).all(|_| guests.may_ask(7, first, &live)));
		assert!(!guests.may_ask(7, first, &live));
		assert!(guests.may_ask(8, first, &live), "another round is another matter");
		assert!((1..MOST_VISITORS).all(|_| guests.may_ask(7, PeerId::random(), &live)));
		assert!(!guests.may_ask(7, PeerId::random(), &live), "the house is full");
		assert!(guests.may_ask(8, first, &BTreeSet::from([8])));
		assert!(!guests.0.contains_key(&7), "what is over is forgotten");
	}
}
