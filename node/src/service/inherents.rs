//! The inherents' data.

use std::{error::Error, sync::Arc};

use elapse_runtime::{Hash, Header, OpaqueBlock as Block};
use ep_poet::Millis;
use pallet_poet::inherent::InherentDataProvider as ParentHeader;
use sp_blockchain::HeaderBackend;
use sp_inherents::CreateInherentDataProviders;

use super::Client;

/// Makes them.
#[derive(Clone)]
pub(crate) struct Inherents(Arc<Client>);

impl Inherents {
	/// From what `client` knows.
	pub(crate) fn new(client: Arc<Client>) -> Self {
		Self(client)
	}

	fn parent(&self, hash: Hash) -> Result<ParentHeader<Header>, Box<dyn Error + Send + Sync>> {
		Ok(ParentHeader { parent: self.0.expect_header(hash)? })
	}
}

/// To check a block with: its timestamp is compared with the clock, its parent's header with ours.
#[async_trait::async_trait]
impl CreateInherentDataProviders<Block, ()> for Inherents {
	type InherentDataProviders = (sp_timestamp::InherentDataProvider, ParentHeader<Header>);

	async fn create_inherent_data_providers(
		&self,
		parent: Hash,
		(): (),
	) -> Result<Self::InherentDataProviders, Box<dyn Error + Send + Sync>> {
		Ok((sp_timestamp::InherentDataProvider::from_system_time(), self.parent(parent)?))
	}
}

/// To make a block with. Its timestamp is the worker's to give, since the wait certificate has it too.
#[async_trait::async_trait]
impl CreateInherentDataProviders<Block, Millis> for Inherents {
	type InherentDataProviders = ParentHeader<Header>;

	async fn create_inherent_data_providers(
		&self,
		parent: Hash,
		_: Millis,
	) -> Result<Self::InherentDataProviders, Box<dyn Error + Send + Sync>> {
		self.parent(parent)
	}
}
