//! The draw and A1: how a wait begins.

use std::time::Instant;

use ep_poet::{
	digest::start_nonce,
	interval::Order,
	lottery,
	rate::{chip_wait, BOUND},
	Attestation, AuthorityId, Contestant, Hash, Interval, Lottery, Millis, PoetApi, KEY_TYPE,
};
use ep_tpm::{AttestationKey, TimeAttestation};
use log::info;
use sc_consensus::BlockImport;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus::{Environment, SelectChain};
use sp_core::sr25519::vrf::VrfSignature;
use sp_inherents::CreateInherentDataProviders;
use sp_runtime::traits::{Block as BlockT, Header as HeaderT};

use super::{after, height_of, watch::Stop, Watch, Worker, LOG};
use crate::{
	schedule::{Plan, Reading},
	status::{seconds, unix_millis, State},
};

/// Members that the runtime gives at once.
const PAGE: usize = 256;
/// Pages looked through for our own keys: more than there can be members.
const PAGES: u32 = 400;

/// None of these keys takes part in this epoch, for that reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Absent {
	epoch: u64,
	keys: Vec<AuthorityId>,
	state: State,
}

/// What the lottery gave.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
	pub(super) lottery: Lottery,
	pub(super) author: AuthorityId,
	pub(super) contestant: Contestant,
	pub(super) vrf: VrfSignature,
	/// `d`.
	pub(super) wait: Millis,
	/// `rho * d`.
	pub(super) needed: Millis,
}

/// A wait under way.
#[derive(Clone, Debug)]
pub(super) struct Wait<B: BlockT> {
	pub(super) parent: B::Header,
	/// Height of the block waited for.
	pub(super) height: u64,
	pub(super) drawn: Drawn,
	pub(super) start: Attestation,
	pub(super) begun: TimeAttestation,
	pub(super) plan: Plan,
}

/// The power cycle that an attestation is from.
pub(super) fn cycle(attestation: &TimeAttestation) -> (u32, u32) {
	(attestation.clock_info.reset_count, attestation.clock_info.restart_count)
}

impl<B, C, I, PF, CIDP> Worker<B, C, I, PF, CIDP>
where
	B: BlockT<Hash = Hash>,
	C: ProvideRuntimeApi<B> + HeaderBackend<B> + Send + Sync + 'static,
	C::Api: PoetApi<B>,
	I: BlockImport<B> + Send + Sync + 'static,
	PF: Environment<B> + Send + 'static,
	CIDP: CreateInherentDataProviders<B, Millis> + 'static,
{
	/// Draws, and has the chip attest that the wait on `parent` begins.
	pub(super) async fn begin<SC: SelectChain<B>>(
		&mut self,
		watch: &mut Watch<B, SC>,
		parent: B::Header,
	) -> Result<Result<(), State>, Stop> {
		let hash = parent.hash();
		let drawn = match self.draw(hash) {
			Ok(drawn) => drawn,
			Err(state) => return Ok(Err(state)),
		};
		let lottery = &drawn.lottery;
		// After a failure that state stays until the chip has answered: it is said once, not at every attempt.
		if self.status.read().state.takes_part() {
			self.status.set(State::Beginning { height: lottery.height });
		}
		let nonce = start_nonce(lottery.genesis, hash, lottery.height, &drawn.author, lottery.mean, &drawn.vrf);
		let asked = Instant::now();
		let start = match watch.unless_moved(hash, self.timer.get_time(nonce.to_vec())).await? {
			Ok(start) => start,
			Err(reason) => return Ok(Err(State::ChipGone { reason })),
		};
		let answered = Instant::now();
		let begun = match check_start(&start, &nonce, &drawn.contestant) {
			Ok(begun) => begun,
			Err(reason) => return Ok(Err(State::WrongChip { reason })),
		};
		self.chip_failures = 0;
		let at = self.clock.looked_at(asked, answered);
		self.clock.observe(Reading { at, cycle: cycle(&begun), time: begun.time });

		let slack = lottery.parameters.max_slack;
		let until = self.clock.node_time(drawn.needed);
		// A2 is to be asked for while there is still time for its answer.
		let stale = self.clock.node_time(drawn.needed.saturating_add(slack)).saturating_sub(self.clock.latency() * 2);
		let plan = Plan { parent: hash, over: after(at, until), stale: after(at, stale) };
		// As long as the proposer may take: begun any later, a full block would be late.
		self.longest_lead = self.longest_proposal(lottery.parameters.target);
		let now = unix_millis();
		let left = plan.over.saturating_duration_since(Instant::now());
		let on = height_of(&parent);
		info!(target: LOG, "waiting {} on #{on} ({hash:?})", seconds(drawn.needed));
		self.status.update(|status| {
			status.author = Some(drawn.author.clone());
			status.chip_latency = Some(answered - asked);
		});
		self.chip_status();
		self.status.set(State::Waiting {
			on,
			parent: hash,
			wait: drawn.wait,
			needed: drawn.needed,
			since: now,
			until: now.saturating_add(u64::try_from(left.as_millis()).unwrap_or(Millis::MAX)),
		});
		self.wait = Some(Wait { height: lottery.height, parent, drawn, start, begun, plan });
		Ok(Ok(()))
	}

	/// The lottery at `parent`, for the first key that takes part.
	fn draw(&mut self, parent: Hash) -> Result<Drawn, State> {
		let keys: Vec<AuthorityId> =
			self.keystore.sr25519_public_keys(KEY_TYPE).into_iter().map(AuthorityId::from).collect();
		if keys.is_empty() {
			return Err(State::NoKey);
		}
		let api = self.client.runtime_api();
		let unreadable = |error: sp_api::ApiError| State::ChainUnreadable { reason: error.to_string() };
		// In the state of genesis its own hash is not known yet.
		let lottery = Lottery { genesis: self.genesis, ..api.lottery(parent).map_err(unreadable)? };
		let mut found = None;
		for key in &keys {
			if let Some(contestant) = api.contestant(parent, key.clone()).map_err(unreadable)? {
				found = Some((key.clone(), contestant));
				break;
			}
		}
		drop(api);
		let Some((author, contestant)) = found else {
			return Err(self.why_absent(parent, lottery.epoch, keys));
		};
		if contestant.rate > BOUND {
			return Err(State::RateTooHigh { rate: contestant.rate });
		}
		let unusable = |reason: String| State::KeyUnusable { reason };
		let vrf = self
			.keystore
			.sr25519_vrf_sign(KEY_TYPE, author.as_ref(), &lottery::sign_data(&lottery))
			.map_err(|error| unusable(error.to_string()))?
			.ok_or_else(|| unusable(format!("{author} is not in it any more")))?;
		let x = lottery::uniform(&lottery, &author, &vrf.pre_output)
			.ok_or_else(|| unusable(String::from("its VRF output is no point")))?;
		let wait = lottery::wait(x, lottery.mean, contestant.weight, lottery.parameters.minimum_wait);
		let needed = chip_wait(wait, contestant.rate);
		Ok(Drawn { lottery, author, contestant, vrf, wait, needed })
	}

	/// Whether one of `keys` is a member's all the same. Looked up once an epoch: it takes a walk through all members.
	fn why_absent(&mut self, parent: Hash, epoch: u64, keys: Vec<AuthorityId>) -> State {
		if let Some(absent) = self.absent.as_ref().filter(|absent| absent.epoch == epoch && absent.keys == keys) {
			return absent.state.clone();
		}
		let api = self.client.runtime_api();
		let mut state = State::NotAMember { keys: keys.clone() };
		for page in 0..PAGES {
			let members = match api.members(parent, page * PAGE as u32) {
				Ok(members) => members,
				Err(error) => return State::ChainUnreadable { reason: error.to_string() },
			};
			if let Some(member) = members.iter().find(|member| keys.contains(&member.author)) {
				state = State::NotInThisEpoch { author: member.author.clone(), epoch };
				break;
			}
			if members.len() < PAGE {
				break;
			}
		}
		drop(api);
		self.absent = Some(Absent { epoch, keys, state: state.clone() });
		state
	}

	/// Whether the only member is one of our own keys.
	pub(super) fn is_alone(&self, best: Hash) -> bool {
		let Ok(members) = self.client.runtime_api().members(best, 0) else { return false };
		let [member] = &members[..] else { return false };
		self.keystore.sr25519_public_keys(KEY_TYPE).contains(member.author.as_ref())
	}
}

/// Whether A1 is what the chain will take: better to know before the wait than after it.
fn check_start(start: &Attestation, nonce: &[u8], contestant: &Contestant) -> Result<TimeAttestation, String> {
	let key = AttestationKey::parse(&contestant.ak_public)
		.map_err(|error| format!("the chain's record of its attestation key is bad: {error}"))?;
	let begun = ep_tpm::verify_time(&key, &start.attest, &start.signature, nonce)
		.map_err(|error| format!("its attestation does not verify under the key that the chain knows: {error}"))?;
	begun.signed_under_ek(&key, &contestant.ek_name).map_err(|error| {
		format!("its attestation key is not under the endorsement key that the chain knows: {error}")
	})?;
	let Some(last) = &contestant.last else { return Ok(begun) };
	let (reset_count, restart_count) = cycle(&begun);
	let now = Interval { reset_count, restart_count, start: begun.time, end: begun.time };
	match now.order_after(last) {
		Order::After => Ok(begun),
		Order::NotAfter => Err(format!(
			"its time is {} ms, before the end of the last wait published with it ({} ms); is its state a copy?",
			now.start, last.end
		)),
		Order::CountersBack => Err(format!(
			"its reset and restart counts are {:?}, after {:?} in the last wait published; it was cleared, or restored \
			 from a copy, and has to be admitted anew",
			now.cycle(),
			last.cycle()
		)),
	}
}
