//! Plain days, and days on which one thing goes wrong.

use ec_relayer::{
	machine::Severity,
	policy::{Policy, GWEI},
};

use crate::world::{World, PLAIN};

#[test]
fn on_a_plain_day_every_handover_and_the_newest_checkpoints_land() {
	let mut world = World::new(1, 1, 4);
	for round in 0..6 {
		world.certify();
		world.pass(4);
		if round % 2 == 0 {
			world.hand_over(4 + round);
			world.pass(4);
		}
	}
	world.settle();
	world.check();
	assert_eq!((world.refused(0), world.state().landed.len()), (0, 9));
	assert!(world.status(0).conditions.is_empty(), "{}", world.status(0));
	assert!(world.status(0).to_string().ends_with("all is well"));
	assert_eq!(world.status(0).totals.handovers, 3);
}

#[test]
fn superseded_checkpoints_are_left_out_and_handovers_never() {
	let mut world = World::new(2, 1, 4);
	for _ in 0..3 {
		for _ in 0..5 {
			world.certify();
		}
		world.hand_over(4);
	}
	let newest = world.certify();
	world.settle();
	world.check();
	let landed: Vec<u64> = world.state().landed.iter().map(|landed| landed.0).collect();
	assert_eq!(landed, [107, 214, 321, newest], "three handovers and the newest, of nineteen");
}

#[test]
fn a_day_without_the_chain_is_caught_up_with() {
	let mut world = World::new(3, 1, 4);
	world.certify();
	world.settle();
	world.ledger.lock().down = true;
	for hour in 0..24 {
		world.certify();
		if hour % 8 == 3 {
			world.hand_over(5);
		}
		world.pass(720);
		assert_eq!(world.codes(0), ["esc-down"]);
	}
	let before = world.state().landed.len();
	world.ledger.lock().down = false;
	world.settle();
	world.check();
	assert_eq!(world.state().landed.len() - before, 4, "three handovers and the newest");
	assert_eq!(world.refused(0), 0);
}

#[test]
fn a_chain_that_makes_no_blocks_is_called_stalled() {
	let mut world = World::new(3, 1, 4);
	world.certify();
	world.settle();
	world.ledger.lock().stalled = true;
	world.certify();
	world.pass(30);
	assert!(world.codes(0).contains(&"esc-stalled".into()), "{}", world.status(0));
	world.ledger.lock().stalled = false;
	world.settle();
	world.check();
}

#[test]
fn a_node_that_is_down_or_forgetful_is_said_so_and_what_was_sent_is_tended() {
	let mut world = World::new(4, 1, 4);
	world.certify();
	world.pass(1);
	world.anchored.lock().down = true;
	world.pass(20);
	assert_eq!(world.codes(0), ["node-down"]);
	assert_eq!(world.status(0).totals.landed, 1, "what was sent is followed to its end");
	world.anchored.lock().down = false;
	world.anchored.lock().forgets = true;
	world.hand_over(4);
	world.certify();
	world.pass(5);
	assert_eq!(world.codes(0), ["handover-missing"]);
	assert!(world.status(0).is_blocked());
	world.anchored.lock().forgets = false;
	world.settle();
	world.check();
}

#[test]
fn a_tenfold_price_is_followed_by_a_replacement() {
	let mut world = World::new(5, 1, 4);
	world.certify();
	world.rounds();
	world.ledger.lock().price = 10 * PLAIN;
	world.pass(40);
	world.settle();
	world.check();
	let (record, state) = (world.status(0), world.state());
	assert_eq!((record.totals.landed, world.refused(0)), (1, 0));
	assert_eq!(state.nonces[&world.account(0)], 1, "in one place of the account's order");
}

#[test]
fn a_price_above_the_ceiling_is_waited_for() {
	let mut world = World::new(6, 1, 4);
	world.ledger.lock().price = 300 * GWEI;
	world.certify();
	world.pass(50);
	assert_eq!(world.codes(0)[0], "price-ceiling");
	assert_eq!(world.state().landed.len(), 0);
	world.certify();
	world.hand_over(4);
	world.ledger.lock().price = PLAIN;
	world.settle();
	world.check();
	assert_eq!(world.state().landed.len(), 1, "the handover superseded them");
}

#[test]
fn a_price_that_rises_above_the_ceiling_after_sending_is_waited_for_too() {
	let mut world = World::new(7, 1, 4);
	world.certify();
	world.rounds();
	world.ledger.lock().price = 300 * GWEI;
	world.pass(400);
	assert!(world.codes(0).contains(&"at-ceiling".into()), "{}", world.status(0));
	assert_eq!(world.status(0).waiting[0].gas_price, (200 * GWEI).to_string());
	world.ledger.lock().price = 150 * GWEI;
	world.settle();
	world.check();
	assert_eq!(world.refused(0), 0);
}

#[test]
fn a_frozen_account_is_said_so_and_goes_on_when_it_thaws() {
	let mut world = World::new(8, 1, 4);
	let account = world.account(0);
	world.ledger.lock().frozen.insert(account);
	world.certify();
	world.pass(100);
	let status = world.status(0);
	assert_eq!(status.conditions[0].code, "frozen", "{status}");
	assert!(status.conditions[0].advice.contains("use another key"));
	let price = status.waiting[0].gas_price.clone();
	world.hand_over(5);
	world.certify();
	world.pass(1_000);
	assert_eq!(world.status(0).waiting[0].gas_price, price, "no price helps");
	world.ledger.lock().frozen.clear();
	world.settle();
	world.check();
}

#[test]
fn an_account_without_money_is_said_so_after_an_alarm() {
	let mut world = World::new(9, 1, 4);
	let account = world.account(0);
	world.certify();
	world.settle();
	let spent = world.state().paid[&account];
	let mut seen_alarm = false;
	// What is left pays for sixty more.
	world.ledger.lock().set_balance(account, spent * 60);
	for _ in 0..100 {
		world.certify();
		world.pass(2);
		seen_alarm |= world.codes(0) == ["funds-low"];
	}
	assert!(seen_alarm);
	world.hand_over(4);
	world.pass(5);
	assert_eq!(world.codes(0), ["out-of-funds"]);
	assert_eq!(world.status(0).conditions[0].severity, Severity::Blocking);
	world.ledger.lock().set_balance(account, spent * 1_000);
	world.settle();
	world.check();
	assert_eq!(world.refused(0), 0);
}

#[test]
fn a_full_disk_stops_everything_before_it_is_sent() {
	let mut world = World::new(10, 1, 4);
	*world.relayers[0].disk.1.lock() = true;
	world.certify();
	world.pass(10);
	assert_eq!(world.codes(0)[0], "disk");
	assert!(world.ledger.lock().is_pool_empty() && world.state().landed.is_empty());
	*world.relayers[0].disk.1.lock() = false;
	world.settle();
	world.check();
}

#[test]
fn large_sets_are_published_once_and_small_ones_never() {
	let policy = Policy { checkpoints_per_set: 60, stagger: 0, ..Policy::default() };
	let mut world = World::new(11, 0, 60);
	world.fund(1);
	world.start(1, policy, false);
	for _ in 0..5 {
		world.certify();
		world.pass(4);
	}
	world.hand_over(3);
	for _ in 0..5 {
		world.pass(4);
		world.certify();
	}
	world.settle();
	world.check();
	assert_eq!(world.state().publications, 1);
	assert_eq!(world.status(0).totals.published, 1);
}

#[test]
fn a_dry_run_sends_nothing_and_writes_nothing() {
	let mut world = World::new(12, 0, 4);
	world.fund(1);
	world.start(1, Policy::default(), true);
	world.certify();
	world.pass(20);
	assert!(world.state().landed.is_empty() && world.ledger.lock().is_pool_empty());
	assert!(world.relayers[0].disk.0.lock().is_none());
	assert!(world.status(0).dry_run);
}

#[test]
fn a_key_that_somebody_else_uses_is_said_so() {
	let mut world = World::new(13, 1, 4);
	let thief = ec_relayer::legacy::Legacy {
		nonce: 0,
		gas_price: 50 * GWEI,
		gas: 21_000,
		to: world.account(0),
		value: 0,
		data: vec![],
	};
	world.certify();
	world.rounds();
	let signed = thief.sign(20, &ec_relayer::testing::key(1));
	world.ledger.lock().submit(&signed.raw).unwrap();
	world.pass(8);
	assert!(world.codes(0).contains(&"unclear".into()), "{}", world.status(0));
	world.pass(8);
	assert!(world.codes(0).contains(&"key-shared".into()), "{}", world.status(0));
	world.pass(20);
	assert_eq!(world.state().landed.len(), 1);
}
