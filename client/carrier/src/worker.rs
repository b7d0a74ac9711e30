//! The task that does a member's duties.

use std::{
	collections::{BTreeMap, BTreeSet},
	marker::PhantomData,
	path::PathBuf,
	pin::Pin,
	sync::Arc,
	time::Duration,
};

use codec::{Codec, Decode};
use ec_pbft::Timeout;
use ep_poet::{AuthorityId, Hash};
use ep_tpm::policy::PlatformPolicy;
use ep_trust::{
	anchor,
	api::{Feeless, RoundInfo, TrustApi},
	sortition, Application, Judgement, Round,
};
use futures::{
	future::{AbortHandle, BoxFuture},
	stream::{abortable, FuturesUnordered, SelectAll},
	FutureExt, Stream, StreamExt,
};
use futures_timer::Delay;
use sc_client_api::BlockchainEvents;
use sc_network::{NotificationService, PeerId, ProtocolName};
use sc_network_gossip::{GossipEngine, Network, Syncing};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::{sr25519, H160};
use sp_keystore::KeystorePtr;
use sp_runtime::traits::{Block as BlockT, UniqueSaturatedInto};
use substrate_prometheus_endpoint::Registry;

use crate::{
	gossip::{topic, Ears, Gossip, Known, Seal, Seated},
	member::{application_hash, Sitting, World},
	metrics::Metrics,
	record::{Record, Records},
	visit::{Question, Reply},
	LOG_TARGET,
};

/// How often is said again what somebody may have missed.
const AGAIN: Duration = Duration::from_secs(10);
/// How long a timer of view 0 runs, at least; with every view it runs as long again.
const PATIENCE: Duration = Duration::from_secs(3);
/// The view from which on timers get no longer.
const MOST_PATIENCE: u32 = 20;

/// Asks a peer a question of [`crate::visit`]: bytes for bytes.
pub type Ask = Arc<dyn Fn(PeerId, Vec<u8>) -> BoxFuture<'static, Result<Vec<u8>, String>> + Send + Sync>;

/// What the task works with.
pub struct CarrierParams<B: BlockT, C, N, S> {
	/// The client.
	pub client: Arc<C>,
	/// The network.
	pub network: N,
	/// What knows the peers that the node syncs from.
	pub sync: S,
	/// The protocol's notifications, of [`crate::gossip::peers_set_config`].
	pub notifications: Box<dyn NotificationService>,
	/// The protocol's name.
	pub protocol: ProtocolName,
	/// Genesis hash.
	pub genesis: Hash,
	/// The keys.
	pub keystore: KeystorePtr,
	/// The pool that feeless calls go to.
	pub pool: OffchainTransactionPoolFactory<B>,
	/// Where rounds are remembered. Beside the keys and outside the database: it must outlive that.
	pub folder: PathBuf,
	/// Visits peers.
	pub ask: Ask,
	/// Metrics of the gossip.
	pub registry: Option<Registry>,
	/// Metrics of the duties.
	pub metrics: Metrics,
}

/// Does a member's duties, for ever. A node that is no member listens and does nothing.
pub async fn start_carrier<B, C, N, S, AccountId>(params: CarrierParams<B, C, N, S>)
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + BlockchainEvents<B> + Send + Sync + 'static,
	C::Api: TrustApi<B, AccountId>,
	N: Network<B> + Clone + Send + 'static,
	S: Syncing<B> + Clone + Send + 'static,
	AccountId: Codec + Send + 'static,
{
	let CarrierParams {
		client,
		network,
		sync,
		notifications,
		protocol,
		genesis,
		keystore,
		pool,
		folder,
		ask,
		registry,
		metrics,
	} = params;
	let records = match Records::new(&folder) {
		Ok(records) => records,
		Err(error) => {
			log::error!(target: LOG_TARGET, "{error}: this node takes no part in committees");
			// The protocol must stay served: without that the node would lose all its connections.
			let _served = notifications;
			return futures::future::pending().await;
		}
	};
	let known = Known::default();
	let ears = Arc::new(Ears::new(genesis, known.clone()));
	let mut engine = GossipEngine::<B>::new(network, sync, notifications, protocol, ears, registry.as_ref());
	let mut imports = client.import_notification_stream();
	let mut worker = Worker::<B, C, AccountId> {
		genesis,
		known,
		sittings: BTreeMap::new(),
		heard: SelectAll::new(),
		listening: BTreeMap::new(),
		hands: Hands {
			client,
			keystore,
			pool,
			records,
			told: Vec::new(),
			timers: FuturesUnordered::new(),
			metrics,
			marker: PhantomData,
		},
		ask,
		visits: FuturesUnordered::new(),
		visited: BTreeMap::new(),
	};
	let mut again = Delay::new(AGAIN).fuse();
	loop {
		futures::select! {
			imported = imports.next() => match imported {
				Some(block) if block.is_new_best => worker.refresh(&mut engine).await,
				Some(_) => {}
				None => return,
			},
			(round, bytes) = worker.heard.select_next_some() => worker.hear(round, &bytes),
			(application, replied) = worker.visits.select_next_some() => worker.visited(application, replied),
			(round, timeout) = worker.hands.timers.select_next_some() => worker.timeout(round, timeout),
			_ = again => {
				worker.say_again();
				again = Delay::new(AGAIN).fuse();
			},
			_ = (&mut engine).fuse() => {
				log::error!(target: LOG_TARGET, "the carrier's gossip has ended: committees go on without this node");
				return;
			}
		}
		for message in std::mem::take(&mut worker.hands.told) {
			let round = message.round();
			engine.gossip_message(topic::<B>(&genesis, round), codec::Encode::encode(&message), true);
		}
	}
}

type Heard = Pin<Box<dyn Stream<Item = (Round, Vec<u8>)> + Send>>;

/// Which application's node was visited, and what it said.
type Visit = ([u8; 32], Result<Reply, String>);

struct Worker<B: BlockT, C, AccountId> {
	genesis: Hash,
	known: Known,
	sittings: BTreeMap<Round, Sitting>,
	heard: SelectAll<Heard>,
	/// Ends the streams of [`Self::heard`], by round.
	listening: BTreeMap<Round, AbortHandle>,
	hands: Hands<B, C, AccountId>,
	ask: Ask,
	/// Visits under way, by application.
	visits: FuturesUnordered<BoxFuture<'static, Visit>>,
	/// What came of them; `None` while one is under way.
	visited: BTreeMap<[u8; 32], Option<Reply>>,
}

impl<B, C, AccountId> Worker<B, C, AccountId>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: TrustApi<B, AccountId>,
	AccountId: Codec + Send + 'static,
{
	/// Looks at all live rounds, and does what is due.
	async fn refresh(&mut self, engine: &mut GossipEngine<B>) {
		let at = self.hands.client.info().best_hash;
		let api = self.hands.client.runtime_api();
		let rounds = match api.rounds(at) {
			Ok(rounds) => rounds,
			Err(error) => {
				log::debug!(target: LOG_TARGET, "the runtime does not tell rounds: {error}");
				return;
			}
		};
		self.review(at);
		self.hands.metrics.live(rounds.len());
		if rounds.is_empty() && self.sittings.is_empty() && self.known.read().is_empty() {
			return;
		}
		let now: u32 = self.hands.client.info().best_number.unique_saturated_into();
		let infos: Vec<(Round, RoundInfo<AccountId>)> =
			rounds.iter().filter_map(|round| Some((*round, api.round(at, *round).ok()??))).collect();
		// A round that is over in the best chain lives on while it lives in the finalised one: it may come back.
		drop(api);
		let settled =
			self.hands.client.runtime_api().rounds(self.hands.client.info().finalized_hash).unwrap_or_default();
		let live: BTreeSet<Round> = infos.iter().map(|(round, _)| *round).chain(settled).collect();
		self.sittings.retain(|round, _| live.contains(round));
		self.forget_visits();
		if let Some(first) = live.first() {
			self.hands.records.forget_below(*first);
		}
		for (round, info) in &infos {
			let votes = info.seats.iter().map(|seat| (seat.author.clone(), seat.votes)).collect();
			let seated = Seated { votes, expected: info.expected };
			let is_new = self.known.write().insert(*round, seated).is_none();
			if is_new {
				let round = *round;
				let messages = engine.messages_for(topic::<B>(&self.genesis, round));
				let (messages, ending) = abortable(messages);
				self.heard.push(messages.map(move |notification| (round, notification.message)).boxed());
				self.listening.insert(round, ending);
			}
		}
		self.known.write().retain(|round, _| live.contains(round));
		self.listening.retain(|round, ending| {
			let lives = live.contains(round);
			if !lives {
				ending.abort();
			}
			lives
		});
		let Some(author) = self.own_key(at) else { return };
		for (round, info) in &infos {
			self.step(*round, info, &author, now, at).await;
		}
	}

	/// Sees to it that members whose evidence is due are looked at again. Every member does so, with the same bytes.
	fn review(&self, at: Hash) {
		let due = self.hands.client.runtime_api().due_for_review(at).unwrap_or_default();
		if due.is_empty() || self.own_key(at).is_none() {
			return;
		}
		for author in due {
			if self.hands.submit(Feeless::Review { author: author.clone() }) {
				self.hands.metrics.reviews();
				log::info!(target: LOG_TARGET, "🔎 {author} is to be looked at again: what it was let in by has changed");
			}
		}
	}

	/// The key of ours that is a member's who can sign verdicts.
	fn own_key(&self, at: Hash) -> Option<AuthorityId> {
		let api = self.hands.client.runtime_api();
		let keys = self.hands.keystore.sr25519_public_keys(ep_poet::KEY_TYPE);
		keys.into_iter().map(AuthorityId::from).find(|key| matches!(api.anchor(at, key.clone()), Ok(Some(_))))
	}

	async fn step(&mut self, round: Round, info: &RoundInfo<AccountId>, author: &AuthorityId, now: u32, at: Hash) {
		let application = application_hash(info);
		// After a fork another application can have the number.
		if self.sittings.get(&round).is_some_and(|sitting| *sitting.application() != application) {
			self.sittings.remove(&round);
		}
		if !self.sittings.contains_key(&round) {
			let (record, kept) = match self.hands.records.read(round, &application, author) {
				Ok(Some(record)) => (record, true),
				Ok(None) => {
					let mut secret = [0; 32];
					rand::RngCore::fill_bytes(&mut rand::rngs::OsRng, &mut secret);
					(Record { application, author: author.clone(), secret, memory: None, signed: None }, false)
				}
				Err(error) => {
					log::error!(target: LOG_TARGET, "{error}");
					return;
				}
			};
			self.sittings.insert(round, Sitting::new(self.genesis, round, author.clone(), record, kept));
		}
		let policy = self.hands.client.runtime_api().policy(at, info.application.policy).ok().flatten();
		let settled = self.settled(round).filter(|settled| application_hash(settled) == application);
		if info.seats.iter().any(|seat| seat.author == *author) {
			let wants_log = policy.as_ref().is_some_and(PlatformPolicy::leaves_open);
			self.visit(round, application, &info.application, wants_log);
		}
		let reply = self.visited.get(&application).and_then(Option::as_ref);
		if let Some(sitting) = self.sittings.get_mut(&round) {
			sitting.step(info, settled.as_ref(), policy.as_ref(), reply, now, &mut self.hands);
		}
	}

	/// Goes to the applicant's node, unless that is done or under way. Who is not reached is visited again at the next
	/// block.
	fn visit(&mut self, round: Round, application: [u8; 32], applicant: &Application, log: bool) {
		if self.visited.contains_key(&application) {
			return;
		}
		let Ok(peer) = PeerId::from_bytes(&applicant.peer) else { return };
		let mut number = [0; 32];
		rand::RngCore::fill_bytes(&mut rand::rngs::OsRng, &mut number);
		let question = Question { round, number, log };
		let (ask, genesis, author) = (self.ask.clone(), self.genesis, applicant.author.clone());
		self.visited.insert(application, None);
		let visit = async move {
			let replied = ask(peer, codec::Encode::encode(&question)).await;
			(application, replied.and_then(|bytes| Reply::read(&bytes, &genesis, &author, &question)))
		};
		self.visits.push(visit.boxed());
	}

	/// A visit is over.
	fn visited(&mut self, application: [u8; 32], replied: Result<Reply, String>) {
		self.hands.metrics.visited(replied.is_ok());
		match replied {
			Ok(reply) => {
				log::debug!(
					target: LOG_TARGET,
					"reached an applicant's node; its boot event log has {} bytes",
					reply.log.as_ref().map_or(0, Vec::len)
				);
				self.visited.insert(application, Some(reply));
			}
			Err(why) => {
				log::debug!(target: LOG_TARGET, "an applicant's node is not reached: {why}");
				self.visited.remove(&application);
			}
		}
	}

	/// Forgets what was seen of applicants whose rounds are over.
	fn forget_visits(&mut self) {
		let sittings = &self.sittings;
		self.visited.retain(|application, reply| {
			reply.is_none() || sittings.values().any(|sitting| sitting.application() == application)
		});
	}

	/// A round in the finalised chain.
	fn settled(&self, round: Round) -> Option<RoundInfo<AccountId>> {
		let at = self.hands.client.info().finalized_hash;
		// An instance of the runtime's API is for one block.
		self.hands.client.runtime_api().round(at, round).unwrap_or_else(|error| {
			log::warn!(target: LOG_TARGET, "the runtime does not tell of round {round} in the finalised chain: {error}");
			None
		})
	}

	fn hear(&mut self, round: Round, bytes: &[u8]) {
		let Ok(message) = Gossip::decode(&mut &bytes[..]) else { return };
		if let Some(sitting) = self.sittings.get_mut(&round).filter(|_| message.round() == round) {
			sitting.hear(message, &mut self.hands);
		}
	}

	fn timeout(&mut self, round: Round, timeout: Timeout) {
		if let Some(sitting) = self.sittings.get_mut(&round) {
			sitting.timeout(timeout, &mut self.hands);
		}
	}

	fn say_again(&mut self) {
		for sitting in self.sittings.values_mut() {
			sitting.say_again(&mut self.hands);
		}
	}
}

/// What members do in the world, done.
struct Hands<B: BlockT, C, AccountId> {
	client: Arc<C>,
	keystore: KeystorePtr,
	pool: OffchainTransactionPoolFactory<B>,
	records: Records,
	told: Vec<Gossip>,
	timers: FuturesUnordered<BoxFuture<'static, (Round, Timeout)>>,
	metrics: Metrics,
	marker: PhantomData<fn() -> AccountId>,
}

impl<B, C, AccountId> World for Hands<B, C, AccountId>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B>,
	C::Api: TrustApi<B, AccountId>,
	AccountId: Codec,
{
	fn seal(&self, author: &AuthorityId, payload: &[u8; 32]) -> Option<Seal> {
		let signed = self.keystore.sr25519_sign(ep_poet::KEY_TYPE, author.as_ref(), payload);
		signed.unwrap_or_else(|error| self.no_key(author, &error)).map(|signature| signature.0)
	}

	fn draw(&self, author: &AuthorityId, seed: &[u8; 32]) -> Option<sr25519::vrf::VrfSignature> {
		let data = sortition::transcript(seed).into();
		let drawn = self.keystore.sr25519_vrf_sign(ep_poet::KEY_TYPE, author.as_ref(), &data);
		drawn.unwrap_or_else(|error| self.no_key(author, &error))
	}

	fn sign_for_anchor(&self, address: &H160, digest: &[u8; 32]) -> Option<[u8; 65]> {
		let keys = self.keystore.ecdsa_public_keys(anchor::KEY_TYPE);
		let Some(key) = keys.into_iter().find(|key| anchor::address(key) == Some(*address)) else {
			log::error!(
				target: LOG_TARGET,
				"the keystore has no key of type `anch` with the address {address:?}: this node signs no verdicts"
			);
			return None;
		};
		let signed = self.keystore.ecdsa_sign_prehashed(anchor::KEY_TYPE, &key, digest);
		signed.unwrap_or_else(|error| self.no_key(&key, &error)).map(|signature| signature.0)
	}

	fn digest(&self, round: Round, judgement: Judgement) -> Option<[u8; 32]> {
		let at = self.client.info().finalized_hash;
		let (verdict, chain) = self.client.runtime_api().verdict(at, round, judgement).ok()??;
		Some(verdict.digest(&chain))
	}

	fn submit(&self, call: Feeless) -> bool {
		let at = self.client.info().best_hash;
		let mut api = self.client.runtime_api();
		// The runtime submits to the pool through this extension.
		api.register_extension(self.pool.offchain_transaction_pool(at));
		let concludes = match &call {
			Feeless::Conclude { judgement, .. } => Some(*judgement),
			_ => None,
		};
		let sits = matches!(call, Feeless::Sit { .. });
		let taken = matches!(api.submit(at, call), Ok(Some(())));
		if taken && sits {
			self.metrics.sits();
		}
		if let Some(judgement) = concludes.filter(|_| taken) {
			self.metrics.concludes(judgement);
		}
		taken
	}

	fn would_take(&self, call: Feeless) -> bool {
		let at = self.client.info().best_hash;
		matches!(self.client.runtime_api().check(at, call), Ok(Ok(())))
	}

	fn write(&self, round: Round, record: &Record) -> Result<(), String> {
		self.records.write(round, record)
	}

	fn tell(&mut self, message: Gossip) {
		self.told.push(message);
	}

	fn start_timer(&mut self, round: Round, timeout: Timeout) {
		let patience = PATIENCE.saturating_mul(timeout.view.min(MOST_PATIENCE).saturating_add(1));
		self.timers.push(Delay::new(patience).map(move |()| (round, timeout)).boxed());
	}
}

impl<B: BlockT, C, AccountId> Hands<B, C, AccountId> {
	fn no_key<T>(&self, key: &impl std::fmt::Debug, error: &sp_keystore::Error) -> Option<T> {
		log::error!(target: LOG_TARGET, "the keystore does not sign by {key:?}: {error}");
		None
	}
}
