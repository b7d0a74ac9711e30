//! A runtime with the register and sessions, and applicants with chips in software under real EK certificates.

use codec::Encode;
use ep_poet::{
	testing::{SoftChip, SoftMember, Statement},
	AuthorityId,
};
use ep_tpm::{
	chip::{Ak, Ek},
	model::EkKind,
	policy::PlatformPolicy,
	testing::SoftLegacyChip,
	Name,
};
use ep_trust::{nonce, sortition, Application, Challenge, Evidence, Quote, SeatClaim, SignedVerdict};
use frame_support::{
	derive_impl, parameter_types,
	traits::{ConstU32, ConstU64, Hooks, OneSessionHandler},
};
use frame_system::EnsureRoot;
use pallet_trust::{MemberSpec, WeightedGrandpa};
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::{crypto::VrfSecret, ecdsa, sr25519, ConstU128, Pair, H160, H256};
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use sp_runtime::{
	impl_opaque_keys,
	traits::{BlakeTwo256, ConvertInto, IdentityLookup, OpaqueKeys},
	BoundToRuntimeAppPublic, BuildStorage,
};
use std::sync::Arc;

use crate::{self as pallet_admission, *};

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
	pub type Timestamp = pallet_timestamp;

	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;

	#[runtime::pallet_index(3)]
	pub type Trust = pallet_trust;

	#[runtime::pallet_index(4)]
	pub type Session = pallet_session;

	#[runtime::pallet_index(5)]
	pub type Historical = pallet_session::historical;

	#[runtime::pallet_index(6)]
	pub type Grandpa = pallet_grandpa;

	#[runtime::pallet_index(7)]
	pub type Admission = pallet_admission;
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
}

impl pallet_timestamp::Config for Test {
	type Moment = u64;
	type OnTimestampSet = ();
	type MinimumPeriod = ConstU64<1>;
	type WeightInfo = ();
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
pub(crate) const TREASURY: u64 = 999;

parameter_types! {
	pub static CurrentEpoch: u64 = 0;
	pub static Randomness: [u8; 32] = [7; 32];
	pub static Draw: Option<(AuthorityId, [u8; 32])> = None;
	pub const GenesisHash: H256 = GENESIS;
	pub const ForfeitTo: u64 = TREASURY;
	pub static MaxRounds: u32 = 4;
	/// Who failed.
	pub static Faults: Vec<AuthorityId> = Vec::new();
	/// Verdicts with which committees concluded rounds.
	pub static Concluded: Vec<SignedVerdict> = Vec::new();
	/// Who was given which address.
	pub static Addressed: Vec<(AuthorityId, H160)> = Vec::new();
}

/// Writes down who fails, and what is concluded.
pub struct Blackboard;

impl ep_trust::score::OnFault for Blackboard {
	fn on_fault(author: &AuthorityId) {
		Faults::mutate(|faults| faults.push(author.clone()));
	}
}

impl ep_trust::anchor::OnAnchor for Blackboard {
	fn on_anchor(author: &AuthorityId, address: H160) {
		Addressed::mutate(|addressed| addressed.push((author.clone(), address)));
	}
}

impl ep_trust::committee::OnConclude for Blackboard {
	fn on_conclude(signed: SignedVerdict) {
		Concluded::mutate(|concluded| concluded.push(signed));
	}
}

impl pallet_trust::Config for Test {
	type AdminOrigin = EnsureRoot<u64>;
	type CurrentEpoch = CurrentEpoch;
	type Randomness = Randomness;
	type OnMemberGone = Admission;
	type MaxMembers = ConstU32<20_000>;
	type MaxVoters = ConstU32<8>;
	type WeightInfo = ();
}

impl pallet_admission::Config for Test {
	type GovernOrigin = EnsureRoot<u64>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Draw = Draw;
	type GenesisHash = GenesisHash;
	type ForfeitTo = ForfeitTo;
	type OnFault = Blackboard;
	type OnConclude = Blackboard;
	type OnAnchor = Blackboard;
	type MaxRounds = MaxRounds;
	type WeightInfo = ();
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper for Test {
	fn score(_: &AuthorityId) {}

	fn set_genesis(genesis: H256) {
		assert_eq!(genesis, GENESIS, "benchmarks and tests are about one chain");
	}

	fn set_draw(author: AuthorityId, output: [u8; 32]) {
		Draw::set(Some((author, output)));
	}

	fn session_keys(owner: &[u8]) -> (SessionKeys, Vec<u8>) {
		let generated = SessionKeys::generate(&owner, None);
		(generated.keys, generated.proof.encode())
	}
}

/// A chain without members, for benchmarks.
#[cfg(feature = "runtime-benchmarks")]
pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.register_extension(KeystoreExt(Arc::new(MemoryKeystore::new()) as Arc<dyn Keystore>));
	ext
}

/// A time at which the fixtures' certificates are valid: 2036.
pub(crate) const NOW: u64 = 2_082_758_400_000;
/// Members of genesis: 1 to 4, 250,000 each.
pub(crate) const MEMBERS: u64 = 4;
pub(crate) const DEPOSIT: u128 = 1_000;
/// The applicants' accounts.
pub(crate) const ALICE: u64 = 101;
pub(crate) const BOB: u64 = 102;

pub(crate) fn parameters() -> Parameters<u128> {
	Parameters {
		deposit: DEPOSIT,
		seats: 10,
		sit: 10,
		answer: 10,
		reveal: 10,
		judge: 10,
		cooldown: 100,
		recent: 20,
		overlap: 50,
		expired_stay: true,
		first_weight: 300_000,
		caps: Caps { software: 200_000, ..Caps::default() },
	}
}

/// PCRs 0 and 7 of the SHA-256 bank hold zeros.
pub(crate) fn policy() -> PlatformPolicy {
	zeros(0x000b, 32, false)
}

/// The same of a TPM 1.2, which does not tell of reboots.
pub(crate) fn legacy_policy() -> PlatformPolicy {
	zeros(0x0004, 20, true)
}

fn zeros(bank: u16, len: usize, may_reboot: bool) -> PlatformPolicy {
	use ep_tpm::policy::{AllowedPcrs, PcrRule};
	let zeros: ep_tpm::policy::Digest = vec![0; len].try_into().unwrap();
	let rule = PcrRule::OneOf(vec![zeros].try_into().unwrap());
	PlatformPolicy {
		bank,
		bitmap: BITMAP.to_vec().try_into().unwrap(),
		allowed: AllowedPcrs::Each(vec![rule.clone(), rule].try_into().unwrap()),
		min_firmware: 0,
		may_reset: may_reboot,
		may_resume: may_reboot,
	}
}

pub(crate) const BITMAP: [u8; 3] = [0x81, 0, 0];

pub(crate) fn file(name: &str) -> Vec<u8> {
	fixture(&format!("swtpm/{name}"))
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
	let path = format!("../../primitives/tpm/tests/certificates/{name}");
	std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file of a real chip of TPM 1.2 and its authority.
pub(crate) fn legacy_file(name: &str) -> Vec<u8> {
	fixture(&format!("../fixtures/legacy/{name}"))
}

/// EK certificate and public half of a chip: `ecc` and `rsa` are of one chip, `good` and `revoked` of one each, `tpm12` is
/// of a TPM 1.2.
pub(crate) fn chip(kind: &str) -> (Vec<u8>, Vec<u8>) {
	match kind {
		"ecc" | "rsa" => return (file(&format!("ek-{kind}.der")), file(&format!("ek-{kind}.tpmt_public"))),
		"tpm12" => return (legacy_file("ek.der"), legacy_file("ek.pubkey")),
		_ => {}
	}
	let certificate = fixture(&format!("list/{kind}.der"));
	let key = ep_tpm::certificate::Certificate::parse(&certificate).unwrap().public_key().unwrap();
	let ep_tpm::certificate::CertifiedKey::Ecc { x, y, .. } = key else { panic!("{kind} is a P-256 key") };
	// Template L-2 of the TCG EK Credential Profile.
	let policy = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";
	let mut public = vec![0, 0x23, 0, 0x0b, 0, 3, 0, 0xb2, 0, 32];
	public.extend((0..32).map(|i| u8::from_str_radix(&policy[2 * i..2 * i + 2], 16).unwrap()));
	public.extend([0, 6, 0, 128, 0, 0x43, 0, 0x10, 0, 3, 0, 0x10]);
	for coordinate in [x, y] {
		public.extend([0, 32]);
		public.extend(coordinate);
	}
	(certificate, public)
}

pub(crate) fn soft(n: u64) -> SoftMember {
	SoftMember::new(n, 250_000)
}

pub(crate) fn anchor_pair(n: u64) -> ecdsa::Pair {
	let mut seed = [0x44; 32];
	seed[..8].copy_from_slice(&n.to_le_bytes());
	ecdsa::Pair::from_seed(&seed)
}

pub(crate) fn anchor(n: u64) -> H160 {
	ep_trust::anchor::address(&anchor_pair(n).public()).unwrap()
}

/// What the key of `anchor(n)` signs for `author`.
pub(crate) fn anchor_proof(author: &AuthorityId, n: u64) -> [u8; 65] {
	anchor_pair(n).sign_prehashed(&nonce::anchor(&GENESIS, author)).0
}

fn grandpa(n: u64) -> GrandpaId {
	let mut seed = [0x33; 32];
	seed[..8].copy_from_slice(&n.to_le_bytes());
	sp_core::ed25519::Pair::from_seed(&seed).public().into()
}

/// Runs `test` on a chain of [`MEMBERS`] and a root for the fixtures' manufacturer, and checks the state after it.
pub(crate) fn on_chain(test: impl FnOnce()) {
	on_chain_of(MEMBERS, test);
}

pub(crate) fn on_chain_of(members: u64, test: impl FnOnce()) {
	MaxRounds::set(4);
	Faults::set(Vec::new());
	Concluded::set(Vec::new());
	Addressed::set(Vec::new());
	CurrentEpoch::set(0);
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let balances = [ALICE, BOB].map(|account| (account, 10 * DEPOSIT)).to_vec();
	pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }.assimilate_storage(&mut storage).unwrap();
	let spec = |n: u64| MemberSpec {
		author: soft(n).id(),
		ak_public: soft(n).chip.ak_public().try_into().unwrap(),
		ek_name: soft(n).chip.ek_name(),
		weight: soft(n).weight,
	};
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
	pallet_admission::GenesisConfig::<Test> {
		parameters: Some(parameters()),
		roots: vec![
			file("root.der"),
			file("ca.der"),
			fixture("list/ca.der"),
			legacy_file("root.der"),
			legacy_file("ca.der"),
		],
		policies: vec![policy(), legacy_policy()],
		anchors: (1..=members).map(|n| (soft(n).id(), anchor(n))).collect(),
		anchor: Anchor::default(),
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.register_extension(KeystoreExt(Arc::new(MemoryKeystore::new()) as Arc<dyn Keystore>));
	ext.execute_with(|| {
		go_to(5);
		// The fixtures' keys are on curves, but for one.
		Tiers::<Test>::mutate(|tiers| tiers.0.iter_mut().for_each(|rule| rule.ek = EkKind::Ecc));
		test();
		Admission::do_try_state().unwrap();
	});
}

/// Goes on to block `number`, by blocks of members 1, 2, 3, 4, 1, ...
pub(crate) fn go_to(number: u64) {
	while System::block_number() < number {
		let now = System::block_number() + 1;
		frame_system::BlockHash::<Test>::insert(now - 1, H256::from_low_u64_be(now - 1 + 0xb10c));
		System::set_block_number(now);
		Timestamp::set_timestamp(NOW + now * 1_000);
		let mut output = [0x5e; 32];
		output[..8].copy_from_slice(&now.to_le_bytes());
		Draw::set(Some((soft(now % MEMBERS + 1).id(), output)));
		Admission::on_initialize(now);
	}
}

/// A chip in software, whose owner makes it say anything.
#[derive(Clone)]
pub(crate) enum Chip {
	Tpm20(SoftChip),
	Tpm12(SoftLegacyChip),
}

impl Chip {
	fn ak_public(&self) -> Vec<u8> {
		match self {
			Self::Tpm20(chip) => chip.ak_public(),
			Self::Tpm12(chip) => chip.ak_public(),
		}
	}

	/// As a child of another endorsement key, if it is a TPM 2.0.
	pub(crate) fn under(self, ek_name: Name) -> Self {
		match self {
			Self::Tpm20(chip) => Self::Tpm20(chip.under(ek_name)),
			chip => chip,
		}
	}
}

/// Somebody who wants to join.
pub(crate) struct Applicant {
	pub(crate) account: u64,
	pub(crate) chip: Chip,
	pub(crate) ek: Ek,
	pub(crate) keys: SessionKeys,
	pub(crate) proof: Vec<u8>,
	pub(crate) application: Application,
}

pub(crate) fn statement(nonce: &[u8]) -> Statement {
	Statement { time: 1, clock: 70_000, reset_count: 5, restart_count: 6, nonce: nonce.to_vec() }
}

/// What a chip quotes of PCRs 0 and 7.
pub(crate) fn quote_of(chip: &Chip, statement: &Statement) -> Quote {
	let (attest, signature, len) = match chip {
		Chip::Tpm20(chip) => {
			let attest = chip.quote(statement, BITMAP, &[[0; 32]; 2]);
			let signature = chip.sign(&attest);
			(attest, signature, 32)
		}
		Chip::Tpm12(chip) => {
			let (info, signature) = chip.quote(BITMAP, &[[0; 20]; 2], &statement.nonce);
			(info, signature, 20)
		}
	};
	let zeros: ep_tpm::policy::Digest = vec![0; len].try_into().unwrap();
	Quote {
		attest: attest.try_into().unwrap(),
		signature: signature.try_into().unwrap(),
		pcr_values: vec![zeros; 2].try_into().unwrap(),
	}
}

impl Applicant {
	/// With the [`chip`] whose endorsement key is `kind`.
	pub(crate) fn new(account: u64, kind: &str) -> Self {
		let (ek_certificate, ek_public) = super::mock::chip(kind);
		let ek = Ek::parse(&ek_public).unwrap();
		let chip = match ek {
			Ek::Tpm20(_) => Chip::Tpm20(SoftChip::new(account).under(*ek.name())),
			Ek::Tpm12(_) => Chip::Tpm12(SoftLegacyChip::new(account)),
		};
		let generated = SessionKeys::generate(&account.encode(), None);
		let keys: SessionKeys = generated.keys;
		let recent = System::block_number() as u32 - 1;
		let mut this = Self {
			account,
			ek,
			proof: generated.proof.encode(),
			application: Application {
				evidence: Evidence {
					ek_certificate: ek_certificate.try_into().unwrap(),
					intermediates: Default::default(),
					ek_public: ek_public.try_into().unwrap(),
					ak_public: chip.ak_public().try_into().unwrap(),
					quote: quote_of(&chip, &statement(&[])),
					event_log: [0; 32],
				},
				author: keys.poet.clone(),
				anchor: anchor(account),
				anchor_proof: anchor_proof(&keys.poet, account),
				policy: u32::from(kind == "tpm12"),
				recent,
				peer: b"12D3".to_vec().try_into().unwrap(),
			},
			chip,
			keys,
		};
		this.quote();
		this
	}

	/// Quotes under the nonce of what the application says now.
	pub(crate) fn quote(&mut self) {
		let nonce = self.nonce();
		self.application.evidence.quote = quote_of(&self.chip, &statement(&nonce));
	}

	pub(crate) fn nonce(&self) -> [u8; 32] {
		let application = &self.application;
		let keys = (&application.author, application.anchor, &self.keys);
		nonce::application(&GENESIS, &self.account, &keys, &System::block_hash(u64::from(application.recent)))
	}

	pub(crate) fn apply(&self) -> sp_runtime::DispatchResult {
		let proof = self.proof.clone().try_into().unwrap();
		let origin = RuntimeOrigin::signed(self.account);
		Admission::apply(origin, Box::new(self.application.clone()), self.keys.clone(), proof)
	}

	pub(crate) fn ak(&self) -> Ak {
		Ak::parse(&self.chip.ak_public()).unwrap()
	}

	/// The right answers to the questions of `members`, and a quote over them.
	pub(crate) fn answers(&self, round: u32, members: &[u64]) -> (Answers, Quote) {
		let answer = |n: &u64| {
			let challenge = self.ek.challenge(&self.ak(), &secret(*n)).unwrap();
			(soft(*n).id(), challenge.secret.try_into().unwrap())
		};
		let mut answers: Vec<(AuthorityId, [u8; 32])> = members.iter().map(answer).collect();
		answers.sort();
		let answers: Answers = answers.try_into().unwrap();
		(answers.clone(), self.answer_quote(round, &answers))
	}

	pub(crate) fn answer_quote(&self, round: u32, answers: &Answers) -> Quote {
		let seed = Rounds::<Test>::get(round).unwrap().seed.unwrap();
		quote_of(&self.chip, &statement(&nonce::answer(&GENESIS, round, &seed, answers)))
	}

	pub(crate) fn answer(&self, round: u32, members: &[u64]) -> sp_runtime::DispatchResult {
		let (answers, quote) = self.answers(round, members);
		Admission::answer(RuntimeOrigin::signed(self.account), round, answers, Box::new(quote))
	}
}

/// What member `n` commits to.
pub(crate) fn secret(n: u64) -> [u8; 32] {
	[n as u8; 32]
}

/// An honest claim of member `n`.
pub(crate) fn claim(applicant: &Applicant, round: u32, n: u64) -> SeatClaim {
	let state = Rounds::<Test>::get(round).unwrap();
	let seed = Admission::seed_of(round, &state).expect("the seed is there");
	let author = soft(n).id();
	let challenge = applicant.ek.challenge(&applicant.ak(), &secret(n)).unwrap();
	SeatClaim {
		vrf: SeatClaim::encode_vrf(&soft(n).pair.vrf_sign(&sortition::transcript(&seed).into())),
		challenge: Challenge {
			commitment: nonce::commitment(round, &author, &secret(n)),
			credential: challenge.credential,
		},
		author,
	}
}

pub(crate) fn sign(n: u64, what: &'static str, round: u32, call: &impl Encode) -> sr25519::Signature {
	soft(n).pair.sign(&nonce::statement(&GENESIS, &soft(n).id(), what, round, call))
}

/// What the pool says of a call of ours, by error; and then the call itself.
pub(crate) fn dispatch(call: Call<Test>) -> Result<(), Error<Test>> {
	use frame_support::traits::Authorize;
	use sp_runtime::transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError};
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

pub(crate) fn sit_with(n: u64, round: u32, claim: SeatClaim) -> Result<(), Error<Test>> {
	let signature = sign(n, "sit", round, &(&claim.vrf, &claim.challenge));
	dispatch(Call::sit { round, claim: Box::new(claim), signature })
}

pub(crate) fn sit(applicant: &Applicant, round: u32, n: u64) -> Result<(), Error<Test>> {
	sit_with(n, round, claim(applicant, round, n))
}

pub(crate) fn reveal(round: u32, n: u64) -> Result<(), Error<Test>> {
	let signature = sign(n, "reveal", round, &secret(n));
	dispatch(Call::reveal { round, author: soft(n).id(), secret: secret(n), signature })
}
