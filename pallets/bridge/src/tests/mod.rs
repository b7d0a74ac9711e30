//! Checkpoints, those who sign them, and the trees that they pin.

mod checkpoints;
mod equivocations;
mod history;
mod landings;
mod scores;
mod signers;
