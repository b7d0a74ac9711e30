//! Whoever tells the chain what landed, under the same faults.

use std::collections::BTreeMap;

use ec_relayer::{
	abi,
	esc::Filter,
	testing::CHAIN,
	witness::{decide, look, Refusal, Sight},
};
use ep_bridge::{landing::DEPTH, Landing};
use ep_trust::eip712;
use futures::FutureExt;
use rand::{rngs::StdRng, Rng, SeedableRng};
use sp_core::H256;

use crate::{ledger::Faults, world::World};

/// One look at everything that is certified, through two nodes. What it would say.
fn looked(world: &World) -> Vec<Landing> {
	let (wanted, esc) = (world.anchored.lock().certified.clone(), world.esc());
	let ask = || look(&esc, &wanted).now_or_never().expect("it answers at once");
	let (Ok(one), Ok(two)) = (ask(), ask()) else { return vec![] };
	let sights: [Sight; 2] = [one, two];
	let said = wanted.iter().map(|certified| (certified, decide(certified, &sights)));
	let said = said.filter_map(|(certified, said)| match said {
		Ok(landing) => Some(landing),
		Err(refusal @ (Refusal::Nothing | Refusal::Deep { .. })) => {
			assert!(refusal.passes());
			None
		}
		Err(refusal) => panic!("#{}: {refusal}", certified.checkpoint.number),
	});
	said.collect()
}

#[test]
fn nobody_says_what_a_reorganisation_undoes_and_everything_that_landed_is_said() {
	for seed in 0..30 {
		let mut world = World::new(seed, 2, 4);
		world.ledger.lock().faults =
			Faults { down: 20, lost_answer: 20, behind: 300, delayed: 200, ..Faults::default() };
		let mut rng = StdRng::seed_from_u64(seed);
		let mut said: BTreeMap<u64, Landing> = BTreeMap::new();
		let mut reorganisations = 0;
		let mut witness = |world: &World| {
			for landing in looked(world) {
				let before = said.insert(landing.number, landing);
				assert!(before.is_none_or(|before| before == landing), "seed {seed}: {before:?}, then {landing:?}");
			}
		};
		for _ in 0..12 {
			if rng.gen_range(0..3) == 0 {
				world.hand_over(rng.gen_range(2..7));
			} else {
				world.certify();
			}
			for _ in 0..rng.gen_range(1..8) {
				world.pass(1);
				witness(&world);
				if rng.gen_range(0..6) == 0 {
					let forgets = rng.gen_range(0..1_000);
					// So many blocks as may go: what is deeper was said.
					world.ledger.lock().reorganise(DEPTH as usize, forgets);
					reorganisations += 1;
				}
			}
		}
		world.ledger.lock().faults = Faults::default();
		world.settle();
		world.pass(DEPTH);
		witness(&world);
		assert!(reorganisations > 0);
		let landed: Vec<_> = world.state().landed.iter().map(|landed| (landed.0, landed.2)).collect();
		let said: Vec<_> = said.values().map(|landing| (landing.number, landing.relayer)).collect();
		assert_eq!(said, landed, "seed {seed}");
	}
}

/// What the simulated chain tells of events is what the contract's would be.
#[test]
fn the_simulated_chain_has_events_as_the_contract_writes_them() {
	let mut world = World::new(1, 1, 4);
	let number = world.certify();
	world.settle();
	let filter = |second: u64| Filter {
		address: CHAIN.contract,
		topic: abi::topic(abi::LANDED),
		second: vec![H256(eip712::number(second))],
		from: 0,
		to: u64::MAX,
	};
	let logs = world.ledger.lock().logs(&filter(number));
	assert_eq!(logs.len(), 1);
	assert_eq!(logs[0].data[44..], world.account(0).0);
	assert!(world.ledger.lock().logs(&filter(number + 1)).is_empty());
}
