//! Blocks whose parent's state is here, and children of blocks that wait.

use super::{Candidate, PoetBlockImport, SIBLINGS};
use ep_poet::{rules, Contestant, Hash, Lottery, Millis, PoetApi, Refusal, Verdict};
use sc_client_api::{backend::AuxStore, Backend, BlockBackend};
use sc_consensus::{BlockImport, ForkChoiceStrategy, ImportResult};
use sp_api::ProvideRuntimeApi;
use sp_block_builder::{BlockBuilder as BlockBuilderApi, CheckInherentsError};
use sp_blockchain::HeaderBackend;
use sp_consensus::{BlockOrigin, BlockStatus, Error as ConsensusError};
use sp_inherents::CreateInherentDataProviders;
use sp_runtime::traits::{Block as BlockT, Header as HeaderT, Zero};

use crate::{
	aux_schema::{self, BlockRecord},
	error::ImportError,
	held::{early, plausible},
	LOG_TARGET,
};

/// Whether blocks of this origin are news, so that when they come means something.
fn is_news(origin: BlockOrigin) -> bool {
	matches!(origin, BlockOrigin::NetworkBroadcast | BlockOrigin::ConsensusBroadcast | BlockOrigin::Own)
}

/// Rules *one-timer* and *counters-forward* where the parent is by the same author.
fn consecutive<H: HeaderT<Hash = Hash>>(verdict: &Verdict<H>, parent: H) -> Result<Result<(), Refusal>, Refusal> {
	let parent = rules::digests(parent)?;
	if parent.pre_digest.author != verdict.unsealed.pre_digest.author {
		return Ok(Ok(()));
	}
	let (start, end) = rules::attestations(&parent)?;
	let last = rules::one_power_cycle(&start, &end)?;
	Ok(rules::one_timer(&verdict.interval, Some(&last)))
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
	/// Imports a block whose parent's state is here. `surplus_too` lets a surplus sibling in.
	pub(super) async fn import_executed(
		&self,
		mut candidate: Candidate<B>,
		surplus_too: bool,
	) -> Result<ImportResult, ImportError> {
		let Candidate { hash, parent, number, .. } = candidate;
		let (lottery, contestant) = self.lottery(&candidate, parent)?;
		if let Err(refusal) = self.check(&candidate, &lottery, contestant.as_ref())? {
			self.link.refused(hash, number, &refusal);
			return Ok(ImportResult::KnownBad);
		}
		if is_news(candidate.block.origin) {
			self.watch(&candidate);
		}
		let early = early(lottery.parameters.target);
		if self.is_early(&candidate, early) {
			self.link.hold(candidate.block, candidate.verdict, early);
			return Ok(ImportResult::AlreadyInChain);
		}
		let (siblings, by_author) =
			self.select_chain.siblings_of(hash, parent, candidate.author()).map_err(|e| candidate.database(e))?;
		let is_final = candidate.block.finalized;
		if by_author >= SIBLINGS && !surplus_too && !is_final && candidate.block.origin != BlockOrigin::Own {
			self.link.park(candidate.block, candidate.verdict);
			return Ok(ImportResult::AlreadyInChain);
		}
		if let Some(reason) = self.check_inherents(&mut candidate).await? {
			log::warn!(target: LOG_TARGET, "refused #{number} {hash:?}: inherents: {reason}");
			if let Some(metrics) = self.link.metrics() {
				metrics.refused_by("inherents");
			}
			return Ok(ImportResult::KnownBad);
		}

		let claim = candidate.verdict.unsealed.pre_digest.claim.clone();
		let parent_weight = self.weight_of(parent).map_err(|e| candidate.database(e))?;
		let record = BlockRecord {
			weight: parent_weight.saturating_add(claim.mean.into()),
			wait: claim.wait,
			lateness: self.lateness(&hash, &lottery, claim.wait),
			executed: true,
		};
		let best = is_final || self.is_best(&candidate, &record, lottery.parameters.target)?;
		candidate.block.auxiliary.extend(aux_schema::writes(&hash, &record, best));
		candidate.block.fork_choice = Some(ForkChoiceStrategy::Custom(best));
		let result = self.pass_on(candidate.block).await?;
		if matches!(result, ImportResult::Imported(_)) {
			if let Some(metrics) = self.link.metrics() {
				metrics.imported(&lottery, claim.wait, record.lateness, siblings > 0);
			}
			log::debug!(
				target: LOG_TARGET,
				"imported #{number} {hash:?}: waited {} ms under mean {}, {}, chain weight {}, late by {:?} ms",
				claim.wait,
				claim.mean,
				if best { "best" } else { "not best" },
				record.weight,
				record.lateness,
			);
		}
		Ok(result)
	}

	/// A block whose parent is held or parked, or unknown altogether.
	pub(super) async fn import_child_of_waiting(&self, candidate: Candidate<B>) -> Result<ImportResult, ImportError> {
		let path = self.link.0.room.lock().ancestry(candidate.parent);
		let (Some(first), Some(last)) = (path.first(), path.last()) else { return Ok(ImportResult::UnknownParent) };
		let anchor = first.parent;
		if self.client.block_status(anchor).map_err(|e| candidate.database(e))? != BlockStatus::InChainWithState {
			return Ok(ImportResult::UnknownParent);
		}
		let (lottery, contestant) = self.lottery(&candidate, anchor)?;
		let height = candidate.number;
		if let Err(refusal) = plausible(&candidate.verdict, last.timestamp, height, &lottery, contestant.as_ref()) {
			self.link.refused(candidate.hash, height, &refusal);
			return Ok(ImportResult::KnownBad);
		}
		let early = early(lottery.parameters.target);
		if path.iter().any(|ancestor| ancestor.held) || self.is_early(&candidate, early) {
			self.link.hold(candidate.block, candidate.verdict, early);
			return Ok(ImportResult::AlreadyInChain);
		}

		let added: u128 = path.iter().map(|ancestor| u128::from(ancestor.mean)).sum();
		let own = u128::from(candidate.verdict.unsealed.pre_digest.claim.mean);
		let weight = self.weight_of(anchor).map_err(|e| candidate.database(e))?.saturating_add(added + own);
		let (_, best) = self.select_chain.best().map_err(|e| candidate.database(e))?;
		if weight <= best.map_or(0, |best| best.weight) {
			self.link.park(candidate.block, candidate.verdict);
			return Ok(ImportResult::AlreadyInChain);
		}
		log::info!(
			target: LOG_TARGET,
			"importing {} parked ancestors of #{height} {:?}, whose chain is heavier than ours",
			path.len(),
			candidate.hash,
		);
		for ancestor in path {
			let parked = self.link.unpark(&ancestor.hash).and_then(|block| Candidate::new(block, &self.link));
			let Some(parked) = parked else { return Ok(ImportResult::UnknownParent) };
			match self.import_executed(parked, true).await? {
				ImportResult::Imported(_) | ImportResult::AlreadyInChain => {}
				other => return Ok(other),
			}
		}
		self.import_executed(candidate, false).await
	}

	/// The lottery of the child of `at`, and the block's author in it.
	fn lottery(&self, candidate: &Candidate<B>, at: Hash) -> Result<(Lottery, Option<Contestant>), ImportError> {
		let runtime = |source| ImportError::Runtime { hash: candidate.hash, source };
		let api = self.client.runtime_api();
		let lottery = api.lottery(at).map_err(runtime)?;
		let contestant = api.contestant(at, candidate.author().clone()).map_err(runtime)?;
		Ok((lottery, contestant))
	}

	/// Rules 9 to 21 and *consecutive*.
	fn check(
		&self,
		candidate: &Candidate<B>,
		lottery: &Lottery,
		contestant: Option<&Contestant>,
	) -> Result<Result<(), Refusal>, ImportError> {
		let Candidate { verdict, hash, parent, .. } = candidate;
		let header = self.client.expect_header(*parent).map_err(|e| candidate.database(e))?;
		// The parent first: it costs a parse, the rest two signatures.
		if !header.number().is_zero() {
			let unreadable = |refusal| ImportError::Parent { hash: *hash, parent: *parent, refusal };
			if let Err(refusal) = consecutive(verdict, header).map_err(unreadable)? {
				return Ok(Err(refusal));
			}
		}
		Ok(ep_poet::verify_with_state(verdict, lottery, contestant))
	}

	/// Catches equivocations. Failing to report one does not fail the import.
	fn watch(&self, candidate: &Candidate<B>) {
		let caught = self.link.0.equivocations.lock().note(&candidate.verdict);
		let Some((offence, proof)) = caught else { return };
		let (author, first, second) = (proof.author.clone(), proof.first.hash(), proof.second.hash());
		if candidate.block.origin == BlockOrigin::Own {
			log::error!(target: LOG_TARGET, "this node itself equivocated, {offence:?}: {first:?} and {second:?}");
			return;
		}
		log::warn!(target: LOG_TARGET, "{author:?} equivocated, {offence:?}: {first:?} and {second:?}");
		let Some(report) = &self.reporter else { return };
		let reported = self
			.select_chain
			.best_hash()
			.map_err(|e| e.to_string())
			.and_then(|at| report(at, proof).map_err(|e| e.to_string()));
		match reported {
			Ok(true) => {
				self.link.reported(&author, candidate.verdict.unsealed.pre_digest.claim.epoch);
				log::info!(target: LOG_TARGET, "reported {author:?} for {offence:?}");
			}
			Ok(false) => log::debug!(target: LOG_TARGET, "the runtime takes no report of {author:?}"),
			Err(e) => log::warn!(target: LOG_TARGET, "could not report {author:?}: {e}"),
		}
	}

	/// Whether a block is to be held.
	fn is_early(&self, candidate: &Candidate<B>, allowed: Millis) -> bool {
		let block = &candidate.block;
		let held_at_all = is_news(block.origin) && block.origin != BlockOrigin::Own && !block.finalized;
		let early = candidate.verdict.unsealed.pre_digest.timestamp > self.link.now().saturating_add(allowed);
		let justified = || match (&self.justified, &block.justifications) {
			(Some(justified), Some(proofs)) => justified(candidate.hash, *block.header.number(), proofs),
			_ => false,
		};
		held_at_all && early && !justified()
	}

	/// Has the runtime check the inherents. Gives the reason where they are wrong for good.
	async fn check_inherents(&self, candidate: &mut Candidate<B>) -> Result<Option<String>, ImportError> {
		let hash = candidate.hash;
		let Some(body) = candidate.block.body.take() else { return Ok(None) };
		let no_data = |reason: String| ImportError::InherentData { hash, reason };
		let providers = self
			.create_inherent_data_providers
			.create_inherent_data_providers(candidate.parent, ())
			.await
			.map_err(|e| no_data(e.to_string()))?;
		let block = B::new(candidate.block.header.clone(), body.clone());
		candidate.block.body = Some(body);
		let checked = sp_block_builder::check_inherents(self.client.clone(), candidate.parent, block, &providers).await;
		let reason = match checked {
			Ok(()) => return Ok(None),
			Err(CheckInherentsError::CreateInherentData(e)) => return Err(no_data(e.to_string())),
			Err(CheckInherentsError::Client(source)) => return Err(ImportError::Runtime { hash, source }),
			Err(CheckInherentsError::CheckInherents(e)) => e.to_string(),
			Err(CheckInherentsError::CheckInherentsUnknownError(id)) => {
				format!("{} is wrong", String::from_utf8_lossy(&id))
			}
		};
		// What is too early now may be right later.
		if candidate.verdict.unsealed.pre_digest.timestamp > self.link.now() {
			return Err(ImportError::Early { hash, reason });
		}
		Ok(Some(reason))
	}

	/// Milliseconds from when the block was due to its arrival. After genesis, which has no time, nothing is ever due.
	fn lateness(&self, hash: &Hash, lottery: &Lottery, wait: u64) -> Option<i64> {
		let arrival = self.link.arrival(hash).filter(|_| lottery.parent_timestamp != 0)?;
		let late = i128::from(arrival) - i128::from(lottery.parent_timestamp) - i128::from(wait);
		i64::try_from(late).ok()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::{header, verdict};
	use ep_poet::Interval;

	fn interval(cycle: u32, start: u64, end: u64) -> Interval {
		Interval { reset_count: cycle, restart_count: 0, start, end }
	}

	#[test]
	fn a_parent_whose_seal_cannot_be_read_is_no_fault_of_the_block() {
		let child = verdict(1, Hash::zero(), 1, interval(1, 0, 10));
		assert!(consecutive(&child, header(1, Hash::zero(), 1)).is_err());
	}

	#[test]
	fn only_news_has_a_time_of_arrival() {
		use BlockOrigin::*;
		assert!([NetworkBroadcast, ConsensusBroadcast, Own].into_iter().all(is_news));
		assert!(![Genesis, NetworkInitialSync, File, WarpSync, GapSync].into_iter().any(is_news));
	}
}
