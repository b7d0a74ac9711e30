//! A strict cursor over DER (ITU-T X.690): one-byte tags, definite and minimal lengths, nothing beyond.
//!
//! It never re-encodes and never sorts: whoever needs the signed bytes takes [`Tlv::whole`], as they came. What X.690
//! demands of the *order* inside a SET is not checked, since some manufacturers' roots do not keep it, and the signature
//! is over the bytes anyway.

use super::Error;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const IA5_STRING: u8 = 0x16;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag `[number]`, primitive.
pub(super) const fn context(number: u8) -> u8 {
	0x80 | number
}

/// The tag `[number]`, constructed.
pub(super) const fn constructed(number: u8) -> u8 {
	0xa0 | number
}

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tlv<'a> {
	/// Its tag.
	pub(super) tag: u8,
	/// What it holds.
	pub(super) contents: &'a [u8],
	/// Tag, length and contents.
	pub(super) whole: &'a [u8],
}

/// The part of the input that was not read yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'a> {
	rest: &'a [u8],
}

impl<'a> Der<'a> {
	/// A cursor at the first byte of `input`.
	pub(super) fn new(input: &'a [u8]) -> Self {
		Self { rest: input }
	}

	/// Whether everything was read.
	pub(super) fn is_empty(&self) -> bool {
		self.rest.is_empty()
	}

	/// The next element, whatever it is. [`Error::Der`] if it is not whole or not in its one encoding.
	pub(super) fn any(&mut self) -> Result<Tlv<'a>, Error> {
		let (tag, after_tag) = self.rest.split_first().ok_or(Error::Der)?;
		// Tags of several bytes occur nowhere in a certificate, and 0 is not a type.
		if *tag == 0 || tag & 0x1f == 0x1f {
			return Err(Error::Der);
		}
		let (first, after_first) = after_tag.split_first().ok_or(Error::Der)?;
		let (len, body) = match *first {
			short @ 0..=0x7f => (usize::from(short), after_first),
			// Up to three bytes: no structure here is larger than 16 MiB. 0x80 would be the indefinite form.
			long @ 0x81..=0x83 => {
				let (bytes, body) = after_first.split_at_checked(usize::from(long & 0x7f)).ok_or(Error::Der)?;
				let len = bytes.iter().fold(0_usize, |len, byte| len << 8 | usize::from(*byte));
				if len < 0x80 || bytes.first() == Some(&0) {
					return Err(Error::Der);
				}
				(len, body)
			}
			_ => return Err(Error::Der),
		};
		let (contents, rest) = body.split_at_checked(len).ok_or(Error::Der)?;
		let whole = self.rest.get(..self.rest.len() - rest.len()).ok_or(Error::Der)?;
		self.rest = rest;
		Ok(Tlv { tag: *tag, contents, whole })
	}

	/// The next element, if it has this tag.
	pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Error> {
		match self.rest.first() {
			Some(next) if *next == tag => self.any().map(Some),
			_ => Ok(None),
		}
	}

	/// The next element, which must have this tag, or else the refusal `otherwise`.
	pub(super) fn element(&mut self, tag: u8, otherwise: Error) -> Result<Tlv<'a>, Error> {
		self.optional(tag)?.ok_or(otherwise)
	}

	/// The contents of the next element, which must have this tag, as a cursor.
	pub(super) fn inside(&mut self, tag: u8, otherwise: Error) -> Result<Self, Error> {
		Ok(Self::new(self.element(tag, otherwise)?.contents))
	}

	/// The end: anything left is `otherwise`.
	pub(super) fn finish(self, otherwise: Error) -> Result<(), Error> {
		match self.rest {
			[] => Ok(()),
			_ => Err(otherwise),
		}
	}
}

/// What a CA signed, with what, and the signature: the frame of a certificate and of a list (RFC 5280, 4.1.1 and 5.1.1).
pub(super) struct Signed<'a> {
	pub(super) to_be_signed: Tlv<'a>,
	pub(super) algorithm: &'a [u8],
	pub(super) signature: &'a [u8],
}

/// The frame that `input` is, to its last byte.
pub(super) fn signed(input: &[u8], otherwise: Error) -> Result<Signed<'_>, Error> {
	let mut fields = Der::new(only(input, SEQUENCE, otherwise)?.contents);
	let to_be_signed = fields.element(SEQUENCE, otherwise)?;
	let algorithm = fields.element(SEQUENCE, otherwise)?.whole;
	let signature = fields.element(BIT_STRING, otherwise)?.contents;
	fields.finish(otherwise)?;
	let signature = bytes(signature).ok_or(otherwise)?;
	Ok(Signed { to_be_signed, algorithm, signature })
}

/// The one element that `input` is: [`Error::CertificateTrailingBytes`] if something follows.
pub(super) fn only(input: &[u8], tag: u8, otherwise: Error) -> Result<Tlv<'_>, Error> {
	let mut der = Der::new(input);
	let tlv = der.element(tag, otherwise)?;
	der.finish(Error::CertificateTrailingBytes)?;
	Ok(tlv)
}

/// A BOOLEAN: 0 or 255.
pub(super) fn boolean(contents: &[u8]) -> Option<bool> {
	match contents {
		[0x00] => Some(false),
		[0xff] => Some(true),
		_ => None,
	}
}

/// A small INTEGER that is not negative.
pub(super) fn small(contents: &[u8]) -> Option<u32> {
	match contents {
		[] | [0x80..=0xff, ..] => None,
		[0, next, ..] if next & 0x80 == 0 => None,
		bytes => {
			let number = bytes.strip_prefix(&[0]).unwrap_or(bytes);
			(number.len() <= 4).then(|| number.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
		}
	}
}

/// The magnitude of an INTEGER that is not negative, without leading zeros (so that zero is empty).
pub(super) fn unsigned(contents: &[u8]) -> Option<&[u8]> {
	match contents {
		[] | [0x80..=0xff, ..] => None,
		[0] => Some(&[]),
		[0, next, ..] if next & 0x80 == 0 => None,
		[0, rest @ ..] => Some(rest),
		bytes => Some(bytes),
	}
}

/// The bytes of a BIT STRING of whole bytes.
pub(super) fn bytes(contents: &[u8]) -> Option<&[u8]> {
	match contents {
		[0, bytes @ ..] => Some(bytes),
		_ => None,
	}
}

/// The first 16 bits of a BIT STRING, bit 0 being the lowest bit of the result. Unused bits must be zero.
pub(super) fn bits(contents: &[u8]) -> Option<u16> {
	let (unused, bytes) = contents.split_first()?;
	let last = bytes.last().copied();
	match (unused, last) {
		(0, _) => {}
		(1..=7, Some(last)) if last & ((1 << unused) - 1) == 0 => {}
		_ => return None,
	}
	let mut bits = 0;
	for (index, byte) in bytes.iter().take(2).enumerate() {
		bits |= u16::from(byte.reverse_bits()) << (8 * index);
	}
	Some(bits)
}
