//! Times of certificates (RFC 5280, section 4.1.2.5), as seconds since 1970.

use super::{
	der::{Tlv, GENERALIZED_TIME, UTC_TIME},
	Error,
};

/// The time that this element is: UTCTime or GeneralizedTime, in UTC, to the second.
///
/// RFC 5280 wants UTCTime through 2049 and GeneralizedTime from 2050 on. Certificates of TPMs with GeneralizedTime before
/// that exist; both forms are accepted for any year that they can express.
pub(super) fn seconds(tlv: Tlv<'_>) -> Result<i64, Error> {
	let digits = tlv.contents.strip_suffix(b"Z").ok_or(Error::TimeForm)?;
	let (year, rest) = match tlv.tag {
		UTC_TIME => {
			let (year, rest) = number(digits, 2)?;
			(if year < 50 { 2000 + year } else { 1900 + year }, rest)
		}
		GENERALIZED_TIME => number(digits, 4)?,
		_ => return Err(Error::TimeForm),
	};
	let (month, rest) = number(rest, 2)?;
	let (day, rest) = number(rest, 2)?;
	let (hour, rest) = number(rest, 2)?;
	let (minute, rest) = number(rest, 2)?;
	let (second, rest) = number(rest, 2)?;
	let exists = (1..=12).contains(&month)
		&& (1..=days_of(year, month)).contains(&day)
		&& hour < 24
		&& minute < 60
		&& second < 60
		&& rest.is_empty();
	if !exists {
		return Err(Error::TimeForm);
	}
	Ok(((days_before(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second)
}

fn number(digits: &[u8], len: usize) -> Result<(i64, &[u8]), Error> {
	let (head, rest) = digits.split_at_checked(len).ok_or(Error::TimeForm)?;
	let mut value = 0;
	for digit in head {
		if !digit.is_ascii_digit() {
			return Err(Error::TimeForm);
		}
		value = value * 10 + i64::from(digit - b'0');
	}
	Ok((value, rest))
}

const fn is_leap(year: i64) -> bool {
	year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
	match month {
		2 if is_leap(year) => 29,
		2 => 28,
		4 | 6 | 9 | 11 => 30,
		_ => 31,
	}
}

/// Days from 1970 to the first of a month in the proleptic Gregorian calendar; negative before.
fn days_before(year: i64, month: i64) -> i64 {
	let years = year - 1;
	let whole = years * 365 + years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
	// As many days as `whole` is for 1970.
	let since_1970 = whole - 719_162;
	since_1970 + (1..month).map(|month| days_of(year, month)).sum::<i64>()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn of(tag: u8, text: &str) -> Result<i64, Error> {
		seconds(Tlv { tag, contents: text.as_bytes(), whole: &[] })
	}

	#[test]
	fn times_are_those_that_everybody_computes() {
		assert_eq!(of(UTC_TIME, "700101000000Z"), Ok(0));
		assert_eq!(of(UTC_TIME, "000229120000Z"), Ok(951_825_600));
		assert_eq!(of(UTC_TIME, "491231235959Z"), Ok(2_524_607_999));
		assert_eq!(of(UTC_TIME, "500101000000Z"), Ok(-631_152_000));
		assert_eq!(of(GENERALIZED_TIME, "20280711000000Z"), Ok(1_846_800_000 + 86_400));
		assert_eq!(of(GENERALIZED_TIME, "99991231235959Z"), Ok(253_402_300_799));
		assert_eq!(of(GENERALIZED_TIME, "00010101000000Z"), Ok(-62_135_596_800));
	}

	#[test]
	fn time_form_refuses_what_does_not_exist_or_is_not_utc_to_the_second() {
		for text in [
			"230229000000Z",
			"231301000000Z",
			"230001000000Z",
			"230100000000Z",
			"230132000000Z",
			"230101240000Z",
			"230101006000Z",
			"230101000060Z",
			"2301010000Z",
			"230101000000+0100",
			"230101000000",
			"23010100000aZ",
			"",
			"Z",
			"230101000000.5Z",
			"20230101000000Z",
		] {
			assert_eq!(of(UTC_TIME, text), Err(Error::TimeForm), "{text}");
		}
		for text in ["21000229000000Z", "20230101000000.0Z", "230101000000Z", "202301010000Z"] {
			assert_eq!(of(GENERALIZED_TIME, text), Err(Error::TimeForm), "{text}");
		}
		assert_eq!(of(0x0c, "230101000000Z"), Err(Error::TimeForm));
	}
}
