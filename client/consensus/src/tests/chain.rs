//! A node's import side over a real database. The runtime and the execution of blocks are played here; certificates are
//! real, by chips in software, and so are forks, finality and what is stored.

use crate::{
	aux_schema::{self, BlockRecord},
	block_import_with_link, run_held,
	testing::{
		node::{self, NoInherents},
		Block,
	},
	BlockImportParams, PoetBlockImport, PoetLink, PoetSelectChain, PoetVerifier,
};
use ep_poet::{
	digest::find_pre_digest,
	rules,
	testing::{Draft, Header, SoftMember},
	AuthorityId, Contestant, EquivocationProof, Hash, Lottery, Millis, Parameters,
};
use parking_lot::Mutex;
use sc_client_api::{
	backend::{AuxStore, Backend as _, BlockImportOperation},
	client::{OnFinalityAction, OnImportAction},
	BlockBackend, NewBlockState, PreCommitActions,
};
use sc_client_db::{Backend, BlocksPruning, DatabaseSettings, DatabaseSource};
use sc_consensus::{
	BlockCheckParams, BlockImport, BlockImportParams as SdkParams, ForkChoiceStrategy, ImportResult, Verifier,
};
use sp_blockchain::{CachedHeaderMetadata, HeaderBackend, HeaderMetadata};
use sp_consensus::{BlockOrigin, BlockStatus, Error};
use sp_runtime::{generic, traits::Header as _, Justifications, OpaqueExtrinsic};
use std::{
	collections::HashMap,
	sync::{
		atomic::{AtomicBool, AtomicU64, Ordering},
		Arc,
	},
};

type Db = Backend<Block>;

/// Timestamp of genesis, as the played runtime has it.
pub(super) const BEGIN: Millis = 1_800_000_000_000;

/// The played chain.
pub(super) struct Chain {
	pub(super) backend: Arc<Db>,
	pub(super) members: Mutex<HashMap<AuthorityId, Contestant>>,
	pub(super) mean: AtomicU64,
	pub(super) reports: Mutex<Vec<EquivocationProof<Header>>>,
	/// Whether the runtime finds the inherents right.
	pub(super) inherents_right: AtomicBool,
	/// Blocks whose state is gone.
	pub(super) pruned: Mutex<Vec<Hash>>,
	/// Blocks in the order they were imported.
	pub(super) imported: Mutex<Vec<Hash>>,
	_folder: tempfile::TempDir,
}

impl Chain {
	fn header_of(&self, hash: Hash) -> Header {
		self.backend.blockchain().header(hash).expect("reads").expect("it is there")
	}

	/// The lottery of the child of `parent`.
	pub(super) fn lottery(&self, parent: &Header) -> Lottery {
		let parameters =
			Parameters { target: 2_000, minimum_wait: 200, overhead: 300, max_slack: 20_000, epoch_length: 100 };
		let height = u64::from(*parent.number()) + 1;
		Lottery {
			genesis: self.backend.blockchain().info().genesis_hash,
			height,
			epoch: parameters.epoch_of(height),
			randomness: [9; 32],
			mean: self.mean.load(Ordering::SeqCst),
			parent_timestamp: find_pre_digest(parent.digest()).map_or(BEGIN, |pre| pre.timestamp),
			parameters,
		}
	}
}

impl node::Chain for Chain {
	fn headers(&self) -> &dyn HeaderBackend<Block> {
		self.backend.blockchain()
	}

	fn lottery_after(&self, parent: Hash) -> Lottery {
		self.lottery(&self.header_of(parent))
	}

	/// As state has it: the author's last interval among the ancestors of `at`, not in `at` itself.
	fn contestant_after(&self, at: Hash, author: &AuthorityId) -> Option<Contestant> {
		let mut contestant = self.members.lock().get(author).cloned()?;
		let mut header = self.header_of(at);
		while *header.number() > 1 {
			// What is below an imported state is not here.
			let Some(parent) = self.backend.blockchain().header(*header.parent_hash()).expect("reads") else { break };
			header = parent;
			let unsealed = rules::digests(header.clone()).expect("only sealed blocks are imported");
			if unsealed.pre_digest.author == *author {
				let (start, end) = rules::attestations(&unsealed).expect("they were verified");
				contestant.last = Some(rules::one_power_cycle(&start, &end).expect("they were verified"));
				break;
			}
		}
		Some(contestant)
	}

	fn inherents_right(&self) -> bool {
		self.inherents_right.load(Ordering::SeqCst)
	}
}

/// Client, runtime and the import below ours.
pub(super) type Node = node::Node<Chain>;

impl HeaderMetadata<Block> for Node {
	type Error = sp_blockchain::Error;
	fn header_metadata(&self, hash: Hash) -> Result<CachedHeaderMetadata<Block>, Self::Error> {
		self.0.backend.blockchain().header_metadata(hash)
	}
	fn insert_header_metadata(&self, hash: Hash, metadata: CachedHeaderMetadata<Block>) {
		self.0.backend.blockchain().insert_header_metadata(hash, metadata)
	}
	fn remove_header_metadata(&self, hash: Hash) {
		self.0.backend.blockchain().remove_header_metadata(hash)
	}
}

impl AuxStore for Node {
	fn insert_aux<
		'a,
		'b: 'a,
		'c: 'a,
		I: IntoIterator<Item = &'a (&'c [u8], &'c [u8])>,
		D: IntoIterator<Item = &'a &'b [u8]>,
	>(
		&self,
		insert: I,
		delete: D,
	) -> sp_blockchain::Result<()> {
		AuxStore::insert_aux(&*self.0.backend, insert, delete)
	}
	fn get_aux(&self, key: &[u8]) -> sp_blockchain::Result<Option<Vec<u8>>> {
		AuxStore::get_aux(&*self.0.backend, key)
	}
}

impl PreCommitActions<Block> for Node {
	fn register_import_action(&self, _: OnImportAction<Block>) {}
	fn register_finality_action(&self, _: OnFinalityAction<Block>) {}
}

impl BlockBackend<Block> for Node {
	fn block_body(&self, _: Hash) -> sp_blockchain::Result<Option<Vec<OpaqueExtrinsic>>> {
		Ok(None)
	}
	fn block_indexed_body(&self, _: Hash) -> sp_blockchain::Result<Option<Vec<Vec<u8>>>> {
		Ok(None)
	}
	fn block_indexed_hashes(&self, _: Hash) -> sp_blockchain::Result<Option<Vec<Hash>>> {
		Ok(None)
	}
	fn block(&self, _: Hash) -> sp_blockchain::Result<Option<generic::SignedBlock<Block>>> {
		Ok(None)
	}
	fn block_status(&self, hash: Hash) -> sp_blockchain::Result<BlockStatus> {
		Ok(match self.header(hash)? {
			None => BlockStatus::Unknown,
			Some(_) if self.0.pruned.lock().contains(&hash) => BlockStatus::InChainPruned,
			Some(_) => BlockStatus::InChainWithState,
		})
	}
	fn justifications(&self, _: Hash) -> sp_blockchain::Result<Option<Justifications>> {
		Ok(None)
	}
	fn block_hash(&self, number: u32) -> sp_blockchain::Result<Option<Hash>> {
		self.hash(number)
	}
	fn indexed_transaction(&self, _: Hash) -> sp_blockchain::Result<Option<Vec<u8>>> {
		Ok(None)
	}
	fn requires_full_sync(&self) -> bool {
		false
	}
}

/// What stands for GRANDPA's import and the client's.
#[async_trait::async_trait]
impl BlockImport<Block> for Node {
	type Error = Error;

	async fn check_block(&self, block: BlockCheckParams<Block>) -> Result<ImportResult, Error> {
		let status = |hash| self.block_status(hash).expect("reads");
		if status(block.hash) != BlockStatus::Unknown {
			return Ok(ImportResult::AlreadyInChain);
		}
		if status(block.parent_hash) == BlockStatus::Unknown && !block.allow_missing_parent {
			return Ok(ImportResult::UnknownParent);
		}
		Ok(ImportResult::imported(false))
	}

	async fn import_block(&self, block: SdkParams<Block>) -> Result<ImportResult, Error> {
		assert!(block.intermediates.is_empty(), "the client refuses what is left over");
		let header = block.post_header();
		let hash = header.hash();
		if self.header(hash).expect("reads").is_some() && !block.import_existing {
			return Ok(ImportResult::AlreadyInChain);
		}
		let Some(ForkChoiceStrategy::Custom(best)) = block.fork_choice else { panic!("fork choice is ours to make") };
		// GRANDPA's import takes what comes with its state for final.
		let state = match (block.with_state(), best) {
			(true, _) => NewBlockState::Final,
			(false, true) => NewBlockState::Best,
			(false, false) => NewBlockState::Normal,
		};
		let mut operation = self.0.backend.begin_operation().expect("begins");
		operation.set_block_data(header, block.body, None, None, state, true).expect("fits");
		operation.insert_aux(block.auxiliary).expect("fits");
		self.0.backend.commit_operation(operation).map_err(|e| Error::ClientImport(e.to_string()))?;
		self.0.imported.lock().push(hash);
		Ok(ImportResult::imported(best))
	}
}

type Providers = fn(Hash, ()) -> std::future::Ready<Result<NoInherents, Box<dyn std::error::Error + Send + Sync>>>;
pub(super) type Import = PoetBlockImport<Block, Node, Db, Node, Providers>;

/// The import side of a node whose clock is at hand.
pub(super) struct Bench {
	pub(super) chain: Arc<Chain>,
	pub(super) select_chain: PoetSelectChain<Block, Db>,
	pub(super) link: PoetLink<Block>,
	pub(super) import: Import,
	verifier: PoetVerifier<Block>,
	clock: Arc<AtomicU64>,
}

impl Bench {
	/// A chain of nothing but genesis, whose members are `members`.
	pub(super) fn new(members: &[&SoftMember]) -> Self {
		let folder = tempfile::tempdir().expect("a folder");
		let settings = DatabaseSettings {
			trie_cache_maximum_size: None,
			state_pruning: None,
			source: DatabaseSource::ParityDb { path: folder.path().into() },
			blocks_pruning: BlocksPruning::KeepAll,
			pruning_filters: Vec::new(),
			metrics_registry: None,
		};
		let backend = Arc::new(Db::new(settings, 4_096).expect("opens"));
		let mut operation = backend.begin_operation().expect("begins");
		let state_root = operation
			.set_genesis_state(Default::default(), true, sp_runtime::StateVersion::V1)
			.expect("an empty state fits");
		let genesis = Header::new(0, Hash::zero(), state_root, Hash::zero(), Default::default());
		operation
			.set_block_data(genesis.clone(), Some(Vec::new()), None, None, NewBlockState::Final, true)
			.expect("fits");
		backend.commit_operation(operation).expect("genesis is written");
		let chain = Arc::new(Chain {
			backend: backend.clone(),
			members: Mutex::new(members.iter().map(|member| (member.id(), member.contestant())).collect()),
			mean: AtomicU64::new(1_500 * 1_000),
			reports: Default::default(),
			inherents_right: AtomicBool::new(true),
			pruned: Default::default(),
			imported: Default::default(),
			_folder: folder,
		});
		let node = Node::of(&chain);
		let clock = Arc::new(AtomicU64::new(BEGIN));
		let reading = clock.clone();
		let link = PoetLink::with_clock(genesis.hash(), None, Arc::new(move || reading.load(Ordering::SeqCst)));
		let select_chain = PoetSelectChain::new(backend);
		let providers: Providers = |_, ()| std::future::ready(Ok(NoInherents));
		let params = BlockImportParams {
			inner: node.clone(),
			client: Arc::new(node),
			select_chain: select_chain.clone(),
			create_inherent_data_providers: providers,
			offchain_tx_pool_factory: None,
			justified: None,
			metrics: None,
		};
		let mut import = block_import_with_link(params, link.clone());
		// A played runtime cannot reach a pool.
		let reports = chain.clone();
		import.reporter = Some(Arc::new(move |_, proof| {
			reports.reports.lock().push(proof);
			Ok(true)
		}));
		Self { chain, select_chain, verifier: PoetVerifier::new(link.clone()), link, import, clock }
	}

	pub(super) fn genesis(&self) -> Header {
		self.chain.header_of(self.link.genesis())
	}

	/// Sets the clock, Unix milliseconds.
	pub(super) fn set_clock(&self, now: Millis) {
		self.clock.store(now, Ordering::SeqCst);
	}

	/// A block of `member` on `parent`, its wait begun at `start` of its chip, forged by `forge` before it is sealed.
	pub(super) fn forge(
		&self,
		parent: &Header,
		member: &SoftMember,
		start: Millis,
		forge: impl FnOnce(&mut Draft),
	) -> Header {
		let mut draft = member.draft(&self.chain.lottery(parent), parent.hash(), &member.contestant(), start);
		forge(&mut draft);
		draft.seal(member)
	}

	/// An honest block.
	pub(super) fn block(&self, parent: &Header, member: &SoftMember, start: Millis) -> Header {
		self.forge(parent, member, start, |_| {})
	}

	/// What sync does with a block: asks, has it verified and imported.
	pub(super) fn receive_as(&self, header: &Header, origin: BlockOrigin) -> Result<ImportResult, String> {
		futures::executor::block_on(async {
			let check = BlockCheckParams {
				hash: header.hash(),
				number: *header.number(),
				parent_hash: *header.parent_hash(),
				allow_missing_state: true,
				allow_missing_parent: false,
				import_existing: false,
			};
			match self.import.check_block(check).await.map_err(|e| e.to_string())? {
				ImportResult::Imported(_) => {}
				other => return Ok(other),
			}
			let mut params = SdkParams::new(origin, header.clone());
			params.body = Some(Vec::new());
			let params = self.verifier.verify(params).await?;
			self.import.import_block(params).await.map_err(|e| e.to_string())
		})
	}

	/// A block that a peer announced.
	pub(super) fn receive(&self, header: &Header) -> ImportResult {
		self.receive_as(header, BlockOrigin::NetworkBroadcast).expect("nothing fails here")
	}

	/// A block that comes when its timestamp says.
	pub(super) fn receive_in_time(&self, header: &Header) -> ImportResult {
		self.set_clock(timestamp(header));
		self.receive(header)
	}

	pub(super) fn best(&self) -> Hash {
		self.select_chain.best_hash().expect("reads")
	}

	pub(super) fn is_in_chain(&self, header: &Header) -> bool {
		self.chain.backend.blockchain().header(header.hash()).expect("reads").is_some()
	}

	pub(super) fn record(&self, header: &Header) -> Option<BlockRecord> {
		aux_schema::load_record(&*self.chain.backend, &header.hash()).expect("reads")
	}

	/// Runs the task that imports held blocks until `done`.
	pub(super) fn run_held_until(&self, done: impl Fn() -> bool) {
		let until = async {
			for _ in 0..500 {
				if done() {
					return;
				}
				futures_timer::Delay::new(std::time::Duration::from_millis(10)).await;
			}
			panic!("held blocks were not imported in 5 s");
		};
		let task = run_held(self.link.clone(), self.import.clone(), ());
		futures::executor::block_on(futures::future::select(Box::pin(task), Box::pin(until)));
	}
}

/// The timestamp in a block's digest.
pub(super) fn timestamp(header: &Header) -> Millis {
	find_pre_digest(header.digest()).expect("test blocks have one").timestamp
}

/// The wait that a block claims.
pub(super) fn wait(header: &Header) -> Millis {
	find_pre_digest(header.digest()).expect("test blocks have one").claim.wait
}
