//! A runtime with this pallet and a register of members that tests can change at will, and a chain of blocks on it.

use std::{cell::RefCell, collections::BTreeMap};

use ep_poet::{
	testing::{Draft, Header, SoftMember},
	AuthorIdentity, AuthorityId, Lottery, Members, OnEquivocation, OnParent, Weight as Score,
};
use frame_support::{
	derive_impl,
	traits::{ConstU64, Hooks},
};
use sp_core::{ConstU32, H256};
use sp_runtime::{generic, testing::UintAuthorityId, traits::Header as _, BuildStorage, Digest, DigestItem};

use crate as pallet_poet;

pub(crate) type TxExtension = (frame_system::AuthorizeCall<Test>,);
pub(crate) type UncheckedExtrinsic = generic::UncheckedExtrinsic<u64, RuntimeCall, UintAuthorityId, TxExtension>;
pub(crate) type Block = generic::Block<Header, UncheckedExtrinsic>;

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
	pub type Poet = pallet_poet;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type BlockHashCount = ConstU32<8>;
}

impl pallet_timestamp::Config for Test {
	type Moment = u64;
	type OnTimestampSet = Poet;
	type MinimumPeriod = ConstU64<1>;
	type WeightInfo = ();
}

impl pallet_poet::Config for Test {
	type Members = Register;
	type OnEquivocation = Register;
	type OnParent = Register;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Register;
}

/// A member as the register has it.
#[derive(Clone)]
pub(crate) struct Entry {
	pub(crate) identity: AuthorIdentity<u64>,
	/// Its epochs.
	pub(crate) epochs: core::ops::Range<u64>,
}

thread_local! {
	static REGISTER: RefCell<BTreeMap<AuthorityId, Entry>> = const { RefCell::new(BTreeMap::new()) };
	static TOLD: RefCell<Vec<AuthorityId>> = const { RefCell::new(Vec::new()) };
	static PARENTS: RefCell<Vec<Header>> = const { RefCell::new(Vec::new()) };
}

// Public, since the runtime is.
#[allow(unreachable_pub)]
pub struct Register;

impl Register {
	pub(crate) fn set(member: &SoftMember, account: u64, epochs: core::ops::Range<u64>) {
		let contestant = member.contestant();
		let identity = AuthorIdentity {
			account,
			weight: contestant.weight,
			ak_public: contestant.ak_public,
			ek_name: contestant.ek_name,
		};
		REGISTER.with_borrow_mut(|all| all.insert(member.id(), Entry { identity, epochs }));
	}

	pub(crate) fn remove(member: &SoftMember) {
		REGISTER.with_borrow_mut(|all| all.remove(&member.id()));
	}

	/// The headers that came by [`OnParent`].
	pub(crate) fn parents() -> Vec<Header> {
		PARENTS.with_borrow(Clone::clone)
	}

	pub(crate) fn told() -> Vec<AuthorityId> {
		TOLD.with_borrow(Clone::clone)
	}
}

impl Members<u64> for Register {
	fn contestant(author: &AuthorityId, epoch: u64) -> Option<AuthorIdentity<u64>> {
		REGISTER.with_borrow(|all| all.get(author).filter(|e| e.epochs.contains(&epoch)).map(|e| e.identity.clone()))
	}

	fn identity(author: &AuthorityId, _: u64) -> Option<AuthorIdentity<u64>> {
		REGISTER.with_borrow(|all| all.get(author).map(|e| e.identity.clone()))
	}

	fn page(from: u32, limit: u32, epoch: u64) -> Vec<(AuthorityId, Score)> {
		let weight = |e: &Entry| if e.epochs.contains(&epoch) { e.identity.weight } else { 0 };
		REGISTER.with_borrow(|all| {
			all.iter().skip(from as usize).take(limit as usize).map(|(id, e)| (id.clone(), weight(e))).collect()
		})
	}

	fn total_weight(epoch: u64) -> Score {
		Self::page(0, u32::MAX, epoch).into_iter().map(|(_, weight)| weight).sum()
	}
}

impl OnParent<Header> for Register {
	fn on_parent(header: &Header) {
		PARENTS.with_borrow_mut(|parents| parents.push(header.clone()));
	}
}

impl OnEquivocation for Register {
	fn on_equivocation(author: &AuthorityId) -> bool {
		TOLD.with_borrow_mut(|told| told.push(author.clone()));
		true
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper for Register {
	fn admit(author: AuthorityId, ak_public: ep_poet::api::AkPublic, ek_name: ep_tpm::Name) {
		let identity = AuthorIdentity { account: 1, weight: 1_000, ak_public, ek_name };
		REGISTER.with_borrow_mut(|all| all.insert(author, Entry { identity, epochs: 0..u64::MAX }));
	}
}

/// Blocks of 2 s, epochs of 10.
pub(crate) fn parameters() -> ep_poet::Parameters {
	ep_poet::Parameters { target: 2_000, minimum_wait: 200, overhead: 300, max_slack: 20_000, epoch_length: 10 }
}

/// Members 1, 2 and 3, with accounts of the same numbers.
pub(crate) fn members() -> [SoftMember; 3] {
	[SoftMember::new(1, 1_000), SoftMember::new(2, 2_000), SoftMember::new(3, 3_000)]
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	REGISTER.with_borrow_mut(BTreeMap::clear);
	TOLD.with_borrow_mut(Vec::clear);
	PARENTS.with_borrow_mut(Vec::clear);
	for (member, account) in members().iter().zip(1..) {
		Register::set(member, account, 0..u64::MAX);
	}
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let genesis = pallet_poet::GenesisConfig::<Test> { parameters: parameters(), ..Default::default() };
	genesis.assimilate_storage(&mut storage).unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	let keystore = sp_keystore::testing::MemoryKeystore::new();
	ext.register_extension(sp_keystore::KeystoreExt::new(keystore));
	ext
}

/// Runs `test` on a new chain, and checks the state after it.
pub(crate) fn on_chain(test: impl FnOnce(Chain)) {
	new_test_ext().execute_with(|| {
		test(Chain::genesis());
		Poet::do_try_state().unwrap();
	});
}

/// A chain of sealed blocks.
#[derive(Clone)]
pub(crate) struct Chain {
	/// The sealed header of the best block.
	pub(crate) best: Header,
	pub(crate) genesis: H256,
}

impl Chain {
	pub(crate) fn genesis() -> Self {
		let best = Header::new(0, H256::zero(), H256::repeat_byte(5), H256::zero(), Digest::default());
		Self { genesis: best.hash(), best }
	}

	/// The lottery of the next height, as a node sees it.
	pub(crate) fn lottery(&self) -> Lottery {
		Lottery { genesis: self.genesis, ..Poet::lottery() }
	}

	/// An honest block of `member`; every chip has counted milliseconds since genesis.
	pub(crate) fn draft(&self, member: &SoftMember) -> Draft {
		let contestant = Poet::contestant(member.id()).expect("the author is a member");
		let lottery = self.lottery();
		member.draft(&lottery, self.best.hash(), &contestant, lottery.parent_timestamp + 1_000)
	}

	/// The member whose wait is over first.
	pub(crate) fn winner(&self) -> SoftMember {
		members().into_iter().min_by_key(|member| self.draft(member).pre_digest.claim.wait).unwrap()
	}

	/// Begins the block, up to its inherents.
	pub(crate) fn begin(&self, draft: &Draft) {
		let digest = Digest { logs: vec![DigestItem::from(&draft.pre_digest)] };
		self.begin_with(digest);
	}

	pub(crate) fn begin_with(&self, digest: Digest) {
		let number = self.best.number + 1;
		System::reset_events();
		System::initialize(&number, &self.best.hash(), &digest);
		Poet::on_initialize(number);
	}

	/// Notes the parent, as a block has to.
	pub(crate) fn note_parent(&self) {
		if self.best.number > 0 {
			Poet::note_parent(RuntimeOrigin::none(), Box::new(self.best.clone())).unwrap();
		}
	}

	/// Finishes the block and seals it.
	pub(crate) fn finish(&mut self, mut draft: Draft, member: &SoftMember) {
		let number = self.best.number + 1;
		Poet::on_finalize(number);
		Timestamp::on_finalize(number);
		let mut header = System::finalize();
		assert_eq!(header.digest().logs, vec![DigestItem::from(&draft.pre_digest)]);
		*header.digest_mut() = Digest::default();
		draft.header = header;
		self.best = draft.seal(member);
	}

	/// Executes and seals a block.
	pub(crate) fn import(&mut self, draft: Draft, member: &SoftMember) {
		self.begin(&draft);
		Timestamp::set(RuntimeOrigin::none(), draft.pre_digest.timestamp).unwrap();
		self.note_parent();
		self.finish(draft, member);
	}

	/// `count` honest blocks, each by the member whose wait is over first.
	pub(crate) fn run(&mut self, count: u32) {
		for _ in 0..count {
			let member = self.winner();
			self.import(self.draft(&member), &member);
		}
	}
}
