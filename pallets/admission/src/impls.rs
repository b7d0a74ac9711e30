//! What the pallet answers to others.

use alloc::{boxed::Box, vec::Vec};
use codec::{Decode, Encode};
use ep_trust::{
	api::{Feeless, RoundInfo, SeatInfo, Until},
	Application, Chain, Judgement, Round, Verdict,
};
use frame_support::traits::Authorize;
use frame_system::offchain::{CreateAuthorizedTransaction, SubmitTransaction};
use sp_runtime::transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError};

use crate::{AnchorChain, AnswersOf, Applications, Call, Config, Error, KeysOf, Pallet, Rounds, Seats};

fn call_of<T: Config>(call: Feeless) -> Call<T> {
	match call {
		Feeless::Sit { round, claim, signature } => Call::sit { round, claim: Box::new(claim), signature },
		Feeless::Reveal { round, author, secret, signature } => Call::reveal { round, author, secret, signature },
		Feeless::Conclude { round, judgement, certificate } => Call::conclude { round, judgement, certificate },
		Feeless::Expire { round } => Call::expire { round },
		Feeless::Review { author } => Call::review { author },
	}
}

impl<T: Config> Pallet<T> {
	/// A round as it stands after the block. Phases are the next block's, in which a call would be executed.
	pub fn round_info(round: Round) -> Option<RoundInfo<T::AccountId>> {
		let state = Rounds::<T>::get(round)?;
		let (application, _) = Applications::<T>::get(round)?;
		let seats = Seats::<T>::iter_prefix(round).map(|(author, seating)| SeatInfo {
			author,
			anchor: seating.anchor,
			votes: seating.votes,
			rank: seating.rank,
			commitment: seating.commitment,
			credential: seating.credential,
			revealed: seating.outcome.is_some(),
		});
		Some(RoundInfo {
			account: state.account.clone(),
			application,
			ak_name: state.ak_name,
			tier: state.tier,
			applied: state.applied,
			until: Until {
				sit: state.until.sit,
				answer: state.until.answer,
				reveal: state.until.reveal,
				judge: state.until.judge,
			},
			seed: Self::seed_of(round, &state),
			expected: Self::expected(&state),
			seats: seats.collect(),
			answer: AnswersOf::<T>::get(round).map(|(_, quote)| quote),
			opened: state.opened,
			made_up: state.made_up,
			judging: Self::is_judging(&state),
			expired: Self::is_expired(&state),
		})
	}

	/// Live rounds.
	pub fn live_rounds() -> Vec<Round> {
		Rounds::<T>::iter_keys().collect()
	}

	/// The verdict that would say `judgement`, and where it is read.
	pub fn verdict_of(round: Round, judgement: Judgement) -> Option<(Verdict, Chain)> {
		let state = Rounds::<T>::get(round)?;
		Self::verdict(round, &state, judgement).map(|(verdict, _)| (verdict, AnchorChain::<T>::get()))
	}

	/// Whether an application would be taken. It is made, in a state that the caller throws away: for runtime APIs only.
	///
	/// # Errors
	/// The name of the error.
	pub fn check_application(
		account: T::AccountId,
		application: Application,
		keys: &[u8],
		proof: &[u8],
	) -> Result<(), Vec<u8>> {
		let keys = KeysOf::<T>::decode(&mut &*keys).map_err(|_| b"BadKeys".to_vec())?;
		Self::do_apply(account, application, keys, proof).map_err(|error| {
			let name: &'static str = error.into();
			name.as_bytes().to_vec()
		})
	}

	/// Whether a feeless call would be taken.
	///
	/// # Errors
	/// The index of the [`Error`]; 255 for what the pallet has none for.
	pub fn check_feeless(call: Feeless) -> Result<(), u8> {
		match call_of::<T>(call).authorize(TransactionSource::Local) {
			Some(Ok(_)) => Ok(()),
			Some(Err(TransactionValidityError::Invalid(InvalidTransaction::Custom(index)))) => Err(index),
			_ => Err(u8::MAX),
		}
	}

	/// Puts a feeless call into the transaction pool. `None` if it is not taken.
	pub fn submit_feeless(call: Feeless) -> Option<()>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		Self::check_feeless(call.clone()).ok()?;
		let transaction = T::create_authorized_transaction(call_of::<T>(call).into());
		SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).ok()
	}

	/// The index of an error, as transactions that authorise themselves give it.
	pub fn index_of(error: &Error<T>) -> u8 {
		error.encode().first().copied().unwrap_or(u8::MAX)
	}
}
