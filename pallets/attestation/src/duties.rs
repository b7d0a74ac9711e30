//! The life of a duty.

use ep_poet::{AuthorityId, Members as _, Weight as Score};
use ep_tpm::{chip::Ak, verify_time, ClockInfo};
use ep_trust::{
	nonce,
	score::{self, OnScore as _},
	Testimony,
};
use frame_support::{ensure, pallet_prelude::*, Blake2_256, StorageHasher};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_application_crypto::Wraps;
use sp_core::sr25519;
use sp_runtime::traits::UniqueSaturatedInto;

use crate::*;

/// How many blocks a testimony stays in a pool.
const LONGEVITY: u64 = 64;

impl<T: Config> Pallet<T> {
	/// The block being executed.
	pub(crate) fn height() -> u32 {
		frame_system::Pallet::<T>::block_number().unique_saturated_into()
	}

	/// Whether the parameters can work at all.
	///
	/// # Errors
	/// What cannot.
	pub fn check(parameters: &Parameters) -> Result<(), &'static str> {
		let Parameters { picks, deadline, grace, rest, threshold, .. } = *parameters;
		if picks > T::MaxPicks::get() {
			return Err("a block draws no more members than that");
		}
		let remembered: u32 = T::BlockHashCount::get().unique_saturated_into();
		let lasts = deadline.saturating_add(grace);
		if deadline == 0 || lasts >= remembered {
			return Err("a duty lasts a block at least, and not until the hash of its block is forgotten");
		}
		if rest <= lasts {
			return Err("a member rests for longer than a duty lasts");
		}
		if threshold > score::MAX_SCORE {
			return Err("nobody could have such a score");
		}
		Ok(())
	}

	/// Ends the duties that lapsed with the last block. Gives their number.
	pub(crate) fn end_lapsed() -> u32 {
		let Some(last) = Self::height().checked_sub(1) else { return 0 };
		let lapsing = Lapsing::<T>::take(last);
		for author in &lapsing {
			// It may have left, come back, and owe something else.
			if Duties::<T>::get(author).is_some_and(|duty| duty.lapses == last) {
				Duties::<T>::remove(author);
				Self::fail(author);
			}
		}
		lapsing.len() as u32
	}

	/// Draws members. Gives the number of draws, whether or not they gave somebody a duty.
	pub(crate) fn draw() -> u32 {
		let settings = Settings::<T>::get();
		let picks = settings.picks.min(T::MaxPicks::get());
		let Some((_, output)) = T::Draw::get().filter(|_| picks > 0) else { return 0 };
		let count = pallet_trust::MemberCount::<T>::get();
		for number in 0..picks {
			if let Some(slot) = Self::drawn(&output, number, count).and_then(pallet_trust::Slots::<T>::get) {
				Self::oblige(slot.author, &settings);
			}
		}
		picks
	}

	/// Whom a draw falls on: an index below `count`, which must not be 0.
	pub(crate) fn drawn(output: &[u8; 32], number: u32, count: u32) -> Option<u32> {
		let hash = Blake2_256::hash(&codec::Encode::encode(&(b"elapse/attest/draw", output, number)));
		let mut random = [0; 8];
		random.copy_from_slice(&hash[..8]);
		// The remainders are off from uniform by less than 2^-32.
		u64::from_le_bytes(random).checked_rem(count.into()).map(|index| index as u32)
	}

	/// Gives a member a duty, unless it has one, rests, or is on its way out.
	pub(crate) fn oblige(author: AuthorityId, settings: &Parameters) {
		let Some(mut standing) = Self::standing(&author) else { return };
		let now = Self::height();
		if Self::rests(standing.drawn, settings) || Duties::<T>::contains_key(&author) {
			return;
		}
		let until = now.saturating_add(settings.deadline);
		let lapses = until.saturating_add(settings.grace);
		// Full only if parameters changed, so that duties of different lengths end together.
		if Lapsing::<T>::try_append(lapses, author.clone()).is_err() {
			return;
		}
		standing.drawn = Some(now);
		Standings::<T>::insert(&author, standing);
		// Governance may have given it another weight; and it may be the first time that anybody looks at it.
		T::OnScore::on_score(&author, standing.score);
		Duties::<T>::insert(&author, Duty { block: now, until, lapses, attempts: 0, forged: 0 });
		Self::deposit_event(Event::Due { author, until });
	}

	/// Whether it is too early for something that happened to a member to happen again.
	pub(crate) fn rests(last: Option<u32>, settings: &Parameters) -> bool {
		last.is_some_and(|last| Self::height() < last.saturating_add(settings.rest))
	}

	/// How a member stands. `None` if it is none, is suspended or leaves.
	pub(crate) fn standing(author: &AuthorityId) -> Option<Standing> {
		let member = pallet_trust::Members::<T>::get(author)?;
		if member.suspended || member.leaves.is_some() {
			return None;
		}
		let weight = pallet_trust::Pallet::<T>::scheduled_weight(author);
		let Some(standing) = Standings::<T>::get(author) else {
			// A newcomer rises to what its chip allows; of genesis nobody knows more than what it was given.
			let cap = if T::Platforms::cap(author).is_some() { score::MAX_SCORE } else { weight };
			return Some(Standing {
				score: weight,
				cap,
				given: weight,
				drawn: None,
				done: 0,
				missed: 0,
				failed: None,
				chip: None,
			});
		};
		Some(match standing.given == weight {
			true => standing,
			// Governance has given it another weight, which is the most that it gets.
			false => Standing { score: weight, cap: weight, given: weight, ..standing },
		})
	}

	/// The highest that a member's score can rise to.
	pub(crate) fn cap(author: &AuthorityId, standing: &Standing) -> Score {
		T::Platforms::cap(author).unwrap_or(score::MAX_SCORE).min(standing.cap)
	}

	/// Gives a member its new score, and the weight that this is.
	fn settle(author: &AuthorityId, mut standing: Standing, score: Score) {
		standing.score = score;
		// Whose cap is below it would never have any weight.
		let threshold = Settings::<T>::get().threshold.min(Self::cap(author, &standing));
		let weight = if score >= threshold { score } else { 0 };
		if weight != standing.given && pallet_trust::Pallet::<T>::reweigh(author, weight) {
			standing.given = weight;
		}
		Standings::<T>::insert(author, standing);
		T::OnScore::on_score(author, score);
	}

	/// A duty that was drawn and not done. In a pause that is nobody's fault.
	fn fail(author: &AuthorityId) {
		if Settings::<T>::get().pause() {
			Self::deposit_event(Event::Excused { author: author.clone() });
		} else {
			Self::miss(author);
		}
	}

	/// A duty that was not done, of whatever kind.
	pub(crate) fn miss(author: &AuthorityId) {
		let Some(mut standing) = Self::standing(author) else { return };
		let score = score::fallen(standing.score, Settings::<T>::get().loss);
		standing.missed = standing.missed.saturating_add(1);
		Self::settle(author, standing, score);
		Self::deposit_event(Event::Missed { author: author.clone(), score });
	}

	/// The block in which a member was drawn.
	fn drawn_in(duty: &Duty) -> sp_core::H256 {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(duty.block))
	}

	/// Whether a testimony is the member's own, for this duty and this attempt. From cheap to dear.
	///
	/// # Errors
	/// [`Error::NoDuty`], [`Error::BadSignature`].
	pub fn check_call(
		author: &AuthorityId,
		testimony: &Testimony,
		signature: &sr25519::Signature,
	) -> Result<Duty, Error<T>> {
		let duty = Duties::<T>::get(author).ok_or(Error::NoDuty)?;
		// The block, not its height: what was said on one fork counts for nothing on another.
		let call = (Self::drawn_in(&duty), duty.attempts, testimony);
		let statement = nonce::statement(&T::GenesisHash::get(), author, "attest", duty.block, &call);
		let signed = sp_io::crypto::sr25519_verify(signature, &statement, author.as_inner_ref());
		ensure!(signed, Error::BadSignature);
		Ok(duty)
	}

	pub(crate) fn authorize_attest(
		author: &AuthorityId,
		testimony: &Testimony,
		signature: &sr25519::Signature,
	) -> TransactionValidityWithRefund {
		let duty = Self::check_call(author, testimony, signature)
			.map_err(|error| InvalidTransaction::Custom(Self::index_of(&error)))?;
		ValidTransaction::with_tag_prefix("Attestation")
			.priority(TransactionPriority::MAX / 2)
			.and_provides((author, Self::drawn_in(&duty), duty.attempts))
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	/// Judges a testimony that authorisation found to be the member's own.
	pub(crate) fn do_attest(author: AuthorityId, testimony: &Testimony) -> DispatchResult {
		let duty = Duties::<T>::get(&author).ok_or(Error::<T>::NoDuty)?;
		let Some(mut standing) = Self::standing(&author) else {
			// It was suspended, or left, meanwhile.
			Duties::<T>::remove(&author);
			return Ok(());
		};
		match Self::judge(&author, &duty, &standing, testimony) {
			Ok(seen) => {
				if let Some((chip, firmware)) = seen {
					T::Platforms::attested(&author, firmware);
					standing.chip = Some(chip);
				}
				let (settings, late) = (Settings::<T>::get(), Self::height() > duty.until);
				let score = match late {
					false => score::risen(standing.score, Self::cap(&author, &standing), settings.gain),
					true if settings.pause() => standing.score,
					true => score::fallen(standing.score, settings.late),
				};
				standing.done = standing.done.saturating_add(1);
				standing.missed = 0;
				Duties::<T>::remove(&author);
				Self::settle(&author, standing, score);
				Self::deposit_event(Event::Done { author, late, score });
			}
			Err(fault) => {
				let attempts = duty.attempts.saturating_add(1);
				let forged = duty.forged.saturating_add(u8::from(fault == Fault::Forged));
				Self::deposit_event(Event::Refused { author: author.clone(), fault });
				if attempts < ATTEMPTS {
					Duties::<T>::insert(&author, Duty { attempts, forged, ..duty });
					return Ok(());
				}
				Duties::<T>::remove(&author);
				if forged == attempts {
					Self::expel(author);
				} else {
					Self::fail(&author);
				}
			}
		}
		Ok(())
	}

	/// What a testimony shows of the chip: its counters and its firmware, where it has a clock.
	fn judge(
		author: &AuthorityId,
		duty: &Duty,
		standing: &Standing,
		testimony: &Testimony,
	) -> Result<Option<(Counters, u64)>, Fault> {
		let member = pallet_trust::Pallet::<T>::identity(author, 0).ok_or(Fault::Forged)?;
		let key = Ak::parse(&member.ak_public).map_err(|_| Fault::Forged)?;
		let nonce = nonce::duty(&T::GenesisHash::get(), &Self::drawn_in(duty), author);
		let Testimony { time, quote } = testimony;
		let seen = match (&key, time) {
			(Ak::Tpm20(key), Some(time)) => {
				let attested = verify_time(key, &time.attest, &time.signature, &nonce)
					.and_then(|attested| attested.signed_under_ek(key, &member.ek_name).map(|()| attested));
				let attested = attested.map_err(|rule| {
					log::debug!(target: LOG_TARGET, "the testimony of {author:?} is refused: {rule}");
					Fault::Forged
				})?;
				Some((Self::count(&attested.clock_info, standing)?, attested.firmware_version))
			}
			// It attests its platform and nothing else.
			(Ak::Tpm12(_), None) => None,
			(Ak::Tpm20(_), None) | (Ak::Tpm12(_), Some(_)) => return Err(Fault::Forged),
		};
		match (T::Platforms::policy(author), &key) {
			(Some(policy), _) => {
				let quote = quote.as_ref().ok_or(Fault::Platform)?;
				T::Platforms::check(policy, &key, &member.ek_name, quote, &nonce)?;
			}
			// Governance has put it into the register, and it has shown nothing.
			(None, Ak::Tpm12(_)) => return Err(Fault::Platform),
			(None, Ak::Tpm20(_)) => {}
		}
		Ok(seen)
	}

	/// A chip's counters as they are now, if they did not go back.
	fn count(now: &ClockInfo, standing: &Standing) -> Result<Counters, Fault> {
		let mut counters = Counters {
			boots: (now.reset_count, now.restart_count),
			// Right after a power cut the clock may be behind what it was; the chip says so.
			clock: if now.safe { now.clock } else { 0 },
		};
		if let Some(last) = &standing.chip {
			let went_back = counters.boots < last.boots || (now.safe && counters.clock < last.clock);
			ensure!(!went_back, Fault::Cleared);
			counters.clock = counters.clock.max(last.clock);
		}
		Ok(counters)
	}

	/// A member that forged evidence has neither credit nor place any more.
	fn expel(author: AuthorityId) {
		if let Some(standing) = Self::standing(&author) {
			Standings::<T>::insert(&author, Standing { score: 0, cap: 0, ..standing });
		}
		pallet_trust::Pallet::<T>::suspend(&author);
		log::warn!(target: LOG_TARGET, "{author:?} forged evidence and is suspended");
		Self::deposit_event(Event::Forged { author });
	}

	/// The index of an error, as transactions that authorise themselves give it.
	pub fn index_of(error: &Error<T>) -> u8 {
		codec::Encode::encode(error).first().copied().unwrap_or(u8::MAX)
	}
}
