//! What the pallet does, by phase of a round.

mod answer;
mod apply;
mod govern;
mod legacy;
mod life;
mod review;
mod scale;
mod sit;
mod store;
mod verdict;
