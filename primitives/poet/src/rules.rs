//! The rules of a wait certificate.
//!
//! A certificate is valid for a header if and only if all of these hold. Rules 1 to 8 need nothing but the header and
//! the genesis hash ([`verify_sealed`]); the others need the state of the parent ([`verify_with_state`]).
//!
//! 1. *digests*: one PoET pre-runtime digest, one seal, the seal last, each in its one encoding. Two encodings would be
//!    two hashes of one block.
//! 2. *author-signed*: the author's sr25519 signature covers the genesis, the pre-seal hash, and A2 with its TPM
//!    signature. Without it a stranger could put another TPM signature under an honest block.
//! 3. *attestations*: A1 and A2 are `TPMS_ATTEST` of type time, magic `0xff544347`, nothing trailing.
//! 4. *start-after-parent*: A1's extra data is the [start nonce](crate::digest::start_nonce). Without it a node could
//!    begin its next wait before its own block is out, or use one wait for many parents.
//! 5. *sealed-this-block*: A2's extra data is the [seal nonce](crate::digest::seal_nonce) of the pre-seal hash. Without
//!    it one wait would serve many blocks.
//! 6. *one-signer*: A1 and A2 name the same qualified signer.
//! 7. *one-power-cycle*: A1 and A2 carry the same inner reset and restart counts. `time` restarts at power-on: across a
//!    reset, a difference of two times means nothing.
//! 8. *waited*: the chip's `time` moved by at least `rho * d`. `clock` is not looked at: owners can set it.
//! 9. *claim-epoch*, 10. *claim-mean*, 11. *claim-weight*, 12. *claim-rate*: what the block says of the lottery is what
//!    the chain says.
//! 13. *rate-bound*: the author's clock rate is at most 1.18.
//! 14. *draw*: the VRF proof is the author's for (epoch randomness, epoch, height).
//! 15. *claim-wait*: `d` is what that draw gives.
//! 16. *fresh-start*: the chip's `time` moved by at most `rho * d + T_max`. Else a node could hoard starts.
//! 17. *chip*: both TPM signatures are by the member's attestation key, low-s, under its own scheme and hash.
//! 18. *chip-of-member*: the qualified signer is that of the attestation key as a child of the member's endorsement
//!     key. TPM2_Clear changes it.
//! 19. *one-timer*: the wait begins after the last one that this chip published on this chain, or in a later power
//!     cycle.
//! 20. *counters-forward*: the power cycle is not an earlier one than the last published.
//! 21. *clock*: the block's timestamp is at least the parent's plus `0.9 * d`. With the refusal to import blocks early,
//!     this ties waits to everybody's wall clock.
//!
//! That a non-member, a removed member or a key not yet active cannot author is *member*: the caller has no
//! [`Contestant`] then and refuses with [`Refusal::Member`].

use ep_tpm::{AttestationKey, TimeAttestation};
use sp_application_crypto::Wraps;
use sp_core::crypto::VrfPublic;
use sp_runtime::{
	traits::{Header as HeaderT, UniqueSaturatedInto},
	RuntimeAppPublic,
};

use crate::{
	api::{Contestant, Lottery},
	digest::{seal_message, seal_nonce, start_nonce, unseal, DigestError, Unsealed},
	interval::Order,
	lottery, rate, Hash, Interval, Millis,
};

/// Why a certificate is refused. One variant a rule, of the rule's name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
	/// Rule *digests*.
	#[error("digests: {0}")]
	Digests(DigestError),
	/// Rule *author-signed*.
	#[error("author-signed: the seal is not signed by the block's author")]
	AuthorSigned,
	/// Rule *attestations*, for A1.
	#[error("attestations: A1 is no time attestation: {0}")]
	StartAttestation(ep_tpm::Error),
	/// Rule *attestations*, for A2.
	#[error("attestations: A2 is no time attestation: {0}")]
	EndAttestation(ep_tpm::Error),
	/// Rule *start-after-parent*.
	#[error("start-after-parent: A1 was not made for this chain, parent, height, author, mean and draw")]
	StartAfterParent,
	/// Rule *sealed-this-block*.
	#[error("sealed-this-block: A2 was not made over this block")]
	SealedThisBlock,
	/// Rule *one-signer*.
	#[error("one-signer: A1 and A2 name different signers")]
	OneSigner,
	/// Rule *one-power-cycle*.
	#[error("one-power-cycle: the chip was reset or resumed during the wait")]
	OnePowerCycle,
	/// Rule *waited*.
	#[error("waited: the chip counted {counted} ms of a wait of {needed} ms")]
	Waited {
		/// Milliseconds between A1 and A2.
		counted: Millis,
		/// `rho * d`.
		needed: Millis,
	},
	/// Rule *member*.
	#[error("member: the author is not a member, or not in this epoch")]
	Member,
	/// Rule *claim-epoch*.
	#[error("claim-epoch: the block claims epoch {claimed}, the chain is in {actual}")]
	ClaimEpoch {
		/// What the block says.
		claimed: u64,
		/// What the chain says.
		actual: u64,
	},
	/// Rule *claim-mean*.
	#[error("claim-mean: the block claims mean {claimed}, the chain's is {actual}")]
	ClaimMean {
		/// What the block says.
		claimed: u64,
		/// What the chain says.
		actual: u64,
	},
	/// Rule *claim-weight*.
	#[error("claim-weight: the block claims weight {claimed}, the author's is {actual}")]
	ClaimWeight {
		/// What the block says.
		claimed: u64,
		/// What the chain says.
		actual: u64,
	},
	/// Rule *claim-rate*.
	#[error("claim-rate: the block claims rate {claimed} ppm, the author's is {actual}")]
	ClaimRate {
		/// What the block says.
		claimed: u32,
		/// What the chain says.
		actual: u32,
	},
	/// Rule *rate-bound*.
	#[error("rate-bound: the author's chip runs at {0} ppm of the chain's clock, above the bound")]
	RateBound(u32),
	/// Rule *draw*.
	#[error("draw: the VRF is not the author's for this epoch and height")]
	Draw,
	/// Rule *claim-wait*.
	#[error("claim-wait: the block claims a wait of {claimed} ms, the draw gives {actual}")]
	ClaimWait {
		/// What the block says.
		claimed: Millis,
		/// What the draw gives.
		actual: Millis,
	},
	/// Rule *fresh-start*.
	#[error("fresh-start: the chip counted {counted} ms, more than the {allowed} ms that a start is good for")]
	FreshStart {
		/// Milliseconds between A1 and A2.
		counted: Millis,
		/// `rho * d + T_max`.
		allowed: Millis,
	},
	/// The member's attestation key on chain cannot be used. The chain's fault, not the block's.
	#[error("the chain's own record of the author's attestation key is bad: {0}")]
	BadRecord(ep_tpm::Error),
	/// Rule *chip*, for A1.
	#[error("chip: A1 is not signed by the author's attestation key: {0}")]
	StartChip(ep_tpm::Error),
	/// Rule *chip*, for A2.
	#[error("chip: A2 is not signed by the author's attestation key: {0}")]
	EndChip(ep_tpm::Error),
	/// Rule *chip-of-member*.
	#[error("chip-of-member: the attestation key is not under the author's endorsement key")]
	ChipOfMember,
	/// Rule *one-timer*.
	#[error("one-timer: the wait begins before the chip's last published wait ended")]
	OneTimer,
	/// Rule *counters-forward*.
	#[error("counters-forward: the chip's reset or restart count went back; it has to apply again")]
	CountersForward,
	/// Rule *clock*.
	#[error("clock: the timestamp {timestamp} is before {earliest}, the parent's plus 0.9 of the wait")]
	Clock {
		/// The block's timestamp.
		timestamp: Millis,
		/// The earliest allowed.
		earliest: Millis,
	},
}

impl Refusal {
	/// The rule's name, as in the module's list, in RPC answers and in tests.
	pub fn rule(&self) -> &'static str {
		match self {
			Self::Digests(_) => "digests",
			Self::AuthorSigned => "author-signed",
			Self::StartAttestation(_) | Self::EndAttestation(_) => "attestations",
			Self::StartAfterParent => "start-after-parent",
			Self::SealedThisBlock => "sealed-this-block",
			Self::OneSigner => "one-signer",
			Self::OnePowerCycle => "one-power-cycle",
			Self::Waited { .. } => "waited",
			Self::Member => "member",
			Self::ClaimEpoch { .. } => "claim-epoch",
			Self::ClaimMean { .. } => "claim-mean",
			Self::ClaimWeight { .. } => "claim-weight",
			Self::ClaimRate { .. } => "claim-rate",
			Self::RateBound(_) => "rate-bound",
			Self::Draw => "draw",
			Self::ClaimWait { .. } => "claim-wait",
			Self::FreshStart { .. } => "fresh-start",
			Self::BadRecord(_) => "bad-record",
			Self::StartChip(_) | Self::EndChip(_) => "chip",
			Self::ChipOfMember => "chip-of-member",
			Self::OneTimer => "one-timer",
			Self::CountersForward => "counters-forward",
			Self::Clock { .. } => "clock",
		}
	}
}

/// A certificate that holds by itself: rules 1 to 8.
#[derive(Clone, Debug)]
pub struct Verdict<H> {
	/// The header taken apart.
	pub unsealed: Unsealed<H>,
	/// Hash of the sealed header.
	pub hash: Hash,
	/// A1, parsed. Its signature is not checked yet.
	pub start: TimeAttestation,
	/// A2, parsed. Its signature is not checked yet.
	pub end: TimeAttestation,
	/// The wait on the chip.
	pub interval: Interval,
}

/// Rule *digests*.
///
/// # Errors
/// [`Refusal::Digests`].
pub fn digests<H: HeaderT<Hash = Hash>>(header: H) -> Result<Unsealed<H>, Refusal> {
	unseal(header).map_err(Refusal::Digests)
}

/// Rule *author-signed*.
///
/// # Errors
/// [`Refusal::AuthorSigned`].
pub fn author_signed<H>(unsealed: &Unsealed<H>, genesis: Hash) -> Result<(), Refusal> {
	let message = seal_message(genesis, unsealed.pre_seal, &unsealed.seal.end);
	if unsealed.pre_digest.author.verify(&message, &unsealed.seal.signature) {
		Ok(())
	} else {
		Err(Refusal::AuthorSigned)
	}
}

/// Rule *attestations*.
///
/// # Errors
/// [`Refusal::StartAttestation`], [`Refusal::EndAttestation`].
pub fn attestations<H>(unsealed: &Unsealed<H>) -> Result<(TimeAttestation, TimeAttestation), Refusal> {
	let start = TimeAttestation::parse(&unsealed.pre_digest.start.attest).map_err(Refusal::StartAttestation)?;
	let end = TimeAttestation::parse(&unsealed.seal.end.attest).map_err(Refusal::EndAttestation)?;
	Ok((start, end))
}

/// Rule *start-after-parent*.
///
/// # Errors
/// [`Refusal::StartAfterParent`].
pub fn start_after_parent<H: HeaderT<Hash = Hash>>(
	unsealed: &Unsealed<H>,
	start: &TimeAttestation,
	genesis: Hash,
) -> Result<(), Refusal> {
	let pre = &unsealed.pre_digest;
	let height = (*unsealed.header.number()).unique_saturated_into();
	let parent = *unsealed.header.parent_hash();
	let nonce = start_nonce(genesis, parent, height, &pre.author, pre.claim.mean, &pre.vrf);
	if start.extra_data[..] == nonce[..] {
		Ok(())
	} else {
		Err(Refusal::StartAfterParent)
	}
}

/// Rule *sealed-this-block*.
///
/// # Errors
/// [`Refusal::SealedThisBlock`].
pub fn sealed_this_block<H>(unsealed: &Unsealed<H>, end: &TimeAttestation) -> Result<(), Refusal> {
	if end.extra_data[..] == seal_nonce(unsealed.pre_seal)[..] {
		Ok(())
	} else {
		Err(Refusal::SealedThisBlock)
	}
}

/// Rule *one-signer*.
///
/// # Errors
/// [`Refusal::OneSigner`].
pub fn one_signer(start: &TimeAttestation, end: &TimeAttestation) -> Result<(), Refusal> {
	if start.qualified_signer == end.qualified_signer {
		Ok(())
	} else {
		Err(Refusal::OneSigner)
	}
}

/// Rule *one-power-cycle*. Gives the interval.
///
/// # Errors
/// [`Refusal::OnePowerCycle`].
pub fn one_power_cycle(start: &TimeAttestation, end: &TimeAttestation) -> Result<Interval, Refusal> {
	let (a, b) = (&start.clock_info, &end.clock_info);
	if (a.reset_count, a.restart_count) != (b.reset_count, b.restart_count) {
		return Err(Refusal::OnePowerCycle);
	}
	Ok(Interval { reset_count: a.reset_count, restart_count: a.restart_count, start: start.time, end: end.time })
}

/// Rule *waited*. `start` after `end` counts as no time at all.
///
/// # Errors
/// [`Refusal::Waited`].
pub fn waited(interval: &Interval, wait: Millis, rate: u32) -> Result<(), Refusal> {
	let (counted, needed) = (interval.length(), rate::chip_wait(wait, rate));
	if counted >= needed && interval.end >= interval.start {
		Ok(())
	} else {
		Err(Refusal::Waited { counted, needed })
	}
}

/// Rules 1 to 8: all that can be said of `header` without state.
///
/// # Errors
/// The first rule that is broken.
pub fn verify_sealed<H: HeaderT<Hash = Hash>>(header: H, genesis: Hash) -> Result<Verdict<H>, Refusal> {
	let hash = header.hash();
	let unsealed = digests(header)?;
	let (start, end) = attestations(&unsealed)?;
	start_after_parent(&unsealed, &start, genesis)?;
	sealed_this_block(&unsealed, &end)?;
	one_signer(&start, &end)?;
	let interval = one_power_cycle(&start, &end)?;
	let claim = &unsealed.pre_digest.claim;
	waited(&interval, claim.wait, claim.rate)?;
	author_signed(&unsealed, genesis)?;
	Ok(Verdict { unsealed, hash, start, end, interval })
}

/// Rules *claim-epoch*, *claim-mean*, *claim-weight*, *claim-rate* and *rate-bound*.
///
/// # Errors
/// [`Refusal::ClaimEpoch`], [`Refusal::ClaimMean`], [`Refusal::ClaimWeight`], [`Refusal::ClaimRate`],
/// [`Refusal::RateBound`].
pub fn claims<H>(verdict: &Verdict<H>, lottery: &Lottery, contestant: &Contestant) -> Result<(), Refusal> {
	let claim = &verdict.unsealed.pre_digest.claim;
	if claim.epoch != lottery.epoch {
		return Err(Refusal::ClaimEpoch { claimed: claim.epoch, actual: lottery.epoch });
	}
	if claim.mean != lottery.mean {
		return Err(Refusal::ClaimMean { claimed: claim.mean, actual: lottery.mean });
	}
	if claim.weight != contestant.weight {
		return Err(Refusal::ClaimWeight { claimed: claim.weight, actual: contestant.weight });
	}
	if claim.rate != contestant.rate {
		return Err(Refusal::ClaimRate { claimed: claim.rate, actual: contestant.rate });
	}
	if contestant.rate > rate::BOUND {
		return Err(Refusal::RateBound(contestant.rate));
	}
	Ok(())
}

/// Rule *clock*.
///
/// # Errors
/// [`Refusal::Clock`].
pub fn clock(timestamp: Millis, parent_timestamp: Millis, wait: Millis) -> Result<(), Refusal> {
	let earliest = earliest_timestamp(parent_timestamp, wait);
	if timestamp >= earliest {
		Ok(())
	} else {
		Err(Refusal::Clock { timestamp, earliest })
	}
}

/// The earliest timestamp of a block with wait `wait`: the parent's plus `0.9 * d`, rounded up; saturates.
pub fn earliest_timestamp(parent_timestamp: Millis, wait: Millis) -> Millis {
	parent_timestamp.saturating_add(wait - wait / 10)
}

/// Rules *draw* and *claim-wait*.
///
/// # Errors
/// [`Refusal::Draw`], [`Refusal::ClaimWait`].
pub fn draw<H>(verdict: &Verdict<H>, lottery: &Lottery, contestant: &Contestant) -> Result<(), Refusal> {
	let pre = &verdict.unsealed.pre_digest;
	if !pre.author.as_inner_ref().vrf_verify(&lottery::sign_data(lottery), &pre.vrf) {
		return Err(Refusal::Draw);
	}
	let x = lottery::uniform(lottery, &pre.author, &pre.vrf.pre_output).ok_or(Refusal::Draw)?;
	let actual = lottery::wait(x, lottery.mean, contestant.weight, lottery.parameters.minimum_wait);
	if pre.claim.wait == actual {
		Ok(())
	} else {
		Err(Refusal::ClaimWait { claimed: pre.claim.wait, actual })
	}
}

/// Rule *fresh-start*.
///
/// # Errors
/// [`Refusal::FreshStart`].
pub fn fresh_start(interval: &Interval, wait: Millis, rate: u32, max_slack: Millis) -> Result<(), Refusal> {
	let (counted, allowed) = (interval.length(), rate::chip_wait(wait, rate).saturating_add(max_slack));
	if counted <= allowed {
		Ok(())
	} else {
		Err(Refusal::FreshStart { counted, allowed })
	}
}

/// Rules *chip* and *chip-of-member*.
///
/// # Errors
/// [`Refusal::BadRecord`], [`Refusal::ChipOfMember`], [`Refusal::StartChip`], [`Refusal::EndChip`].
pub fn chip<H>(verdict: &Verdict<H>, ak_public: &[u8], ek_name: &ep_tpm::Name) -> Result<(), Refusal> {
	let key = AttestationKey::parse(ak_public).map_err(Refusal::BadRecord)?;
	let signer = key.qualified_name_under_ek(ek_name).map_err(Refusal::BadRecord)?;
	if verdict.start.qualified_signer != signer {
		return Err(Refusal::ChipOfMember);
	}
	let (start, end) = (&verdict.unsealed.pre_digest.start, &verdict.unsealed.seal.end);
	key.verify(&start.attest, &start.signature).map_err(Refusal::StartChip)?;
	key.verify(&end.attest, &end.signature).map_err(Refusal::EndChip)
}

/// Rules *one-timer* and *counters-forward*.
///
/// # Errors
/// [`Refusal::OneTimer`], [`Refusal::CountersForward`].
pub fn one_timer(interval: &Interval, last: Option<&Interval>) -> Result<(), Refusal> {
	match last.map(|last| interval.order_after(last)) {
		None | Some(Order::After) => Ok(()),
		Some(Order::NotAfter) => Err(Refusal::OneTimer),
		Some(Order::CountersBack) => Err(Refusal::CountersForward),
	}
}

/// Rules 9 to 21: what the parent's state has to say. The cheap ones come first, the signatures last.
///
/// # Errors
/// The first rule that is broken.
pub fn verify_with_state<H>(
	verdict: &Verdict<H>,
	lottery: &Lottery,
	contestant: Option<&Contestant>,
) -> Result<(), Refusal> {
	let contestant = contestant.ok_or(Refusal::Member)?;
	let pre = &verdict.unsealed.pre_digest;
	claims(verdict, lottery, contestant)?;
	clock(pre.timestamp, lottery.parent_timestamp, pre.claim.wait)?;
	fresh_start(&verdict.interval, pre.claim.wait, pre.claim.rate, lottery.parameters.max_slack)?;
	one_timer(&verdict.interval, contestant.last.as_ref())?;
	draw(verdict, lottery, contestant)?;
	chip(verdict, &contestant.ak_public, &contestant.ek_name)
}

#[cfg(test)]
mod tests;
