//! The trusted carrier as a whole: five members, and machines that nobody knows.

use std::path::Path;

use elapse_network::{sudo::sudo, Network};
use elapse_runtime::{genesis_config_presets as presets, RuntimeCall};
use ep_tpm::policy::{AllowedPcrs, PcrRule, PlatformPolicy};
use ep_trust::{Judgement, Reason};
use pallet_admission::{Event, GovernedPolicy, Lapse, Outcome, Parameters};

use super::{
	duties::{examine, it_forges_and_is_out, short, stands},
	joins::{admitted, author, it_authors, its_evidence_is_on_chain, network_of, Watch},
	nobody_equivocated, run, seconds, Error, Result,
};

/// A policy that leaves PCR 0 open, and so asks for the log of how it came to hold what it does.
const OPEN: u32 = 1;
/// One that governance takes away again.
const GOING: u32 = 2;

const FOUNDERS: [usize; 5] = [0, 1, 2, 3, 4];
const LOGGED: usize = 5;
const REVOKED: usize = 6;
const FORGER: usize = 7;

#[test]
fn five_members_and_three_newcomers_become_one_network_and_not_all_stay() {
	run("the carrier", async {
		let mut network = Network::provision(network_of(5, &["logged", "revoked", "forger"])).await?;
		let log = network.base().join("boot.log");
		write(&log, &event_log(&[4]))?;
		network.node(LOGGED).add_args(["--policy", "1", "--event-log"]);
		network.node(LOGGED).add_args([&log]);
		network.node(REVOKED).add_args(["--policy", "2"]);
		network.run().await?;
		network.finalized(&FOUNDERS, 2, seconds(60)).await?;
		govern(&network).await?;

		for i in [LOGGED, REVOKED, FORGER] {
			network.restart(i).await?;
		}
		let mut watch = Watch::new(&network);
		for round in [0, 1, 2] {
			watch.until("all three are let in", admitted(round)).await?;
		}
		for i in [LOGGED, REVOKED, FORGER] {
			let author = author(&network, i)?;
			its_evidence_is_on_chain(&network, &author).await?;
			it_authors(&network, &author).await?;
			stands(&network, i, "attests as a member", |node| node["done"].as_u64() >= Some(1)).await?;
		}
		let everybody: Vec<usize> = (0..8).collect();
		network.one_chain(&everybody).await?;

		// A policy goes: who rests on it is looked at again, and leaves after the overlap.
		let revoked = author(&network, REVOKED)?;
		let gone = pallet_admission::Call::set_policy { number: GOING, policy: None };
		sudo(&network.rpc(0), RuntimeCall::Admission(gone)).await?;
		watch
			.until("a member is found to rest on a policy that is gone", move |event| {
				matches!(event, Event::Reviewed { author, lapse: Some(Lapse::Policy), stays: Some(_) }
					if *author == revoked)
			})
			.await?;
		stands(&network, REVOKED, "leaves", |node| node["leaves"].is_number()).await?;
		network.node(REVOKED).kill()?;

		it_forges_and_is_out(&mut network, FORGER).await?;

		for i in [0, LOGGED] {
			stands(&network, i, "is as good as ever", |node| node["suspended"] == false && node["leaves"].is_null())
				.await?;
		}
		network.check()?;
		nobody_equivocated(&network)?;
		network.one_chain(&[0, 1, 2, 3, 4, LOGGED]).await?;
		network.finish()
	});
}

#[test]
fn a_boot_event_log_that_does_not_add_up_is_no_good() {
	run("a wrong log", async {
		let mut network = Network::provision(network_of(3, &["liar"])).await?;
		let log = network.base().join("boot.log");
		// Of a machine whose PCR 0 was extended, as this one's was not.
		write(&log, &event_log(&[0]))?;
		network.node(3).add_args(["--policy", "1", "--event-log"]);
		network.node(3).add_args([&log]);
		network.run().await?;
		network.finalized(&[0, 1, 2], 2, seconds(60)).await?;
		govern(&network).await?;
		network.restart(3).await?;
		let mut watch = Watch::new(&network);
		watch.expects(Outcome::Judged(Judgement::Refuse(Reason::EventLog)));
		let refused = Outcome::Judged(Judgement::Refuse(Reason::EventLog));
		watch
			.until(
				"the newcomer is refused",
				move |event| matches!(event, Event::Closed { round: 0, outcome, .. } if *outcome == refused),
			)
			.await?;
		network.check()?;
		nobody_equivocated(&network)?;
		network.finish()
	});
}

/// Short duties, a short overlap, and a policy that asks for the log.
async fn govern(network: &Network) -> Result<()> {
	let rpc = network.rpc(0);
	let caps = pallet_admission::Caps { software: 500_000, ..presets::CAPS };
	let parameters = Parameters { overlap: 10, ..presets::admission(2_000, caps) };
	examine(network, short()).await?;
	for call in [
		pallet_admission::Call::set_parameters { parameters },
		pallet_admission::Call::set_policy { number: OPEN, policy: Some(GovernedPolicy::always(open())) },
		pallet_admission::Call::set_policy {
			number: GOING,
			policy: Some(GovernedPolicy::always(presets::nothing_measured())),
		},
	] {
		sudo(&rpc, RuntimeCall::Admission(call)).await?;
	}
	Ok(())
}

fn open() -> PlatformPolicy {
	let mut policy = presets::nothing_measured();
	if let AllowedPcrs::Each(rules) = &mut policy.allowed {
		if let Some(first) = rules.iter_mut().next() {
			*first = PcrRule::Any;
		}
	}
	policy
}

/// A crypto-agile log of the SHA-256 bank (TCG PC Client Platform Firmware Profile, section 10.4.5) with one event for
/// each of these PCRs.
fn event_log(pcrs: &[u32]) -> Vec<u8> {
	let mut header = b"Spec ID Event03\0".to_vec();
	header.extend([0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0b, 0, 32, 0, 0]);
	let mut log = [0u32.to_le_bytes(), 3u32.to_le_bytes()].concat();
	log.extend([0; 20]);
	log.extend((header.len() as u32).to_le_bytes());
	log.extend(header);
	for pcr in pcrs {
		log.extend([pcr.to_le_bytes(), 4u32.to_le_bytes(), 1u32.to_le_bytes()].concat());
		log.extend([0x0b, 0]);
		log.extend(sp_crypto_hashing::sha2_256(&[0; 4]));
		log.extend([4, 0, 0, 0, 0, 0, 0, 0]);
	}
	log
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
	std::fs::write(path, bytes).map_err(Error::io("write", path))
}
