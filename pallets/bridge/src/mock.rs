//! A chain with this pallet and the real history, whose validators, addresses and contract tests change at will.

use ep_bridge::{Checkpoint, EquivocationProof, Statement};
use ep_poet::{AuthorityId, OnEquivocation, OnParent as _};
use ep_trust::{anchor, Chain, Judgement, Seat, SignedVerdict, Verdict};
use frame_support::{
	derive_impl, parameter_types,
	traits::{Authorize, ConstU32, ConstU64, Hooks, UnfilteredDispatchable},
	PalletId,
};
use frame_system::EnsureRoot;
use sp_core::{
	ecdsa,
	offchain::{testing::TestOffchainExt, OffchainDbExt, OffchainWorkerExt},
	sr25519, Pair, H160, H256,
};
use sp_runtime::{
	testing::Header,
	traits::Keccak256,
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
	BuildStorage,
};

use crate::{self as pallet_bridge, *};

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
	pub type Mmr = pallet_mmr;

	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(3)]
	pub type Bridge = pallet_bridge;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type BlockHashCount = ConstU64<250>;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
}

impl pallet_mmr::Config for Test {
	const INDEXING_PREFIX: &'static [u8] = b"mmr";

	type Hashing = Keccak256;
	type LeafData = Bridge;
	type OnNewRoot = ();
	type BlockHashProvider = pallet_mmr::DefaultBlockHashProvider<Test>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
}

pub(crate) const GENESIS: H256 = H256::repeat_byte(0x47);
/// Most signers.
pub(crate) const MAX_SIGNERS: u32 = 6;
/// Blocks between checkpoints.
pub(crate) const INTERVAL: u64 = 10;

parameter_types! {
	pub const GenesisHash: H256 = GENESIS;
	pub const PotId: PalletId = PalletId(*b"test/pot");
	pub static CurrentEpoch: u64 = 0;
	pub static CurrentSession: u32 = 0;
	/// Validators, by number, and their weights.
	pub static Validating: Vec<(u8, u64)> = Vec::new();
	/// The contract.
	pub static Contract: Chain = Chain::default();
	/// Who is punished.
	pub static Punished: Vec<AuthorityId> = Vec::new();
}

// Public, since the runtime is.
pub struct Members;

impl Register for Members {
	fn validators() -> Vec<Validator> {
		let validator = |(n, weight)| Validator { author: author(n), address: address(n), weight };
		Validating::get().into_iter().map(validator).collect()
	}

	fn address(of: &AuthorityId) -> Option<H160> {
		(1..40).find(|n| author(*n) == *of).map(super::mock::address)
	}

	fn owner(address: &H160) -> Option<AuthorityId> {
		(1..40).find(|n| super::mock::address(*n) == *address).map(author)
	}

	fn contract() -> Chain {
		Contract::get()
	}
}

impl OnEquivocation for Members {
	fn on_equivocation(author: &AuthorityId) -> bool {
		Punished::mutate(|punished| punished.push(author.clone()));
		true
	}
}

impl History for Members {
	fn root() -> H256 {
		Mmr::mmr_root()
	}

	fn leaves() -> u64 {
		Mmr::mmr_leaves()
	}
}

impl Config for Test {
	type GovernOrigin = EnsureRoot<u64>;
	type Register = Members;
	type OnEquivocation = Members;
	type GenesisHash = GenesisHash;
	type CurrentEpoch = CurrentEpoch;
	type CurrentSession = CurrentSession;
	type History = Members;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type PotId = PotId;
	type MaxSigners = ConstU32<MAX_SIGNERS>;
	type MaxConcluded = ConstU32<3>;
	type WeightInfo = ();
}

pub(crate) fn pair(n: u8) -> ecdsa::Pair {
	ecdsa::Pair::from_seed(&[n; 32])
}

pub(crate) fn address(n: u8) -> H160 {
	anchor::address(&pair(n).public()).unwrap()
}

pub(crate) fn author(n: u8) -> AuthorityId {
	sr25519::Public::from_raw([n; 32]).into()
}

/// Members 1 to 4, who weigh 100 each. Three make a quorum.
pub(crate) fn on_chain(test: impl FnOnce()) {
	on_chain_of(&[(1, 100), (2, 100), (3, 100), (4, 100)], test);
}

/// Runs `test` on a chain with these validators, and checks the state after it.
pub(crate) fn on_chain_of(validators: &[(u8, u64)], test: impl FnOnce()) {
	ext_of(validators).execute_with(|| {
		test();
		end_block();
		Bridge::do_try_state().unwrap();
	});
}

/// A chain in its first block.
pub(crate) fn ext_of(validators: &[(u8, u64)]) -> sp_io::TestExternalities {
	CurrentEpoch::set(0);
	CurrentSession::set(0);
	Validating::set(validators.to_vec());
	Contract::set(Chain::default());
	Punished::set(Vec::new());
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let parameters = Parameters { interval: INTERVAL as u32 };
	pallet_bridge::GenesisConfig::<Test> { parameters, ..Default::default() }.assimilate_storage(&mut storage).unwrap();
	let mut ext = sp_io::TestExternalities::new(storage);
	let (offchain, _) = TestOffchainExt::with_offchain_db(ext.offchain_db());
	ext.register_extension(OffchainDbExt::new(offchain.clone()));
	ext.register_extension(OffchainWorkerExt::new(offchain));
	ext.execute_with(|| begin(1, GENESIS));
	ext
}

fn begin(number: u64, parent: H256) {
	System::initialize(&number, &parent, &Default::default());
	Mmr::on_initialize(number);
	Bridge::on_initialize(number);
}

/// Ends the block as its author does. Its header, sealed or not.
pub(crate) fn end_block() -> Header {
	Bridge::on_finalize(System::block_number());
	System::finalize()
}

/// Ends the block, and begins the next.
pub(crate) fn next_block() -> Header {
	let header = end_block();
	begin(header.number + 1, header.hash());
	Bridge::on_parent(&header);
	header
}

/// Goes on to block `number`. Gives the headers of the blocks that are over.
pub(crate) fn go_to(number: u64) -> Vec<Header> {
	let mut headers = Vec::new();
	while System::block_number() < number {
		headers.push(next_block());
	}
	headers
}

/// Goes on to the next block, in which a session with these validators begins.
pub(crate) fn new_session(validators: &[(u8, u64)]) {
	Validating::set(validators.to_vec());
	CurrentSession::mutate(|session| *session += 1);
	next_block();
}

/// The checkpoint of a height, open.
pub(crate) fn open(number: u32) -> Checkpoint {
	Open::<Test>::get(number).expect("it is open").checkpoint
}

/// What signer `n` says to this.
pub(crate) fn signature(n: u8, checkpoint: &Checkpoint, chain: &Chain) -> [u8; 65] {
	pair(n).sign_prehashed(&checkpoint.digest(chain)).0
}

/// What the pool says of the call; and then the call itself.
pub(crate) fn dispatch(call: Call<Test>) -> Result<(), Error<Test>> {
	match call.authorize(TransactionSource::External).expect("it authorises itself") {
		Ok(_) => {}
		Err(TransactionValidityError::Invalid(InvalidTransaction::Custom(index))) => {
			return Err(codec::Decode::decode(&mut &[index][..]).expect("the index of an error"))
		}
		Err(other) => panic!("{other:?}"),
	}
	let origin = RuntimeOrigin::from(frame_system::RawOrigin::Authorized);
	call.dispatch_bypass_filter(origin).expect("what is authorised works");
	Ok(())
}

/// Hands in a signature.
pub(crate) fn hand_in(number: u32, address: H160, signature: [u8; 65]) -> Result<(), Error<Test>> {
	dispatch(Call::sign { number, address, signature })
}

/// Signer `n` signs the checkpoint of a height as it is open.
pub(crate) fn sign(n: u8, number: u32) -> Result<(), Error<Test>> {
	let checkpoint = Open::<Test>::get(number).map(|open| open.checkpoint).unwrap_or_default();
	hand_in(number, address(n), signature(n, &checkpoint, &Contract::get()))
}

/// What member `n` said.
pub(crate) fn statement(n: u8, checkpoint: Checkpoint, chain: Chain) -> Statement {
	let signature = signature(n, &checkpoint, &chain);
	Statement { checkpoint, chain, signature }
}

/// Reports it.
pub(crate) fn report(first: Statement, second: Statement) -> Result<(), Error<Test>> {
	dispatch(Call::report_equivocation { proof: Box::new(EquivocationProof { first, second }) })
}

/// A verdict that concludes `round`, of a committee with this root. Nobody verifies it here.
pub(crate) fn verdict(round: u32, committee: H256) -> SignedVerdict {
	let judgement = Judgement::Admit;
	SignedVerdict {
		chain: Contract::get(),
		verdict: Verdict {
			genesis: GENESIS,
			round,
			subject: [2; 32],
			evidence: H256::repeat_byte(3),
			judgement,
			committee,
			expected: 9,
		},
		seats: vec![Seat { anchor: address(1), votes: 9 }],
		certificate: Default::default(),
	}
}

/// Addresses and weights of the set that signs now.
pub(crate) fn signers() -> Vec<(u8, u64)> {
	let set = Sets::<Test>::get(CurrentSet::<Test>::get()).unwrap().signers;
	let number = |address: &H160| (1..40).find(|n| super::mock::address(*n) == *address).unwrap();
	let mut signers: Vec<_> = set.signers().iter().map(|signer| (number(&signer.address), signer.weight)).collect();
	signers.sort();
	signers
}

/// Events of this pallet since the last call.
pub(crate) fn events() -> Vec<Event<Test>> {
	let ours = |record: frame_system::EventRecord<RuntimeEvent, H256>| match record.event {
		RuntimeEvent::Bridge(event) => Some(event),
		_ => None,
	};
	let events = System::events().into_iter().filter_map(ours).collect();
	System::reset_events();
	events
}
