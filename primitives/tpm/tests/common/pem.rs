//! PEM, as much of it as tests need.

/// The blocks of a text: label and contents.
pub fn blocks(text: &[u8]) -> Vec<(String, Vec<u8>)> {
	let text = String::from_utf8_lossy(text);
	let mut found = Vec::new();
	let mut open: Option<(String, String)> = None;
	for line in text.lines().map(str::trim) {
		if let Some(label) = line.strip_prefix("-----BEGIN ") {
			open = Some((label.trim_end_matches('-').to_string(), String::new()));
		} else if line.starts_with("-----END ") {
			found.extend(open.take().map(|(label, base64)| (label, decode_base64(&base64))));
		} else if let Some((_, base64)) = &mut open {
			base64.push_str(line);
		}
	}
	found
}

/// Base64 without any leniency.
pub fn decode_base64(text: &str) -> Vec<u8> {
	let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
	for symbol in text.bytes().filter(|symbol| *symbol != b'=') {
		bits = bits << 6 | alphabet.iter().position(|other| *other == symbol).unwrap() as u32;
		count += 6;
		if count >= 8 {
			count -= 8;
			out.push((bits >> count) as u8);
			bits &= (1 << count) - 1;
		}
	}
	out
}
