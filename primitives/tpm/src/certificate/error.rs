//! Why a certificate, a path or a revocation list was refused: one variant a rule.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Declares the rules once: the variant, its number, its name, and what it means to break it.
macro_rules! rules {
	($($variant:ident, $number:literal, $name:literal, $text:literal;)*) => {
		/// The rule that was broken. The rules are numbered and explained in the
		/// [module documentation](crate::certificate#rules).
		#[derive(
			Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen,
			TypeInfo, thiserror::Error,
		)]
		#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
		pub enum Error {
			$(
				#[doc = concat!($number, " *", $name, "*: ", $text, ".")]
				#[error("{}: {}", $name, $text)]
				$variant,
			)*
		}

		impl Error {
			/// Every rule, in the order of the documentation.
			pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

			/// The number of the rule: `EK2`.
			pub const fn number(self) -> &'static str {
				match self { $(Self::$variant => $number,)* }
			}

			/// The name of the rule: `ek-key-usage`.
			pub const fn rule(self) -> &'static str {
				match self { $(Self::$variant => $name,)* }
			}

			/// What breaking it means.
			pub const fn meaning(self) -> &'static str {
				match self { $(Self::$variant => $text,)* }
			}
		}
	};
}

rules! {
	CertificateSize, "CF1", "certificate-size", "longer than any certificate may be here";
	Der, "CF2", "der", "an element is cut off, or not in its one encoding";
	CertificateTrailingBytes, "CF3", "certificate-trailing-bytes", "something follows the end of the structure";
	CertificateForm, "CF4", "certificate-form", "not the fields of a certificate, in their order and no others";
	Version, "CF5", "version", "not an X.509 version 3 certificate";
	SerialNumber, "CF6", "serial-number", "empty, or longer than 20 bytes";
	TimeForm, "CF7", "time-form", "a time that does not exist, or not in UTC to the second";
	NameForm, "CF8", "name-form", "not a sequence of sets of attributes";
	ExtensionForm, "CF9", "extension-form", "an extension that is known does not have its form";
	DuplicateExtension, "CF10", "duplicate-extension", "an extension occurs twice";
	AlgorithmsAgree, "CF11", "algorithms-agree", "the signed and the unsigned name of the signature algorithm differ";
	PublicKeyAlgorithm, "CK1", "public-key-algorithm", "neither a plain RSA key nor one on P-256, P-384 or P-521";
	PublicKeyForm, "CK2", "public-key-form", "not a key of its algorithm: an even modulus, or a point that is not on its curve";
	RsaSize, "CK3", "rsa-size", "an RSA key of a length that is not accepted";
	RsaExponent, "CK4", "certificate-rsa-exponent", "an RSA exponent that is not accepted";
	Roca, "CK5", "roca", "the modulus has the fingerprint of a key that can be factored (CVE-2017-15361)";
	WeakHash, "CS1", "weak-hash", "signed with SHA-1 or MD5, whose collisions are practical";
	SignatureAlgorithm, "CS2", "certificate-signature-algorithm", "neither RSASSA-PKCS1-v1_5 nor ECDSA with SHA-256, SHA-384 or SHA-512";
	SignatureForm, "CS3", "certificate-signature-form", "not a signature of its algorithm, or of another than the issuer's key";
	Signature, "CS4", "certificate-signature", "it does not verify under the issuer's key";
	EkNotCa, "EK1", "ek-not-ca", "an endorsement key's certificate says that it is a CA";
	EkKeyUsage, "EK2", "ek-key-usage", "the key may not be used as an endorsement key: no keyEncipherment (or, of ECC and Pluton's RSA, keyAgreement)";
	EkExtendedKeyUsage, "EK3", "ek-extended-key-usage", "it does not say that it is of an endorsement key (2.23.133.8.1)";
	TpmAttributes, "EK4", "tpm-attributes", "the alternative name does not have the TPM's manufacturer, model and version, each once";
	SameKey, "EK5", "same-key", "the public area has another key than the certificate";
	TrustedRoot, "CP1", "trusted-root", "an issuer is neither among the candidates nor in the store, so that no path ends at a trusted root";
	PathDepth, "CP2", "path-depth", "more certificates than a path may have";
	PathWork, "CP3", "path-work", "more candidates or signatures than will be looked at";
	NotCa, "CP4", "ca", "not the certificate of a CA, which every issuer's must be";
	CaKeyUsage, "CP5", "ca-key-usage", "an issuer's key may not sign certificates";
	CaExtendedKeyUsage, "CP6", "ca-extended-key-usage", "an issuer is limited to purposes among which endorsement keys are not";
	PathLength, "CP7", "path-length", "an issuer allows fewer CAs below it";
	CriticalExtension, "CP8", "critical-extension", "a critical extension that is not understood here";
	KeyIdentifier, "CP9", "key-identifier", "the issuer's key is not the one that the certificate names";
	NotYetValid, "CP10", "not-yet-valid", "the time lies before a certificate's validity";
	Expired, "CP11", "expired", "the time lies behind a certificate's validity";
	ListSize, "RL1", "list-size", "longer than a revocation list may be here";
	ListForm, "RL2", "list-form", "not the fields of a revocation list, in their order and no others";
	DeltaList, "RL3", "delta-list", "a delta list, which says nothing by itself";
	IndirectList, "RL4", "indirect-list", "an indirect list, which speaks about the certificates of other issuers";
	PartialList, "RL5", "partial-list", "a list of some reasons, or of attribute certificates, only";
	ListCriticalExtension, "RL6", "list-critical-extension", "a critical extension of a list or an entry that is not understood here";
	ListIssuer, "RL7", "list-issuer", "the list is not this issuer's";
	ListSigner, "RL8", "list-signer", "the issuer's key may not sign revocation lists";
	ListNotYetValid, "RL9", "list-not-yet-valid", "the list was made after the time that is asked for";
	ListStale, "RL10", "list-stale", "the next list is overdue for longer than the policy allows";
	ListRollback, "RL11", "list-rollback", "not newer than the list that it would replace";
	Revoked, "RL12", "revoked", "the issuer has revoked the certificate";
	ModelUnknown, "TM1", "model-known", "no tier is known for this manufacturer and model";
	ModelDenied, "TM2", "model-allowed", "this model with this firmware is known to be broken";
}
