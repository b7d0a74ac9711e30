//! A member whose chip was copied, and reports about members that did nothing.

use codec::Encode;
use elapse_network::{say, Network, NetworkOptions, Rpc};
use elapse_runtime::{Header, Runtime, RuntimeCall, RuntimeEvent, UncheckedExtrinsic};
use ep_poet::{digest::unseal, Attestation, AuthorityId, EquivocationProof};
use frame_system::offchain::CreateAuthorizedTransaction;
use pallet_poet::{Record, Records};
use sp_core::{crypto::Ss58Codec, ByteArray, H256};
use sp_runtime::{traits::Header as _, DigestItem};

use super::{expect, run, says_why, seconds, until, wrong, Error, Result, Seen};

type Refusal = pallet_poet::Error<Runtime>;

/// Blocks in an epoch: short, since a suspension takes up to three.
const EPOCH: u32 = 4;
/// The member that is copied.
const CHEAT: usize = 3;
/// Those that are not.
const HONEST: [usize; 3] = [0, 1, 2];

#[test]
fn a_copied_chip_costs_its_member_the_place_and_forged_reports_cost_nobody_anything() {
	run("a copied chip", async {
		let mut options = NetworkOptions::members(&[500_000; 4]);
		options.epoch_length = Some(EPOCH);
		let mut network = Network::start(options).await?;
		network.finalized(&[0, 1, 2, 3], 3, seconds(60)).await?;

		// Two machines with one chip's state and one member's keys: both draw the same wait for every height, and when it
		// is the shortest, both seal.
		network.node(CHEAT).stop()?;
		let copy = network.copy(CHEAT, "copy")?;
		network.restart(CHEAT).await?;
		network.restart(copy).await?;
		let report = it_is_reported(&network).await?;
		it_loses_its_place(&mut network, copy, report.height).await?;
		forged_reports_are_refused(&mut network, &report).await?;

		nobody_else_is_accused(&network).await?;
		network.one_chain(&[0, 1, 2, CHEAT, copy]).await?;
		network.finish()
	});
}

/// A report that stands in a finalised block.
struct Report {
	height: u32,
	transaction: UncheckedExtrinsic,
	proof: EquivocationProof<Header>,
}

fn author(network: &Network, i: usize) -> Result<AuthorityId> {
	let text = &network.nodes()[i].member()?.author;
	AuthorityId::from_ss58check(text).or_else(|error| wrong(format!("{text} is no key: {error}")))
}

async fn record(rpc: &Rpc, author: &AuthorityId, at: H256) -> Result<Record> {
	let record = rpc.storage(&Records::<Runtime>::hashed_key_for(author), Some(at)).await?;
	Ok(record.unwrap_or_default())
}

/// The proof in a transaction, if it is a report.
fn proof_in(transaction: &UncheckedExtrinsic) -> Option<EquivocationProof<Header>> {
	match &transaction.function {
		RuntimeCall::Poet(pallet_poet::Call::report_equivocation { proof }) => Some((**proof).clone()),
		_ => None,
	}
}

/// The honest catch it, their report comes through the pool into a block, and the chain suspends the member.
async fn it_is_reported(network: &Network) -> Result<Report> {
	let rpc = network.rpc(0);
	let cheat = author(network, CHEAT)?;
	let (height, epoch) = until("a report of the copied member is final", seconds(180), || async {
		let at = rpc.finalized().await?;
		Ok(match record(&rpc, &cheat, at.hash).await?.reported {
			Some(epoch) => Seen::Yes((at.number, epoch)),
			None => Seen::NotYet(format!("#{}", at.number)),
		})
	})
	.await?;
	for height in (1..=height).rev() {
		let Some(hash) = rpc.block_hash(height).await? else { return wrong(format!("there is no #{height}")) };
		let transactions = rpc.transactions(hash).await?;
		let Some((transaction, proof)) =
			transactions.into_iter().find_map(|one| proof_in(&one).map(|proof| (one, proof)))
		else {
			continue;
		};
		expect(proof.author == cheat, || format!("#{height} has a report of {}", proof.author))?;
		let events = rpc.events(hash).await?;
		let reported = events.iter().any(|event| {
			matches!(event, RuntimeEvent::Poet(pallet_poet::Event::EquivocationReported { author, .. }) if *author == cheat)
		});
		let suspended = events.iter().find_map(|event| match event {
			RuntimeEvent::Trust(pallet_trust::Event::MemberSuspended { account, from }) => Some((account, *from)),
			_ => None,
		});
		expect(reported, || format!("#{height} says nothing of its report: {events:?}"))?;
		let account = &network.nodes()[CHEAT].member()?.account;
		let right = suspended.is_some_and(|(who, from)| who.to_ss58check() == *account && from == epoch + 2);
		expect(right, || format!("reported in epoch {epoch}, suspended: {suspended:?}, expected {account}"))?;
		say(format_args!("reported in #{height}, epoch {epoch}"));
		return Ok(Report { height, transaction, proof });
	}
	wrong("the record says that it was reported, and no block has the report")
}

/// Two epochs later it neither draws nor votes, on neither machine, and the others go on.
async fn it_loses_its_place(network: &mut Network, copy: usize, reported: u32) -> Result<()> {
	for i in [CHEAT, copy] {
		says_why(&network.rpc(i), "notInThisEpoch", seconds(90)).await?;
	}
	let rpc = network.rpc(0);
	until("the voters are three", seconds(60), || async {
		let voters: Vec<([u8; 32], u64)> = rpc.call("GrandpaApi_grandpa_authorities", &(), None).await?;
		Ok(if voters.len() == 3 { Seen::Yes(()) } else { Seen::NotYet(format!("{} voters", voters.len())) })
	})
	.await?;
	let from = rpc.best().await?.number;
	let first_without = (reported / EPOCH + 2) * EPOCH;
	expect(from + 1 >= first_without, || format!("suspended at #{from}, not from #{first_without} on"))?;
	network.finalized(&HONEST, from + 5, seconds(60)).await?;
	let cheat = &network.nodes()[CHEAT].member()?.author;
	for height in first_without..=from + 5 {
		let Some(hash) = rpc.block_hash(height).await? else { return wrong(format!("there is no #{height}")) };
		let certificate = rpc.wait_certificate(hash).await?;
		expect(certificate["author"] != cheat.as_str(), || format!("#{height} is by the suspended member"))?;
	}
	Ok(())
}

/// Whoever sends reports that prove nothing is told so, and nothing comes of it.
async fn forged_reports_are_refused(network: &mut Network, accepted: &Report) -> Result<()> {
	let rpc = network.rpc(0);
	let cheat = &accepted.proof.author;
	let (honest, [first, second]) = two_blocks_of_an_honest_member(network).await?;
	let of = |author: &AuthorityId, first: &Header, second: &Header| EquivocationProof {
		author: author.clone(),
		first: first.clone(),
		second: second.clone(),
	};
	let malleated = with_the_other_s(&first)?;
	let mut long = first.clone();
	long.digest_mut().logs.insert(0, DigestItem::Other(vec![0; pallet_poet::pallet::MAX_REPORT as usize]));
	let EquivocationProof { first: one, second: other, .. } = &accepted.proof;
	let forged = [
		("two honest blocks", of(&honest, &first, &second), Refusal::BothHonest),
		("one honest block twice", of(&honest, &first, &first), Refusal::BothHonest),
		("a block and itself with a malleated signature", of(&honest, &first, &malleated), Refusal::BadHeader),
		("a block under another's seal", of(&honest, &first, &under_the_seal_of(&first, &second)), Refusal::BadHeader),
		("the cheat's blocks as another's", of(&honest, one, other), Refusal::OtherAuthor),
		("an honest block as the cheat's", of(cheat, one, &first), Refusal::OtherAuthor),
		("a report longer than any", of(&honest, &long, &second), Refusal::ReportTooLong),
	];
	for (what, proof, refusal) in forged {
		let code = refusal.encode().first().copied().unwrap_or_default();
		refused(&rpc, what, &report(proof), &format!("Custom error: {code}\"")).await?;
	}
	// Nodes that saw the two blocks in the other order may have reported that, and the pool remembers it.
	refused(&rpc, "what was reported, the other way round", &report(of(cheat, other, one)), "").await?;
	refused(&rpc, "what was reported, to the letter", &accepted.transaction, "").await?;
	let bare = UncheckedExtrinsic::new_bare(accepted.transaction.function.clone());
	refused(&rpc, "what was reported, without an extension", &bare, "").await?;
	let whole = accepted.transaction.encode();
	for (what, bytes) in [("half a report", &whole[..whole.len() / 2]), ("nothing", &[]), ("garbage", &[0xa5; 999])] {
		refused(&rpc, what, &Raw(bytes.to_vec()), "").await?;
	}

	// Members' signatures and testimonies may be; no report.
	let pending = rpc.pending().await?;
	let reports = pending.iter().filter(|waits| matches!(waits.function, RuntimeCall::Poet(_))).count();
	expect(reports == 0, || format!("{reports} reports are in the pool"))?;
	let at = rpc.finalized().await?.number;
	network.finalized(&HONEST, at + 3, seconds(60)).await
}

fn report(proof: EquivocationProof<Header>) -> UncheckedExtrinsic {
	type Call = pallet_poet::Call<Runtime>;
	let call = Call::report_equivocation { proof: Box::new(proof) };
	<Runtime as CreateAuthorizedTransaction<Call>>::create_authorized_transaction(call.into())
}

/// Bytes that are sent as they are.
struct Raw(Vec<u8>);

impl Encode for Raw {
	fn encode(&self) -> Vec<u8> {
		self.0.clone()
	}
}

/// Fails unless the node refuses the transaction in these words.
async fn refused(rpc: &Rpc, what: &str, transaction: &impl Encode, words: &str) -> Result<()> {
	match rpc.submit(transaction).await {
		Err(Error::Rpc { why, .. }) if why.contains("code: ServerError") && why.contains(words) => {
			say(format_args!("refused: {what}: {why}"));
			Ok(())
		}
		Err(error) => wrong(format!("{what} is not refused in the words '{words}', but: {error}")),
		Ok(hash) => wrong(format!("{what} is taken: {hash}")),
	}
}

/// The last two blocks of somebody who did nothing.
async fn two_blocks_of_an_honest_member(network: &Network) -> Result<(AuthorityId, [Header; 2])> {
	let rpc = network.rpc(0);
	let mut found: [Vec<Header>; HONEST.len()] = Default::default();
	let mut header = rpc.header(rpc.best().await?.hash).await?;
	while header.number > 0 {
		let Ok(unsealed) = unseal(header.clone()) else { return wrong(format!("#{} has no seal", header.number)) };
		let parent = header.parent_hash;
		for i in HONEST {
			if author(network, i)? != unsealed.pre_digest.author {
				continue;
			}
			found[i].push(header.clone());
			if let [second, first] = &found[i][..] {
				return Ok((unsealed.pre_digest.author, [first.clone(), second.clone()]));
			}
		}
		header = rpc.header(parent).await?;
	}
	wrong("no honest member has two blocks")
}

fn under_the_seal_of(header: &Header, other: &Header) -> Header {
	let (mut header, mut other) = (header.clone(), other.clone());
	header.digest_mut().pop();
	header.digest_mut().logs.extend(other.digest_mut().pop());
	header
}

/// The header with the chip's signature `(r, s)` made `(r, n - s)`, which the curve's equation takes as well.
fn with_the_other_s(header: &Header) -> Result<Header> {
	/// The order of P-256.
	const N: [u8; 32] = [
		0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
		0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
	];
	let mut changed = header.clone();
	let seal = unseal(header.clone()).ok().map(|unsealed| unsealed.seal);
	let Some((mut seal, _)) = seal.zip(changed.digest_mut().pop()) else { return wrong("a header has no seal") };
	let mut signature = seal.end.signature.to_vec();
	// TPMT_SIGNATURE: algorithm, hash, r and s, each of the last two after its length.
	let Some(s) = signature.last_chunk_mut::<32>() else { return wrong("a signature is shorter than its s") };
	let mut borrow = 0;
	for (n, s) in N.iter().zip(s.iter_mut()).rev() {
		let difference = i16::from(*n) - i16::from(*s) - borrow;
		borrow = i16::from(difference < 0);
		*s = difference.rem_euclid(256) as u8;
	}
	let Some(end) = Attestation::new(seal.end.attest.to_vec(), signature) else { return wrong("it is too long") };
	seal.end = end;
	changed.digest_mut().push(DigestItem::from(&seal));
	Ok(changed)
}

/// Neither the chain nor a log accuses anybody but the cheat.
async fn nobody_else_is_accused(network: &Network) -> Result<()> {
	let rpc = network.rpc(0);
	let best = rpc.best().await?.hash;
	let cheat = hex::encode(author(network, CHEAT)?.as_slice());
	for i in HONEST {
		let record = record(&rpc, &author(network, i)?, best).await?;
		let node = &network.nodes()[i];
		expect(record.reported.is_none(), || format!("{} was reported: {record:?}", node.name()))?;
		let log = node.log_text();
		let accusations = log.lines().filter(|line| line.contains(" equivocated"));
		if let Some(line) = accusations.into_iter().find(|line| !line.contains(&cheat)) {
			return wrong(format!("{} accuses somebody else: {line}", node.name()));
		}
	}
	Ok(())
}
