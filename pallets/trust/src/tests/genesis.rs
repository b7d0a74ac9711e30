//! The genesis configuration.

use ep_poet::Members as _;
use frame_support::traits::{BuildGenesisConfig, GetStorageVersion, StorageVersion};

use crate::{mock::*, *};

fn build(members: Vec<(u64, MemberSpec)>) {
	sp_io::TestExternalities::default().execute_with(|| {
		GenesisConfig::<Test> { members }.build();
		Trust::do_try_state().unwrap();
	});
}

#[test]
fn members_of_genesis_count_at_once() {
	new_test_ext().execute_with(|| {
		assert_eq!([0, 1, 9].map(Trust::total_weight), [6_000; 3]);
		assert_eq!(Trust::contestant(&spec(2).author, 0).map(|m| (m.account, m.weight)), Some((2, 2_000)));
		Trust::do_try_state().unwrap();
	});
}

#[test]
fn a_specification_is_readable() {
	let spec = MemberSpec { author: spec(1).author, ..real_spec("author") };
	let json = serde_json::to_value(GenesisConfig::<Test> { members: vec![(7, spec.clone())] }).unwrap();
	let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
	let expected = serde_json::json!({
		"members": [[7, {
			"author": spec.author.to_string(),
			"akPublic": format!("0x{}", hex(&spec.ak_public)),
			"ekName": hex(spec.ek_name.as_bytes()),
			"weight": 40_000,
		}]]
	});
	assert_eq!(json, expected);
	let back: GenesisConfig<Test> = serde_json::from_value(expected).unwrap();
	assert_eq!(back.members, vec![(7, spec)]);
}

#[test]
fn a_specification_with_a_key_that_is_too_long_is_refused() {
	let mut json = serde_json::to_value(spec(1)).unwrap();
	json["akPublic"] = format!("0x{}", "00".repeat(2_000)).into();
	let error = serde_json::from_value::<MemberSpec>(json).unwrap_err();
	assert!(error.to_string().contains("that long"), "{error}");
}

#[test]
#[should_panic(expected = "AccountIsMember")]
fn an_account_twice_is_refused() {
	build(vec![(1, spec(1)), (1, spec(2))]);
}

#[test]
#[should_panic(expected = "EndorsementKeyIsMember")]
fn a_chip_twice_is_refused() {
	build(vec![(1, spec(1)), (2, MemberSpec { ek_name: spec(1).ek_name, ..spec(2) })]);
}

#[test]
#[should_panic(expected = "BadAttestationKey")]
fn a_key_that_is_no_attestation_key_is_refused() {
	build(vec![(1, MemberSpec { ak_public: vec![1].try_into().unwrap(), ..spec(1) })]);
}

#[test]
#[should_panic(expected = "WeightTooHigh")]
fn too_high_a_weight_is_refused() {
	build(vec![(1, MemberSpec { weight: MAX_WEIGHT + 1, ..spec(1) })]);
}

#[test]
fn storage_is_of_version_one() {
	new_test_ext().execute_with(|| assert_eq!(Trust::in_code_storage_version(), StorageVersion::new(1)));
}
