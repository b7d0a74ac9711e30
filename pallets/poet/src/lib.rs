//! # PoET pallet
//!
//! The on-chain half of proof of elapsed time: what the chain has to remember so that the next block's wait can be
//! drawn and judged.
//!
//! ## Overview
//! The rules of a wait certificate are pure functions of `ep_poet`, enforced when a block is imported, before it is
//! executed. This pallet keeps what those functions ask of the parent's state ([`Pallet::lottery`],
//! [`Pallet::contestant`]) and brings it up to date with every block. Who the members are and what they weigh is the
//! business of [`Config::Members`].
//!
//! ## Scenarios
//! * *A block is executed.* `on_initialize` reads the pre-runtime digest, begins the epoch if the height does, takes
//!   the draw into the epoch's randomness and into the retarget window. The timestamp inherent must be the digest's.
//! * *The parent is noted.* The parent's seal holds its second attestation, and a seal is no part of what its own block
//!   executes. So every block from height 2 on brings its parent's sealed header as the inherent
//!   [`Call::note_parent`]. It is believed because its hash is the parent's: whoever imported the parent verified it.
//!   It gives the author's record its interval, its clock rate and its claims.
//! * *A member equivocates.* Anybody may send the two headers ([`Call::report_equivocation`]) without a fee. The proof
//!   is checked whole before the transaction enters a pool; [`Config::OnEquivocation`] is told.
//!
//! ## Terminology
//! * *mean*, *weight*, *wait*, *rate*, *interval*: as in `ep_poet`.
//! * *epoch*: `epoch_length` blocks from a multiple of it on. Genesis belongs to epoch 0. A session is an epoch.
//! * *excess*: a wait less the minimum, `d - m`.
//!
//! ## Properties
//! 1. *Next height*: [`Pallet::lottery`] and [`Pallet::contestant`] answer for the child of the state they are asked in,
//!    epoch boundary included, genesis included. At genesis alone the genesis hash is not known to the chain: it is
//!    zero there, and the caller, who knows it, puts it in.
//! 2. *One author, one record*: records exist only for keys that sealed a block or were reported; those of keys that are
//!    no longer known to [`Config::Members`] and were never reported go, one a block at most.
//! 3. *One block behind*: the state of a block holds the intervals of its ancestors, not its own. Whoever verifies a
//!    child by the same author has to take the parent's own certificate as the last one published, in place of
//!    [`ep_poet::Contestant::last`].
//! 4. *Randomness* of an epoch depends on every draw of the one before, and is known before it begins only to who sees
//!    that epoch's last block. That of epoch 0 is a constant, so members of genesis could choose keys that suit them.
//! 5. *Constant work*: no hook or call does work that grows with the number of members.
//! 6. *One report an epoch*: a member is punished for offences in an epoch once; a later report has to be about blocks
//!    of epochs in which the consequences of the earlier one had already begun.
//!
//! ## Panics
//! A block is invalid, and its execution panics, if
//! * it has no PoET pre-runtime digest, more than one, or one that is not in its one encoding;
//! * its timestamp is not the digest's;
//! * it is above height 1 and does not note its parent.
//!
//! It does not panic for what the verifier should have refused (an author who is no member, a parent without a valid
//! seal): such a block leaves no trace here but an error in the log.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod impls;
pub mod inherent;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use inherent::INHERENT_IDENTIFIER;
pub use pallet::*;
pub use types::{Executing, Record};
pub use weights::WeightInfo;

/// Where this pallet logs to.
pub const LOG_TARGET: &str = "runtime::poet";

#[frame_support::pallet]
pub mod pallet {
	use alloc::boxed::Box;
	use codec::Encode;
	use ep_poet::{
		digest::{find_pre_digest, MAX_HEADER},
		equivocation::{self, NoOffence, Offence},
		evidence::Claims,
		lottery,
		retarget::Window,
		rules, AuthorityId, EquivocationProof, Mean, Members as _, Millis, OnEquivocation as _, OnParent as _,
	};
	use frame_support::{
		inherent::{InherentData, InherentIdentifier, ProvideInherent},
		pallet_prelude::*,
		Blake2_256, StorageHasher,
	};
	use frame_system::pallet_prelude::*;
	use sp_core::H256;
	use sp_runtime::traits::{Header as _, UniqueSaturatedInto};

	use super::{
		inherent::{InherentError, INHERENT_IDENTIFIER},
		Executing, Record, WeightInfo, LOG_TARGET,
	};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// Longest report in bytes: an author and two headers.
	pub const MAX_REPORT: u32 = 32 + 2 * MAX_HEADER;
	/// How many blocks a report stays in a pool.
	const REPORT_LONGEVITY: u64 = 256;

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<Hash = H256> + pallet_timestamp::Config<Moment = u64> {
		/// The register of members.
		type Members: ep_poet::Members<Self::AccountId>;
		/// Told of every proven equivocation.
		type OnEquivocation: ep_poet::OnEquivocation;
		/// Told of the parent's sealed header. What that costs is its own to say.
		type OnParent: ep_poet::OnParent<HeaderFor<Self>>;
		/// Weights of calls and hooks.
		type WeightInfo: WeightInfo;
		/// Admits members for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::benchmarking::BenchmarkHelper;
	}

	/// The parameters of the lottery.
	#[pallet::storage]
	pub type Parameters<T> = StorageValue<_, ep_poet::Parameters>;

	/// Hash of the genesis block; known from block 1 on.
	#[pallet::storage]
	pub type Genesis<T> = StorageValue<_, H256, ValueQuery>;

	/// Randomness of the current epoch.
	#[pallet::storage]
	pub type EpochRandomness<T> = StorageValue<_, [u8; 32], ValueQuery>;

	/// What the draws of the current epoch have come to.
	#[pallet::storage]
	pub type Accumulator<T> = StorageValue<_, [u8; 32], ValueQuery>;

	/// The retarget window; from block 1 on.
	#[pallet::storage]
	pub type RetargetWindow<T> = StorageValue<_, Window>;

	/// The local mean of the next block; from block 1 on.
	#[pallet::storage]
	pub type NextMean<T> = StorageValue<_, Mean>;

	/// Timestamp of the last finished block, 0 at genesis.
	#[pallet::storage]
	pub type LastTimestamp<T> = StorageValue<_, Millis, ValueQuery>;

	/// The last finished block's timestamp less its parent's; 0 where that is not known.
	#[pallet::storage]
	pub type LastElapsed<T> = StorageValue<_, Millis, ValueQuery>;

	/// What was seen of the members' chips.
	#[pallet::storage]
	pub type Records<T> = StorageMap<_, Blake2_128Concat, AuthorityId, Record, ValueQuery>;

	/// The claims of all wins.
	#[pallet::storage]
	pub type TotalClaims<T> = StorageValue<_, Claims, ValueQuery>;

	/// The block being executed. Never in the state of a finished block.
	#[pallet::storage]
	#[pallet::whitelist_storage]
	pub type CurrentBlock<T> = StorageValue<_, Executing>;

	/// Whether the block being executed has noted its parent. Never in the state of a finished block.
	#[pallet::storage]
	#[pallet::whitelist_storage]
	pub type ParentNoted<T> = StorageValue<_, bool, ValueQuery>;

	/// The parameters of the lottery.
	#[pallet::genesis_config]
	pub struct GenesisConfig<T: Config> {
		/// See [`ep_poet::Parameters`].
		pub parameters: ep_poet::Parameters,
		/// Nothing.
		#[serde(skip)]
		pub marker: PhantomData<T>,
	}

	impl<T: Config> Default for GenesisConfig<T> {
		fn default() -> Self {
			Self { parameters: super::impls::DEFAULT_PARAMETERS, marker: PhantomData }
		}
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			assert_eq!(self.parameters.check(), Ok(()), "the lottery's parameters must be possible");
			Parameters::<T>::put(self.parameters);
			EpochRandomness::<T>::put(Blake2_256::hash(b"elapse/poet/genesis"));
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(fn deposit_event)]
	pub enum Event<T: Config> {
		/// A member is proven to have equivocated.
		EquivocationReported {
			/// Its key.
			author: AuthorityId,
			/// What it did.
			offence: Offence,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The block has noted its parent already.
		ParentAlreadyNoted,
		/// The header is not that of the block's parent, or the parent is genesis, which nobody sealed.
		NotTheParent,
		/// The report is longer than [`MAX_REPORT`].
		ReportTooLong,
		/// A header of the report is not a validly sealed header of this chain.
		BadHeader,
		/// A header of the report is by another author than the report says.
		OtherAuthor,
		/// A header of the report says that it is of an epoch that has not come.
		FutureEpoch,
		/// The author was reported, and the blocks are from before that had consequences.
		AlreadyReported,
		/// The author is not a member, and was not one recently.
		UnknownMember,
		/// The two headers can both be honest.
		BothHonest,
		/// The waits overlap but are not attested by the member's chip.
		OtherChip,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			let pre = match find_pre_digest(&frame_system::Pallet::<T>::digest()) {
				Ok(pre) => pre,
				Err(error) => panic!("a block needs exactly one PoET pre-runtime digest: {error}"),
			};
			let height: u64 = now.unique_saturated_into();
			if height == 1 {
				Genesis::<T>::put(frame_system::Pallet::<T>::parent_hash());
			}
			if Self::begins_epoch(height) {
				EpochRandomness::<T>::put(Self::randomness_at(height));
				Accumulator::<T>::kill();
			}

			let drawn = Self::lottery_at(height);
			let output = &pre.vrf.pre_output;
			// An output that is no point would not have been imported.
			let contribution = lottery::contribution(&drawn, &pre.author, output).unwrap_or_default();
			Accumulator::<T>::mutate(|sum| *sum = lottery::accumulate(sum, &contribution));
			let mut window = Self::window();
			match (T::Members::contestant(&pre.author, drawn.epoch), lottery::uniform(&drawn, &pre.author, output)) {
				(Some(member), Some(x)) => window.push(drawn.mean, lottery::wait(x, drawn.mean, member.weight, 0)),
				_ => log::error!(
					target: LOG_TARGET,
					"block {height} is by {:?}, who cannot have drawn: it should not have been imported",
					pre.author,
				),
			}
			NextMean::<T>::put(window.mean(drawn.parameters.mean_excess()));
			RetargetWindow::<T>::put(window);
			CurrentBlock::<T>::put(Executing { author: pre.author, timestamp: pre.timestamp, contribution });
			<T as Config>::WeightInfo::on_initialize().saturating_add(<T as Config>::WeightInfo::on_finalize())
		}

		fn on_finalize(now: BlockNumberFor<T>) {
			let height: u64 = now.unique_saturated_into();
			assert!(ParentNoted::<T>::take() || height <= 1, "a block above height 1 must note its parent");
			if let Some(current) = CurrentBlock::<T>::take() {
				let parent = LastTimestamp::<T>::get();
				LastElapsed::<T>::put(if parent == 0 { 0 } else { current.timestamp.saturating_sub(parent) });
				LastTimestamp::<T>::put(current.timestamp);
			}
		}

		fn integrity_test() {
			let limits = T::BlockWeights::get();
			let every_block = <T as Config>::WeightInfo::on_initialize()
				.saturating_add(<T as Config>::WeightInfo::on_finalize())
				.saturating_add(<T as Config>::WeightInfo::note_parent(MAX_HEADER));
			assert!(
				every_block.all_lt(limits.max_block.saturating_div(4)),
				"what every block has to do must leave room for transactions"
			);
			let report = <T as Config>::WeightInfo::report_equivocation()
				.saturating_add(<T as Config>::WeightInfo::authorize_report_equivocation());
			let most = limits.get(DispatchClass::Normal).max_extrinsic.unwrap_or(limits.max_block);
			assert!(report.all_lte(most), "a report of an equivocation must fit a block");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = <T as Config>::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// Notes the parent's seal: the author's interval, clock rate and claims.
		///
		/// An inherent, exactly one in every block above height 1. A header that is not the parent's makes the block
		/// invalid. It is no longer than [`MAX_HEADER`], or it would not have been imported.
		///
		/// # Errors
		/// [`Error::ParentAlreadyNoted`], [`Error::NotTheParent`].
		#[pallet::call_index(0)]
		#[pallet::weight((
			<T as Config>::WeightInfo::note_parent(u32::try_from(header.encoded_size()).unwrap_or(u32::MAX)),
			DispatchClass::Mandatory,
		))]
		pub fn note_parent(origin: OriginFor<T>, header: Box<HeaderFor<T>>) -> DispatchResult {
			ensure_none(origin)?;
			ensure!(!ParentNoted::<T>::get(), Error::<T>::ParentAlreadyNoted);
			ensure!(header.hash() == frame_system::Pallet::<T>::parent_hash(), Error::<T>::NotTheParent);
			ensure!(Self::height() > 1, Error::<T>::NotTheParent);
			ParentNoted::<T>::put(true);
			T::OnParent::on_parent(&header);
			if let Err(refusal) = Self::record(*header) {
				// The hash is that of a block that was imported, so that cannot be. To refuse every child would stop the
				// chain for good.
				log::error!(target: LOG_TARGET, "the parent has no valid seal: {refusal}");
			}
			Ok(())
		}

		/// Reports that a member equivocated. Feeless: the proof is the permission.
		///
		/// # Errors
		/// None. What is wrong with a report makes the transaction invalid, as `Custom(n)` where n is the index of the
		/// [`Error`].
		#[pallet::call_index(1)]
		#[pallet::authorize(|_, proof| Self::authorize_report(proof))]
		pub fn report_equivocation(
			origin: OriginFor<T>,
			proof: Box<EquivocationProof<HeaderFor<T>>>,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			// The same as `equivocation::offence` for a proof that holds, and authorisation found that it does.
			let offence = if proof.first.parent_hash() == proof.second.parent_hash() {
				Offence::TwoBlocks
			} else {
				Offence::TwoTimers
			};
			Records::<T>::mutate(&proof.author, |record| record.reported = Some(Self::current_epoch()));
			if !T::OnEquivocation::on_equivocation(&proof.author) {
				log::info!(target: LOG_TARGET, "the equivocation of {:?} changes nothing", proof.author);
			}
			Self::deposit_event(Event::EquivocationReported { author: proof.author, offence });
			Ok(())
		}
	}

	#[pallet::inherent]
	impl<T: Config> ProvideInherent for Pallet<T> {
		type Call = Call<T>;
		type Error = InherentError;
		const INHERENT_IDENTIFIER: InherentIdentifier = INHERENT_IDENTIFIER;

		fn create_inherent(data: &InherentData) -> Option<Self::Call> {
			if Self::height() <= 1 {
				return None;
			}
			let header = parent_in::<T>(data)?;
			if header.hash() != frame_system::Pallet::<T>::parent_hash() {
				log::error!(target: LOG_TARGET, "the inherent data holds the header of another block than the parent");
				return None;
			}
			Some(Call::note_parent { header: Box::new(header) })
		}

		/// Asked with the parent's state, so what the height is must come from the data. Whoever has no data leaves the
		/// matter to `on_finalize`.
		fn is_inherent_required(data: &InherentData) -> Result<Option<Self::Error>, Self::Error> {
			Ok(parent_in::<T>(data)
				.filter(|header| !sp_runtime::traits::Zero::is_zero(header.number()))
				.map(|_| InherentError::Missing))
		}

		fn check_inherent(call: &Self::Call, data: &InherentData) -> Result<(), Self::Error> {
			match (call, parent_in::<T>(data)) {
				(Call::note_parent { header }, Some(parent)) if **header != parent => Err(InherentError::NotTheParent),
				_ => Ok(()),
			}
		}

		fn is_inherent(call: &Self::Call) -> bool {
			matches!(call, Call::note_parent { .. })
		}
	}

	fn parent_in<T: Config>(data: &InherentData) -> Option<HeaderFor<T>> {
		data.get_data::<HeaderFor<T>>(&INHERENT_IDENTIFIER).unwrap_or_else(|error| {
			log::error!(target: LOG_TARGET, "the inherent data's parent header does not decode: {error:?}");
			None
		})
	}

	impl<T: Config> Pallet<T> {
		/// Takes what the parent's seal says into its author's record.
		fn record(header: HeaderFor<T>) -> Result<(), rules::Refusal> {
			let unsealed = rules::digests(header)?;
			let (start, end) = rules::attestations(&unsealed)?;
			let interval = rules::one_power_cycle(&start, &end)?;
			let (pre, elapsed) = (unsealed.pre_digest, LastElapsed::<T>::get());
			let excess = pre.claim.wait.saturating_sub(Self::parameters().minimum_wait);
			Records::<T>::mutate(&pre.author, |record| {
				record.last = Some(interval);
				record.claims.push(pre.claim.mean, excess);
				if elapsed > 0 {
					record.rate.push(pre.claim.wait, pre.claim.rate, elapsed);
				}
			});
			TotalClaims::<T>::mutate(|total| total.push(pre.claim.mean, excess));
			Ok(())
		}

		/// Whether `proof` proves an offence that has not been dealt with yet. From cheap to dear.
		///
		/// # Errors
		/// What is wrong with it.
		pub fn check_report(proof: &EquivocationProof<HeaderFor<T>>) -> Result<Offence, Error<T>> {
			ensure!(proof.encoded_size() <= MAX_REPORT as usize, Error::<T>::ReportTooLong);
			let digest = |header: &HeaderFor<T>| find_pre_digest(header.digest()).map_err(|_| Error::<T>::BadHeader);
			let (first, second) = (digest(&proof.first)?, digest(&proof.second)?);
			ensure!(first.author == proof.author && second.author == proof.author, Error::<T>::OtherAuthor);
			let (from, to) = (first.claim.epoch.min(second.claim.epoch), first.claim.epoch.max(second.claim.epoch));
			ensure!(to <= Self::epoch_of_next(), Error::<T>::FutureEpoch);
			// What follows from a report of epoch e holds from e + 2 on, as every change of weights.
			let reported = Records::<T>::get(&proof.author).reported;
			ensure!(reported.is_none_or(|epoch| from >= epoch.saturating_add(2)), Error::<T>::AlreadyReported);
			let member = T::Members::identity(&proof.author, Self::current_epoch()).ok_or(Error::<T>::UnknownMember)?;
			equivocation::check(proof, Genesis::<T>::get(), &member.ak_public, &member.ek_name).map_err(|reason| {
				match reason {
					NoOffence::Header(_) => Error::<T>::BadHeader,
					NoOffence::OtherAuthor => Error::<T>::OtherAuthor,
					NoOffence::BothHonest => Error::<T>::BothHonest,
					NoOffence::OtherChip(_) => Error::<T>::OtherChip,
				}
			})
		}

		fn authorize_report(proof: &EquivocationProof<HeaderFor<T>>) -> TransactionValidityWithRefund {
			Self::check_report(proof).map_err(|error| {
				log::debug!(target: LOG_TARGET, "a report against {:?} is refused: {error:?}", proof.author);
				InvalidTransaction::Custom(error.encode().first().copied().unwrap_or(u8::MAX))
			})?;
			ValidTransaction::with_tag_prefix("PoetEquivocation")
				.priority(TransactionPriority::MAX)
				.and_provides(&proof.author)
				.longevity(REPORT_LONGEVITY)
				.propagate(true)
				.build()
				.map(|valid| (valid, Weight::zero()))
		}
	}
}
