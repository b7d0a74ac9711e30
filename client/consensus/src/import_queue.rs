//! The queue between sync and the block import.

use ep_poet::Hash;
use sc_consensus::{
	import_queue::{BasicQueue, BoxJustificationImport},
	BlockImport,
};
use sp_core::traits::SpawnEssentialNamed;
use sp_runtime::traits::Block as BlockT;
use substrate_prometheus_endpoint::Registry;

use crate::{verifier::PoetVerifier, PoetLink};

/// Parameters of [`import_queue`].
pub struct ImportQueueParams<'a, B: BlockT, BI, S> {
	/// What [`block_import`](crate::block_import) gave beside the block import.
	pub link: PoetLink<B>,
	/// The block import that [`block_import`](crate::block_import) gave, or a wrapper of it. Any other would let blocks
	/// in that the chain's state refuses.
	pub block_import: BI,
	/// GRANDPA's import of justifications.
	pub justification_import: Option<BoxJustificationImport<B>>,
	/// Runs the queue.
	pub spawner: &'a S,
	/// Registry of the queue's own metrics.
	pub registry: Option<&'a Registry>,
}

/// Starts the import queue.
///
/// # Errors
/// The registry does not take the queue's metrics.
pub fn import_queue<B, BI, S>(params: ImportQueueParams<'_, B, BI, S>) -> Result<BasicQueue<B>, sp_consensus::Error>
where
	B: BlockT<Hash = Hash>,
	BI: BlockImport<B, Error = sp_consensus::Error> + Send + Sync + 'static,
	S: SpawnEssentialNamed,
{
	let ImportQueueParams { link, block_import, justification_import, spawner, registry } = params;
	let verifier = PoetVerifier::new(link);
	Ok(BasicQueue::new(verifier, Box::new(block_import), justification_import, spawner, registry))
}
