//! Figures by author.

use std::collections::HashMap;

use ep_poet::{digest::find_pre_digest, evidence::Claims, AuthorityId, Hash, MemberInfo, Millis, PoetApi, Weight};
use serde::{Deserialize, Serialize};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus::SelectChain;
use sp_runtime::traits::{Block as BlockT, Header as HeaderT, UniqueSaturatedInto};

use super::{database, no_state, Error, Poet};

/// Members that the runtime gives at once.
const PAGE: u32 = 256;
/// Pages that totals are summed over: more than there can be members.
const PAGES: u32 = 400;
/// Recent blocks looked at, by default and at most.
const RECENT: (u32, u32) = (256, 4_096);

/// Figures of the network and its authors.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatsView {
	/// The best block by fork choice.
	pub best: Hash,
	/// Its height.
	pub height: u64,
	/// Blocks that reached this node since its start.
	pub stale: StaleView,
	/// What the last blocks show.
	pub recent: RecentView,
	/// Sum of all members' weights.
	pub total_weight: Weight,
	/// Wins of all members since they were admitted.
	pub total_wins: u64,
	/// Members, from the index asked for on.
	pub authors: Vec<AuthorStats>,
	/// Index of the next page, if there is one.
	pub next: Option<u32>,
}

/// Stale blocks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaleView {
	/// Heights at which blocks reached this node.
	pub heights: u64,
	/// Blocks that did.
	pub blocks: u64,
	/// Those of them that are not, or will not be, in the chain.
	pub stale: u64,
	/// Their share.
	pub rate: Option<u64>,
}

/// The last blocks of the chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecentView {
	/// How many.
	pub blocks: u64,
	/// Their mean wait.
	pub mean_wait: Option<Millis>,
	/// The mean interval between their timestamps.
	pub mean_interval: Option<Millis>,
}

/// Figures of one author.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorStats {
	/// The author.
	pub author: AuthorityId,
	/// Its weight in the next height's epoch.
	pub weight: Weight,
	/// Its share in all weight.
	pub weight_share: Option<u64>,
	/// Its clock rate.
	pub rate: u32,
	/// Its wins since it was admitted.
	pub wins: u64,
	/// Its share in all wins.
	pub win_share: Option<u64>,
	/// Frequency evidence: the mean length of the waits it won with over the others', both normalised by the local mean.
	/// A chip that runs `k` times too fast tends to `k`.
	pub frequency_ratio: Option<u64>,
	/// Its wins among the recent blocks.
	pub recent_wins: u64,
	/// The mean wait of those.
	pub recent_mean_wait: Option<Millis>,
}

/// Sums over all members at one block.
#[derive(Clone, Copy)]
pub(super) struct Totals {
	at: Hash,
	weight: Weight,
	claims: Claims,
}

#[derive(Default)]
struct Recent {
	blocks: u64,
	waited: Millis,
	newest: Option<Millis>,
	oldest: Option<Millis>,
	by_author: HashMap<AuthorityId, (u64, Millis)>,
}

fn share(part: u64, whole: u64) -> Option<u64> {
	u64::try_from((u128::from(part) * 1_000_000).checked_div(u128::from(whole))?).ok()
}

impl<C, B, SC> Poet<C, B, SC>
where
	B: BlockT<Hash = Hash>,
	SC: SelectChain<B> + 'static,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: PoetApi<B>,
{
	pub(super) fn collect(&self, from: u32, recent: Option<u32>) -> Result<StatsView, Error> {
		let header = self.best()?;
		let best = header.hash();
		let members = self.page(best, from)?;
		let totals = self.totals(best)?;
		let recent = self.recent(best, recent.unwrap_or(RECENT.0).min(RECENT.1))?;
		let next = (members.len() as u64 >= u64::from(PAGE)).then(|| from.saturating_add(PAGE));
		let stale = self.stats.stale();
		let authors = members.into_iter().map(|member| author_stats(member, &totals, &recent)).collect();
		Ok(StatsView {
			best,
			height: (*header.number()).unique_saturated_into(),
			stale: StaleView { heights: stale.heights, blocks: stale.blocks, stale: stale.stale(), rate: stale.rate() },
			recent: RecentView {
				blocks: recent.blocks,
				mean_wait: recent.waited.checked_div(recent.blocks),
				mean_interval: recent
					.newest
					.zip(recent.oldest)
					.and_then(|(newest, oldest)| newest.saturating_sub(oldest).checked_div(recent.blocks - 1)),
			},
			total_weight: totals.weight,
			total_wins: totals.claims.wins,
			authors,
			next,
		})
	}

	fn page(&self, at: Hash, from: u32) -> Result<Vec<MemberInfo>, Error> {
		self.client.runtime_api().members(at, from).map_err(no_state(at))
	}

	/// Sums over all members, kept for the block: every page of an answer needs them.
	fn totals(&self, at: Hash) -> Result<Totals, Error> {
		let mut kept = self.totals.lock();
		if let Some(totals) = kept.as_ref().filter(|totals| totals.at == at) {
			return Ok(*totals);
		}
		let mut totals = Totals { at, weight: 0, claims: Claims::default() };
		for page in 0..PAGES {
			let members = self.page(at, page * PAGE)?;
			for member in &members {
				totals.weight = totals.weight.saturating_add(member.weight);
				totals.claims.wins = totals.claims.wins.saturating_add(member.claims.wins);
				totals.claims.sum = totals.claims.sum.saturating_add(member.claims.sum);
			}
			if members.len() < PAGE as usize {
				break;
			}
		}
		*kept = Some(totals);
		Ok(totals)
	}

	fn recent(&self, best: Hash, blocks: u32) -> Result<Recent, Error> {
		let mut recent = Recent::default();
		let mut hash = best;
		for _ in 0..blocks {
			let Some(header) = self.client.header(hash).map_err(database)? else { break };
			// Genesis has none.
			let Ok(pre) = find_pre_digest(header.digest()) else { break };
			recent.blocks += 1;
			recent.waited = recent.waited.saturating_add(pre.claim.wait);
			recent.newest.get_or_insert(pre.timestamp);
			recent.oldest = Some(pre.timestamp);
			let own = recent.by_author.entry(pre.author).or_default();
			*own = (own.0 + 1, own.1.saturating_add(pre.claim.wait));
			hash = *header.parent_hash();
		}
		Ok(recent)
	}
}

fn author_stats(member: MemberInfo, totals: &Totals, recent: &Recent) -> AuthorStats {
	let (recent_wins, waited) = recent.by_author.get(&member.author).copied().unwrap_or_default();
	AuthorStats {
		weight: member.weight,
		weight_share: share(member.weight, totals.weight),
		rate: member.rate,
		wins: member.claims.wins,
		win_share: share(member.claims.wins, totals.claims.wins),
		frequency_ratio: member.claims.ratio(&member.claims.others(&totals.claims)),
		recent_wins,
		recent_mean_wait: waited.checked_div(recent_wins),
		author: member.author,
	}
}
