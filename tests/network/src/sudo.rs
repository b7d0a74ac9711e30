//! Signed transactions of the development keys.

use std::time::Duration;

use codec::Encode;
use elapse_runtime::{Runtime, RuntimeCall, SignedPayload, TxExtension, UncheckedExtrinsic, VERSION};
use jsonrpsee::rpc_params;
use sp_core::H256;
use sp_keyring::Sr25519Keyring;
use sp_runtime::generic::Era;

use crate::{Error, Result, Rpc};

/// What a pool says of a transaction whose place another has taken (`sc_rpc_api::author::error`).
const TAKEN: &str = "ServerError(1014)";
/// How often a place is asked for, and how long is waited in between.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// Have the sudo key of a local network (Alice) do `call` as root. Returns the transaction's hash.
///
/// While a block is imported the pool forgets for a moment what waits in it, and gives out a number that is taken.
pub async fn sudo(rpc: &Rpc, call: RuntimeCall) -> Result<H256> {
	let call = RuntimeCall::Sudo(pallet_sudo::Call::sudo { call: Box::new(call) });
	let mut tries = 0;
	loop {
		let answer = rpc.submit(&transaction(rpc, Sr25519Keyring::Alice, call.clone()).await?).await;
		match answer {
			Err(Error::Rpc { why, .. }) if why.contains(TAKEN) && tries < TRIES => tries += 1,
			answer => return answer,
		}
		tokio::time::sleep(PAUSE).await;
	}
}

/// A transaction of `signer`, for the chain that the node behind `rpc` is on.
pub async fn transaction(rpc: &Rpc, signer: Sr25519Keyring, call: RuntimeCall) -> Result<UncheckedExtrinsic> {
	let account = signer.to_account_id();
	let method = "system_accountNextIndex";
	let unreadable = |why: String| Error::Answer { node: rpc.url().into(), method: method.into(), why };
	let nonce = rpc.ask(method, rpc_params![&account]).await?;
	let nonce = nonce.as_u64().and_then(|nonce| u32::try_from(nonce).ok());
	let nonce = nonce.ok_or_else(|| unreadable("it is no count of transactions".into()))?;
	let genesis = rpc.block_hash(0).await?.ok_or_else(|| unreadable("the chain has no genesis".into()))?;
	// As long as the node runs the runtime that this crate was compiled with, its versions are ours.
	let extension: TxExtension = (
		frame_system::AuthorizeCall::<Runtime>::new(),
		frame_system::CheckNonZeroSender::<Runtime>::new(),
		frame_system::CheckSpecVersion::<Runtime>::new(),
		frame_system::CheckTxVersion::<Runtime>::new(),
		frame_system::CheckGenesis::<Runtime>::new(),
		frame_system::CheckEra::<Runtime>::from(Era::Immortal),
		frame_system::CheckNonce::<Runtime>::from(nonce),
		frame_system::CheckWeight::<Runtime>::new(),
		pallet_transaction_payment::ChargeTransactionPayment::<Runtime>::from(0),
		frame_metadata_hash_extension::CheckMetadataHash::<Runtime>::new(false),
		frame_system::WeightReclaim::<Runtime>::new(),
	);
	let implicit = ((), (), VERSION.spec_version, VERSION.transaction_version, genesis, genesis, (), (), (), None, ());
	let payload = SignedPayload::from_raw(call.clone(), extension.clone(), implicit);
	let signature = payload.using_encoded(|bytes| signer.sign(bytes));
	Ok(UncheckedExtrinsic::new_signed(call, account.into(), signature.into(), extension))
}
