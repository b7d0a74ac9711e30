//! TPM 1.2: attestation identity keys, quotes, and the question that `TPM_ActivateIdentity` answers.
//!
//! Names of structures and sections are those of the TPM Main Specification 1.2, revision 116: Part 1 (Design
//! Principles), Part 2 (Structures), Part 3 (Commands). Everything is big-endian without padding, as in TPM 2.0. What
//! comes out has the types of the rest of the crate: [`Error`], [`Name`], [`PcrSelection`], [`PlatformPolicy`],
//! [`Challenge`] and [`Credential`].
//!
//! ```
//! # fn main() -> Result<(), ep_tpm::Error> {
//! # let read = |file| std::fs::read(format!("tests/fixtures/legacy/{file}")).unwrap();
//! # let (aik, ek, info, signature) = (read("aik.pubkey"), read("ek.pubkey"), read("quote.info"), read("quote.signature"));
//! # let composite = read("quote.composite");
//! use ep_tpm::legacy::{verify_quote, EndorsementKey, IdentityKey, PcrComposite};
//!
//! // Once: the two keys. The second is the one that a certificate, checked elsewhere, is about.
//! let aik = IdentityKey::parse(&aik)?;
//! let ek = EndorsementKey::parse(&ek)?;
//! // Whoever answers with the secret has both in one TPM, and the first of them is an identity key.
//! let asked = ek.challenge(&aik, &[7; 32])?;
//! assert_eq!(asked.secret.len(), 32);
//! // From then on its quotes count.
//! let quote = verify_quote(&aik, &info, &signature, b"Elapse fixture 1234567890abcdefgh")?;
//! let composite = PcrComposite::parse(&composite)?;
//! quote.verify_pcrs(&composite.selection, &composite.values)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What such a chip says, and what it does not
//!
//! - *The key's kind is in no signed structure.* `TPM_PUBKEY` has neither usage nor flags: any RSA key can be written as
//!   one. That it is an identity key, made in this TPM and unable to leave it, which signs nothing but structures of the
//!   TPM's own, is known from one thing only: `TPM_ActivateIdentity` has opened a challenge for exactly this `TPM_PUBKEY`
//!   (Part 3, section 15.2). Before that a quote under it proves nothing.
//! - *A quote has no clock and no counters.* Nothing in it tells a reboot, or how old the firmware is. A policy that asks
//!   for either cannot be met (H9). There is no time attestation either, so a chip of this kind never authors.
//! - *No Qualified Name.* The key ends with `TPM_OwnerClear` since the storage root key does, but no quote says so: a
//!   chip that was cleared merely falls silent.
//!
//! # Rules
//!
//! E1-E3, P6, K14, A3, Q2-Q5, S3, S4, S6, M1, M4, G1 and G3 of the [crate documentation](crate#rules) hold here too, under
//! the same variants of [`Error`]. A3 is over the SHA-1 of the nonce, which is all that fits. Beside them:
//! - H1 *legacy-algorithm* ([`Error::LegacyAlgorithm`]): the key is RSA (`TPM_ALG_RSA`).
//! - H2 *legacy-identity-scheme* ([`Error::LegacyIdentityScheme`]): an identity key encrypts nothing (`TPM_ES_NONE`) and
//!   signs RSASSA-PKCS1-v1_5 with SHA-1 (`TPM_SS_RSASSAPKCS1v15_SHA1`), as `TPM_MakeIdentity` demands.
//! - H3 *legacy-ek-scheme* ([`Error::LegacyEkScheme`]): an endorsement key decrypts RSAES-OAEP and signs nothing.
//! - H4 *legacy-key-size* ([`Error::LegacyKeySize`]): 2048 bits, of two primes. There were smaller ones.
//! - H5 *legacy-roca* ([`Error::LegacyRoca`]): the modulus lacks the fingerprint of CVE-2017-15361. Infineon's chips, the
//!   most common of their time, make identity keys as they make every other: whoever factors one forges its quotes.
//! - H6 *legacy-quote-version* ([`Error::LegacyQuoteVersion`]): `TPM_QUOTE_INFO` begins with version 1.1.0.0 (Part 2,
//!   section 11.3).
//! - H7 *legacy-quote-fixed* ([`Error::LegacyQuoteFixed`]): and "QUOT". It is what tells a quote from everything else that
//!   an identity key signs.
//! - H8 *legacy-static-pcrs* ([`Error::LegacyStaticPcrs`]): a policy selects PCRs 0 to 15. The others can be set back
//!   without a reboot (Part 2, section 8.7, and the PC Client specification), of which no counter would tell.
//! - H9 *legacy-policy* ([`Error::LegacyPolicy`]): the policy is about the SHA-1 bank, PCR by PCR, and asks for no
//!   firmware version and no unbroken boot, which no quote of these has.
//! - H10 *legacy-same-key* ([`Error::LegacySameKey`]): the endorsement key is the certified one.
//! - H11 *legacy-session-key* ([`Error::LegacySessionKey`]): what the TPM opened is a key of the kind that was sealed
//!   (AES-128, OFB). For the node that answers.
//! - H12 *legacy-sym-attestation* ([`Error::LegacySymAttestation`]): what it opens is a `TPM_SYM_CA_ATTESTATION` of that
//!   kind. For the node that answers.
//!
//! # SHA-1
//!
//! Collisions of SHA-1 are practical (SHAttered, 2017; chosen prefixes, 2020), second preimages are not. It matters who
//! chooses what is hashed:
//! - *Quotes.* 48 bytes, of which 8 are fixed and two times 20 are digests. A collision needs blocks of 64 bytes that its
//!   maker chooses; there is no room for one. A forged quote would need a second preimage.
//! - *The nonce.* Hashed, since the field has 20 bytes. The verifier chooses it, unpredictably.
//! - *The identity of a key* (the digest in a challenge). For a collision somebody would have to choose both moduli, and
//!   one of them is made inside the chip. [`IdentityKey::name`], by which registers know the key, is SHA-256.
//! - *PCRs.* Each extension hashes 40 bytes, too few for a collision. What was *measured* is another matter: whoever can
//!   write a program into the vendor's hands may write two with one digest, and swap them later. Against that a SHA-1
//!   policy does not help, and this is why the tier is capped low.
//! - *Certificates.* Many manufacturers signed those of 1.2 chips with SHA-1, or bound the key to OAEP by its identifier.
//!   [`crate::certificate`] refuses both, for these chips too.
//!
//! # Attacks
//!
//! - *A key in software for an identity key*: it cannot be activated; see above. A signing key of the same TPM cannot
//!   either, since the TPM activates identity keys only.
//! - *Another signed structure for a quote*: `TPM_CERTIFY_INFO` has the key's usage where "QUOT" stands,
//!   `TPM_IDENTITY_CONTENTS` an ordinal, all later ones begin with a tag in place of the version (H6, H7).
//! - *Another command that decrypts with the EK*: `TPM_TakeOwnership` takes 20 bytes and no more, a challenge has 44. The
//!   others look for a tag that no challenge begins with.
//! - *A TPM 2.0 for one of these*: its EK decrypts under the label "IDENTITY" only, so it answers no challenge from here.
//! - *Replay*: A3. *Malleability*: S3, S4, E2. *Shifted boundaries between PCR values*: Q4.
//! - *A relayed chip, and a reset between measurement and quote*: not seen here. See `docs/tpm-1.2.md`.
//!
//! [`Error`]: crate::Error
//! [`Error::LegacyAlgorithm`]: crate::Error::LegacyAlgorithm
//! [`Error::LegacyIdentityScheme`]: crate::Error::LegacyIdentityScheme
//! [`Error::LegacyEkScheme`]: crate::Error::LegacyEkScheme
//! [`Error::LegacyKeySize`]: crate::Error::LegacyKeySize
//! [`Error::LegacyRoca`]: crate::Error::LegacyRoca
//! [`Error::LegacyQuoteVersion`]: crate::Error::LegacyQuoteVersion
//! [`Error::LegacyQuoteFixed`]: crate::Error::LegacyQuoteFixed
//! [`Error::LegacyStaticPcrs`]: crate::Error::LegacyStaticPcrs
//! [`Error::LegacyPolicy`]: crate::Error::LegacyPolicy
//! [`Error::LegacySameKey`]: crate::Error::LegacySameKey
//! [`Error::LegacySessionKey`]: crate::Error::LegacySessionKey
//! [`Error::LegacySymAttestation`]: crate::Error::LegacySymAttestation
//! [`Name`]: crate::Name
//! [`PcrSelection`]: crate::PcrSelection
//! [`PlatformPolicy`]: crate::PlatformPolicy
//! [`Challenge`]: crate::Challenge
//! [`Credential`]: crate::Credential

mod credential;
mod key;
mod quote;

pub use credential::open_credential;
pub use key::{EndorsementKey, IdentityKey, MAX_PUBKEY_LEN};
pub use quote::{
	check_policy, composite, verify_platform, verify_quote, PcrComposite, PlatformEvidence, QuoteInfo, QUOTE_INFO_LEN,
};

use alloc::vec::Vec;
use sha1::{Digest, Sha1};

/// The tier of whatever is let in by the rules of this module. It goes by how a chip was examined: a certificate may
/// leave out that its TPM is one of 1.2, and [`crate::model::TierTable`] then goes by the manufacturer.
pub const TIER: crate::model::Tier = crate::model::Tier::Legacy12;
/// Length of a SHA-1 digest, which is that of a PCR, a nonce and an authorisation too.
pub const DIGEST_LEN: usize = 20;
/// Length of an RSA-2048 modulus, and of its signatures and ciphertexts.
pub const MODULUS_LEN: usize = 256;

/// SHA-1 of the concatenation of `parts`.
pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; DIGEST_LEN] {
	parts.iter().fold(Sha1::new(), |hasher, part| hasher.chain_update(part)).finalize().into()
}

/// The same as bytes.
fn sha1_bytes(parts: &[&[u8]]) -> Vec<u8> {
	sha1(parts).to_vec()
}
