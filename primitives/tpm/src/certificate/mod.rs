//! Certificates of endorsement keys: who vouches that a key lives in a genuine TPM.
//!
//! # Overview
//!
//! A manufacturer certifies the endorsement key (EK) of every chip. [`verify_ek`] follows such a certificate up to a root
//! that the verifier trusts, over the original bytes, and says which chip it is: the key, its hash, the manufacturer's
//! name for the model. [`examine_ek`] does the same and tells how each rule came out. [`RevocationList`] reads what a
//! manufacturer has revoked. Which models are good for what is the business of [`crate::model`].
//!
//! Sources: RFC 5280 (certificates, lists, paths), RFC 3279, 4055, 5480 and 5758 (algorithms), TCG EK Credential Profile
//! for TPM Family 2.0 (what an EK's certificate says).
//!
//! # Rules
//!
//! A certificate, a path or a list is accepted if and only if all rules that a function names hold. A rule has one
//! variant of [`Error`], and at least one test whose name begins with the rule's.
//!
//! *Form of a certificate* (RFC 5280, section 4.1):
//! - CF1 *certificate-size* ([`Error::CertificateSize`]): at most [`MAX_CERTIFICATE_LEN`] bytes.
//! - CF2 *der* ([`Error::Der`]): every element is whole, its length definite and in the shortest form.
//! - CF3 *certificate-trailing-bytes* ([`Error::CertificateTrailingBytes`]): nothing follows.
//! - CF4 *certificate-form* ([`Error::CertificateForm`]): the fields of a certificate, in order, and no others.
//! - CF5 *version* ([`Error::Version`]): version 3. An older one cannot say what it is for.
//! - CF6 *serial-number* ([`Error::SerialNumber`]): one to 20 bytes, not counting padding. Negative and zero ones occur,
//!   and RFC 5280 wants them handled gracefully.
//! - CF7 *time-form* ([`Error::TimeForm`]): times that exist, in UTC, to the second.
//! - CF8 *name-form* ([`Error::NameForm`]): sequences of sets of attributes; an issuer has at least one. The order
//!   inside a set is free, since Nuvoton's is not DER's.
//! - CF9 *extension-form* ([`Error::ExtensionForm`]): extensions that are known have their form; at most 32 in all.
//! - CF10 *duplicate-extension* ([`Error::DuplicateExtension`]): each occurs once. Otherwise two readers read two things.
//! - CF11 *algorithms-agree* ([`Error::AlgorithmsAgree`]): the algorithm beside the signature is the signed one.
//!
//! *Keys*, of an EK and of every CA:
//! - CK1 *public-key-algorithm* ([`Error::PublicKeyAlgorithm`]): rsaEncryption, or a named curve P-256, P-384 or P-521.
//!   Explicit curve parameters forge roots (CVE-2020-0601). Keys bound to PSS or OAEP by their identifier are refused.
//! - CK2 *public-key-form* ([`Error::PublicKeyForm`]): an odd modulus; an uncompressed point that is on the curve.
//! - CK3 *rsa-size* ([`Error::RsaSize`]): 2048 to 4096 bits; of an EK exactly 2048, 3072 or 4096.
//! - CK4 *certificate-rsa-exponent* ([`Error::RsaExponent`]): odd, 3 or more, at most 32 bits; of an EK 65537.
//! - CK5 *roca* ([`Error::Roca`]): without the fingerprint of CVE-2017-15361 ([`is_roca`]).
//!
//! *Signatures*:
//! - CS1 *weak-hash* ([`Error::WeakHash`]): not SHA-1 or MD5. (A root's own signature is not looked at in a path.)
//! - CS2 *certificate-signature-algorithm* ([`Error::SignatureAlgorithm`]): RSASSA-PKCS1-v1_5 or ECDSA with SHA-256,
//!   SHA-384 or SHA-512. RSASSA-PSS is refused as unsupported.
//! - CS3 *certificate-signature-form* ([`Error::SignatureForm`]): one of that algorithm, by a key of its type.
//! - CS4 *certificate-signature* ([`Error::Signature`]): it verifies over the bytes as they came.
//!
//! *Profile of an EK*:
//! - EK1 *ek-not-ca* ([`Error::EkNotCa`]): no CA.
//! - EK2 *ek-key-usage* ([`Error::EkKeyUsage`]): keyEncipherment for RSA, keyAgreement for ECC; RSA with keyAgreement is
//!   Pluton's. keyUsage must be there: Google's AK certificates have the EK's purpose, and differ by keyUsage alone.
//! - EK3 *ek-extended-key-usage* ([`Error::EkExtendedKeyUsage`]): 2.23.133.8.1 is among the purposes. The profile has
//!   the extension for this purpose; a certificate without it says nowhere that its key is an EK, and whoever has any
//!   key certified under the same CA would have a chip. (Google's newer CA issues such certificates for EK and AK alike,
//!   without naming the TPM either: they are refused.)
//! - EK4 *tpm-attributes* ([`Error::TpmAttributes`]): the alternative name has tpmManufacturer (`id:` and eight
//!   hexadecimal digits), tpmModel and tpmVersion, each once, of at most [`MAX_ATTRIBUTE_LEN`] bytes.
//! - EK5 *same-key* ([`Error::SameKey`]): a public area that is said to be the EK's has the certified key.
//!
//! *Path* (RFC 5280, section 6.1), from the EK's certificate to a root of the store:
//! - CP1 *trusted-root* ([`Error::TrustedRoot`]): there is an issuer by name, and the last is a root of the store.
//! - CP2 *path-depth* ([`Error::PathDepth`]): at most [`MAX_PATH_CERTIFICATES`] (no path has one twice).
//! - CP3 *path-work* ([`Error::PathWork`]): at most [`MAX_CANDIDATES`] and [`MAX_SIGNATURE_CHECKS`].
//! - CP4 *ca* ([`Error::NotCa`]): every issuer has basicConstraints with cA. Otherwise any EK could issue EKs.
//! - CP5 *ca-key-usage* ([`Error::CaKeyUsage`]): and, if it has keyUsage, keyCertSign.
//! - CP6 *ca-extended-key-usage* ([`Error::CaExtendedKeyUsage`]): and, if it has extKeyUsage, 2.23.133.8.1 or any.
//! - CP7 *path-length* ([`Error::PathLength`]): and, if it has pathLenConstraint, no more CAs below it than that.
//! - CP8 *critical-extension* ([`Error::CriticalExtension`]): of every certificate. Name and policy constraints are not
//!   understood here, so that critical ones refuse.
//! - CP9 *key-identifier* ([`Error::KeyIdentifier`]): authorityKeyIdentifier and the issuer's subjectKeyIdentifier are
//!   equal where both are there.
//! - CP10 *not-yet-valid* ([`Error::NotYetValid`]) and CP11 *expired* ([`Error::Expired`]): every certificate is valid at
//!   the time asked for, the root too; the EK's own at [`Policy::ek_at`] if that is set.
//!
//! *Revocation lists* (RFC 5280, section 5): [`RevocationList`]
//! - RL1 *list-size* ([`Error::ListSize`]): at most [`MAX_LIST_LEN`] bytes.
//! - RL2 *list-form* ([`Error::ListForm`]): the fields of a list, in order, and no others.
//! - RL3 *delta-list* ([`Error::DeltaList`]), RL4 *indirect-list* ([`Error::IndirectList`]) and RL5 *partial-list*
//!   ([`Error::PartialList`]): complete, of the issuer's own certificates, for all reasons.
//! - RL6 *list-critical-extension* ([`Error::ListCriticalExtension`]): no other critical extension.
//! - RL7 *list-issuer* ([`Error::ListIssuer`]): by name and, where both say which, by key.
//! - RL8 *list-signer* ([`Error::ListSigner`]): if the issuer has keyUsage, cRLSign.
//! - RL9 *list-not-yet-valid* ([`Error::ListNotYetValid`]) and RL10 *list-stale* ([`Error::ListStale`]): made before now,
//!   and the next one not overdue for longer than the policy says, if it says anything.
//! - RL11 *list-rollback* ([`Error::ListRollback`]): a higher number than the list that it replaces, and no older.
//! - RL12 *revoked* ([`Error::Revoked`]): a certificate of the path is in no list of its issuer.
//!
//! # Attacks
//!
//! - *Leaf as CA*: the holder of a genuine EK certificate issues certificates with it (CP4, CP5).
//! - *Another key of the manufacturer's PKI*: an attestation key, a platform certificate or a TLS server's key passes for
//!   an EK (EK2, EK3, CP6).
//! - *Two readings*: duplicate extensions (CF10), bytes behind (CF3), lengths in two forms (CF2), a signed and an unsigned
//!   algorithm (CF11), a signature over anything but the original bytes (CS4).
//! - *Forged keys*: collisions (CS1), explicit curves (CK1), factored moduli (CK5).
//! - *One chip, many certificates*: the chip is known by its key's hash ([`CertifiedKey::hash`]).
//! - *Rolled-back list*: RL11. *Withheld list*: RL10, as far as the policy dares.
//! - *Resource exhaustion*: candidates that all have the same name, loops of cross-signed CAs (CP2, CP3), sizes (CF1, RL1).
//!
//! # Panics
//!
//! None, for any input.

mod der;
mod ek;
mod error;
mod extension;
mod identity;
mod key;
mod list;
mod name;
mod nv;
mod oid;
mod parse;
mod path;
mod roca;
mod signature;
mod store;
mod time;

pub use ek::{examine_ek, verify_ek, EndorsementKey, Finding, Outcome, Scope};
pub use error::Error;
pub use identity::{AttributeText, Manufacturer, Specification, TpmIdentity, MAX_ATTRIBUTE_LEN};
pub use key::{CertifiedKey, NistCurve};
pub use list::{RevocationList, MAX_LIST_LEN};
pub use name::{describe_name, name_hash};
pub use nv::trim_nv;
pub use parse::{Certificate, Fingerprint, MAX_CERTIFICATE_LEN};
pub use path::{Policy, MAX_CANDIDATES, MAX_PATH_CERTIFICATES, MAX_SIGNATURE_CHECKS};
pub use roca::is_roca;
pub use store::{NotInserted, Role, Store, StoredCertificate, TrustStore, MAX_STORE_LEN};
