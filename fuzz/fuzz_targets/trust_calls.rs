//! What strangers send to the carrier on chain: no input panics, what decodes is encoded as it was read, a certificate
//! that nobody in the committee signed is refused, and a claim's VRF is what its bytes say.
#![no_main]

use codec::{DecodeAll, Encode};
use ep_trust::{Application, Chain, Committee, Judgement, Seat, SeatClaim, Testimony, Verdict, VerdictCertificate};
use libfuzzer_sys::fuzz_target;
use sp_core::{H160, H256};

fn again<T: DecodeAll + Encode>(data: &[u8]) -> Option<T> {
	let value = T::decode_all(&mut &*data).ok()?;
	assert_eq!(value.encode(), data);
	Some(value)
}

fuzz_target!(|data: &[u8]| {
	if let Some(application) = again::<Application>(data) {
		let evidence = &application.evidence;
		let _ = ep_tpm::EndorsementKey::parse(&evidence.ek_public);
		let _ = ep_tpm::AttestationKey::parse_author(&evidence.ak_public);
		let _ = ep_tpm::QuoteAttestation::parse(&evidence.quote.attest);
		let _ = ep_tpm::certificate::Certificate::parse(&evidence.ek_certificate);
	}
	if let Some(claim) = again::<SeatClaim>(data) {
		if let Some(vrf) = claim.vrf() {
			assert_eq!(SeatClaim::encode_vrf(&vrf), claim.vrf);
		}
	}
	again::<Testimony>(data);
	if let Some(certificate) = again::<VerdictCertificate>(data) {
		// Nobody has the keys of these addresses.
		let seats = (1..=4).map(|n| Seat { anchor: H160::repeat_byte(n), votes: 10 }).collect();
		let committee = Committee::new(seats, 40).expect("it is a committee");
		let verdict = Verdict {
			genesis: H256::repeat_byte(1),
			round: 7,
			subject: [9; 32],
			evidence: H256::zero(),
			judgement: Judgement::Admit,
			committee: committee.root(7),
			expected: 40,
		};
		assert!(certificate.verify(&verdict, &Chain::default(), &committee).is_err());
	}
});
