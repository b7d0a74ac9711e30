//! Certificates as chips store them: in an NV index that may be larger than they are, or under a header.
//!
//! For the node that reads its own chip. What goes on chain is the certificate alone: [`Certificate::parse`] refuses
//! whatever follows it, since bytes that nobody judged could be anything.
//!
//! [`Certificate::parse`]: super::Certificate::parse

use super::{
	der::{Der, SEQUENCE},
	Error,
};

/// `TCG_PCCLIENT_STORED_CERT` with `TCG_FULL_CERT` (TCG PC Client Specific Implementation Specification for
/// Conventional BIOS, section 7.3.2): tag 0x1001, kind 0, then a 16-bit length.
const STORED_CERT: [u8; 3] = [0x10, 0x01, 0x00];
/// The tag of the `TCG_PCCLIENT_FULL_CERT` inside (section 7.3.3), which the length counts.
const FULL_CERT: [u8; 2] = [0x10, 0x02];

/// The certificate at the beginning of an NV index: the header of older chips is taken off, and the padding behind the
/// certificate, which must be nothing but 0xFF or nothing but 0x00. It is cut at the length that the certificate's own
/// outermost element has.
///
/// # Errors
/// [`Error::Der`] if there is no whole element, [`Error::CertificateTrailingBytes`] if what follows is no padding.
pub fn trim_nv(contents: &[u8]) -> Result<&[u8], Error> {
	let contents = match contents.strip_prefix(&STORED_CERT) {
		Some([high, low, rest @ ..]) => rest.get(..usize::from(u16::from_be_bytes([*high, *low]))).ok_or(Error::Der)?,
		Some(_) => return Err(Error::Der),
		None => contents,
	};
	let contents = contents.strip_prefix(&FULL_CERT).unwrap_or(contents);
	let certificate = Der::new(contents).element(SEQUENCE, Error::CertificateForm)?.whole;
	let padding = contents.get(certificate.len()..).unwrap_or_default();
	let filled_with = |filler: u8| padding.iter().all(|byte| *byte == filler);
	if filled_with(0xff) || filled_with(0x00) {
		Ok(certificate)
	} else {
		Err(Error::CertificateTrailingBytes)
	}
}
