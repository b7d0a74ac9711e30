//! What the runtime answers to the node.

use alloc::vec::Vec;
use frame_support::genesis_builder_helper::{build_state, get_preset};
use sp_api::impl_runtime_apis;
use sp_core::{crypto::KeyTypeId, OpaqueMetadata};
use sp_mmr_primitives::{AncestryProof, DataOrHash, EncodableOpaqueLeaf, LeafIndex, LeafProof};
use sp_runtime::{
	traits::{Block as BlockT, Keccak256, NumberFor},
	transaction_validity::{TransactionSource, TransactionValidity},
	ApplyExtrinsicResult, ExtrinsicInclusionMode,
};
use sp_session::OpaqueGeneratedSessionKeys;
use sp_version::RuntimeVersion;

use crate::{
	genesis_config_presets, AccountId, Admission, Attestation, Balance, Block, BlockNumber, Bridge, Executive, Grandpa,
	Hash, InherentDataExt, Mmr, Nonce, Poet, Runtime, RuntimeCall, RuntimeGenesisConfig, SessionKeys, System,
	TransactionPayment, VERSION,
};

impl_runtime_apis! {
	impl sp_api::Core<Block> for Runtime {
		fn version() -> RuntimeVersion {
			VERSION
		}

		fn execute_block(block: <Block as BlockT>::LazyBlock) {
			Executive::execute_block(block);
		}

		fn initialize_block(header: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode {
			Executive::initialize_block(header)
		}
	}

	impl sp_api::Metadata<Block> for Runtime {
		fn metadata() -> OpaqueMetadata {
			OpaqueMetadata::new(Runtime::metadata().into())
		}

		fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
			Runtime::metadata_at_version(version)
		}

		fn metadata_versions() -> Vec<u32> {
			Runtime::metadata_versions()
		}
	}

	impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
		fn execute_view_function(
			id: frame_support::view_functions::ViewFunctionId,
			input: Vec<u8>,
		) -> Result<Vec<u8>, frame_support::view_functions::ViewFunctionDispatchError> {
			Runtime::execute_view_function(id, input)
		}
	}

	impl sp_block_builder::BlockBuilder<Block> for Runtime {
		fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
			Executive::apply_extrinsic(extrinsic)
		}

		fn finalize_block() -> <Block as BlockT>::Header {
			Executive::finalize_block()
		}

		fn inherent_extrinsics(data: sp_inherents::InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
			data.create_extrinsics()
		}

		fn check_inherents(
			block: <Block as BlockT>::LazyBlock,
			data: sp_inherents::InherentData,
		) -> sp_inherents::CheckInherentsResult {
			data.check_extrinsics(&block)
		}
	}

	impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
		fn validate_transaction(
			source: TransactionSource,
			tx: <Block as BlockT>::Extrinsic,
			block_hash: <Block as BlockT>::Hash,
		) -> TransactionValidity {
			Executive::validate_transaction(source, tx, block_hash)
		}
	}

	impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
		fn offchain_worker(header: &<Block as BlockT>::Header) {
			Executive::offchain_worker(header)
		}
	}

	impl ep_poet::api::PoetApi<Block> for Runtime {
		fn lottery() -> ep_poet::Lottery {
			Poet::lottery()
		}

		fn contestant(author: ep_poet::AuthorityId) -> Option<ep_poet::Contestant> {
			Poet::contestant(author)
		}

		fn members(from: u32) -> Vec<ep_poet::MemberInfo> {
			Poet::members(from)
		}

		fn submit_equivocation_report(proof: ep_poet::EquivocationProof<<Block as BlockT>::Header>) -> Option<()> {
			Poet::submit_equivocation_report(proof)
		}
	}

	impl ep_trust::api::TrustApi<Block, AccountId> for Runtime {
		fn rounds() -> Vec<ep_trust::Round> {
			Admission::live_rounds()
		}

		fn round(round: ep_trust::Round) -> Option<ep_trust::api::RoundInfo<AccountId>> {
			Admission::round_info(round)
		}

		fn round_of(account: AccountId) -> Option<ep_trust::Round> {
			pallet_admission::ByAccount::<Runtime>::get(account)
		}

		fn verdict(
			round: ep_trust::Round,
			judgement: ep_trust::Judgement,
		) -> Option<(ep_trust::Verdict, ep_trust::Chain)> {
			Admission::verdict_of(round, judgement)
		}

		fn policy(policy: u32) -> Option<ep_tpm::policy::PlatformPolicy> {
			pallet_admission::Policies::<Runtime>::get(policy).map(|policy| policy.platform)
		}

		fn anchor(author: ep_poet::AuthorityId) -> Option<sp_core::H160> {
			pallet_admission::Anchors::<Runtime>::get(author)
		}

		fn dossier(author: ep_poet::AuthorityId) -> Option<ep_trust::Dossier> {
			pallet_admission::Dossiers::<Runtime>::get(author)
		}

		fn due_for_review() -> Vec<ep_poet::AuthorityId> {
			pallet_attestation::Duties::<Runtime>::iter_keys().filter(Admission::is_due).collect()
		}

		fn check_application(
			account: AccountId,
			application: ep_trust::Application,
			keys: Vec<u8>,
			proof: Vec<u8>,
		) -> Result<(), Vec<u8>> {
			Admission::check_application(account, application, &keys, &proof)
		}

		fn check(call: ep_trust::api::Feeless) -> Result<(), u8> {
			Admission::check_feeless(call)
		}

		fn submit(call: ep_trust::api::Feeless) -> Option<()> {
			Admission::submit_feeless(call)
		}
	}

	impl ep_trust::api::AttestationApi<Block, AccountId> for Runtime {
		fn duty(author: ep_poet::AuthorityId) -> Option<ep_trust::api::DutyInfo> {
			Attestation::duty_of(&author)
		}

		fn node(author: ep_poet::AuthorityId) -> Option<ep_trust::api::NodeInfo<AccountId>> {
			Attestation::node(&author)
		}

		fn nodes(from: u32) -> Vec<ep_trust::api::NodeInfo<AccountId>> {
			Attestation::nodes(from)
		}

		fn attest(
			author: ep_poet::AuthorityId,
			testimony: ep_trust::Testimony,
			signature: sp_core::sr25519::Signature,
		) -> Result<(), u8> {
			Attestation::submit(author, testimony, signature)
		}
	}

	impl ep_bridge::api::BridgeApi<Block> for Runtime {
		fn open() -> Vec<ep_bridge::api::OpenCheckpoint> {
			Bridge::open_checkpoints()
		}

		fn certified(number: Option<u32>) -> Option<ep_bridge::Certified> {
			Bridge::certified(number)
		}

		fn signers(id: Option<u64>) -> Option<ep_bridge::SignerSet> {
			Bridge::signers(id)
		}

		fn handover(id: u64) -> Option<u32> {
			pallet_bridge::Handovers::<Runtime>::get(id)
		}

		fn score_proof(author: ep_poet::AuthorityId) -> Option<ep_bridge::api::ProvenScore> {
			Bridge::score_proof(&author)
		}

		fn sign(number: u32, address: sp_core::H160, signature: [u8; 65]) -> Result<(), u8> {
			Bridge::submit_signature(number, address, signature)
		}

		fn awaited_landings(address: sp_core::H160) -> Vec<ep_bridge::Certified> {
			Bridge::awaited_landings(&address)
		}

		fn landed() -> Option<ep_bridge::Landing> {
			pallet_bridge::LastLanded::<Runtime>::get()
		}

		fn attest_landing(
			landing: ep_bridge::Landing,
			address: sp_core::H160,
			signature: [u8; 65],
		) -> Result<(), u8> {
			Bridge::submit_landing(landing, address, signature)
		}

		fn report_equivocation(proof: ep_bridge::EquivocationProof) -> Result<(), u8> {
			Bridge::submit_report(proof)
		}
	}

	impl sp_mmr_primitives::MmrApi<Block, Hash, BlockNumber> for Runtime {
		fn mmr_root() -> Result<Hash, sp_mmr_primitives::Error> {
			Ok(Mmr::mmr_root())
		}

		fn mmr_leaf_count() -> Result<LeafIndex, sp_mmr_primitives::Error> {
			Ok(Mmr::mmr_leaves())
		}

		fn generate_proof(
			block_numbers: Vec<BlockNumber>,
			best_known_block_number: Option<BlockNumber>,
		) -> Result<(Vec<EncodableOpaqueLeaf>, LeafProof<Hash>), sp_mmr_primitives::Error> {
			let (leaves, proof) = Mmr::generate_proof(block_numbers, best_known_block_number)?;
			Ok((leaves.iter().map(EncodableOpaqueLeaf::from_leaf).collect(), proof))
		}

		fn generate_ancestry_proof(
			prev_block_number: BlockNumber,
			best_known_block_number: Option<BlockNumber>,
		) -> Result<AncestryProof<Hash>, sp_mmr_primitives::Error> {
			Mmr::generate_ancestry_proof(prev_block_number, best_known_block_number)
		}

		fn verify_proof(
			leaves: Vec<EncodableOpaqueLeaf>,
			proof: LeafProof<Hash>,
		) -> Result<(), sp_mmr_primitives::Error> {
			let decode = |leaf: EncodableOpaqueLeaf| leaf.into_opaque_leaf().try_decode();
			let leaves = leaves.into_iter().map(decode).collect::<Option<Vec<_>>>();
			Mmr::verify_leaves(leaves.ok_or(sp_mmr_primitives::Error::Verify)?, proof)
		}

		fn verify_proof_stateless(
			root: Hash,
			leaves: Vec<EncodableOpaqueLeaf>,
			proof: LeafProof<Hash>,
		) -> Result<(), sp_mmr_primitives::Error> {
			let nodes = leaves.into_iter().map(|leaf| DataOrHash::Data(leaf.into_opaque_leaf())).collect();
			pallet_mmr::verify_leaves_proof::<Keccak256, _>(root, nodes, proof)
		}
	}

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(owner: Vec<u8>, seed: Option<Vec<u8>>) -> OpaqueGeneratedSessionKeys {
			SessionKeys::generate(&owner, seed).into()
		}

		fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
			SessionKeys::decode_into_raw_public_keys(&encoded)
		}
	}

	impl sp_consensus_grandpa::GrandpaApi<Block> for Runtime {
		fn grandpa_authorities() -> sp_consensus_grandpa::AuthorityList {
			Grandpa::grandpa_authorities()
		}

		fn current_set_id() -> sp_consensus_grandpa::SetId {
			Grandpa::current_set_id()
		}

		/// Votes twice for one round are not punished yet: there is nobody to judge the report, see
		/// [`crate::configs`]. `None` is what a node takes for that.
		fn submit_report_equivocation_unsigned_extrinsic(
			_proof: sp_consensus_grandpa::EquivocationProof<<Block as BlockT>::Hash, NumberFor<Block>>,
			_key_owner_proof: sp_consensus_grandpa::OpaqueKeyOwnershipProof,
		) -> Option<()> {
			None
		}

		fn generate_key_ownership_proof(
			_set_id: sp_consensus_grandpa::SetId,
			_authority_id: sp_consensus_grandpa::AuthorityId,
		) -> Option<sp_consensus_grandpa::OpaqueKeyOwnershipProof> {
			None
		}
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
		fn account_nonce(account: AccountId) -> Nonce {
			System::account_nonce(account)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
		fn query_info(
			uxt: <Block as BlockT>::Extrinsic,
			len: u32,
		) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_info(uxt, len)
		}

		fn query_fee_details(
			uxt: <Block as BlockT>::Extrinsic,
			len: u32,
		) -> pallet_transaction_payment::FeeDetails<Balance> {
			TransactionPayment::query_fee_details(uxt, len)
		}

		fn query_weight_to_fee(weight: frame_support::weights::Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentCallApi<Block, Balance, RuntimeCall> for Runtime {
		fn query_call_info(
			call: RuntimeCall,
			len: u32,
		) -> pallet_transaction_payment::RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_call_info(call, len)
		}

		fn query_call_fee_details(call: RuntimeCall, len: u32) -> pallet_transaction_payment::FeeDetails<Balance> {
			TransactionPayment::query_call_fee_details(call, len)
		}

		fn query_weight_to_fee(weight: frame_support::weights::Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
		fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
			build_state::<RuntimeGenesisConfig>(config)
		}

		fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
			get_preset::<RuntimeGenesisConfig>(id, genesis_config_presets::get_preset)
		}

		fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
			genesis_config_presets::preset_names()
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	impl frame_benchmarking::Benchmark<Block> for Runtime {
		fn benchmark_metadata(
			extra: bool,
		) -> (Vec<frame_benchmarking::BenchmarkList>, Vec<frame_support::traits::StorageInfo>) {
			crate::benchmarks::metadata(extra)
		}

		fn dispatch_benchmark(
			config: frame_benchmarking::BenchmarkConfig,
		) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
			crate::benchmarks::dispatch(config)
		}
	}

	#[cfg(feature = "try-runtime")]
	impl frame_try_runtime::TryRuntime<Block> for Runtime {
		fn on_runtime_upgrade(
			checks: frame_try_runtime::UpgradeCheckSelect,
		) -> (frame_support::weights::Weight, frame_support::weights::Weight) {
			// The tool that calls this wants a panic.
			let weight = Executive::try_runtime_upgrade(checks).expect("the upgrade must pass its own checks");
			(weight, crate::configs::BlockWeights::get().max_block)
		}

		fn execute_block(
			block: <Block as BlockT>::LazyBlock,
			state_root_check: bool,
			signature_check: bool,
			select: frame_try_runtime::TryStateSelect,
		) -> frame_support::weights::Weight {
			// The tool that calls this wants a panic.
			Executive::try_execute_block(block, state_root_check, signature_check, select)
				.expect("the block must execute and leave a consistent state")
		}
	}
}
