//! A manufacturer in software: certificates and revocation lists that take the longest to verify.
//!
//! Real paths have two or three certificates with RSA keys. What the rules admit is far more: P-521 everywhere, and as
//! many signatures that do not fit before each that does as the verifier tries at all
//! ([`ep_tpm::certificate::MAX_SIGNATURE_CHECKS`]). An applicant chooses most of that.

use alloc::{vec, vec::Vec};
use ep_tpm::{
	certificate::{AttributeText, Manufacturer, Role, StoredCertificate, MAX_ATTRIBUTE_LEN},
	model::{DenyRule, Denylist, EkKind, Tier, TierRule, TierTable, MAX_MODEL_RULES},
	HashAlgorithm,
};
use ep_trust::{application::MAX_INTERMEDIATES, CertificateBytes};
use p521::ecdsa::{
	signature::{
		hazmat::RandomizedPrehashSigner,
		rand_core::{CryptoRng, Error, RngCore},
	},
	Signature, SigningKey, VerifyingKey,
};

use super::chip::Chip;
use crate::List;

/// The name of every CA of the path: whoever has it may have issued whatever it issued, until its key is tried.
pub(super) const CA: u8 = 0;
/// Certificates with one subject in the store, at most.
const ROOTS: u8 = 4;
/// CAs between a root and the endorsement key, so that 24 signatures are looked at: below each stand four roots and one
/// of these, but below the last, which the fourth root signed.
pub(super) const LINKS: u8 = 4;

/// Issuers of revocation lists beside [`CA`], numbered from 1: with it as many as the pallet asks for.
pub(super) const STRANGERS: u8 = 15;

const MAKER: [u8; 4] = *b"SLOW";

/// Bytes of an extension that says nothing, so that a certificate has almost the most that it may have.
const PADDING: usize = 3_300;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
	let contents = parts.concat();
	let len = (contents.len() as u32).to_be_bytes();
	let head = match contents.len() {
		0..=0x7f => vec![tag, len[3]],
		0x80..=0xff => vec![tag, 0x81, len[3]],
		0x100..=0xffff => vec![tag, 0x82, len[2], len[3]],
		_ => vec![tag, 0x83, len[1], len[2], len[3]],
	};
	[head, contents].concat()
}

fn attribute(kind: &[u8], text: &[u8]) -> Vec<u8> {
	tlv(SET, &[&tlv(SEQUENCE, &[&tlv(OID, &[kind]), &tlv(UTF8_STRING, &[text])])])
}

/// The name number `n`.
fn name(n: u8) -> Vec<u8> {
	tlv(SEQUENCE, &[&attribute(&[0x55, 0x04, 0x03], &[b'A' + n / 16, b'A' + n % 16])])
}

/// Under which what has this name as its subject is stored.
pub(super) fn name_hash(n: u8) -> [u8; 32] {
	ep_tpm::certificate::name_hash(&name(n)).expect("it is a name")
}

fn extension(kind: &[u8], value: &[u8]) -> Vec<u8> {
	tlv(SEQUENCE, &[&tlv(OID, &[kind]), &tlv(OCTET_STRING, &[value])])
}

/// `ecdsa-with-SHA512`.
fn algorithm() -> Vec<u8> {
	tlv(SEQUENCE, &[&tlv(OID, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04]])])
}

/// The same bytes for ever: these keys keep no secret.
struct Always;

impl RngCore for Always {
	fn next_u32(&mut self) -> u32 {
		1
	}

	fn next_u64(&mut self) -> u64 {
		1
	}

	fn fill_bytes(&mut self, bytes: &mut [u8]) {
		bytes.fill(1);
	}

	fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
		self.fill_bytes(bytes);
		Ok(())
	}
}

impl CryptoRng for Always {}

/// The private key number `n`.
fn key(n: u8) -> SigningKey {
	let mut secret = [0x21; 66];
	secret[..2].copy_from_slice(&[0, n]);
	SigningKey::from_slice(&secret).expect("the secret is below the order of P-521")
}

/// Signs what is to be signed of a certificate or list; without a key the signature is none.
fn signed(contents: &[u8], key: Option<&SigningKey>) -> Vec<u8> {
	let signature = key.map_or_else(Vec::new, |key| {
		let digest = HashAlgorithm::Sha512.digest(&[contents]);
		let signature: Signature =
			key.sign_prehash_with_rng(&mut Always, &digest).expect("the digest is long enough for P-521");
		// A byte before each keeps the numbers positive where they need it, and nothing else may stand there.
		let number = |bytes: &[u8]| {
			let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
			let bytes = &bytes[zeros..];
			let sign: &[u8] = if bytes[0] >= 0x80 { &[0] } else { &[] };
			tlv(INTEGER, &[sign, bytes])
		};
		let (r, s) = signature.split_bytes();
		tlv(SEQUENCE, &[&number(&r), &number(&s)])
	});
	tlv(SEQUENCE, &[contents, &algorithm(), &tlv(BIT_STRING, &[&[0], &signature])])
}

/// A certificate of `subject` for a point on the curve with this identifier.
fn certificate(
	subject: u8,
	issuer: u8,
	(curve, point): (&[u8], &[u8]),
	extensions: &[u8],
	by: Option<&SigningKey>,
) -> CertificateBytes {
	let version = tlv(0xa0, &[&tlv(INTEGER, &[&[2]])]);
	let validity = tlv(SEQUENCE, &[&tlv(UTC_TIME, &[b"000101000000Z"]), &tlv(GENERALIZED_TIME, &[b"99991231235959Z"])]);
	let kind = tlv(SEQUENCE, &[&tlv(OID, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]]), &tlv(OID, &[curve])]);
	let info = tlv(SEQUENCE, &[&kind, &tlv(BIT_STRING, &[&[0, 4], point])]);
	let padding = extension(&[0x2b, 0x06, 0x01, 0x04, 0x01, 0x86, 0x8d, 0x1f, 0x01], &[0; PADDING]);
	let extensions = tlv(0xa3, &[&tlv(SEQUENCE, &[extensions, &padding])]);
	let (subject, issuer) = (name(subject), name(issuer));
	let serial = tlv(INTEGER, &[&[1]]);
	let contents = tlv(SEQUENCE, &[&version, &serial, &algorithm(), &issuer, &validity, &subject, &info, &extensions]);
	signed(&contents, by).try_into().expect("within the bound")
}

/// The certificate of the CA with the key number `of`.
fn ca(subject: u8, issuer: u8, of: u8, by: Option<&SigningKey>) -> CertificateBytes {
	let point = VerifyingKey::from(&key(of)).to_encoded_point(false);
	let is_ca = extension(&[0x55, 0x1d, 0x13], &tlv(SEQUENCE, &[&[0x01, 0x01, 0xff]]));
	// keyCertSign and cRLSign.
	let usage = extension(&[0x55, 0x1d, 0x0f], &tlv(BIT_STRING, &[&[1, 0x06]]));
	let curve = &[0x2b, 0x81, 0x04, 0x00, 0x23];
	certificate(subject, issuer, (curve, &point.as_bytes()[1..]), &[is_ca, usage].concat(), by)
}

/// The certificate of a root, self-signed.
pub(super) fn root(n: u8) -> CertificateBytes {
	ca(CA, CA, n, Some(&key(n)))
}

/// All roots: four of one name.
pub(super) fn roots() -> Vec<StoredCertificate> {
	(0..ROOTS).map(|n| StoredCertificate { role: Role::Root, certificate: root(n) }).collect()
}

/// Four certificates in the store with this subject, one of the [`STRANGERS`]. Nothing in the path is theirs: they lead
/// to revocation lists, of the one to the others, and nobody looks at their signatures.
pub(super) fn strangers(subject: u8) -> Vec<StoredCertificate> {
	let issuers = (0..ROOTS).map(|n| (subject * 4 - 1 + n) % STRANGERS + 1);
	issuers
		.map(|issuer| StoredCertificate { role: Role::Intermediate, certificate: ca(subject, issuer, ROOTS, None) })
		.collect()
}

/// The certificate of a chip, and what lies above it up to the last root: `links` CAs, after as many certificates that
/// fit nowhere, with the issuers 1 and 2, as there is room for.
pub(super) fn path(chip: &Chip, links: u8) -> (CertificateBytes, Vec<CertificateBytes>) {
	// keyAgreement; the purpose of an endorsement key; the alternative name.
	let usage = extension(&[0x55, 0x1d, 0x0f], &tlv(BIT_STRING, &[&[3, 0x08]]));
	let purpose = extension(&[0x55, 0x1d, 0x25], &tlv(SEQUENCE, &[&tlv(OID, &[&[0x67, 0x81, 0x05, 0x08, 0x01]])]));
	let of_tpm = |last, text: &[u8]| attribute(&[0x67, 0x81, 0x05, 0x02, last], text);
	// [`MAKER`] in hexadecimal.
	let identity =
		tlv(SEQUENCE, &[&of_tpm(1, b"id:534C4F57"), &of_tpm(2, model(b'm').as_bytes()), &of_tpm(3, b"id:01")]);
	let identity = extension(&[0x55, 0x1d, 0x11], &tlv(SEQUENCE, &[&tlv(0xa4, &[&identity])]));
	let curve = &[0x2b, 0x81, 0x04, 0x00, 0x22];
	let extensions = [usage, purpose, identity].concat();
	// Which key is above by `n` links: the last root's, where there are no more.
	let link = |n: u8| if n < links { ROOTS + n } else { ROOTS - 1 };
	let own = certificate(3, CA, (curve, &chip.ek_point()), &extensions, Some(&key(link(0))));
	let mut above: Vec<_> = (links..MAX_INTERMEDIATES as u8).map(|n| ca(100 + n, n % 2 + 1, ROOTS, None)).collect();
	above.extend((0..links).map(|n| ca(CA, CA, link(n), Some(&key(link(n + 1))))));
	(own, above)
}

/// The longest list of this issuer, signed by the root that is tried last.
pub(super) fn list(issuer: u8, number: u8) -> List {
	// Revoked in 2020, without a reason: the shortest entry, so that there are the most.
	let entry = |n: u16| {
		let serial = n | 0x4000;
		tlv(SEQUENCE, &[&tlv(INTEGER, &[&serial.to_be_bytes()]), &tlv(UTC_TIME, &[b"200101000000Z"])])
	};
	let entries: Vec<u8> = (0..3_108).flat_map(entry).collect();
	let number = extension(&[0x55, 0x1d, 0x14], &tlv(INTEGER, &[&[number]]));
	let contents = tlv(
		SEQUENCE,
		&[
			&tlv(INTEGER, &[&[1]]),
			&algorithm(),
			&name(issuer),
			&tlv(UTC_TIME, &[b"200101000000Z"]),
			&tlv(SEQUENCE, &[&entries]),
			&tlv(0xa0, &[&tlv(SEQUENCE, &[&number])]),
		],
	);
	signed(&contents, Some(&key(ROOTS - 1))).try_into().expect("within the bound")
}

/// A model's name of full length, with this last letter.
fn model(last: u8) -> alloc::string::String {
	let mut name = vec![b'm'; MAX_ATTRIBUTE_LEN as usize];
	name[MAX_ATTRIBUTE_LEN as usize - 1] = last;
	alloc::string::String::from_utf8(name).expect("letters are text")
}

/// A full table, whose last line alone fits.
pub(super) fn tiers() -> TierTable {
	let rule = |n: u32| {
		let last = if n + 1 < MAX_MODEL_RULES { b'x' } else { b'm' };
		let model = AttributeText::new(&model(last)).expect("within the bound");
		TierRule { manufacturer: Manufacturer(MAKER), model, tier: Tier::Discrete, ek: EkKind::Ecc }
	};
	TierTable((0..MAX_MODEL_RULES).map(rule).collect::<Vec<_>>().try_into().expect("within the bound"))
}

/// A full list, of which no line fits, and every line nearly.
pub(super) fn denied() -> Denylist {
	let text = AttributeText::new(&model(b'm')).expect("within the bound");
	let rule = DenyRule {
		manufacturer: Manufacturer(MAKER),
		model: text.clone(),
		from: u64::MAX,
		to: u64::MAX,
		advisory: text,
	};
	Denylist(vec![rule; MAX_MODEL_RULES as usize].try_into().expect("within the bound"))
}
