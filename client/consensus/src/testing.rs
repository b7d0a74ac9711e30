//! What the unit tests share: headers that lead nowhere, a store that keeps them in memory, and a node around a played
//! chain ([`node`]).

pub(crate) mod node;

use crate::aux_schema::{self, BlockRecord};
use ep_poet::{digest::Unsealed, Attestation, Claim, Hash, Interval, PreDigest, Seal, Verdict};
use ep_tpm::{ClockInfo, Name, TimeAttestation};
use sc_client_api::{backend::AuxStore, in_mem, NewBlockState};
use sp_core::{crypto::VrfSecret, sr25519, Pair};
use sp_runtime::{generic, traits::Header as HeaderT, DigestItem, OpaqueExtrinsic};

pub(crate) use ep_poet::testing::Header;
pub(crate) type Block = generic::Block<Header, OpaqueExtrinsic>;
pub(crate) type Store = in_mem::Blockchain<Block>;

/// A header whose only property is to differ from others by `tag`.
pub(crate) fn header(number: u32, parent: Hash, tag: u8) -> Header {
	Header::new(number, Hash::repeat_byte(tag), Hash::zero(), parent, Default::default())
}

/// A store with nothing but genesis.
pub(crate) fn store() -> Store {
	let store = Store::new();
	let genesis = header(0, Hash::zero(), 0);
	store.insert(genesis.hash(), genesis, None, None, NewBlockState::Final, true).expect("genesis fits");
	store
}

/// Adds a child of `parent` of the given chain weight; `best` as fork choice would say.
pub(crate) fn grow(store: &Store, parent: Hash, tag: u8, weight: u128, best: bool) -> Hash {
	use sp_blockchain::HeaderBackend;
	let number = store.number(parent).expect("reads").expect("the parent is there") + 1;
	let header = header(number, parent, tag);
	let hash = header.hash();
	let state = if best { NewBlockState::Best } else { NewBlockState::Normal };
	store.insert(hash, header, None, None, state, true).expect("block fits");
	let record = BlockRecord { weight, wait: 1_000, lateness: None, executed: true };
	put(store, hash, &record, best);
	hash
}

/// Writes a block's record.
pub(crate) fn put(store: &Store, hash: Hash, record: &BlockRecord, best: bool) {
	for (key, value) in aux_schema::writes(&hash, record, best) {
		let value = value.expect("writes only write");
		store.insert_aux(&[(&key[..], &value[..])], &[]).expect("memory does not fail");
	}
}

/// Makes `hash` final, and the client's best, as the client does after finality on a side fork.
pub(crate) fn finalise(store: &Store, hash: Hash) {
	use sp_blockchain::HeaderBackend;
	let header = store.header(hash).expect("reads").expect("the block is there");
	store.insert(hash, header, None, None, NewBlockState::Final, false).expect("block fits");
}

/// A certificate as if it had been verified: by `author`'s chip, on `parent`, over `interval`. Its signatures are none.
pub(crate) fn verdict(author: u8, parent: Hash, tag: u8, interval: Interval) -> Verdict<Header> {
	let pair = sr25519::Pair::from_seed(&[author; 32]);
	let vrf = pair.vrf_sign(&ep_poet::lottery::transcript(&[0; 32], 0, 1).into());
	let nothing = || Attestation::new(vec![], vec![]).expect("nothing is not too long");
	let pre_digest = PreDigest {
		author: pair.public().into(),
		vrf,
		timestamp: 0,
		claim: Claim { epoch: 0, mean: 1, weight: 1, rate: 1_000_000, wait: 1 },
		start: nothing(),
	};
	let seal = Seal { end: nothing(), signature: sr25519::Signature::from_raw([tag; 64]).into() };
	let mut header = header(1, parent, tag);
	header.digest_mut().push((&pre_digest).into());
	let pre_seal = header.hash();
	let seal_item: DigestItem = (&seal).into();
	let mut sealed = header.clone();
	sealed.digest_mut().push(seal_item.clone());
	let mut name = vec![0, 0x0b];
	name.extend([author; 32]);
	let attestation = |time| TimeAttestation {
		qualified_signer: Name::from_bytes(&name).expect("a SHA-256 name"),
		extra_data: vec![],
		time,
		clock_info: ClockInfo {
			clock: 0,
			reset_count: interval.reset_count,
			restart_count: interval.restart_count,
			safe: true,
		},
		firmware_version: 0,
	};
	Verdict {
		hash: sealed.hash(),
		unsealed: Unsealed { header, pre_seal, pre_digest, seal, seal_item },
		start: attestation(interval.start),
		end: attestation(interval.end),
		interval,
	}
}
