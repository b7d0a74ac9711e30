//! Tests by theme.

mod draw;
mod genesis;
mod members;
mod scale;
mod sessions;
mod steps;
mod touched;
mod with_poet;
