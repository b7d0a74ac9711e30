//! ROCA (CVE-2017-15361): RSA keys that Infineon's library made, and that can be factored.
//!
//! Its primes are `k * M + (65537^a mod M)`, `M` the product of the first primes. So the modulus is a power of 65537
//! modulo every one of them, which a random modulus is for all of the first 38 odd primes with a chance below 2^-27
//! (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 3.2).

/// The odd primes up to 167.
const PRIMES: [u32; 38] = [
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
	113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether this modulus (big-endian) has the fingerprint.
pub fn is_roca(modulus: &[u8]) -> bool {
	PRIMES.into_iter().all(|prime| {
		let residue = modulus.iter().fold(0, |residue, byte| (residue << 8 | u32::from(*byte)) % prime);
		is_power(residue, prime)
	})
}

/// Whether `residue` is a power of 65537 modulo `prime`.
fn is_power(residue: u32, prime: u32) -> bool {
	let mut power = 1;
	loop {
		if power == residue {
			return true;
		}
		power = power * (65537 % prime) % prime;
		if power == 1 {
			return false;
		}
	}
}
