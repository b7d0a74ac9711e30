//! # Admission pallet
//!
//! How a machine that nobody knows becomes a member: it proves that it has a genuine TPM, a committee that nobody chose
//! questions and judges it, and its verdict can be checked by anybody.
//!
//! ## Overview
//! The protocol is that of [`ep_trust`]; this pallet is its state machine. It verifies everything that can be verified
//! from bytes: certificates, keys, quotes, questions and answers. What needs eyes outside of the chain (the boot event
//! log, whether a node can be reached) is the committee's to judge, and the pallet checks that it did. Whom it admits
//! goes to the register, `pallet_trust`.
//!
//! ## Scenarios
//! * *A machine joins.* `apply`; members `sit` and ask; `answer`; members `reveal`; they agree, and anybody brings their
//!   certificate to `conclude`. The deposit comes back with it.
//! * *It is refused.* The same, with another judgement. The deposit comes back, unless evidence was forged.
//! * *It changes its mind.* `withdraw`, at any time.
//! * *Somebody stops halfway*, whoever it is: after the deadline anybody calls `expire`. The deposit comes back; if the
//!   chip has not shown itself by then, after a cool-down, by `reclaim` or the next `apply`.
//! * *A chip comes again.* Once it has shown itself in a round, not before its cool-down is over. Who looks for a friendly
//!   committee by applying again and again needs as many deposits until then, and as many chips afterwards.
//! * *A certificate is revoked.* Anybody submits the issuer's list, which must be newer than the one there.
//! * *What members were let in by changes*: a root, a list, a model, a policy. Members' evidence is looked at again
//!   ([`Pallet::review`]). Whose is not good any more may stay for [`Parameters::overlap`] blocks, in which it may update
//!   its firmware or `choose_policy`; then it is removed.
//!
//! ## Terminology
//! * *round*: one application, by its number.
//! * *votes*: a member's seats, or its weight where all sit.
//! * *opened*: votes of members whose question was answered, as they revealed.
//!
//! ## Properties
//! 1. *One round a key*: an attestation key, an account and a key for seals are each in at most one round. Not an
//!    endorsement key: its certificate is public, and whoever copies it could keep its owner out. What somebody says of
//!    a chip counts against that chip only once the chip has answered.
//! 2. *Every state has an exit*: from each phase a round ends by a call that needs nobody's leave, at the latest after
//!    its last deadline. Only the applicant's deposit is ever at stake.
//! 3. *Held is the sum*: what is held for [`HoldReason::Application`] is the sum of the deposits of live rounds and of
//!    those in [`Kept`].
//! 4. *Nobody is framed*: what costs a member anything was signed by that member, or is its silence after it sat down.
//!    Both cost what a missed duty costs ([`Config::OnFault`]).
//! 5. *Constant work*: a block notes one contribution. Rounds are touched by calls alone.
//! 6. *Evidence is judged by the rules of the day*: nobody stays whose evidence the rules of today would refuse, for
//!    longer than the overlap, once its duty comes up. Looking at a member again is free, and possible once for each
//!    change of the rules.
//! 7. *No committee without the seed*: nobody sits before all of the seed's blocks are there.
//!
//! ## Panics
//! At genesis only: if its parameters, roots or policies cannot be.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod evidence;
mod impls;
mod members;
#[cfg(test)]
mod mock;
mod review;
mod rounds;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use evidence::{Checked, StoredRoots};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Where this pallet logs to.
pub const LOG_TARGET: &str = "runtime::admission";

/// Blocks whose contributions are remembered. A round whose members do not sit within so many blocks has no seed.
pub const REMEMBERED: u32 = 256;

#[frame_support::pallet]
pub mod pallet {
	use alloc::{boxed::Box, vec::Vec};
	use ep_poet::AuthorityId;
	use ep_tpm::{
		certificate::{Fingerprint, Role, StoredCertificate},
		model::{Denylist, TierTable},
		policy::PlatformPolicy,
		Name,
	};
	use ep_trust::{Application, Dossier, Judgement, Quote, Round, SeatClaim, VerdictCertificate};
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{hold::Inspect as _, hold::Mutate, Inspect},
			EnsureOrigin,
		},
	};
	use frame_system::pallet_prelude::*;
	use sp_core::{sr25519, H160, H256};
	use sp_runtime::traits::UniqueSaturatedInto;

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// An amount.
	pub type BalanceOf<T> = <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;
	/// A round as stored.
	pub type RoundOf<T> = RoundState<<T as frame_system::Config>::AccountId, BalanceOf<T>>;
	/// Session keys.
	pub type KeysOf<T> = <T as pallet_session::Config>::Keys;
	/// Session keys, encoded, and proofs that somebody holds them.
	pub type KeyBytes = BoundedVec<u8, ConstU32<256>>;
	/// A revocation list, DER.
	pub type List = BoundedVec<u8, ConstU32<{ 64 * 1024 }>>;

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		frame_system::Config<Hash = H256> + pallet_timestamp::Config<Moment = u64> + pallet_trust::Config
	{
		/// Who governs roots, policies and parameters.
		type GovernOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// Holds deposits.
		type Currency: Mutate<Self::AccountId, Reason = <Self as Config>::RuntimeHoldReason>;
		/// What is held for.
		type RuntimeHoldReason: From<HoldReason>;
		/// Author and VRF output of the block being executed.
		type Draw: Get<Option<(AuthorityId, [u8; 32])>>;
		/// Genesis hash.
		type GenesisHash: Get<H256>;
		/// Who gets deposits that are lost.
		type ForfeitTo: Get<Self::AccountId>;
		/// Told of members who fail in a committee.
		type OnFault: ep_trust::score::OnFault;
		/// Told of rounds that committees conclude.
		type OnConclude: ep_trust::committee::OnConclude;
		/// Told of members' addresses.
		type OnAnchor: ep_trust::anchor::OnAnchor;
		/// Most rounds at a time.
		#[pallet::constant]
		type MaxRounds: Get<u32>;
		/// Weights of calls and hooks.
		type WeightInfo: WeightInfo;
	}

	/// Why an account's funds are held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// It has applied.
		Application,
	}

	/// Periods, sizes, amounts.
	#[pallet::storage]
	pub type Settings<T: Config> = StorageValue<_, Parameters<BalanceOf<T>>>;

	/// Where verdicts are read beside this chain. Zero until a contract is deployed.
	#[pallet::storage]
	pub type AnchorChain<T> = StorageValue<_, Anchor, ValueQuery>;

	/// Manufacturers' certificates, by the hash of their subject.
	#[pallet::storage]
	pub type Roots<T> =
		StorageMap<_, Blake2_128Concat, [u8; 32], BoundedVec<StoredCertificate, ConstU32<4>>, ValueQuery>;

	/// Revocation lists, by the hash of their issuer.
	#[pallet::storage]
	pub type Lists<T> = StorageMap<_, Blake2_128Concat, [u8; 32], List>;

	/// What models of chips are.
	#[pallet::storage]
	pub type Tiers<T> = StorageValue<_, TierTable, ValueQuery>;

	/// Models and firmware that are known to be broken.
	#[pallet::storage]
	pub type Denied<T> = StorageValue<_, Denylist, ValueQuery>;

	/// What platforms may look like, and when.
	#[pallet::storage]
	pub type Policies<T> = StorageMap<_, Twox64Concat, u32, GovernedPolicy>;

	/// What the last blocks contributed, by height modulo [`REMEMBERED`].
	#[pallet::storage]
	pub type Contributions<T> = StorageMap<_, Twox64Concat, u32, Contribution>;

	/// The next round's number.
	#[pallet::storage]
	pub type NextRound<T> = StorageValue<_, Round, ValueQuery>;

	/// Number of live rounds.
	#[pallet::storage]
	pub type RoundCount<T> = StorageValue<_, u32, ValueQuery>;

	/// Live rounds.
	#[pallet::storage]
	pub type Rounds<T: Config> = StorageMap<_, Twox64Concat, Round, RoundOf<T>>;

	/// What was handed in, of live rounds.
	#[pallet::storage]
	pub type Applications<T: Config> = StorageMap<_, Twox64Concat, Round, (Application, KeyBytes)>;

	/// Who sits in a round.
	#[pallet::storage]
	pub type Seats<T> = StorageDoubleMap<_, Twox64Concat, Round, Blake2_128Concat, AuthorityId, Seating>;

	/// Answers of live rounds, and the quote that came with them.
	#[pallet::storage]
	pub type AnswersOf<T> = StorageMap<_, Twox64Concat, Round, (Answers, Quote)>;

	/// The round that an attestation key is in.
	#[pallet::storage]
	pub type ByAttestationKey<T> = StorageMap<_, Blake2_128Concat, Name, Round>;

	/// The round that an account is in.
	#[pallet::storage]
	pub type ByAccount<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Round>;

	/// The round that a key for seals is in.
	#[pallet::storage]
	pub type ByAuthor<T> = StorageMap<_, Blake2_128Concat, AuthorityId, Round>;

	/// Until which block a chip that showed itself may not apply again.
	#[pallet::storage]
	pub type CoolingDown<T> = StorageMap<_, Blake2_128Concat, [u8; 32], u32>;

	/// Deposits of applicants whose chips have not shown themselves, and the last block in which they are held.
	#[pallet::storage]
	pub type Kept<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, (BalanceOf<T>, u32)>;

	/// Members' addresses on the Elastos Smart Chain.
	#[pallet::storage]
	pub type Anchors<T> = StorageMap<_, Blake2_128Concat, AuthorityId, H160>;

	/// Whose address it is.
	#[pallet::storage]
	pub type AnchorOwners<T> = StorageMap<_, Blake2_128Concat, H160, AuthorityId>;

	/// What members were admitted on, so that anybody can look again.
	#[pallet::storage]
	pub type Dossiers<T> = StorageMap<_, Blake2_128Concat, AuthorityId, Dossier>;

	/// On what grounds members are in.
	#[pallet::storage]
	pub type GroundsOf<T> = StorageMap<_, Blake2_128Concat, AuthorityId, Grounds>;

	/// How often what members are let in by has changed.
	#[pallet::storage]
	pub type Revision<T> = StorageValue<_, u32, ValueQuery>;

	/// What a chain begins with.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Without any nobody can apply until some are set.
		pub parameters: Option<Parameters<BalanceOf<T>>>,
		/// Manufacturers' certificates, DER, in hexadecimal. Those that are their own issuer are roots.
		#[serde(with = "crate::evidence::hexadecimal")]
		pub roots: Vec<Vec<u8>>,
		/// What platforms may look like; numbered from 0 on. They hold for ever.
		pub policies: Vec<PlatformPolicy>,
		/// Addresses of the first members.
		pub anchors: Vec<(AuthorityId, H160)>,
		/// Where verdicts are read beside this chain.
		pub anchor: Anchor,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			if let Some(parameters) = self.parameters {
				assert_eq!(parameters.check(), Ok(()), "the parameters of admission must be possible");
				Settings::<T>::put(parameters);
			}
			for root in &self.roots {
				let done = StoredCertificate::of(root)
					.map_err(|error| alloc::format!("{error}"))
					.and_then(|root| Pallet::<T>::insert_root(root).map_err(|error| alloc::format!("{error:?}")));
				assert_eq!(done, Ok(()), "a root of genesis is refused");
			}
			for (number, policy) in (0..).zip(&self.policies) {
				assert_eq!(policy.check_form(), Ok(()), "policy {number} of genesis is refused");
				Policies::<T>::insert(number, GovernedPolicy::always(policy.clone()));
			}
			for (author, anchor) in &self.anchors {
				assert!(Pallet::<T>::set_anchor(author, *anchor).is_ok(), "an address of genesis is there twice");
			}
			AnchorChain::<T>::put(self.anchor);
			Tiers::<T>::put(TierTable::defaults());
			// A chain that gives software a weight is a test, and its members have nothing else.
			let software = self.parameters.is_some_and(|parameters| parameters.caps.software > 0);
			let denied = Denylist::defaults();
			Denied::<T>::put(if software { denied.without_software() } else { denied });
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Somebody applied.
		Applied {
			/// The round.
			round: Round,
			/// Who.
			account: T::AccountId,
			/// The last block of each phase.
			until: Deadlines,
		},
		/// A member sat down, and asks the applicant's chip.
		Seated {
			/// The round.
			round: Round,
			/// The member.
			author: AuthorityId,
			/// Its votes.
			votes: u64,
		},
		/// The applicant answered.
		Answered {
			/// The round.
			round: Round,
			/// How many questions.
			questions: u32,
		},
		/// A challenger revealed.
		Revealed {
			/// The round.
			round: Round,
			/// The challenger.
			author: AuthorityId,
			/// What became of its question.
			outcome: Opening,
		},
		/// A round is over.
		Closed {
			/// The round.
			round: Round,
			/// Who had applied.
			account: T::AccountId,
			/// How it ended.
			outcome: Outcome,
			/// Until which block its deposit is kept, if it is.
			kept: Option<u32>,
		},
		/// A member failed in its duty.
		Failed {
			/// The round.
			round: Round,
			/// The member.
			author: AuthorityId,
			/// How.
			fault: Fault,
		},
		/// A certificate is trusted.
		RootAdded {
			/// Its SHA-256.
			fingerprint: Fingerprint,
			/// What for.
			role: Role,
		},
		/// A certificate is not trusted any more.
		RootRemoved {
			/// Its SHA-256.
			fingerprint: Fingerprint,
		},
		/// A revocation list took effect.
		ListUpdated {
			/// Hash of its issuer.
			issuer: [u8; 32],
		},
		/// A policy is there, or changed, or is gone.
		PolicySet {
			/// Its number.
			policy: u32,
			/// Whether it is there.
			present: bool,
		},
		/// Parameters changed.
		ParametersSet,
		/// A member's evidence was looked at again.
		Reviewed {
			/// The member.
			author: AuthorityId,
			/// What is wrong with it, if anything is.
			lapse: Option<Lapse>,
			/// The last block in which it may stay, if anything is.
			stays: Option<u32>,
		},
		/// A member's address on the Elastos Smart Chain is another now.
		AnchorSet {
			/// The member.
			author: AuthorityId,
			/// The address.
			anchor: H160,
		},
		/// A member's platform has to meet another policy now.
		PolicyChosen {
			/// The member.
			author: AuthorityId,
			/// The policy.
			policy: u32,
		},
	}

	#[pallet::error]
	#[cfg_attr(test, derive(PartialEq))]
	pub enum Error<T> {
		/// Nobody can apply: there are no parameters yet.
		Closed,
		/// There are [`Config::MaxRounds`] rounds. Apply later.
		TooManyRounds,
		/// The account, the attestation key or the key for seals is in a round.
		InARound,
		/// The chip was refused not long ago, or the account did not show one.
		CoolingDown,
		/// There is no such round.
		NoSuchRound,
		/// There is no such policy.
		NoSuchPolicy,
		/// The policy holds in other blocks than this.
		PolicyNotInForce,
		/// The round is not that far, or farther.
		OtherPhase,
		/// The blocks of the seed are not there yet, or are forgotten.
		NoSeed,
		/// The block in the nonce is too old, or not there.
		NotRecent,
		/// The EK certificate is refused.
		BadCertificate,
		/// The EK's public area is not that of the certified key, or not an endorsement key's.
		BadEndorsementKey,
		/// The chip's other endorsement key stands for it: see [`ep_tpm::model::EkKind`].
		OtherEndorsementKey,
		/// The model is in no tier that is let in.
		ModelNotLetIn,
		/// The model or its firmware is known to be broken.
		ModelDenied,
		/// The attestation key's public area is not that of an author's attestation key.
		BadAttestationKey,
		/// The quote is not by the AK under that EK, not over the nonce, or not of the policy's PCRs.
		BadQuote,
		/// The platform is not as the policy wants it.
		PolicyNotMet,
		/// The session keys are not proven to be held, or not those of the application.
		BadKeys,
		/// A session key is registered for another account: `session.purgeKeys` frees it.
		KeysTaken,
		/// The address is zero, another member's, or not of a key that was shown.
		BadAnchor,
		/// It is not a member, or weighed nothing in the round's epoch.
		NotAMember,
		/// The signature is not the member's.
		BadSignature,
		/// It sits already.
		AlreadySeated,
		/// The VRF is not the member's over the seed.
		BadVrf,
		/// The lot gives no seat.
		NoSeat,
		/// The committee is full.
		CommitteeFull,
		/// The member has no address to sign verdicts with.
		NoAnchor,
		/// Not the applicant's account.
		NotTheApplicant,
		/// The answers are of members with no more than two thirds of the votes.
		TooFewAnswers,
		/// An answer is to somebody who does not sit, or there twice.
		NotAsked,
		/// It revealed already.
		AlreadyRevealed,
		/// That is not what the member committed to.
		NotCommitted,
		/// The certificate proves nothing.
		BadVerdict,
		/// Nobody who was not questioned enough is admitted.
		NotOpened,
		/// The last deadline has not passed, and nothing has failed yet.
		NotExpired,
		/// The register does not take the applicant: what was free when it applied is taken now.
		CannotJoin,
		/// The certificate is none for the store.
		BadRoot,
		/// The certificate is there already.
		KnownRoot,
		/// There are too many certificates with this subject.
		TooManyRoots,
		/// There is no such certificate.
		UnknownRoot,
		/// The list is refused: not its issuer's, or not newer.
		BadList,
		/// The policy, the parameters or the tables of models cannot be.
		BadSettings,
		/// The member's evidence was looked at since the rules changed, and nothing is wrong with it.
		NotDue,
		/// The policy leaves PCRs open, and takes a committee that sees the boot event log: leave, and join under it.
		NeedsCommittee,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			if let Some((author, output)) = T::Draw::get() {
				let block: u32 = now.unique_saturated_into();
				Contributions::<T>::insert(block % REMEMBERED, Contribution { block, author, output });
			}
			<T as Config>::WeightInfo::on_initialize()
		}

		fn integrity_test() {
			assert!(T::MaxRounds::get() > 0, "somebody must be able to apply");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call(weight = <T as Config>::WeightInfo)]
	impl<T: Config> Pallet<T> {
		/// Applies for membership with a chip's evidence. A deposit is held until the round ends.
		///
		/// `keys` are the session keys, `proof` shows that the node holds them: its owner is the account, encoded.
		///
		/// # Errors
		/// Every [`Error`] about evidence and keys, [`Error::Closed`], [`Error::TooManyRounds`], [`Error::InARound`],
		/// [`Error::CoolingDown`], those of the register, and too little money.
		#[pallet::call_index(0)]
		pub fn apply(
			origin: OriginFor<T>,
			application: Box<Application>,
			keys: KeysOf<T>,
			proof: KeyBytes,
		) -> DispatchResult {
			let account = ensure_signed(origin)?;
			Self::do_apply(account, *application, keys, &proof)
		}

		/// A member takes its seats, and asks the applicant's chip. Feeless: signed by the member's key over
		/// [`ep_trust::nonce::statement`] of `sit`, VRF and challenge.
		///
		/// # Errors
		/// None. What is wrong makes the transaction invalid, as `Custom(n)` where n is the index of the [`Error`].
		#[pallet::call_index(1)]
		#[pallet::authorize(|_, round, claim, signature| Self::authorize_sit(*round, claim, signature))]
		pub fn sit(
			origin: OriginFor<T>,
			round: Round,
			claim: Box<SeatClaim>,
			signature: sr25519::Signature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			// Authorisation has looked at it.
			let _ = signature;
			Self::do_sit(round, *claim)
		}

		/// The applicant answers questions worth more than two thirds of the votes that there should be, and quotes.
		///
		/// # Errors
		/// [`Error::NoSuchRound`], [`Error::NotTheApplicant`], [`Error::OtherPhase`], [`Error::TooFewAnswers`],
		/// [`Error::NotAsked`], [`Error::NoSuchPolicy`], [`Error::BadQuote`], [`Error::PolicyNotMet`].
		#[pallet::call_index(2)]
		pub fn answer(origin: OriginFor<T>, round: Round, answers: Answers, quote: Box<Quote>) -> DispatchResult {
			let account = ensure_signed(origin)?;
			Self::do_answer(&account, round, answers, *quote)
		}

		/// A challenger shows what its question derived from. Feeless, signed like [`Self::sit`], over `reveal`.
		///
		/// # Errors
		/// None, as [`Self::sit`].
		#[pallet::call_index(3)]
		#[pallet::authorize(|_, round, author, secret, signature| {
			Self::authorize_reveal(*round, author, secret, signature)
		})]
		pub fn reveal(
			origin: OriginFor<T>,
			round: Round,
			author: AuthorityId,
			secret: [u8; 32],
			signature: sr25519::Signature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			let _ = signature;
			Self::do_reveal(round, author, secret)
		}

		/// Ends a round with the committee's verdict. Feeless: the certificate is the permission.
		///
		/// # Errors
		/// None. What is wrong makes the transaction invalid, as `Custom(n)` where n is the index of the [`Error`]:
		/// [`Error::NoSuchRound`], [`Error::OtherPhase`], [`Error::NotOpened`], [`Error::BadVerdict`],
		/// [`Error::CannotJoin`], [`Error::CoolingDown`] if the chip was refused in another round meanwhile.
		#[pallet::call_index(4)]
		#[pallet::authorize(|_, round, judgement, certificate| {
			Self::authorize_conclude(*round, *judgement, certificate)
		})]
		pub fn conclude(
			origin: OriginFor<T>,
			round: Round,
			judgement: Judgement,
			certificate: VerdictCertificate,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			// Authorisation has looked at it.
			Self::do_conclude(round, judgement, certificate)
		}

		/// The applicant takes its application back. Its deposit is kept for a while unless its chip has shown itself.
		///
		/// # Errors
		/// [`Error::NoSuchRound`], [`Error::NotTheApplicant`].
		#[pallet::call_index(5)]
		pub fn withdraw(origin: OriginFor<T>, round: Round) -> DispatchResult {
			let account = ensure_signed(origin)?;
			let state = Rounds::<T>::get(round).ok_or(Error::<T>::NoSuchRound)?;
			ensure!(state.account == account, Error::<T>::NotTheApplicant);
			Self::close(round, state, Outcome::Withdrawn)
		}

		/// Ends a round that cannot go on, or whose last deadline has passed. Feeless: time is the permission.
		///
		/// # Errors
		/// None, as [`Self::conclude`]: [`Error::NoSuchRound`], [`Error::NotExpired`].
		#[pallet::call_index(6)]
		#[pallet::authorize(|_, round| Self::authorize_expire(*round))]
		pub fn expire(origin: OriginFor<T>, round: Round) -> DispatchResult {
			ensure_authorized(origin)?;
			let state = Rounds::<T>::get(round).ok_or(Error::<T>::NoSuchRound)?;
			Self::close(round, state, Outcome::Expired)
		}

		/// Submits an issuer's newer revocation list. The issuer must be in the store.
		///
		/// # Errors
		/// [`Error::BadList`].
		#[pallet::call_index(7)]
		pub fn submit_list(origin: OriginFor<T>, list: List) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_submit_list(list)
		}

		/// Trusts a manufacturer's certificate.
		///
		/// # Errors
		/// [`Error::BadRoot`], [`Error::KnownRoot`], [`Error::TooManyRoots`].
		#[pallet::call_index(8)]
		pub fn add_root(origin: OriginFor<T>, role: Role, certificate: ep_trust::CertificateBytes) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			let stored = StoredCertificate::new(role, &certificate).map_err(|_| Error::<T>::BadRoot)?;
			let fingerprint = stored.fingerprint();
			Self::insert_root(stored)?;
			Self::rules_changed();
			Self::deposit_event(Event::RootAdded { fingerprint, role });
			Ok(())
		}

		/// Trusts a certificate no more.
		///
		/// # Errors
		/// [`Error::UnknownRoot`].
		#[pallet::call_index(9)]
		pub fn remove_root(origin: OriginFor<T>, subject: [u8; 32], fingerprint: Fingerprint) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			Roots::<T>::try_mutate_exists(subject, |found| -> DispatchResult {
				let mut roots = found.take().ok_or(Error::<T>::UnknownRoot)?;
				let before = roots.len();
				roots.retain(|root| root.fingerprint() != fingerprint);
				ensure!(roots.len() < before, Error::<T>::UnknownRoot);
				*found = (!roots.is_empty()).then_some(roots);
				Ok(())
			})?;
			Self::rules_changed();
			Self::deposit_event(Event::RootRemoved { fingerprint });
			Ok(())
		}

		/// Sets a policy, or takes it away.
		///
		/// # Errors
		/// [`Error::BadSettings`] if nothing could meet it, or if it ends before it begins.
		#[pallet::call_index(10)]
		pub fn set_policy(origin: OriginFor<T>, number: u32, policy: Option<GovernedPolicy>) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			if let Some(policy) = &policy {
				policy.platform.check_form().map_err(|_| Error::<T>::BadSettings)?;
				ensure!(policy.from <= policy.until, Error::<T>::BadSettings);
			}
			let present = policy.is_some();
			Policies::<T>::set(number, policy);
			Self::rules_changed();
			Self::deposit_event(Event::PolicySet { policy: number, present });
			Ok(())
		}

		/// Sets parameters, for rounds that begin from now on.
		///
		/// # Errors
		/// [`Error::BadSettings`].
		#[pallet::call_index(11)]
		pub fn set_parameters(origin: OriginFor<T>, parameters: Parameters<BalanceOf<T>>) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			parameters.check().map_err(|_| Error::<T>::BadSettings)?;
			Settings::<T>::put(parameters);
			Self::rules_changed();
			Self::deposit_event(Event::ParametersSet);
			Ok(())
		}

		/// Sets what models are, and which are denied.
		///
		/// # Errors
		/// [`Error::BadSettings`].
		#[pallet::call_index(12)]
		pub fn set_models(origin: OriginFor<T>, tiers: TierTable, denied: Denylist) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			tiers.check_form().and(denied.check_form()).map_err(|_| Error::<T>::BadSettings)?;
			Tiers::<T>::put(tiers);
			Denied::<T>::put(denied);
			Self::rules_changed();
			Self::deposit_event(Event::ParametersSet);
			Ok(())
		}

		/// Gives a member whom no committee let in its address on the Elastos Smart Chain: without one it cannot sit.
		///
		/// # Errors
		/// [`Error::NotAMember`], [`Error::BadAnchor`].
		#[pallet::call_index(13)]
		#[pallet::weight(<T as Config>::WeightInfo::set_parameters())]
		pub fn set_anchor_of(origin: OriginFor<T>, author: AuthorityId, anchor: H160) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			ensure!(pallet_trust::Members::<T>::contains_key(&author), Error::<T>::NotAMember);
			Self::set_anchor(&author, anchor)?;
			Ok(())
		}

		/// Sets where verdicts are read beside this chain. Signatures that were given for another place are void.
		#[pallet::call_index(14)]
		#[pallet::weight(<T as Config>::WeightInfo::set_parameters())]
		pub fn set_anchor_chain(origin: OriginFor<T>, anchor: Anchor) -> DispatchResult {
			T::GovernOrigin::ensure_origin(origin)?;
			AnchorChain::<T>::put(anchor);
			Self::deposit_event(Event::ParametersSet);
			Ok(())
		}

		/// Gives an account its deposit back that was kept. Anybody may, when it is time.
		///
		/// # Errors
		/// [`Error::CoolingDown`] before it is time. None if nothing is kept.
		#[pallet::call_index(15)]
		#[pallet::weight(<T as Config>::WeightInfo::withdraw())]
		pub fn reclaim(origin: OriginFor<T>, account: T::AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::give_back(&account)
		}

		/// Looks at a member's evidence again, by the rules of today. Feeless: that it is due is the permission.
		///
		/// Whose evidence is not good any more may stay for [`Parameters::overlap`] blocks; the next review after that
		/// removes it.
		///
		/// # Errors
		/// None, as [`Self::conclude`]: [`Error::NotAMember`] for who is none, was let in by no committee, leaves or is
		/// suspended; [`Error::NotDue`].
		#[pallet::call_index(16)]
		#[pallet::authorize(|_, author| Self::authorize_review(author))]
		pub fn review(origin: OriginFor<T>, author: AuthorityId) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_review(author)
		}

		/// A member's key for the Elastos Smart Chain is another from now on. Rounds that it sits in keep the old one.
		///
		/// `proof` is the new key's signature over [`ep_trust::nonce::anchor`].
		///
		/// # Errors
		/// [`Error::NotAMember`], [`Error::BadAnchor`].
		#[pallet::call_index(17)]
		pub fn rotate_anchor(origin: OriginFor<T>, anchor: H160, proof: [u8; 65]) -> DispatchResult {
			let account = ensure_signed(origin)?;
			let author = pallet_trust::Accounts::<T>::get(&account).ok_or(Error::<T>::NotAMember)?;
			Self::check_anchor_proof(&author, anchor, &proof)?;
			Self::set_anchor(&author, anchor)?;
			Self::deposit_event(Event::AnchorSet { author, anchor });
			Ok(())
		}

		/// A member's platform is to meet another policy from now on: from its next duty on its quotes are judged by that.
		///
		/// # Errors
		/// [`Error::NotAMember`] for who is none or was let in by no committee, [`Error::NoSuchPolicy`],
		/// [`Error::PolicyNotInForce`], [`Error::NeedsCommittee`].
		#[pallet::call_index(18)]
		pub fn choose_policy(origin: OriginFor<T>, policy: u32) -> DispatchResult {
			let account = ensure_signed(origin)?;
			Self::do_choose_policy(&account, policy)
		}
	}

	impl<T: Config> Pallet<T> {
		/// What is held of `account` for an application.
		pub fn held(account: &T::AccountId) -> BalanceOf<T> {
			<T as Config>::Currency::balance_on_hold(&HoldReason::Application.into(), account)
		}
	}
}
