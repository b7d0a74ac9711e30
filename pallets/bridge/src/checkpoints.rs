//! The life of a checkpoint.

use codec::Encode;
use ep_bridge::{archive, compact, history, Certificate, Certified, Checkpoint, EquivocationProof, NoOffence};
use ep_poet::{AuthorityId, OnEquivocation as _};
use ep_trust::{anchor, Round};
use frame_support::pallet_prelude::*;
use frame_system::pallet_prelude::HeaderFor;
use sp_core::{H160, H256};
use sp_runtime::traits::{Header as _, UniqueSaturatedInto};

use crate::*;

/// How many blocks a signature or a report stays in a pool.
const LONGEVITY: u64 = 64;

impl<T: Config> Pallet<T> {
	/// The block being executed.
	pub(crate) fn height() -> u32 {
		frame_system::Pallet::<T>::block_number().unique_saturated_into()
	}

	/// What the history will say of this block.
	pub(crate) fn block_end(concluded: &[(Round, H256)]) -> BlockEnd {
		BlockEnd {
			trust_root: Self::trust_root(),
			trust_leaves: LeafCount::<T>::get().into(),
			committees: history::committees(concluded),
		}
	}

	/// Remembers what holds at the end of this block, and states its checkpoint if it has one.
	pub(crate) fn end_block() {
		let concluded = Concluded::<T>::take();
		if !concluded.is_empty() {
			let parent = frame_system::Pallet::<T>::parent_hash();
			sp_io::offchain_index::set(&archive::concluded(&parent), &concluded.encode());
		}
		let (end, number) = (Self::block_end(&concluded), Self::height());
		if End::<T>::get() != end {
			End::<T>::put(end);
		}
		let handover = Handover::<T>::get() == Some(number);
		if !handover && !number.is_multiple_of(Settings::<T>::get().interval.max(1)) {
			return;
		}
		let id = CurrentSet::<T>::get();
		let Some(signers) = Sets::<T>::get(id).map(|set| set.signers).filter(|signers| !signers.is_empty()) else {
			// Nobody could sign it.
			return;
		};
		let next = handover.then(|| Sets::<T>::get(id.saturating_add(1))).flatten();
		let next_signers = next.map_or(signers, |set| set.signers).hash();
		let checkpoint = Checkpoint {
			genesis: T::GenesisHash::get(),
			epoch: T::CurrentEpoch::get(),
			number: number.into(),
			block_hash: H256::zero(),
			state_root: H256::zero(),
			history_root: T::History::root(),
			history_leaves: T::History::leaves(),
			trust_root: end.trust_root,
			trust_leaves: end.trust_leaves,
			signers: id,
			next_signers,
		};
		Unsealed::<T>::put(UnsealedCheckpoint { number, checkpoint, handover });
		if handover {
			Self::change_signers();
		}
	}

	/// Completes the parent's checkpoint, if it has one, and opens it for signatures.
	pub(crate) fn open(header: &HeaderFor<T>) {
		let Some(UnsealedCheckpoint { number, mut checkpoint, handover }) = Unsealed::<T>::take() else { return };
		let parent: u32 = (*header.number()).unique_saturated_into();
		if parent != number {
			log::error!(target: LOG_TARGET, "the checkpoint of #{number} waits for the header of #{parent}");
			return;
		}
		checkpoint.block_hash = header.hash();
		checkpoint.state_root = *header.state_root();
		let mut numbers = OpenNumbers::<T>::get();
		if numbers.is_full() {
			// The handover stays whatever comes.
			let place = numbers.iter().position(|number| Some(*number) != Handover::<T>::get());
			let dropped = numbers.remove(place.unwrap_or_default());
			Open::<T>::remove(dropped);
			Self::deposit_event(Event::Dropped { number: dropped });
		}
		// There is room now.
		let _ = numbers.try_push(number);
		OpenNumbers::<T>::put(numbers);
		Self::deposit_event(Event::Opened { number, signers: checkpoint.signers, handover });
		let chain = T::Register::contract();
		let opened = Opened { checkpoint, handover, chain, votes: 0, signatures: Default::default() };
		Open::<T>::insert(number, opened);
	}

	/// Where the signature of `address` belongs. From cheap to dear.
	///
	/// # Errors
	/// [`Error::NotOpen`], [`Error::NotASigner`], [`Error::AlreadySigned`], [`Error::BadSignature`].
	pub fn check_signature(
		number: u32,
		address: &H160,
		signature: &[u8; 65],
	) -> Result<(Opened, Set, usize), Error<T>> {
		let mut open = Open::<T>::get(number).ok_or(Error::NotOpen)?;
		let set = Sets::<T>::get(open.checkpoint.signers).ok_or(Error::NotOpen)?;
		let place = set.signers.position(address).ok_or(Error::NotASigner)?;
		let chain = T::Register::contract();
		if open.chain != chain {
			// They were given for another contract, and prove nothing to this one.
			open.signatures.clear();
			open.votes = 0;
			open.chain = chain;
		}
		ensure!(!open.signatures.iter().any(|(signed, _)| usize::from(*signed) == place), Error::AlreadySigned);
		let signer = anchor::recover(signature, &open.checkpoint.digest(&chain));
		ensure!(signer == Some(*address), Error::BadSignature);
		Ok((open, set, place))
	}

	pub(crate) fn authorize_sign(number: u32, address: &H160, signature: &[u8; 65]) -> TransactionValidityWithRefund {
		Self::check_signature(number, address, signature)
			.map_err(|error| InvalidTransaction::Custom(Self::index_of(&error)))?;
		ValidTransaction::with_tag_prefix("BridgeSignature")
			.priority(TransactionPriority::MAX / 2)
			.and_provides((number, address))
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	/// Takes a signature.
	pub(crate) fn do_sign(number: u32, address: H160, signature: [u8; 65]) -> DispatchResult {
		let (mut open, set, place) = Self::check_signature(number, &address, &signature)?;
		let weight = set.signers.signers().get(place).map_or(0, |signer| signer.weight);
		let compact = compact(&signature).ok_or(Error::<T>::BadSignature)?;
		// There is room for every signer.
		open.signatures.try_push((place as u16, compact)).map_err(|_| Error::<T>::NotASigner)?;
		open.votes = open.votes.saturating_add(weight);
		Self::deposit_event(Event::Signed { number, address });
		if set.signers.is_quorum(open.votes) {
			Self::certify(number, open, set);
		} else {
			Open::<T>::insert(number, open);
		}
		Ok(())
	}

	/// A checkpoint has its quorum.
	fn certify(number: u32, open: Opened, set: Set) {
		let Opened { checkpoint, handover, chain, votes, signatures } = open;
		let (signers, next) = (set.signers, checkpoint.signers.saturating_add(1));
		let placed = signatures.into_iter().map(|(place, signature)| (usize::from(place), signature));
		let certificate = Certificate::build(signers.len(), placed);
		let (id, total) = (signers.id(), signers.total());
		let certified = Certified { checkpoint, chain, signers, certificate };
		sp_io::offchain_index::set(&archive::certified(number.into()), &certified.encode());
		if handover {
			Handover::<T>::kill();
			Handovers::<T>::insert(next, number);
			sp_io::offchain_index::set(&archive::handover(next), &u64::from(number).encode());
		}
		Self::drop_superseded(number);
		CertifiedCheckpoints::<T>::insert(number, certified);
		CertifiedNumbers::<T>::mutate(|numbers| {
			if numbers.is_full() {
				Self::forget(numbers.remove(0));
			}
			// There is room now.
			let _ = numbers.try_push(number);
		});
		if Newest::<T>::get().is_none_or(|newest| newest < number) {
			Newest::<T>::put(number);
		}
		Self::deposit_event(Event::Certified { number, signers: id, votes, total });
	}

	/// Drops open checkpoints that the contract would refuse after that of `number`, and that one, which is done. The
	/// handover stays: nothing can follow it otherwise.
	fn drop_superseded(number: u32) {
		let handover = Handover::<T>::get();
		OpenNumbers::<T>::mutate(|numbers| {
			numbers.retain(|open| {
				let stays = *open > number || Some(*open) == handover;
				if !stays {
					Open::<T>::remove(open);
					if *open != number {
						Self::deposit_event(Event::Dropped { number: *open });
					}
				}
				stays
			});
		});
	}

	/// Forgets a certified checkpoint. Nodes have it beside the state.
	fn forget(number: u32) {
		Landings::<T>::remove(number);
		if let Some(certified) = CertifiedCheckpoints::<T>::take(number) {
			if certified.hands_over() {
				Handovers::<T>::remove(certified.checkpoint.signers.saturating_add(1));
			}
		}
	}

	/// Who has signed two checkpoints of one height. From cheap to dear.
	///
	/// # Errors
	/// The rules of [`NoOffence`], [`Error::UnknownSigner`], [`Error::AlreadyReported`].
	pub fn check_report(proof: &EquivocationProof) -> Result<AuthorityId, Error<T>> {
		let address = proof.check(&T::GenesisHash::get()).map_err(|rule| match rule {
			NoOffence::Genesis => Error::OtherGenesis,
			NoOffence::Height => Error::OtherHeight,
			NoOffence::Different => Error::SameCheckpoint,
			NoOffence::Signer => Error::OtherSigner,
		})?;
		let author = Self::owner(&address).ok_or(Error::UnknownSigner)?;
		let reported = Reported::<T>::get(&author);
		ensure!(reported.is_none_or(|height| height < proof.first.checkpoint.number), Error::AlreadyReported);
		Ok(author)
	}

	pub(crate) fn authorize_report(proof: &EquivocationProof) -> TransactionValidityWithRefund {
		let author = Self::check_report(proof).map_err(|error| InvalidTransaction::Custom(Self::index_of(&error)))?;
		ValidTransaction::with_tag_prefix("BridgeEquivocation")
			.priority(TransactionPriority::MAX)
			.and_provides(author)
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	pub(crate) fn do_report(proof: &EquivocationProof) -> DispatchResult {
		let author = Self::check_report(proof)?;
		let number = proof.first.checkpoint.number;
		Reported::<T>::insert(&author, number);
		if !T::OnEquivocation::on_equivocation(&author) {
			log::info!(target: LOG_TARGET, "the equivocation of {author:?} changes nothing");
		}
		log::warn!(target: LOG_TARGET, "{author:?} signed two checkpoints of #{number}");
		Self::deposit_event(Event::EquivocationReported { author, number });
		Ok(())
	}

	/// The index of an error, as transactions that authorise themselves give it.
	pub fn index_of(error: &Error<T>) -> u8 {
		error.encode().first().copied().unwrap_or(u8::MAX)
	}
}
