//! What only the whole runtime can show.

use codec::Encode;
use frame_support::{dispatch::GetDispatchInfo, traits::Get};
use sp_runtime::{generic::Era, traits::TransactionExtension, BuildStorage};

use crate::{
	configs::{
		money::{DECIMALS, ELT, EXISTENTIAL_DEPOSIT},
		session::MAX_VOTERS,
		system::{BlockLength, BlockWeights},
	},
	genesis_config_presets::{get_preset, preset_names, sudo_key_location, Genesis},
	*,
};

fn genesis(genesis: Genesis) -> sp_io::TestExternalities {
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default serialises");
	merge(&mut config, genesis.patch());
	let config: RuntimeGenesisConfig = serde_json::from_value(config).expect("a patched default is a configuration");
	config.build_storage().expect("genesis builds").into()
}

/// RFC 7386, as chain specifications are patched.
fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
	match (into.as_object_mut(), patch) {
		(Some(into), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(into.entry(key).or_insert(serde_json::Value::Null), value);
			}
		}
		(_, patch) => *into = patch,
	}
}

fn transfer() -> RuntimeCall {
	let dest = sp_keyring::Sr25519Keyring::Bob.to_account_id().into();
	RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive { dest, value: ELT })
}

fn extension() -> TxExtension {
	<Runtime as frame_system::offchain::CreateAuthorizedTransaction<pallet_poet::Call<Runtime>>>::create_extension()
}

#[test]
fn a_thousand_transfers_a_second_fit_at_two_seconds() {
	genesis(Genesis::well_known()).execute_with(|| {
		let limits = BlockWeights::get();
		let class = limits.get(frame_support::dispatch::DispatchClass::Normal);
		let call = transfer();
		let each = call.get_dispatch_info().call_weight + extension().weight(&call) + class.base_extrinsic;
		let most = class.max_total.expect("the class is limited").ref_time() / each.ref_time();
		assert!(most >= 2_000, "{most} transfers of {each:?} fit into a block by weight");

		let sender = sp_keyring::Sr25519Keyring::Alice;
		let signature = MultiSignature::Sr25519(sender.sign(b"any"));
		let length =
			UncheckedExtrinsic::new_signed(call, sender.to_account_id().into(), signature, extension()).encoded_size();
		let most = *BlockLength::get().max.get(frame_support::dispatch::DispatchClass::Normal) as usize / length;
		assert!(most >= 2_000, "{most} transfers of {length} bytes fit into a block by length");
	});
}

#[test]
fn a_transfer_costs_little_and_not_nothing() {
	genesis(Genesis::well_known()).execute_with(|| {
		let fee = TransactionPayment::query_call_info(transfer(), 150).partial_fee;
		assert!(fee > ELT / 10_000 && fee < ELT / 100, "a transfer costs {fee}");
		assert!(fee < EXISTENTIAL_DEPOSIT * 10);
	});
}

#[test]
fn amounts_have_as_many_digits_as_on_the_elastos_smart_chain() {
	assert_eq!(DECIMALS, 18);
}

#[test]
fn presets_build() {
	for name in preset_names() {
		assert!(get_preset(&name).is_some(), "{name:?}");
	}
	assert!(get_preset(&"staging".into()).is_none());
	genesis(Genesis::well_known()).execute_with(|| {
		assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(sp_keyring::Sr25519Keyring::Alice.to_account_id()));
		assert!(frame_support::storage::unhashed::exists(&sudo_key_location()));
	});
	genesis(Genesis::bare()).execute_with(|| {
		assert_eq!(pallet_sudo::Key::<Runtime>::get(), None);
		assert!(!frame_support::storage::unhashed::exists(&sudo_key_location()));
	});
}

#[test]
fn a_self_authorising_call_is_nobodys_transaction() {
	let (_, _, _, _, _, era, ..) = extension();
	assert_eq!(era, frame_system::CheckEra::from(Era::Immortal));
}

#[test]
fn voters_fit_the_authority_list() {
	assert!(MAX_VOTERS <= <<Runtime as pallet_grandpa::Config>::MaxAuthorities as Get<u32>>::get());
}

#[test]
fn metadata_comes_in_every_version_that_tools_ask_for() {
	let versions = Runtime::metadata_versions();
	for version in [14, 15, 16] {
		assert!(versions.contains(&version), "{versions:?}");
	}
}

#[test]
fn calls_fit_into_a_transaction() {
	// Every further byte of the largest call is paid for by every batch.
	assert!(core::mem::size_of::<RuntimeCall>() <= 256, "{}", core::mem::size_of::<RuntimeCall>());
}
