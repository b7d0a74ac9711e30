//! What members tell each other, and which of it is listened to.

use std::{collections::BTreeMap, sync::Arc};

use codec::{Decode, DecodeAll, Encode};
use ec_pbft::{Message, Quorum};
use ep_poet::{AuthorityId, Hash};
use ep_trust::{committee::is_quorum, nonce, Judgement, Round};
use parking_lot::{Mutex, RwLock};
use sc_network::{NetworkBackend, NotificationService, PeerId, ProtocolName};
use sc_network_gossip::{MessageIntent, ValidationResult, Validator, ValidatorContext};
use sp_core::sr25519;
use sp_runtime::traits::Block as BlockT;

/// A signature by a member's key for lottery and seals.
pub type Seal = [u8; 64];
/// A quorum of PBFT, complete.
pub type SealedQuorum = Quorum<AuthorityId, Judgement, Seal>;

/// Longest message: a quorum of 128 members.
const MAX_MESSAGE: usize = 32 * 1024;

/// What a member says.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Statement {
	/// It can reach the applicant's node.
	Reached,
	/// A message of PBFT.
	Pbft(Message<Judgement>),
	/// The committee has decided so; with the member's signature for outsiders.
	Verdict(Judgement, [u8; 65]),
}

/// What a member says, signed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Signed {
	/// In which round.
	pub round: Round,
	/// Who.
	pub author: AuthorityId,
	/// What.
	pub statement: Statement,
	/// By its key, over [`Signed::payload`].
	pub seal: Seal,
}

impl Signed {
	/// What is signed.
	pub fn payload(genesis: &Hash, author: &AuthorityId, round: Round, statement: &Statement) -> [u8; 32] {
		nonce::statement(genesis, author, "carrier", round, statement)
	}

	/// Whether it is by whom it says.
	pub fn holds(&self, genesis: &Hash) -> bool {
		verify(genesis, &self.author, self.round, &self.statement, &self.seal)
	}
}

/// Whether `author` said so.
pub fn verify(genesis: &Hash, author: &AuthorityId, round: Round, statement: &Statement, seal: &Seal) -> bool {
	let payload = Signed::payload(genesis, author, round, statement);
	let key: &sr25519::Public = author.as_ref();
	sp_io::crypto::sr25519_verify(&sr25519::Signature::from_raw(*seal), &payload, key)
}

/// A message on the wire.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum Gossip {
	/// Of one member.
	Signed(Signed),
	/// Votes of several, relayed by anybody: each has its own seal.
	Relay(Round, SealedQuorum),
}

impl Gossip {
	/// Its round.
	pub fn round(&self) -> Round {
		match self {
			Self::Signed(signed) => signed.round,
			Self::Relay(round, _) => *round,
		}
	}

	/// Whether all of it was said by members who sit; votes that are relayed must be a quorum, which is looked at before
	/// any signature is: else a stranger could make endless messages of some votes.
	pub fn holds(&self, genesis: &Hash, seated: &Seated) -> bool {
		match self {
			Self::Signed(signed) => seated.votes.contains_key(&signed.author) && signed.holds(genesis),
			Self::Relay(round, quorum) => {
				let Some(message) = quorum.message() else { return false };
				let statement = Statement::Pbft(message);
				let votes = quorum.votes.keys().map(|author| seated.votes.get(author).copied());
				let Some(votes) = votes.sum::<Option<u64>>() else { return false };
				is_quorum(votes, seated.expected)
					&& quorum.votes.iter().all(|(author, seal)| verify(genesis, author, *round, &statement, seal))
			}
		}
	}

	/// Who is answerable for it: nobody for what is relayed.
	fn author(&self) -> Option<&AuthorityId> {
		match self {
			Self::Signed(signed) => Some(&signed.author),
			Self::Relay(..) => None,
		}
	}
}

/// Who sits in a round.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seated {
	/// The members' votes.
	pub votes: BTreeMap<AuthorityId, u64>,
	/// Votes that there should be.
	pub expected: u64,
}

/// Who sits in which live round: what the validator knows.
pub type Known = Arc<RwLock<BTreeMap<Round, Seated>>>;

/// The topic of a round's messages.
pub fn topic<B: BlockT<Hash = Hash>>(genesis: &Hash, round: Round) -> Hash {
	Hash::from(sp_crypto_hashing::blake2_256(&("elapse/carrier", genesis, round).encode()))
}

/// The protocol's name.
pub fn protocol_name(genesis: &Hash) -> ProtocolName {
	let hex: String = genesis.0.iter().map(|byte| format!("{byte:02x}")).collect();
	format!("/{hex}/carrier/1").into()
}

/// The protocol, for the network's configuration.
pub fn peers_set_config<B: BlockT, N: NetworkBackend<B, B::Hash>>(
	protocol: ProtocolName,
	metrics: sc_network::service::NotificationMetrics,
	peer_store: Arc<dyn sc_network::peer_store::PeerStoreProvider>,
) -> (N::NotificationProtocolConfig, Box<dyn NotificationService>) {
	N::notification_config(
		protocol,
		Vec::new(),
		MAX_MESSAGE as u64,
		None,
		// As of GRANDPA: the gossip engine itself names the peers, those that the node syncs from.
		sc_network::config::SetConfig {
			in_peers: 0,
			out_peers: 0,
			reserved_nodes: Vec::new(),
			non_reserved_mode: sc_network::config::NonReservedPeerMode::Deny,
		},
		metrics,
		peer_store,
	)
}

/// Messages that are taken of one member in a round, and of relayed quorums in all. An honest member says a dozen: what
/// it says again is the same bytes, which the gossip engine knows.
const MOST: u32 = 256;

/// Decides what is listened to and passed on.
pub(crate) struct Ears {
	genesis: Hash,
	known: Known,
	/// How much was taken, of whom.
	taken: Mutex<BTreeMap<(Round, Option<AuthorityId>), u32>>,
}

impl Ears {
	pub(crate) fn new(genesis: Hash, known: Known) -> Self {
		Self { genesis, known, taken: Mutex::default() }
	}

	/// Whether it is taken.
	fn takes(&self, message: &Gossip) -> bool {
		let known = self.known.read();
		// A round that we have not heard of may live: members say everything again after a while.
		let Some(seated) = known.get(&message.round()) else { return false };
		let mut taken = self.taken.lock();
		taken.retain(|(round, _), _| known.contains_key(round));
		let key = (message.round(), message.author().cloned());
		if taken.get(&key).is_some_and(|count| *count >= MOST) || !message.holds(&self.genesis, seated) {
			return false;
		}
		let count = taken.entry(key).or_default();
		*count = count.saturating_add(1);
		true
	}
}

impl<B: BlockT<Hash = Hash>> Validator<B> for Ears {
	fn validate(&self, _: &mut dyn ValidatorContext<B>, _: &PeerId, bytes: &[u8]) -> ValidationResult<Hash> {
		if bytes.len() > MAX_MESSAGE {
			return ValidationResult::Discard;
		}
		let Ok(message) = Gossip::decode_all(&mut &bytes[..]) else { return ValidationResult::Discard };
		if self.takes(&message) {
			ValidationResult::ProcessAndKeep(topic::<B>(&self.genesis, message.round()))
		} else {
			ValidationResult::Discard
		}
	}

	/// What peers know is not sent to them every second: members say everything again by themselves.
	fn message_allowed<'a>(&'a self) -> Box<dyn FnMut(&PeerId, MessageIntent, &Hash, &[u8]) -> bool + 'a> {
		Box::new(|_, intent, _, _| !matches!(intent, MessageIntent::PeriodicRebroadcast))
	}

	fn message_expired<'a>(&'a self) -> Box<dyn FnMut(Hash, &[u8]) -> bool + 'a> {
		Box::new(|_, bytes| {
			let round = Gossip::decode(&mut &bytes[..]).map(|message| message.round());
			round.map_or(true, |round| !self.known.read().contains_key(&round))
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::Pair;

	fn pair(n: u8) -> sr25519::Pair {
		sr25519::Pair::from_seed(&[n; 32])
	}

	fn id(n: u8) -> AuthorityId {
		pair(n).public().into()
	}

	const GENESIS: Hash = Hash::repeat_byte(1);

	fn signed(n: u8, round: Round, statement: Statement) -> Signed {
		let payload = Signed::payload(&GENESIS, &id(n), round, &statement);
		Signed { round, author: id(n), seal: pair(n).sign(&payload).0, statement }
	}

	fn seats(members: &[u8]) -> Seated {
		Seated { votes: members.iter().map(|n| (id(*n), 10)).collect(), expected: 10 * members.len() as u64 }
	}

	#[test]
	fn members_are_heard_and_nobody_else() {
		let seated = seats(&[1, 2]);
		assert!(Gossip::Signed(signed(1, 7, Statement::Reached)).holds(&GENESIS, &seated));
		assert!(!Gossip::Signed(signed(3, 7, Statement::Reached)).holds(&GENESIS, &seated));
	}

	#[test]
	fn what_was_said_elsewhere_is_not_heard() {
		let seated = seats(&[1, 2]);
		let good = signed(1, 7, Statement::Reached);
		let others = [
			Signed { round: 8, ..good.clone() },
			Signed { author: id(2), ..good.clone() },
			Signed { statement: Statement::Verdict(Judgement::Admit, [0; 65]), ..good.clone() },
		];
		for other in others {
			assert!(!Gossip::Signed(other.clone()).holds(&GENESIS, &seated), "{other:?}");
		}
		assert!(!Gossip::Signed(good).holds(&Hash::repeat_byte(2), &seated));
	}

	#[test]
	fn every_vote_of_a_relayed_quorum_has_its_seal() {
		let seated = seats(&[1, 2, 3]);
		let message = Message::Prepare { view: 0, value: Some(Judgement::Admit) };
		let seal = |n: u8| signed(n, 7, Statement::Pbft(message.clone())).seal;
		let quorum = |votes: &[(u8, u8)]| Quorum {
			view: 0,
			phase: ec_pbft::Phase::Prepare,
			value: Judgement::Admit,
			votes: votes.iter().map(|(author, signer)| (id(*author), seal(*signer))).collect(),
		};
		assert!(Gossip::Relay(7, quorum(&[(1, 1), (2, 2), (3, 3)])).holds(&GENESIS, &seated));
		assert!(!Gossip::Relay(7, quorum(&[(1, 1), (2, 2), (3, 1)])).holds(&GENESIS, &seated));
		assert!(!Gossip::Relay(7, quorum(&[(1, 1), (2, 2), (4, 4)])).holds(&GENESIS, &seated));
		assert!(!Gossip::Relay(7, quorum(&[(1, 1), (2, 2)])).holds(&GENESIS, &seated), "two of three are no quorum");
		assert!(!Gossip::Relay(7, quorum(&[])).holds(&GENESIS, &seated));
		assert!(!Gossip::Relay(8, quorum(&[(1, 1), (2, 2), (3, 3)])).holds(&GENESIS, &seated));
	}

	/// Bytes as peers may send them: what members said, with bits turned, bytes cut out, put in and brought from elsewhere.
	#[test]
	fn bytes_of_strangers_are_heard_only_if_members_sealed_them() {
		use rand::{rngs::StdRng, Rng, SeedableRng};
		let seated = seats(&[1, 2, 3]);
		let (admit, view) = (Judgement::Admit, 3);
		let prepare = Message::Prepare { view, value: Some(admit) };
		let statements = [
			Statement::Reached,
			Statement::Pbft(Message::Propose { view, value: admit, proven: Some(1) }),
			Statement::Pbft(prepare.clone()),
			Statement::Pbft(Message::Commit { view, value: None }),
			Statement::Verdict(admit, [7; 65]),
		];
		let seal = |n: u8| signed(n, 7, Statement::Pbft(prepare.clone())).seal;
		let votes = [1, 2, 3].map(|n| (id(n), seal(n))).into();
		let quorum = Quorum { view, phase: ec_pbft::Phase::Prepare, value: admit, votes };
		let mut said: Vec<Gossip> =
			statements.into_iter().map(|statement| Gossip::Signed(signed(2, 7, statement))).collect();
		said.push(Gossip::Relay(7, quorum));
		let bytes: Vec<Vec<u8>> = said.iter().map(Encode::encode).collect();

		let mut random = StdRng::seed_from_u64(1);
		let (mut decoded, mut heard) = (0, 0);
		for turn in 0..30_000 {
			let mut message = bytes[turn % bytes.len()].clone();
			for _ in 0..random.gen_range(0..4) {
				let at = random.gen_range(0..message.len().max(1)).min(message.len().saturating_sub(1));
				match random.gen_range(0..4) {
					0 if !message.is_empty() => message[at] ^= 1 << random.gen_range(0..8),
					1 => message.truncate(at),
					2 => message.insert(at.min(message.len()), random.gen()),
					_ => {
						let other = &bytes[random.gen_range(0..bytes.len())];
						message.splice(at.., other[random.gen_range(0..other.len())..].iter().copied());
					}
				}
			}
			let Ok(found) = Gossip::decode_all(&mut &message[..]) else { continue };
			decoded += 1;
			if found.holds(&GENESIS, &seated) {
				heard += 1;
				assert!(said.contains(&found), "nobody said {found:?}");
			}
		}
		// Some are left as they were, and of the others many can be read.
		assert!(heard > 5_000 && decoded > heard + 1_000, "{heard} of {decoded}");
	}

	#[test]
	fn nobody_is_listened_to_for_ever() {
		let known = Known::default();
		known.write().insert(7, seats(&[1, 2]));
		let ears = Ears::new(GENESIS, known.clone());
		// Signatures differ every time, so each is another message.
		let taken = (0..MOST + 5).filter(|_| ears.takes(&Gossip::Signed(signed(1, 7, Statement::Reached)))).count();
		assert_eq!(taken, MOST as usize);
		assert!(ears.takes(&Gossip::Signed(signed(2, 7, Statement::Reached))), "another is");
		assert!(!ears.takes(&Gossip::Signed(signed(2, 8, Statement::Reached))), "no such round");
		known.write().remove(&7);
		assert!(!ears.takes(&Gossip::Signed(signed(2, 7, Statement::Reached))));
	}
}
