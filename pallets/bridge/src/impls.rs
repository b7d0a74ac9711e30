//! What the pallet answers to others, and what it is told.

use alloc::{boxed::Box, vec::Vec};
use codec::Encode;
use ep_bridge::{
	api::{OpenCheckpoint, ProvenScore},
	archive, Certified, EquivocationProof, HistoryLeaf, Landing, SignerSet,
};
use ep_poet::{AuthorityId, OnMemberGone, OnParent};
use ep_trust::{anchor::OnAnchor, committee::OnConclude, score::OnScore, SignedVerdict};
use frame_system::{
	offchain::{CreateAuthorizedTransaction, SubmitTransaction},
	pallet_prelude::HeaderFor,
};
use sp_core::H160;
use sp_mmr_primitives::LeafDataProvider;

use crate::*;

impl<T: Config> Pallet<T> {
	/// Checkpoints that wait for signatures, oldest first.
	pub fn open_checkpoints() -> Vec<OpenCheckpoint> {
		let chain = T::Register::contract();
		let open = OpenNumbers::<T>::get().into_iter().filter_map(|number| {
			let open = Open::<T>::get(number)?;
			let signers = Sets::<T>::get(open.checkpoint.signers)?.signers;
			// Signatures for another contract are none.
			let (signatures, votes) = match open.chain == chain {
				true => (open.signatures.into_inner(), open.votes),
				false => (Vec::new(), 0),
			};
			let signed = signatures.into_iter().map(|(place, _)| place.into()).collect();
			Some(OpenCheckpoint { checkpoint: open.checkpoint, chain, signers, signed, votes })
		});
		open.collect()
	}

	/// The newest certified checkpoint, or that of a height.
	pub fn certified(number: Option<u32>) -> Option<Certified> {
		CertifiedCheckpoints::<T>::get(number.or_else(Newest::<T>::get)?)
	}

	/// The set that signs now, or that of a number.
	pub fn signers(id: Option<u64>) -> Option<SignerSet> {
		Sets::<T>::get(id.unwrap_or_else(CurrentSet::<T>::get)).map(|set| set.signers)
	}

	/// A member's score, proven.
	pub fn score_proof(author: &AuthorityId) -> Option<ProvenScore> {
		Self::proven_score(author).map(|(score, proof)| ProvenScore { score, proof })
	}

	/// Puts a signature into the transaction pool.
	///
	/// # Errors
	/// The index of the [`Error`]; 255 if the pool does not take it.
	pub fn submit_signature(number: u32, address: H160, signature: [u8; 65]) -> Result<(), u8>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		Self::check_signature(number, &address, &signature).map_err(|error| Self::index_of(&error))?;
		Self::submit(Call::sign { number, address, signature })
	}

	/// Puts what a signer says of a landing into the transaction pool.
	///
	/// # Errors
	/// As [`Self::submit_signature`].
	pub fn submit_landing(landing: Landing, address: H160, signature: [u8; 65]) -> Result<(), u8>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		Self::check_landing(&landing, &address, &signature).map_err(|error| Self::index_of(&error))?;
		Self::submit(Call::attest_landing { landing, address, signature })
	}

	/// Puts a report into the transaction pool.
	///
	/// # Errors
	/// As [`Self::submit_signature`].
	pub fn submit_report(proof: EquivocationProof) -> Result<(), u8>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		Self::check_report(&proof).map_err(|error| Self::index_of(&error))?;
		Self::submit(Call::report_equivocation { proof: Box::new(proof) })
	}

	fn submit(call: Call<T>) -> Result<(), u8>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		let transaction = T::create_authorized_transaction(call.into());
		SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).map_err(|()| u8::MAX)
	}

	/// Checks that the stored items agree with each other.
	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use ep_bridge::tree;
		use frame_support::{ensure, traits::Get};

		Settings::<T>::get().check()?;
		// The tree.
		let count = LeafCount::<T>::get();
		ensure!(Leaves::<T>::iter().count() == count as usize, "leaves are dense");
		ensure!(LeafOf::<T>::iter().count() == count as usize, "a member has one leaf");
		let mut hashes = Vec::new();
		for place in 0..count {
			let leaf = Leaves::<T>::get(place).ok_or("leaves are dense")?;
			ensure!(LeafOf::<T>::get(&leaf.author) == Some(place), "a leaf is its member's");
			hashes.push(leaf.hash(place));
		}
		ensure!(tree::root(hashes) == Self::trust_root(), "the root is that of the leaves");
		let empty = Nodes::<T>::iter().any(|((row, _), hash)| hash == tree::empty(row.into()));
		ensure!(!empty, "empty subtrees are left out");
		// Signers.
		let current = CurrentSet::<T>::get();
		for (id, set) in Sets::<T>::iter() {
			ensure!(set.signers.id() == id && set.signers.check().is_ok(), "sets are sets");
			ensure!(set.authors.len() == set.signers.len(), "every signer is a member");
			ensure!(set.signers.len() <= T::MaxSigners::get() as usize, "sets are bounded");
			ensure!(id.abs_diff(current) <= 1, "sets that nobody needs are gone");
		}
		ensure!(Sets::<T>::contains_key(current), "somebody signs, or nobody can");
		// Checkpoints.
		let open = OpenNumbers::<T>::get();
		ensure!(open.is_sorted(), "open checkpoints stand in order");
		ensure!(Open::<T>::iter().count() == open.len(), "what is open is listed");
		let handover = Handover::<T>::get();
		for number in open {
			let open = Open::<T>::get(number).ok_or("what is listed is open")?;
			ensure!(open.checkpoint.number == u64::from(number), "a checkpoint stands at its height");
			let set = Sets::<T>::get(open.checkpoint.signers).ok_or("whoever signs is known")?;
			let weight = |place: u16| set.signers.signers().get(usize::from(place)).map_or(0, |signer| signer.weight);
			let votes = open.signatures.iter().fold(0u64, |sum, (place, _)| sum.saturating_add(weight(*place)));
			ensure!(votes == open.votes && !set.signers.is_quorum(votes), "what has its quorum is certified");
			ensure!(open.handover == (handover == Some(number)), "one handover at a time");
		}
		let certified = CertifiedNumbers::<T>::get();
		ensure!(CertifiedCheckpoints::<T>::iter().count() == certified.len(), "what is certified is listed");
		for (number, certified) in CertifiedCheckpoints::<T>::iter() {
			ensure!(certified.checkpoint.number == u64::from(number), "a checkpoint stands at its height");
			ensure!(certified.verify(&certified.signers.hash()).is_ok(), "certificates are good");
			let next = certified.checkpoint.signers.saturating_add(1);
			ensure!(!certified.hands_over() || Handovers::<T>::get(next) == Some(number), "handovers are listed");
		}
		ensure!(Handovers::<T>::iter_values().all(CertifiedCheckpoints::<T>::contains_key), "handovers are certified");
		ensure!(Concluded::<T>::get().is_empty(), "no block is being executed");
		Self::try_landings()
	}
}

/// What the history says of the parent.
impl<T: Config> LeafDataProvider for Pallet<T> {
	type LeafData = HistoryLeaf;

	/// [`End`] is what the parent left, wherever among the block's hooks this is asked.
	fn leaf_data() -> HistoryLeaf {
		let BlockEnd { trust_root, trust_leaves, committees } = End::<T>::get();
		HistoryLeaf {
			number: Self::height().saturating_sub(1).into(),
			block_hash: frame_system::Pallet::<T>::parent_hash(),
			trust_root,
			trust_leaves,
			committees,
		}
	}
}

impl<T: Config> OnParent<HeaderFor<T>> for Pallet<T> {
	fn on_parent(header: &HeaderFor<T>) {
		Self::open(header);
	}
}

impl<T: Config> OnScore for Pallet<T> {
	fn on_score(author: &AuthorityId, score: u64) {
		Self::set_score(author, score);
	}
}

impl<T: Config> OnAnchor for Pallet<T> {
	fn on_anchor(author: &AuthorityId, address: H160) {
		Self::set_signer(author, address);
	}
}

impl<T: Config> OnMemberGone for Pallet<T> {
	fn on_member_out(author: &AuthorityId) {
		Self::void_score(author);
	}

	fn on_member_gone(author: &AuthorityId) {
		Self::remove_leaf(author);
	}
}

impl<T: Config> OnConclude for Pallet<T> {
	fn on_conclude(signed: SignedVerdict) {
		let (round, root) = (signed.verdict.round, signed.verdict.committee);
		let proven = Concluded::<T>::mutate(|concluded| {
			let fits = concluded.try_push((round, root)).is_ok();
			if !fits {
				log::error!(target: LOG_TARGET, "round {round} is one too many in a block: its verdict stays here");
			}
			fits
		});
		// Nobody can use a verdict that no block proves.
		if proven {
			let kept = (u64::from(Self::height()), signed);
			sp_io::offchain_index::set(&archive::verdict(round), &kept.encode());
		}
	}
}
