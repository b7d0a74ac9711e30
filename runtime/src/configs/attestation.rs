//! How members stay.

use alloc::vec::Vec;
use ep_poet::{AuthorityId, Weight};
use ep_tpm::{
	chip::{self, Ak},
	Name,
};
use ep_trust::Quote;
use frame_support::traits::ConstU32;
use frame_system::EnsureRoot;
use pallet_attestation::{Fault, Platforms};

use super::admission::{Draw, GenesisHash};
use crate::{AccountId, Admission, Bridge, Runtime};

/// Most members that a block draws.
pub const MAX_PICKS: u32 = 8;

/// What admission knows of members.
pub struct Admitted;

impl Platforms for Admitted {
	fn cap(author: &AuthorityId) -> Option<Weight> {
		Admission::cap_of(author)
	}

	fn policy(author: &AuthorityId) -> Option<u32> {
		Admission::policy_of(author)
	}

	fn stays(author: &AuthorityId) -> Option<u32> {
		Admission::stays(author)
	}

	fn attested(author: &AuthorityId, firmware: u64) {
		Admission::note_firmware(author, firmware);
	}

	fn check(policy: u32, key: &Ak, ek_name: &Name, quote: &Quote, nonce: &[u8]) -> Result<(), Fault> {
		// One that holds no more is what its members have to meet until they have moved on.
		let policy = pallet_admission::Policies::<Runtime>::get(policy).ok_or(Fault::Platform)?.platform;
		let pcr_values: Vec<&[u8]> = quote.pcr_values.iter().map(|value| value.as_slice()).collect();
		let (attest, signature) = (&quote.attest, &quote.signature);
		// The chip's clock is judged by its time attestation.
		let quote = chip::Quote { attest, signature, nonce, pcr_values: &pcr_values };
		key.verify_platform(&policy, ek_name, &quote).map(|_| ()).map_err(Fault::from)
	}
}

impl pallet_attestation::Config for Runtime {
	type GovernOrigin = EnsureRoot<AccountId>;
	type Draw = Draw;
	type GenesisHash = GenesisHash;
	type Platforms = Admitted;
	type OnScore = Bridge;
	type MaxPicks = ConstU32<MAX_PICKS>;
	type WeightInfo = crate::weights::pallet_attestation::WeightInfo<Runtime>;
}
