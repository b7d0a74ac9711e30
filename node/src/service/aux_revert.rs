//! What `revert` has to take back beside blocks.

use std::sync::Arc;

use elapse_runtime::{BlockNumber, OpaqueBlock as Block};
use sc_client_api::Backend as _;

use super::{Backend, Client};

/// Takes back what PoET and GRANDPA keep of the last `blocks` blocks.
pub(crate) fn revert_aux(client: Arc<Client>, backend: Arc<Backend>, blocks: BlockNumber) -> sc_cli::Result<()> {
	ec_consensus::aux_schema::revert::<Block, _, _>(&*client, backend.blockchain(), blocks)?;
	sc_consensus_grandpa::revert(client, blocks)?;
	Ok(())
}
