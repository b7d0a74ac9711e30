//! `trust_*` over JSON-RPC: rounds, applications, members, their scores, and what they were admitted on.
//!
//! | method | gives |
//! |---|---|
//! | `trust_rounds` | the rounds that live |
//! | `trust_application` | where an account's or a round's application stands, what is awaited from whom, until when |
//! | `trust_evidence` | what a member was admitted on: the raw bytes, so that anybody verifies them again |
//! | `trust_node` | a member: weight, score, duties done and missed, what it owes |
//! | `trust_nodes` | members in the order of the register, 64 at a time |
//! | `trust_score` | a member's score, and what bounds it |
//!
//! Bytes are hexadecimal, deadlines heights.

#[cfg(test)]
mod tests;

use std::{marker::PhantomData, str::FromStr, sync::Arc};

use codec::Codec;
use ep_poet::{AuthorityId, Hash};
use ep_trust::{
	api::{AttestationApi, NodeInfo, RoundInfo, TrustApi, NODES_PAGE},
	Application, Dossier, Quote, Round,
};
use jsonrpsee::{
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use serde::{Deserialize, Serialize};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::Bytes;
use sp_runtime::traits::{Block as BlockT, UniqueSaturatedInto};

/// Why a request is not answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
	/// It names nothing.
	#[error("'{0}' is neither the number of a round nor an account's address")]
	NeitherRoundNorAccount(String),
	/// There is no such round now.
	#[error(
		"{0} is in no round: it has not applied, or its round is over. The event `admission.Closed` says how it ended"
	)]
	NoRound(String),
	/// It was not admitted by a committee.
	#[error("{0} was not admitted by a committee: it is no member, or one of genesis")]
	NoEvidence(String),
	/// There is no such member.
	#[error("{0} is not a member's key for lottery and seals: `trust_nodes` lists them")]
	NotAMember(String),
	/// The runtime does not answer.
	#[error("the runtime does not answer: {0}")]
	Runtime(String),
}

impl Error {
	/// The JSON-RPC error code.
	pub fn code(&self) -> i32 {
		match self {
			Self::NeitherRoundNorAccount(_) => 34_001,
			Self::NoRound(_) => 34_002,
			Self::NoEvidence(_) => 34_003,
			Self::NotAMember(_) => 34_004,
			Self::Runtime(_) => 34_005,
		}
	}
}

impl From<Error> for ErrorObjectOwned {
	fn from(error: Error) -> Self {
		ErrorObject::owned(error.code(), error.to_string(), None::<()>)
	}
}

/// Where an application stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationView {
	/// The round.
	pub round: Round,
	/// The applicant's account.
	pub account: String,
	/// Its key for lottery and seals.
	pub author: String,
	/// The phase: `seed`, `sit`, `answer`, `reveal`, `judge` or `failed`.
	pub phase: String,
	/// What is awaited, from whom, as a sentence.
	pub awaited: String,
	/// The last block of the phase.
	pub until: u32,
	/// Votes that there should be; more than two thirds decide.
	pub expected: u64,
	/// Votes of those whose question was answered, as far as they have shown it.
	pub opened: u64,
	/// Who sits.
	pub committee: Vec<SeatView>,
}

/// A member in a committee.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeatView {
	/// The member.
	pub author: String,
	/// Its votes.
	pub votes: u64,
	/// Whether it has shown what it asked.
	pub revealed: bool,
}

/// What a member was admitted on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceView {
	/// The EK certificate, DER: `elapse tpm verify-ek`.
	pub ek_certificate: Bytes,
	/// Certificates above it.
	pub intermediates: Vec<Bytes>,
	/// The EK's `TPMT_PUBLIC`; of a TPM 1.2 its `TPM_PUBKEY`.
	pub ek_public: Bytes,
	/// The AK's, in the same form.
	pub ak_public: Bytes,
	/// The quote that it applied with.
	pub application: QuoteView,
	/// The quote that came with its answers to the committee's questions.
	pub answer: QuoteView,
	/// SHA-256 of the boot event log; zeros if there is none.
	pub event_log: Bytes,
	/// The policy it was judged by.
	pub policy: u32,
	/// Its address on the Elastos Smart Chain.
	pub anchor: String,
}

/// A quote, with all that `elapse tpm verify-quote` asks for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuoteView {
	/// `TPMS_ATTEST`; of a TPM 1.2 `TPM_QUOTE_INFO`.
	pub attest: Bytes,
	/// `TPMT_SIGNATURE`; of a TPM 1.2 the signature alone.
	pub signature: Bytes,
	/// What the PCRs held.
	pub pcr_values: Vec<Bytes>,
	/// What it was asked under (`extraData`).
	pub nonce: Bytes,
}

/// A member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
	/// Its key for lottery and seals.
	pub author: String,
	/// The account that answers for it.
	pub account: String,
	/// Its weight in this epoch.
	pub weight: u64,
	/// Its score, from 0 to 1,000,000: its weight two epochs on, if it is above the threshold.
	pub score: u64,
	/// The highest that its score can rise to.
	pub cap: u64,
	/// Duties done, in time or late.
	pub done: u32,
	/// Duties missed since the last one done.
	pub missed: u32,
	/// Whether it is proven to have cheated.
	pub suspended: bool,
	/// The first epoch without it, if it is leaving.
	pub leaves: Option<u64>,
	/// The last block in which it may stay, if its evidence is not good any more.
	pub stays: Option<u32>,
	/// What it owes.
	pub duty: Option<DutyView>,
}

/// What a member owes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DutyView {
	/// The block in which it was drawn.
	pub block: u32,
	/// The last block in which it is in time.
	pub until: u32,
	/// The last block in which it is taken at all.
	pub lapses: u32,
	/// Testimonies refused so far.
	pub refused: u8,
	/// The policy that a quote has to meet, if one is owed.
	pub policy: Option<u32>,
}

/// Some members.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodesView {
	/// The members.
	pub nodes: Vec<NodeView>,
	/// Where to go on; nothing if there are no more.
	pub next: Option<u32>,
}

/// A member's score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoreView {
	/// From 0 to 1,000,000.
	pub score: u64,
	/// The highest that it can rise to.
	pub cap: u64,
	/// Its weight in this epoch.
	pub weight: u64,
}

/// Admission, asked.
#[rpc(server, client)]
pub trait Trust {
	/// The rounds that live.
	#[method(name = "trust_rounds")]
	fn rounds(&self) -> Result<Vec<Round>, Error>;

	/// Where an application stands, by round or by account.
	#[method(name = "trust_application")]
	fn application(&self, round_or_account: String) -> Result<ApplicationView, Error>;

	/// What a member was admitted on, by its key for lottery and seals.
	#[method(name = "trust_evidence")]
	fn evidence(&self, author: String) -> Result<EvidenceView, Error>;

	/// A member, by its key for lottery and seals.
	#[method(name = "trust_node")]
	fn node(&self, author: String) -> Result<NodeView, Error>;

	/// Members from an index in the register on (default 0), 64 at most.
	#[method(name = "trust_nodes")]
	fn nodes(&self, from: Option<u32>) -> Result<NodesView, Error>;

	/// A member's score, by its key for lottery and seals.
	#[method(name = "trust_score")]
	fn score(&self, author: String) -> Result<ScoreView, Error>;
}

/// Answers them.
pub struct TrustRpc<B, C, AccountId> {
	client: Arc<C>,
	marker: PhantomData<fn() -> (B, AccountId)>,
}

impl<B, C, AccountId> TrustRpc<B, C, AccountId> {
	/// From what `client` knows.
	pub fn new(client: Arc<C>) -> Self {
		Self { client, marker: PhantomData }
	}
}

impl<B, C, AccountId> TrustServer for TrustRpc<B, C, AccountId>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: TrustApi<B, AccountId> + AttestationApi<B, AccountId>,
	AccountId: Codec + FromStr + std::fmt::Display + Send + Sync + 'static,
{
	fn rounds(&self) -> Result<Vec<Round>, Error> {
		let rounds = self.client.runtime_api().rounds(self.client.info().best_hash);
		rounds.map_err(|error| Error::Runtime(error.to_string()))
	}

	fn application(&self, what: String) -> Result<ApplicationView, Error> {
		let failed = |error: sp_api::ApiError| Error::Runtime(error.to_string());
		let (at, api) = (self.client.info().best_hash, self.client.runtime_api());
		let round = match (what.parse::<Round>(), what.parse::<AccountId>()) {
			(Ok(round), _) => Some(round),
			(_, Ok(account)) => api.round_of(at, account).map_err(failed)?,
			_ => return Err(Error::NeitherRoundNorAccount(what)),
		};
		let round = round.ok_or_else(|| Error::NoRound(what.clone()))?;
		let info = api.round(at, round).map_err(failed)?.ok_or(Error::NoRound(what))?;
		Ok(view(round, &info, self.client.info().best_number.unique_saturated_into()))
	}

	fn evidence(&self, author: String) -> Result<EvidenceView, Error> {
		use sp_core::crypto::Ss58Codec;
		let at = self.client.info().best_hash;
		let key = AuthorityId::from_ss58check(&author).map_err(|_| Error::NoEvidence(author.clone()))?;
		let dossier = self.client.runtime_api().dossier(at, key);
		let dossier = dossier.map_err(|error| Error::Runtime(error.to_string()))?.ok_or(Error::NoEvidence(author))?;
		Ok(evidence(dossier))
	}

	fn node(&self, author: String) -> Result<NodeView, Error> {
		use sp_core::crypto::Ss58Codec;
		let at = self.client.info().best_hash;
		let key = AuthorityId::from_ss58check(&author).map_err(|_| Error::NotAMember(author.clone()))?;
		let node = self.client.runtime_api().node(at, key).map_err(|error| Error::Runtime(error.to_string()))?;
		node.map(node_view).ok_or(Error::NotAMember(author))
	}

	fn nodes(&self, from: Option<u32>) -> Result<NodesView, Error> {
		let (at, from) = (self.client.info().best_hash, from.unwrap_or_default());
		let page = |from| self.client.runtime_api().nodes(at, from).map_err(|error| Error::Runtime(error.to_string()));
		let (nodes, after) = (page(from)?, from.saturating_add(NODES_PAGE));
		let is_full = nodes.len() as u64 >= u64::from(NODES_PAGE);
		let next = (is_full && !page(after)?.is_empty()).then_some(after);
		Ok(NodesView { nodes: nodes.into_iter().map(node_view).collect(), next })
	}

	fn score(&self, author: String) -> Result<ScoreView, Error> {
		self.node(author).map(|NodeView { score, cap, weight, .. }| ScoreView { score, cap, weight })
	}
}

fn node_view<AccountId: std::fmt::Display>(node: NodeInfo<AccountId>) -> NodeView {
	let duty = node.duty.map(|duty| DutyView {
		block: duty.block,
		until: duty.until,
		lapses: duty.lapses,
		refused: duty.attempt,
		policy: duty.policy,
	});
	NodeView {
		author: node.author.to_string(),
		account: node.account.to_string(),
		weight: node.weight,
		score: node.score,
		cap: node.cap,
		done: node.done,
		missed: node.missed,
		suspended: node.suspended,
		leaves: node.leaves,
		stays: node.stays,
		duty,
	}
}

fn view<AccountId: std::fmt::Display>(round: Round, info: &RoundInfo<AccountId>, now: u32) -> ApplicationView {
	let until = info.until;
	let (seated, revealed) = (info.seats.len(), info.seats.iter().filter(|seat| seat.revealed).count());
	let (phase, awaited, until) = if info.expired {
		(
			"failed",
			"anybody may end the round; the deposit comes back, if need be after the cool-down".into(),
			until.judge,
		)
	} else if info.seed.is_none() {
		("seed", "the blocks that draw the committee".into(), until.sit)
	} else if now <= until.sit {
		("sit", format!("members may still sit down; {seated} have"), until.sit)
	} else if info.answer.is_none() {
		("answer", format!("the applicant's answers to {seated} questions"), until.answer)
	} else if !info.judging {
		("reveal", format!("{} of {seated} members have yet to show what they asked", seated - revealed), until.reveal)
	} else {
		("judge", "the committee's verdict".into(), until.judge)
	};
	ApplicationView {
		round,
		account: info.account.to_string(),
		author: info.application.author.to_string(),
		phase: phase.into(),
		awaited,
		until,
		expected: info.expected,
		opened: info.opened,
		committee: info
			.seats
			.iter()
			.map(|seat| SeatView { author: seat.author.to_string(), votes: seat.votes, revealed: seat.revealed })
			.collect(),
	}
}

fn quote(quote: Quote, nonce: [u8; 32]) -> QuoteView {
	QuoteView {
		attest: quote.attest.into_inner().into(),
		signature: quote.signature.into_inner().into(),
		pcr_values: quote.pcr_values.into_iter().map(|value| value.into_inner().into()).collect(),
		nonce: nonce.to_vec().into(),
	}
}

fn evidence(dossier: Dossier) -> EvidenceView {
	let Dossier { application, nonce, answer, answer_nonce } = dossier;
	let Application { evidence, anchor, policy, .. } = application;
	EvidenceView {
		ek_certificate: evidence.ek_certificate.into_inner().into(),
		intermediates: evidence.intermediates.into_iter().map(|bytes| bytes.into_inner().into()).collect(),
		ek_public: evidence.ek_public.into_inner().into(),
		ak_public: evidence.ak_public.into_inner().into(),
		application: quote(evidence.quote, nonce),
		answer: quote(answer, answer_nonce),
		event_log: evidence.event_log.to_vec().into(),
		policy,
		anchor: format!("{anchor:?}"),
	}
}
