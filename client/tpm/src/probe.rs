//! Can this chip serve a node? Asked before anything is made on it.

use crate::error::TpmError;
use tss_esapi::{
	constants::{CapabilityType, CommandCode, PropertyTag},
	structures::CapabilityData,
	Context,
};

/// The commands that a node sends, now (a wait, a quote, loading its key) or when it is admitted (activation of a
/// credential), with their names in TPM 2.0 Part 3. TPM2_GetTime is optional in the PC Client profile up to 1.04, and
/// there are chips without it.
const NEEDED: [(CommandCode, &str); 12] = [
	(CommandCode::GetTime, "TPM2_GetTime"),
	(CommandCode::Quote, "TPM2_Quote"),
	(CommandCode::PcrRead, "TPM2_PCR_Read"),
	(CommandCode::ActivateCredential, "TPM2_ActivateCredential"),
	(CommandCode::PolicySecret, "TPM2_PolicySecret"),
	(CommandCode::StartAuthSession, "TPM2_StartAuthSession"),
	(CommandCode::CreatePrimary, "TPM2_CreatePrimary"),
	(CommandCode::Create, "TPM2_Create"),
	(CommandCode::Load, "TPM2_Load"),
	(CommandCode::ReadPublic, "TPM2_ReadPublic"),
	(CommandCode::FlushContext, "TPM2_FlushContext"),
	(CommandCode::NvRead, "TPM2_NV_Read"),
];

/// Refuse a chip that lacks a command (TPM2_GetCapability, TPM_CAP_COMMANDS).
pub(crate) fn commands(context: &mut Context) -> Result<(), TpmError> {
	let mut missing = Vec::new();
	for (code, name) in NEEDED {
		if !has_command(context, code)? {
			missing.push(name);
		}
	}
	if missing.is_empty() {
		Ok(())
	} else {
		Err(TpmError::CommandsMissing { missing })
	}
}

/// One question a command: the answer to a question for all cannot be read by tss-esapi if the chip has a command that
/// is newer than it. A chip without the command answers with the next one that it has, if any.
fn has_command(context: &mut Context, code: CommandCode) -> Result<bool, TpmError> {
	match context.get_capability(CapabilityType::Command, u32::from(code), 1) {
		Ok((CapabilityData::Commands(list), _)) => {
			Ok(list.first().is_some_and(|found| u32::from(found.command_index()) == u32::from(code)))
		}
		Ok(_) => Err(TpmError::BadAnswer { what: "TPM2_GetCapability", why: "not the capability asked for".into() }),
		// The next command is one that tss-esapi does not know: the one asked for is not there.
		Err(tss_esapi::Error::WrapperError(_)) => Ok(false),
		Err(error) => Err(TpmError::from_tss("TPM2_GetCapability", error)),
	}
}

/// The cheapest question of all, to see that somebody answers.
pub(crate) fn alive(context: &mut Context) -> Result<(), TpmError> {
	context
		.get_capability(CapabilityType::TpmProperties, u32::from(PropertyTag::Manufacturer), 1)
		.map(|_| ())
		.map_err(|error| TpmError::from_tss("TPM2_GetCapability", error))
}

/// What the chip says about its make.
#[derive(Debug)]
pub(crate) struct Make {
	pub(crate) manufacturer: String,
	pub(crate) model: String,
	pub(crate) firmware: String,
	pub(crate) revision: u32,
}

/// Read TPM_PT_MANUFACTURER, _VENDOR_STRING, _FIRMWARE_VERSION and _REVISION (TPM 2.0 Part 2, 6.13).
pub(crate) fn make(context: &mut Context) -> Result<Make, TpmError> {
	let mut property = |tag| {
		context
			.get_tpm_property(tag)
			.map(|value| value.unwrap_or_default())
			.map_err(|error| TpmError::from_tss("TPM2_GetCapability", error))
	};
	let manufacturer = letters(&[property(PropertyTag::Manufacturer)?]);
	let model = letters(&[
		property(PropertyTag::VendorString1)?,
		property(PropertyTag::VendorString2)?,
		property(PropertyTag::VendorString3)?,
		property(PropertyTag::VendorString4)?,
	]);
	let (high, low) = (property(PropertyTag::FirmwareVersion1)?, property(PropertyTag::FirmwareVersion2)?);
	let firmware = format!("{}.{}.{}.{}", high >> 16, high & 0xffff, low >> 16, low & 0xffff);
	Ok(Make { manufacturer, model, firmware, revision: property(PropertyTag::Revision)? })
}

/// Four characters a word, padded with zeros or spaces.
fn letters(words: &[u32]) -> String {
	let bytes = words.iter().flat_map(|word| word.to_be_bytes());
	let text: String = bytes.map(char::from).filter(|c| (' '..='~').contains(c)).collect();
	text.trim().to_string()
}

#[cfg(test)]
mod tests {
	#[test]
	fn vendor_strings_are_read_without_their_padding() {
		assert_eq!(super::letters(&[u32::from_be_bytes(*b"IBM\0")]), "IBM");
		assert_eq!(super::letters(&[u32::from_be_bytes(*b"SW  "), u32::from_be_bytes(*b" TPM"), 0]), "SW   TPM");
	}
}
