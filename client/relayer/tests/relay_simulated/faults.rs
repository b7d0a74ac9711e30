//! Everything at once, by seed.

use rand::{rngs::StdRng, Rng, SeedableRng};

use crate::{
	ledger::Faults,
	world::{World, PLAIN},
};

const HEAVY: Faults = Faults { down: 8, lost_answer: 8, forgotten: 200, behind: 0, delayed: 300 };

/// Runs through sets and checkpoints, `disturb` between.
fn live(world: &mut World, rng: &mut StdRng, mut disturb: impl FnMut(&mut World, &mut StdRng)) {
	for _ in 0..12 {
		if rng.gen_range(0..3) == 0 {
			world.hand_over(rng.gen_range(2..7));
		} else {
			world.certify();
		}
		for _ in 0..rng.gen_range(1..8) {
			world.pass(1);
			disturb(world, rng);
		}
	}
}

#[test]
fn loss_and_delay_cost_time_and_nothing_else() {
	for seed in 0..60 {
		let mut world = World::new(seed, 1, 4);
		world.ledger.lock().faults = HEAVY;
		live(&mut world, &mut StdRng::seed_from_u64(seed), |_, _| {});
		world.settle();
		world.check();
		assert_eq!(world.refused(0), 0, "seed {seed}");
	}
}

#[test]
fn nodes_that_are_behind_have_nobody_pay_twice() {
	for seed in 0..60 {
		let mut world = World::new(seed, 1, 4);
		world.ledger.lock().faults = Faults { behind: 300, delayed: 200, ..Faults::default() };
		live(&mut world, &mut StdRng::seed_from_u64(seed), |_, _| {});
		world.ledger.lock().faults = Faults::default();
		world.settle();
		world.check();
		assert_eq!(world.refused(0), 0, "seed {seed}");
	}
}

#[test]
fn reorganisations_nine_deep_lose_nothing_and_are_not_paid_for() {
	for seed in 0..60 {
		let mut world = World::new(seed, 1, 4);
		live(&mut world, &mut StdRng::seed_from_u64(seed), |world, rng| {
			if rng.gen_range(0..6) == 0 {
				let forgets = rng.gen_range(0..1_000);
				world.ledger.lock().reorganise(9, forgets);
			}
		});
		world.settle();
		world.check();
		assert_eq!(world.refused(0), 0, "seed {seed}");
	}
}

#[test]
fn reorganisations_deeper_than_anybody_waits_lose_nothing_either() {
	for seed in 0..60 {
		let mut world = World::new(seed, 1, 4);
		live(&mut world, &mut StdRng::seed_from_u64(seed), |world, rng| {
			if rng.gen_range(0..20) == 0 {
				world.ledger.lock().reorganise(25, 500);
			}
		});
		world.settle();
		let landed = world.state().landed;
		assert_eq!(landed.last().map(|landed| landed.0), Some(world.height), "seed {seed}");
	}
}

/// Killed before and after every question of a whole story, and started again.
#[test]
fn restarts_at_each_step_lose_nothing_and_pay_nothing_twice() {
	let story = |fuse: u64| {
		let mut world = World::new(7, 1, 4);
		world.relayers[0].fuse.set(fuse);
		world.certify();
		world.pass(3);
		world.hand_over(5);
		world.pass(3);
		world.certify();
		world.ledger.lock().reorganise(4, 500);
		world.pass(3);
		world.certify();
		world.settle();
		world.check();
		assert_eq!(world.refused(0), 0, "killed at {fuse}");
		world
	};
	let mut at = 1;
	loop {
		let world = story(at);
		if world.relayers[0].restarts == 0 {
			break;
		}
		at += 1;
	}
	println!("killed at {} half steps, one a run", at - 1);
	assert!(at > 500, "{at} half steps are no story");
}

#[test]
fn a_lost_record_costs_nothing_but_a_replacements_price() {
	let mut world = World::new(7, 1, 4);
	world.certify();
	world.rounds();
	*world.relayers[0].disk.0.lock() = None;
	world.restart(0);
	// Somebody else's, as far as it can tell: it waits for that, and it lands.
	world.pass(20);
	assert_eq!(world.state().landed.len(), 1);
	assert_eq!((world.refused(0), world.state().nonces[&world.account(0)]), (0, 1));
	// And one that is stuck is replaced, at a price that the pool takes.
	world.certify();
	world.rounds();
	world.ledger.lock().price = 2 * PLAIN;
	*world.relayers[0].disk.0.lock() = None;
	world.restart(0);
	world.pass(60);
	assert_eq!(world.state().landed.len(), 2);
	assert_eq!((world.refused(0), world.state().nonces[&world.account(0)]), (0, 2));
}

#[test]
fn everything_at_once_by_two_relayers_loses_nothing() {
	let (mut landed, mut refused, mut restarts) = (0, 0, 0);
	for seed in 0..200 {
		let mut world = World::new(seed, 2, 4);
		world.ledger.lock().faults = Faults { behind: 50, ..HEAVY };
		live(&mut world, &mut StdRng::seed_from_u64(seed), |world, rng| {
			let index = rng.gen_range(0..2);
			match rng.gen_range(0..24) {
				0 => world.ledger.lock().reorganise(rng.gen_range(1..10), 500),
				1 => world.ledger.lock().price = PLAIN * rng.gen_range(1..12),
				2 => world.restart(index),
				3 => world.relayers[index].fuse.set(rng.gen_range(1..80)),
				4 => world.ledger.lock().forget(),
				5 => world.ledger.lock().down ^= true,
				6 => world.anchored.lock().down ^= true,
				_ => {}
			}
		});
		world.anchored.lock().down = false;
		world.ledger.lock().down = false;
		world.ledger.lock().faults = Faults::default();
		world.relayers.iter().for_each(|runs| runs.fuse.set(0));
		world.settle();
		world.check();
		landed += world.state().landed.len();
		refused += world.refused(0) + world.refused(1);
		restarts += world.relayers.iter().map(|runs| runs.restarts).sum::<u64>();
	}
	println!("200 seeds: {landed} checkpoints landed, {refused} lost races were paid for, {restarts} restarts");
	assert!(refused * 20 <= landed as u64, "{refused} of {landed}");
}
