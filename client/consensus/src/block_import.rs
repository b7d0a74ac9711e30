//! The stateful stage: what the chain says about a block, and which chain is the best.
//!
//! Upon a block, under one lock:
//! 1. If its parent's state is here, verify rules 9 to 21 against it, and *consecutive*: where the parent is by the same
//!    author, the wait begins after the parent's own. (State lags by one block there: a seal is noted in state by the
//!    next block.)
//! 2. Compare with the certificates that its author published lately; report an equivocation.
//! 3. If it is dated more than [`early`](crate::held::early) ahead of our clock, hold it.
//! 4. If its author has [`SIBLINGS`] blocks on that parent already, park it.
//! 5. Have the runtime check the inherents.
//! 6. Weigh it: its parent's weight and its mean. It is the new best if [`ep_poet::fork::prefer`] takes it over the tip
//!    of [`PoetSelectChain`], and never if it does not descend from the last finalised block.
//! 7. Hand it to GRANDPA's import and the client's, with its record in the same batch.
//!
//! # What comes without its parent's state
//! * *Headers of a warp proof* ([`BlockOrigin::WarpSync`]): finalised by the votes in the proof.
//! * *Gap sync*: history below a block that is final. Nothing is built on it and no state comes of it.
//! * *State import*: the state's root is in a header that GRANDPA finalised.
//! * *Headers ahead of a state* (`StateAction::Skip`, only ever asked for by our own sync in mode `fast`): nothing
//!   vouches for them until one of them is finalised. Each weighs 1, less than any verified block, so claims that nobody
//!   checked outweigh nothing; they are marked, and the best chain never falls back on them. Forged headers can delay
//!   such a sync, not mislead it: it takes a state only from a finalised block.
//!
//! In all four, rules 1 to 8 are verified except for headers of a warp proof. Weights start anew from 0 at an imported
//! state. That is sound: the state's block is final, all that competes later descends from it, and only differences
//! count. Anything else without its parent's state is not imported ([`ImportResult::MissingState`]), even where sync
//! would allow it: its parent lies on a fork that finality has discarded.
//!
//! # What peers are told
//! A refused block is [`ImportResult::KnownBad`], which drops the peer: honest peers verify before they relay. An error
//! makes sync start over and ask for the same block again, so it is kept for this node's own trouble. Blocks that wait
//! are [`ImportResult::AlreadyInChain`].

mod executed;

use ep_poet::{fork, AuthorityId, Hash, PoetApi, Verdict};
use sc_client_api::{backend::AuxStore, Backend, BlockBackend, PreCommitActions};
use sc_consensus::{BlockCheckParams, BlockImport, BlockImportParams as SdkParams, ForkChoiceStrategy, ImportResult};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::ProvideRuntimeApi;
use sp_block_builder::BlockBuilder as BlockBuilderApi;
use sp_blockchain::{HeaderBackend, HeaderMetadata};
use sp_consensus::{BlockOrigin, BlockStatus, Error as ConsensusError};
use sp_inherents::CreateInherentDataProviders;
use sp_runtime::{
	traits::{Block as BlockT, Header as HeaderT, NumberFor, UniqueSaturatedInto},
	Justifications,
};
use std::sync::Arc;

use crate::{
	aux_schema::{self, BlockRecord},
	equivocation::{self, Reporter},
	error::ImportError,
	metrics::Metrics,
	verifier::INTERMEDIATE_KEY,
	PoetLink, PoetSelectChain, LOG_TARGET,
};

/// Blocks of one author on one parent that are imported as they come.
pub const SIBLINGS: usize = 2;

/// Says whether justifications prove a block final. See [`BlockImportParams::justified`].
pub type Justified<B> = Arc<dyn Fn(Hash, NumberFor<B>, &Justifications) -> bool + Send + Sync>;

/// Parameters of [`block_import`].
pub struct BlockImportParams<B: BlockT, C, BE, I, CIDP> {
	/// The import below: GRANDPA's.
	pub inner: I,
	/// The client.
	pub client: Arc<C>,
	/// Fork choice; the same one that GRANDPA and the worker are given.
	pub select_chain: PoetSelectChain<B, BE>,
	/// Inherent data to check blocks against, made for a parent's hash.
	pub create_inherent_data_providers: CIDP,
	/// Where reports of equivocations go. Without it they are only logged.
	pub offchain_tx_pool_factory: Option<OffchainTransactionPoolFactory<B>>,
	/// Tells blocks that are final although they are early, which is then our clock's fault: they are not held.
	/// Justifications come from peers and are not verified yet at this point, so this has to verify them. Without it
	/// early blocks are held whatever comes with them, and imported when they are due.
	pub justified: Option<Justified<B>>,
	/// The engine's metrics.
	pub metrics: Option<Metrics>,
}

/// Makes the block import, and the state that it shares with verifier, worker and
/// [`run_held`](crate::held::run_held).
pub fn block_import<B, C, BE, I, CIDP>(
	params: BlockImportParams<B, C, BE, I, CIDP>,
) -> (PoetBlockImport<B, C, BE, I, CIDP>, PoetLink<B>)
where
	B: BlockT<Hash = Hash>,
	C: HeaderBackend<B> + HeaderMetadata<B> + PreCommitActions<B> + ProvideRuntimeApi<B> + Send + Sync + 'static,
	C::Api: PoetApi<B>,
{
	let link = PoetLink::new(params.client.info().genesis_hash, params.metrics.clone());
	(block_import_with_link(params, link.clone()), link)
}

/// [`block_import`] over a link made before, for tests under another clock.
pub fn block_import_with_link<B, C, BE, I, CIDP>(
	params: BlockImportParams<B, C, BE, I, CIDP>,
	link: PoetLink<B>,
) -> PoetBlockImport<B, C, BE, I, CIDP>
where
	B: BlockT<Hash = Hash>,
	C: HeaderBackend<B> + HeaderMetadata<B> + PreCommitActions<B> + ProvideRuntimeApi<B> + Send + Sync + 'static,
	C::Api: PoetApi<B>,
{
	let BlockImportParams {
		inner,
		client,
		select_chain,
		create_inherent_data_providers,
		offchain_tx_pool_factory,
		justified,
		metrics: _,
	} = params;
	// The client owns the action: a strong reference would keep it alive for ever.
	let weak = Arc::downgrade(&client);
	client.register_finality_action(Box::new(move |summary| {
		weak.upgrade().map(|client| aux_schema::finality_cleanup::<B, C>(&client, summary)).unwrap_or_default()
	}));
	let reporting = client.clone();
	let reporter = offchain_tx_pool_factory
		.map(|pool| Arc::new(move |at, proof| equivocation::report(&*reporting, &pool, at, proof)) as Reporter<B>);
	PoetBlockImport {
		inner,
		client,
		select_chain,
		create_inherent_data_providers: Arc::new(create_inherent_data_providers),
		reporter,
		justified,
		link,
	}
}

/// Verifies blocks against the chain, weighs them and chooses among forks. See the module's documentation.
pub struct PoetBlockImport<B: BlockT, C, BE, I, CIDP> {
	inner: I,
	client: Arc<C>,
	select_chain: PoetSelectChain<B, BE>,
	create_inherent_data_providers: Arc<CIDP>,
	pub(crate) reporter: Option<Reporter<B>>,
	justified: Option<Justified<B>>,
	link: PoetLink<B>,
}

impl<B: BlockT, C, BE, I: Clone, CIDP> Clone for PoetBlockImport<B, C, BE, I, CIDP> {
	fn clone(&self) -> Self {
		Self {
			inner: self.inner.clone(),
			client: self.client.clone(),
			select_chain: self.select_chain.clone(),
			create_inherent_data_providers: self.create_inherent_data_providers.clone(),
			reporter: self.reporter.clone(),
			justified: self.justified.clone(),
			link: self.link.clone(),
		}
	}
}

/// A block with its certificate and where it stands.
struct Candidate<B: BlockT> {
	block: SdkParams<B>,
	verdict: Verdict<B::Header>,
	hash: Hash,
	parent: Hash,
	number: u64,
}

impl<B: BlockT<Hash = Hash>> Candidate<B> {
	/// Takes the certificate that the verifier left. A block that did not come through it (our own, or one imported by
	/// hand) is verified here: nothing gets past the rules by another door.
	fn new(mut block: SdkParams<B>, link: &PoetLink<B>) -> Option<Self> {
		let verdict = match block.remove_intermediate::<Verdict<B::Header>>(INTERMEDIATE_KEY) {
			Ok(verdict) => verdict,
			Err(_) => link.verify(block.post_header()).ok()?,
		};
		let (hash, parent) = (verdict.hash, *verdict.unsealed.header.parent_hash());
		let number = (*verdict.unsealed.header.number()).unique_saturated_into();
		Some(Self { block, verdict, hash, parent, number })
	}

	fn author(&self) -> &AuthorityId {
		&self.verdict.unsealed.pre_digest.author
	}

	fn database(&self, source: sp_blockchain::Error) -> ImportError {
		ImportError::Database { hash: self.hash, source }
	}
}

impl<B, C, BE, I, CIDP> PoetBlockImport<B, C, BE, I, CIDP>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + BlockBackend<B> + AuxStore + BlockImport<B> + Send + Sync + 'static,
	C::Api: PoetApi<B> + BlockBuilderApi<B>,
	C::Error: Into<ConsensusError>,
	BE: Backend<B> + 'static,
	I: BlockImport<B> + Send + Sync,
	I::Error: Into<ConsensusError>,
	CIDP: CreateInherentDataProviders<B, ()> + Send + Sync,
	CIDP::InherentDataProviders: Send,
{
	/// Sorts a block by what is known of its parent.
	async fn import(&self, block: SdkParams<B>) -> Result<ImportResult, ImportError> {
		let hash = block.post_hash();
		let database = |source| ImportError::Database { hash, source };
		let known = self.client.status(hash).map_err(database)? == sp_blockchain::BlockStatus::InChain;
		let number = *block.header.number();
		let info = self.client.info();
		// A gap may reach above finality while a state synchronisation fetches headers. There nothing vouches for a block
		// only because it fills a gap.
		let in_gap = number <= info.finalized_number
			&& info.block_gap.is_some_and(|gap| gap.start <= number && number <= gap.end);
		if block.origin == BlockOrigin::WarpSync {
			return self.import_proof_header(block).await;
		}
		if in_gap || (known && !block.import_existing) {
			return self.import_below_finality(block).await;
		}
		let parent_status = self.client.block_status(*block.header.parent_hash()).map_err(database)?;
		let no_state = block.state_action.skip_execution_checks() || parent_status == BlockStatus::InChainPruned;
		if known && no_state && !block.with_state() {
			return self.import_below_finality(block).await;
		}

		if block.origin == BlockOrigin::Own {
			self.link.note_arrival(hash);
		}
		let Some(candidate) = Candidate::new(block, &self.link) else { return Ok(ImportResult::KnownBad) };
		if candidate.block.with_state() {
			return self.import_with_state(candidate, known && number <= info.finalized_number).await;
		}
		if candidate.block.state_action.skip_execution_checks() {
			return self.import_header(candidate).await;
		}
		match parent_status {
			BlockStatus::InChainWithState | BlockStatus::Queued => self.import_executed(candidate, known).await,
			BlockStatus::InChainPruned => Ok(ImportResult::MissingState),
			BlockStatus::KnownBad => Ok(ImportResult::KnownBad),
			BlockStatus::Unknown => self.import_child_of_waiting(candidate).await,
		}
	}

	/// Passes on what neither needs verifying against a state nor competes for being best.
	async fn import_below_finality(&self, mut block: SdkParams<B>) -> Result<ImportResult, ImportError> {
		let _ = block.remove_intermediate::<Verdict<B::Header>>(INTERMEDIATE_KEY);
		block.fork_choice = Some(ForkChoiceStrategy::Custom(false));
		self.pass_on(block).await
	}

	/// Imports the headers of a warp proof, each when the next one comes.
	///
	/// The last is kept back until the block with the state comes, and let go if it is that one's parent: the SDK's client
	/// takes a parent that it has for one whose ancestors it has, looks for a route from genesis, and fails for good. Gap
	/// sync brings it again.
	async fn import_proof_header(&self, block: SdkParams<B>) -> Result<ImportResult, ImportError> {
		let before = self.link.0.proof_header.lock().replace(block);
		match before {
			Some(before) => self.import_below_finality(before).await,
			None => Ok(ImportResult::imported(false)),
		}
	}

	/// Imports a finalised block with its whole state. Weights start from 0 here.
	///
	/// If its header came ahead of the state and is `final_already`, only the client is given the state. GRANDPA's import
	/// has followed the voters from header to header, and would have the client finalise the block again, on its way
	/// from the best block to this one's parent: the client refuses to take back what is final.
	async fn import_with_state(
		&self,
		mut candidate: Candidate<B>,
		final_already: bool,
	) -> Result<ImportResult, ImportError> {
		let last = self.link.0.proof_header.lock().take().filter(|last| last.post_hash() != candidate.parent);
		if let Some(last) = last {
			self.import_below_finality(last).await?;
		}
		let record = BlockRecord {
			weight: 0,
			wait: candidate.verdict.unsealed.pre_digest.claim.wait,
			lateness: None,
			executed: true,
		};
		candidate.block.auxiliary.extend(aux_schema::writes(&candidate.hash, &record, true));
		candidate.block.fork_choice = Some(ForkChoiceStrategy::Custom(true));
		log::info!(target: LOG_TARGET, "importing the state of #{} {:?}", candidate.number, candidate.hash);
		if final_already {
			candidate.block.fork_choice = Some(ForkChoiceStrategy::Custom(false));
			let imported = self.client.import_block(candidate.block).await;
			return imported.map_err(|source| ImportError::Inner { hash: candidate.hash, source: source.into() });
		}
		self.pass_on(candidate.block).await
	}

	/// Imports a header ahead of a state that is still to come.
	async fn import_header(&self, mut candidate: Candidate<B>) -> Result<ImportResult, ImportError> {
		let record = BlockRecord {
			weight: self.weight_of(candidate.parent).map_err(|e| candidate.database(e))?.saturating_add(1),
			wait: candidate.verdict.unsealed.pre_digest.claim.wait,
			lateness: None,
			executed: false,
		};
		// Among such headers the longest chain is followed, as far as finality lets it. That is all to go by.
		let best = self.is_best(&candidate, &record, 0)?;
		candidate.block.auxiliary.extend(aux_schema::writes(&candidate.hash, &record, best));
		candidate.block.fork_choice = Some(ForkChoiceStrategy::Custom(best));
		self.pass_on(candidate.block).await
	}

	async fn pass_on(&self, block: SdkParams<B>) -> Result<ImportResult, ImportError> {
		let hash = block.post_hash();
		self.inner.import_block(block).await.map_err(|source| ImportError::Inner { hash, source: source.into() })
	}

	/// Weight of the chain that ends in `hash`. Blocks of a warp or gap sync have no record: there it counts from 0, and
	/// what was added since is in the headers.
	fn weight_of(&self, mut hash: Hash) -> sp_blockchain::Result<fork::ChainWeight> {
		let finalised = self.client.info().finalized_number;
		let mut added: fork::ChainWeight = 0;
		loop {
			if let Some(record) = aux_schema::load_record(&*self.client, &hash)? {
				return Ok(added.saturating_add(record.weight));
			}
			let header = self.client.expect_header(hash)?;
			if *header.number() <= finalised {
				return Ok(added);
			}
			let mean = ep_poet::digest::find_pre_digest(header.digest()).map_or(0, |pre| pre.claim.mean);
			added = added.saturating_add(mean.into());
			hash = *header.parent_hash();
		}
	}

	/// Fork choice.
	fn is_best(&self, candidate: &Candidate<B>, record: &BlockRecord, target: u64) -> Result<bool, ImportError> {
		let database = |e| candidate.database(e);
		let (hash, best) = self.select_chain.best().map_err(database)?;
		if hash == candidate.hash {
			return Ok(true);
		}
		if !self.select_chain.descends_from_finalised(candidate.parent).map_err(database)? {
			return Ok(false);
		}
		let best = best.map_or(fork::Tip { weight: 0, wait: u64::MAX, lateness: None }, |best| best.tip());
		Ok(fork::prefer(&record.tip(), &best, target))
	}
}

#[async_trait::async_trait]
impl<B, C, BE, I, CIDP> BlockImport<B> for PoetBlockImport<B, C, BE, I, CIDP>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + BlockBackend<B> + AuxStore + BlockImport<B> + Send + Sync + 'static,
	C::Api: PoetApi<B> + BlockBuilderApi<B>,
	C::Error: Into<ConsensusError>,
	BE: Backend<B> + 'static,
	I: BlockImport<B> + Send + Sync,
	I::Error: Into<ConsensusError>,
	CIDP: CreateInherentDataProviders<B, ()> + Send + Sync,
	CIDP::InherentDataProviders: Send,
{
	type Error = ConsensusError;

	async fn check_block(&self, mut block: BlockCheckParams<B>) -> Result<ImportResult, Self::Error> {
		if self.link.waits(&block.hash) {
			return Ok(ImportResult::AlreadyInChain);
		}
		// Its parent is not unknown, only not imported. What may be done is decided when it is verified.
		block.allow_missing_parent |= self.link.waits(&block.parent_hash);
		self.inner.check_block(block).await.map_err(Into::into)
	}

	async fn import_block(&self, block: SdkParams<B>) -> Result<ImportResult, Self::Error> {
		let _one_at_a_time = self.link.0.importing.lock().await;
		Ok(self.import(block).await?)
	}
}
