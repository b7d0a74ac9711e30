//! Tests by theme.

mod draw;
mod genesis;
mod members;
mod sessions;
mod steps;
mod with_poet;
