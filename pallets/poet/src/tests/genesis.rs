//! The genesis configuration.

use frame_support::traits::{BuildGenesisConfig, GetStorageVersion, StorageVersion};

use crate::{mock::*, *};

#[test]
fn parameters_are_readable_in_a_specification() {
	let spec = serde_json::to_value(GenesisConfig::<Test> { parameters: parameters(), ..Default::default() }).unwrap();
	let expected = serde_json::json!({
		"parameters": {
			"target": 2_000, "minimumWait": 200, "overhead": 300, "maxSlack": 20_000, "epochLength": 10,
		}
	});
	assert_eq!(spec, expected);
	let back: GenesisConfig<Test> = serde_json::from_value(expected).unwrap();
	assert_eq!(back.parameters, parameters());
}

#[test]
fn the_default_parameters_are_possible() {
	assert_eq!(GenesisConfig::<Test>::default().parameters.check(), Ok(()));
}

#[test]
#[should_panic(expected = "parameters must be possible")]
fn impossible_parameters_are_refused() {
	new_test_ext().execute_with(|| {
		let parameters = ep_poet::Parameters { epoch_length: 0, ..parameters() };
		GenesisConfig::<Test> { parameters, ..Default::default() }.build();
	});
}

#[test]
fn storage_is_of_version_one() {
	new_test_ext().execute_with(|| assert_eq!(Poet::in_code_storage_version(), StorageVersion::new(1)));
}
