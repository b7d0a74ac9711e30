//! The history, as the real pallet keeps it.

use codec::Decode;
use ep_bridge::{archive, history, HistoryLeaf};
use ep_trust::{committee::OnConclude, score::OnScore, Chain, SignedVerdict};
use sp_core::{offchain::StorageKind, H256};

use crate::{mock::*, *};

const LAST: u64 = 43;

/// A chain on which something happens in some blocks. Gives the leaf that each block should have.
fn busy_chain() -> (sp_io::TestExternalities, Vec<HistoryLeaf>) {
	let mut ext = ext_of(&[(1, 100)]);
	let leaves = ext.execute_with(|| {
		let genesis = HistoryLeaf {
			number: 0,
			block_hash: GENESIS,
			trust_root: BlockEnd::default().trust_root,
			..Default::default()
		};
		let mut leaves = vec![genesis];
		while System::block_number() < LAST {
			let number = System::block_number();
			let mut concluded = Vec::new();
			if number % 3 == 1 {
				Bridge::on_score(&author(number as u8), number);
			}
			for round in 0..(number % 4).saturating_sub(1) as u32 {
				let root = H256::from_low_u64_be(number * 10 + u64::from(round));
				Bridge::on_conclude(verdict(round, root));
				concluded.push((round, root));
			}
			let (trust_root, trust_leaves) = (Bridge::trust_root(), LeafCount::<Test>::get().into());
			let committees = history::committees(&concluded);
			let block_hash = next_block().hash();
			// What the child does is not in its parent's leaf.
			Bridge::on_score(&author(40), number);
			leaves.push(HistoryLeaf { number, block_hash, trust_root, trust_leaves, committees });
		}
		leaves
	});
	ext.persist_offchain_overlay();
	(ext, leaves)
}

#[test]
fn a_leaf_is_what_its_block_left() {
	let (mut ext, leaves) = busy_chain();
	ext.execute_with(|| {
		assert_eq!(Mmr::mmr_leaves(), LAST);
		let checkpoints = [10, 20, 30, 40].map(open);
		for checkpoint in checkpoints {
			let (root, count) = (checkpoint.history_root, checkpoint.history_leaves);
			assert_eq!(count, checkpoint.number);
			for leaf in &leaves[..count as usize] {
				// The block that added the leaf is the next one.
				let made = Mmr::generate_proof(vec![leaf.number + 1], Some(checkpoint.number));
				let (found, proof) = made.unwrap();
				assert_eq!(found, [*leaf]);
				assert_eq!((proof.leaf_indices[..].to_vec(), proof.leaf_count), (vec![leaf.number], count));
				assert_eq!(history::verify(leaf, leaf.number, &proof.items, &root, count), Ok(()));
			}
		}
	});
}

#[test]
fn what_concluded_is_kept_beside_the_state() {
	let (mut ext, leaves) = busy_chain();
	ext.execute_with(|| {
		let mut some = 0;
		for (parent, leaf) in leaves.iter().zip(&leaves[1..]) {
			let key = archive::concluded(&parent.block_hash);
			let kept = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, &key);
			let concluded: Vec<(u32, H256)> =
				kept.map(|bytes| Decode::decode(&mut &bytes[..]).unwrap()).unwrap_or_default();
			assert_eq!(history::committees(&concluded), leaf.committees, "{leaf:?}");
			some += concluded.len();
		}
		assert!(some > 20);
	});
}

/// The verdict that is kept of a round.
fn kept(round: u32) -> Option<(u64, SignedVerdict)> {
	let bytes = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, &archive::verdict(round))?;
	Some(Decode::decode(&mut &bytes[..]).unwrap())
}

#[test]
fn a_verdict_is_kept_with_its_block_and_the_contract_that_it_was_signed_for() {
	let mut ext = ext_of(&[(1, 100)]);
	let expected = ext.execute_with(|| {
		let unknown = verdict(7, H256::repeat_byte(1));
		Bridge::on_conclude(unknown.clone());
		go_to(5);
		Contract::set(Chain { id: 20, contract: address(3) });
		let two = [verdict(300, H256::repeat_byte(2)), verdict(8, H256::repeat_byte(3))];
		two.iter().cloned().for_each(Bridge::on_conclude);
		next_block();
		let [first, second] = two;
		assert_eq!((first.chain.contract, unknown.chain.contract), (address(3), Default::default()));
		[(7, 1, unknown), (300, 5, first), (8, 5, second)]
	});
	ext.persist_offchain_overlay();
	ext.execute_with(|| {
		for (round, block, signed) in expected {
			assert_eq!(kept(round), Some((block, signed)));
		}
		assert_eq!(kept(9), None);
	});
}

#[test]
fn a_verdict_that_no_block_proves_is_not_kept() {
	let mut ext = ext_of(&[(1, 100)]);
	ext.execute_with(|| (0..5).for_each(|round| Bridge::on_conclude(verdict(round, H256::repeat_byte(1)))));
	ext.persist_offchain_overlay();
	ext.execute_with(|| assert_eq!([0, 2, 3, 4].map(|round| kept(round).is_some()), [true, true, false, false]));
}

#[test]
fn a_block_concludes_no_more_rounds_than_that() {
	on_chain(|| {
		(0..5).for_each(|round| Bridge::on_conclude(verdict(round, H256::repeat_byte(1))));
		assert_eq!(Concluded::<Test>::get().len(), 3);
		next_block();
		assert!(!Concluded::<Test>::exists());
		assert_ne!(End::<Test>::get().committees, H256::zero());
		next_block();
		assert_eq!(End::<Test>::get().committees, H256::zero());
	});
}
