//! Typed structured data (EIP-712), as far as a verdict needs it: words, the domain, the digest that is signed.

use alloc::vec::Vec;
use sp_core::H160;
use sp_crypto_hashing::keccak_256;

use crate::Chain;

/// A word of 32 bytes.
pub type Word = [u8; 32];

const DOMAIN_TYPE: &[u8] = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
/// The name in the domain.
pub const NAME: &str = "Elapse";
/// The version in the domain. It changes with the encoding of any type.
pub const VERSION: &str = "1";

/// 32 bytes as a word.
pub fn word(bytes: &[u8; 32]) -> Word {
	*bytes
}

/// A number as a word, big-endian.
pub fn number(number: u64) -> Word {
	let mut word = [0; 32];
	word[24..].copy_from_slice(&number.to_be_bytes());
	word
}

/// An address as a word.
pub fn address(address: &H160) -> Word {
	let mut word = [0; 32];
	word[12..].copy_from_slice(address.as_bytes());
	word
}

/// `hashStruct`: of a type and its members, already encoded.
pub fn hash_struct(type_of: &[u8], members: &[Word]) -> Word {
	let mut bytes: Vec<u8> = keccak_256(type_of).to_vec();
	bytes.extend(members.iter().flatten());
	keccak_256(&bytes)
}

/// The domain's separator.
pub fn domain(chain: &Chain) -> Word {
	let members =
		[keccak_256(NAME.as_bytes()), keccak_256(VERSION.as_bytes()), number(chain.id), address(&chain.contract)];
	hash_struct(DOMAIN_TYPE, &members)
}

/// What is signed: `keccak256(0x1901 || domain || hashStruct)`.
pub fn digest(chain: &Chain, hash_of_struct: &Word) -> Word {
	keccak_256(&[&[0x19, 0x01], domain(chain).as_slice(), hash_of_struct].concat())
}
