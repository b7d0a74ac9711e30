//! The forger's certificates and lists: DER in which every field can be wrong, signed by keys that sign anything.

use ep_tpm::certificate::{
	verify_ek, EndorsementKey, Error, Policy, RevocationList, Role, StoredCertificate, TrustStore,
};
use p256::ecdsa::{signature::hazmat::PrehashSigner, SigningKey};

use super::rsa_signer;

/// Some time in the validity of everything: 2024-01-01.
pub const NOW: u64 = 1_704_067_200;

pub const SHA256_ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
pub const PURPOSES: &[u8] = &[0x55, 0x1d, 0x25];
pub const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
pub const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
pub const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 0x0e];
pub const ISSUER_KEY: &[u8] = &[0x55, 0x1d, 0x23];
pub const EK_PURPOSE: &[u8] = &[0x67, 0x81, 0x05, 0x08, 0x01];

/// Tag, length, contents.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
	let len = contents.len();
	let header = match len {
		0..=0x7f => vec![tag, len as u8],
		0x80..=0xff => vec![tag, 0x81, len as u8],
		0x100..=0xffff => vec![tag, 0x82, (len >> 8) as u8, len as u8],
		_ => vec![tag, 0x83, (len >> 16) as u8, (len >> 8) as u8, len as u8],
	};
	[header, contents.to_vec()].concat()
}

/// A SEQUENCE of these elements.
pub fn seq(elements: &[&[u8]]) -> Vec<u8> {
	tlv(0x30, &elements.concat())
}

/// An INTEGER that is not negative.
pub fn unsigned(number: &[u8]) -> Vec<u8> {
	let sign: &[u8] = if number.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
	tlv(2, &[sign, number].concat())
}

/// A `Name` of one common name.
pub fn name(text: &str) -> Vec<u8> {
	name_as(0x0c, text)
}

/// The same with this string type.
pub fn name_as(tag: u8, text: &str) -> Vec<u8> {
	seq(&[&tlv(0x31, &attribute(&[0x55, 0x04, 0x03], tag, text))])
}

/// An `AttributeTypeAndValue`.
pub fn attribute(kind: &[u8], tag: u8, text: &str) -> Vec<u8> {
	seq(&[&tlv(6, kind), &tlv(tag, text.as_bytes())])
}

/// An `Extension`.
pub fn extension(kind: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
	let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
	seq(&[&tlv(6, kind), critical, &tlv(4, value)])
}

pub fn basic_constraints(ca: bool, path_len: Option<u8>) -> Vec<u8> {
	let ca: &[u8] = if ca { &[1, 1, 0xff] } else { &[] };
	let path_len = path_len.map_or(vec![], |len| tlv(2, &[len]));
	extension(BASIC_CONSTRAINTS, true, &seq(&[ca, &path_len]))
}

/// `keyUsage` with this first byte: 0x80 digitalSignature, 0x20 keyEncipherment, 0x08 keyAgreement, 0x04 keyCertSign,
/// 0x02 cRLSign.
pub fn key_usage(bits: u8) -> Vec<u8> {
	extension(KEY_USAGE, true, &tlv(3, &[bits.trailing_zeros().min(7) as u8, bits]))
}

pub fn purposes(purposes: &[&[u8]]) -> Vec<u8> {
	let list: Vec<u8> = purposes.iter().flat_map(|purpose| tlv(6, purpose)).collect();
	extension(PURPOSES, false, &tlv(0x30, &list))
}

/// The `Name` of a TPM, in one RDN an attribute.
pub fn tpm_name(attributes: &[(u8, &str)]) -> Vec<u8> {
	let rdns: Vec<u8> = attributes
		.iter()
		.flat_map(|(last, text)| tlv(0x31, &attribute(&[0x67, 0x81, 0x05, 0x02, *last], 0x0c, text)))
		.collect();
	tlv(0x30, &rdns)
}

/// An alternative name of this directory name.
pub fn alternative_name(name: &[u8]) -> Vec<u8> {
	extension(ALTERNATIVE_NAME, true, &seq(&[&tlv(0xa4, name)]))
}

pub const TPM: &[(u8, &str)] = &[(1, "id:4E544300"), (2, "NPCT75x"), (3, "id:00070002")];

/// A P-256 key in software, one a number.
pub fn signer(number: u8) -> SigningKey {
	SigningKey::from_slice(&[number; 32]).unwrap()
}

/// `SubjectPublicKeyInfo` of [`signer`].
pub fn ec_key(number: u8) -> Vec<u8> {
	let point = signer(number).verifying_key().to_encoded_point(false);
	ec_info(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], point.as_bytes())
}

pub fn ec_info(curve: &[u8], point: &[u8]) -> Vec<u8> {
	let algorithm = seq(&[&tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]), &tlv(6, curve)]);
	seq(&[&algorithm, &tlv(3, &[&[0], point].concat())])
}

/// `SubjectPublicKeyInfo` of the software RSA key.
pub fn rsa_key() -> Vec<u8> {
	use rsa::traits::PublicKeyParts;
	rsa_info(0x01, &rsa_signer().n().to_bytes_be(), &[1, 0, 1])
}

/// `SubjectPublicKeyInfo` with the algorithm 1.2.840.113549.1.1.`last`.
pub fn rsa_info(last: u8, modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
	let algorithm = seq(&[&tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last]), &[5, 0]]);
	let key = seq(&[&unsigned(modulus), &unsigned(exponent)]);
	seq(&[&algorithm, &tlv(3, &[&[0][..], &key].concat())])
}

/// `AlgorithmIdentifier` without parameters.
pub fn algorithm(oid: &[u8]) -> Vec<u8> {
	seq(&[&tlv(6, oid)])
}

/// A certificate with every field open. Elements are whole: tag, length, contents.
#[derive(Clone)]
pub struct Forge {
	pub version: Vec<u8>,
	pub serial: Vec<u8>,
	pub signed_algorithm: Vec<u8>,
	pub algorithm: Vec<u8>,
	pub issuer: Vec<u8>,
	pub not_before: Vec<u8>,
	pub not_after: Vec<u8>,
	pub subject: Vec<u8>,
	pub key: Vec<u8>,
	pub unique_ids: Vec<u8>,
	pub extensions: Vec<Vec<u8>>,
	pub tail: Vec<u8>,
	/// Number of the key that signs.
	pub signer: u8,
}

impl Forge {
	fn new(issuer: &str, signer: u8, subject: Vec<u8>, key: Vec<u8>, extensions: Vec<Vec<u8>>) -> Self {
		Self {
			version: tlv(0xa0, &tlv(2, &[2])),
			serial: tlv(2, &[0x11]),
			signed_algorithm: algorithm(SHA256_ECDSA),
			algorithm: algorithm(SHA256_ECDSA),
			issuer: name(issuer),
			not_before: tlv(0x17, b"200101000000Z"),
			not_after: tlv(0x17, b"300101000000Z"),
			subject,
			key,
			unique_ids: vec![],
			extensions,
			tail: vec![],
			signer,
		}
	}

	/// The certificate of an ECC EK (key 9), issued by "CA" (key 2).
	pub fn ek() -> Self {
		let extensions = vec![
			basic_constraints(false, None),
			key_usage(0x08),
			purposes(&[EK_PURPOSE]),
			alternative_name(&tpm_name(TPM)),
		];
		Self::new("CA", 2, tlv(0x30, &[]), ec_key(9), extensions)
	}

	/// A CA by this name with this key, issued by `issuer`.
	pub fn ca(subject: &str, key: u8, issuer: &str, signer: u8) -> Self {
		Self::new(issuer, signer, name(subject), ec_key(key), vec![basic_constraints(true, None), key_usage(0x06)])
	}

	/// "Root", of key 1.
	pub fn root() -> Self {
		Self::ca("Root", 1, "Root", 1)
	}

	/// "CA", of key 2, issued by "Root".
	pub fn intermediate() -> Self {
		Self::ca("CA", 2, "Root", 1)
	}

	/// The same with something wrong.
	pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
		change(&mut self);
		self.bytes()
	}

	/// Replaces, adds (`Some`) or drops (`None`) the extension of this kind.
	pub fn set(&mut self, kind: &[u8], extension: Option<Vec<u8>>) {
		let of_kind = tlv(6, kind);
		self.extensions.retain(|other| !other[2..].starts_with(&of_kind) && !other[3..].starts_with(&of_kind));
		self.extensions.extend(extension);
	}

	pub fn to_be_signed(&self) -> Vec<u8> {
		let validity = seq(&[&self.not_before, &self.not_after]);
		let extensions = match self.extensions.is_empty() {
			true => vec![],
			false => tlv(0xa3, &tlv(0x30, &self.extensions.concat())),
		};
		seq(&[
			&self.version,
			&self.serial,
			&self.signed_algorithm,
			&self.issuer,
			&validity,
			&self.subject,
			&self.key,
			&self.unique_ids,
			&extensions,
			&self.tail,
		])
	}

	pub fn bytes(&self) -> Vec<u8> {
		let signed = self.to_be_signed();
		seq(&[&signed, &self.algorithm, &tlv(3, &[&[0][..], &ecdsa(self.signer, &signed)].concat())])
	}
}

/// DER of an ECDSA signature with SHA-256 by [`signer`].
pub fn ecdsa(number: u8, message: &[u8]) -> Vec<u8> {
	let digest = ep_tpm::HashAlgorithm::Sha256.digest(&[message]);
	let signature: p256::ecdsa::Signature = signer(number).sign_prehash(&digest).unwrap();
	let half = |bytes: &[u8]| {
		let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
		unsigned(&bytes[zeros..])
	};
	seq(&[&half(&signature.r().to_bytes()), &half(&signature.s().to_bytes())])
}

/// A store of these roots.
pub fn store(roots: &[&[u8]]) -> TrustStore {
	let mut store = TrustStore::default();
	for root in roots {
		store.insert(StoredCertificate::new(Role::Root, root).unwrap()).unwrap();
	}
	store
}

/// What becomes of an EK certificate by way of these CAs, where "Root" is trusted.
pub fn judge(ek: &[u8], candidates: &[&[u8]]) -> Result<EndorsementKey, Error> {
	verify_ek(ek, candidates, &store(&[&Forge::root().bytes()]), &Policy::at(NOW))
}

/// What becomes of an EK certificate by way of "CA".
pub fn judge_ek(change: impl FnOnce(&mut Forge)) -> Result<EndorsementKey, Error> {
	judge(&Forge::ek().with(change), &[&Forge::intermediate().bytes()])
}

/// What becomes of a good EK certificate if something is wrong with "CA".
pub fn judge_ca(change: impl FnOnce(&mut Forge)) -> Result<EndorsementKey, Error> {
	judge(&Forge::ek().bytes(), &[&Forge::intermediate().with(change)])
}

/// A revocation list with every field open.
#[derive(Clone)]
pub struct ForgeList {
	pub version: Vec<u8>,
	pub signed_algorithm: Vec<u8>,
	pub algorithm: Vec<u8>,
	pub issuer: Vec<u8>,
	pub this_update: Vec<u8>,
	pub next_update: Vec<u8>,
	pub entries: Vec<Vec<u8>>,
	pub extensions: Vec<Vec<u8>>,
	pub tail: Vec<u8>,
	pub signer: u8,
}

impl ForgeList {
	/// The list of "CA", of the last day of 2023, number 5, which revokes 0x22.
	pub fn new() -> Self {
		Self {
			version: tlv(2, &[1]),
			signed_algorithm: algorithm(SHA256_ECDSA),
			algorithm: algorithm(SHA256_ECDSA),
			issuer: name("CA"),
			this_update: tlv(0x17, b"231231000000Z"),
			next_update: tlv(0x17, b"240131000000Z"),
			entries: vec![entry(&[0x22], &[])],
			extensions: vec![number(&[5])],
			tail: vec![],
			signer: 2,
		}
	}

	pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
		change(&mut self);
		self.bytes()
	}

	pub fn bytes(&self) -> Vec<u8> {
		let optional = |tag: u8, elements: &[Vec<u8>]| match elements.is_empty() {
			true => vec![],
			false => tlv(tag, &elements.concat()),
		};
		let extensions = match self.extensions.is_empty() {
			true => vec![],
			false => tlv(0xa0, &tlv(0x30, &self.extensions.concat())),
		};
		let signed = seq(&[
			&self.version,
			&self.signed_algorithm,
			&self.issuer,
			&self.this_update,
			&self.next_update,
			&optional(0x30, &self.entries),
			&extensions,
			&self.tail,
		]);
		seq(&[&signed, &self.algorithm, &tlv(3, &[&[0][..], &ecdsa(self.signer, &signed)].concat())])
	}
}

/// An entry of a list.
pub fn entry(serial: &[u8], extensions: &[&[u8]]) -> Vec<u8> {
	let extensions = if extensions.is_empty() { vec![] } else { seq(extensions) };
	seq(&[&tlv(2, serial), &tlv(0x17, b"231230000000Z"), &extensions])
}

/// `cRLNumber`.
pub fn number(number: &[u8]) -> Vec<u8> {
	extension(&[0x55, 0x1d, 0x14], false, &unsigned(number))
}

/// What becomes of a good path under this list.
pub fn judge_list(list: &[u8], grace: Option<u64>) -> Result<EndorsementKey, Error> {
	let lists = [RevocationList::parse(list)?];
	let policy = Policy { lists: &lists, list_grace: grace, ..Policy::at(NOW) };
	let ca = Forge::intermediate().bytes();
	verify_ek(&Forge::ek().bytes(), &[&ca], &store(&[&Forge::root().bytes()]), &policy)
}
