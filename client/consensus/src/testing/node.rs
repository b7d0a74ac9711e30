//! A node around a played chain: client and runtime answer from it.

use std::sync::Arc;

use codec::Encode;
use ep_poet::{AuthorityId, Contestant, EquivocationProof, Hash, Lottery, MemberInfo, PoetApi};
use sp_api::{ApiError, ApiRef, ProvideRuntimeApi};
use sp_block_builder::BlockBuilder;
use sp_blockchain::{BlockStatus, HeaderBackend, Info};
use sp_inherents::{CheckInherentsResult, InherentData};
use sp_runtime::{traits::Block as BlockT, ApplyExtrinsicResult, OpaqueExtrinsic};

use super::{Block, Header};

/// The chain that a test plays.
pub(crate) trait Chain: Send + Sync + 'static {
	/// Its headers.
	fn headers(&self) -> &dyn HeaderBackend<Block>;
	/// The lottery of the child of `parent`.
	fn lottery_after(&self, parent: Hash) -> Lottery;
	/// A member in that lottery.
	fn contestant_after(&self, parent: Hash, author: &AuthorityId) -> Option<Contestant>;
	/// All members.
	fn members(&self) -> Vec<MemberInfo> {
		Vec::new()
	}
	/// Whether the runtime finds a block's inherents right.
	fn inherents_right(&self) -> bool {
		true
	}
	/// What this node cannot read.
	fn trouble(&self) -> Option<Trouble> {
		None
	}
}

/// What a node may fail to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
	/// Any block.
	Database,
	/// The state of any block.
	State,
}

/// Its client.
pub(crate) struct Node<C>(pub(crate) Arc<C>);

impl<C> Node<C> {
	pub(crate) fn of(chain: &Arc<C>) -> Self {
		Node(chain.clone())
	}
}

impl<C> Clone for Node<C> {
	fn clone(&self) -> Self {
		Node(self.0.clone())
	}
}

impl<C: Chain> HeaderBackend<Block> for Node<C> {
	fn header(&self, hash: Hash) -> sp_blockchain::Result<Option<Header>> {
		if self.0.trouble() == Some(Trouble::Database) {
			return Err(sp_blockchain::Error::Backend("the disk is gone".into()));
		}
		self.0.headers().header(hash)
	}
	fn info(&self) -> Info<Block> {
		self.0.headers().info()
	}
	fn status(&self, hash: Hash) -> sp_blockchain::Result<BlockStatus> {
		self.0.headers().status(hash)
	}
	fn number(&self, hash: Hash) -> sp_blockchain::Result<Option<u32>> {
		self.0.headers().number(hash)
	}
	fn hash(&self, number: u32) -> sp_blockchain::Result<Option<Hash>> {
		self.0.headers().hash(number)
	}
}

impl<C: Chain> ProvideRuntimeApi<Block> for Node<C> {
	type Api = Api;
	fn runtime_api(&self) -> ApiRef<'_, Api> {
		Api(self.0.clone()).into()
	}
}

/// Its runtime.
pub(crate) struct Api(Arc<dyn Chain>);

impl Api {
	/// Its chain, unless its states are not there.
	fn state(&self) -> Result<&dyn Chain, ApiError> {
		match self.0.trouble() {
			Some(Trouble::State) => Err(ApiError::UnknownBlock("its state is pruned".into())),
			_ => Ok(&*self.0),
		}
	}
}

sp_api::mock_impl_runtime_apis! {
	impl PoetApi<Block> for Api {
		#[advanced]
		fn lottery(&self, at: Hash) -> Result<Lottery, ApiError> {
			Ok(self.state()?.lottery_after(at))
		}
		#[advanced]
		fn contestant(&self, at: Hash, author: AuthorityId) -> Result<Option<Contestant>, ApiError> {
			Ok(self.state()?.contestant_after(at, &author))
		}
		#[advanced]
		fn members(&self, _at: Hash, from: u32) -> Result<Vec<MemberInfo>, ApiError> {
			Ok(self.state()?.members().into_iter().skip(from as usize).collect())
		}
		fn submit_equivocation_report(&self, _proof: EquivocationProof<Header>) -> Option<()> {
			None
		}
	}

	impl BlockBuilder<Block> for Api {
		fn apply_extrinsic(&self, _extrinsic: OpaqueExtrinsic) -> ApplyExtrinsicResult {
			Ok(Ok(()))
		}
		#[advanced]
		fn finalize_block(&self, at: Hash) -> Result<Header, ApiError> {
			Ok(self.0.headers().expect_header(at).expect("it is there"))
		}
		fn inherent_extrinsics(&self, _data: InherentData) -> Vec<OpaqueExtrinsic> {
			Vec::new()
		}
		fn check_inherents(&self, _block: <Block as BlockT>::LazyBlock, _data: InherentData) -> CheckInherentsResult {
			let mut result = CheckInherentsResult::new();
			if !self.0.inherents_right() {
				result.put_error(*b"testtest", &Fatal).expect("the first error fits");
			}
			result
		}
	}
}

#[derive(Encode)]
struct Fatal;

impl sp_inherents::IsFatalError for Fatal {
	fn is_fatal_error(&self) -> bool {
		true
	}
}

/// No inherents besides the timestamp.
pub(crate) struct NoInherents;

#[async_trait::async_trait]
impl sp_inherents::InherentDataProvider for NoInherents {
	async fn provide_inherent_data(&self, _: &mut InherentData) -> Result<(), sp_inherents::Error> {
		Ok(())
	}
	async fn try_handle_error(
		&self,
		_: &sp_inherents::InherentIdentifier,
		_: &[u8],
	) -> Option<Result<(), sp_inherents::Error>> {
		None
	}
}
