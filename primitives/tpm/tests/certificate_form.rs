//! Forgers of certificates, by rule: form, keys, signatures (CF, CK, CS).

mod common;

use common::x509::*;
use ep_tpm::certificate::{is_roca, trim_nv, verify_ek, Certificate, CertifiedKey, Error, Policy, MAX_CERTIFICATE_LEN};
use rsa::traits::PublicKeyParts;

fn parse(change: impl FnOnce(&mut Forge)) -> Result<(), Error> {
	Certificate::parse(&Forge::ek().with(change)).map(|_| ())
}

#[test]
fn a_certificate_in_which_nothing_is_wrong_is_good() {
	let ek = judge_ek(|_| {}).unwrap();
	assert_eq!(ek.path.len(), 3);
	assert_eq!(ek.key_hash, ek.key.hash());
	assert_eq!(ek.tpm.describe(), "NTC NPCT75x id:00070002");
	assert_eq!(ek.tpm.firmware(), Some(0x0007_0002_0000_0000));
}

#[test]
fn certificate_size_refuses_more_than_any_certificate_needs() {
	let padded = |len: usize| {
		Forge::ek().with(|forge| forge.set(&[0x2a, 0x03], Some(extension(&[0x2a, 0x03], false, &vec![0; len]))))
	};
	let longest = (0..MAX_CERTIFICATE_LEN).rev().find(|len| padded(*len).len() <= MAX_CERTIFICATE_LEN).unwrap();
	assert!(Certificate::parse(&padded(longest)).is_ok());
	assert_eq!(Certificate::parse(&padded(longest + 3)).err(), Some(Error::CertificateSize));
}

#[test]
fn der_refuses_every_prefix() {
	let whole = Forge::ek().bytes();
	for len in 0..whole.len() {
		let error = Certificate::parse(&whole[..len]).unwrap_err();
		assert!(matches!(error, Error::Der | Error::CertificateForm), "{len}: {error}");
	}
}

#[test]
fn der_refuses_lengths_that_are_not_the_shortest_or_not_definite() {
	let serial = |bytes: &[u8]| parse(|forge| forge.serial = bytes.to_vec());
	assert_eq!(serial(&[2, 1, 5]), Ok(()));
	assert_eq!(serial(&[2, 0x81, 1, 5]), Err(Error::Der));
	assert_eq!(serial(&[2, 0x82, 0, 1, 5]), Err(Error::Der));
	assert_eq!(serial(&[2, 0x80, 5, 0, 0]), Err(Error::Der));
	assert_eq!(serial(&[2, 0x84, 0, 0, 0, 1, 5]), Err(Error::Der));
}

#[test]
fn certificate_trailing_bytes_refuses_what_follows_until_the_node_has_cut_it_off() {
	let whole = Forge::ek().bytes();
	for filler in [0xff, 0x00] {
		let padded = [whole.clone(), vec![filler; 100]].concat();
		assert_eq!(Certificate::parse(&padded), Err(Error::CertificateTrailingBytes));
		assert_eq!(trim_nv(&padded), Ok(whole.as_slice()));
	}
	assert_eq!(trim_nv(&[whole.clone(), vec![0xff, 0x00]].concat()), Err(Error::CertificateTrailingBytes));
	assert_eq!(trim_nv(&[whole.clone(), vec![0x30]].concat()), Err(Error::CertificateTrailingBytes));
	assert_eq!(trim_nv(&whole), Ok(whole.as_slice()));
	// The header of older chips.
	let header = [&[0x10, 0x01, 0x00][..], &(whole.len() as u16).to_be_bytes()].concat();
	assert_eq!(trim_nv(&[header.clone(), whole.clone(), vec![0xaa; 9]].concat()), Ok(whole.as_slice()));
	assert_eq!(trim_nv(&[header, whole[1..].to_vec()].concat()), Err(Error::Der));
	// And the tag behind it, which the length counts.
	let header = [&[0x10, 0x01, 0x00][..], &(whole.len() as u16 + 2).to_be_bytes(), &[0x10, 0x02]].concat();
	assert_eq!(trim_nv(&[header.clone(), whole.clone()].concat()), Ok(whole.as_slice()));
	assert_eq!(trim_nv(&header), Err(Error::Der));
	assert_eq!(trim_nv(&[0xff; 9]), Err(Error::CertificateForm));
}

#[test]
fn certificate_form_refuses_missing_and_surplus_fields() {
	assert_eq!(parse(|forge| forge.serial = vec![]), Err(Error::CertificateForm));
	assert_eq!(parse(|forge| forge.key = vec![]), Err(Error::CertificateForm));
	assert_eq!(parse(|forge| forge.subject = tlv(0x31, &[])), Err(Error::CertificateForm));
	assert_eq!(parse(|forge| forge.tail = tlv(4, b"more")), Err(Error::CertificateForm));
	assert_eq!(parse(|forge| forge.tail = tlv(0xa4, b"more")), Err(Error::CertificateForm));
	assert_eq!(parse(|forge| forge.version = tlv(0xa0, &tlv(4, &[2]))), Err(Error::CertificateForm));
	assert_eq!(Certificate::parse(&[0x31, 0]).err(), Some(Error::CertificateForm));
	// A signature with unused bits.
	let whole = Forge::ek().bytes();
	let signed = Forge::ek().to_be_signed();
	let bits = seq(&[&signed, &algorithm(SHA256_ECDSA), &tlv(3, &[&[4][..], &ecdsa(2, &signed)].concat())]);
	assert_eq!(Certificate::parse(&bits).err(), Some(Error::CertificateForm));
	assert_ne!(whole, bits);
	// RFC 5280 wants unique identifiers to be readable.
	assert!(judge_ek(|forge| forge.unique_ids = [tlv(0x81, &[0, 1]), tlv(0x82, &[0, 2])].concat()).is_ok());
}

#[test]
fn version_refuses_what_is_not_version_3() {
	assert_eq!(judge_ek(|forge| forge.version = tlv(0xa0, &tlv(2, &[1]))), Err(Error::Version));
	assert_eq!(judge_ek(|forge| forge.version = tlv(0xa0, &tlv(2, &[3]))), Err(Error::Version));
	let first = judge_ek(|forge| {
		forge.version = vec![];
		forge.extensions = vec![];
	});
	assert_eq!(first, Err(Error::Version));
	assert_eq!(judge_ca(|forge| forge.version = vec![]), Err(Error::Version));
}

#[test]
fn serial_number_refuses_none_and_more_than_20_bytes() {
	assert_eq!(parse(|forge| forge.serial = tlv(2, &[])), Err(Error::SerialNumber));
	assert_eq!(parse(|forge| forge.serial = tlv(2, &[0x7f; 21])), Err(Error::SerialNumber));
	assert_eq!(parse(|forge| forge.serial = tlv(2, &[&[0], &[0xff; 21][..]].concat())), Err(Error::SerialNumber));
	// What CAs of TPMs have issued: zero, negative, padded, and 20 bytes with a sign byte before them.
	for (serial, plain) in [
		(vec![0], vec![0]),
		(vec![0xf0], vec![0xf0]),
		(vec![0, 0, 0x11], vec![0x11]),
		(vec![0xff, 0xff, 0x80], vec![0x80]),
		([&[0], &[0xff; 20][..]].concat(), [&[0], &[0xff; 20][..]].concat()),
	] {
		let bytes = Forge::ek().with(|forge| forge.serial = tlv(2, &serial));
		assert_eq!(Certificate::parse(&bytes).unwrap().serial(), plain);
	}
}

#[test]
fn time_form_refuses_what_is_no_time() {
	assert_eq!(parse(|forge| forge.not_after = tlv(0x17, b"230229000000Z")), Err(Error::TimeForm));
	assert_eq!(parse(|forge| forge.not_after = tlv(0x18, b"20300101000000+0000")), Err(Error::TimeForm));
	assert_eq!(parse(|forge| forge.not_before = tlv(0x0c, b"200101000000Z")), Err(Error::TimeForm));
	assert!(judge_ek(|forge| forge.not_after = tlv(0x18, b"99991231235959Z")).is_ok());
}

#[test]
fn name_form_refuses_what_is_no_name_and_an_issuer_without_one() {
	for name in [
		tlv(0x30, &[]),
		seq(&[&tlv(0x31, &[])]),
		seq(&[&seq(&[])]),
		seq(&[&tlv(0x31, &seq(&[&tlv(6, &[0x55, 4, 3])]))]),
		seq(&[&tlv(0x31, &seq(&[&tlv(12, b"no type"), &tlv(12, b"x")]))]),
		seq(&[&tlv(0x31, &seq(&[&tlv(6, &[0x55, 4, 3]), &tlv(12, b"x"), &tlv(12, b"y")]))]),
	] {
		let error = parse(|forge| forge.issuer = name.clone()).unwrap_err();
		assert!(matches!(error, Error::NameForm | Error::Der), "{name:02x?}: {error}");
	}
	assert_eq!(parse(|forge| forge.subject = seq(&[&seq(&[])])), Err(Error::NameForm));
	// Nuvoton's: several attributes in one set, and not in the order of DER.
	let mut both = [attribute(&[0x55, 4, 10], 12, "Z"), attribute(&[0x55, 4, 3], 12, "A")];
	let in_this_order = seq(&[&tlv(0x31, &both.concat())]);
	both.reverse();
	let in_that_order = seq(&[&tlv(0x31, &both.concat())]);
	for (subject, issuer, result) in [
		(&in_this_order, &in_this_order, true),
		(&in_that_order, &in_that_order, true),
		(&in_this_order, &in_that_order, false),
	] {
		let ca = Forge::intermediate().with(|forge| forge.subject = subject.clone());
		let ek = Forge::ek().with(|forge| forge.issuer = issuer.clone());
		assert_eq!(judge(&ek, &[&ca]).is_ok(), result);
	}
}

#[test]
fn extension_form_refuses_extensions_that_are_not_what_they_say() {
	let with =
		|kind: &[u8], value: &[u8]| parse(|forge| forge.set(kind, Some(extension(kind, false, value)))).unwrap_err();
	assert_eq!(with(BASIC_CONSTRAINTS, &seq(&[&[1, 1, 1]])), Error::ExtensionForm, "true is 255");
	assert_eq!(with(BASIC_CONSTRAINTS, &seq(&[&tlv(2, &[0xff])])), Error::ExtensionForm, "negative length");
	assert_eq!(with(BASIC_CONSTRAINTS, &seq(&[&[1, 1, 0xff], &tlv(4, &[])])), Error::ExtensionForm);
	assert_eq!(with(BASIC_CONSTRAINTS, &[&seq(&[])[..], &[0]].concat()), Error::CertificateTrailingBytes);
	assert_eq!(with(KEY_USAGE, &tlv(3, &[])), Error::ExtensionForm);
	assert_eq!(with(KEY_USAGE, &tlv(3, &[8, 0x80])), Error::ExtensionForm);
	assert_eq!(with(KEY_USAGE, &tlv(3, &[3, 0x04])), Error::ExtensionForm, "unused bits are zero");
	assert_eq!(with(KEY_USAGE, &tlv(4, &[3, 0x08])), Error::ExtensionForm);
	assert_eq!(with(PURPOSES, &seq(&[])), Error::ExtensionForm);
	assert_eq!(with(PURPOSES, &seq(&[&tlv(2, &[1])])), Error::ExtensionForm);
	assert_eq!(with(SUBJECT_KEY, &tlv(2, &[1])), Error::ExtensionForm);
	assert_eq!(with(ISSUER_KEY, &seq(&[&tlv(0x83, &[1])])), Error::ExtensionForm);
	assert_eq!(parse(|forge| forge.extensions.push(seq(&[&tlv(4, b"no type")]))), Err(Error::ExtensionForm));
	let critical = seq(&[&tlv(6, &[0x2a, 3]), &[1, 1, 2], &tlv(4, &[])]);
	assert_eq!(parse(|forge| forge.extensions.push(critical)), Err(Error::ExtensionForm));
	let many =
		|count: u8| parse(|forge| forge.extensions.extend((0..count).map(|last| extension(&[0x2a, last], false, &[]))));
	assert_eq!(many(28), Ok(()));
	assert_eq!(many(29), Err(Error::ExtensionForm), "33 in all");
	// Intel writes the default out.
	let written_out = seq(&[&tlv(6, BASIC_CONSTRAINTS), &[1, 1, 0], &tlv(4, &seq(&[&[1, 1, 0]]))]);
	assert!(judge_ek(|forge| forge.set(BASIC_CONSTRAINTS, Some(written_out))).is_ok());
}

#[test]
fn duplicate_extension_refuses_two_of_one_kind() {
	assert_eq!(parse(|forge| forge.extensions.push(key_usage(0x80))), Err(Error::DuplicateExtension));
	let twice = [extension(&[0x2a, 3], false, &[]), extension(&[0x2a, 3], false, &[])];
	assert_eq!(parse(|forge| forge.extensions.extend(twice)), Err(Error::DuplicateExtension));
}

#[test]
fn algorithms_agree_refuses_an_unsigned_algorithm_of_its_own() {
	let sha384 = algorithm(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03]);
	assert_eq!(parse(|forge| forge.algorithm = sha384), Err(Error::AlgorithmsAgree));
	let with_null = seq(&[&tlv(6, SHA256_ECDSA), &[5, 0]]);
	assert_eq!(parse(|forge| forge.algorithm = with_null.clone()), Err(Error::AlgorithmsAgree));
	// Intel's root has NULL, in both places.
	let both = judge_ek(|forge| {
		forge.algorithm = with_null.clone();
		forge.signed_algorithm = with_null;
	});
	assert!(both.is_ok());
}

#[test]
fn public_key_algorithm_refuses_other_keys_and_curves() {
	let modulus = common::rsa_signer().n().to_bytes_be();
	// 7: RSAES-OAEP, as TPM 1.2 has it; 10: RSASSA-PSS.
	for last in [7, 10] {
		assert_eq!(judge_ek(|forge| forge.key = rsa_info(last, &modulus, &[1, 0, 1])), Err(Error::PublicKeyAlgorithm));
	}
	let point = signer(9).verifying_key().to_encoded_point(false);
	// secp256k1.
	let key = ec_info(&[0x2b, 0x81, 0x04, 0x00, 0x0a], point.as_bytes());
	assert_eq!(judge_ek(|forge| forge.key = key), Err(Error::PublicKeyAlgorithm));
	// Explicit parameters (CVE-2020-0601).
	let algorithm = seq(&[&tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]), &seq(&[&tlv(2, &[1])])]);
	let key = seq(&[&algorithm, &tlv(3, &[&[0], point.as_bytes()].concat())]);
	assert_eq!(judge_ek(|forge| forge.key = key), Err(Error::PublicKeyAlgorithm));
}

#[test]
fn public_key_form_refuses_points_off_the_curve_and_even_moduli() {
	let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
	let point = signer(9).verifying_key().to_encoded_point(false);
	let mut off = point.as_bytes().to_vec();
	off[64] ^= 1;
	assert_eq!(judge_ek(|forge| forge.key = ec_info(&curve, &off)), Err(Error::PublicKeyForm));
	let compressed = signer(9).verifying_key().to_encoded_point(true);
	assert_eq!(judge_ek(|forge| forge.key = ec_info(&curve, compressed.as_bytes())), Err(Error::PublicKeyForm));
	assert_eq!(judge_ek(|forge| forge.key = ec_info(&curve, &[0])), Err(Error::PublicKeyForm), "infinity");
	let mut modulus = common::rsa_signer().n().to_bytes_be();
	*modulus.last_mut().unwrap() &= 0xfe;
	assert_eq!(judge_ek(|forge| forge.key = rsa_info(1, &modulus, &[1, 0, 1])), Err(Error::PublicKeyForm));
	let negative = seq(&[&tlv(2, &modulus), &unsigned(&[1, 0, 1])]);
	let algorithm = seq(&[&tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 1]), &[5, 0]]);
	let key = seq(&[&algorithm, &tlv(3, &[&[0][..], &negative].concat())]);
	assert_eq!(CertifiedKey::parse(&key), Err(Error::PublicKeyForm));
}

fn rsa_ek(modulus: &[u8], exponent: &[u8]) -> Result<(), Error> {
	let key = rsa_info(1, modulus, exponent);
	judge_ek(|forge| {
		forge.key = key;
		forge.set(KEY_USAGE, Some(key_usage(0x20)));
	})
	.map(|_| ())
}

/// An odd number of so many bits, without the fingerprint of ROCA.
fn modulus(bits: usize) -> Vec<u8> {
	let mut modulus = vec![0x5b; bits.div_ceil(8)];
	modulus[0] = 1 << ((bits - 1) % 8);
	assert!(!is_roca(&modulus));
	modulus
}

#[test]
fn rsa_size_refuses_short_long_and_for_an_ek_odd_sizes() {
	assert_eq!(rsa_ek(&modulus(1024), &[1, 0, 1]), Err(Error::RsaSize));
	assert_eq!(rsa_ek(&modulus(2047), &[1, 0, 1]), Err(Error::RsaSize));
	assert_eq!(rsa_ek(&modulus(2050), &[1, 0, 1]), Err(Error::RsaSize), "no TPM's");
	assert!(CertifiedKey::parse(&rsa_info(1, &modulus(2050), &[1, 0, 1])).is_ok(), "but a CA's");
	assert_eq!(CertifiedKey::parse(&rsa_info(1, &modulus(4097), &[1, 0, 1])), Err(Error::RsaSize));
	for bits in [2048, 3072, 4096] {
		assert_eq!(rsa_ek(&modulus(bits), &[1, 0, 1]), Ok(()));
	}
}

#[test]
fn certificate_rsa_exponent_refuses_even_and_huge_and_for_an_ek_any_other() {
	for exponent in [&[1][..], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
		assert_eq!(CertifiedKey::parse(&rsa_info(1, &modulus(2048), exponent)), Err(Error::RsaExponent));
	}
	assert!(CertifiedKey::parse(&rsa_info(1, &modulus(2048), &[3])).is_ok());
	assert_eq!(rsa_ek(&modulus(2048), &[3]), Err(Error::RsaExponent));
}

#[test]
fn roca_refuses_a_key_made_as_infineon_made_them() {
	// N = 65537^a modulo every prime of the fingerprint, and 2048 bits: the product of the primes times something, plus
	// a power of 65537.
	use rsa::BigUint;
	let primes = (3..=167_u32).filter(|number| (2..*number).all(|divisor| number % divisor != 0));
	let product = primes.fold(BigUint::from(2_u32), |product, prime| product * prime);
	let power = BigUint::from(65537_u32).modpow(&BigUint::from(123_u32), &product);
	let modulus = (((BigUint::from(1_u32) << 2047) / &product + 1_u32) * &product + power).to_bytes_be();
	assert_eq!(modulus.len(), 256);
	assert!(is_roca(&modulus));
	assert_eq!(rsa_ek(&modulus, &[1, 0, 1]), Err(Error::Roca));
	let weak_ca = judge_ca(|forge| forge.key = rsa_info(1, &modulus, &[1, 0, 1]));
	assert_eq!(weak_ca, Err(Error::Roca));
	assert!(!is_roca(&common::rsa_signer().n().to_bytes_be()));
}

#[test]
fn the_fingerprint_of_roca_is_that_of_every_prime_up_to_167() {
	use rsa::BigUint;
	let primes: Vec<u32> = (3..=167_u32).filter(|number| (2..*number).all(|divisor| number % divisor != 0)).collect();
	let mut telling = 0;
	for left_out in primes.iter().copied() {
		let powers: Vec<u32> = (0..left_out)
			.scan(1, |power, _| {
				let this = *power;
				*power = this * (65537 % left_out) % left_out;
				Some(this)
			})
			.collect();
		// A power of 65537 modulo all the other primes, and modulo this one a number that is none, if there is any but zero.
		let others =
			primes.iter().filter(|prime| **prime != left_out).fold(BigUint::from(2_u32), |all, prime| all * *prime);
		let power = BigUint::from(65537_u32).modpow(&BigUint::from(77_u32), &others);
		let residue = |step: u32| (&others * step + &power) % left_out;
		let step = (0..left_out).find(|step| {
			let residue = residue(*step);
			residue != BigUint::from(0_u32) && powers.iter().all(|power| residue != BigUint::from(*power))
		});
		let Some(step) = step else { continue };
		telling += 1;
		assert!(!is_roca(&(&others * step + &power).to_bytes_be()), "{left_out}");
	}
	// Modulo the others, 65537 generates every number but zero.
	assert_eq!(telling, 17);
}

#[test]
fn weak_hash_refuses_sha1_and_md5() {
	for oid in [
		&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01][..],
		&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
		&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
	] {
		let change = |forge: &mut Forge| {
			forge.algorithm = algorithm(oid);
			forge.signed_algorithm = algorithm(oid);
		};
		assert_eq!(judge_ek(change), Err(Error::WeakHash));
		assert_eq!(judge_ca(change), Err(Error::WeakHash));
	}
}

#[test]
fn certificate_signature_algorithm_refuses_pss_and_what_is_unknown() {
	for algorithm in [
		algorithm(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a]),
		algorithm(&[0x2a, 0x03]),
		seq(&[&tlv(6, SHA256_ECDSA), &tlv(4, &[])]),
		seq(&[]),
	] {
		let refused = judge_ek(|forge| {
			forge.algorithm = algorithm.clone();
			forge.signed_algorithm = algorithm;
		});
		assert_eq!(refused, Err(Error::SignatureAlgorithm));
	}
}

/// An EK certificate with this in the place of its signature.
fn signed(signature: &[u8]) -> Result<(), Error> {
	let body = Forge::ek().to_be_signed();
	let bytes = seq(&[&body, &algorithm(SHA256_ECDSA), &tlv(3, &[&[0], signature].concat())]);
	judge(&bytes, &[&Forge::intermediate().bytes()]).map(|_| ())
}

#[test]
fn certificate_signature_form_refuses_what_is_no_signature_of_the_key() {
	assert_eq!(signed(&ecdsa(2, &Forge::ek().to_be_signed())), Ok(()));
	assert_eq!(signed(&[]), Err(Error::SignatureForm));
	assert_eq!(signed(&[0; 64]), Err(Error::SignatureForm));
	assert_eq!(signed(&seq(&[&tlv(2, &[1])])), Err(Error::SignatureForm));
	assert_eq!(signed(&seq(&[&tlv(2, &[1]), &tlv(2, &[1]), &tlv(2, &[1])])), Err(Error::SignatureForm));
	assert_eq!(signed(&seq(&[&tlv(2, &[0]), &tlv(2, &[0])])), Err(Error::SignatureForm), "zero");
	assert_eq!(signed(&seq(&[&tlv(2, &[0x81]), &tlv(2, &[1])])), Err(Error::SignatureForm), "negative");
	assert_eq!(signed(&seq(&[&unsigned(&[0xff; 32]), &tlv(2, &[1])])), Err(Error::SignatureForm), "above the order");
	assert_eq!(signed(&seq(&[&unsigned(&[1; 33]), &tlv(2, &[1])])), Err(Error::SignatureForm));
	let more = [ecdsa(2, &Forge::ek().to_be_signed()), vec![0]].concat();
	assert_eq!(signed(&more), Err(Error::SignatureForm));
	// RSA's algorithm over an ECC issuer.
	let rsa = seq(&[&tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]), &[5, 0]]);
	let refused = judge_ek(|forge| {
		forge.algorithm = rsa.clone();
		forge.signed_algorithm = rsa;
	});
	assert_eq!(refused, Err(Error::SignatureForm));
}

#[test]
fn certificate_signature_refuses_another_signer_and_every_flipped_bit() {
	assert_eq!(judge_ek(|forge| forge.signer = 3), Err(Error::Signature));
	let good = Forge::ek().bytes();
	let ca = Forge::intermediate().bytes();
	let store = store(&[&Forge::root().bytes()]);
	for bit in 0..good.len() * 8 {
		let mut forged = good.clone();
		forged[bit / 8] ^= 1 << (bit % 8);
		assert!(verify_ek(&forged, &[&ca], &store, &Policy::at(NOW)).is_err(), "bit {bit}");
	}
}
