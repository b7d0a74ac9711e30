//! The parent's sealed header, brought into its child.
//!
//! A block's second attestation is in its seal, and the seal is no part of what the block executes: the runtime first
//! sees it in the child. It comes as an inherent and is believed for one reason only, that its hash is the parent's.

use codec::{Decode, Encode};
use frame_support::inherent::{InherentIdentifier, IsFatalError};

/// Identifier of the parent's sealed header in the inherent data. The data is the header itself.
pub const INHERENT_IDENTIFIER: InherentIdentifier = *b"poetprnt";

/// Why a block's inherents are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, thiserror::Error)]
pub enum InherentError {
	/// The block does not bring its parent's header.
	#[error("the block does not bring its parent's sealed header")]
	Missing,
	/// The header that the block brings is another block's.
	#[error("the header that the block brings is not its parent's")]
	NotTheParent,
}

impl IsFatalError for InherentError {
	fn is_fatal_error(&self) -> bool {
		true
	}
}

/// Gives a block, or its check, the parent's sealed header.
#[cfg(feature = "std")]
#[derive(Clone, Debug)]
pub struct InherentDataProvider<Header> {
	/// The parent's sealed header, as stored and hashed.
	pub parent: Header,
}

#[cfg(feature = "std")]
#[async_trait::async_trait]
impl<Header: Encode + Send + Sync> sp_inherents::InherentDataProvider for InherentDataProvider<Header> {
	async fn provide_inherent_data(
		&self,
		inherent_data: &mut sp_inherents::InherentData,
	) -> Result<(), sp_inherents::Error> {
		inherent_data.put_data(INHERENT_IDENTIFIER, &self.parent)
	}

	async fn try_handle_error(
		&self,
		identifier: &InherentIdentifier,
		error: &[u8],
	) -> Option<Result<(), sp_inherents::Error>> {
		if *identifier != INHERENT_IDENTIFIER {
			return None;
		}
		let error = InherentError::decode(&mut &error[..]).ok()?;
		Some(Err(sp_inherents::Error::Application(Box::new(error))))
	}
}
