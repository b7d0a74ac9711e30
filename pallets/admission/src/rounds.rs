//! The life of a round.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use ep_poet::{AuthorityId, Members as _};
use ep_tpm::chip::{Ak, Ek};
use ep_trust::{
	committee::{is_quorum, OnConclude as _},
	nonce,
	score::OnFault as _,
	sortition, Application, Committee, Dossier, Judgement, Quote, Reason, Round, Seat, SeatClaim, SignedVerdict,
	Verdict, VerdictCertificate, MAX_SEATS, SEED_AUTHORS, SEED_BLOCKS,
};
use frame_support::{
	pallet_prelude::*,
	traits::{
		fungible::hold::Mutate as _,
		tokens::{Fortitude, Precision, Restriction},
		Get,
	},
	Blake2_256, StorageHasher,
};
use frame_system::pallet_prelude::BlockNumberFor;
use pallet_trust::MemberSpec;
use sp_application_crypto::Wraps;
use sp_core::{sr25519, H256};
use sp_runtime::traits::{OpaqueKeys, UniqueSaturatedInto, Zero};

use crate::*;

/// In a register that is longer, there are enough members with weight.
const SEED_PAGE: u32 = 32;

/// How many blocks a member's feeless call stays in a pool.
pub(crate) const LONGEVITY: u64 = 64;

impl<T: Config> Pallet<T> {
	/// The block being executed.
	pub(crate) fn height() -> u32 {
		frame_system::Pallet::<T>::block_number().unique_saturated_into()
	}

	/// Takes an application.
	pub(crate) fn do_apply(
		account: T::AccountId,
		application: Application,
		keys: KeysOf<T>,
		proof: &[u8],
	) -> DispatchResult {
		let settings = Settings::<T>::get().ok_or(Error::<T>::Closed)?;
		let now = Self::height();
		ensure!(RoundCount::<T>::get() < T::MaxRounds::get(), Error::<T>::TooManyRounds);
		ensure!(!ByAccount::<T>::contains_key(&account), Error::<T>::InARound);
		Self::give_back(&account)?;
		ensure!(!ByAuthor::<T>::contains_key(&application.author), Error::<T>::InARound);
		ensure!(keys.ownership_proof_is_valid(&account.encode(), proof), Error::<T>::BadKeys);
		let author: &[u8] = application.author.as_ref();
		ensure!(keys.get_raw(ep_poet::KEY_TYPE) == author, Error::<T>::BadKeys);
		Self::check_free(&account, &keys)?;
		Self::check_anchor(&application.author, application.anchor)?;
		Self::check_anchor_proof(&application.author, application.anchor, &application.anchor_proof)?;

		let age = now.saturating_sub(application.recent);
		ensure!(application.recent < now && age <= settings.recent, Error::<T>::NotRecent);
		let recent = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(application.recent));
		ensure!(!recent.is_zero(), Error::<T>::NotRecent);
		let under =
			nonce::application(&Self::genesis(), &account, &(&application.author, application.anchor, &keys), &recent);
		let checked = Self::check_evidence(&application, &under, Self::now())?;
		let Checked { chip, ek_name, ak_name, tier, clock, firmware } = checked;
		ensure!(!ByAttestationKey::<T>::contains_key(ak_name), Error::<T>::InARound);
		Self::check_cooled_down(&chip)?;
		let weight = settings.first_weight_of(tier);
		pallet_trust::Pallet::<T>::check_joining(&account, &Self::spec(&application, ek_name, weight))?;

		<T as Config>::Currency::hold(&HoldReason::Application.into(), &account, settings.deposit)?;
		let round = NextRound::<T>::get();
		NextRound::<T>::put(round.wrapping_add(1));
		RoundCount::<T>::mutate(|count| *count = count.saturating_add(1));
		let sit = now.saturating_add(SEED_BLOCKS).saturating_add(settings.sit);
		let answer = sit.saturating_add(settings.answer);
		let reveal = answer.saturating_add(settings.reveal);
		let until = Deadlines { sit, answer, reveal, judge: reveal.saturating_add(settings.judge) };
		let epoch = T::CurrentEpoch::get();
		let total = pallet_trust::Pallet::<T>::total_weight(epoch);
		let all_sit = pallet_trust::MemberCount::<T>::get() <= settings.seats;
		let state = RoundState {
			account: account.clone(),
			deposit: settings.deposit,
			author: application.author.clone(),
			chip,
			ek_name,
			ak_name,
			tier,
			clock,
			firmware,
			revision: Revision::<T>::get(),
			application: Blake2_256::hash(&application.encode()),
			nonce: under,
			applied: now,
			epoch,
			until,
			seed: None,
			all_sit,
			total,
			authors: Self::seed_authors(epoch),
			expected: if all_sit { total } else { settings.seats.into() },
			seated: 0,
			votes: 0,
			answer: None,
			revealed: 0,
			opened: 0,
			made_up: 0,
		};
		let keys: KeyBytes = keys.encode().try_into().map_err(|_| Error::<T>::BadKeys)?;
		ByAttestationKey::<T>::insert(ak_name, round);
		ByAccount::<T>::insert(&account, round);
		ByAuthor::<T>::insert(&application.author, round);
		Applications::<T>::insert(round, (application, keys));
		Rounds::<T>::insert(round, state);
		Self::deposit_event(Event::Applied { round, account, until });
		Ok(())
	}

	/// Whether a chip may come again.
	fn check_cooled_down(chip: &[u8; 32]) -> Result<(), Error<T>> {
		ensure!(CoolingDown::<T>::get(chip).is_none_or(|until| until < Self::height()), Error::CoolingDown);
		Ok(())
	}

	/// Whether sessions would take these keys: anybody can register keys that it holds, under any account.
	fn check_free(account: &T::AccountId, keys: &KeysOf<T>) -> Result<(), Error<T>> {
		let taken = KeysOf::<T>::key_ids().iter().any(|id| {
			let owner = pallet_session::Pallet::<T>::key_owner(*id, keys.get_raw(*id));
			owner.is_some_and(|owner| owner != *account)
		});
		ensure!(!taken, Error::KeysTaken);
		Ok(())
	}

	/// Authors that a seed must have: [`SEED_AUTHORS`], or all members with weight where there are fewer.
	fn seed_authors(epoch: u64) -> u32 {
		let members = pallet_trust::Pallet::<T>::page(0, SEED_PAGE, epoch);
		let with_weight = members.iter().filter(|(_, weight)| *weight > 0).take(SEED_AUTHORS as usize).count();
		if pallet_trust::MemberCount::<T>::get() > SEED_PAGE {
			SEED_AUTHORS
		} else {
			(with_weight as u32).max(1)
		}
	}

	fn spec(application: &Application, ek_name: ep_tpm::Name, weight: ep_poet::Weight) -> MemberSpec {
		let (author, ak_public) = (application.author.clone(), application.evidence.ak_public.clone());
		MemberSpec { author, ak_public, ek_name, weight }
	}

	/// A round's seed: from the first [`SEED_BLOCKS`] blocks after the application, and as many more as it takes to have
	/// [`SEED_AUTHORS`] of them.
	pub fn seed_of(round: Round, state: &RoundOf<T>) -> Option<[u8; 32]> {
		if let Some(seed) = state.seed {
			return Some(seed);
		}
		let (mut authors, mut outputs) = (alloc::collections::BTreeSet::new(), Vec::new());
		for block in state.applied.saturating_add(1)..Self::height() {
			let contribution = Contributions::<T>::get(block % REMEMBERED).filter(|found| found.block == block)?;
			authors.insert(contribution.author);
			outputs.push(contribution.output);
			if outputs.len() >= SEED_BLOCKS as usize && authors.len() >= state.authors as usize {
				return Some(nonce::seed(&Self::genesis(), round, &outputs));
			}
		}
		None
	}

	/// Whether a member may sit, and with how many votes, which rank and over which seed, if the VRF is its own.
	fn seat(round: Round, claim: &SeatClaim) -> Result<(u64, u128, [u8; 32]), Error<T>> {
		let state = Rounds::<T>::get(round).ok_or(Error::NoSuchRound)?;
		ensure!(Self::height() <= state.until.sit, Error::OtherPhase);
		ensure!(state.seated < MAX_SEATS, Error::CommitteeFull);
		ensure!(!Seats::<T>::contains_key(round, &claim.author), Error::AlreadySeated);
		ensure!(Anchors::<T>::contains_key(&claim.author), Error::NoAnchor);
		let weight = Self::weight_of(&claim.author, state.epoch).ok_or(Error::NotAMember)?;
		let seed = Self::seed_of(round, &state).ok_or(Error::NoSeed)?;
		let vrf = claim.vrf().ok_or(Error::BadVrf)?;
		let lot = sortition::lot(&claim.author, &seed, &vrf.pre_output).ok_or(Error::BadVrf)?;
		let votes = if state.all_sit { weight } else { sortition::seats(&lot, weight, state.total, state.expected) };
		ensure!(votes > 0, Error::NoSeat);
		Ok((votes, sortition::rank(&lot, votes), seed))
	}

	/// Whether a member may sit. From cheap to dear.
	///
	/// # Errors
	/// What is wrong with the claim.
	pub fn check_claim(round: Round, claim: &SeatClaim) -> Result<(), Error<T>> {
		let (_, _, seed) = Self::seat(round, claim)?;
		let vrf = claim.vrf().ok_or(Error::BadVrf)?;
		ensure!(sortition::verify(&claim.author, &seed, &vrf), Error::BadVrf);
		Ok(())
	}

	/// What a member weighed in an epoch. `None` if that is nothing.
	fn weight_of(author: &AuthorityId, epoch: u64) -> Option<ep_poet::Weight> {
		pallet_trust::Pallet::<T>::contestant(author, epoch).map(|member| member.weight)
	}

	/// Whether `author` signed this call of its own.
	fn check_statement(
		author: &AuthorityId,
		what: &'static str,
		round: Round,
		call: &impl Encode,
		signature: &sr25519::Signature,
	) -> Result<(), Error<T>> {
		let statement = nonce::statement(&Self::genesis(), author, what, round, call);
		let signed = sp_io::crypto::sr25519_verify(signature, &statement, author.as_inner_ref());
		ensure!(signed, Error::BadSignature);
		Ok(())
	}

	/// A feeless call in the pool: one of a kind for a round and, where it is a member's own, for that member.
	fn authorized(
		what: &'static str,
		round: Round,
		author: Option<&AuthorityId>,
		checked: Result<(), Error<T>>,
	) -> TransactionValidityWithRefund {
		checked.map_err(|error| {
			log::debug!(target: LOG_TARGET, "`{what}` in round {round} ({author:?}) is refused: {error:?}");
			InvalidTransaction::Custom(Self::index_of(&error))
		})?;
		ValidTransaction::with_tag_prefix("Admission")
			.priority(TransactionPriority::MAX / 2)
			.and_provides((what, round, author))
			.longevity(LONGEVITY)
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	pub(crate) fn authorize_sit(
		round: Round,
		claim: &SeatClaim,
		signature: &sr25519::Signature,
	) -> TransactionValidityWithRefund {
		let check = || {
			// A round that is not there, before a signature is looked at.
			ensure!(Rounds::<T>::contains_key(round), Error::<T>::NoSuchRound);
			Self::check_statement(&claim.author, "sit", round, &(&claim.vrf, &claim.challenge), signature)?;
			Self::check_claim(round, claim)
		};
		Self::authorized("sit", round, Some(&claim.author), check())
	}

	pub(crate) fn do_sit(round: Round, claim: SeatClaim) -> DispatchResult {
		// Authorisation has verified the VRF.
		let (votes, rank, seed) = Self::seat(round, &claim)?;
		let SeatClaim { author, challenge, .. } = claim;
		let anchor = Anchors::<T>::get(&author).ok_or(Error::<T>::NoAnchor)?;
		Rounds::<T>::mutate(round, |state| {
			if let Some(state) = state {
				state.seed = Some(seed);
				state.seated = state.seated.saturating_add(1);
				state.votes = state.votes.saturating_add(votes);
				if state.all_sit && state.votes >= state.expected {
					// Nobody is missing: what follows need not wait.
					state.until.come_forward(state.until.sit.saturating_sub(Self::height()));
				}
			}
		});
		let seating = Seating {
			anchor,
			votes,
			rank,
			commitment: challenge.commitment,
			credential: challenge.credential,
			outcome: None,
		};
		Seats::<T>::insert(round, &author, seating);
		Self::deposit_event(Event::Seated { round, author, votes });
		Ok(())
	}

	pub(crate) fn do_answer(account: &T::AccountId, round: Round, answers: Answers, quote: Quote) -> DispatchResult {
		let mut state = Rounds::<T>::get(round).ok_or(Error::<T>::NoSuchRound)?;
		ensure!(state.account == *account, Error::<T>::NotTheApplicant);
		let now = Self::height();
		ensure!(state.answer.is_none() && now > state.until.sit && now <= state.until.answer, Error::<T>::OtherPhase);
		let (mut votes, mut last) = (0u64, None);
		for (author, _) in &answers {
			ensure!(last.is_none_or(|last| last < author), Error::<T>::NotAsked);
			last = Some(author);
			let seating = Seats::<T>::get(round, author).ok_or(Error::<T>::NotAsked)?;
			votes = votes.saturating_add(seating.votes);
		}
		ensure!(is_quorum(votes, Self::expected(&state)), Error::<T>::TooFewAnswers);

		let (application, _) = Applications::<T>::get(round).ok_or(Error::<T>::NoSuchRound)?;
		let key = Ak::parse(&application.evidence.ak_public).map_err(|_| Error::<T>::BadAttestationKey)?;
		let seed = state.seed.ok_or(Error::<T>::NoSeed)?;
		let under = nonce::answer(&Self::genesis(), round, &seed, &answers);
		Self::check_quote(application.policy, &key, &state.ek_name, &quote, &under, state.clock.as_ref())?;
		let questions = answers.len() as u32;
		let answered = (answers, quote);
		state.answer = Some(Blake2_256::hash(&answered.encode()));
		AnswersOf::<T>::insert(round, answered);
		Rounds::<T>::insert(round, state);
		Self::deposit_event(Event::Answered { round, questions });
		Ok(())
	}

	/// What a revealed secret shows, if it is what the member committed to.
	fn check_reveal(round: Round, author: &AuthorityId, secret: &[u8; 32]) -> Result<Opening, Error<T>> {
		let state = Rounds::<T>::get(round).ok_or(Error::NoSuchRound)?;
		ensure!(state.answer.is_some() && Self::height() <= state.until.reveal, Error::OtherPhase);
		let seating = Seats::<T>::get(round, author).ok_or(Error::NotAMember)?;
		ensure!(seating.outcome.is_none(), Error::AlreadyRevealed);
		ensure!(nonce::commitment(round, author, secret) == seating.commitment, Error::NotCommitted);
		let (application, _) = Applications::<T>::get(round).ok_or(Error::NoSuchRound)?;
		let ek = Ek::parse(&application.evidence.ek_public).map_err(|_| Error::BadEndorsementKey)?;
		let ak = Ak::parse(&application.evidence.ak_public).map_err(|_| Error::BadAttestationKey)?;
		let Ok(answer) = ek.check_challenge(&ak, secret, &seating.credential) else {
			return Ok(Opening::Broken);
		};
		let (answers, _) = AnswersOf::<T>::get(round).ok_or(Error::OtherPhase)?;
		let given = answers.binary_search_by(|(asked, _)| asked.cmp(author)).ok().and_then(|index| answers.get(index));
		Ok(match given {
			Some((_, given)) if given[..] == answer[..] => Opening::Answered,
			Some((_, given)) if *given != [0; 32] => Opening::MadeUp,
			_ => Opening::NotAnswered,
		})
	}

	pub(crate) fn authorize_reveal(
		round: Round,
		author: &AuthorityId,
		secret: &[u8; 32],
		signature: &sr25519::Signature,
	) -> TransactionValidityWithRefund {
		let check = || {
			ensure!(Seats::<T>::contains_key(round, author), Error::<T>::NotAMember);
			Self::check_statement(author, "reveal", round, secret, signature)?;
			Self::check_reveal(round, author, secret).map(|_| ())
		};
		Self::authorized("reveal", round, Some(author), check())
	}

	pub(crate) fn do_reveal(round: Round, author: AuthorityId, secret: [u8; 32]) -> DispatchResult {
		let outcome = Self::check_reveal(round, &author, &secret)?;
		let mut state = Rounds::<T>::get(round).ok_or(Error::<T>::NoSuchRound)?;
		Seats::<T>::mutate(round, &author, |seating| {
			if let Some(seating) = seating {
				seating.outcome = Some(outcome);
				state.revealed = state.revealed.saturating_add(1);
				match outcome {
					Opening::Answered => state.opened = state.opened.saturating_add(seating.votes),
					Opening::MadeUp => state.made_up = state.made_up.saturating_add(seating.votes),
					Opening::NotAnswered | Opening::Broken => {}
				}
			}
		});
		Rounds::<T>::insert(round, state);
		Self::deposit_event(Event::Revealed { round, author, outcome });
		Ok(())
	}

	/// The votes that there should be: those that came, if they are more.
	pub fn expected(state: &RoundOf<T>) -> u64 {
		state.expected.max(state.votes)
	}

	/// Whether the chip has opened enough questions: from then on the round is known to be its own.
	fn has_shown_itself(state: &RoundOf<T>) -> bool {
		is_quorum(state.opened, Self::expected(state))
	}

	/// The committee of a round as it stands. It is complete once sitting is over.
	pub fn committee(round: Round, state: &RoundOf<T>) -> Option<Committee> {
		let seats = Seats::<T>::iter_prefix_values(round).map(|seat| Seat { anchor: seat.anchor, votes: seat.votes });
		Committee::new(seats.collect(), Self::expected(state)).ok()
	}

	/// The verdict that would say `judgement`.
	pub fn verdict(round: Round, state: &RoundOf<T>, judgement: Judgement) -> Option<(Verdict, Committee)> {
		let committee = Self::committee(round, state)?;
		let mut subject = [0; 32];
		subject.copy_from_slice(state.author.as_ref());
		let evidence = Blake2_256::hash(&(state.application, state.seed, state.answer).encode());
		let verdict = Verdict {
			genesis: Self::genesis(),
			round,
			subject,
			evidence: H256(evidence),
			judgement,
			committee: committee.root(round),
			expected: committee.expected(),
		};
		Some((verdict, committee))
	}

	/// Whether the committee can speak: all is revealed, or the time for it is over.
	pub fn is_judging(state: &RoundOf<T>) -> bool {
		let now = Self::height();
		let revealed = state.answer.is_some() && (state.revealed == state.seated || now > state.until.reveal);
		revealed && now <= state.until.judge
	}

	/// Whether `certificate` ends the round with `judgement`.
	///
	/// # Errors
	/// What is wrong with it, or with the round.
	pub fn check_verdict(round: Round, judgement: Judgement, certificate: &VerdictCertificate) -> Result<(), Error<T>> {
		let state = Rounds::<T>::get(round).ok_or(Error::NoSuchRound)?;
		ensure!(Self::is_judging(&state), Error::OtherPhase);
		if judgement == Judgement::Admit {
			ensure!(Self::has_shown_itself(&state), Error::NotOpened);
			Self::check_cooled_down(&state.chip)?;
			let (spec, application, keys) = Self::newcomer(round, &state)?;
			pallet_trust::Pallet::<T>::check_joining(&state.account, &spec).map_err(|error| {
				log::debug!(target: LOG_TARGET, "the applicant of round {round} cannot join: {error:?}");
				Error::CannotJoin
			})?;
			Self::check_free(&state.account, &keys)?;
			Self::check_anchor(&state.author, application.anchor)?;
		}
		let (verdict, committee) = Self::verdict(round, &state, judgement).ok_or(Error::BadVerdict)?;
		certificate.verify(&verdict, &AnchorChain::<T>::get(), &committee).map_err(|rule| {
			log::debug!(target: LOG_TARGET, "a certificate in round {round} is refused: {rule}");
			Error::BadVerdict
		})?;
		Ok(())
	}

	pub(crate) fn authorize_conclude(
		round: Round,
		judgement: Judgement,
		certificate: &VerdictCertificate,
	) -> TransactionValidityWithRefund {
		Self::authorized("conclude", round, None, Self::check_verdict(round, judgement, certificate))
	}

	/// What the applicant brings, as things are.
	fn newcomer(round: Round, state: &RoundOf<T>) -> Result<(MemberSpec, Application, KeysOf<T>), Error<T>> {
		let (application, keys) = Applications::<T>::get(round).ok_or(Error::NoSuchRound)?;
		let settings = Settings::<T>::get().ok_or(Error::Closed)?;
		ensure!(settings.caps.of(state.tier) > 0, Error::ModelNotLetIn);
		let weight = settings.first_weight_of(state.tier);
		let keys = KeysOf::<T>::decode(&mut &keys[..]).map_err(|_| Error::BadKeys)?;
		Ok((Self::spec(&application, state.ek_name, weight), application, keys))
	}

	/// Ends a round with a verdict that authorisation has verified.
	pub(crate) fn do_conclude(round: Round, judgement: Judgement, certificate: VerdictCertificate) -> DispatchResult {
		let state = Rounds::<T>::get(round).ok_or(Error::<T>::NoSuchRound)?;
		if judgement == Judgement::Admit {
			let (spec, application, keys) = Self::newcomer(round, &state)?;
			pallet_trust::Pallet::<T>::admit(&state.account, &spec, keys)?;
			Self::set_anchor(&state.author, application.anchor)?;
			let grounds = Grounds {
				tier: state.tier,
				policy: application.policy,
				since: Self::now(),
				firmware: state.firmware,
				// Rules may have changed since the application was judged by them.
				reviewed: Some(state.revision),
				stays: None,
			};
			let (answers, answer) = AnswersOf::<T>::get(round).ok_or(Error::<T>::OtherPhase)?;
			let seed = state.seed.ok_or(Error::<T>::NoSeed)?;
			let answer_nonce = nonce::answer(&Self::genesis(), round, &seed, &answers);
			let dossier = Dossier { application, nonce: state.nonce, answer, answer_nonce };
			Dossiers::<T>::insert(&state.author, dossier);
			GroundsOf::<T>::insert(&state.author, grounds);
		}
		if let Some((verdict, committee)) = Self::verdict(round, &state, judgement) {
			let (chain, seats) = (AnchorChain::<T>::get(), committee.seats().to_vec());
			T::OnConclude::on_conclude(SignedVerdict { chain, verdict, seats, certificate });
		}
		Self::close(round, state, Outcome::Judged(judgement))
	}

	pub(crate) fn authorize_expire(round: Round) -> TransactionValidityWithRefund {
		let check = || {
			let state = Rounds::<T>::get(round).ok_or(Error::<T>::NoSuchRound)?;
			ensure!(Self::is_expired(&state), Error::<T>::NotExpired);
			Ok(())
		};
		Self::authorized("expire", round, None, check())
	}

	/// Whether a round cannot go on, or its last deadline has passed.
	pub fn is_expired(state: &RoundOf<T>) -> bool {
		let (now, until, expected) = (Self::height(), &state.until, Self::expected(state));
		now > until.judge
			|| (now > until.sit && !is_quorum(state.votes, expected))
			|| (now > until.answer && state.answer.is_none())
	}

	/// Ends a round: the deposit goes back, is kept for a while or is lost; members who failed are named; nothing else of
	/// the round stays.
	pub(crate) fn close(round: Round, state: RoundOf<T>, outcome: Outcome) -> DispatchResult {
		// Who did not reveal failed only if it had to: once there was an answer, and until there was time.
		let overdue = state.answer.is_some() && Self::height() > state.until.reveal;
		for (author, seating) in Seats::<T>::drain_prefix(round) {
			let fault = match seating.outcome {
				Some(Opening::Broken) => Fault::BrokenChallenge,
				None if overdue => Fault::Silent,
				_ => continue,
			};
			T::OnFault::on_fault(&author);
			Self::deposit_event(Event::Failed { round, author, fault });
		}
		let cooldown = Settings::<T>::get().map_or(0, |settings| settings.cooldown);
		let until = Self::height().saturating_add(cooldown);
		let reason = HoldReason::Application.into();
		let mut kept = None;
		if outcome == Outcome::Judged(Judgement::Refuse(Reason::Forged)) {
			<T as Config>::Currency::transfer_on_hold(
				&reason,
				&state.account,
				&T::ForfeitTo::get(),
				state.deposit,
				Precision::BestEffort,
				Restriction::Free,
				Fortitude::Force,
			)?;
		} else if !cooldown.is_zero() && !Self::has_shown_itself(&state) {
			// However it came about: who does not like the committee that the seed draws, or has friends who stay away from
			// it, could try again at once.
			Kept::<T>::insert(&state.account, (state.deposit, until));
			kept = Some(until);
		} else {
			<T as Config>::Currency::release(&reason, &state.account, state.deposit, Precision::BestEffort)?;
		}
		Rounds::<T>::remove(round);
		Applications::<T>::remove(round);
		AnswersOf::<T>::remove(round);
		ByAttestationKey::<T>::remove(state.ak_name);
		ByAccount::<T>::remove(&state.account);
		ByAuthor::<T>::remove(&state.author);
		RoundCount::<T>::mutate(|count| *count = count.saturating_sub(1));
		if Self::has_shown_itself(&state) {
			if cooldown.is_zero() || matches!(outcome, Outcome::Judged(Judgement::Admit)) {
				CoolingDown::<T>::remove(state.chip);
			} else {
				CoolingDown::<T>::insert(state.chip, until);
			}
		}
		Self::deposit_event(Event::Closed { round, account: state.account, outcome, kept });
		Ok(())
	}

	/// Gives a deposit back that was kept, if it is time; nothing if none was.
	pub(crate) fn give_back(account: &T::AccountId) -> DispatchResult {
		let Some((deposit, until)) = Kept::<T>::get(account) else { return Ok(()) };
		ensure!(until < Self::height(), Error::<T>::CoolingDown);
		Kept::<T>::remove(account);
		<T as Config>::Currency::release(&HoldReason::Application.into(), account, deposit, Precision::BestEffort)?;
		Ok(())
	}
}
