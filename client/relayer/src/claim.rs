//! How a relayer is paid for what it brought: its key names an account, by a signature that the account then shows to the
//! chain ([`ep_bridge::landing::claim`]).
//!
//! Genesis hash and contract come from a node. One that lies about them gets a signature that is good on another chain, or
//! for another contract, and there for the same account only.

use codec::DecodeAll;
use ep_bridge::landing;
use ep_trust::Chain;
use jsonrpsee::{core::client::ClientT, rpc_params};
use sp_core::{
	crypto::{AccountId32, Ss58Codec},
	ecdsa, Bytes, H160, H256,
};
use sp_crypto_hashing::twox_128;

use crate::legacy::address;

/// What makes a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
	/// The relayer's address.
	pub relayer: H160,
	/// Who is paid.
	pub account: AccountId32,
	/// The signature: r, s, and the recovery id, 0 or 1.
	pub proof: [u8; 65],
}

impl Claim {
	/// Signs over everything that `pair` is owed to `account`.
	pub fn new(pair: &ecdsa::Pair, chain: &Chain, genesis: &H256, account: AccountId32) -> Self {
		// An account is its 32 bytes in SCALE.
		let digest = landing::claim(chain, genesis, account.as_ref());
		Self { relayer: address(pair), account, proof: pair.sign_prehashed(&digest).0 }
	}
}

impl std::fmt::Display for Claim {
	fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		let proof = hex::encode(self.proof);
		writeln!(formatter, "proof    0x{proof}")?;
		writeln!(formatter, "call     bridge.claimRewards({:?}, 0x{proof})", self.relayer)?;
		write!(formatter, "sent by  {}: for nobody else the proof is good", self.account)
	}
}

/// An account, as text.
///
/// # Errors
/// It is none.
pub fn parse_account(text: &str) -> Result<AccountId32, String> {
	AccountId32::from_ss58check(text).map_err(|error| format!("'{text}' is no account's address: {error}"))
}

/// Where the state has the contract that checkpoints are signed for now: `admission.anchorChain`. What a checkpoint was
/// signed for may be another one, that governance has moved on from.
pub fn contract_key() -> [u8; 32] {
	let mut key = [0; 32];
	key[..16].copy_from_slice(&twox_128(b"Admission"));
	key[16..].copy_from_slice(&twox_128(b"AnchorChain"));
	key
}

/// Asks a node for the contract and the genesis hash.
///
/// # Errors
/// It does not answer, or there is no contract yet.
pub async fn domain<C: ClientT>(node: &C) -> Result<(Chain, H256), String> {
	let failed = |error: jsonrpsee::core::ClientError| format!("the node does not answer: {error}");
	let genesis: Option<H256> = node.request("chain_getBlockHash", rpc_params![0]).await.map_err(failed)?;
	let genesis = genesis.ok_or("the node has no genesis")?;
	let key = Bytes(contract_key().to_vec());
	let stored: Option<Bytes> = node.request("state_getStorage", rpc_params![key]).await.map_err(failed)?;
	let chain = stored.map_or(Ok(Chain::default()), |bytes| {
		Chain::decode_all(&mut &bytes[..]).map_err(|_| "the node's contract cannot be read: it is of another runtime")
	})?;
	if chain.contract.is_zero() {
		return Err("no contract is known to the chain yet, so nothing has landed on one".into());
	}
	Ok((chain, genesis))
}

#[cfg(test)]
mod tests {
	use codec::Encode;
	use ep_trust::anchor;
	use jsonrpsee::{types::ErrorObjectOwned, RpcModule};
	use parking_lot::Mutex;

	use super::*;
	use crate::testing::{key, CHAIN, GENESIS};

	const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

	#[test]
	fn the_proof_is_by_the_relayer_for_that_account_contract_and_chain() {
		let account = parse_account(ALICE).unwrap();
		let Claim { relayer, proof, .. } = Claim::new(&key(1), &CHAIN, &GENESIS, account.clone());
		let of = |chain: &Chain, genesis: &H256, account: &AccountId32| {
			anchor::recover(&proof, &landing::claim(chain, genesis, &account.encode()))
		};
		assert_eq!(of(&CHAIN, &GENESIS, &account), Some(relayer));
		assert_eq!(relayer, address(&key(1)));
		assert_ne!(of(&Chain { id: 21, ..CHAIN }, &GENESIS, &account), Some(relayer));
		assert_ne!(of(&CHAIN, &H256::zero(), &account), Some(relayer));
		assert_ne!(of(&CHAIN, &GENESIS, &AccountId32::new([1; 32])), Some(relayer));
	}

	#[test]
	fn what_is_shown_can_be_typed_off() {
		let claim = Claim::new(&key(1), &CHAIN, &GENESIS, parse_account(ALICE).unwrap());
		let (text, proof) = (claim.to_string(), hex::encode(claim.proof));
		assert!(text.contains(&format!("bridge.claimRewards({:?}, 0x{proof})", claim.relayer)), "{text}");
		assert!(text.contains(ALICE), "{text}");
		for text in ["", "5Grw", "0x00", &ALICE.replace('Y', "Z")] {
			assert!(parse_account(text).is_err(), "{text}");
		}
	}

	/// A node that has this in its state.
	fn node(stored: Option<Vec<u8>>) -> RpcModule<Mutex<Option<Vec<u8>>>> {
		let mut module = RpcModule::new(Mutex::new(stored));
		module
			.register_method("chain_getBlockHash", |params, _, _| {
				assert_eq!(params.one::<u32>().unwrap(), 0);
				Ok::<_, ErrorObjectOwned>(GENESIS)
			})
			.unwrap();
		module
			.register_method("state_getStorage", |params, stored, _| {
				assert_eq!(params.one::<Bytes>().unwrap().0, contract_key());
				Ok::<_, ErrorObjectOwned>(stored.lock().clone().map(Bytes))
			})
			.unwrap();
		module
	}

	async fn ask(stored: Option<Vec<u8>>) -> Result<(Chain, H256), String> {
		let server = jsonrpsee::server::Server::builder().build("127.0.0.1:0").await.unwrap();
		let url = format!("ws://{}", server.local_addr().unwrap());
		let _serving = server.start(node(stored));
		domain(&jsonrpsee::ws_client::WsClientBuilder::default().build(&url).await.unwrap()).await
	}

	#[tokio::test]
	async fn contract_and_genesis_are_those_of_the_node() {
		assert_eq!(ask(Some(CHAIN.encode())).await, Ok((CHAIN, GENESIS)));
		assert!(ask(None).await.unwrap_err().contains("no contract"));
		assert!(ask(Some(Chain::default().encode())).await.unwrap_err().contains("no contract"));
		assert!(ask(Some(vec![1; 27])).await.unwrap_err().contains("cannot be read"));
	}
}
