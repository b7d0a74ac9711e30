//! Whole relayers under simulated chains.
