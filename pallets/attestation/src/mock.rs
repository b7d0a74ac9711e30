//! A chain of members with chips in software.

use codec::Encode;
use ep_poet::{
	testing::{SoftMember, Statement},
	AuthorityId,
};
use ep_tpm::{chip::Ak, testing::SoftLegacyChip, Name};
use ep_trust::{nonce, Attested, Quote, Testimony};
use frame_support::{
	derive_impl, parameter_types,
	traits::{Authorize, ConstU32, ConstU64, Hooks, OneSessionHandler},
};
use frame_system::EnsureRoot;
use pallet_trust::{MemberSpec, WeightedGrandpa};
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::{sr25519, ConstU128, Pair, H256};
use sp_runtime::{
	impl_opaque_keys,
	traits::{BlakeTwo256, ConvertInto, IdentityLookup, OpaqueKeys},
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
	BoundToRuntimeAppPublic, BuildStorage, Permill,
};

use crate::{self as pallet_attestation, *};

type Block = frame_system::mocking::MockBlock<Test>;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;

	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(2)]
	pub type Trust = pallet_trust;

	#[runtime::pallet_index(3)]
	pub type Session = pallet_session;

	#[runtime::pallet_index(4)]
	pub type Historical = pallet_session::historical;

	#[runtime::pallet_index(5)]
	pub type Grandpa = pallet_grandpa;

	#[runtime::pallet_index(6)]
	pub type Attestation = pallet_attestation;
}

/// Names the key for seals among the session keys, as the runtime does.
pub struct PoetKey;

impl BoundToRuntimeAppPublic for PoetKey {
	type Public = AuthorityId;
}

impl OneSessionHandler<u64> for PoetKey {
	type Key = AuthorityId;

	fn on_genesis_session<'a, I: Iterator<Item = (&'a u64, AuthorityId)> + 'a>(_: I) {}

	fn on_new_session<'a, I: Iterator<Item = (&'a u64, AuthorityId)> + 'a>(_: bool, _: I, _: I) {}

	fn on_disabled(_: u32) {}
}

impl_opaque_keys! {
	pub struct SessionKeys {
		pub poet: PoetKey,
		pub grandpa: WeightedGrandpa<Test>,
	}
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u128>;
	type Lookup = IdentityLookup<u64>;
	type Hashing = BlakeTwo256;
	type BlockHashCount = ConstU64<250>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = u128;
	type ExistentialDeposit = ConstU128<1>;
	type AccountStore = System;
}

impl pallet_session::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = u64;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = pallet_session::PeriodicSessions<ConstU64<1_000_000>, ConstU64<0>>;
	type NextSessionRotation = pallet_session::PeriodicSessions<ConstU64<1_000_000>, ConstU64<0>>;
	type SessionManager = Trust;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	type DisablingStrategy = ();
	type WeightInfo = ();
	type Currency = Balances;
	type KeyDeposit = ConstU128<0>;
}

impl pallet_session::historical::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type FullIdentification = ();
	type FullIdentificationOf = ();
}

impl pallet_grandpa::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = ConstU32<32>;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<4>;
	type KeyOwnerProof = sp_core::Void;
	type EquivocationReportSystem = ();
}

pub(crate) const GENESIS: H256 = H256::repeat_byte(0x47);
/// Weight of each member at genesis.
pub(crate) const WEIGHT: u64 = 200_000;

parameter_types! {
	pub static CurrentEpoch: u64 = 0;
	pub static Randomness: [u8; 32] = [7; 32];
	pub static Draw: Option<(AuthorityId, [u8; 32])> = None;
	pub const GenesisHash: H256 = GENESIS;
	/// A member that was admitted under a policy, and its cap.
	pub static UnderPolicy: Option<(AuthorityId, u64)> = None;
	/// What chips were seen to run.
	pub static Firmware: Vec<(AuthorityId, u64)> = Vec::new();
	/// Scores that were told.
	pub static Told: Vec<(AuthorityId, u64)> = Vec::new();
}

impl pallet_trust::Config for Test {
	type AdminOrigin = EnsureRoot<u64>;
	type CurrentEpoch = CurrentEpoch;
	type Randomness = Randomness;
	type OnMemberGone = Attestation;
	type MaxMembers = ConstU32<64>;
	type MaxVoters = ConstU32<8>;
	type WeightInfo = ();
}

/// Policy 0 wants PCRs that are read as sevens; there is no other.
pub struct Sevens;

impl Platforms for Sevens {
	fn cap(author: &AuthorityId) -> Option<u64> {
		UnderPolicy::get().filter(|(member, _)| member == author).map(|(_, cap)| cap)
	}

	fn policy(author: &AuthorityId) -> Option<u32> {
		UnderPolicy::get().filter(|(member, _)| member == author).map(|_| 0)
	}

	fn stays(_: &AuthorityId) -> Option<u32> {
		None
	}

	fn attested(author: &AuthorityId, firmware: u64) {
		Firmware::mutate(|seen| seen.push((author.clone(), firmware)));
	}

	fn check(_: u32, key: &Ak, ek_name: &Name, quote: &Quote, nonce: &[u8]) -> Result<(), Fault> {
		match key {
			Ak::Tpm20(key) => {
				let quoted = ep_tpm::verify_quote_of_any_clock(key, &quote.attest, &quote.signature, nonce)?;
				quoted.signed_under_ek(key, ek_name)?;
			}
			Ak::Tpm12(key) => {
				ep_tpm::legacy::verify_quote(key, &quote.attest, &quote.signature, nonce)?;
			}
		}
		match quote.pcr_values.iter().all(|value| value.iter().all(|byte| *byte == 7)) {
			true => Ok(()),
			false => Err(Fault::Platform),
		}
	}
}

/// Remembers what it is told.
pub struct Scores;

impl ep_trust::score::OnScore for Scores {
	fn on_score(author: &AuthorityId, score: u64) {
		Told::mutate(|told| told.push((author.clone(), score)));
	}
}

impl Config for Test {
	type GovernOrigin = EnsureRoot<u64>;
	type Draw = Draw;
	type GenesisHash = GenesisHash;
	type Platforms = Sevens;
	type OnScore = Scores;
	type MaxPicks = ConstU32<4>;
	type WeightInfo = ();
}

pub(crate) fn parameters() -> Parameters {
	Parameters {
		picks: 2,
		deadline: 5,
		grace: 3,
		rest: 20,
		gain: Permill::from_percent(5),
		loss: Permill::from_percent(20),
		late: Permill::from_percent(1),
		threshold: 50_000,
	}
}

pub(crate) fn soft(n: u64) -> SoftMember {
	SoftMember::new(n, WEIGHT)
}

fn grandpa(n: u64) -> GrandpaId {
	let mut seed = [0x33; 32];
	seed[..8].copy_from_slice(&n.to_le_bytes());
	sp_core::ed25519::Pair::from_seed(&seed).public().into()
}

pub(crate) fn spec(n: u64) -> MemberSpec {
	MemberSpec {
		author: soft(n).id(),
		ak_public: soft(n).chip.ak_public().try_into().unwrap(),
		ek_name: soft(n).chip.ek_name(),
		weight: WEIGHT,
	}
}

/// Runs `test` on a chain of so many members, drawn from only where the test says so, and checks the state after it.
pub(crate) fn on_chain_of(members: u64, test: impl FnOnce()) {
	CurrentEpoch::set(0);
	Draw::set(None);
	UnderPolicy::set(None);
	Firmware::set(Vec::new());
	Told::set(Vec::new());
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	pallet_trust::GenesisConfig::<Test> { members: (1..=members).map(|n| (n, spec(n))).collect() }
		.assimilate_storage(&mut storage)
		.unwrap();
	pallet_session::GenesisConfig::<Test> {
		keys: (1..=members).map(|n| (n, n, SessionKeys { poet: soft(n).id(), grandpa: grandpa(n) })).collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	pallet_grandpa::GenesisConfig::<Test>::default().assimilate_storage(&mut storage).unwrap();
	pallet_attestation::GenesisConfig::<Test> { parameters: Some(parameters()), ..Default::default() }
		.assimilate_storage(&mut storage)
		.unwrap();
	sp_io::TestExternalities::new(storage).execute_with(|| {
		go_to(1);
		test();
		Attestation::do_try_state().unwrap();
	});
}

/// Goes on to block `number`.
pub(crate) fn go_to(number: u64) {
	while System::block_number() < number {
		let now = System::block_number() + 1;
		frame_system::BlockHash::<Test>::insert(now - 1, H256::from_low_u64_be(now - 1 + 0xb10c));
		System::set_block_number(now);
		Attestation::on_initialize(now);
	}
}

/// Draws member `n` in this block, and goes on to the next.
pub(crate) fn oblige(n: u64) -> Duty {
	Attestation::oblige(soft(n).id(), &Settings::<Test>::get());
	let duty = Duties::<Test>::get(soft(n).id()).expect("it was drawn");
	go_to(System::block_number() + 1);
	duty
}

/// What a member's chip says, to be made worse.
pub(crate) struct Draft {
	pub(crate) n: u64,
	pub(crate) statement: Statement,
	pub(crate) quoted: Option<[u8; 32]>,
	pub(crate) attempt: u8,
}

impl Draft {
	/// What an honest member says.
	pub(crate) fn of(n: u64) -> Self {
		let duty = Duties::<Test>::get(soft(n).id()).expect("it owes something");
		let nonce = nonce::duty(&GENESIS, &System::block_hash(u64::from(duty.block)), &soft(n).id());
		let clock = 1_000 * System::block_number();
		let statement = Statement { time: clock, clock, reset_count: 5, restart_count: 6, nonce: nonce.to_vec() };
		let quoted = Sevens::policy(&soft(n).id()).map(|_| [7; 32]);
		Self { n, statement, quoted, attempt: duty.attempts }
	}

	pub(crate) fn testimony(&self) -> Testimony {
		let chip = soft(self.n).chip;
		let attest = chip.attest(&self.statement);
		let signature = chip.sign(&attest);
		let quote = self.quoted.map(|value| {
			let attest = chip.quote(&self.statement, [1, 0, 0], &[value]);
			let signature = chip.sign(&attest);
			Quote {
				attest: attest.try_into().unwrap(),
				signature: signature.try_into().unwrap(),
				pcr_values: vec![value.to_vec().try_into().unwrap()].try_into().unwrap(),
			}
		});
		let time = Attested { attest: attest.try_into().unwrap(), signature: signature.try_into().unwrap() };
		Testimony { time: Some(time), quote }
	}

	/// Signs it as member `n`, and calls.
	pub(crate) fn attest(&self) -> Result<(), Error<Test>> {
		attest(self.n, self.attempt, self.testimony())
	}
}

/// Makes member `n` one with a TPM 1.2, admitted under policy 0 with this cap.
pub(crate) fn admit_legacy(n: u64, cap: u64) -> SoftLegacyChip {
	let chip = SoftLegacyChip::new(n);
	let ak_public = chip.ak_public().try_into().unwrap();
	let keys = SessionKeys { poet: soft(n).id(), grandpa: grandpa(n) };
	frame_support::assert_ok!(Trust::add_member(
		RuntimeOrigin::root(),
		n,
		MemberSpec { ak_public, weight: 0, ..spec(n) },
		keys
	));
	UnderPolicy::set(Some((soft(n).id(), cap)));
	chip
}

/// What the chip of a member that has a TPM 1.2 says for its duty, of a PCR that holds this.
pub(crate) fn legacy_testimony(n: u64, chip: &SoftLegacyChip, value: [u8; 20]) -> Testimony {
	let duty = Duties::<Test>::get(soft(n).id()).expect("it owes something");
	let nonce = nonce::duty(&GENESIS, &System::block_hash(u64::from(duty.block)), &soft(n).id());
	let (attest, signature) = chip.quote([1, 0, 0], &[value], &nonce);
	let quote = Quote {
		attest: attest.try_into().unwrap(),
		signature: signature.try_into().unwrap(),
		pcr_values: vec![value.to_vec().try_into().unwrap()].try_into().unwrap(),
	};
	Testimony { time: None, quote: Some(quote) }
}

/// Member `n` signs and hands in a testimony.
pub(crate) fn attest(n: u64, attempt: u8, testimony: Testimony) -> Result<(), Error<Test>> {
	let block = Duties::<Test>::get(soft(n).id()).map_or(0, |duty| duty.block);
	let signature = sign(n, block, attempt, &testimony);
	hand_in(soft(n).id(), testimony, signature)
}

pub(crate) fn sign(n: u64, block: u32, attempt: u8, testimony: &Testimony) -> sr25519::Signature {
	sign_on(n, block, System::block_hash(u64::from(block)), attempt, testimony)
}

/// The same on a fork on which the block has this hash.
pub(crate) fn sign_on(n: u64, block: u32, hash: H256, attempt: u8, testimony: &Testimony) -> sr25519::Signature {
	let statement = nonce::statement(&GENESIS, &soft(n).id(), "attest", block, &(hash, attempt, testimony));
	soft(n).pair.sign(&statement)
}

/// What the pool says of the call; and then the call itself.
pub(crate) fn hand_in(
	author: AuthorityId,
	testimony: Testimony,
	signature: sr25519::Signature,
) -> Result<(), Error<Test>> {
	let call = Call::<Test>::attest { author, testimony: Box::new(testimony), signature };
	assert!(call.encoded_size() < 4_096, "feeless calls are short");
	match call.authorize(TransactionSource::External).expect("it authorises itself") {
		Ok(_) => {}
		Err(TransactionValidityError::Invalid(InvalidTransaction::Custom(index))) => {
			return Err(codec::Decode::decode(&mut &[index][..]).expect("the index of an error"))
		}
		Err(other) => panic!("{other:?}"),
	}
	let origin = RuntimeOrigin::from(frame_system::RawOrigin::Authorized);
	frame_support::traits::UnfilteredDispatchable::dispatch_bypass_filter(call, origin)
		.expect("what is authorised works");
	Ok(())
}

/// Credit and scheduled weight of member `n`.
pub(crate) fn score(n: u64) -> (u64, u64) {
	let standing = Attestation::standing(&soft(n).id()).expect("it is a member");
	(standing.score, Trust::scheduled_weight(&soft(n).id()))
}

/// Events of this pallet since the last call.
pub(crate) fn events() -> Vec<Event<Test>> {
	let ours = |record: frame_system::EventRecord<RuntimeEvent, H256>| match record.event {
		RuntimeEvent::Attestation(event) => Some(event),
		_ => None,
	};
	let events = System::events().into_iter().filter_map(ours).collect();
	System::reset_events();
	events
}
