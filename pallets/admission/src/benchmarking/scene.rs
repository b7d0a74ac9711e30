//! Rounds in every phase, as full as they can be.

use alloc::{boxed::Box, vec, vec::Vec};
use codec::Decode;
use ep_poet::AuthorityId;
use ep_trust::{
	anchor, nonce, Application, Evidence, Judgement, Round, VerdictCertificate, MAX_SEATS, SEED_AUTHORS, SEED_BLOCKS,
};
use frame_benchmarking::{account, BenchmarkError};
use frame_support::traits::{fungible::Unbalanced, tokens::Precision, Get};
use frame_system::RawOrigin;
use pallet_trust::MAX_WEIGHT;
use sp_core::{ecdsa, sr25519, H160, H256};
use sp_runtime::{traits::OpaqueKeys, RuntimeAppPublic};

use super::{
	chip::{idle_attestation_key, policy, Chip},
	maker, BenchmarkHelper,
};
use crate::*;

/// Genesis hash of the chain that benchmarks run on: the VRF below is over it.
pub(super) const GENESIS: H256 = H256::repeat_byte(0x47);
/// The block that rounds begin in.
pub(super) const START: u32 = 300;
/// The last block in which a member may sit in such a round, whatever the parameters: then its seed is forgotten.
pub(super) const LATE: u32 = START + REMEMBERED - 1;
/// 2033, in milliseconds.
pub(super) const NOW: u64 = 2_000_000_000_000;

/// What the member who sits derives its key from.
pub(super) const MEMBER: &str = "//Elapse//Seat";

/// Its VRF over [`seed`], which no runtime can make: output and proof. The test below tells how to make it anew.
pub(super) const VRF: ep_trust::application::EncodedVrf = [
	0xaa, 0x35, 0x9e, 0x96, 0xd4, 0x2d, 0x75, 0x1c, 0x68, 0x8f, 0xfb, 0xee, 0xdf, 0xfe, 0x1f, 0xfb, 0x4f, 0x23, 0xd9,
	0xb9, 0x1c, 0xa6, 0x94, 0xd2, 0x33, 0x5b, 0xca, 0xde, 0x71, 0x78, 0xf0, 0x78, 0xe8, 0xcd, 0x04, 0xe2, 0x10, 0xd2,
	0xd2, 0x81, 0x28, 0x40, 0x0d, 0x3e, 0x02, 0x11, 0x76, 0x64, 0xc2, 0x08, 0xaa, 0xeb, 0x5c, 0x8b, 0x39, 0x7c, 0x35,
	0x2f, 0xbe, 0x5e, 0x69, 0x61, 0x6d, 0x01, 0x45, 0x8c, 0x4e, 0xff, 0xfd, 0x9f, 0x62, 0x14, 0xdb, 0xd1, 0xb0, 0xc3,
	0x9e, 0x59, 0xe8, 0xa0, 0x2f, 0x19, 0x39, 0xa0, 0x3e, 0x58, 0xdc, 0x6e, 0xbd, 0x17, 0x09, 0xa3, 0x76, 0xcd, 0x3b,
	0x0e,
];

/// What a block contributed to seeds.
fn output(block: u32) -> [u8; 32] {
	let mut output = [0x5e; 32];
	output[..4].copy_from_slice(&block.to_le_bytes());
	output
}

/// The seed of the first round: of all the blocks that are remembered, since the third author came late.
pub(super) fn seed() -> [u8; 32] {
	let outputs: Vec<_> = (START + 1..LATE).map(output).collect();
	nonce::seed(&GENESIS, 0, &outputs)
}

pub(super) fn go_to<T: Config>(block: u32) {
	frame_system::Pallet::<T>::set_block_number(block.into());
}

fn amount<T: Config>() -> BalanceOf<T> {
	use frame_support::traits::fungible::Inspect;
	<T as Config>::Currency::minimum_balance() * 100u32.into()
}

/// Periods as long as they can be, half of the most seats expected, and every tier let in.
pub(super) fn parameters<T: Config>() -> Parameters<BalanceOf<T>> {
	Parameters {
		deposit: amount::<T>(),
		seats: MAX_SEATS / 2,
		sit: LATE - START - SEED_BLOCKS,
		answer: MAX_PERIOD,
		reveal: MAX_PERIOD,
		judge: MAX_PERIOD,
		cooldown: MAX_PERIOD,
		recent: MAX_PERIOD,
		overlap: MAX_PERIOD,
		expired_stay: true,
		first_weight: MAX_WEIGHT,
		caps: Caps {
			discrete: MAX_WEIGHT,
			firmware: MAX_WEIGHT,
			virtualised: MAX_WEIGHT,
			legacy: MAX_WEIGHT,
			software: MAX_WEIGHT,
		},
	}
}

/// What governance has set, every list full.
pub(super) fn govern<T: BenchmarkHelper>() {
	T::set_genesis(GENESIS);
	pallet_timestamp::Now::<T>::put(NOW);
	Settings::<T>::put(parameters::<T>());
	Tiers::<T>::put(maker::tiers());
	Denied::<T>::put(maker::denied());
	Policies::<T>::insert(0, GovernedPolicy::always(policy()));
	set_roots::<T>();
}

pub(super) fn set_roots<T: Config>() {
	Roots::<T>::insert(maker::name_hash(maker::CA), bounded(maker::roots()));
}

fn bounded<V, S: Get<u32>>(list: Vec<V>) -> frame_support::BoundedVec<V, S> {
	list.try_into().ok().expect("within the bound")
}

/// Revocation lists of all issuers that are asked for: those above the two certificates that fit nowhere, each with
/// four certificates in the store, whose issuers are asked for next.
pub(super) fn set_lists<T: Config>() {
	for issuer in 1..=maker::STRANGERS {
		Roots::<T>::insert(maker::name_hash(issuer), bounded(maker::strangers(issuer)));
		if u32::from(issuer) <= crate::evidence::MOST_LISTS as u32 {
			Lists::<T>::insert(maker::name_hash(issuer), maker::list(issuer, 1));
		}
	}
}

/// Admits a member with an address.
pub(super) fn admit<T: Config>(author: &AuthorityId, n: u8, weight: u64) {
	let mut ek_name = [n; 50];
	ek_name[..2].copy_from_slice(&0x000c_u16.to_be_bytes());
	let ek_name = ep_tpm::Name::from_bytes(&ek_name).expect("50 bytes with SHA-384 are a name");
	let ak_public = idle_attestation_key(n);
	pallet_trust::Pallet::<T>::admit_for_benchmark(
		account("member", n.into(), 0),
		author.clone(),
		ak_public,
		ek_name,
		weight,
	);
	Pallet::<T>::set_anchor(author, H160::repeat_byte(n)).ok().expect("the address is free");
}

/// Admits so many members that no seed asks for more of them.
pub(super) fn admit_many<T: Config>() {
	for n in 100..140 {
		admit::<T>(&AuthorityId::from(sr25519::Public::from_raw([n; 32])), n, 1);
	}
}

/// The chip of whoever wants to join.
pub(super) fn applicants_chip() -> Chip {
	Chip::new(200)
}

/// Somebody who wants to join.
pub(super) struct Applicant<T: Config> {
	pub(super) account: T::AccountId,
	pub(super) chip: Chip,
	pub(super) keys: KeysOf<T>,
	pub(super) proof: KeyBytes,
	pub(super) application: Application,
}

impl<T: BenchmarkHelper> Applicant<T> {
	/// With `links` certificates in its path and as many beside it as there is room for, and money for the deposit, in
	/// block [`START`] of a chain that is governed.
	pub(super) fn new(links: u8) -> Result<Self, BenchmarkError> {
		govern::<T>();
		go_to::<T>(START);
		let recent = H256::repeat_byte(0xb1);
		frame_system::BlockHash::<T>::insert(
			frame_system::pallet_prelude::BlockNumberFor::<T>::from(START - 1),
			recent,
		);
		let account: T::AccountId = account("applicant", 0, 0);
		<T as Config>::Currency::increase_balance(&account, amount::<T>() * 10u32.into(), Precision::Exact)?;
		let chip = applicants_chip();
		let (keys, proof) = T::session_keys(&codec::Encode::encode(&account));
		let author = AuthorityId::decode(&mut keys.get_raw(ep_poet::KEY_TYPE))
			.map_err(|_| "the key for seals is among the session keys")?;
		let (anchor, anchor_proof) = anchor_of(&author)?;
		let nonce = nonce::application(&GENESIS, &account, &(&author, anchor, &keys), &recent);
		let (ek_certificate, intermediates) = maker::path(&chip, links);
		let application = Application {
			evidence: Evidence {
				ek_certificate,
				intermediates: bounded(intermediates),
				ek_public: chip.ek_public(),
				ak_public: chip.ak_public(),
				quote: chip.quote(&nonce),
				event_log: [1; 32],
			},
			author,
			anchor,
			anchor_proof,
			policy: 0,
			recent: START - 1,
			peer: bounded(vec![1; 64]),
		};
		Ok(Self { account, chip, keys, proof: bounded(proof), application })
	}

	/// Its round, the first, in which nobody sits yet.
	pub(super) fn applied() -> Result<Self, BenchmarkError> {
		// What is stored is as long as with the longest path, and sooner there.
		let applicant = Self::new(0)?;
		let origin = RawOrigin::Signed(applicant.account.clone()).into();
		let application = Box::new(applicant.application.clone());
		Pallet::<T>::apply(origin, application, applicant.keys.clone(), applicant.proof.clone())?;
		Ok(applicant)
	}

	/// The round with the last seat free, a member to take it who weighs as much as all, and the call that does.
	pub(super) fn to_sit_with() -> Result<(Self, Box<ep_trust::SeatClaim>, sr25519::Signature), BenchmarkError> {
		let applicant = Self::applied()?;
		let author = AuthorityId::generate_pair(Some(MEMBER.into()));
		admit::<T>(&author, 1, MAX_WEIGHT);
		let others = [2, 3].map(|n| AuthorityId::from(sr25519::Public::from_raw([n; 32])));
		for (other, n) in others.iter().zip(2..) {
			admit::<T>(other, n, 0);
		}
		let [second, third] = others;
		for block in START + 1..LATE {
			let author = match LATE - block {
				1 => third.clone(),
				2 => second.clone(),
				_ => author.clone(),
			};
			Contributions::<T>::insert(block % REMEMBERED, Contribution { block, author, output: output(block) });
		}
		Rounds::<T>::mutate(0, |state| {
			let state = state.as_mut().expect("the round is there");
			// As if there were more members than seats: lots are drawn.
			(state.all_sit, state.expected, state.total) = (false, u64::from(MAX_SEATS / 2), MAX_WEIGHT);
			(state.authors, state.seated) = (SEED_AUTHORS, MAX_SEATS - 1);
		});
		go_to::<T>(LATE);
		let commitment = nonce::commitment(0, &author, &SECRET);
		let challenge = ep_trust::Challenge { commitment, credential: applicant.question().credential };
		let statement = nonce::statement(&GENESIS, &author, "sit", 0, &(&VRF, &challenge));
		let signature = author.sign(&statement).ok_or("the key is in the keystore")?.into();
		Ok((applicant, Box::new(ep_trust::SeatClaim { author, vrf: VRF, challenge }), signature))
	}

	/// The question that everybody asks: it derives from what they commit to, and that is the same.
	fn question(&self) -> ep_tpm::Challenge {
		self.chip.ek().challenge(&self.chip.ak_name(), &SECRET).expect("the chip can be asked")
	}

	/// Fills the round's committee, and lets it be asked until block [`LATE`]. Gives who sits, in ascending order; the
	/// first's key is in the keystore.
	pub(super) fn questioned(&self, anchors: &[H160]) -> Vec<AuthorityId> {
		let author = |n: u32| AuthorityId::from(sr25519::Public::from_raw([n as u8; 32]));
		let mut authors: Vec<_> = (1..MAX_SEATS).map(author).collect();
		authors.push(AuthorityId::generate_pair(Some(MEMBER.into())));
		let credential = self.question().credential;
		for (author, n) in authors.iter().zip(1..) {
			admit::<T>(author, n, MAX_WEIGHT);
		}
		for (n, author) in authors.iter().enumerate() {
			let seating = Seating {
				anchor: anchors.get(n).copied().unwrap_or(H160::repeat_byte(n as u8 + 1)),
				votes: 1,
				rank: u128::MAX,
				commitment: nonce::commitment(0, author, &SECRET),
				credential: credential.clone(),
				outcome: None,
			};
			Seats::<T>::insert(0, author, seating);
		}
		Rounds::<T>::mutate(0, |state| {
			let state = state.as_mut().expect("the round is there");
			(state.all_sit, state.expected) = (false, u64::from(MAX_SEATS / 2));
			(state.seated, state.votes, state.seed) = (MAX_SEATS, MAX_SEATS.into(), Some(seed()));
			state.until = Deadlines { sit: LATE - 1, answer: LATE + 9, reveal: LATE + 19, judge: LATE + 29 };
		});
		go_to::<T>(LATE);
		authors.sort();
		authors
	}

	/// An answer to everybody.
	pub(super) fn answers(&self, authors: &[AuthorityId]) -> (Answers, Box<ep_trust::Quote>) {
		let answer: [u8; 32] = self.question().secret.try_into().expect("answers have 32 bytes");
		let answers: Answers = bounded(authors.iter().map(|author| (author.clone(), answer)).collect());
		let quote = self.chip.quote(&nonce::answer(&GENESIS, 0, &seed(), &answers));
		(answers, Box::new(quote))
	}

	/// A round with a full committee that has its answers, where nobody has revealed.
	pub(super) fn answered(anchors: &[H160]) -> Result<Self, BenchmarkError> {
		let applicant = Self::applied()?;
		let authors = applicant.questioned(anchors);
		let (answers, quote) = applicant.answers(&authors);
		let origin = RawOrigin::Signed(applicant.account.clone()).into();
		Pallet::<T>::answer(origin, 0, answers, quote)?;
		Ok(applicant)
	}

	/// The same, judged: everybody revealed, the time for it is over, and everybody signed.
	pub(super) fn judged() -> Result<(Self, VerdictCertificate), BenchmarkError> {
		let keys: Vec<ecdsa::Public> =
			(0..MAX_SEATS).map(|_| sp_io::crypto::ecdsa_generate(anchor::KEY_TYPE, None)).collect();
		let anchors: Vec<_> = keys.iter().map(|key| anchor::address(key).expect("it is a point")).collect();
		let applicant = Self::answered(&anchors)?;
		// What each asked nobody could answer, as far as the committee's own record goes: each is named.
		Seats::<T>::translate_values(|seating: Seating| Some(Seating { outcome: Some(Opening::Broken), ..seating }));
		Rounds::<T>::mutate(0, |state| {
			let state = state.as_mut().expect("the round is there");
			(state.revealed, state.opened) = (MAX_SEATS, state.votes);
		});
		go_to::<T>(LATE + 20);
		let state = Rounds::<T>::get(0).ok_or("the round is there")?;
		let (verdict, _) = Pallet::<T>::verdict(0, &state, Judgement::Admit).ok_or("the committee is one")?;
		let digest = verdict.digest(&AnchorChain::<T>::get());
		let sign = |key: &ecdsa::Public| {
			let signature = sp_io::crypto::ecdsa_sign_prehashed(anchor::KEY_TYPE, key, &digest);
			signature.expect("the key is in the keystore").0
		};
		Ok((applicant, VerdictCertificate::collect(&digest, keys.iter().map(sign))))
	}
}

/// A new key for the Elastos Smart Chain, by its address, and what it signs for `author`.
pub(super) fn anchor_of(author: &AuthorityId) -> Result<(H160, [u8; 65]), BenchmarkError> {
	let key = sp_io::crypto::ecdsa_generate(anchor::KEY_TYPE, None);
	let statement = nonce::anchor(&GENESIS, author);
	let proof = sp_io::crypto::ecdsa_sign_prehashed(anchor::KEY_TYPE, &key, &statement);
	let proof = proof.ok_or("the key is in the keystore")?.0;
	Ok((anchor::address(&key).ok_or("it is a point")?, proof))
}

/// What every challenger commits to.
pub(super) const SECRET: [u8; 32] = [0x5c; 32];

/// The member whose key is in the keystore, and its signature under what it reveals.
pub(super) fn to_reveal() -> Result<(Round, AuthorityId, sr25519::Signature), BenchmarkError> {
	let author = AuthorityId::generate_pair(Some(MEMBER.into()));
	let statement = nonce::statement(&GENESIS, &author, "reveal", 0, &SECRET);
	let signature = author.sign(&statement).ok_or("the key is in the keystore")?.into();
	Ok((0, author, signature))
}

#[cfg(test)]
mod tests {
	use super::*;
	use ep_trust::sortition;
	use sp_core::{crypto::VrfSecret, Pair};

	#[test]
	fn the_frozen_vrf_is_the_members_over_the_seed() {
		let pair = sr25519::Pair::from_string(MEMBER, None).unwrap();
		let anew = ep_trust::SeatClaim::encode_vrf(&pair.vrf_sign(&sortition::transcript(&seed()).into()));
		let claim = |vrf| ep_trust::SeatClaim {
			author: pair.public().into(),
			vrf,
			challenge: ep_trust::Challenge {
				commitment: [0; 32],
				credential: Chip::new(1).ek().challenge(&Chip::new(1).ak_name(), &SECRET).unwrap().credential,
			},
		};
		let good = |vrf| claim(vrf).vrf().is_some_and(|vrf| sortition::verify(&claim([0; 96]).author, &seed(), &vrf));
		assert!(good(anew));
		assert!(good(VRF), "the seed has changed; VRF has to be {anew:02x?}");
	}

	#[test]
	fn the_path_is_the_longest_that_is_verified() {
		use ep_tpm::certificate::{verify_ek, Error, Policy, TrustStore};
		let mut store = TrustStore::default();
		for root in maker::roots() {
			store.insert(ep_tpm::certificate::StoredCertificate::of(&root.certificate).unwrap()).unwrap();
		}
		let verify = |links| {
			let (own, above) = maker::path(&Chip::new(1), links);
			let above: Vec<&[u8]> = above.iter().map(|bytes| bytes.as_slice()).collect();
			verify_ek(&own, &above, &store, &Policy::at(NOW / 1_000)).map(|ek| ek.path.len())
		};
		assert_eq!(verify(maker::LINKS), Ok(usize::from(maker::LINKS) + 2));
		assert_eq!(verify(maker::LINKS + 1), Err(Error::PathWork));
	}

	#[test]
	fn lists_are_as_long_as_they_may_be() {
		use frame_support::traits::ConstU32;
		let len = maker::list(1, 1).len();
		let most: u32 = <ConstU32<{ 64 * 1024 }> as Get<u32>>::get();
		assert!(len + 256 > most as usize, "{len}");
	}
}
