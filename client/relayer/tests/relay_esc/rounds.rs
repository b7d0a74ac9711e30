//! Round by round, block by block, in this process.

use std::time::Duration;

use ec_relayer::{
	cli::Options,
	esc::Http,
	keystore, legacy,
	node::{Remote, Within},
	policy::{Policy, ELA, GWEI},
	store::Store,
	witness::{decide, look, Refusal},
	Metrics, Relayer, Status, StatusHandle,
};
use jsonrpsee::server::ServerHandle;
use serde_json::json;
use sp_core::H160;
use tempfile::TempDir;

use crate::{chain::Elapse, chains, Evm};

type Program = Relayer<Http, Remote, Box<dyn Store>>;

/// A relayer with a folder of its own.
struct Runs {
	folder: TempDir,
	account: H160,
	relayer: Option<Program>,
	status: StatusHandle,
	policy: Policy,
}

struct Scene {
	evm: Evm,
	elapse: Elapse,
	url: String,
	_server: ServerHandle,
	relayers: Vec<Runs>,
	now: u64,
}

impl Scene {
	async fn new(signers: u32, policies: Vec<Policy>) -> Option<Self> {
		let (evm, elapse) = chains(signers, None)?;
		let (server, url) = elapse.serve().await;
		let mut scene = Self { evm, elapse, url, _server: server, relayers: vec![], now: 1_700_000_000 };
		for policy in policies {
			let folder = tempfile::tempdir().unwrap();
			std::fs::write(folder.path().join("passphrase"), "correct horse").unwrap();
			let account = keystore::create(&folder.path().join("key.json"), "correct horse").unwrap();
			scene.evm.fund(account, 10 * ELA);
			scene.relayers.push(Runs { folder, account, relayer: None, status: StatusHandle::default(), policy });
			scene.start(scene.relayers.len() - 1);
		}
		Some(scene)
	}

	/// Starts a relayer, or kills it and starts it again.
	fn start(&mut self, index: usize) {
		let runs = &mut self.relayers[index];
		runs.relayer = None;
		let options = Options {
			esc: self.evm.url.clone(),
			contract: self.evm.chain.contract,
			chain_id: 20,
			keystore: runs.folder.path().join("key.json"),
			passphrase_file: Some(runs.folder.path().join("passphrase")),
			data: runs.folder.path().join("data"),
			policy: runs.policy.clone(),
			dry_run: false,
			every: Duration::from_secs(5),
		};
		let relayer = options.open(Remote::new(&self.url), runs.status.clone(), Metrics::default());
		runs.relayer = Some(relayer.unwrap());
	}

	async fn rounds(&mut self) {
		for runs in &mut self.relayers {
			runs.relayer.as_mut().unwrap().round(self.now).await;
		}
		self.now += 5;
	}

	async fn pass(&mut self, blocks: u64) {
		for _ in 0..blocks {
			self.rounds().await;
			self.evm.mine(1);
		}
	}

	/// Until all that is certified has landed and is ten deep.
	async fn settle(&mut self) {
		for _ in 0..150 {
			self.pass(1).await;
			let waiting = self.relayers.iter().any(|runs| !runs.relayer.as_ref().unwrap().record().slots.is_empty());
			if !waiting && self.evm.landed().last().map(|landed| landed.0) == Some(self.elapse.height()) {
				return;
			}
		}
		panic!("it has not landed:\n{}", self.status(0));
	}

	fn status(&self, index: usize) -> Status {
		self.relayers[index].status.read()
	}

	/// Every handover, no height twice, and every wei accounted for.
	fn check(&self) {
		let numbers: Vec<u64> = self.evm.landed().iter().map(|landed| landed.0).collect();
		assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
		let handovers = self.elapse.handovers();
		assert!(handovers.iter().all(|number| numbers.contains(number)), "{handovers:?} of {numbers:?}");
		for (index, runs) in self.relayers.iter().enumerate() {
			let paid = 10 * ELA - self.evm.balance(runs.account);
			assert_eq!(self.status(index).totals.paid, paid, "{}", self.status(index));
		}
	}
}

fn alone() -> Vec<Policy> {
	vec![Policy { stagger: 0, ..Policy::default() }]
}

#[tokio::test]
async fn checkpoints_land_and_the_signers_change_hands_while_the_chain_is_reorganised() {
	let Some(mut scene) = Scene::new(4, alone()).await else { return };
	let chain = scene.evm.chain;
	for round in 0..3 {
		scene.elapse.certify(&chain);
		scene.pass(2).await;
		scene.elapse.hand_over(&chain, 4 + round);
		scene.elapse.certify(&chain);
		scene.pass(3).await;
		scene.start(0);
		// Once its transactions are lost with their blocks, once they are not.
		scene.evm.ask("esc_reorganise", json!([if round == 0 { 3 } else { 9 }, round == 1]));
		scene.pass(2).await;
	}
	scene.settle().await;
	scene.check();
	let totals = scene.status(0).totals;
	assert_eq!((totals.refused, totals.handovers), (0, 3), "{}", scene.status(0));
	assert_eq!(ec_relayer::abi::answer(&scene.evm.get("signersId"), 0), Some(3));
	assert!(scene.status(0).conditions.is_empty(), "{}", scene.status(0));
}

#[tokio::test]
async fn what_is_lost_stuck_or_refused_by_the_pool_is_sent_again() {
	let Some(mut scene) = Scene::new(4, alone()).await else { return };
	let (chain, account) = (scene.evm.chain, scene.relayers[0].account);
	scene.evm.ask("esc_drop", json!([2]));
	scene.elapse.certify(&chain);
	scene.settle().await;

	// Ten times the price, with one on its way that the pool does not take any more.
	scene.evm.ask("esc_down", json!([true]));
	scene.elapse.hand_over(&chain, 5);
	scene.pass(3).await;
	assert_eq!(scene.status(0).conditions[0].code, "esc-down");
	scene.evm.ask("esc_down", json!([false]));
	scene.evm.ask("esc_hold", json!([true]));
	scene.pass(2).await;
	scene.evm.ask("esc_minimumPrice", json!([(10 * GWEI).to_string()]));
	scene.evm.ask("esc_hold", json!([false]));
	scene.settle().await;
	assert_eq!(scene.evm.nonce(account), 2, "one place each");

	for silent in [false, true] {
		scene.evm.ask("esc_freeze", json!([format!("{account:?}"), true, silent]));
		scene.elapse.certify(&chain);
		scene.pass(if silent { 70 } else { 5 }).await;
		assert_eq!(scene.status(0).conditions[0].code, "frozen", "{}", scene.status(0));
		scene.evm.ask("esc_freeze", json!([format!("{account:?}"), false]));
		scene.settle().await;
	}
	scene.check();
	assert_eq!(scene.status(0).totals.refused, 0);
	assert_eq!(scene.evm.nonce(account), 4);
}

#[tokio::test]
async fn two_relayers_at_once_pay_once() {
	let policy = Policy { stagger: 1, ..Policy::default() };
	let policies = vec![policy.clone(), policy];
	let Some(mut scene) = Scene::new(4, policies).await else { return };
	let chain = scene.evm.chain;
	for round in 0..6 {
		if round % 2 == 0 {
			scene.elapse.certify(&chain);
		} else {
			scene.elapse.hand_over(&chain, 4);
		}
		scene.pass(3).await;
		scene.start(round % 2);
	}
	scene.settle().await;
	scene.check();
	let totals = [0, 1].map(|index| scene.status(index).totals);
	assert_eq!((totals[0].landed + totals[1].landed, totals[0].refused + totals[1].refused), (6, 0), "{totals:?}");
}

#[tokio::test]
async fn a_large_set_is_published_once_and_its_handover_lands() {
	let policy = Policy { checkpoints_per_set: 40, ..alone().remove(0) };
	let Some(mut scene) = Scene::new(100, vec![policy]).await else { return };
	let chain = scene.evm.chain;
	for _ in 0..3 {
		scene.elapse.certify(&chain);
		scene.pass(3).await;
	}
	scene.elapse.hand_over(&chain, 3);
	scene.elapse.certify(&chain);
	scene.settle().await;
	scene.check();
	let totals = scene.status(0).totals;
	assert_eq!((totals.published, totals.landed, totals.refused), (1, 5, 0), "{}", scene.status(0));
}

#[tokio::test]
async fn a_set_too_large_for_a_transaction_is_published_whatever_it_costs() {
	let Some(mut scene) = Scene::new(600, alone()).await else { return };
	scene.elapse.hand_over(&scene.evm.chain, 4);
	scene.settle().await;
	scene.check();
	let totals = scene.status(0).totals;
	assert_eq!((totals.published, totals.handovers, totals.refused), (1, 1, 0), "{}", scene.status(0));
}

/// As a node with `--esc` sees the contract's own events, through two URLs.
#[tokio::test]
async fn a_signer_sees_what_landed_where_and_by_whom_and_not_before_it_is_deep() {
	let Some(mut scene) = Scene::new(4, alone()).await else { return };
	let chain = scene.evm.chain;
	let numbers = [scene.elapse.certify(&chain), scene.elapse.hand_over(&chain, 5), scene.elapse.certify(&chain)];
	let esc = [(), ()].map(|()| Http::new(&scene.evm.url).unwrap());
	let (mut seen, mut blocks) = (Vec::new(), 0);
	while seen.len() < 2 {
		scene.pass(1).await;
		blocks += 1;
		assert!(blocks < 60, "{}", scene.status(0));
		let wanted = scene.elapse.certified();
		let sights = [look(&esc[0], &wanted).await.unwrap(), look(&esc[1], &wanted).await.unwrap()];
		seen.clear();
		for certified in &wanted {
			match decide(certified, &sights) {
				Ok(landing) => seen.push(landing),
				Err(refusal) => assert_eq!(refusal, Refusal::Nothing, "#{}", certified.checkpoint.number),
			}
		}
	}
	let account = scene.relayers[0].account;
	// The first was superseded, and never lands.
	assert_eq!(seen.iter().map(|landing| landing.number).collect::<Vec<_>>(), numbers[1..]);
	for landing in seen {
		assert_eq!(landing.relayer, account);
		let receipt = scene.evm.ask("eth_getTransactionReceipt", json!([format!("{:?}", landing.transaction)]));
		let logs = receipt["logs"].as_array().unwrap();
		let index = |log: &serde_json::Value| crate::evm::number(&log["logIndex"]);
		assert!(logs.iter().any(|log| index(log) == u64::from(landing.log)), "{landing:?}: {receipt}");
		let depth = crate::evm::number(&scene.evm.ask("eth_blockNumber", json!([])))
			- crate::evm::number(&receipt["blockNumber"]);
		assert!(depth >= ep_bridge::landing::DEPTH, "{depth}");
	}
}

/// The same without RPC, as the node does it with `--relay`.
#[tokio::test]
async fn a_node_relays_from_within() {
	let Some((evm, elapse)) = chains(4, None) else { return };
	let folder = tempfile::tempdir().unwrap();
	std::fs::write(folder.path().join("passphrase"), "correct horse\n").unwrap();
	let keystore = folder.path().join("key.json");
	let account = keystore::create(&keystore, "correct horse").unwrap();
	evm.fund(account, ELA);
	elapse.certify(&evm.chain);
	let options = Options {
		esc: evm.url.clone(),
		contract: evm.chain.contract,
		chain_id: 20,
		keystore,
		passphrase_file: Some(folder.path().join("passphrase")),
		data: folder.path().join("data"),
		policy: alone().remove(0),
		dry_run: false,
		every: Duration::from_secs(5),
	};
	let status = StatusHandle::default();
	let mut relayer = options.open(Within(elapse.clone()), status.clone(), Metrics::default()).unwrap();
	relayer.round(1_700_000_000).await;
	evm.mine(1);
	relayer.round(1_700_000_005).await;
	assert_eq!(evm.landed(), [(20, account)]);
	assert_eq!(status.read().waiting[0].depth, Some(1), "{}", status.read());
	assert!(legacy::address(&keystore::read(&folder.path().join("key.json"), "correct horse").unwrap()) == account);
}
