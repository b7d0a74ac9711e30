//! What this machine's chip says of it, as the chain takes it.

use ec_tpm::{Attested as Raw, PcrBank, PcrSelection, Quoted, TpmHandle};
use ep_tpm::{
	chip::{self, Ak},
	policy::PlatformPolicy,
	Error, Name,
};
use ep_trust::{Attested, Quote};
use sp_runtime::BoundedVec;

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuoteError {
	/// The platform is not as the policy wants it.
	#[error("this machine is not as its policy wants it: {0}")]
	Policy(Error),
	/// The chip, or what it says, is not usable.
	#[error("{0}")]
	Chip(String),
}

/// A quote of what `policy` asks for, under `nonce`, that `judge` finds good by this chip's own keys: its attestation key
/// and the name of its endorsement key.
pub(crate) async fn quote(
	tpm: &TpmHandle,
	policy: &PlatformPolicy,
	nonce: &[u8; 32],
	judge: impl FnOnce(&Ak, &Name, &chip::Quote<'_>) -> Result<(), Error>,
) -> Result<Quote, QuoteError> {
	let unusable = |error: &dyn std::fmt::Display| QuoteError::Chip(error.to_string());
	let bank = match policy.bank {
		0x0004 => PcrBank::Sha1,
		0x000b => PcrBank::Sha256,
		0x000c => PcrBank::Sha384,
		0x000d => PcrBank::Sha512,
		other => {
			return Err(QuoteError::Chip(format!(
				"the policy is about PCR bank {other:#06x}, which this node cannot quote"
			)))
		}
	};
	let pcrs = policy.selection().pcrs().filter_map(|pcr| u8::try_from(pcr).ok()).collect();
	let quoted = tpm.quote_with_pcrs(nonce.to_vec(), PcrSelection { bank, pcrs }).await;
	let Quoted { attested, pcr_values } = quoted.map_err(|error| unusable(&error))?;
	let identity = tpm.identity();
	let key = identity.ak().map_err(|error| unusable(&error))?;
	let ek_name = identity.ek_name().map_err(|error| unusable(&error))?;
	let values: Vec<&[u8]> = pcr_values.iter().map(Vec::as_slice).collect();
	let quoted = chip::Quote { attest: &attested.attest, signature: &attested.signature, nonce, pcr_values: &values };
	judge(&key, &ek_name, &quoted).map_err(QuoteError::Policy)?;
	let values = pcr_values.into_iter().map(|value| bounded(value, "a PCR's value")).collect::<Result<Vec<_>, _>>();
	let Attested { attest, signature } = short(attested)?;
	let values = values.map_err(QuoteError::Chip)?;
	Ok(Quote { attest, signature, pcr_values: bounded(values, "the list of PCR values").map_err(QuoteError::Chip)? })
}

/// The chip's clock under `nonce`.
pub(crate) async fn time(tpm: &TpmHandle, nonce: &[u8; 32]) -> Result<Attested, QuoteError> {
	short(tpm.get_time(nonce.to_vec()).await.map_err(|error| QuoteError::Chip(error.to_string()))?)
}

fn short(attested: Raw) -> Result<Attested, QuoteError> {
	Ok(Attested {
		attest: bounded(attested.attest, "the attestation").map_err(QuoteError::Chip)?,
		signature: bounded(attested.signature, "its signature").map_err(QuoteError::Chip)?,
	})
}

/// Items within the bound that the chain has for them.
pub(crate) fn bounded<T, S>(items: Vec<T>, what: &str) -> Result<BoundedVec<T, S>, String>
where
	S: sp_core::Get<u32>,
{
	BoundedVec::try_from(items).map_err(|items| format!("{what} is too long for the chain: {}", items.len()))
}
