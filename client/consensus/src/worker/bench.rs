//! A chain, a chip and a node around the worker, all in memory; only the record is a real file.

use std::{
	collections::HashMap,
	future::{ready, Ready},
	path::PathBuf,
	sync::{
		atomic::{AtomicBool, AtomicU32, Ordering},
		Arc,
	},
	thread::JoinHandle,
	time::{Duration, Instant},
};

use ep_poet::{
	digest::unseal,
	rules::{one_power_cycle, verify_sealed, verify_with_state},
	testing::{SoftChip, Statement},
	AuthorityId, Contestant, Lottery, MemberInfo, Parameters,
};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use sc_client_api::{
	BlockImportNotification, FinalityNotifications, ImportNotifications, NewBlockState, StorageEventStream, StorageKey,
};
use sc_consensus::{BlockCheckParams, BlockImportParams, ImportResult};
use sc_utils::mpsc::{tracing_unbounded, TracingUnboundedSender};
use sp_consensus::{BlockOrigin, Error, Proposal, ProposeArgs, Proposer};
use sp_keystore::{testing::MemoryKeystore, Keystore};
use sp_runtime::DigestItem;

use super::*;
use crate::{
	record::Entry,
	testing::{
		header,
		node::{self, Chain, NoInherents},
		store, Block, Header, Store,
	},
};

/// What a test may change while the worker runs.
pub(crate) struct World {
	pub(crate) store: Store,
	pub(crate) genesis: Hash,
	imports: Mutex<Vec<TracingUnboundedSender<BlockImportNotification<Block>>>>,
	finality: Mutex<Vec<TracingUnboundedSender<sc_client_api::FinalityNotification<Block>>>>,
	pub(crate) contestant: Mutex<Option<Contestant>>,
	pub(crate) members: Mutex<Vec<MemberInfo>>,
	pub(crate) parameters: Mutex<Parameters>,
	/// Added to the timestamp of the parent, as if the chain were ahead of us.
	pub(crate) ahead: Mutex<Millis>,
	pub(crate) syncing: AtomicBool,
	pub(crate) offline: AtomicBool,
	/// What the node cannot read.
	pub(crate) trouble: Mutex<Option<node::Trouble>>,
	/// What proposing takes.
	pub(crate) proposing: Mutex<Duration>,
	/// Imports that will fail.
	pub(crate) failures: AtomicU32,
	/// What import was asked to import, whether or not it did.
	pub(crate) attempts: Mutex<Vec<Entry>>,
	pub(crate) record: PathBuf,
	last: Mutex<HashMap<Hash, ep_poet::Interval>>,
	pub(crate) chip: Mutex<Chip>,
}

/// The chip's state.
pub(crate) struct Chip {
	pub(crate) soft: SoftChip,
	started: Instant,
	pub(crate) resets: u32,
	pub(crate) gone: bool,
	/// How much longer than usual it takes.
	pub(crate) slow: Duration,
	/// Chip milliseconds in a thousand of the node's.
	pub(crate) speed: u64,
	pub(crate) nonces: Vec<Vec<u8>>,
}

impl World {
	pub(crate) fn best(&self) -> Header {
		let hash = self.store.info().best_hash;
		self.store.header(hash).expect("reads").expect("it is best")
	}

	/// Imports a block that is not ours.
	pub(crate) fn foreign(&self, parent: Hash, tag: u8) -> Hash {
		let number = self.store.number(parent).expect("reads").expect("known") + 1;
		let block = header(number, parent, tag);
		self.insert(block.clone(), BlockOrigin::NetworkBroadcast);
		block.hash()
	}

	fn insert(&self, header: Header, origin: BlockOrigin) {
		let hash = header.hash();
		let last = unseal(header.clone()).ok().and_then(|unsealed| {
			let (start, end) = ep_poet::rules::attestations(&unsealed).ok()?;
			one_power_cycle(&start, &end).ok()
		});
		let last = last.or_else(|| self.last.lock().get(header.parent_hash()).copied());
		if let Some(last) = last {
			self.last.lock().insert(hash, last);
		}
		self.store.insert(hash, header.clone(), None, None, NewBlockState::Best, true).expect("it fits");
		let (unpin, _) = tracing_unbounded("unpin", 1_000);
		let news = BlockImportNotification::new(hash, origin, header, true, None, unpin);
		self.imports.lock().retain(|sink| sink.unbounded_send(news.clone()).is_ok());
	}

	/// Ends the client, and with it the worker.
	fn end(&self) {
		self.imports.lock().clear();
		self.finality.lock().clear();
	}
}

impl Chain for World {
	fn headers(&self) -> &dyn HeaderBackend<Block> {
		&self.store
	}

	fn lottery_after(&self, parent: Hash) -> Lottery {
		let header = self.store.header(parent).expect("reads").expect("only known blocks are asked about");
		let parent_timestamp =
			ep_poet::digest::find_pre_digest(header.digest()).map_or(0, |pre| pre.timestamp) + *self.ahead.lock();
		Lottery {
			genesis: self.genesis,
			height: u64::from(*header.number()) + 1,
			epoch: 0,
			randomness: [5; 32],
			mean: 10 * 1_000,
			parent_timestamp,
			parameters: *self.parameters.lock(),
		}
	}

	fn contestant_after(&self, parent: Hash, _: &AuthorityId) -> Option<Contestant> {
		let mut contestant = self.contestant.lock().clone()?;
		contestant.last = self.last.lock().get(&parent).copied();
		Some(contestant)
	}

	fn members(&self) -> Vec<MemberInfo> {
		self.members.lock().clone()
	}

	fn trouble(&self) -> Option<node::Trouble> {
		*self.trouble.lock()
	}
}

pub(crate) type Node = node::Node<World>;

impl BlockchainEvents<Block> for Node {
	fn import_notification_stream(&self) -> ImportNotifications<Block> {
		let (sink, stream) = tracing_unbounded("imports", 1_000);
		self.0.imports.lock().push(sink);
		stream
	}
	fn every_import_notification_stream(&self) -> ImportNotifications<Block> {
		self.import_notification_stream()
	}
	fn finality_notification_stream(&self) -> FinalityNotifications<Block> {
		let (sink, stream) = tracing_unbounded("finality", 1_000);
		self.0.finality.lock().push(sink);
		stream
	}
	fn storage_changes_notification_stream(
		&self,
		_: Option<&[StorageKey]>,
		_: Option<&[(StorageKey, Option<Vec<StorageKey>>)]>,
	) -> sp_blockchain::Result<StorageEventStream<Hash>> {
		Err(sp_blockchain::Error::Backend("not needed".into()))
	}
}

#[async_trait::async_trait]
impl SelectChain<Block> for Node {
	async fn leaves(&self) -> Result<Vec<Hash>, Error> {
		Ok(vec![self.0.best().hash()])
	}
	async fn best_chain(&self) -> Result<Header, Error> {
		Ok(self.0.best())
	}
}

#[async_trait::async_trait]
impl BlockImport<Block> for Node {
	type Error = Error;
	async fn check_block(&self, _: BlockCheckParams<Block>) -> Result<ImportResult, Error> {
		Ok(ImportResult::imported(false))
	}
	async fn import_block(&self, block: BlockImportParams<Block>) -> Result<ImportResult, Error> {
		let header = block.post_header();
		let (hash, parent) = (header.hash(), *header.parent_hash());
		let entry = Entry { parent, height: (*header.number()).into(), hash };
		self.0.attempts.lock().push(entry);
		// Every rule holds, and the record came first.
		let verdict = verify_sealed(header.clone(), self.0.genesis).expect("rules 1 to 8 hold");
		let contestant = self.0.contestant_after(parent, &verdict.unsealed.pre_digest.author);
		verify_with_state(&verdict, &self.0.lottery_after(parent), contestant.as_ref()).expect("rules 9 to 21 hold");
		assert!(verdict.unsealed.pre_digest.timestamp <= unix_millis(), "released before its timestamp");
		let bytes = std::fs::read(&self.0.record).expect("the record is there before import");
		let recorded = bytes.windows(32).any(|window| window == hash.as_bytes());
		assert!(recorded, "the block is recorded before import");
		assert!(block.get_intermediate::<ep_poet::Verdict<Header>>(crate::INTERMEDIATE_KEY).is_ok());
		if self.0.failures.load(Ordering::SeqCst) > 0 {
			self.0.failures.fetch_sub(1, Ordering::SeqCst);
			return Err(Error::ClientImport("as the test wants it".into()));
		}
		self.0.insert(header, block.origin);
		Ok(ImportResult::imported(true))
	}
}

impl SyncOracle for Node {
	fn is_major_syncing(&self) -> bool {
		self.0.syncing.load(Ordering::SeqCst)
	}
	fn is_offline(&self) -> bool {
		self.0.offline.load(Ordering::SeqCst)
	}
}

pub(crate) struct Proposing(Header, Duration);

impl Environment<Block> for Node {
	type Proposer = Proposing;
	type CreateProposer = Ready<Result<Proposing, Error>>;
	type Error = Error;
	fn init(&mut self, parent: &Header) -> Self::CreateProposer {
		ready(Ok(Proposing(parent.clone(), *self.0.proposing.lock())))
	}
}

impl Proposer<Block> for Proposing {
	type Error = Error;
	type Proposal = BoxFuture<'static, Result<Proposal<Block>, Error>>;
	fn propose(self, args: ProposeArgs<Block>) -> Self::Proposal {
		let time = sp_timestamp::TimestampInherentData::timestamp_inherent_data(&args.inherent_data);
		let time = time.expect("it decodes").expect("the worker puts it in");
		let pre = ep_poet::digest::find_pre_digest(&args.inherent_digests).expect("the worker puts it in");
		assert_eq!(pre.timestamp, time.as_millis(), "digest and inherent are one number");
		let mut block = header(self.0.number() + 1, self.0.hash(), 7);
		block.digest_mut().logs = args.inherent_digests.logs;
		// As a runtime would.
		block.digest_mut().push(DigestItem::Other(vec![1]));
		let proposal = Proposal { block: Block::new(block, Vec::new()), storage_changes: Default::default() };
		Box::pin(async move {
			Delay::new(self.1).await;
			Ok(proposal)
		})
	}
}

#[async_trait::async_trait]
impl Timer for Node {
	async fn get_time(&self, nonce: Vec<u8>) -> Result<Attestation, String> {
		let slow = self.0.chip.lock().slow;
		Delay::new(slow + Duration::from_millis(2)).await;
		let mut chip = self.0.chip.lock();
		if chip.gone {
			return Err("unplugged".into());
		}
		chip.nonces.push(nonce.clone());
		let time = 100_000 + chip.started.elapsed().as_millis() as u64 * chip.speed / 1_000;
		let resets = chip.resets;
		Ok(chip.soft.get_time(&Statement { time, clock: 1, reset_count: resets, restart_count: 0, nonce }))
	}
	fn status(&self) -> String {
		"soft".into()
	}
}

/// A node with a worker.
pub(crate) struct Bench {
	pub(crate) world: Arc<World>,
	pub(crate) status: StatusHandle,
	pub(crate) keystore: Arc<MemoryKeystore>,
	pub(crate) author: AuthorityId,
	thread: Option<JoinHandle<()>>,
	_folder: Arc<tempfile::TempDir>,
}

impl Bench {
	/// A member whose key is in the keystore. Waits take some tens of milliseconds.
	pub(crate) fn new() -> Self {
		let folder = Arc::new(tempfile::tempdir().expect("a folder"));
		let keystore = Arc::new(MemoryKeystore::new());
		let author: AuthorityId =
			keystore.sr25519_generate_new(ep_poet::KEY_TYPE, Some("//Alice")).expect("memory").into();
		let soft = SoftChip::new(1);
		let contestant = Contestant {
			weight: 1_000,
			ak_public: soft.ak_public().try_into().expect("within the bounds"),
			ek_name: soft.ek_name(),
			rate: 1_000_000,
			last: None,
		};
		let store = store();
		let world = World {
			genesis: store.info().genesis_hash,
			store,
			imports: Default::default(),
			finality: Default::default(),
			contestant: Mutex::new(Some(contestant)),
			members: Default::default(),
			parameters: Mutex::new(Parameters {
				target: 100,
				minimum_wait: 20,
				overhead: 10,
				max_slack: 2_000,
				epoch_length: 1_000,
			}),
			trouble: Default::default(),
			ahead: Default::default(),
			syncing: Default::default(),
			offline: Default::default(),
			proposing: Default::default(),
			failures: Default::default(),
			attempts: Default::default(),
			record: folder.path().join("sealed"),
			last: Default::default(),
			chip: Mutex::new(Chip {
				soft,
				started: Instant::now(),
				resets: 1,
				gone: false,
				slow: Duration::ZERO,
				speed: 1_000,
				nonces: Vec::new(),
			}),
		};
		let world = Arc::new(world);
		Self { world, status: StatusHandle::new(), keystore, author, thread: None, _folder: folder }
	}

	/// Starts the worker, with the chip in memory.
	pub(crate) fn start(self) -> Self {
		let chip = Node::of(&self.world);
		self.start_with(chip)
	}

	/// Starts the worker, with any chip.
	pub(crate) fn start_with(mut self, timer: impl Timer) -> Self {
		let node = Node::of(&self.world);
		let params = StartPoetParams {
			client: Arc::new(node.clone()),
			select_chain: node.clone(),
			block_import: node.clone(),
			env: node.clone(),
			sync_oracle: node.clone(),
			justification_sync_link: (),
			keystore: self.keystore.clone(),
			timer,
			create_inherent_data_providers: |_, _: Millis| async { Ok(NoInherents) },
			record_path: self.world.record.clone(),
			status: self.status.clone(),
			force_authoring: false,
			max_proposal_portion: MAX_PROPOSAL_PORTION,
			block_size_limit: None,
			telemetry: None,
		};
		// Moved to the thread as a node's task manager moves it: it must be `Send`.
		let worker = start_poet(params);
		self.thread = Some(std::thread::spawn(|| futures::executor::block_on(worker)));
		self
	}

	/// Stops the worker, as an end of the client does.
	pub(crate) fn stop(&mut self) {
		self.world.end();
		if let Some(thread) = self.thread.take() {
			if let Err(panic) = thread.join() {
				std::panic::resume_unwind(panic);
			}
		}
	}

	/// The power failed: nothing but genesis is left of the chain, and the record.
	pub(crate) fn loses_its_database(&mut self) {
		let world = Arc::get_mut(&mut self.world).expect("the worker ended");
		world.store = store();
		world.last.get_mut().clear();
		assert_eq!(world.store.info().genesis_hash, world.genesis);
	}

	/// Waits until `condition` holds.
	pub(crate) fn until(&self, what: &str, condition: impl Fn(&World) -> bool) {
		let began = Instant::now();
		while !condition(&self.world) {
			assert!(began.elapsed() < Duration::from_secs(20), "not within 20 s: {what}; {:?}", self.status.read());
			assert!(!self.thread.as_ref().is_some_and(JoinHandle::is_finished), "the worker ended: {what}");
			std::thread::sleep(Duration::from_millis(2));
		}
	}

	pub(crate) fn until_height(&self, height: u32) {
		self.until("height", |world| *world.best().number() >= height);
	}

	pub(crate) fn until_state(&self, name: &str) {
		self.until(name, |_| self.status.read().state.name() == name);
	}
}
