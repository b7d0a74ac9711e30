//! Legacy transactions, as the Elastos Smart Chain takes them: nine members in RLP, signed for one chain (EIP-155).

use alloy_rlp::{Decodable, Encodable, Header};
use ep_trust::anchor;
use sp_core::{ecdsa, Pair, H160, H256};
use sp_crypto_hashing::keccak_256;

/// A transaction that is not signed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Legacy {
	/// How many the account has sent before.
	pub nonce: u64,
	/// What it pays for a unit of gas, in wei.
	pub gas_price: u128,
	/// How much gas it may use.
	pub gas: u64,
	/// Where it goes.
	pub to: H160,
	/// What it carries, in wei.
	pub value: u128,
	/// The call.
	pub data: Vec<u8>,
}

/// A signed transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
	/// Its hash, by which receipts are asked for.
	pub hash: H256,
	/// Its bytes.
	pub raw: Vec<u8>,
}

impl Legacy {
	/// The list of its members, and behind them what signing or the signature adds.
	fn list(&self, last: [&dyn Encodable; 3]) -> Vec<u8> {
		let data = self.data.as_slice();
		let members: [&dyn Encodable; 9] =
			[&self.nonce, &self.gas_price, &self.gas, &self.to.0, &self.value, &data, last[0], last[1], last[2]];
		let payload_length = members.iter().map(|member| member.length()).sum();
		let mut bytes = Vec::with_capacity(payload_length + 9);
		Header { list: true, payload_length }.encode(&mut bytes);
		for member in members {
			member.encode(&mut bytes);
		}
		bytes
	}

	/// What a signed transaction says; its signature is not looked at.
	///
	/// # Errors
	/// It is no legacy transaction.
	pub fn read(mut raw: &[u8]) -> alloy_rlp::Result<Self> {
		let mut members = Header::decode_bytes(&mut raw, true)?;
		let members = &mut members;
		Ok(Self {
			nonce: u64::decode(members)?,
			gas_price: u128::decode(members)?,
			gas: u64::decode(members)?,
			to: H160(<[u8; 20]>::decode(members)?),
			value: u128::decode(members)?,
			data: Header::decode_bytes(members, false)?.to_vec(),
		})
	}

	/// What is signed for the chain with this id.
	pub fn digest(&self, chain_id: u64) -> [u8; 32] {
		keccak_256(&self.list([&chain_id, &0u8, &0u8]))
	}

	/// Signs it.
	pub fn sign(&self, chain_id: u64, pair: &ecdsa::Pair) -> Signed {
		let signature = pair.sign_prehashed(&self.digest(chain_id)).0;
		let v = u128::from(chain_id) * 2 + 35 + u128::from(signature[64]);
		// Numbers have no zeros before them.
		let r = number(&signature[..32]);
		let s = number(&signature[32..64]);
		let raw = self.list([&v, &r, &s]);
		Signed { hash: H256(keccak_256(&raw)), raw }
	}
}

fn number(bytes: &[u8]) -> &[u8] {
	let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
	&bytes[zeros..]
}

/// The address of a key.
pub fn address(pair: &ecdsa::Pair) -> H160 {
	// A public key of a pair is a point.
	anchor::address(&pair.public()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
	use super::*;

	/// The example in EIP-155 itself.
	#[test]
	fn the_example_of_the_standard_is_signed_as_it_stands_there() {
		let legacy = Legacy {
			nonce: 9,
			gas_price: 20_000_000_000,
			gas: 21_000,
			to: H160::repeat_byte(0x35),
			value: 1_000_000_000_000_000_000,
			data: vec![],
		};
		assert_eq!(hex::encode(legacy.digest(1)), "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
		let signed = legacy.sign(1, &ecdsa::Pair::from_seed(&[0x46; 32]));
		assert_eq!(
			hex::encode(&signed.raw),
			"f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025\
			a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276\
			a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
		);
		assert_eq!(signed.hash, H256(keccak_256(&signed.raw)));
		assert_eq!(Legacy::read(&signed.raw), Ok(legacy));
		assert!(Legacy::read(&signed.raw[..20]).is_err() && Legacy::read(&[]).is_err());
	}

	#[test]
	fn every_member_and_the_chain_are_signed() {
		let legacy = Legacy { nonce: 1, gas_price: 2, gas: 3, to: H160::zero(), value: 4, data: vec![5] };
		let others = [
			Legacy { nonce: 9, ..legacy.clone() },
			Legacy { gas_price: 9, ..legacy.clone() },
			Legacy { gas: 9, ..legacy.clone() },
			Legacy { to: H160::repeat_byte(9), ..legacy.clone() },
			Legacy { value: 9, ..legacy.clone() },
			Legacy { data: vec![9], ..legacy.clone() },
		];
		for other in others {
			assert_ne!(other.digest(20), legacy.digest(20), "{other:?}");
		}
		assert_ne!(legacy.digest(20), legacy.digest(21));
	}

	/// Of 2,000 signatures some begin with a zero byte, which must not be in the list.
	#[test]
	fn numbers_have_no_zeros_before_them() {
		let pair = ecdsa::Pair::from_seed(&[7; 32]);
		let mut shorter = 0;
		for nonce in 0..2_000 {
			let legacy = Legacy { nonce, gas_price: 1, gas: 1, to: H160::zero(), value: 0, data: vec![] };
			let digest = legacy.digest(20);
			let signature = pair.sign_prehashed(&digest).0;
			let raw = legacy.sign(20, &pair).raw;
			for part in [&signature[..32], &signature[32..64]].into_iter().filter(|part| part[0] == 0) {
				shorter += 1;
				assert!(!raw.windows(32).any(|window| window == part), "{nonce}");
			}
		}
		assert!(shorter > 0, "no signature tried this");
	}
}
