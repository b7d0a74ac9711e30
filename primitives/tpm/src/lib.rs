//! Parsing and verification of TPM 2.0 evidence: public areas, names, attestations and signatures.
//!
//! # Overview
//!
//! A TPM speaks in three structures. Its *public areas* (`TPMT_PUBLIC`) say what a key is and what it may do, its
//! *attestations* (`TPMS_ATTEST`) say what it saw, and its *signatures* (`TPMT_SIGNATURE`) say that it was the one who
//! said so. This crate judges them: pure functions over the original bytes, without I/O, clock or randomness, so that
//! a runtime, a block verifier, a command line and a fuzzer call the same code and come to the same verdict.
//!
//! On top of them: [`policy`] (what a platform may look like), [`eventlog`] (how it came to look so), [`certify`] (what
//! else is in the TPM) and [`credential`] (a question that only one TPM can answer). TPM 1.2, which is another language,
//! is in [`legacy`].
//!
//! ```
//! # fn main() -> Result<(), ep_tpm::Error> {
//! # let read = |file| std::fs::read(format!("tests/fixtures/author/{file}")).unwrap();
//! # let (ek, ak, attest) = (read("ek.tpmt_public"), read("ak.tpmt_public"), read("time.attest"));
//! # let from_the_chip = read("time.signature");
//! use ep_tpm::{verify_time, AttestationKey, Name};
//!
//! // Once: the key, and the endorsement key above it, whose certificate somebody has checked.
//! let key = AttestationKey::parse_author(&ak)?;
//! let ek_name = Name::of_public(&ek)?;
//! // The signer: bring what its chip returned into the one accepted form.
//! let signature = key.normalise_signature(&from_the_chip)?;
//! // The verifier: everything from the bytes.
//! let time = verify_time(&key, &attest, &signature, b"Elapse fixture 1234567890abcdefgh")?;
//! time.signed_under_ek(&key, &ek_name)?;
//! println!("{} ms after power-on {}", time.time, time.clock_info.reset_count);
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! Evidence is accepted if and only if all rules that a function names hold. A rule has one variant of [`Error`], named
//! after it or after the defect, and at least one test whose name begins with it. "Part n" is a part of the TPM 2.0
//! Library Specification.
//!
//! *Encoding* (Part 2, section 4), of every structure:
//! - E1 *truncated* ([`Error::Truncated`]): every field is there.
//! - E2 *trailing-bytes* ([`Error::TrailingBytes`]): nothing follows the last one. Otherwise one piece of evidence had
//!   many encodings, and bytes that nobody judged.
//! - E3 *oversized-field* ([`Error::OversizedField`]): a sized buffer keeps to the bound of its type.
//!
//! *Names* (Part 1, section 16):
//! - N1 *name-form* ([`Error::NameForm`]): SHA-256, SHA-384 or SHA-512, followed by one digest of that length.
//! - N2 *qualified-signer* ([`Error::QualifiedSigner`]): the attestation was signed by this key as a child of this EK
//!   in the endorsement hierarchy. So TPM2_Clear ends the key (it keeps the EK, but replaces the secret that binds
//!   objects to the hierarchy), and the same key under another parent is another key.
//!
//! *Public areas* (Part 2, section 12.2.4), of any RSA or ECC object:
//! - P1 *object-type* ([`Error::ObjectType`]): RSA or ECC.
//! - P2 *name-hash* ([`Error::NameHash`]): the name algorithm is SHA-256, SHA-384 or SHA-512.
//! - P3 *auth-policy-size* ([`Error::AuthPolicySize`]): empty, or one digest of the name algorithm.
//! - P4 *symmetric-form* ([`Error::SymmetricForm`]): a block cipher or null.
//! - P5 *scheme-form* ([`Error::SchemeForm`]): a scheme that the type of object knows.
//! - P6 *rsa-modulus* ([`Error::RsaModulus`]): exactly as long as the key size says, and odd.
//!
//! *Attestation keys*:
//! - K1 *restricted* ([`Error::NotRestricted`]): the key signs no data that begins like an attestation but was not made
//!   by its TPM. Every other rule about attestations rests on this one.
//! - K2 *signing* ([`Error::NotSigning`]): sign is set.
//! - K3 *no-decrypt* ([`Error::CanDecrypt`]): decrypt is clear.
//! - K4 *fixed-tpm* ([`Error::NotFixedTpm`]): the key cannot leave its TPM.
//! - K5 *fixed-parent* ([`Error::NotFixedParent`]): nor its parent.
//! - K6 *made-in-tpm* ([`Error::NotMadeInTpm`]): nobody ever had the secret outside (sensitiveDataOrigin).
//! - K7 *known-attributes* ([`Error::ForbiddenAttribute`]): of the other attributes only stClear, userWithAuth,
//!   adminWithPolicy and noDA may be set; neither reserved ones nor x509sign, encryptedDuplication or those of
//!   firmware-limited objects.
//! - K8 *no-lockout* ([`Error::SubjectToLockout`]): of an author: noDA is set, since otherwise a few failed
//!   authorisations by anybody with access to the chip stop the key.
//! - K9 *key-symmetric* ([`Error::KeySymmetric`]): no symmetric algorithm.
//! - K10 *key-scheme* ([`Error::KeyScheme`]): fixed to RSASSA or ECDSA, not left to the caller of the TPM.
//! - K11 *key-hash* ([`Error::KeyHash`]): with SHA-256, SHA-384 or SHA-512.
//! - K12 *key-kdf* ([`Error::KeyKdf`]): no key derivation scheme.
//! - K13 *rsa-key-size* ([`Error::RsaKeySize`]): 2048, 3072 or 4096 bits.
//! - K14 *rsa-exponent* ([`Error::RsaExponent`]): 65537, written as itself or as 0.
//! - K15 *key-curve* ([`Error::KeyCurve`]): NIST P-256 or P-384.
//! - K16 *coordinate-size* ([`Error::CoordinateSize`]): as long as the field, padded (Part 1, annex C).
//! - K17 *on-curve* ([`Error::PointNotOnCurve`]): the point is on the curve, its coordinates are below the field's
//!   prime.
//!
//! *Attestations* (Part 2, section 10.12):
//! - A1 *magic* ([`Error::Magic`]): `TPM_GENERATED_VALUE`.
//! - A2 *attestation-type* ([`Error::AttestationType`]): the kind that was asked for.
//! - A3 *nonce* ([`Error::Nonce`]): extraData equals the expected nonce, the whole of it.
//! - A4 *safe-flag* ([`Error::SafeFlag`]): 0 or 1.
//!
//! *Quotes*:
//! - Q1 *clock-safe* ([`Error::ClockNotSafe`]): the TPM vouches that `clock` did not run backwards.
//! - Q2 *pcr-selection-form* ([`Error::PcrSelectionForm`]): at most 16 banks, none twice, bitmaps of 3 to 32 bytes.
//! - Q3 *pcr-selection* ([`Error::PcrSelection`]): exactly the policy's, in its order.
//! - Q4 *pcr-values* ([`Error::PcrValues`]): as many as the selection has PCRs, each as long as its bank's digest.
//! - Q5 *pcr-digest* ([`Error::PcrDigest`]): their hash under the key's signing hash.
//!
//! *Signatures* (Part 2, section 11.3.4):
//! - S1 *signature-scheme* ([`Error::SignatureScheme`]): RSASSA or ECDSA, and the key's own.
//! - S2 *signature-hash* ([`Error::SignatureHash`]): SHA-256, SHA-384 or SHA-512, and the key's own.
//! - S3 *signature-size* ([`Error::SignatureSize`]): every part exactly as long as the key demands.
//! - S4 *signature-range* ([`Error::SignatureRange`]): neither zero nor as large as the order or the modulus.
//! - S5 *low-s* ([`Error::HighS`]): `s` is at most half the order.
//! - S6 *signature* ([`Error::BadSignature`]): it verifies over the original bytes.
//!
//! *Endorsement keys* (TCG EK Credential Profile, annex B): what every template says. See [`EndorsementKey`] for why.
//! - T1 *ek-restricted* ([`Error::EkNotRestricted`]), T2 *ek-decrypt* ([`Error::EkNotDecrypting`]), T3 *ek-no-sign*
//!   ([`Error::EkCanSign`]), T4 *ek-fixed-tpm* ([`Error::EkNotFixedTpm`]), T5 *ek-fixed-parent*
//!   ([`Error::EkNotFixedParent`]), T6 *ek-made-in-tpm* ([`Error::EkNotMadeInTpm`]), T7 *ek-admin-policy*
//!   ([`Error::EkNotAdminWithPolicy`]), T8 *ek-known-attributes* ([`Error::EkForbiddenAttribute`]).
//! - T9 *ek-symmetric* ([`Error::EkSymmetric`]): AES-128 or AES-256 in CFB mode.
//! - T10 *ek-scheme* ([`Error::EkScheme`]): no scheme. K13-K17 hold too.
//!
//! *Credentials* (Part 1, section 24; [`credential`]):
//! - M1 *credential-size* ([`Error::CredentialSize`]): a secret of 1 byte to one digest of the EK's name algorithm.
//! - M2 *randomness-form* ([`Error::RandomnessForm`]): randomness of the kind and length that the EK needs.
//! - M3 *credential-file* ([`Error::CredentialFile`]): the head that tpm2-tools write.
//! - M4 *credential-recomputed* ([`Error::CredentialRecomputed`]): the blob is the one that the seed gives.
//!
//! *Platforms* ([`policy`], where each rule is explained):
//! - G1 *policy-form* ([`Error::PolicyForm`]), G2 *firmware-floor* ([`Error::FirmwareFloor`]), G3 *pcr-allowed*
//!   ([`Error::PcrNotAllowed`]), G4 *composite-allowed* ([`Error::CompositeNotAllowed`]), G5 *counters-forward*
//!   ([`Error::CountersWentBack`]), G6 *clock-forward* ([`Error::ClockWentBack`]), G7 *same-boot* ([`Error::Reset`]),
//!   G8 *no-resume* ([`Error::Restarted`]).
//!
//! *Event logs* ([`eventlog`], where each rule is explained):
//! - L1 *log-header* ([`Error::LogHeader`]), L2 *log-size* ([`Error::LogSize`]), L3 *log-pcr* ([`Error::LogPcr`]), L4
//!   *log-digests* ([`Error::LogDigests`]), L5 *log-locality* ([`Error::LogLocality`]), L6 *log-bank*
//!   ([`Error::LogBank`]), L7 *log-replay* ([`Error::LogReplay`]).
//!
//! *Objects* ([`certify`], where each rule is explained):
//! - O1 *certified-name* ([`Error::CertifiedName`]), O2 *certified-qualified-name* ([`Error::CertifiedQualifiedName`]),
//!   O3 *created-name* ([`Error::CreatedName`]), O4 *creation-hash* ([`Error::CreationHash`]), O5 *creation-data-form*
//!   ([`Error::CreationDataForm`]), O6 *creation-parent* ([`Error::CreationParent`]).
//!
//! *TPM 1.2* ([`legacy`], where each rule is explained):
//! - H1 *legacy-algorithm* ([`Error::LegacyAlgorithm`]), H2 *legacy-identity-scheme* ([`Error::LegacyIdentityScheme`]), H3
//!   *legacy-ek-scheme* ([`Error::LegacyEkScheme`]), H4 *legacy-key-size* ([`Error::LegacyKeySize`]), H5 *legacy-roca*
//!   ([`Error::LegacyRoca`]), H6 *legacy-quote-version* ([`Error::LegacyQuoteVersion`]), H7 *legacy-quote-fixed*
//!   ([`Error::LegacyQuoteFixed`]), H8 *legacy-static-pcrs* ([`Error::LegacyStaticPcrs`]), H9 *legacy-policy*
//!   ([`Error::LegacyPolicy`]), H10 *legacy-same-key* ([`Error::LegacySameKey`]), H11 *legacy-session-key*
//!   ([`Error::LegacySessionKey`]), H12 *legacy-sym-attestation* ([`Error::LegacySymAttestation`]).
//! - H13 *one-generation* ([`Error::OneGeneration`]; [`chip`]): both keys of a chip are of one generation of TPM.
//!
//! # Attacks
//!
//! - *Forged structure*: somebody signs bytes that look like an attestation, with a key that signs anything (K1), that
//!   never was in a TPM (K4-K6, and N2 together with the EK's certificate), or by TPM2_Sign (A1: a restricted key
//!   refuses data with the magic).
//! - *Confusion*: a quote for a time attestation (A2), RSA for ECC (S1, P5), another hash (S2), the choice of a weak
//!   scheme at signing time (K10, K11).
//! - *Replay*: A3 with a nonce that could not be known before.
//! - *Time from the wrong clock*: the owner sets `clock` at will. [`TimeAttestation::time`] is the other one, and
//!   counters are the inner ones, which no hierarchy obfuscates.
//! - *Malleability*: a stranger makes a second form of an honest signature, and with it a second hash of an honest
//!   block. RSA: `s + n` (S4), padding (S3). ECDSA: `n - s` (S5), padding (S3). Both: bytes behind (E2), another encoding
//!   of yes (A4).
//! - *Shifted boundaries*: bytes moved between neighbouring PCR values under one digest (Q4).
//! - *Resource exhaustion*: counts and sizes are bounded before anything is allocated.
//!
//! # What this crate does not decide
//!
//! Whether an EK belongs to a genuine TPM is decided in [`certificate`], and what kind of TPM it is in [`model`]; both have
//! rules of their own. Nobody here decides whether a nonce is fresh (whoever chose it knows), whether counters went
//! backwards (whoever kept the last ones knows), and whether PCR values are good (policy).
//! A genuine chip whose answers are relayed by another machine is indistinguishable from that chip here.
//!
//! # Panics
//!
//! None, for any input.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod algorithm;
pub mod attest;
pub mod certificate;
pub mod certify;
pub mod chip;
pub mod credential;
mod ek;
mod error;
pub mod eventlog;
mod kdf;
mod key;
pub mod legacy;
pub mod model;
mod name;
pub mod policy;
pub mod public;
mod reader;
pub mod signature;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use algorithm::{Curve, HashAlgorithm};
pub use attest::{
	verify_quote, verify_quote_of_any_clock, verify_time, ClockInfo, PcrSelection, QuoteAttestation, TimeAttestation,
	MAX_TIME_ATTEST_LEN,
};
pub use certify::{verify_certify, verify_creation, CertifyAttestation, CreationAttestation, CreationData};
pub use credential::{Challenge, Credential, Randomness, SEED_LEN};
pub use ek::EndorsementKey;
pub use error::Error;
pub use eventlog::EventLog;
pub use key::AttestationKey;
pub use name::{Name, MAX_NAME_LEN, RH_ENDORSEMENT, RH_OWNER};
pub use policy::{AllowedPcrs, Boot, PcrRule, PlatformEvidence, PlatformPolicy};
pub use public::{PublicArea, MAX_AK_PUBLIC_LEN};
pub use signature::{Signature, MAX_SIGNATURE_LEN};
