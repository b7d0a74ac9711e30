//! The namespace as a client meets it, over a chain in memory.

use ep_poet::{evidence::Claims, MemberInfo};
use jsonrpsee::{
	core::{server::MethodsError, EmptyServerParams},
	RpcModule,
};

use super::*;
use crate::{
	testing::{node::Trouble, Block},
	worker::bench::{Bench, Node},
};

fn module(bench: &Bench, stats: Stats) -> RpcModule<Poet<Node, Block, Node>> {
	let node = Node::of(&bench.world);
	Poet::<Node, Block, Node>::new(Arc::new(node.clone()), node, bench.status.clone(), stats).into_rpc()
}

fn code<T: std::fmt::Debug>(result: Result<T, MethodsError>) -> i32 {
	match result {
		Err(MethodsError::JsonRpc(error)) => error.code(),
		other => panic!("{other:?}"),
	}
}

#[tokio::test]
async fn the_lottery_says_what_this_node_waits_for() {
	let bench = Bench::new();
	bench.world.parameters.lock().minimum_wait = 10_000;
	let mut bench = bench.start();
	bench.until_state("waiting");
	let module = module(&bench, Stats::new());
	let view: LotteryView = module.call("poet_lottery", EmptyServerParams::new()).await.expect("it answers");
	assert_eq!((view.height, view.epoch, view.mean, view.parent), (1, 0, 10_000, bench.world.genesis));
	assert_eq!(view.author, Some(bench.author.clone()));
	assert_eq!((view.state.as_str(), view.why_not_waiting), ("waiting", None));
	let wait = view.wait.expect("one is under way");
	assert!(wait.wait >= 10_000 && wait.until > wait.since, "{wait:?}");
	bench.stop();
}

#[tokio::test]
async fn the_lottery_says_why_this_node_does_not_wait() {
	let bench = Bench::new();
	bench.world.chip.lock().gone = true;
	let mut bench = bench.start();
	bench.until_state("chipGone");
	let module = module(&bench, Stats::new());
	let view: LotteryView = module.call("poet_lottery", EmptyServerParams::new()).await.expect("it answers");
	assert_eq!((view.state.as_str(), view.wait), ("chipGone", None));
	assert!(view.why_not_waiting.is_some_and(|why| why.contains("unplugged")));
	bench.stop();
}

#[tokio::test]
async fn a_sealed_block_shows_its_certificate() {
	let mut bench = Bench::new().start();
	bench.until_height(3);
	bench.stop();
	let module = module(&bench, Stats::new());
	let hash = bench.world.best().hash();
	let view: CertificateView = module.call("poet_waitCertificate", (hash,)).await.expect("it answers");
	assert_eq!((view.hash, view.valid), (hash, Some(true)), "{:?}", view.rules);
}

#[tokio::test]
async fn what_has_no_certificate_gets_a_code_of_its_own() {
	let bench = Bench::new();
	let foreign = bench.world.foreign(bench.world.genesis, 3);
	let module = module(&bench, Stats::new());
	let ask = |hash: Hash| module.call::<_, CertificateView>("poet_waitCertificate", (hash,));
	assert_eq!(code(ask(Hash::repeat_byte(9)).await), 33_001);
	assert_eq!(code(ask(bench.world.genesis).await), 33_002);
	assert_eq!(code(ask(foreign).await), 33_003);
}

#[tokio::test]
async fn a_state_that_is_not_there_and_a_database_that_fails_are_told_apart() {
	let mut bench = Bench::new().start();
	bench.until_height(2);
	bench.stop();
	let module = module(&bench, Stats::new());
	let hash = bench.world.best().hash();
	let lottery = || module.call::<_, LotteryView>("poet_lottery", EmptyServerParams::new());
	let stats = || module.call::<_, StatsView>("poet_stats", EmptyServerParams::new());
	let certificate = || module.call::<_, CertificateView>("poet_waitCertificate", (hash,));

	*bench.world.trouble.lock() = Some(Trouble::State);
	assert_eq!([code(lottery().await), code(stats().await)], [33_004; 2]);
	// Of a certificate nothing is lost but the rules that need the parent's state.
	let view = certificate().await.expect("it answers");
	assert_eq!(view.valid, None, "{:?}", view.rules);
	assert!(view.rules.iter().any(|rule| rule.reason.as_ref().is_some_and(|why| why.contains("pruned"))));

	*bench.world.trouble.lock() = Some(Trouble::Database);
	assert_eq!([code(certificate().await), code(stats().await)], [33_005; 2]);
}

#[tokio::test]
async fn stats_add_up() {
	let mut bench = Bench::new().start();
	bench.until_height(5);
	bench.stop();
	let height = u64::from(*bench.world.best().number());
	let member = |author: AuthorityId, weight, wins| MemberInfo {
		author,
		weight,
		rate: 1_000_000,
		claims: Claims { wins, sum: u128::from(wins) << 40 },
	};
	let other: AuthorityId = sp_keyring::Sr25519Keyring::Bob.public().into();
	*bench.world.members.lock() = vec![member(bench.author.clone(), 3_000, 30), member(other, 1_000, 10)];
	let counts = Stats::new();
	[1, 2, 2, 3].into_iter().for_each(|height| counts.observe(height));
	let view: StatsView = module(&bench, counts).call("poet_stats", EmptyServerParams::new()).await.expect("answers");
	assert_eq!(view.height, height);
	assert_eq!(view.stale, StaleView { heights: 3, blocks: 4, stale: 1, rate: Some(250_000) });
	assert_eq!((view.total_weight, view.total_wins, view.next), (4_000, 40, None));
	assert_eq!(view.recent.blocks, height);
	let [me, bob] = &view.authors[..] else { panic!("{:?}", view.authors) };
	assert_eq!((me.weight_share, me.win_share), (Some(750_000), Some(750_000)));
	assert_eq!((me.frequency_ratio, me.recent_wins), (Some(1_000_000), height));
	assert_eq!((bob.recent_wins, bob.recent_mean_wait), (0, None));
	assert!(me.recent_mean_wait.is_some_and(|wait| wait >= 20));
}
