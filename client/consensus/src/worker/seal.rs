//! From the end of a wait to an imported block.

use std::time::{Duration, Instant};

use ep_poet::{
	digest::{seal_message, seal_nonce},
	verify_sealed, verify_with_state, Attestation, AuthoritySignature, Claim, Hash, Millis, PoetApi, PreDigest, Seal,
	Verdict, KEY_TYPE,
};
use ep_tpm::TimeAttestation;
use log::{debug, error, info, warn};
use sc_consensus::{BlockImport, BlockImportParams, ImportResult, StateAction, StorageChanges};
use sc_telemetry::{telemetry, CONSENSUS_INFO, CONSENSUS_WARN};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus::{BlockOrigin, Environment, Proposal, ProposeArgs, Proposer, SelectChain};
use sp_inherents::{CreateInherentDataProviders, InherentDataProvider};
use sp_runtime::{
	traits::{Block as BlockT, Header as HeaderT},
	Digest, DigestItem,
};
use sp_timestamp::{Timestamp, INHERENT_IDENTIFIER};

use super::{
	draw::{cycle, Wait},
	height_of,
	watch::Stop,
	Watch, Worker, LOG, LONG_RETRY,
};
use crate::{
	record::Entry,
	schedule::{timestamp, Reading},
	status::{seconds, unix_millis, SealedBlock, State},
	INTERMEDIATE_KEY,
};

/// Times that A2 is asked for before the chip's time is held to stand still.
const END_ATTEMPTS: u32 = 10;

/// From how many milliseconds on it is said that a block waits for this machine's clock.
const NOTABLE: Millis = 1_000;

/// A sealed block, not published yet.
pub(super) struct Sealed<B: BlockT> {
	pub(super) entry: Entry,
	block: B,
	verdict: Verdict<B::Header>,
	action: StateAction<B>,
}

impl<B, C, I, PF, CIDP> Worker<B, C, I, PF, CIDP>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: PoetApi<B>,
	I: BlockImport<B> + Send + Sync + 'static,
	PF: Environment<B> + Send + 'static,
	CIDP: CreateInherentDataProviders<B, Millis> + 'static,
{
	/// Puts a block together for `wait` and seals it. The outer error: another block is best. The inner one: what stands
	/// in the way.
	pub(super) async fn author<SC: SelectChain<B>>(
		&mut self,
		watch: &mut Watch<B, SC>,
		wait: Wait<B>,
	) -> Result<Result<Sealed<B>, State>, Stop> {
		let parent = wait.plan.parent;
		let began = Instant::now();
		let lottery = &wait.drawn.lottery;
		let remaining = wait.plan.over.saturating_duration_since(began).max(self.pace.least()) + self.clock.latency();
		let now = unix_millis();
		let rate = wait.drawn.contestant.rate;
		let timestamp = timestamp(now, remaining, lottery.parent_timestamp, wait.drawn.wait, rate);
		if timestamp > now.saturating_add(remaining.as_millis() as Millis).saturating_add(lottery.parameters.max_slack)
		{
			return Ok(Err(State::ClockBehind { by: timestamp - now }));
		}
		let pre_digest = PreDigest {
			author: wait.drawn.author.clone(),
			vrf: wait.drawn.vrf.clone(),
			timestamp,
			claim: Claim {
				epoch: lottery.epoch,
				mean: lottery.mean,
				weight: wait.drawn.contestant.weight,
				rate,
				wait: wait.drawn.wait,
			},
			start: wait.start.clone(),
		};

		self.status.set(State::Proposing { height: wait.height });
		let proposing = self.propose(&wait, &pre_digest);
		let Proposal { block, storage_changes } = match watch.unless_moved(parent, proposing).await? {
			Ok(proposal) => proposal,
			Err(reason) => return Ok(Err(State::ProposalFailed { height: wait.height, reason })),
		};
		self.pace.observe(began.elapsed());
		let (header, body) = block.deconstruct();

		self.status.set(State::Sealing { height: wait.height });
		watch.sleep_until(parent, wait.plan.over).await?;
		let end = match self.attest_end(watch, &wait, &header).await? {
			Ok(end) => end,
			Err(state) => return Ok(Err(state)),
		};
		// The others hold a block that is ahead of their clocks; one that is ahead of ours is not released at all.
		let by = timestamp.saturating_sub(unix_millis());
		if by > NOTABLE {
			self.status.set(State::ClockBehind { by });
		}
		watch.hold_until(parent, timestamp).await?;
		watch.check(parent).await?;
		let action = StateAction::ApplyChanges(StorageChanges::Changes(storage_changes));
		Ok(self.sign(&wait, header, body, end, action))
	}

	/// How long a full block may take to be put together, of the block interval `target`.
	pub(super) fn longest_proposal(&self, target: Millis) -> Duration {
		Duration::from_millis(target).mul_f32(self.max_proposal_portion.clamp(0.05, 1.0))
	}

	/// A proposal for `wait`.
	async fn propose(&mut self, wait: &Wait<B>, pre_digest: &PreDigest) -> Result<Proposal<B>, String> {
		let (parent, time) = (wait.plan.parent, Timestamp::new(pre_digest.timestamp));
		let providers = self
			.inherents
			.create_inherent_data_providers(parent, pre_digest.timestamp)
			.await
			.map_err(|error| format!("no inherent data: {error}"))?;
		let mut inherent_data =
			providers.create_inherent_data().await.map_err(|error| format!("no inherent data: {error}"))?;
		// Whatever the providers say: the digest and the inherent are one number.
		inherent_data.replace_data(INHERENT_IDENTIFIER, &time);
		let proposer = self.env.init(&wait.parent).await.map_err(|error| error.to_string())?;
		let args = ProposeArgs {
			inherent_data,
			inherent_digests: Digest { logs: vec![DigestItem::from(pre_digest)] },
			max_duration: self.longest_proposal(wait.drawn.lottery.parameters.target),
			block_size_limit: self.block_size_limit,
			..Default::default()
		};
		proposer.propose(args).await.map_err(|error| error.to_string())
	}

	/// A2: asked for until the chip has counted enough.
	async fn attest_end<SC: SelectChain<B>>(
		&mut self,
		watch: &mut Watch<B, SC>,
		wait: &Wait<B>,
		header: &B::Header,
	) -> Result<Result<Attestation, State>, Stop> {
		let (parent, needed) = (wait.plan.parent, wait.drawn.needed);
		let nonce = seal_nonce(header.hash());
		let gone = |reason: String| Ok(Err(State::ChipGone { reason }));
		let spoiled = |reason: String| Ok(Err(State::WaitSpoiled { reason }));
		for _ in 0..END_ATTEMPTS {
			let asked = Instant::now();
			let end = match watch.unless_moved(parent, self.timer.get_time(nonce.to_vec())).await? {
				Ok(end) => end,
				Err(reason) => return gone(reason),
			};
			let ended = match TimeAttestation::parse(&end.attest) {
				Ok(ended) => ended,
				Err(error) => return gone(format!("its answer is no time attestation: {error}")),
			};
			let answered = Instant::now();
			let at = self.clock.looked_at(asked, answered);
			self.clock.observe(Reading { at, cycle: cycle(&ended), time: ended.time });
			self.status.update(|status| status.chip_latency = Some(answered - asked));
			if cycle(&ended) != cycle(&wait.begun) || ended.time < wait.begun.time {
				return spoiled(String::from("the chip was reset or suspended meanwhile"));
			}
			let counted = ended.time - wait.begun.time;
			if counted > needed.saturating_add(wait.drawn.lottery.parameters.max_slack) {
				return spoiled(format!(
					"the chip counted {} of a wait of {}, which is more than a start is good for",
					seconds(counted),
					seconds(needed)
				));
			}
			self.clock.learn(counted >= needed);
			if counted >= needed {
				return Ok(Ok(end));
			}
			debug!(target: LOG, "the chip counted {counted} ms of {needed} ms, asking again");
			watch.sleep_until(parent, Instant::now() + self.clock.node_time(needed - counted)).await?;
		}
		spoiled(String::from("the chip's time hardly moves"))
	}

	/// The author's signature, and every rule once more: what would be refused is not released.
	fn sign(
		&mut self,
		wait: &Wait<B>,
		mut header: B::Header,
		body: Vec<B::Extrinsic>,
		end: Attestation,
		action: StateAction<B>,
	) -> Result<Sealed<B>, State> {
		let author = &wait.drawn.author;
		let message = seal_message(self.genesis, header.hash(), &end);
		let signature: AuthoritySignature = self
			.keystore
			.sr25519_sign(KEY_TYPE, author.as_ref(), &message)
			.map_err(|error| State::KeyUnusable { reason: error.to_string() })?
			.ok_or_else(|| State::KeyUnusable { reason: format!("{author} is not in it any more") })?
			.into();
		header.digest_mut().push(DigestItem::from(&Seal { end, signature }));
		let checked = verify_sealed(header.clone(), self.genesis).and_then(|verdict| {
			verify_with_state(&verdict, &wait.drawn.lottery, Some(&wait.drawn.contestant)).map(|()| verdict)
		});
		match checked {
			Ok(verdict) => Ok(Sealed {
				entry: Entry { parent: wait.plan.parent, height: wait.height, hash: verdict.hash },
				block: B::new(header, body),
				verdict,
				action,
			}),
			Err(refusal) => {
				let reason = format!("the sealed block would be refused: {refusal}");
				error!(target: LOG, "own #{} is not released: {refusal}", wait.height);
				Err(State::ProposalFailed { height: wait.height, reason })
			}
		}
	}

	/// Records a sealed block, then imports it. From the record on, it is the only one on its parent.
	pub(super) async fn publish(&mut self, sealed: Sealed<B>) {
		if let Err(error) = self.record.push(sealed.entry, &sealed.block) {
			self.status.set(State::RecordUnwritable { reason: error.to_string() });
			self.import_not_before = Some(Instant::now() + LONG_RETRY);
			self.unrecorded = Some(sealed);
			return;
		}
		let counted = sealed.verdict.interval.length();
		let Entry { height, hash, .. } = sealed.entry;
		let extrinsics = sealed.block.extrinsics().len();
		self.import_not_before = None;
		if self.import(sealed).await {
			let of_tpm_time = seconds(counted);
			info!(target: LOG, "sealed #{height} {hash:?} after {of_tpm_time} of TPM time ({extrinsics} extrinsics)");
			telemetry!(self.telemetry; CONSENSUS_INFO; "poet.sealed_block";
				"height" => height, "hash" => ?hash, "tpm_ms" => counted);
			self.status.update(|status| {
				status.sealed += 1;
				status.last_sealed = Some(SealedBlock { height, hash, counted, at: unix_millis() });
			});
		}
	}

	/// A block is sealed on the best block, which has not moved: it waits for the record or for import.
	pub(super) async fn see_to_the_sealed_block(&mut self, best: &Hash) {
		if self.import_not_before.is_some_and(|instant| Instant::now() < instant) {
			return;
		}
		if let Some(sealed) = self.unrecorded.take() {
			return self.publish(sealed).await;
		}
		let Some(entry) = self.record.sealed_on(best).copied() else { return };
		let known = self.client.number(entry.hash).ok().flatten().is_some();
		// It is read from the disk: only where it is needed.
		let block: Option<B> = if known { None } else { self.record.block(&entry.hash) };
		match block {
			Some(block) => self.import_again(entry, block).await,
			None => self.status.set(State::SealedBefore { height: entry.height, hash: entry.hash }),
		}
	}

	/// After a start: the last sealed blocks may be announced, even final, and yet missing from the database.
	pub(super) async fn import_what_a_crash_left(&mut self) {
		let entries: Vec<Entry> = self.record.entries().copied().collect();
		for entry in entries {
			let known = |hash| self.client.number(hash).ok().flatten().is_some();
			if known(entry.hash) || !known(entry.parent) {
				continue;
			}
			let finalized = self.client.info().finalized_number;
			let Some(block) = self.record.block::<B>(&entry.hash).filter(|block| *block.header().number() > finalized)
			else {
				continue;
			};
			info!(target: LOG, "importing #{} ({:?}) again, sealed before the last stop", entry.height, entry.hash);
			self.import_again(entry, block).await;
		}
	}

	async fn import_again(&mut self, entry: Entry, block: B) {
		match verify_sealed(block.header().clone(), self.genesis) {
			Ok(verdict) => {
				self.import(Sealed { entry, block, verdict, action: StateAction::Execute }).await;
			}
			Err(refusal) => {
				debug!(target: LOG, "the recorded #{} is of another chain: {refusal}", entry.height);
				self.status.set(State::SealedBefore { height: entry.height, hash: entry.hash });
			}
		}
	}

	/// Imports a recorded block; import announces it. Says whether it is in the chain now.
	async fn import(&mut self, sealed: Sealed<B>) -> bool {
		let Sealed { entry: Entry { height, hash, .. }, block, verdict, action } = sealed;
		let mut params = BlockImportParams::new(BlockOrigin::Own, verdict.unsealed.header.clone());
		params.post_digests.push(verdict.unsealed.seal_item.clone());
		params.post_hash = Some(hash);
		params.body = Some(block.extrinsics().to_vec());
		params.state_action = action;
		params.insert_intermediate(INTERMEDIATE_KEY, verdict);
		let reason = match self.block_import.import_block(params).await {
			Ok(result @ ImportResult::Imported(_)) => {
				let number = *block.header().number();
				result.handle_justification(&hash, number, &*self.justification_sync_link);
				return true;
			}
			Ok(ImportResult::AlreadyInChain) => return true,
			Ok(ImportResult::KnownBad) => String::from("import refused it"),
			Ok(ImportResult::UnknownParent) => String::from("its parent is not in the database"),
			Ok(ImportResult::MissingState) => String::from("its parent's state is not in the database"),
			Err(error) => error.to_string(),
		};
		debug_assert_eq!(height, height_of(block.header()));
		warn!(target: LOG, "own #{height} ({hash:?}) was not imported: {reason}");
		telemetry!(self.telemetry; CONSENSUS_WARN; "poet.own_block_not_imported"; "height" => height, "hash" => ?hash);
		self.import_not_before = Some(Instant::now() + LONG_RETRY);
		self.status.set(State::ImportFailed { height, hash, reason });
		false
	}
}
