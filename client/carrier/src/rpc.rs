//! `trust_*` over JSON-RPC: rounds, applications, and what members were admitted on.
//!
//! | method | gives |
//! |---|---|
//! | `trust_rounds` | the rounds that live |
//! | `trust_application` | where an account's or a round's application stands, what is awaited from whom, until when |
//! | `trust_evidence` | what a member was admitted on: the raw bytes, so that anybody verifies them again |
//!
//! Bytes are hexadecimal, deadlines heights.

use std::{marker::PhantomData, str::FromStr, sync::Arc};

use codec::Codec;
use ep_poet::{AuthorityId, Hash};
use ep_trust::{
	api::{RoundInfo, TrustApi},
	Application, Round,
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
	/// The runtime does not answer.
	#[error("the runtime does not answer: {0}")]
	Runtime(String),
}

impl From<Error> for ErrorObjectOwned {
	fn from(error: Error) -> Self {
		// As the SDK numbers its own: a base for each namespace.
		ErrorObject::owned(9_200, error.to_string(), None::<()>)
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
	/// The EK's `TPMT_PUBLIC`.
	pub ek_public: Bytes,
	/// The AK's `TPMT_PUBLIC`.
	pub ak_public: Bytes,
	/// The quote that it applied with (`TPMS_ATTEST`): `elapse tpm verify-quote`.
	pub quote: Bytes,
	/// Its signature (`TPMT_SIGNATURE`).
	pub signature: Bytes,
	/// What the PCRs held.
	pub pcr_values: Vec<Bytes>,
	/// SHA-256 of the boot event log; zeros if there is none.
	pub event_log: Bytes,
	/// The policy it was judged by.
	pub policy: u32,
	/// Its address on the Elastos Smart Chain.
	pub anchor: String,
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
	C::Api: TrustApi<B, AccountId>,
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
}

fn view<AccountId: std::fmt::Display>(round: Round, info: &RoundInfo<AccountId>, now: u32) -> ApplicationView {
	let until = info.until;
	let (seated, revealed) = (info.seats.len(), info.seats.iter().filter(|seat| seat.revealed).count());
	let (phase, awaited, until) = if info.expired {
		("failed", "anybody may end the round; the deposit comes back".into(), until.judge)
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

fn evidence(application: Application) -> EvidenceView {
	let Application { evidence, anchor, policy, .. } = application;
	EvidenceView {
		ek_certificate: evidence.ek_certificate.into_inner().into(),
		intermediates: evidence.intermediates.into_iter().map(|bytes| bytes.into_inner().into()).collect(),
		ek_public: evidence.ek_public.into_inner().into(),
		ak_public: evidence.ak_public.into_inner().into(),
		quote: evidence.quote.attest.into_inner().into(),
		signature: evidence.quote.signature.into_inner().into(),
		pcr_values: evidence.quote.pcr_values.into_iter().map(|value| value.into_inner().into()).collect(),
		event_log: evidence.event_log.to_vec().into(),
		policy,
		anchor: format!("{anchor:?}"),
	}
}
