//! A machine becomes a member: the applicant's side of a round.
//!
//! One [`step`](Joining::step) a block. It reads from the chain how far it is, and does what is due; a node that was
//! restarted goes on where it was.

use std::{fmt, sync::Arc};

use codec::{Codec, Encode};
use ec_tpm::TpmHandle;
use ep_poet::{AuthorityId, Hash};
use ep_tpm::{chip, policy::PlatformPolicy, ClockInfo, Error, QuoteAttestation};
use ep_trust::{
	api::{RoundInfo, TrustApi},
	application::{CertificateBytes, Quote},
	committee::is_quorum,
	nonce, Application, Evidence, Round,
};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::H160;
use sp_runtime::traits::{Block as BlockT, UniqueSaturatedInto};

use crate::{
	platform::{bounded, quote, QuoteError},
	visit::BootLog,
	LOG_TARGET,
};

/// How many blocks to wait for an application or an answer to be in a block before it is sent again.
const PATIENCE: u32 = 10;

/// Transactions of the applicant's account, made and submitted.
#[async_trait::async_trait]
pub trait Account<Keys>: Send {
	/// Applies.
	///
	/// # Errors
	/// Why the pool does not take it.
	async fn apply(&self, at: Hash, application: Application, keys: Keys, proof: Vec<u8>) -> Result<(), String>;
	/// Answers.
	///
	/// # Errors
	/// Why the pool does not take it.
	async fn answer(
		&self,
		at: Hash,
		round: Round,
		answers: Vec<(AuthorityId, [u8; 32])>,
		quote: Quote,
	) -> Result<(), String>;
}

/// Who applies.
pub struct Applicant<AccountId, Keys> {
	/// The account.
	pub account: AccountId,
	/// The key for lottery and seals.
	pub author: AuthorityId,
	/// The session keys, of which `author` is one.
	pub keys: Keys,
	/// The proof that the node holds them.
	pub proof: Vec<u8>,
	/// Address of the key for the Elastos Smart Chain.
	pub anchor: H160,
	/// That key's signature over [`nonce::anchor`].
	pub anchor_proof: [u8; 65],
	/// The EK certificate and those above it, DER, where the chip does not have them itself.
	pub certificates: Vec<Vec<u8>>,
	/// The policy to be judged by.
	pub policy: u32,
	/// The node's name on the network.
	pub peer: Vec<u8>,
}

/// Where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
	/// It is a member.
	Member,
	/// It has applied; or is about to.
	Applying,
	/// The round's seed is made.
	WaitingForSeed {
		/// The round.
		round: Round,
	},
	/// Members sit down.
	WaitingForCommittee {
		/// The round.
		round: Round,
		/// Those who have.
		seated: usize,
		/// Their votes.
		votes: u64,
		/// Votes that there should be.
		expected: u64,
		/// The last block in which they may.
		until: u32,
	},
	/// It answers.
	Answering {
		/// The round.
		round: Round,
		/// Questions.
		questions: usize,
		/// The last block in which it may.
		until: u32,
	},
	/// Challengers reveal.
	WaitingForReveals {
		/// The round.
		round: Round,
		/// Those who have.
		revealed: usize,
		/// All.
		seated: usize,
		/// The last block in which they may.
		until: u32,
	},
	/// The committee judges.
	WaitingForVerdict {
		/// The round.
		round: Round,
		/// The last block in which it may.
		until: u32,
	},
	/// The round cannot go on; somebody will end it, and the deposit comes back.
	Failed {
		/// The round.
		round: Round,
	},
	/// It was in a round, which is over, and is no member.
	NotAdmitted {
		/// The round.
		round: Round,
	},
}

impl fmt::Display for Progress {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Member => write!(f, "this node is a member"),
			Self::Applying => write!(f, "applying"),
			Self::WaitingForSeed { round } => {
				write!(f, "round {round}: waiting for the blocks that draw the committee")
			}
			Self::WaitingForCommittee { round, seated, votes, expected, until } => write!(
				f,
				"round {round}: {seated} members sit with {votes} of {expected} votes; they may until block {until}"
			),
			Self::Answering { round, questions, until } => {
				write!(f, "round {round}: answering {questions} questions, until block {until}")
			}
			Self::WaitingForReveals { round, revealed, seated, until } => write!(
				f,
				"round {round}: answered; {revealed} of {seated} members have shown what they asked, the others may until \
				 block {until}"
			),
			Self::WaitingForVerdict { round, until } => {
				write!(f, "round {round}: the committee judges, until block {until}")
			}
			Self::Failed { round } => write!(
				f,
				"round {round} cannot go on: too few members sat down, or something was late. The deposit comes back after the \
				 cool-down; then apply again"
			),
			Self::NotAdmitted { round } => write!(
				f,
				"round {round} is over, and this node was not let in. The event `admission.Closed` of the block in which \
				 it ended says why"
			),
		}
	}
}

/// Joins.
pub struct Joining<B, C, AccountId, Keys, A> {
	client: Arc<C>,
	genesis: Hash,
	tpm: TpmHandle,
	applicant: Applicant<AccountId, Keys>,
	transactions: A,
	boot_log: BootLog,
	/// The block in which something was last sent.
	sent: Option<u32>,
	/// The round it was last seen in.
	round: Option<Round>,
	/// The same, in the finalised chain.
	final_round: Option<Round>,
	marker: std::marker::PhantomData<fn() -> B>,
}

impl<B, C, AccountId, Keys, A> Joining<B, C, AccountId, Keys, A>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B>,
	C::Api: TrustApi<B, AccountId>,
	AccountId: Codec + Clone,
	Keys: Encode + Clone,
	A: Account<Keys>,
{
	/// Begins, or goes on.
	pub fn new(
		client: Arc<C>,
		genesis: Hash,
		tpm: TpmHandle,
		applicant: Applicant<AccountId, Keys>,
		transactions: A,
		boot_log: BootLog,
	) -> Self {
		Self {
			client,
			genesis,
			tpm,
			applicant,
			transactions,
			boot_log,
			sent: None,
			round: None,
			final_round: None,
			marker: std::marker::PhantomData,
		}
	}

	/// Does what is due at the best block.
	///
	/// # Errors
	/// What is in the way, and what to do about it. The next step may well succeed.
	pub async fn step(&mut self) -> Result<Progress, String> {
		let (at, now) = {
			let info = self.client.info();
			let now: u32 = info.best_number.unique_saturated_into();
			(info.best_hash, now)
		};
		let failed = |error: sp_api::ApiError| format!("the runtime does not answer: {error}");
		let api = self.client.runtime_api();
		if api.dossier(at, self.applicant.author.clone()).map_err(failed)?.is_some() {
			return Ok(Progress::Member);
		}
		let round = api.round_of(at, self.applicant.account.clone()).map_err(failed)?;
		let info = match round {
			Some(round) => api.round(at, round).map_err(failed)?.map(|info| (round, info)),
			None => None,
		};
		drop(api);
		let Some((round, info)) = info else {
			if let Some(round) = self.round {
				// In the best chain it may be gone for a moment only.
				let settled = self.client.info().finalized_hash;
				let is_over = self.final_round == Some(round)
					&& self
						.client
						.runtime_api()
						.round_of(settled, self.applicant.account.clone())
						.map_err(failed)?
						.is_none();
				return Ok(if is_over { Progress::NotAdmitted { round } } else { Progress::Applying });
			}
			if self.may_send(now) {
				self.apply(at, now).await?;
			}
			return Ok(Progress::Applying);
		};
		let settled =
			self.client.runtime_api().round_of(self.client.info().finalized_hash, self.applicant.account.clone());
		self.final_round = settled.map_err(failed)?.or(self.final_round);
		if self.round != Some(round) {
			(self.round, self.sent) = (Some(round), None);
		}
		self.go_on(at, now, round, &info).await
	}

	/// Whether nothing was sent, or it did not get into a block for long.
	fn may_send(&self, now: u32) -> bool {
		self.sent.is_none_or(|sent| now > sent.saturating_add(PATIENCE))
	}

	async fn go_on(
		&mut self,
		at: Hash,
		now: u32,
		round: Round,
		info: &RoundInfo<AccountId>,
	) -> Result<Progress, String> {
		let until = info.until;
		if info.expired {
			return Ok(Progress::Failed { round });
		}
		if info.seed.is_none() {
			return Ok(Progress::WaitingForSeed { round });
		}
		if now <= until.sit {
			let votes = info.seats.iter().fold(0u64, |sum, seat| sum.saturating_add(seat.votes));
			let (seated, expected) = (info.seats.len(), info.expected);
			return Ok(Progress::WaitingForCommittee { round, seated, votes, expected, until: until.sit });
		}
		if info.answer.is_none() {
			if self.may_send(now) {
				self.answer(at, now, round, info).await?;
			}
			return Ok(Progress::Answering { round, questions: info.seats.len(), until: until.answer });
		}
		if !info.judging {
			let revealed = info.seats.iter().filter(|seat| seat.revealed).count();
			return Ok(Progress::WaitingForReveals { round, revealed, seated: info.seats.len(), until: until.reveal });
		}
		Ok(Progress::WaitingForVerdict { round, until: until.judge })
	}

	async fn apply(&mut self, at: Hash, now: u32) -> Result<(), String> {
		let identity = self.tpm.identity();
		let (certificate, chain) = match &self.applicant.certificates[..] {
			[own, chain @ ..] => (own.clone(), chain.to_vec()),
			[] => (
				identity.ek_certificate.clone().ok_or(
					"this chip has no EK certificate in its memory. Without its manufacturer's word nobody knows that it is \
					 genuine: get the certificate from the manufacturer, and name its file by --ek-certificate",
				)?,
				identity.ek_chain.clone(),
			),
		};
		let policy = self.policy(at)?;
		// A block that most nodes have: the best one's parent.
		let recent = now.checked_sub(1).ok_or("the chain has no blocks yet")?;
		let hash = self.client.hash(recent.into()).ok().flatten().ok_or("the last block is not known")?;
		let keys = (&self.applicant.author, self.applicant.anchor, &self.applicant.keys);
		let under = nonce::application(&self.genesis, &self.applicant.account, &keys, &hash);
		let quote = self.quote(&policy, &under, None).await?;
		let event_log = (self.boot_log)()?;
		if event_log.is_none() && policy.leaves_open() {
			let number = self.applicant.policy;
			return Err(format!(
				"policy {number} judges by the boot event log, and this machine has none: choose another policy, or name the \
				 log's file by --event-log"
			));
		}
		let evidence = Evidence {
			ek_certificate: bounded(certificate, "the EK certificate")?,
			intermediates: bounded(
				chain
					.into_iter()
					.map(|bytes| bounded(bytes, "a certificate above the EK"))
					.collect::<Result<Vec<CertificateBytes>, String>>()?,
				"the list of certificates above the EK",
			)?,
			ek_public: bounded(identity.ek_public.clone(), "the EK's public area")?,
			ak_public: bounded(identity.ak_public.clone(), "the AK's public area")?,
			quote,
			event_log: event_log.map_or([0; 32], |log| sp_crypto_hashing::sha2_256(&log)),
		};
		let application = Application {
			evidence,
			author: self.applicant.author.clone(),
			anchor: self.applicant.anchor,
			anchor_proof: self.applicant.anchor_proof,
			policy: self.applicant.policy,
			recent,
			peer: bounded(self.applicant.peer.clone(), "the peer id")?,
		};
		let Applicant { keys, proof, .. } = &self.applicant;
		self.transactions.apply(at, application, keys.clone(), proof.clone()).await?;
		self.sent = Some(now);
		Ok(())
	}

	async fn answer(&mut self, at: Hash, now: u32, round: Round, info: &RoundInfo<AccountId>) -> Result<(), String> {
		let (mut answers, mut opened) = (Vec::new(), 0u64);
		for seat in &info.seats {
			let secret = self.tpm.activate(seat.credential.clone()).await.map_err(|error| error.to_string());
			let secret = secret.and_then(|secret| {
				<[u8; 32]>::try_from(secret).map_err(|_| "its answer has another length".to_string())
			});
			// What cannot be answered is answered all the same: then whoever asked it has to show what it asked.
			let answer = secret.unwrap_or_else(|error| {
				log::warn!(target: LOG_TARGET, "{}'s question cannot be answered: {error}", seat.author);
				[0; 32]
			});
			if answer != [0; 32] {
				opened = opened.saturating_add(seat.votes);
			}
			answers.push((seat.author.clone(), answer));
		}
		answers.sort();
		if !is_quorum(opened, info.expected) {
			log::warn!(
				target: LOG_TARGET,
				"only questions worth {opened} of {} votes can be answered, more than two thirds are needed to be let in",
				info.expected
			);
		}
		let seed = info.seed.ok_or("the seed is not known")?;
		let under = nonce::answer(&self.genesis, round, &seed, &answers);
		let evidence = &info.application.evidence;
		let first = match chip::is_legacy(&evidence.ak_public) {
			true => None,
			false => {
				let first = QuoteAttestation::parse(&evidence.quote.attest);
				Some(first.map_err(|error| format!("the first quote cannot be read: {error}"))?.clock_info)
			}
		};
		let quote = self.quote(&self.policy(at)?, &under, first.as_ref()).await?;
		self.transactions.answer(at, round, answers, quote).await?;
		self.sent = Some(now);
		Ok(())
	}

	fn policy(&self, at: Hash) -> Result<PlatformPolicy, String> {
		let number = self.applicant.policy;
		let policy = self.client.runtime_api().policy(at, number).map_err(|error| error.to_string())?;
		policy.ok_or(format!("the chain has no platform policy {number}: choose one that it has"))
	}

	/// A quote that the chain will take: one that it would refuse costs a fee, and says less about why.
	async fn quote(
		&self,
		policy: &PlatformPolicy,
		nonce: &[u8; 32],
		previous: Option<&ClockInfo>,
	) -> Result<Quote, String> {
		let number = self.applicant.policy;
		let quoted = quote(&self.tpm, policy, nonce, |key, ek_name, quote| {
			key.verify(policy, ek_name, quote, previous).map(|_| ())
		});
		quoted.await.map_err(|error| match error {
			QuoteError::Policy(Error::Reset | Error::Restarted) => format!(
				"the TPM was restarted since the application, which policy {number} does not allow: withdraw \
				 (`admission.withdraw`), and join again after the cool-down"
			),
			QuoteError::Policy(rule @ (Error::LegacyPolicy | Error::LegacyStaticPcrs)) => {
				format!("policy {number} is not one that a TPM 1.2 can meet: {rule}. Choose another with --policy")
			}
			QuoteError::Policy(rule) => format!("this machine is not as policy {number} wants it: {rule}"),
			other => other.to_string(),
		})
	}
}
