//! A runtime with both pallets of ours, sessions and GRANDPA.

use ep_poet::testing::{Header, SoftMember};
use ep_tpm::Name;
use frame_support::{
	derive_impl, parameter_types,
	traits::{ConstU32, ConstU64, Hooks},
};
use frame_system::EnsureRoot;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::{ConstU128, Pair};
use sp_runtime::{generic, impl_opaque_keys, testing::UintAuthorityId, traits::ConvertInto, BuildStorage};

use crate::{self as pallet_trust, MemberSpec, WeightedGrandpa};

pub(crate) type UncheckedExtrinsic = generic::UncheckedExtrinsic<u64, RuntimeCall, UintAuthorityId, ()>;
pub(crate) type Block = generic::Block<Header, UncheckedExtrinsic>;

/// Blocks in an epoch.
pub(crate) const EPOCH: u32 = 5;

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
	pub type Timestamp = pallet_timestamp;

	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(3)]
	pub type Poet = pallet_poet;

	#[runtime::pallet_index(4)]
	pub type Trust = pallet_trust;

	#[runtime::pallet_index(5)]
	pub type Session = pallet_session;

	#[runtime::pallet_index(6)]
	pub type Historical = pallet_session::historical;

	#[runtime::pallet_index(7)]
	pub type Grandpa = pallet_grandpa;
}

impl_opaque_keys! {
	pub struct SessionKeys {
		pub grandpa: WeightedGrandpa<Test>,
	}
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u128>;
}

impl pallet_timestamp::Config for Test {
	type Moment = u64;
	type OnTimestampSet = Poet;
	type MinimumPeriod = ConstU64<1>;
	type WeightInfo = ();
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = u128;
	type ExistentialDeposit = ConstU128<1>;
	type AccountStore = System;
}

impl pallet_poet::Config for Test {
	type Members = Trust;
	type OnEquivocation = Trust;
	type OnParent = ();
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Admit;
}

impl pallet_session::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = u64;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Poet;
	type NextSessionRotation = Poet;
	type SessionManager = Trust;
	type SessionHandler = <SessionKeys as sp_runtime::traits::OpaqueKeys>::KeyTypeIdProviders;
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

parameter_types! {
	pub static MaxMembers: u32 = 64;
	pub static MaxVoters: u32 = 8;
	pub CurrentEpoch: u64 = Poet::current_epoch();
	pub static Randomness: [u8; 32] = [7; 32];
	/// Who was suspended or removed.
	pub static Out: Vec<ep_poet::AuthorityId> = Vec::new();
}

/// Remembers what it is told.
pub struct Watch;

impl ep_poet::OnMemberGone for Watch {
	fn on_member_out(author: &ep_poet::AuthorityId) {
		Out::mutate(|out| out.push(author.clone()));
	}

	fn on_member_gone(_: &ep_poet::AuthorityId) {}
}

impl pallet_trust::Config for Test {
	type AdminOrigin = EnsureRoot<u64>;
	type CurrentEpoch = CurrentEpoch;
	type Randomness = Randomness;
	type OnMemberGone = (Poet, Watch);
	type MaxMembers = MaxMembers;
	type MaxVoters = MaxVoters;
	type WeightInfo = ();
}

/// Admits members for the other pallet's benchmarks.
#[cfg(feature = "runtime-benchmarks")]
#[allow(unreachable_pub)]
pub struct Admit;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_poet::benchmarking::BenchmarkHelper for Admit {
	fn admit(author: ep_poet::AuthorityId, ak_public: ep_poet::api::AkPublic, ek_name: Name) {
		Trust::admit_for_benchmark(999, author, ak_public, ek_name, 1_000);
	}
}

/// The public area of a real chip's key.
pub(crate) fn real_key(folder: &str, file: &str) -> Vec<u8> {
	let path = format!("../../primitives/tpm/tests/fixtures/{folder}/{file}");
	std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Member number `n`, with a chip in software.
pub(crate) fn soft(n: u64) -> SoftMember {
	SoftMember::new(n, 1_000 * n)
}

/// What member number `n` brings.
pub(crate) fn spec(n: u64) -> MemberSpec {
	let member = soft(n);
	MemberSpec {
		author: member.id(),
		ak_public: member.chip.ak_public().try_into().unwrap(),
		ek_name: member.chip.ek_name(),
		weight: member.weight,
	}
}

/// What somebody with a real chip brings.
pub(crate) fn real_spec(folder: &str) -> MemberSpec {
	MemberSpec {
		ak_public: real_key(folder, "ak.tpmt_public").try_into().unwrap(),
		ek_name: Name::of_public(&real_key(folder, "ek.tpmt_public")).unwrap(),
		..spec(40)
	}
}

pub(crate) fn grandpa(n: u64) -> GrandpaId {
	let mut seed = [0x33; 32];
	seed[..8].copy_from_slice(&n.to_le_bytes());
	sp_core::ed25519::Pair::from_seed(&seed).public().into()
}

pub(crate) fn keys(n: u64) -> SessionKeys {
	SessionKeys { grandpa: grandpa(n) }
}

/// A chain whose members are numbers 1 to `count`, their weights 1,000 times their numbers.
pub(crate) fn chain_of(count: u64) -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let parameters =
		ep_poet::Parameters { target: 2_000, minimum_wait: 200, overhead: 300, max_slack: 20_000, epoch_length: EPOCH };
	pallet_poet::GenesisConfig::<Test> { parameters, ..Default::default() }.assimilate_storage(&mut storage).unwrap();
	let members = (1..=count).map(|n| (n, spec(n))).collect();
	pallet_trust::GenesisConfig::<Test> { members }.assimilate_storage(&mut storage).unwrap();
	pallet_session::GenesisConfig::<Test> {
		keys: (1..=count).map(|n| (n, n, keys(n))).collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	pallet_grandpa::GenesisConfig::<Test>::default().assimilate_storage(&mut storage).unwrap();
	storage.into()
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	MaxMembers::set(64);
	MaxVoters::set(8);
	Out::set(Vec::new());
	chain_of(3)
}

/// Runs `test` on a new chain of members 1, 2 and 3, and checks the state after it.
pub(crate) fn on_chain(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		System::set_block_number(1);
		test();
		Trust::do_try_state().unwrap();
	});
}

/// Goes on to the first block of `epoch`, without waits and seals.
pub(crate) fn go_to_epoch(epoch: u32) {
	go_to_block(epoch * EPOCH);
}

pub(crate) fn go_to_block(number: u32) {
	while System::block_number() < number {
		Grandpa::on_finalize(System::block_number());
		System::set_block_number(System::block_number() + 1);
		System::reset_events();
		Trust::on_initialize(System::block_number());
		Session::on_initialize(System::block_number());
	}
}

/// GRANDPA's voters by member number, with their weights, once the block is over.
pub(crate) fn voters() -> Vec<(u64, u64)> {
	Grandpa::on_finalize(System::block_number());
	let number = |key: &GrandpaId| (1..=100).find(|n| grandpa(*n) == *key).expect("a voter's key is a member's");
	Grandpa::grandpa_authorities().iter().map(|(key, weight)| (number(key), *weight)).collect()
}
