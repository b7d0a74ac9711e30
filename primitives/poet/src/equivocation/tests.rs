use super::*;
use crate::{
	api::Lottery,
	digest::Attestation,
	testing::{lottery, Draft, Header, SoftChip, SoftMember},
};

const PARENT: Hash = Hash::repeat_byte(0xaa);
const OTHER_PARENT: Hash = Hash::repeat_byte(0xbb);

fn member() -> SoftMember {
	SoftMember::new(1, 1_000)
}

fn draft(lottery: &Lottery, parent: Hash, start: u64) -> Draft {
	member().draft(lottery, parent, &member().contestant(), start)
}

fn prove(first: Header, second: Header) -> Result<Offence, NoOffence> {
	let member = member();
	let proof = EquivocationProof { author: member.id(), first, second };
	check(&proof, lottery().genesis, &member.chip.ak_public(), &member.chip.ek_name())
}

#[test]
fn two_blocks_on_one_parent_are_an_offence() {
	let first = draft(&lottery(), PARENT, 1_000);
	let mut second = draft(&lottery(), PARENT, 900_000);
	second.header.extrinsics_root = Hash::repeat_byte(7);
	assert_eq!(prove(first.seal(&member()), second.seal(&member())), Ok(Offence::TwoBlocks));
}

#[test]
fn two_seals_of_one_block_are_none() {
	let first = draft(&lottery(), PARENT, 1_000);
	let mut again = first.clone();
	again.end.time += 5;
	assert_eq!(prove(first.seal(&member()), again.seal(&member())), Err(NoOffence::BothHonest));
}

#[test]
fn a_malleated_signature_does_not_frame_the_author() {
	let first = draft(&lottery(), PARENT, 1_000).seal(&member());
	let mut forged = first.clone();
	let unsealed = rules::digests(first.clone()).unwrap();
	let mut end = unsealed.seal.end.clone();
	let last = end.signature.len() - 1;
	end.signature[last] ^= 1;
	*forged.digest.logs.last_mut().unwrap() = (&crate::Seal { end, signature: unsealed.seal.signature }).into();
	assert_eq!(prove(first, forged), Err(NoOffence::Header(Refusal::AuthorSigned)));
}

#[test]
fn the_same_height_on_different_parents_after_a_reorganisation_is_honest() {
	let first = draft(&lottery(), PARENT, 1_000);
	let second = draft(&lottery(), OTHER_PARENT, first.end.time);
	assert_eq!(prove(first.seal(&member()), second.seal(&member())), Err(NoOffence::BothHonest));
}

#[test]
fn two_waits_at_once_are_an_offence() {
	let first = draft(&lottery(), PARENT, 1_000);
	let second = draft(&lottery(), OTHER_PARENT, first.end.time - 1);
	assert_eq!(prove(first.seal(&member()), second.seal(&member())), Ok(Offence::TwoTimers));
}

#[test]
fn waits_in_two_power_cycles_are_honest() {
	let first = draft(&lottery(), PARENT, 1_000);
	let member = member();
	let mut second = draft(&lottery(), OTHER_PARENT, 1_000);
	let mut start = rules::attestations(&rules::digests(second.seal(&member)).unwrap()).unwrap().0;
	start.clock_info.reset_count += 1;
	second.end.reset_count += 1;
	let mut statement = second.end.clone();
	statement.time = start.time;
	statement.nonce = start.extra_data.to_vec();
	second.pre_digest.start = member.chip.get_time(&statement);
	assert_eq!(prove(first.seal(&member), second.seal(&member)), Err(NoOffence::BothHonest));
}

#[test]
fn an_overlap_that_the_members_chip_did_not_attest_proves_nothing() {
	// Somebody holds the member's sr25519 key but not its chip.
	let member = member();
	let first = draft(&lottery(), PARENT, 1_000);
	let second = draft(&lottery(), OTHER_PARENT, first.end.time - 1);
	let end = second.attest_end(&member.chip);
	let forged = Attestation::new(end.attest.to_vec(), SoftChip::new(9).sign(&end.attest)).unwrap();
	let proof = prove(first.seal(&member), second.seal_with(&member, forged));
	assert_eq!(proof, Err(NoOffence::OtherChip(Refusal::EndChip(ep_tpm::Error::BadSignature))));
}

#[test]
fn anothers_block_proves_nothing() {
	let other = SoftMember::new(2, 1_000);
	let first = draft(&lottery(), PARENT, 1_000).seal(&member());
	let second = other.draft(&lottery(), PARENT, &other.contestant(), 1_000).seal(&other);
	assert_eq!(prove(first, second), Err(NoOffence::OtherAuthor));
}

#[test]
fn blocks_of_another_chain_prove_nothing() {
	let mut elsewhere = lottery();
	elsewhere.genesis = Hash::zero();
	let first = draft(&elsewhere, PARENT, 1_000).seal(&member());
	let second = draft(&elsewhere, PARENT, 900_000).seal(&member());
	assert_eq!(prove(first, second), Err(NoOffence::Header(Refusal::StartAfterParent)));
}
