//! The benchmarks that weights are generated from.

use alloc::{string::String, vec::Vec};
use frame_benchmarking::{define_benchmarks, BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::traits::StorageInfo;
use frame_system_benchmarking::{extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench};

use crate::*;

define_benchmarks!(
	[frame_system, SystemBench::<Runtime>]
	[frame_system_extensions, SystemExtensionsBench::<Runtime>]
	[pallet_admission, Admission]
	[pallet_attestation, Attestation]
	[pallet_balances, Balances]
	[pallet_bridge, Bridge]
	[pallet_grandpa, Grandpa]
	[pallet_poet, Poet]
	[pallet_sudo, Sudo]
	[pallet_timestamp, Timestamp]
	[pallet_trust, Trust]
	[pallet_utility, Utility]
);

impl frame_system_benchmarking::Config for Runtime {}

/// Admits members for the lottery's benchmarks.
pub struct Register;

impl pallet_poet::benchmarking::BenchmarkHelper for Register {
	fn admit(author: ep_poet::AuthorityId, ak_public: ep_poet::api::AkPublic, ek_name: ep_tpm::Name) {
		let account = sp_core::sr25519::Public::from(author.clone()).into();
		Trust::admit_for_benchmark(account, author, ak_public, ek_name, pallet_trust::MAX_WEIGHT);
		// As if there were others: the last weight of all cannot be suspended.
		pallet_trust::TotalWeight::<Runtime>::mutate(|total| total.set(0, 2 * pallet_trust::MAX_WEIGHT));
	}
}

impl pallet_admission::benchmarking::BenchmarkHelper for Runtime {
	fn score(author: &ep_poet::AuthorityId) {
		<crate::Bridge as ep_trust::score::OnScore>::on_score(author, 5);
	}

	fn set_genesis(genesis: sp_core::H256) {
		pallet_poet::Genesis::<Runtime>::put(genesis);
	}

	fn set_draw(author: ep_poet::AuthorityId, contribution: [u8; 32]) {
		pallet_poet::CurrentBlock::<Runtime>::put(pallet_poet::Executing { author, timestamp: 0, contribution });
	}

	fn session_keys(owner: &[u8]) -> (SessionKeys, Vec<u8>) {
		let generated = SessionKeys::generate(&owner, None);
		(generated.keys, codec::Encode::encode(&generated.proof))
	}
}

impl pallet_attestation::benchmarking::BenchmarkHelper for Runtime {
	fn set_draw(author: ep_poet::AuthorityId, output: [u8; 32]) {
		<Self as pallet_admission::benchmarking::BenchmarkHelper>::set_draw(author, output);
	}

	fn admit(author: &ep_poet::AuthorityId) -> Result<(), frame_benchmarking::BenchmarkError> {
		pallet_admission::benchmarking::admit_under_policy::<Self>(author)
	}

	fn admit_simply(author: &ep_poet::AuthorityId, n: u8) {
		pallet_admission::benchmarking::admit_simply::<Self>(author, n);
	}

	fn testimony(nonce: &[u8]) -> ep_trust::Testimony {
		pallet_admission::benchmarking::testimony(nonce)
	}
}

impl pallet_bridge::benchmarking::BenchmarkHelper for Runtime {
	fn begin_session(count: u32) {
		let validator = |n: u32| {
			let author = ep_poet::AuthorityId::from(sp_core::sr25519::Public::from_raw([n as u8; 32]));
			pallet_admission::benchmarking::admit_simply::<Self>(&author, n as u8);
			pallet_trust::Members::<Self>::get(&author).map(|member| member.account)
		};
		pallet_session::Validators::<Self>::put((1..=count).filter_map(validator).collect::<Vec<_>>());
		pallet_session::CurrentIndex::<Self>::put(7);
	}

	fn admit(author: &ep_poet::AuthorityId, address: sp_core::H160) {
		pallet_admission::benchmarking::admit_simply::<Self>(author, 1);
		// Somebody else, so that its weight may go.
		let other = ep_poet::AuthorityId::from(sp_core::sr25519::Public::from_raw([2; 32]));
		pallet_admission::benchmarking::admit_simply::<Self>(&other, 2);
		pallet_admission::Anchors::<Self>::insert(author, address);
		pallet_admission::AnchorOwners::<Self>::insert(address, author);
	}
}

/// What there is to run.
pub(crate) fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
	use frame_benchmarking::BenchmarkList;
	use frame_support::traits::StorageInfoTrait;

	let mut list = Vec::<BenchmarkList>::new();
	list_benchmarks!(list, extra);
	(list, AllPalletsWithSystem::storage_info())
}

/// Runs one.
pub(crate) fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
	use frame_support::traits::WhitelistedStorageKeys;

	let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
	let mut batches = Vec::<BenchmarkBatch>::new();
	let params = (&config, &whitelist);
	add_benchmarks!(params, batches);
	Ok(batches)
}
