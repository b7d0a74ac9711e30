//! Several relayers at once.

use ec_relayer::{policy::Policy, testing::key};

use crate::world::World;

#[test]
fn two_at_once_bring_each_checkpoint_once_and_pay_for_it_once() {
	for seed in 0..20 {
		let mut world = World::new(seed, 2, 4);
		for round in 0..10 {
			world.certify();
			world.pass(3);
			if round % 3 == 0 {
				world.hand_over(4);
				world.pass(3);
			}
		}
		world.settle();
		world.check();
		assert_eq!((world.refused(0), world.refused(1)), (0, 0), "seed {seed}");
	}
}

#[test]
fn even_those_who_begin_in_the_same_block_lose_nothing() {
	let (mut voided, mut refused) = (0, 0);
	for seed in 0..20 {
		let mut world = World::new(seed, 0, 4);
		for n in 1..=3 {
			world.fund(n);
			world.start(n, Policy { stagger: 0, ..Policy::default() }, false);
		}
		// They see the chain as it was before any of them has sent.
		world.ledger.lock().faults.behind = 300;
		for round in 0..10 {
			world.certify();
			world.pass(3);
			if round % 3 == 0 {
				world.hand_over(4);
				world.pass(3);
			}
		}
		world.ledger.lock().faults.behind = 0;
		world.settle();
		world.check();
		voided += (0..3).map(|index| world.status(index).totals.voided).sum::<u64>();
		refused += (0..3).map(|index| world.refused(index)).sum::<u64>();
	}
	println!("of 280 checkpoints, {refused} lost races were paid for, and {voided} taken back in time");
	assert!(refused <= 14, "{refused} of 280");
}

/// One whose submission waits, while somebody else's lands, takes it back: nothing costs less than what is refused.
#[test]
fn no_waste_takes_back_what_somebody_else_has_brought() {
	let mut world = World::new(1, 1, 4);
	world.certify();
	world.rounds();
	let mine = world.relayers[0].disk.0.lock().clone().unwrap();
	assert_eq!(mine.slots.len(), 1);
	// A price between: the rival's is taken, ours waits.
	world.ledger.lock().price = 3 * crate::world::PLAIN;
	world.fund(9);
	let slot = &mine.slots[0].attempts[0];
	let certified = world.anchored.lock().certified[0].clone();
	let rival = ec_relayer::legacy::Legacy {
		nonce: 0,
		gas_price: 4 * crate::world::PLAIN,
		gas: 400_000,
		to: mine.place.contract,
		value: 0,
		data: ec_relayer::abi::submit(&certified, &certified.certificate, true),
	};
	world.ledger.lock().submit(&rival.sign(20, &key(9)).raw).unwrap();
	world.pass(30);
	world.settle();
	world.check();
	let totals = world.status(0).totals;
	assert_eq!((totals.landed, totals.refused, totals.voided), (0, 0, 1));
	assert!(totals.paid < slot.gas_price * 21_000 * 5);
}
