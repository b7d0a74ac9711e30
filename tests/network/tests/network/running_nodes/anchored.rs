//! From a chip that nobody knows to a stranger who trusts the Elastos Smart Chain (ESC) alone, in one piece.

use std::{
	path::{Path, PathBuf},
	process::Command,
};

use ec_anchor::rpc::{CheckpointView, ScoreProofView, SignersView};
use elapse_network::{
	process, say,
	sudo::{sudo, transaction},
	Network,
};
use elapse_runtime::{configs::money::ELT, Balance, RuntimeCall, RuntimeEvent};
use ep_bridge::tree::DEPTH;
use ep_trust::{
	anchor,
	eip712::{address, number, Word},
};
use jsonrpsee::rpc_params;
use pallet_bridge::{Call, Event, Parameters};
use serde_json::json;
use sp_core::{
	crypto::{AccountId32, Ss58Codec},
	ecdsa, Pair, H160,
};
use sp_crypto_hashing::keccak_256;
use sp_keyring::Sr25519Keyring;

use super::{
	anchor::ask,
	duties::{examine, short, stands},
	esc::{Esc, Landing},
	evm::{self, Evm},
	expect,
	joins::{admitted, network_of, Watch},
	key_of, nobody_equivocated, run, seconds, skipped, until, wrong, Error, Result, Seen,
};

const FOUNDERS: [usize; 4] = [0, 1, 2, 3];
const ALL: [usize; 5] = [0, 1, 2, 3, NEWCOMER];
const AWAY: usize = 3;
const NEWCOMER: usize = 4;
/// Blocks from one checkpoint to the next: so many that one lands before the next is certified.
const INTERVAL: u32 = 5;
/// What a relayer gets for a checkpoint, and where from (`docs/relayer.md`).
const REWARD: Balance = ELT;
const POT: &str = "5EYCAe5gXJECBNJRoWvAQwjFaoZmN7829efCfiGvVr4Wuyhn";
/// An account of the EVM that has nothing to do with Elapse.
const STRANGER: H160 = H160(*b"\x3c\x44\xcd\xdd\xb6\xa9\x00\xfa\x2b\x58\x5d\xd2\x99\xe0\x3d\x12\xfa\x42\x93\xbc");

#[test]
fn a_newcomers_score_opens_a_door_on_the_smart_chain_whatever_befalls_checkpoints_on_their_way() {
	run("the whole path", async {
		let evm = match verifier().and_then(|_| Evm::start(Some(1))) {
			Ok(evm) => evm,
			Err(why) => {
				skipped(&why);
				return Ok(());
			}
		};
		let mut options = network_of(4, &["newcomer"]);
		for node in &mut options.nodes {
			node.args.extend(["--esc".into(), evm.url.clone().into()]);
		}
		let mut network = Network::start(options).await?;
		network.finalized(&FOUNDERS, 2, seconds(60)).await?;
		govern(&network).await?;
		// What is said of the newcomer is to be good on ESC, too.
		let mut esc = Esc::deploy(evm, &network).await?;
		network.restart(NEWCOMER).await?;
		let mut watch = Watch::new(&network);
		esc.relay(&network)?;
		several_land_one_after_the_other(&mut esc).await?;
		the_relayer_is_killed_and_catches_up(&network, &mut esc).await?;

		watch.until("the newcomer is let in", admitted(0)).await?;
		stands(&network, NEWCOMER, "is examined as a member", |node| node["done"].as_u64() >= Some(1)).await?;

		// Three times a handover lands and is taken back at once: under the relayer's eyes, when it is dead, and both.
		let first = another_set_signs(&mut esc).await?;
		esc.reorganise(7, false)?;
		set_signs(&mut esc, first).await?;
		network.node(AWAY).kill()?;
		let second = another_set_signs(&mut esc).await?;
		esc.kill_relayer()?;
		esc.reorganise(9, false)?;
		esc.relay(&network)?;
		set_signs(&mut esc, second).await?;
		network.restart(AWAY).await?;
		let third = another_set_signs(&mut esc).await?;
		esc.reorganise(5, true)?;
		esc.kill_relayer()?;
		esc.relay(&network)?;
		set_signs(&mut esc, third).await?;
		let last = esc.landed()?.last().map_or(0, |one| one.number);
		above(&mut esc, last).await?;

		a_door_opens_to_whom_the_newcomer_vouches_for(&network, &mut esc).await?;
		strangers_programs_tell_truth_from_lies(&network, &mut esc).await?;
		what_landed_is_the_chain(&mut network, &mut esc).await?;
		the_relayer_is_paid_for_what_landed(&network, &mut esc).await?;
		esc.nothing_was_paid_in_vain()?;
		the_verdict_is_on_esc(&network, &esc)?;
		a_node_relays_as_well(&mut network, &mut esc).await?;
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&ALL).await?;
		esc.finish()?;
		network.finish()
	});
}

/// Short duties, frequent checkpoints, and a pot for who brings them.
async fn govern(network: &Network) -> Result<()> {
	let rpc = network.rpc(0);
	examine(network, short()).await?;
	sudo(&rpc, RuntimeCall::Bridge(Call::set_parameters { parameters: Parameters { interval: INTERVAL } })).await?;
	sudo(&rpc, RuntimeCall::Bridge(Call::set_reward { reward: REWARD })).await?;
	let pot = AccountId32::from_ss58check(POT).or_else(|error| wrong(format!("{POT} is no account: {error}")))?;
	let fund = pallet_balances::Call::transfer_allow_death { dest: pot.into(), value: 1_000 * REWARD };
	rpc.submit(&transaction(&rpc, Sr25519Keyring::Bob, RuntimeCall::Balances(fund)).await?).await.map(|_| ())
}

/// Ordinary checkpoints, none left out.
async fn several_land_one_after_the_other(esc: &mut Esc) -> Result<()> {
	lands(esc, "four checkpoints land in a row", |landed| {
		let ordinary: Vec<u32> = landed.iter().map(|one| one.number).filter(|number| number % INTERVAL == 0).collect();
		ordinary.windows(4).any(|four| four.windows(2).all(|pair| pair[0] + INTERVAL == pair[1]))
	})
	.await
}

/// Killed when a checkpoint has landed, and is not deep enough to count yet.
async fn the_relayer_is_killed_and_catches_up(network: &Network, esc: &mut Esc) -> Result<()> {
	let last = esc.landed()?.last().map_or(0, |one| one.number);
	above(esc, last).await?;
	esc.kill_relayer()?;
	let last = esc.landed()?.last().map_or(0, |one| one.number);
	until("two checkpoints are certified meanwhile", seconds(120), || async {
		let view: CheckpointView = ask(&network.rpc(1), "bridge_checkpoint", rpc_params![]).await?;
		Ok(match view.checkpoint.number >= u64::from(last + 2 * INTERVAL) {
			true => Seen::Yes(()),
			false => Seen::NotYet(format!("#{}", view.checkpoint.number)),
		})
	})
	.await?;
	let landed = esc.landed()?.last().map(|one| one.number);
	expect(landed == Some(last), || format!("{landed:?} has landed without a relayer"))?;
	esc.relay(network)?;
	above(esc, last + INTERVAL).await
}

/// Waits until what has landed is as it should be.
async fn lands(esc: &mut Esc, what: &str, is: impl Fn(&[Landing]) -> bool) -> Result<()> {
	let esc = tokio::sync::Mutex::new(esc);
	until(what, seconds(240), || async {
		let landed = esc.lock().await.landed()?;
		Ok(if is(&landed) { Seen::Yes(()) } else { Seen::NotYet(format!("{:?}", landed.last())) })
	})
	.await
}

/// Waits until a checkpoint of a higher block has landed.
async fn above(esc: &mut Esc, block: u32) -> Result<()> {
	lands(esc, &format!("a checkpoint above #{block} lands"), |landed| {
		landed.last().is_some_and(|one| one.number > block)
	})
	.await
}

/// Waits until the contract takes checkpoints of that set, or a later one.
async fn set_signs(esc: &mut Esc, id: u64) -> Result<()> {
	let esc = tokio::sync::Mutex::new(esc);
	until(&format!("set {id} signs for the contract"), seconds(240), || async {
		let mut esc = esc.lock().await;
		esc.landed()?;
		let set = esc.set();
		Ok(if set >= id { Seen::Yes(()) } else { Seen::NotYet(format!("set {set}")) })
	})
	.await
}

/// Waits until the contract takes checkpoints of another set than now. Gives its number.
async fn another_set_signs(esc: &mut Esc) -> Result<u64> {
	let next = esc.set() + 1;
	set_signs(esc, next).await?;
	Ok(esc.set())
}

/// Every landing is a block of the finalised chain that has a checkpoint, in order, none twice; the contract's sets are the
/// chain's, and no handover is missing.
async fn what_landed_is_the_chain(network: &mut Network, esc: &mut Esc) -> Result<()> {
	let rpc = network.rpc(1);
	// Both as of one moment.
	let (landed, sets) = loop {
		let (before, landed) = (esc.sets(), esc.landed()?);
		if before == esc.sets() {
			break (landed, before);
		}
	};
	let in_order = landed.windows(2).all(|pair| pair[0].number < pair[1].number && pair[0].signers <= pair[1].signers);
	expect(in_order && !landed.is_empty(), || format!("out of order, or twice: {landed:?}"))?;
	network.finalized(&[1], landed.last().map_or(0, |one| one.number), seconds(60)).await?;
	for one in &landed {
		let hash = rpc.block_hash(one.number).await?;
		expect(hash == Some(one.hash), || format!("{one:?}, and #{} is {hash:?}", one.number))?;
	}
	let first = (esc.first..).zip(&sets).all(|(id, set)| id == set.0);
	expect(first, || format!("sets do not follow one another from {} on: {sets:?}", esc.first))?;
	let mut handovers = Vec::new();
	for (id, hash) in &sets {
		let signers: SignersView = ask(&rpc, "bridge_signers", rpc_params![id]).await?;
		expect(signers.hash == *hash, || format!("the contract's set {id} is {hash}, and the chain's {signers:?}"))?;
		if *id > esc.first {
			let handover = landed.iter().find(|one| Some(one.number) == signers.handover);
			expect(handover.is_some_and(|one| one.signers + 1 == *id), || {
				format!("the handover to set {id} at {:?} is not among {landed:?}", signers.handover)
			})?;
			handovers.extend(signers.handover);
		}
	}
	let strange = landed.iter().find(|one| one.number % INTERVAL != 0 && !handovers.contains(&one.number));
	expect(strange.is_none(), || format!("{strange:?} is neither ordinary nor among the handovers {handovers:?}"))?;
	say(format_args!("{} checkpoints have landed, {} of them handovers", landed.len(), handovers.len()));
	Ok(())
}

/// What the finalised chain says of landings, and of rewards.
#[derive(Default)]
struct Known {
	looked: u32,
	landed: Vec<u32>,
	paid: Option<(AccountId32, Balance)>,
}

impl Known {
	async fn look(&mut self, network: &Network, relayer: H160) -> Result<()> {
		let rpc = network.rpc(1);
		let at = rpc.finalized().await?.number;
		for height in self.looked + 1..=at {
			for event in rpc.events(rpc.block_hash(height).await?.unwrap_or_default()).await? {
				match event {
					RuntimeEvent::Bridge(Event::Landed { number, relayer: by, reward }) => {
						expect(by == relayer && reward == REWARD, || format!("#{number}: {reward} for {by:?}"))?;
						self.landed.push(number);
					}
					RuntimeEvent::Bridge(Event::RewardPaid { account, amount, .. }) => {
						self.paid = Some((account, amount));
					}
					_ => {}
				}
			}
			self.looked = height;
		}
		Ok(())
	}
}

/// The signers have looked at ESC, too. What the chain knows to have landed did, and it pays for that.
async fn the_relayer_is_paid_for_what_landed(network: &Network, esc: &mut Esc) -> Result<()> {
	let (rpc, payee, relayer) = (network.rpc(0), Sr25519Keyring::Bob, esc.account);
	let landed: Vec<u32> = esc.landed()?.iter().map(|one| one.number).collect();
	let known = tokio::sync::Mutex::new(Known::default());
	until("all that has landed is known to have", seconds(120), || async {
		let mut known = known.lock().await;
		known.look(network, relayer).await?;
		let missing = landed.iter().find(|number| !known.landed.contains(number));
		Ok(missing.map_or(Seen::Yes(()), |number| Seen::NotYet(format!("not #{number}"))))
	})
	.await?;
	let proof = esc.claim(network, &payee.to_account_id().to_ss58check())?;
	let claim = RuntimeCall::Bridge(Call::claim_rewards { relayer, proof });
	rpc.submit(&transaction(&rpc, payee, claim).await?).await?;
	until("the relayer is paid", seconds(60), || async {
		let mut known = known.lock().await;
		known.look(network, relayer).await?;
		Ok(if known.paid.is_some() { Seen::Yes(()) } else { Seen::NotYet(format!("#{}", known.looked)) })
	})
	.await?;
	let (known, landed) = (known.into_inner(), esc.landed()?);
	let never = known.landed.iter().find(|number| !landed.iter().any(|one| one.number == **number));
	expect(never.is_none(), || format!("{never:?} is known to have landed, and has not: {landed:?}"))?;
	let Some((account, amount)) = known.paid else { return wrong("it is not paid") };
	let least = REWARD * Balance::try_from(known.landed.len().saturating_sub(1)).unwrap_or_default();
	expect(account == payee.to_account_id() && (least..=least + REWARD).contains(&amount), || {
		format!("{amount} is paid to {account} for {:?}", known.landed)
	})
}

/// Anybody brings the verdict that let the newcomer in, and nobody twice.
fn the_verdict_is_on_esc(network: &Network, esc: &Esc) -> Result<()> {
	let (recorded, said) = esc.record_verdict(network, 0)?;
	say(&said);
	expect(recorded && said.contains("admitted"), || format!("the verdict is not recorded: {said}"))?;
	let (recorded, said) = esc.record_verdict(network, 0)?;
	expect(!recorded && said.contains("recorded: "), || format!("a verdict is recorded twice: {said}"))
}

/// The program is gone; a node does the same by itself.
async fn a_node_relays_as_well(network: &mut Network, esc: &mut Esc) -> Result<()> {
	esc.kill_relayer()?;
	let account = esc.relay_within(network, AWAY).await?;
	lands(esc, "a checkpoint that a node has brought lands", |landed| {
		landed.last().is_some_and(|one| one.by == account)
	})
	.await?;
	let esc = &*esc;
	let network = &*network;
	until("all is well with the relayer in the node", seconds(60), || async {
		let (well, said) = esc.status_within(network, AWAY)?;
		if well {
			say(&said);
		}
		Ok(if well { Seen::Yes(()) } else { Seen::NotYet(said) })
	})
	.await
}

/// The newcomer's score with its proof, under the checkpoint that landed last.
async fn score(network: &Network, esc: &mut Esc) -> Result<ScoreProofView> {
	let number = esc.landed()?.last().map(|one| one.number);
	let author = &network.nodes()[NEWCOMER].member()?.author;
	ask(&network.rpc(1), "bridge_scoreProof", rpc_params![author, number]).await
}

/// A call, by its signature and words: none of these has arguments of varying length.
fn call(signature: &str, words: &[Word]) -> Vec<u8> {
	[&keccak_256(signature.as_bytes())[..4], words.concat().as_slice()].concat()
}

/// Asks a gate for entry, with a voucher that `key` has signed.
struct Entry<'a> {
	evm: &'a Evm,
	gate: H160,
	view: &'a ScoreProofView,
	score: u64,
	until: u64,
	key: &'a ecdsa::Pair,
}

impl Entry<'_> {
	fn call(&self) -> Result<Vec<u8>> {
		let Self { view, until, .. } = self;
		let words = [view.node.0, address(&STRANGER), number(*until)];
		let digest = self.evm.call(STRANGER, self.gate, &call("voucher(bytes32,address,uint256)", &words));
		let Some(digest) = digest.ok().and_then(|bytes| Word::try_from(bytes).ok()) else {
			return wrong("the gate does not say what a voucher is");
		};
		let [rs @ .., v] = self.key.sign_prehashed(&digest).0;
		let mut words = vec![view.node.0, number(self.score), number(view.epoch), number(view.index)];
		words.push(address(&view.signer));
		words.extend(view.siblings.iter().map(|sibling| sibling.0));
		words.extend([number(*until), number(27 + u64::from(v))]);
		let enter =
			format!("enter(bytes32,uint64,(uint64,uint64,address,bytes32[{DEPTH}]),uint256,uint8,bytes32,bytes32)");
		Ok([call(&enter, &words), rs.to_vec()].concat())
	}

	/// By the name of the rule if it is refused.
	fn try_it(&self) -> Result<Option<&'static str>> {
		let Err(data) = self.evm.call(STRANGER, self.gate, &self.call()?) else { return Ok(None) };
		let known = ["TooLittleTrust", "Stale", "Expired", "NotVouchedFor", "NotProved"];
		match known.into_iter().find(|name| data == call(&format!("{name}()"), &[])) {
			Some(name) => Ok(Some(name)),
			None => wrong(format!("the gate refuses with 0x{}", hex::encode(data))),
		}
	}
}

/// A contract that knows nothing of Elapse but its scores lets in whom the newcomer vouches for.
async fn a_door_opens_to_whom_the_newcomer_vouches_for(network: &Network, esc: &mut Esc) -> Result<()> {
	let key = key_of::<ecdsa::Pair>(network, NEWCOMER, anchor::KEY_TYPE)?;
	let another = key_of::<ecdsa::Pair>(network, 0, anchor::KEY_TYPE)?;
	let gate = esc.evm.deploy("TrustGate", &[address(&esc.scores), number(100_000), number(3_600)].concat());
	let now = evm::number(&esc.evm.ask("eth_getBlockByNumber", json!(["latest", false]))["timestamp"]);
	let esc = tokio::sync::Mutex::new(esc);
	until("a stranger for whom the newcomer vouches is let in", seconds(120), || async {
		let mut esc = esc.lock().await;
		let view = score(network, &mut esc).await?;
		expect(Some(view.signer) == anchor::address(&key.public()), || format!("{view:?} has another's address"))?;
		let evm = &esc.evm;
		let entry = Entry { evm, gate, view: &view, score: view.score, until: now + 3_600, key: &key };
		match entry.try_it()? {
			None => {}
			// A later checkpoint has landed since.
			Some("NotProved") => return Ok(Seen::NotYet(format!("not proved: {view:?}"))),
			Some(rule) => return wrong(format!("{view:?} is refused: {rule}")),
		}
		for (lie, rule) in [
			(Entry { score: view.score + 1, ..entry }, "NotProved"),
			(Entry { score: 99_999, ..entry }, "TooLittleTrust"),
			(Entry { key: &another, ..entry }, "NotVouchedFor"),
			(Entry { until: now - 1, ..entry }, "Expired"),
			(Entry { view: &ScoreProofView { signer: STRANGER, ..view.clone() }, ..entry }, "NotVouchedFor"),
		] {
			let refused = lie.try_it()?;
			expect(refused == Some(rule), || format!("the gate says {refused:?}, and not {rule}"))?;
		}
		let data = format!("0x{}", hex::encode(entry.call()?));
		let receipt = evm.send(json!({ "from": format!("{STRANGER:?}"), "to": format!("{gate:?}"), "data": data }));
		if receipt["status"] != "0x1" {
			return Ok(Seen::NotYet(format!("another checkpoint has landed meanwhile: {receipt}")));
		}
		let admitted = evm.call(STRANGER, gate, &call("admittedUntil(address)", &[address(&STRANGER)]));
		expect(admitted == Ok(number(now + 3_600).to_vec()), || format!("it is admitted until {admitted:?}"))?;
		say(format_args!("with a score of {}, and none higher", view.score));
		Ok(Seen::Yes(()))
	})
	.await
}

/// The client for browsers, as a command. `Err` with what this machine lacks for it.
fn verifier() -> std::result::Result<PathBuf, String> {
	let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
	let compiled = web.join("dist/index.js").exists() && web.join("node_modules").exists();
	let why = || format!("the client is not compiled: npm ci && npm run build in {}", web.display());
	if compiled {
		Ok(web.join("bin/elapse-verify-score.mjs"))
	} else {
		Err(why())
	}
}

/// Two programs that were written apart from each other, and know nothing but ESC, where the scores are, and a node that
/// they do not trust.
async fn strangers_programs_tell_truth_from_lies(network: &Network, esc: &mut Esc) -> Result<()> {
	let gateway = network.rpc(1).url().replace("ws://", "http://");
	let view = score(network, esc).await?;
	let node = format!("{:?}", view.node);
	let folder = tempfile::tempdir().map_err(Error::io("make", "a temporary folder"))?;
	let answer = |name: &str, view: &ScoreProofView| {
		let (path, text) = (folder.path().join(name), json!(view).to_string());
		std::fs::write(&path, text).map_err(Error::io("write", &path)).map(|()| path)
	};
	let truth = answer("truth", &view)?;
	let more = answer("more", &ScoreProofView { score: view.score + 1, ..view.clone() })?;
	let other = answer("other", &ScoreProofView { signer: STRANGER, ..view })?;
	let script = verifier().or_else(wrong)?;
	let cli = process::node_program()?.with_file_name("elapse");
	let (esc_url, scores) = (esc.evm.url.clone(), format!("{:?}", esc.scores));
	for (name, program, words) in [
		("elapse-verify-score", PathBuf::from("node"), vec![script.as_os_str(), "--json".as_ref()]),
		("elapse trust verify", cli, vec!["trust".as_ref(), "verify".as_ref()]),
	] {
		for (from, expected) in [
			(("--gateway", gateway.as_ref()), 0),
			(("--answer", truth.as_os_str()), 0),
			(("--answer", more.as_os_str()), 1),
			(("--answer", other.as_os_str()), 1),
		] {
			let mut command = Command::new(&program);
			command
				.args(&words)
				.args(["--node", &node, "--esc", &esc_url, "--scores", &scores])
				.arg(from.0)
				.arg(from.1);
			let output = command.output().map_err(Error::io("run", &program))?;
			let text = [output.stdout, output.stderr].concat();
			let text = String::from_utf8_lossy(&text);
			expect(output.status.code() == Some(expected), || {
				format!("{name} {} {:?} ends with {}, not {expected}: {text}", from.0, from.1, output.status)
			})?;
			say(format_args!("{name} {} {:?}: {expected}", from.0, from.1));
		}
	}
	Ok(())
}
