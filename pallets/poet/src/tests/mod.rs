//! Tests by theme.

mod blocks;
mod equivocations;
mod genesis;
mod parents;
