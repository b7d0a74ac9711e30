//! What the pallet answers to others.

use alloc::{boxed::Box, vec::Vec};
use ep_poet::{
	api::MemberInfo, digest::find_pre_digest, lottery, retarget::Window, AuthorityId, Contestant, EquivocationProof,
	Lottery, Mean, Members, OnMemberGone, PreDigest,
};
use frame_support::{
	traits::{EstimateNextSessionRotation, FindAuthor, Get, OnTimestampSet},
	weights::Weight,
	ConsensusEngineId,
};
use frame_system::{
	offchain::{CreateAuthorizedTransaction, SubmitTransaction},
	pallet_prelude::{BlockNumberFor, HeaderFor},
};
use sp_runtime::{
	traits::{UniqueSaturatedInto, Zero},
	Digest, DigestItem, Permill,
};

use crate::{
	Accumulator, Call, Config, CurrentBlock, EpochRandomness, Genesis, LastTimestamp, NextMean, Pallet, Parameters,
	Record, Records, RetargetWindow,
};

/// Parameters of a chain whose specification gives none: blocks every 6 s.
pub(crate) const DEFAULT_PARAMETERS: ep_poet::Parameters =
	ep_poet::Parameters { target: 6_000, minimum_wait: 600, overhead: 600, max_slack: 60_000, epoch_length: 600 };

/// Most members that [`Pallet::members`] gives at once.
const PAGE: u32 = 256;

impl<T: Config> Pallet<T> {
	/// The parameters of the lottery.
	pub fn parameters() -> ep_poet::Parameters {
		Parameters::<T>::get().unwrap_or(DEFAULT_PARAMETERS)
	}

	/// Height of the block being executed, or of the one whose state this is.
	pub fn height() -> u64 {
		frame_system::Pallet::<T>::block_number().unique_saturated_into()
	}

	/// Epoch of the block being executed, or of the one whose state this is.
	pub fn current_epoch() -> u64 {
		Self::parameters().epoch_of(Self::height())
	}

	/// Epoch of the next block.
	pub fn epoch_of_next() -> u64 {
		Self::parameters().epoch_of(Self::height().saturating_add(1))
	}

	/// Randomness of the current epoch.
	pub fn randomness() -> [u8; 32] {
		EpochRandomness::<T>::get()
	}

	/// Whether an epoch after the first begins with `height`.
	pub fn begins_epoch(height: u64) -> bool {
		height > 0 && height.is_multiple_of(u64::from(Self::parameters().epoch_length.max(1)))
	}

	/// The retarget window; before block 1, one as if every member of genesis had always been online.
	pub(crate) fn window() -> Window {
		RetargetWindow::<T>::get()
			.unwrap_or_else(|| Window::new(T::Members::total_weight(0), Self::parameters().mean_excess()))
	}

	/// Local mean of the next block.
	pub fn mean() -> Mean {
		NextMean::<T>::get().unwrap_or_else(|| Self::window().mean(Self::parameters().mean_excess()))
	}

	/// Randomness at `height`, which is that of the last finished block plus one.
	pub(crate) fn randomness_at(height: u64) -> [u8; 32] {
		let now = EpochRandomness::<T>::get();
		if Self::begins_epoch(height) {
			lottery::next_randomness(&now, &Accumulator::<T>::get())
		} else {
			now
		}
	}

	/// The lottery that the block at `height`, being executed, was drawn in; its epoch has been begun.
	pub(crate) fn lottery_at(height: u64) -> Lottery {
		let parameters = Self::parameters();
		Lottery {
			genesis: Genesis::<T>::get(),
			height,
			epoch: parameters.epoch_of(height),
			randomness: EpochRandomness::<T>::get(),
			mean: Self::mean(),
			parent_timestamp: LastTimestamp::<T>::get(),
			parameters,
		}
	}

	/// The lottery of the next height, asked at the end of a block.
	///
	/// At genesis the genesis hash is zero: the caller puts it in.
	pub fn lottery() -> Lottery {
		let height = Self::height().saturating_add(1);
		Lottery { randomness: Self::randomness_at(height), ..Self::lottery_at(height) }
	}

	/// The member with this key, if it takes part in the next height's lottery.
	///
	/// `last` lacks the wait of the block itself, if this member sealed it: see property 3 of this crate.
	pub fn contestant(author: AuthorityId) -> Option<Contestant> {
		let member = T::Members::contestant(&author, Self::epoch_of_next())?;
		let record = Records::<T>::get(&author);
		Some(Contestant {
			weight: member.weight,
			ak_public: member.ak_public,
			ek_name: member.ek_name,
			rate: record.rate.rate(),
			last: record.last,
		})
	}

	/// At most 256 members, from index `from` on, with their weights at the next height.
	pub fn members(from: u32) -> Vec<MemberInfo> {
		let with_record = |(author, weight)| {
			let record = Records::<T>::get(&author);
			MemberInfo { author, weight, rate: record.rate.rate(), claims: record.claims }
		};
		T::Members::page(from, PAGE, Self::epoch_of_next()).into_iter().map(with_record).collect()
	}

	/// Author of the block being executed.
	pub fn author() -> Option<AuthorityId> {
		CurrentBlock::<T>::get().map(|block| block.author)
	}

	/// Author of the block being executed, and what its VRF output contributes to randomness.
	pub fn draw() -> Option<(AuthorityId, [u8; 32])> {
		CurrentBlock::<T>::get().map(|block| (block.author, block.contribution))
	}

	/// Puts a report into the transaction pool. `None` if it proves nothing or the pool does not take it.
	pub fn submit_equivocation_report(proof: EquivocationProof<HeaderFor<T>>) -> Option<()>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		Self::check_report(&proof).ok()?;
		let call = Call::report_equivocation { proof: Box::new(proof) };
		let transaction = T::create_authorized_transaction(call.into());
		SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).ok()
	}

	/// Checks that the stored items agree with each other.
	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;

		let parameters = Parameters::<T>::get().ok_or("there are no parameters")?;
		parameters.check()?;
		ensure!(CurrentBlock::<T>::get().is_none(), "no block is being executed");
		ensure!(!crate::ParentNoted::<T>::exists(), "no block is being executed");
		let started = Self::height() > 0;
		ensure!(RetargetWindow::<T>::exists() == NextMean::<T>::exists(), "window and mean exist together");
		ensure!(Genesis::<T>::exists() == started, "the genesis hash is known from block 1 on");
		ensure!(NextMean::<T>::exists() || !started, "the mean is known from block 1 on");
		ensure!(Self::mean() == Self::window().mean(parameters.mean_excess()), "the mean is the window's");
		let wins = Records::<T>::iter_values().fold(0u64, |sum, record| sum.saturating_add(record.claims.wins));
		ensure!(wins <= crate::TotalClaims::<T>::get().wins, "nobody won what was not won");
		Ok(())
	}
}

/// A key whose chip was taken away may come back with another one, or with the same one cleared: intervals and rates of
/// before say nothing about that. Reports stay.
impl<T: Config> OnMemberGone for Pallet<T> {
	fn on_member_gone(author: &AuthorityId) {
		Records::<T>::mutate_exists(author, |record| {
			let reported = record.take().and_then(|record| record.reported);
			*record = reported.map(|epoch| Record { reported: Some(epoch), ..Default::default() });
		});
	}
}

/// The block's time is the one that its author fixed before the wait ended.
impl<T: Config> OnTimestampSet<u64> for Pallet<T> {
	fn on_timestamp_set(moment: u64) {
		let fixed = CurrentBlock::<T>::get().map(|block| block.timestamp);
		if cfg!(feature = "runtime-benchmarks") && fixed.is_none() {
			return;
		}
		assert_eq!(fixed, Some(moment), "Timestamp must equal that of the wait certificate");
	}
}

/// The account that answers for a block's author.
impl<T: Config> FindAuthor<T::AccountId> for Pallet<T> {
	fn find_author<'a, I>(digests: I) -> Option<T::AccountId>
	where
		I: 'a + IntoIterator<Item = (ConsensusEngineId, &'a [u8])>,
	{
		let logs = digests.into_iter().map(|(id, bytes)| DigestItem::PreRuntime(id, bytes.to_vec())).collect();
		let PreDigest { author, .. } = find_pre_digest(&Digest { logs }).ok()?;
		T::Members::identity(&author, Self::current_epoch()).map(|member| member.account)
	}
}

/// A session is an epoch.
impl<T: Config> pallet_session::ShouldEndSession<BlockNumberFor<T>> for Pallet<T> {
	fn should_end_session(now: BlockNumberFor<T>) -> bool {
		Self::begins_epoch(now.unique_saturated_into())
	}
}

impl<T: Config> EstimateNextSessionRotation<BlockNumberFor<T>> for Pallet<T> {
	fn average_session_length() -> BlockNumberFor<T> {
		Self::parameters().epoch_length.into()
	}

	fn estimate_current_session_progress(now: BlockNumberFor<T>) -> (Option<Permill>, Weight) {
		let length = Self::average_session_length();
		if length.is_zero() {
			return (None, T::DbWeight::get().reads(1));
		}
		let done: u32 = (now % length).unique_saturated_into();
		let all: u32 = length.unique_saturated_into();
		(Some(Permill::from_rational(done.saturating_add(1), all)), T::DbWeight::get().reads(1))
	}

	fn estimate_next_session_rotation(now: BlockNumberFor<T>) -> (Option<BlockNumberFor<T>>, Weight) {
		let length = Self::average_session_length();
		if length.is_zero() {
			return (None, T::DbWeight::get().reads(1));
		}
		(Some(now - now % length + length), T::DbWeight::get().reads(1))
	}
}
