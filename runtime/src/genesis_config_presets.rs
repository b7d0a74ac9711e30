//! What a chain begins with.
//!
//! The presets `development` and `local` have everything but members: who they are is in their TPMs. [`Genesis`] takes
//! members, and makes the patch that a chain specification carries.

use alloc::{vec, vec::Vec};
use ep_poet::{api::AkPublic, AuthorityId, Millis, Parameters, Weight};
use ep_tpm::{
	policy::{AllowedPcrs, PcrRule, PlatformPolicy},
	Name,
};
use frame_support::build_struct_json_patch;
use pallet_admission::{Caps, Parameters as Admission};
use pallet_attestation::Parameters as Attestation;
use pallet_trust::MemberSpec;
use serde_json::Value;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::H160;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{BoundedVec, Permill};

use crate::{
	configs::money::ELT, AccountId, AdmissionConfig, AttestationConfig, Balance, BalancesConfig, BridgeConfig,
	GrandpaConfig, PoetConfig, RuntimeGenesisConfig, SessionConfig, SessionKeys, SudoConfig, TrustConfig,
};

/// Name of the preset for networks whose members know each other.
pub const LOCAL_PRESET: &str = "local";

/// What every account of genesis owns.
pub const ENDOWMENT: u128 = 1_000_000 * ELT;

/// Blocks in an epoch, unless the specification says otherwise: two minutes at 2 s. Changes of weight take effect
/// within three epochs.
pub const EPOCH_LENGTH: u32 = 60;

/// `T` of the presets: what swtpm and good chips do on one machine or network.
pub const TARGET: Millis = 2_000;

/// Parameters for a block every `target` milliseconds.
///
/// * A tenth is the least wait, so that a block has reached most members before the next may be sealed.
/// * A twentieth is what sealing, propagation and import are expected to take.
/// * A wait that is over may be used for another five intervals: enough for the slowest chip, and little to hoard.
pub fn parameters(target: Millis, epoch_length: u32) -> Parameters {
	Parameters {
		target,
		minimum_wait: target / 10,
		overhead: target / 20,
		max_slack: target.saturating_mul(5),
		epoch_length,
	}
}

/// A member of genesis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
	/// The account that answers for it.
	pub account: AccountId,
	/// Its key for lottery and seals.
	pub author: AuthorityId,
	/// Its key for finality votes.
	pub grandpa: GrandpaId,
	/// Its attestation key's `TPMT_PUBLIC`.
	pub ak_public: AkPublic,
	/// Name of the endorsement key above that.
	pub ek_name: Name,
	/// Address of its key for the Elastos Smart Chain.
	pub anchor: H160,
	/// Its weight in lottery and votes.
	pub weight: Weight,
}

/// How machines are let in, with blocks every `target` milliseconds.
///
/// Members have a minute for each of their duties, and the committee five: a node that restarts is back by then. The
/// nonce of an application may be five minutes old, and a chip that was not let in tries again after an hour. A member
/// whose evidence is not good any more has two weeks to mend that. EK certificates expire while chips work on: members
/// stay.
pub fn admission(target: Millis, caps: Caps) -> Admission<Balance> {
	let blocks =
		|minutes: u64| u32::try_from(minutes * 60_000 / target.max(1)).unwrap_or(u32::MAX).clamp(10, 1_000_000);
	Admission {
		deposit: 100 * ELT,
		seats: SEATS,
		sit: blocks(1).min(200),
		answer: blocks(1),
		reveal: blocks(1),
		judge: blocks(5),
		cooldown: blocks(60),
		recent: blocks(5).min(200),
		overlap: blocks(14 * 24 * 60),
		expired_stay: true,
		first_weight: 250_000,
		caps,
	}
}

/// How members are examined, with blocks every `target` milliseconds.
///
/// A member is drawn once in ten minutes at most. It has two minutes, and five more until its duty counts as missed: a
/// machine that restarts is back by then. Ten misses in a row, at least an hour and a half, take two thirds of a score.
pub fn attestation(target: Millis) -> Attestation {
	let blocks = |minutes: u64| u32::try_from(minutes * 60_000 / target.max(1)).unwrap_or(u32::MAX).clamp(10, 1_000);
	Attestation {
		picks: 1,
		deadline: blocks(2),
		grace: blocks(5),
		rest: blocks(10).max(blocks(2) + blocks(5) + 1),
		gain: Permill::from_percent(5),
		loss: Permill::from_percent(10),
		late: Permill::from_percent(1),
		threshold: 50_000,
	}
}

/// Blocks from one checkpoint to the next: ten minutes at 6 s.
pub const CHECKPOINT_INTERVAL: u32 = 100;

/// The same where people want to see one soon.
pub const DEVELOPMENT_CHECKPOINT_INTERVAL: u32 = 10;

/// Seats expected in a committee.
pub const SEATS: u32 = 30;

/// What chips may weigh by tier where weights mean something: those in fuses of a processor share it with everything
/// that runs there, a hypervisor's is as good as its owner, and software is nothing.
pub const CAPS: Caps = Caps { discrete: 1_000_000, firmware: 700_000, virtualised: 300_000, legacy: 0, software: 0 };

/// What a software TPM's platform looks like: PCRs 0 to 7 of the SHA-256 bank were never extended. It may be restarted,
/// since nothing is measured that a restart could change.
pub fn nothing_measured() -> PlatformPolicy {
	let zeros = BoundedVec::truncate_from(vec![0; 32]);
	let rule = PcrRule::OneOf(BoundedVec::truncate_from(vec![zeros]));
	PlatformPolicy {
		bank: 0x000b,
		bitmap: BoundedVec::truncate_from(vec![0xff, 0, 0]),
		allowed: AllowedPcrs::Each(BoundedVec::truncate_from(vec![rule; 8])),
		min_firmware: 0,
		may_reset: true,
		may_resume: true,
	}
}

/// What a chain begins with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Genesis {
	/// The lottery's parameters.
	pub parameters: Parameters,
	/// The members. A chain without any never has a second block.
	pub members: Vec<Member>,
	/// Accounts that own [`ENDOWMENT`], besides the members'.
	pub endowed: Vec<AccountId>,
	/// Who may do everything. Without one, nobody can change the members.
	pub sudo: Option<AccountId>,
	/// What chips may weigh by tier.
	pub caps: Caps,
	/// Manufacturers' certificates: roots and intermediates, DER.
	pub roots: Vec<Vec<u8>>,
	/// What platforms may look like.
	pub policies: Vec<PlatformPolicy>,
	/// Blocks from one checkpoint to the next.
	pub checkpoint_interval: u32,
}

impl Genesis {
	/// A chain for development: well-known accounts own money, and Alice may do everything.
	pub fn well_known() -> Self {
		Self {
			endowed: Sr25519Keyring::well_known().map(|key| key.to_account_id()).collect(),
			sudo: Some(Sr25519Keyring::Alice.to_account_id()),
			caps: Caps { software: pallet_trust::MAX_WEIGHT, ..CAPS },
			policies: vec![nothing_measured()],
			checkpoint_interval: DEVELOPMENT_CHECKPOINT_INTERVAL,
			..Self::bare()
		}
	}

	/// A chain on which nobody owns or may do anything yet.
	pub fn bare() -> Self {
		Self {
			parameters: parameters(TARGET, EPOCH_LENGTH),
			members: vec![],
			endowed: vec![],
			sudo: None,
			caps: CAPS,
			roots: vec![],
			policies: vec![],
			checkpoint_interval: CHECKPOINT_INTERVAL,
		}
	}

	/// The patch to the default genesis.
	pub fn patch(self) -> Value {
		let Self { parameters, members, mut endowed, sudo, caps, roots, policies, checkpoint_interval } = self;
		endowed.extend(members.iter().map(|member| member.account.clone()));
		endowed.sort();
		endowed.dedup();
		build_struct_json_patch!(RuntimeGenesisConfig {
			balances: BalancesConfig { balances: endowed.into_iter().map(|account| (account, ENDOWMENT)).collect() },
			poet: PoetConfig { parameters },
			trust: TrustConfig {
				members: members
					.iter()
					.map(|member| {
						let spec = MemberSpec {
							author: member.author.clone(),
							ak_public: member.ak_public.clone(),
							ek_name: member.ek_name,
							weight: member.weight,
						};
						(member.account.clone(), spec)
					})
					.collect(),
			},
			session: SessionConfig {
				keys: members
					.iter()
					.map(|member| {
						let keys = SessionKeys { poet: member.author.clone(), grandpa: member.grandpa.clone() };
						(member.account.clone(), member.account.clone(), keys)
					})
					.collect(),
			},
			// Weighted like the members, so that finality and lottery agree from the first block on.
			grandpa: GrandpaConfig {
				authorities: members.iter().map(|member| (member.grandpa.clone(), member.weight)).collect(),
			},
			sudo: SudoConfig { key: sudo },
			admission: AdmissionConfig {
				parameters: Some(admission(parameters.target, caps)),
				roots,
				policies,
				anchors: members.iter().map(|member| (member.author.clone(), member.anchor)).collect(),
				anchor: Default::default(),
			},
			attestation: AttestationConfig { parameters: Some(attestation(parameters.target)), ..Default::default() },
			bridge: BridgeConfig {
				parameters: pallet_bridge::Parameters { interval: checkpoint_interval },
				..Default::default()
			},
		})
	}
}

/// Where the sudo key is in storage. A chain whose genesis has nothing there has none for ever.
pub fn sudo_key_location() -> [u8; 32] {
	pallet_sudo::Key::<crate::Runtime>::hashed_key()
}

/// The preset named `id`.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let genesis = match id.as_ref() {
		DEV_RUNTIME_PRESET | LOCAL_PRESET => Genesis::well_known(),
		_ => return None,
	};
	// A `Value` with string keys always serialises.
	serde_json::to_vec(&genesis.patch()).ok()
}

/// The presets there are.
pub fn preset_names() -> Vec<PresetId> {
	vec![PresetId::from(DEV_RUNTIME_PRESET), PresetId::from(LOCAL_PRESET)]
}
