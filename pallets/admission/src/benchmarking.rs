//! Benchmarks of every call and hook, each at its worst.
//!
//! What varies between rounds (members in a committee, length of a path, of a policy, of a list) is at its most: a call is
//! charged for that before it is known, and none of it is common enough to be charged for by itself.
//!
//! They need a keystore (host functions make the keys and signatures), which the benchmark tool registers.

mod chip;
mod maker;
mod scene;

use alloc::{boxed::Box, vec::Vec};
use ep_poet::AuthorityId;
use ep_tpm::certificate::{Role, StoredCertificate};
use ep_trust::{Dossier, Judgement, MAX_SEATS};
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::{Authorize, TransactionSource},
	traits::{EnsureOrigin, Get, Hooks},
};
use frame_system::RawOrigin;
use sp_core::{sr25519, H160, H256};

use crate::*;
use scene::Applicant;

/// What benchmarks need of a runtime beside this pallet.
pub trait BenchmarkHelper: Config {
	/// Gives `author` a score that is shown elsewhere, with its address.
	fn score(author: &AuthorityId);

	/// Makes this the chain's genesis hash.
	fn set_genesis(genesis: H256);

	/// As if `author` had sealed the block being executed, with this VRF output.
	fn set_draw(author: AuthorityId, output: [u8; 32]);

	/// New session keys, in the keystore, and the proof that `owner` holds them.
	fn session_keys(owner: &[u8]) -> (KeysOf<Self>, Vec<u8>);
}

/// For benchmarks of others: makes `author` a member that was admitted under the longest policy, with a chip of the
/// slowest kind and the longest path of certificates.
pub fn admit_under_policy<T: BenchmarkHelper>(author: &AuthorityId) -> Result<(), BenchmarkError> {
	let Applicant { account, chip, application, .. } = Applicant::<T>::new(maker::LINKS)?;
	let (ak_public, ek_name) = (chip.ak_public(), *chip.ek().name());
	let weight = pallet_trust::MAX_WEIGHT / 2;
	pallet_trust::Pallet::<T>::admit_for_benchmark(account, author.clone(), ak_public, ek_name, weight);
	let dossier =
		Dossier { answer: application.evidence.quote.clone(), application, nonce: [0; 32], answer_nonce: [0; 32] };
	Dossiers::<T>::insert(author, dossier);
	GroundsOf::<T>::insert(author, grounds());
	Ok(())
}

/// Of a member whose chip runs another firmware than it will attest, and whose evidence has to be looked at.
fn grounds() -> Grounds {
	let tier = ep_tpm::model::Tier::Discrete;
	Grounds { tier, policy: 0, since: scene::NOW / 1_000, firmware: Some(0), reviewed: None, stays: None }
}

/// As [`admit_under_policy`], by its account.
fn member_under_review<T: BenchmarkHelper>() -> Result<(AuthorityId, T::AccountId), BenchmarkError> {
	let author = AuthorityId::from(sr25519::Public::from_raw([1; 32]));
	admit_under_policy::<T>(&author)?;
	let member = pallet_trust::Members::<T>::get(&author).ok_or("it is a member")?;
	Ok((author, member.account))
}

/// For benchmarks of others: makes `author` a member like any. `n` tells its account, chip and address from others'.
pub fn admit_simply<T: BenchmarkHelper>(author: &AuthorityId, n: u8) {
	scene::admit::<T>(author, n, pallet_trust::MAX_WEIGHT);
}

/// What the chip of that member says under a nonce.
pub fn testimony(nonce: &[u8]) -> ep_trust::Testimony {
	let chip = scene::applicants_chip();
	ep_trust::Testimony { time: Some(chip.get_time(nonce)), quote: Some(chip.quote(nonce)) }
}

fn governor<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::GovernOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

fn authorize<T: Config>(call: &Call<T>) -> Result<(), BenchmarkError> {
	call.authorize(TransactionSource::External).ok_or("the call authorises itself")??;
	Ok(())
}

#[benchmarks(where T: BenchmarkHelper)]
mod benchmarks {
	use super::*;

	/// A block that takes the place of an older one's contribution.
	#[benchmark]
	fn on_initialize() {
		let author = AuthorityId::from(sr25519::Public::from_raw([1; 32]));
		T::set_draw(author.clone(), [2; 32]);
		let (block, slot) = (scene::START, scene::START % REMEMBERED);
		Contributions::<T>::insert(slot, Contribution { block: slot, author, output: [0; 32] });

		#[block]
		{
			Pallet::<T>::on_initialize(block.into());
		}

		assert!(Contributions::<T>::get(slot).is_some_and(|found| found.block == block));
	}

	/// As many signatures as the verifier tries, all over P-521; as many revocation lists as are looked for, all full;
	/// 24 PCRs with 16 values each; full lists of models; many members.
	#[benchmark]
	fn apply() -> Result<(), BenchmarkError> {
		let applicant = Applicant::<T>::new(maker::LINKS)?;
		scene::set_lists::<T>();
		scene::admit_many::<T>();
		RoundCount::<T>::put(<T as Config>::MaxRounds::get() - 1);
		let Applicant { account, keys, proof, application, .. } = applicant;
		let caller = RawOrigin::Signed(account.clone());

		#[extrinsic_call]
		_(caller, Box::new(application), keys, proof);

		assert_eq!(ByAccount::<T>::get(&account), Some(0));
		Ok(())
	}

	/// The first to sit, in the last block in which there still is a seed: it is made from every block remembered.
	#[benchmark]
	fn sit() -> Result<(), BenchmarkError> {
		let (_, claim, signature) = Applicant::<T>::to_sit_with()?;
		let author = claim.author.clone();

		#[extrinsic_call]
		_(RawOrigin::Authorized, 0, claim, signature);

		assert!(Seats::<T>::contains_key(0, author));
		Ok(())
	}

	#[benchmark]
	fn authorize_sit() -> Result<(), BenchmarkError> {
		let (_, claim, signature) = Applicant::<T>::to_sit_with()?;
		let call = Call::<T>::sit { round: 0, claim, signature };

		#[block]
		{
			authorize(&call)?;
		}

		Ok(())
	}

	/// To a full committee.
	#[benchmark]
	fn answer() -> Result<(), BenchmarkError> {
		let applicant = Applicant::<T>::applied()?;
		let authors = applicant.questioned(&[]);
		let (answers, quote) = applicant.answers(&authors);
		assert_eq!(answers.len(), MAX_SEATS as usize);
		let caller = RawOrigin::Signed(applicant.account.clone());

		#[extrinsic_call]
		_(caller, 0, answers, quote);

		assert!(AnswersOf::<T>::contains_key(0));
		Ok(())
	}

	/// A question to the slowest endorsement key, that was answered, among those of a full committee.
	#[benchmark]
	fn reveal() -> Result<(), BenchmarkError> {
		Applicant::<T>::answered(&[])?;
		let (round, author, signature) = scene::to_reveal()?;

		#[extrinsic_call]
		_(RawOrigin::Authorized, round, author.clone(), scene::SECRET, signature);

		let outcome = Seats::<T>::get(0, author).and_then(|seating| seating.outcome);
		assert_eq!(outcome, Some(Opening::Answered));
		Ok(())
	}

	#[benchmark]
	fn authorize_reveal() -> Result<(), BenchmarkError> {
		Applicant::<T>::answered(&[])?;
		let (round, author, signature) = scene::to_reveal()?;
		let call = Call::<T>::reveal { round, author, secret: scene::SECRET, signature };

		#[block]
		{
			authorize(&call)?;
		}

		Ok(())
	}

	/// A full committee admits; and as if it had been another verdict, each of its members is named for a fault.
	#[benchmark]
	fn conclude() -> Result<(), BenchmarkError> {
		let (applicant, certificate) = Applicant::<T>::judged()?;

		#[extrinsic_call]
		_(RawOrigin::Authorized, 0, Judgement::Admit, certificate);

		assert!(!Rounds::<T>::contains_key(0) && Dossiers::<T>::contains_key(&applicant.application.author));
		Ok(())
	}

	/// Everybody signed.
	#[benchmark]
	fn authorize_conclude() -> Result<(), BenchmarkError> {
		let (_, certificate) = Applicant::<T>::judged()?;
		assert_eq!(certificate.0.len(), MAX_SEATS as usize);
		let call = Call::<T>::conclude { round: 0, judgement: Judgement::Admit, certificate };

		#[block]
		{
			authorize(&call)?;
		}

		Ok(())
	}

	/// When a full committee should have revealed, and nobody has.
	#[benchmark]
	fn withdraw() -> Result<(), BenchmarkError> {
		let applicant = Applicant::<T>::answered(&[])?;
		scene::go_to::<T>(scene::LATE + 20);
		let caller = RawOrigin::Signed(applicant.account.clone());

		#[extrinsic_call]
		_(caller, 0);

		assert_eq!(Seats::<T>::iter().count(), 0);
		Ok(())
	}

	/// The same.
	#[benchmark]
	fn expire() -> Result<(), BenchmarkError> {
		Applicant::<T>::answered(&[])?;
		scene::go_to::<T>(scene::LATE + 30);

		#[extrinsic_call]
		_(RawOrigin::Authorized, 0);

		assert_eq!(Seats::<T>::iter().count(), 0);
		Ok(())
	}

	#[benchmark]
	fn authorize_expire() -> Result<(), BenchmarkError> {
		Applicant::<T>::answered(&[])?;
		scene::go_to::<T>(scene::LATE + 30);
		let call = Call::<T>::expire { round: 0 };

		#[block]
		{
			authorize(&call)?;
		}

		Ok(())
	}

	/// The longest list, in place of one as long, by an issuer with four certificates, the last of which it is signed
	/// with.
	#[benchmark]
	fn submit_list() -> Result<(), BenchmarkError> {
		scene::govern::<T>();
		let issuer = maker::name_hash(maker::CA);
		Lists::<T>::insert(issuer, maker::list(maker::CA, 1));
		let list = maker::list(maker::CA, 2);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), list.clone());

		assert_eq!(Lists::<T>::get(issuer), Some(list));
		Ok(())
	}

	/// The fourth with its subject, self-signed over P-521.
	#[benchmark]
	fn add_root() -> Result<(), BenchmarkError> {
		let issuer = maker::name_hash(maker::CA);
		scene::set_roots::<T>();
		Roots::<T>::mutate(issuer, |roots| roots.pop());
		let origin = governor::<T>()?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, Role::Root, maker::root(3));

		assert_eq!(Roots::<T>::get(issuer).len(), 4);
		Ok(())
	}

	/// One of four.
	#[benchmark]
	fn remove_root() -> Result<(), BenchmarkError> {
		let issuer = maker::name_hash(maker::CA);
		scene::set_roots::<T>();
		let first = StoredCertificate { role: Role::Root, certificate: maker::root(0) };
		let origin = governor::<T>()?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, issuer, first.fingerprint());

		assert_eq!(Roots::<T>::get(issuer).len(), 3);
		Ok(())
	}

	/// 24 PCRs with 16 values each.
	#[benchmark]
	fn set_policy() -> Result<(), BenchmarkError> {
		let (origin, policy) = (governor::<T>()?, GovernedPolicy::always(chip::policy()));

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, 7, Some(policy));

		assert!(Policies::<T>::contains_key(7));
		Ok(())
	}

	#[benchmark]
	fn set_parameters() -> Result<(), BenchmarkError> {
		let (origin, parameters) = (governor::<T>()?, scene::parameters::<T>());

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, parameters);

		assert_eq!(Settings::<T>::get(), Some(parameters));
		Ok(())
	}

	/// Both lists full.
	#[benchmark]
	fn set_models() -> Result<(), BenchmarkError> {
		let origin = governor::<T>()?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, maker::tiers(), maker::denied());

		assert_eq!(Tiers::<T>::get(), maker::tiers());
		Ok(())
	}

	/// In place of another.
	#[benchmark]
	fn set_anchor_of() -> Result<(), BenchmarkError> {
		let author = AuthorityId::from(sr25519::Public::from_raw([1; 32]));
		scene::admit::<T>(&author, 1, 1);
		let (origin, anchor) = (governor::<T>()?, H160::repeat_byte(0xaa));

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, author.clone(), anchor);

		assert_eq!(Anchors::<T>::get(author), Some(anchor));
		Ok(())
	}

	#[benchmark]
	fn set_anchor_chain() -> Result<(), BenchmarkError> {
		let (origin, anchor) = (governor::<T>()?, Anchor { id: 20, contract: H160::repeat_byte(0xaa) });

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, anchor);

		assert_eq!(AnchorChain::<T>::get(), anchor);
		Ok(())
	}

	/// As dear as an application: the longest path and full lists. It is bad in the end, and the member is removed.
	#[benchmark]
	fn review() -> Result<(), BenchmarkError> {
		let (author, _) = member_under_review::<T>()?;
		scene::admit::<T>(&AuthorityId::from(sr25519::Public::from_raw([2; 32])), 2, 1);
		scene::set_lists::<T>();
		Policies::<T>::remove(0);
		GroundsOf::<T>::insert(&author, Grounds { stays: Some(0), ..grounds() });

		#[extrinsic_call]
		_(RawOrigin::Authorized, author.clone());

		assert!(pallet_trust::Members::<T>::get(author).is_some_and(|member| member.leaves.is_some()));
		Ok(())
	}

	#[benchmark]
	fn authorize_review() -> Result<(), BenchmarkError> {
		let (author, _) = member_under_review::<T>()?;
		let call = Call::<T>::review { author };

		#[block]
		{
			authorize(&call)?;
		}

		Ok(())
	}

	/// In place of another, which is shown elsewhere.
	#[benchmark]
	fn rotate_anchor() -> Result<(), BenchmarkError> {
		let (author, account) = member_under_review::<T>()?;
		Anchors::<T>::insert(&author, H160::repeat_byte(1));
		AnchorOwners::<T>::insert(H160::repeat_byte(1), &author);
		T::score(&author);
		let (anchor, proof) = scene::anchor_of(&author)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(account), anchor, proof);

		assert_eq!(Anchors::<T>::get(author), Some(anchor));
		Ok(())
	}

	/// The longest policy there can be.
	#[benchmark]
	fn choose_policy() -> Result<(), BenchmarkError> {
		let (author, account) = member_under_review::<T>()?;
		Policies::<T>::insert(7, GovernedPolicy::always(chip::policy()));

		#[extrinsic_call]
		_(RawOrigin::Signed(account), 7);

		assert_eq!(GroundsOf::<T>::get(author).map(|grounds| grounds.policy), Some(7));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
