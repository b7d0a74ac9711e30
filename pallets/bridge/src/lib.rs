//! # Bridge pallet
//!
//! What the chain states of itself for the Elastos Smart Chain: checkpoints that its voters sign, and the two trees that
//! a checkpoint pins, of the members' scores and of all blocks.
//!
//! ## Overview
//! The protocol is that of [`ep_bridge`]; this pallet is its state machine. Every [`Parameters::interval`] blocks, and in
//! every block that changes the signers, it states a checkpoint. What the end of the block knows is stored then, and the
//! block's sealed hash and state root come with its child, which notes its parent's header ([`ep_poet::OnParent`]). From
//! then on the checkpoint is open: members whose addresses are in its set sign it, feeless, once they see its block final
//! (`ec_anchor`). With more than two thirds of the weight it is certified, and anybody may bring it to the contract.
//!
//! ## Scenarios
//! * *A checkpoint is certified.* Older open ones, which the contract would refuse after it, are dropped.
//! * *The voters change.* With each session the signers go a quarter of the weight towards its validators
//!   (`pallet_trust::voters::limit_change`), in a block that has a checkpoint of its own, signed by the old set: the
//!   handover. It stays open until it is certified, and the signers stay as they are until then, so the contract can
//!   always follow, one set after the other.
//! * *Finality stalls.* Checkpoints open and are not signed. The newest [`MAX_OPEN`] wait, and the handover.
//! * *A contract is deployed.* Its place is governed (`admission.setAnchorChain`). Signatures for another place are void:
//!   open checkpoints are signed again. See `docs/anchor.md` for the order of things.
//! * *The signers' keys are lost*, more than a third of the weight for good. Governance calls `reset_signers`, and the
//!   contract's recovery takes the new set.
//! * *A signer signs two checkpoints of one height.* Anybody reports it, and it is suspended.
//! * *A checkpoint lands.* Signers who look at the Elastos Smart Chain say where, feeless ([`ep_bridge::landing`]). With
//!   more than two thirds of the weight of the set that signed it, it is known here, and the relayer who paid for it is owed
//!   a reward, held of the pot until it is claimed. One that never lands stays certified, and nodes keep its certificate
//!   for ever; newer ones land in its place, or, after a handover, after it.
//! * *A score changes.* Its leaf and the path to the root are hashed again, at once.
//!
//! ## Terminology
//! * *open*: a checkpoint that waits for signatures.
//! * *handover*: the checkpoint of a block that changes the signers.
//! * *place*: a signer's index in its set.
//! * *leaf*: a member's in the tree of scores; a block's in the history.
//!
//! ## Properties
//! 1. *One checkpoint a block*: it follows from the block's state alone, so whoever signs two of one height has lied.
//! 2. *Nothing is skipped*: the signers change only when the last change is certified.
//! 3. *Nobody pays for others' work*: a signature that is not by a signer who owes one is refused by the pool, at the
//!    price of two reads and one recovery.
//! 4. *Constant work*: a score changes [`ep_bridge::tree::DEPTH`] hashes; a block states one checkpoint at most, and a
//!    new session looks at [`Config::MaxSigners`] validators, whatever the number of members.
//! 5. *The tree is the scores*: a member has a leaf from the first time that it is examined until its record is gone, in
//!    which its score is as `pallet_attestation` told it last, and 0 from the moment that it is suspended or removed.
//! 6. *Paid once*: a checkpoint lands once, and its reward is held from then on until its relayer's key names an account.
//! 7. *Dense*: leaves stand at 0 up to their number.
//! 8. *Leaves look back*: the history's leaf of a block is what held at its end, whatever its child does.
//!
//! ## Panics
//! At genesis only, if the parameters cannot be.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod checkpoints;
mod impls;
mod landings;
#[cfg(test)]
mod mock;
mod scores;
mod signers;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use landings::{Receipt, Words};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Where this pallet logs to.
pub const LOG_TARGET: &str = "runtime::bridge";

/// Most checkpoints that wait for signatures. At the shortest interval in use, 10 blocks, finality may be 160 blocks
/// behind and the oldest of them still be signed; and if it is farther behind, newer ones serve.
pub const MAX_OPEN: u32 = 16;

/// Certified checkpoints that the state remembers, for nodes that were not there when older ones were certified. Nodes
/// keep all of them beside the state ([`ep_bridge::archive`]).
pub const RETAINED: u32 = 32;

#[frame_support::pallet]
pub mod pallet {
	use alloc::boxed::Box;
	use ep_bridge::{Certified, EquivocationProof, Landing};
	use ep_poet::AuthorityId;
	use ep_trust::Round;
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{Inspect, MutateHold},
			EnsureOrigin,
		},
		PalletId,
	};
	use frame_system::pallet_prelude::*;
	use sp_core::{H160, H256};

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// Balances of accounts.
	pub type BalanceOf<T> = <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<Hash = H256> {
		/// Who governs parameters, and gives up a set of signers.
		type GovernOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// The validators and their addresses, and the contract.
		type Register: Register;
		/// Told of signers who signed two checkpoints of one height.
		type OnEquivocation: ep_poet::OnEquivocation;
		/// Genesis hash.
		type GenesisHash: Get<H256>;
		/// The lottery's epoch of the block being executed.
		type CurrentEpoch: Get<u64>;
		/// The session of the block being executed.
		type CurrentSession: Get<u32>;
		/// The history as it stands.
		type History: History;
		/// Rewards.
		type Currency: MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;
		/// Reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;
		/// Names the account that rewards come from.
		#[pallet::constant]
		type PotId: Get<PalletId>;
		/// Most signers.
		#[pallet::constant]
		type MaxSigners: Get<u32>;
		/// Most rounds that committees can conclude in a block.
		#[pallet::constant]
		type MaxConcluded: Get<u32>;
		/// Weights of calls and hooks.
		type WeightInfo: WeightInfo;
	}

	/// Why funds of the pot are held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A relayer brought a checkpoint, and has not claimed its reward.
		Reward,
	}

	/// How often.
	#[pallet::storage]
	pub type Settings<T> = StorageValue<_, Parameters, ValueQuery>;

	/// Sets of signers, by number: the one that signs now, and the one before it or the one to come.
	#[pallet::storage]
	pub type Sets<T> = StorageMap<_, Twox64Concat, u64, Set>;

	/// Number of the set that signs the checkpoint of the next block that has one.
	#[pallet::storage]
	pub type CurrentSet<T> = StorageValue<_, u64, ValueQuery>;

	/// The last session whose validators were looked at.
	#[pallet::storage]
	pub type LastSession<T> = StorageValue<_, u32, ValueQuery>;

	/// Height of the handover that is not certified yet.
	#[pallet::storage]
	pub type Handover<T> = StorageValue<_, u32>;

	/// What the end of a block knew of its checkpoint, until its child brings the rest.
	#[pallet::storage]
	pub type Unsealed<T> = StorageValue<_, UnsealedCheckpoint>;

	/// Heights of open checkpoints, ascending.
	#[pallet::storage]
	pub type OpenNumbers<T> = StorageValue<_, BoundedVec<u32, ConstU32<MAX_OPEN>>, ValueQuery>;

	/// Open checkpoints.
	#[pallet::storage]
	pub type Open<T> = StorageMap<_, Twox64Concat, u32, Opened>;

	/// Height of the newest certified checkpoint.
	#[pallet::storage]
	pub type Newest<T> = StorageValue<_, u32>;

	/// Heights of the certified checkpoints that are remembered, in the order in which they were certified.
	#[pallet::storage]
	pub type CertifiedNumbers<T> = StorageValue<_, BoundedVec<u32, ConstU32<RETAINED>>, ValueQuery>;

	/// Certified checkpoints.
	#[pallet::storage]
	pub type CertifiedCheckpoints<T> = StorageMap<_, Twox64Concat, u32, Certified>;

	/// Heights of certified handovers that are remembered, by the set that they handed over to.
	#[pallet::storage]
	pub type Handovers<T> = StorageMap<_, Twox64Concat, u64, u32>;

	/// What is known of where certified checkpoints landed, for those that are remembered.
	#[pallet::storage]
	pub type Landings<T> = StorageMap<_, Twox64Concat, u32, Receipt>;

	/// The newest checkpoint that is known to have landed.
	#[pallet::storage]
	pub type LastLanded<T> = StorageValue<_, Landing>;

	/// What a relayer gets for a checkpoint.
	#[pallet::storage]
	pub type Reward<T> = StorageValue<_, BalanceOf<T>, ValueQuery>;

	/// What relayers have not claimed yet, by their addresses. A new entry takes a checkpoint that landed.
	#[pallet::storage]
	pub type Owed<T> = StorageMap<_, Twox64Concat, H160, BalanceOf<T>, ValueQuery>;

	/// Nodes of the tree of scores, by row (leaves are in row 0) and place. Those of empty subtrees are left out.
	#[pallet::storage]
	pub type Nodes<T> = StorageMap<_, Twox64Concat, (u8, u32), H256>;

	/// Leaves of the tree, by place.
	#[pallet::storage]
	pub type Leaves<T> = StorageMap<_, Twox64Concat, u32, Leaf>;

	/// Places of members' leaves.
	#[pallet::storage]
	pub type LeafOf<T> = StorageMap<_, Blake2_128Concat, AuthorityId, u32>;

	/// How many leaves there are.
	#[pallet::storage]
	pub type LeafCount<T> = StorageValue<_, u32, ValueQuery>;

	/// What the history will say of the last finished block.
	#[pallet::storage]
	pub type End<T> = StorageValue<_, BlockEnd, ValueQuery>;

	/// Rounds that were concluded in the block being executed, and the roots of their committees. Never in the state of a
	/// finished block.
	#[pallet::storage]
	pub type Concluded<T: Config> = StorageValue<_, BoundedVec<(Round, H256), T::MaxConcluded>, ValueQuery>;

	/// Signers who signed two checkpoints of one height, and the highest such height.
	#[pallet::storage]
	pub type Reported<T> = StorageMap<_, Blake2_128Concat, AuthorityId, u64>;

	/// What a chain begins with. The first signers are the first validators who have addresses.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How often.
		pub parameters: Parameters,
		#[serde(skip)]
		#[allow(missing_docs)]
		pub marker: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			assert_eq!(self.parameters.check(), Ok(()), "the parameters of checkpoints must be possible");
			Settings::<T>::put(self.parameters);
			Sets::<T>::insert(0, Pallet::<T>::first_signers());
			End::<T>::put(Pallet::<T>::block_end(&[]));
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A checkpoint waits for signatures.
		Opened {
			/// Height of its block.
			number: u32,
			/// The set that signs it.
			signers: u64,
			/// Whether it hands over to the next set.
			handover: bool,
		},
		/// A signer signed a checkpoint.
		Signed {
			/// Height of its block.
			number: u32,
			/// The signer.
			address: H160,
		},
		/// A checkpoint is signed by more than two thirds of the weight.
		Certified {
			/// Height of its block.
			number: u32,
			/// The set that signed it.
			signers: u64,
			/// The weight that did.
			votes: u64,
			/// The weight that there is.
			total: u64,
		},
		/// An open checkpoint is not needed any more, or there is no room for it.
		Dropped {
			/// Height of its block.
			number: u32,
		},
		/// Another set of signers signs from the next checkpoint on.
		SignersChanged {
			/// Its number.
			id: u64,
			/// Its hash, which the contract will know it by.
			hash: H256,
		},
		/// Governance gave up the signers that there were. The contract takes these only by its recovery.
		SignersReset {
			/// Number of the new set.
			id: u64,
			/// Its hash.
			hash: H256,
		},
		/// A signer signed two checkpoints of one height.
		EquivocationReported {
			/// The member.
			author: AuthorityId,
			/// The height.
			number: u64,
		},
		/// A signer said where a checkpoint landed.
		LandingAttested {
			/// Height of its block.
			number: u32,
			/// The signer.
			address: H160,
		},
		/// A checkpoint landed, say signers of more than two thirds of the weight.
		Landed {
			/// Height of its block.
			number: u32,
			/// Who brought it.
			relayer: H160,
			/// What is held for that; nothing if the pot does not have it.
			reward: BalanceOf<T>,
		},
		/// A relayer was paid.
		RewardPaid {
			/// Its address.
			relayer: H160,
			/// The account that its key named.
			account: T::AccountId,
			/// What for all that it had brought.
			amount: BalanceOf<T>,
		},
		/// Parameters changed.
		ParametersSet,
		/// The reward changed.
		RewardSet,
	}

	#[pallet::error]
	#[cfg_attr(test, derive(PartialEq))]
	pub enum Error<T> {
		/// No checkpoint of that height waits for signatures.
		NotOpen,
		/// The address is not in the set that signs the checkpoint.
		NotASigner,
		/// It has signed already.
		AlreadySigned,
		/// The signature is not that signer's, over this checkpoint, for this contract, in the one form that is accepted.
		BadSignature,
		/// The parameters cannot be.
		BadSettings,
		/// No validator has an address and weight.
		NoSigners,
		/// Rule *genesis* of [`ep_bridge::NoOffence`].
		OtherGenesis,
		/// Rule *height* of [`ep_bridge::NoOffence`].
		OtherHeight,
		/// Rule *different* of [`ep_bridge::NoOffence`].
		SameCheckpoint,
		/// Rule *signer* of [`ep_bridge::NoOffence`].
		OtherSigner,
		/// The address is no member's, and was no signer's recently.
		UnknownSigner,
		/// The member was reported for that height, or for a later one.
		AlreadyReported,
		/// No certified checkpoint of that height is remembered.
		NotCertified,
		/// The checkpoint was signed when there was no contract.
		NotAnchored,
		/// Where it landed is known.
		AlreadyLanded,
		/// The address has brought nothing that was not paid.
		NothingOwed,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			let looked_at = Self::follow_session();
			T::WeightInfo::on_initialize(looked_at)
				.saturating_add(T::WeightInfo::on_finalize())
				.saturating_add(T::WeightInfo::on_parent())
		}

		fn on_finalize(_: BlockNumberFor<T>) {
			Self::end_block();
		}

		fn integrity_test() {
			let (signers, limits) = (T::MaxSigners::get(), T::BlockWeights::get());
			assert!(signers > 0, "somebody must be able to sign");
			assert!(signers <= ep_bridge::MAX_SIGNERS, "the contract must have room for all signers");
			const { assert!(MAX_OPEN > 1, "a handover must leave room for another checkpoint") };
			let every_block = T::WeightInfo::on_initialize(signers)
				.saturating_add(T::WeightInfo::on_finalize())
				.saturating_add(T::WeightInfo::on_parent());
			assert!(
				every_block.all_lt(limits.max_block.saturating_div(4)),
				"what every block has to do must leave room for transactions"
			);
			let signature = T::WeightInfo::sign().saturating_add(T::WeightInfo::authorize_sign());
			assert!(
				signature.saturating_mul(signers.into()).all_lt(limits.max_block),
				"all signers must be able to sign within one block"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = <T as Config>::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// A signer signs an open checkpoint. Feeless: the signature is over the checkpoint, for the contract, by the key of
		/// that address.
		///
		/// # Errors
		/// None. What is wrong makes the transaction invalid, as `Custom(n)` where n is the index of the [`Error`]:
		/// [`Error::NotOpen`], [`Error::NotASigner`], [`Error::AlreadySigned`], [`Error::BadSignature`].
		#[pallet::call_index(0)]
		#[pallet::authorize(|_, number, address, signature| Self::authorize_sign(*number, address, signature))]
		pub fn sign(origin: OriginFor<T>, number: u32, address: H160, signature: [u8; 65]) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_sign(number, address, signature)
		}

		/// Reports that a signer signed two checkpoints of one height. Feeless: the proof is the permission. The member is
		/// suspended.
		///
		/// # Errors
		/// None, as [`Self::sign`]: the rules of [`ep_bridge::NoOffence`], [`Error::UnknownSigner`],
		/// [`Error::AlreadyReported`].
		#[pallet::call_index(1)]
		#[pallet::authorize(|_, proof| Self::authorize_report(proof))]
		pub fn report_equivocation(origin: OriginFor<T>, proof: Box<EquivocationProof>) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_report(&proof)
		}

		/// Sets parameters.
		///
		/// # Errors
		/// [`Error::BadSettings`].
		#[pallet::call_index(2)]
		pub fn set_parameters(origin: OriginFor<T>, parameters: Parameters) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			parameters.check().map_err(|_| Error::<T>::BadSettings)?;
			Settings::<T>::put(parameters);
			Self::deposit_event(Event::ParametersSet);
			Ok(())
		}

		/// Makes the session's validators the signers, all at once and without a handover, and drops what is open. For when
		/// the keys of more than a third of the weight are lost: the contract follows only by its recovery.
		///
		/// # Errors
		/// [`Error::NoSigners`].
		#[pallet::call_index(3)]
		pub fn reset_signers(origin: OriginFor<T>) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			Self::do_reset_signers()
		}

		/// A signer says where a certified checkpoint landed. Feeless, as [`Self::sign`]; the signature is over
		/// [`Landing::digest`]. Signers say it once the event is [`ep_bridge::landing::DEPTH`] blocks deep.
		///
		/// # Errors
		/// None, as [`Self::sign`]: [`Error::NotCertified`], [`Error::NotAnchored`], [`Error::AlreadyLanded`],
		/// [`Error::NotASigner`], [`Error::AlreadySigned`], [`Error::BadSignature`].
		#[pallet::call_index(4)]
		#[pallet::authorize(|_, landing, address, signature| Self::authorize_landing(landing, address, signature))]
		pub fn attest_landing(
			origin: OriginFor<T>,
			landing: Landing,
			address: H160,
			signature: [u8; 65],
		) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_attest_landing(landing, address, signature)
		}

		/// Pays the caller all that relayer `relayer` is owed. `proof` is that address's signature over
		/// [`ep_bridge::landing::claim`] of the caller.
		///
		/// # Errors
		/// [`Error::BadSignature`], [`Error::NothingOwed`], what the currency says.
		#[pallet::call_index(5)]
		pub fn claim_rewards(origin: OriginFor<T>, relayer: H160, proof: [u8; 65]) -> DispatchResult {
			let account = ensure_signed(origin)?;
			Self::do_claim(account, relayer, proof)
		}

		/// Sets what a relayer gets for a checkpoint; nothing at first.
		#[pallet::call_index(6)]
		pub fn set_reward(origin: OriginFor<T>, reward: BalanceOf<T>) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			Reward::<T>::put(reward);
			Self::deposit_event(Event::RewardSet);
			Ok(())
		}
	}
}
