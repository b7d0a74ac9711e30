//! # Attestation pallet
//!
//! Who was let in is looked at again and again, at moments that are drawn, for as long as it stays. What
//! its chip says then moves its credit, and its credit is its weight.
//!
//! ## Overview
//! At every block the VRF output draws a few members. Each owes a testimony under a nonce that contains the block's hash
//! ([`ep_trust::Testimony`]): in time it raises the member's score, late it costs a little, missed it costs a share, and
//! forged it costs all of it and the member's place. The register, `pallet_trust`, is told each new weight.
//!
//! With `n` members, `K` drawn a block and blocks every `T`, a member's turn comes every `n * T / K` on average, but not
//! within [`Parameters::rest`] blocks of the last: at `T` = 6 s and `K` = 1, every 10 minutes for 100 members, and every
//! 17 hours for 10,000. More members cost a block nothing; more duties a member take a larger `K`.
//!
//! ## Scenarios
//! * *A duty is done.* A member sees itself drawn, asks its chip, and calls `attest`, which costs no fee.
//! * *A machine is down.* Its duty lapses, and so do the next ones; below [`Parameters::threshold`] it weighs nothing. It
//!   is still drawn, and comes back by doing its duties.
//! * *The chain stands still.* Nobody is drawn, no duty lapses, nobody sinks.
//! * *A member fails in a committee* (`pallet_admission`): that is a duty missed too, once in [`Parameters::rest`] blocks.
//! * *A platform changes*, or its policy does. Quotes do not meet the policy: duties count as missed.
//! * *Governance stops the examination*: [`Parameters::picks`] of 0. Duties that are open stay open, and cost nothing if
//!   they end in the pause: refused, late, or not done at all. Done in time they count as ever, and what is forged is forged.
//!
//! ## Terminology
//! * *duty*: what a member owes from being drawn until it is done or lapses; at most one a member.
//! * *cap*: the highest that a score can rise to: what the kind of chip allows, and not more than the last weight that
//!   genesis or governance gave the member.
//!
//! ## Properties
//! 1. *Constant work*: a block draws at most [`Config::MaxPicks`] members and ends at most as many duties, whatever the
//!    number of members.
//! 2. *Nobody is framed*: a testimony counts, for or against, only under a signature by the member's key over genesis,
//!    the duty's block and attempt.
//! 3. *Nobody pays for others' work*: what is not signed by the member who owes it is refused by the pool, at the price
//!    of one read and one signature.
//! 4. *Every duty ends*: in the block after its last one at the latest.
//! 5. *Halts are nobody's fault*: time is counted in blocks, and scores fall by duties only.
//! 6. *A pause costs nobody*: what ends while [`Parameters::picks`] is 0 takes nothing from an honest member's score.
//! 7. *Governance comes first*: a weight that the register was given by somebody else is where the score goes on from, and
//!    its cap.
//!
//! ## Attacks
//! * *Answering from a chip that was lent out*: a nonce is known a few minutes at most before its testimony is due.
//! * *Choosing whom to draw*: a block's author knows its VRF outputs for the epoch, and can only keep a block back, which
//!   costs it the block.
//! * *A testimony of another fork*: the hash of the duty's block is signed, so it is no bad testimony here but none.
//! * *Using up a member's attempts* by repeating its bad testimony: the number of the attempt is signed.
//! * *Clearing the chip*: the counters go back. The attestation key is void after that anyway.
//!
//! ## Panics
//! At genesis only, if the parameters cannot be.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod duties;
mod impls;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Where this pallet logs to.
pub const LOG_TARGET: &str = "runtime::attestation";

/// How often a member may try to do a duty.
pub const ATTEMPTS: u8 = 2;

#[frame_support::pallet]
pub mod pallet {
	use alloc::boxed::Box;
	use ep_poet::{AuthorityId, Weight as Score};
	use ep_trust::Testimony;
	use frame_support::{pallet_prelude::*, traits::EnsureOrigin};
	use frame_system::pallet_prelude::*;
	use sp_core::{sr25519, H256};

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<Hash = H256> + pallet_trust::Config {
		/// Who governs parameters.
		type GovernOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// Author and VRF output of the block being executed.
		type Draw: Get<Option<(AuthorityId, [u8; 32])>>;
		/// Genesis hash.
		type GenesisHash: Get<H256>;
		/// What members were admitted on.
		type Platforms: Platforms;
		/// Told of scores.
		type OnScore: ep_trust::score::OnScore;
		/// Most members that a block draws.
		#[pallet::constant]
		type MaxPicks: Get<u32>;
		/// Weights of calls and hooks.
		type WeightInfo: WeightInfo;
	}

	/// How often, how long, how much.
	#[pallet::storage]
	pub type Settings<T> = StorageValue<_, Parameters, ValueQuery>;

	/// What members owe.
	#[pallet::storage]
	pub type Duties<T> = StorageMap<_, Blake2_128Concat, AuthorityId, Duty>;

	/// Whose duties lapse with a block, if they are not done by then.
	#[pallet::storage]
	pub type Lapsing<T: Config> = StorageMap<_, Twox64Concat, u32, BoundedVec<AuthorityId, T::MaxPicks>, ValueQuery>;

	/// What members' duties have shown. A member without an entry was not drawn yet.
	#[pallet::storage]
	pub type Standings<T> = StorageMap<_, Blake2_128Concat, AuthorityId, Standing>;

	/// What a chain begins with.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Without any nobody is drawn until some are set.
		pub parameters: Option<Parameters>,
		#[serde(skip)]
		#[allow(missing_docs)]
		pub marker: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			if let Some(parameters) = self.parameters {
				assert_eq!(Pallet::<T>::check(&parameters), Ok(()), "the parameters of attestation must be possible");
				Settings::<T>::put(parameters);
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A member was drawn.
		Due {
			/// The member.
			author: AuthorityId,
			/// The last block in which it is in time.
			until: u32,
		},
		/// A member did its duty.
		Done {
			/// The member.
			author: AuthorityId,
			/// Whether it was late.
			late: bool,
			/// Its score.
			score: Score,
		},
		/// A member's testimony was refused. It may try again if it has not done so already.
		Refused {
			/// The member.
			author: AuthorityId,
			/// Why.
			fault: Fault,
		},
		/// A member did not do its duty.
		Missed {
			/// The member.
			author: AuthorityId,
			/// Its score.
			score: Score,
		},
		/// A member forged evidence, and has lost its credit and its place.
		Forged {
			/// The member.
			author: AuthorityId,
		},
		/// Parameters changed.
		ParametersSet,
		/// A member did not do its duty, which costs it nothing: the examination was stopped.
		Excused {
			/// The member.
			author: AuthorityId,
		},
	}

	#[pallet::error]
	#[cfg_attr(test, derive(PartialEq))]
	pub enum Error<T> {
		/// The member owes nothing.
		NoDuty,
		/// The testimony is not signed by the member's key for this duty and this attempt.
		BadSignature,
		/// The parameters cannot be.
		BadSettings,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			let lapsed = Self::end_lapsed();
			let drawn = Self::draw();
			<T as Config>::WeightInfo::on_initialize(lapsed, drawn)
		}

		fn integrity_test() {
			assert!(T::MaxPicks::get() > 0, "somebody must be able to be drawn");
			let most = <T as Config>::WeightInfo::on_initialize(T::MaxPicks::get(), T::MaxPicks::get());
			assert!(most.all_lte(T::BlockWeights::get().max_block), "a block must be able to begin");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = <T as Config>::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// A member does its duty. Feeless: signed by the member's key over [`ep_trust::nonce::statement`] of `attest`, the
		/// height of the block it was drawn in, and that block's hash, the number of the attempt and the testimony.
		///
		/// # Errors
		/// None. What is wrong with the call makes the transaction invalid, as `Custom(n)` where n is the index of the
		/// [`Error`]. What is wrong with the testimony counts against the member, and is in [`Event::Refused`].
		#[pallet::call_index(0)]
		#[pallet::authorize(|_, author, testimony, signature| Self::authorize_attest(author, testimony, signature))]
		pub fn attest(
			origin: OriginFor<T>,
			author: AuthorityId,
			testimony: Box<Testimony>,
			signature: sr25519::Signature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			// Authorisation has looked at it.
			let _ = signature;
			Self::do_attest(author, &testimony)
		}

		/// Sets parameters. Open duties keep their deadlines.
		///
		/// # Errors
		/// [`Error::BadSettings`].
		#[pallet::call_index(1)]
		pub fn set_parameters(origin: OriginFor<T>, parameters: Parameters) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			Self::check(&parameters).map_err(|_| Error::<T>::BadSettings)?;
			Settings::<T>::put(parameters);
			Self::deposit_event(Event::ParametersSet);
			Ok(())
		}
	}
}
