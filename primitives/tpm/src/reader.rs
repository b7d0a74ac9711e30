//! A strict cursor over TPM-marshalled bytes: big-endian integers and `TPM2B` buffers, nothing beyond.
//!
//! TPM 2.0 marshalling (TPM 2.0 Library, Part 2, section 4) is big-endian without padding, and a `TPM2B` is a 16-bit
//! size followed by that many bytes. Every read is bounds checked, borrows from the input and cannot panic. A parser
//! ends with [`Reader::finish`], so that no byte of the input stays unjudged.

use crate::Error;

/// The part of the input that was not read yet.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
	rest: &'a [u8],
}

impl<'a> Reader<'a> {
	/// A cursor at the first byte of `input`.
	pub(crate) fn new(input: &'a [u8]) -> Self {
		Self { rest: input }
	}

	/// The next `len` bytes, or [`Error::Truncated`].
	pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
		let (head, tail) = self.rest.split_at_checked(len).ok_or(Error::Truncated)?;
		self.rest = tail;
		Ok(head)
	}

	/// The next `N` bytes.
	pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
		let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(Error::Truncated)?;
		self.rest = tail;
		Ok(*head)
	}

	/// The next byte.
	pub(crate) fn u8(&mut self) -> Result<u8, Error> {
		self.array::<1>().map(|[byte]| byte)
	}

	/// The next two bytes as an integer.
	pub(crate) fn u16(&mut self) -> Result<u16, Error> {
		self.array().map(u16::from_be_bytes)
	}

	/// The next four bytes as an integer.
	pub(crate) fn u32(&mut self) -> Result<u32, Error> {
		self.array().map(u32::from_be_bytes)
	}

	/// The next eight bytes as an integer.
	pub(crate) fn u64(&mut self) -> Result<u64, Error> {
		self.array().map(u64::from_be_bytes)
	}

	/// The contents of the next `TPM2B`. A size above `max` is [`Error::OversizedField`], whether or not so many bytes
	/// follow: the bound is the type's own, and a larger field is not of that type.
	pub(crate) fn sized(&mut self, max: usize) -> Result<&'a [u8], Error> {
		let len = usize::from(self.u16()?);
		if len > max {
			return Err(Error::OversizedField);
		}
		self.take(len)
	}

	/// As [`Self::sized`], with the 32-bit size of a TPM 1.2.
	pub(crate) fn sized32(&mut self, max: u32) -> Result<&'a [u8], Error> {
		let len = self.u32()?;
		if len > max {
			return Err(Error::OversizedField);
		}
		self.take(usize::try_from(len).map_err(|_| Error::OversizedField)?)
	}

	/// The end: anything left is [`Error::TrailingBytes`].
	pub(crate) fn finish(self) -> Result<(), Error> {
		if self.rest.is_empty() {
			Ok(())
		} else {
			Err(Error::TrailingBytes)
		}
	}
}
