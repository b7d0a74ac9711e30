//! A verdict with the signatures of its committee.

use ep_trust::{anchor, Chain, Committee, Judgement, Seat, Verdict, VerdictCertificate};
use sp_core::{ecdsa, Pair, H160, H256};

/// A verdict, and what it takes to check it.
pub struct Signed {
	verdict: Verdict,
	chain: Chain,
	committee: Committee,
	certificate: VerdictCertificate,
}

impl Signed {
	/// A committee of so many members with a vote each, of whom just as many sign as are needed.
	pub fn by(members: u32) -> Option<Self> {
		let pair = |number: u32| {
			let mut seed = [1; 32];
			seed[..4].copy_from_slice(&number.to_le_bytes());
			ecdsa::Pair::from_seed(&seed)
		};
		let pairs: Vec<_> = (0..members).map(pair).collect();
		let seat = |pair: &ecdsa::Pair| Some(Seat { anchor: anchor::address(&pair.public())?, votes: 1 });
		let committee = Committee::new(pairs.iter().map(seat).collect::<Option<_>>()?, members.into()).ok()?;
		let chain = Chain { id: 20, contract: H160::repeat_byte(7) };
		let verdict = Verdict {
			genesis: H256::repeat_byte(1),
			round: 5,
			subject: [2; 32],
			evidence: H256::repeat_byte(3),
			judgement: Judgement::Admit,
			committee: committee.root(5),
			expected: committee.expected(),
		};
		let digest = verdict.digest(&chain);
		let signatures = pairs.iter().take(members as usize * 2 / 3 + 1).map(|pair| pair.sign_prehashed(&digest).0);
		let certificate = VerdictCertificate::collect(&digest, signatures);
		Some(Self { verdict, chain, committee, certificate })
	}

	/// How many signed.
	pub fn signatures(&self) -> usize {
		self.certificate.0.len()
	}

	/// Checks the certificate.
	pub fn verify(&self) -> bool {
		self.certificate.verify(&self.verdict, &self.chain, &self.committee).is_ok()
	}
}
