//! Weights of this project's pallets, made by `scripts/weights.sh`. Those of the SDK's pallets come with them.

pub mod pallet_admission;
pub mod pallet_attestation;
pub mod pallet_bridge;
pub mod pallet_poet;
pub mod pallet_trust;
