//! Relayers under simulated chains that lose, delay, forget, contradict themselves, reorganise and fail: nothing is lost,
//! and nothing is paid twice. Every run follows from its seed.

mod days;
mod faults;
mod ledger;
mod rivals;
mod witnesses;
mod world;
