//! A member in the committee of one round. No I/O here: what it needs of the world it asks [`World`] for.

use std::collections::{BTreeMap, BTreeSet};

use codec::Encode;
use ec_pbft::{Committee, Output, Quorum, Round as Pbft, Timeout};
use ep_poet::{AuthorityId, Hash};
use ep_tpm::{
	chip::{Ak, Ek},
	policy::PlatformPolicy,
};
use ep_trust::{
	anchor,
	api::{Feeless, RoundInfo},
	committee::is_quorum,
	nonce, Challenge, Judgement, Round, SeatClaim, VerdictCertificate,
};
use sp_core::{sr25519, H160};

use crate::{
	gossip::{Gossip, Seal, Signed, Statement},
	judge,
	record::Record,
	visit::Reply,
	Seen, LOG_TARGET,
};

/// What a member does in the world.
pub(crate) trait World {
	/// Signs by the member's key for lottery and seals.
	fn seal(&self, author: &AuthorityId, payload: &[u8; 32]) -> Option<Seal>;
	/// Draws by the same key.
	fn draw(&self, author: &AuthorityId, seed: &[u8; 32]) -> Option<sr25519::vrf::VrfSignature>;
	/// Signs by the key for the Elastos Smart Chain that has this address.
	fn sign_for_anchor(&self, address: &H160, digest: &[u8; 32]) -> Option<[u8; 65]>;
	/// What members sign for a verdict, as the finalised chain has it.
	fn digest(&self, round: Round, judgement: Judgement) -> Option<[u8; 32]>;
	/// Has the chain take a call.
	fn submit(&self, call: Feeless) -> bool;
	/// Whether the chain would.
	fn would_take(&self, call: Feeless) -> bool;
	/// Puts a record on disk.
	fn write(&self, round: Round, record: &Record) -> Result<(), String>;
	/// Tells the others.
	fn tell(&mut self, message: Gossip);
	/// Calls [`Sitting::timeout`] after a while.
	fn start_timer(&mut self, round: Round, timeout: Timeout);
}

/// Messages that are kept for when we begin.
const MOST_EARLY: usize = 4_096;

/// A member in a round.
pub(crate) struct Sitting {
	genesis: Hash,
	round: Round,
	author: AuthorityId,
	record: Record,
	/// Whether the record is on disk.
	kept: bool,
	pbft: Option<Pbft<AuthorityId, Judgement, Seal>>,
	/// What others said before we began: the gossip engine delivers a message once.
	early: Vec<Gossip>,
	/// Who says that it reaches the applicant.
	reached: BTreeSet<AuthorityId>,
	/// Signed verdicts by what they say.
	verdicts: BTreeMap<Judgement, BTreeMap<AuthorityId, [u8; 65]>>,
	/// What was judged last, for the log.
	judged: Option<Judgement>,
	/// What was said, with its seal: said again it is the same bytes, which others know.
	said: BTreeMap<Vec<u8>, Seal>,
}

impl Sitting {
	/// Takes part in a round. `record` is what is remembered of it, or one with a new secret.
	pub(crate) fn new(genesis: Hash, round: Round, author: AuthorityId, record: Record, kept: bool) -> Self {
		Self {
			genesis,
			round,
			author,
			record,
			kept,
			pbft: None,
			early: Vec::new(),
			reached: BTreeSet::new(),
			verdicts: BTreeMap::new(),
			judged: None,
			said: BTreeMap::new(),
		}
	}

	/// The application that this is about.
	pub(crate) fn application(&self) -> &[u8; 32] {
		&self.record.application
	}

	/// Does what is due as the round stands: `info` at the best block, `settled` in the finalised chain. `reply` is what the
	/// applicant's node has said to this one, if it was reached.
	pub(crate) fn step<AccountId>(
		&mut self,
		info: &RoundInfo<AccountId>,
		settled: Option<&RoundInfo<AccountId>>,
		policy: Option<&PlatformPolicy>,
		reply: Option<&Reply>,
		now: u32,
		world: &mut impl World,
	) {
		let own = info.seats.iter().find(|seat| seat.author == self.author);
		log::debug!(
			target: LOG_TARGET,
			"round {} at #{now}: we sit: {}, we reach the applicant: {}, members who do: {}, final: {:?}",
			self.round,
			own.is_some(),
			reply.is_some(),
			self.reached.len(),
			settled.map(|settled| (settled.seats.len(), settled.answer.is_some(), settled.judging)),
		);
		match own {
			None if now <= info.until.sit => self.sit(info, world),
			None => {}
			Some(seat) => {
				// Rule *reveal-after-answer*. An answer that is not final could be taken back, and given again by somebody
				// who has seen the secrets.
				let answered = settled.is_some_and(|settled| settled.answer.is_some() && settled.answer == info.answer);
				if answered && !seat.revealed && now <= info.until.reveal {
					self.reveal(world);
				}
				if reply.is_some() && self.reached.insert(self.author.clone()) {
					self.say(Statement::Reached, world);
				}
				// Rule *what-is-final*: on another fork the committee could be another.
				if let Some(settled) = settled.filter(|settled| settled.judging) {
					self.begin(settled, world);
					let half = settled.until.judge.saturating_sub(settled.until.reveal) / 2;
					let early = now.saturating_add(half) < settled.until.judge;
					let log = reply.and_then(|reply| reply.log.as_deref());
					let seen = Seen { reached: self.reached.len(), log, early };
					if let Some(judgement) = judge(settled, policy, seen) {
						self.judge(judgement, world);
					}
				}
			}
		}
		if let Some(settled) = settled {
			self.conclude(settled, world);
		}
		if info.expired && world.would_take(Feeless::Expire { round: self.round }) {
			world.submit(Feeless::Expire { round: self.round });
		}
	}

	/// Puts the record on disk, if it is not.
	fn keep(&mut self, world: &impl World) -> bool {
		if !self.kept {
			match world.write(self.round, &self.record) {
				Ok(()) => self.kept = true,
				Err(error) => log::error!(target: LOG_TARGET, "round {}: {error}: we say nothing more", self.round),
			}
		}
		self.kept
	}

	fn sit<AccountId>(&mut self, info: &RoundInfo<AccountId>, world: &mut impl World) {
		let Some(seed) = info.seed else { return };
		let Some(vrf) = world.draw(&self.author, &seed) else { return };
		let evidence = &info.application.evidence;
		let (Ok(ek), Ok(ak)) = (Ek::parse(&evidence.ek_public), Ak::parse(&evidence.ak_public)) else { return };
		let Ok(question) = ek.challenge(&ak, &self.record.secret) else { return };
		// Rule *own-secret*.
		if !self.keep(world) {
			return;
		}
		let commitment = nonce::commitment(self.round, &self.author, &self.record.secret);
		let challenge = Challenge { commitment, credential: question.credential };
		let claim = SeatClaim { author: self.author.clone(), vrf: SeatClaim::encode_vrf(&vrf), challenge };
		let call = &(&claim.vrf, &claim.challenge);
		let statement = nonce::statement(&self.genesis, &self.author, "sit", self.round, call);
		let Some(seal) = world.seal(&self.author, &statement) else { return };
		let signature = sr25519::Signature::from_raw(seal);
		if world.submit(Feeless::Sit { round: self.round, claim, signature }) {
			log::info!(target: LOG_TARGET, "🪑 Sitting in the committee of round {}", self.round);
		}
	}

	fn reveal(&self, world: &impl World) {
		let secret = self.record.secret;
		let statement = nonce::statement(&self.genesis, &self.author, "reveal", self.round, &secret);
		let Some(seal) = world.seal(&self.author, &statement) else { return };
		let (round, author, signature) = (self.round, self.author.clone(), sr25519::Signature::from_raw(seal));
		world.submit(Feeless::Reveal { round, author, secret, signature });
	}

	/// Seals a statement, once.
	fn seal(&mut self, statement: &Statement, world: &impl World) -> Option<Seal> {
		let key = statement.encode();
		if let Some(seal) = self.said.get(&key) {
			return Some(*seal);
		}
		let seal = world.seal(&self.author, &Signed::payload(&self.genesis, &self.author, self.round, statement))?;
		self.said.insert(key, seal);
		Some(seal)
	}

	fn say(&mut self, statement: Statement, world: &mut impl World) {
		if let Some(seal) = self.seal(&statement, world) {
			world.tell(Gossip::Signed(Signed { round: self.round, author: self.author.clone(), statement, seal }));
		}
	}

	/// Begins PBFT, or takes it up where it was before a restart.
	fn begin<AccountId>(&mut self, info: &RoundInfo<AccountId>, world: &mut impl World) {
		if self.pbft.is_some() {
			return;
		}
		let members = info.seats.iter().map(|seat| (seat.author.clone(), seat.votes)).collect();
		let mut order: Vec<_> = info.seats.iter().map(|seat| (seat.rank, seat.author.clone())).collect();
		order.sort();
		let order = order.into_iter().map(|(_, author)| author).collect();
		let committee = match Committee::new(members, order, info.expected) {
			Ok(committee) => committee,
			Err(error) => {
				log::error!(target: LOG_TARGET, "round {} has no committee: {error}", self.round);
				return;
			}
		};
		let me = Some(self.author.clone());
		let (pbft, outputs) = match self.record.memory.clone() {
			Some(memory) => Pbft::restore(committee, me, memory),
			None => Pbft::new(committee, me),
		};
		self.pbft = Some(pbft);
		self.put_out(outputs, world);
		for message in std::mem::take(&mut self.early) {
			self.hear(message, world);
		}
	}

	fn judge(&mut self, judgement: Judgement, world: &mut impl World) {
		if self.judged != Some(judgement) {
			self.judged = Some(judgement);
			log::info!(target: LOG_TARGET, "⚖️ Round {}: we judge {judgement:?}", self.round);
		}
		if let Some(pbft) = &mut self.pbft {
			let outputs = pbft.judged(judgement);
			self.put_out(outputs, world);
		}
	}

	/// Hears what the validator let through: its seals hold, its senders sit.
	pub(crate) fn hear(&mut self, message: Gossip, world: &mut impl World) {
		let is_pbft =
			matches!(message, Gossip::Relay(..) | Gossip::Signed(Signed { statement: Statement::Pbft(_), .. }));
		if is_pbft && self.pbft.is_none() {
			// The validator bounds what it lets through of each member; this bounds the sum.
			if self.early.len() < MOST_EARLY {
				self.early.push(message);
			}
			return;
		}
		match message {
			Gossip::Signed(Signed { author, statement, seal, .. }) => match statement {
				Statement::Reached => {
					self.reached.insert(author);
				}
				Statement::Verdict(judgement, signature) => {
					self.verdicts.entry(judgement).or_default().insert(author, signature);
				}
				Statement::Pbft(message) => {
					if let Some(pbft) = &mut self.pbft {
						let outputs = pbft.receive(author, message, seal);
						self.put_out(outputs, world);
					}
				}
			},
			Gossip::Relay(_, quorum) => {
				if let Some(pbft) = &mut self.pbft {
					let outputs = pbft.receive_quorum(quorum);
					self.put_out(outputs, world);
				}
			}
		}
	}

	/// A timer ran out.
	pub(crate) fn timeout(&mut self, timeout: Timeout, world: &mut impl World) {
		if let Some(pbft) = &mut self.pbft {
			let outputs = pbft.timeout(timeout);
			self.put_out(outputs, world);
		}
	}

	/// Says again what somebody may have missed.
	pub(crate) fn say_again(&mut self, world: &mut impl World) {
		if self.reached.contains(&self.author) {
			self.say(Statement::Reached, world);
		}
		if let Some(pbft) = &self.pbft {
			let outputs = pbft.retransmit();
			self.put_out(outputs, world);
		}
		if let Some(judgement) = self.record.signed {
			let own = self.verdicts.get(&judgement).and_then(|signed| signed.get(&self.author)).copied();
			if let Some(signature) = own {
				self.say(Statement::Verdict(judgement, signature), world);
			}
		}
	}

	fn put_out(&mut self, outputs: Vec<Output<AuthorityId, Judgement, Seal>>, world: &mut impl World) {
		let binds =
			|output: &Output<_, _, _>| matches!(output, Output::Send(_) | Output::Relay(_) | Output::Decided { .. });
		let mut may_speak = true;
		if outputs.iter().any(binds) {
			// Rule *one-word*. What is not said now is said again later, and time goes on all the same.
			let memory = self.pbft.as_ref().map(Pbft::memory);
			if self.record.memory != memory {
				self.record.memory = memory;
				self.kept = false;
			}
			may_speak = self.keep(world);
		}
		for output in outputs {
			match output {
				Output::Send(_) | Output::Relay(_) if !may_speak => {}
				Output::Send(message) => self.say(Statement::Pbft(message), world),
				Output::Relay(quorum) => self.relay(quorum, world),
				Output::StartTimer(timeout) => world.start_timer(self.round, timeout),
				Output::Decided { value, view } => {
					log::info!(
						target: LOG_TARGET,
						"🤝 Round {}: the committee decided {value:?} in view {view}",
						self.round
					);
				}
				Output::Equivocation { member, .. } => {
					log::warn!(target: LOG_TARGET, "round {}: {member} says two things", self.round);
				}
			}
		}
	}

	fn relay(&mut self, quorum: Quorum<AuthorityId, Judgement, Option<Seal>>, world: &mut impl World) {
		let Some(message) = quorum.message() else { return };
		let Some(own) = self.seal(&Statement::Pbft(message), world) else { return };
		world.tell(Gossip::Relay(self.round, quorum.sealed(|_| own)));
	}

	/// Signs the verdict once it is decided, and brings it to the chain once enough have signed.
	fn conclude<AccountId>(&mut self, info: &RoundInfo<AccountId>, world: &mut impl World) {
		// Rule *after-decision*.
		let decided = self.pbft.as_ref().and_then(|pbft| pbft.decision().copied());
		if let Some(judgement) = decided {
			let own = info.seats.iter().find(|seat| seat.author == self.author).map(|seat| seat.anchor);
			let is_signed = self.verdicts.get(&judgement).is_some_and(|signed| signed.contains_key(&self.author));
			if !is_signed && self.record.signed.is_none_or(|signed| signed == judgement) {
				if self.record.signed.is_none() {
					self.record.signed = Some(judgement);
					self.kept = false;
				}
				let signature = own
					.filter(|_| self.keep(world))
					.and_then(|anchor| world.sign_for_anchor(&anchor, &world.digest(self.round, judgement)?));
				if let Some(signature) = signature {
					self.verdicts.entry(judgement).or_default().insert(self.author.clone(), signature);
					self.say(Statement::Verdict(judgement, signature), world);
				}
			}
		}
		for (judgement, signed) in &self.verdicts {
			let Some(digest) = world.digest(self.round, *judgement) else { continue };
			let counts = |(author, signature): (&AuthorityId, &[u8; 65])| {
				let signer = anchor::recover(signature, &digest)?;
				let seat = info.seats.iter().find(|seat| seat.author == *author && seat.anchor == signer)?;
				Some((seat.votes, *signature))
			};
			let counted: Vec<_> = signed.iter().filter_map(counts).collect();
			let votes = counted.iter().fold(0u64, |sum, (votes, _)| sum.saturating_add(*votes));
			if is_quorum(votes, info.expected) {
				let certificate = VerdictCertificate::collect(&digest, counted.into_iter().map(|(_, signed)| signed));
				let call = Feeless::Conclude { round: self.round, judgement: *judgement, certificate };
				if world.submit(call) {
					log::info!(target: LOG_TARGET, "📜 Round {}: verdict {judgement:?} goes to the chain", self.round);
				}
			}
		}
	}
}

/// What a round is about, for records.
pub(crate) fn application_hash<AccountId: Encode>(info: &RoundInfo<AccountId>) -> [u8; 32] {
	sp_crypto_hashing::blake2_256(&(&info.account, &info.application, info.applied).encode())
}

#[cfg(test)]
pub(crate) mod tests;
