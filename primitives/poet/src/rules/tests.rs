//! One forger a rule: each test forges exactly one thing and sees exactly that rule refuse. Here the rules that need no
//! state, in [`stateful`] the others.

use super::*;
use crate::{
	digest::{Attestation, PreDigest, Seal, MAX_HEADER},
	testing::{lottery, Draft, Header, SoftChip, SoftMember, Statement},
	POET_ENGINE_ID,
};
use codec::Encode;
use sp_runtime::DigestItem;

mod stateful;

const PARENT: Hash = Hash::repeat_byte(0xaa);
const START: Millis = 100_000;

struct World {
	member: SoftMember,
	lottery: Lottery,
	contestant: Contestant,
}

fn world() -> World {
	let member = SoftMember::new(1, 1_000);
	let contestant = member.contestant();
	World { member, lottery: lottery(), contestant }
}

impl World {
	fn draft(&self) -> Draft {
		self.member.draft(&self.lottery, PARENT, &self.contestant, START)
	}

	fn sealed(&self, header: Header) -> Result<Verdict<Header>, Refusal> {
		verify_sealed(header, self.lottery.genesis)
	}

	fn judge(&self, draft: &Draft) -> Result<(), Refusal> {
		let verdict = self.sealed(draft.seal(&self.member))?;
		verify_with_state(&verdict, &self.lottery, Some(&self.contestant))
	}

	/// A1 made anew after its statement was forged.
	fn restart(&self, draft: &mut Draft, chip: &SoftChip, forge: impl FnOnce(&mut Statement)) {
		let pre = &draft.pre_digest;
		let nonce = start_nonce(
			self.lottery.genesis,
			*draft.header.parent_hash(),
			self.lottery.height,
			&pre.author,
			pre.claim.mean,
			&pre.vrf,
		);
		let mut statement = Statement { time: START, nonce: nonce.to_vec(), ..draft.end.clone() };
		forge(&mut statement);
		draft.pre_digest.start = chip.get_time(&statement);
	}
}

#[test]
fn an_honest_certificate_is_good() {
	let world = world();
	assert_eq!(world.judge(&world.draft()), Ok(()));
}

// 1. digests

#[test]
fn digests_refuses_a_header_without_pre_digest_or_with_two() {
	let world = world();
	let good = world.draft().seal(&world.member);
	let mut none = good.clone();
	none.digest.logs.remove(0);
	assert_eq!(world.sealed(none).err(), Some(Refusal::Digests(DigestError::NoPreDigest)));
	let mut two = good.clone();
	two.digest.logs.insert(0, good.digest.logs[0].clone());
	assert_eq!(world.sealed(two).err(), Some(Refusal::Digests(DigestError::SecondPreDigest)));
}

#[test]
fn digests_refuses_a_header_longer_than_the_bound() {
	let world = world();
	let padded = |bytes: usize| {
		let mut draft = world.draft();
		draft.header.digest.logs.push(DigestItem::Other(vec![0; bytes]));
		draft.seal(&world.member)
	};
	let bare = padded(0).encoded_size();
	let room = MAX_HEADER as usize - bare;
	// The length of what is padded takes more bytes too.
	let longest = (0..=room).rev().map(padded).find(|header| header.encoded_size() <= MAX_HEADER as usize).unwrap();
	assert!(world.sealed(longest).is_ok());
	let header = padded(room + 1);
	let length = header.encoded_size() as u32;
	assert_eq!(world.sealed(header).err(), Some(Refusal::Digests(DigestError::TooLong(length))));
}

#[test]
fn digests_refuses_trailing_bytes_in_the_pre_digest() {
	let world = world();
	let mut header = world.draft().seal(&world.member);
	if let DigestItem::PreRuntime(_, bytes) = &mut header.digest.logs[0] {
		bytes.push(0);
	}
	assert_eq!(world.sealed(header).err(), Some(Refusal::Digests(DigestError::BadPreDigest)));
}

#[test]
fn digests_refuses_a_missing_foreign_second_or_padded_seal() {
	let world = world();
	let good = world.draft().seal(&world.member);
	let seal = good.digest.logs[1].clone();

	let mut missing = good.clone();
	missing.digest.logs.pop();
	assert_eq!(world.sealed(missing).err(), Some(Refusal::Digests(DigestError::NoSeal)));

	let mut foreign = good.clone();
	foreign.digest.logs[1] = DigestItem::Seal(*b"aura", vec![1, 2, 3]);
	assert_eq!(world.sealed(foreign).err(), Some(Refusal::Digests(DigestError::NoSeal)));

	let mut second = good.clone();
	second.digest.logs.push(seal);
	assert_eq!(world.sealed(second).err(), Some(Refusal::Digests(DigestError::SecondSeal)));

	let mut padded = good;
	if let DigestItem::Seal(_, bytes) = &mut padded.digest.logs[1] {
		bytes.push(0);
	}
	assert_eq!(world.sealed(padded).err(), Some(Refusal::Digests(DigestError::BadSeal)));
}

#[test]
fn digests_refuses_a_second_encoding_of_a_length() {
	let world = world();
	let mut header = world.draft().seal(&world.member);
	let PreDigest { start, .. } = find(&header);
	if let DigestItem::PreRuntime(_, bytes) = &mut header.digest.logs[0] {
		// The compact length of A1 in two bytes, written in four.
		let short = codec::Compact(start.attest.len() as u32).encode();
		let at =
			bytes.windows(short.len() + 4).position(|w| w.starts_with(&short) && w[short.len()..][..2] == [0xff, 0x54]);
		let at = at.expect("A1 follows its length");
		let long = (((start.attest.len() as u32) << 2) | 2).to_le_bytes();
		bytes.splice(at..at + short.len(), long);
	}
	assert_eq!(world.sealed(header).err(), Some(Refusal::Digests(DigestError::BadPreDigest)));
}

fn find(header: &Header) -> PreDigest {
	crate::digest::find_pre_digest(&header.digest).unwrap()
}

// 2. author-signed

#[test]
fn author_signed_refuses_a_seal_by_another_key() {
	let world = world();
	let stranger = SoftMember::new(2, 1_000);
	let draft = world.draft();
	let header = draft.seal_with(&stranger, draft.attest_end(&world.member.chip));
	assert_eq!(world.sealed(header).err(), Some(Refusal::AuthorSigned));
}

#[test]
fn author_signed_refuses_a_malleated_signature_of_the_chip() {
	// The stranger flips s of A2's ECDSA signature: valid on the curve, another hash of the honest block.
	let world = world();
	let draft = world.draft();
	let mut header = draft.seal(&world.member);
	let unsealed = digests(header.clone()).unwrap();
	let mut end = unsealed.seal.end.clone();
	end.signature = malleate(&end.signature).try_into().unwrap();
	let seal = Seal { end, signature: unsealed.seal.signature };
	*header.digest.logs.last_mut().unwrap() = (&seal).into();
	assert_eq!(world.sealed(header).err(), Some(Refusal::AuthorSigned));
}

/// The other root: s becomes n - s.
fn malleate(signature: &[u8]) -> Vec<u8> {
	const N: [u8; 32] = [
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
		0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
	];
	let mut out = signature.to_vec();
	let at = out.len() - 32;
	let mut borrow = 0i16;
	for i in (0..32).rev() {
		let digit = i16::from(N[i]) - i16::from(out[at + i]) - borrow;
		borrow = i16::from(digit < 0);
		out[at + i] = (digit & 0xff) as u8;
	}
	out
}

#[test]
fn author_signed_refuses_a_seal_made_for_another_genesis() {
	let world = world();
	let mut draft = world.draft();
	draft.genesis = Hash::repeat_byte(0xdd);
	assert_eq!(world.judge(&draft), Err(Refusal::AuthorSigned));
}

// 3. attestations

#[test]
fn attestations_refuses_what_is_no_time_attestation() {
	let world = world();
	// (offset, bytes, what the parser says): magic, a quote in place of a time attestation.
	for (at, bytes, why) in
		[(0, vec![0xff, 0x54, 0x43, 0x48], ep_tpm::Error::Magic), (4, vec![0x80, 0x18], ep_tpm::Error::AttestationType)]
	{
		let mut draft = world.draft();
		let mut attest = draft.pre_digest.start.attest.to_vec();
		attest[at..at + bytes.len()].copy_from_slice(&bytes);
		let signature = world.member.chip.sign(&attest);
		draft.pre_digest.start = Attestation::new(attest, signature).unwrap();
		assert_eq!(world.judge(&draft), Err(Refusal::StartAttestation(why)));

		let draft = world.draft();
		let mut attest = draft.attest_end(&world.member.chip).attest.to_vec();
		attest[at..at + bytes.len()].copy_from_slice(&bytes);
		let signature = world.member.chip.sign(&attest);
		let header = draft.seal_with(&world.member, Attestation::new(attest, signature).unwrap());
		assert_eq!(world.sealed(header).err(), Some(Refusal::EndAttestation(why)));
	}
}

#[test]
fn attestations_refuses_a_trailing_byte() {
	let world = world();
	let mut draft = world.draft();
	let mut attest = draft.pre_digest.start.attest.to_vec();
	attest.push(0);
	let signature = world.member.chip.sign(&attest);
	draft.pre_digest.start = Attestation::new(attest, signature).unwrap();
	assert_eq!(world.judge(&draft), Err(Refusal::StartAttestation(ep_tpm::Error::TrailingBytes)));
}

// 4. start-after-parent

#[test]
fn start_after_parent_refuses_a_wait_begun_on_the_grandparent() {
	let world = world();
	let mut draft = world.member.draft(&world.lottery, Hash::repeat_byte(0x99), &world.contestant, START);
	draft.header.parent_hash = PARENT;
	assert_eq!(world.judge(&draft), Err(Refusal::StartAfterParent));
}

#[test]
fn start_after_parent_refuses_another_height_genesis_author_mean_or_draw() {
	let world = world();
	// Everything that the nonce binds, one thing at a time.
	let forge = |forge: &dyn Fn(&mut World, &mut PreDigest)| {
		let mut draft = world.draft();
		let mut other = World {
			member: world.member.clone(),
			lottery: world.lottery.clone(),
			contestant: world.contestant.clone(),
		};
		let mut pre = draft.pre_digest.clone();
		forge(&mut other, &mut pre);
		let nonce = start_nonce(
			other.lottery.genesis,
			PARENT,
			other.lottery.height,
			&other.member.id(),
			other.lottery.mean,
			&pre.vrf,
		);
		world.restart(&mut draft, &world.member.chip, |s| s.nonce = nonce.to_vec());
		world.judge(&draft)
	};
	assert_eq!(forge(&|_, _| ()), Ok(()));
	assert_eq!(forge(&|w, _| w.lottery.height += 1), Err(Refusal::StartAfterParent));
	assert_eq!(forge(&|w, _| w.lottery.genesis = Hash::zero()), Err(Refusal::StartAfterParent));
	assert_eq!(forge(&|w, _| w.member.pair = SoftMember::new(2, 1).pair), Err(Refusal::StartAfterParent));
	assert_eq!(forge(&|w, _| w.lottery.mean += 1), Err(Refusal::StartAfterParent));
	assert_eq!(forge(&|w, pre| pre.vrf = w.draft().pre_digest.vrf), Err(Refusal::StartAfterParent));
}

#[test]
fn start_after_parent_refuses_a_nonce_with_something_behind_it() {
	let world = world();
	let mut draft = world.draft();
	world.restart(&mut draft, &world.member.chip, |s| s.nonce.push(0));
	assert_eq!(world.judge(&draft), Err(Refusal::StartAfterParent));
}

// 5. sealed-this-block

#[test]
fn sealed_this_block_refuses_the_same_certificate_on_two_blocks() {
	let world = world();
	let first = world.draft();
	let end = first.attest_end(&world.member.chip);
	let mut second = world.draft();
	second.header.extrinsics_root = Hash::repeat_byte(7);
	let header = second.seal_with(&world.member, end);
	assert_eq!(world.sealed(header).err(), Some(Refusal::SealedThisBlock));
}

// 6. one-signer

#[test]
fn one_signer_refuses_a_wait_ended_by_another_chip() {
	let world = world();
	let draft = world.draft();
	let header = draft.seal_with(&world.member, draft.attest_end(&SoftChip::new(9)));
	assert_eq!(world.sealed(header).err(), Some(Refusal::OneSigner));
}

// 7. one-power-cycle

#[test]
fn one_power_cycle_refuses_a_reset_resume_or_clear_inside_the_wait() {
	let world = world();
	for forge in [
		(|s: &mut Statement| s.reset_count += 1) as fn(&mut Statement),
		|s| s.restart_count += 1,
		|s| (s.reset_count, s.restart_count) = (0, 0),
	] {
		let mut draft = world.draft();
		forge(&mut draft.end);
		assert_eq!(world.judge(&draft), Err(Refusal::OnePowerCycle));
	}
}

// 8. waited

#[test]
fn waited_refuses_a_seal_one_millisecond_too_early() {
	let world = world();
	let mut draft = world.draft();
	let needed = draft.pre_digest.claim.wait;
	draft.end.time -= 1;
	assert_eq!(world.judge(&draft), Err(Refusal::Waited { counted: needed - 1, needed }));
}

#[test]
fn waited_refuses_time_that_runs_backwards() {
	let world = world();
	let mut draft = world.draft();
	draft.end.time = START - 1;
	let needed = draft.pre_digest.claim.wait;
	assert_eq!(world.judge(&draft), Err(Refusal::Waited { counted: 0, needed }));
}

#[test]
fn waited_does_not_look_at_the_clock_that_owners_can_set() {
	let world = world();
	let mut draft = world.draft();
	draft.end.clock += 1_000_000;
	draft.end.time -= 1;
	assert!(matches!(world.judge(&draft), Err(Refusal::Waited { .. })));
}

#[test]
fn waited_takes_the_rate_into_account() {
	let mut world = world();
	world.contestant.rate = 1_100_000;
	let mut draft = world.draft();
	assert_eq!(world.judge(&draft), Ok(()));
	draft.end.time -= 1;
	assert!(matches!(world.judge(&draft), Err(Refusal::Waited { .. })));
}

#[test]
fn every_byte_of_a_seal_matters() {
	let world = world();
	let good = world.draft().seal(&world.member);
	let DigestItem::Seal(_, seal) = good.digest.logs.last().unwrap().clone() else { panic!("no seal") };
	for i in 0..seal.len() {
		let mut bytes = seal.clone();
		bytes[i] ^= 1;
		let mut header = good.clone();
		*header.digest.logs.last_mut().unwrap() = DigestItem::Seal(POET_ENGINE_ID, bytes);
		assert!(world.sealed(header).is_err(), "byte {i} does not matter");
	}
}

#[test]
fn every_byte_of_a_pre_digest_matters() {
	let world = world();
	let good = world.draft().seal(&world.member);
	let DigestItem::PreRuntime(_, pre) = good.digest.logs[0].clone() else { panic!("no pre-digest") };
	for i in 0..pre.len() {
		let mut bytes = pre.clone();
		bytes[i] ^= 1;
		let mut header = good.clone();
		header.digest.logs[0] = DigestItem::PreRuntime(POET_ENGINE_ID, bytes);
		assert!(world.sealed(header).is_err(), "byte {i} does not matter");
	}
}
