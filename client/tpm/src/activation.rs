//! TPM2_ActivateCredential: how a chip shows that it has the EK of a certificate and, beside it, the AK of this node.
//!
//! # The EK is opened for each activation
//!
//! It is not kept loaded, as it is not kept after the AK was loaded: a chip has place for three objects, the AK has one of
//! them for as long as the node runs, and a node is challenged a few times in its life. On /dev/tpm0 the EK would leave a
//! single place for every other program. The price is that a discrete chip derives an RSA EK for seconds each time,
//! during which it attests nothing; whoever minds can have the chip keep it
//! (`tpm2_createek -G rsa -c 0x81010001`), where it is found.
//!
//! # Authorisation
//!
//! The AK's is empty. The EK's is a policy, and the same for both templates that are used (see
//! [`crate::endorsement`]): PolicySecret with the endorsement hierarchy, whose authorisation is empty. No parameter is
//! encrypted between node and chip: the sessions that could do it have no secret that a listener would not have.
//!
//! # Room
//!
//! EK, policy session and everything else are flushed however an activation ends.

use crate::{
	endorsement::{self, read_public},
	error::TpmError,
	identity::Identity,
};
use ep_tpm::Credential;
use tss_esapi::{
	constants::SessionType,
	handles::{AuthHandle, KeyHandle, SessionHandle},
	interface_types::{
		algorithm::HashingAlgorithm,
		session_handles::{AuthSession, PolicySession},
	},
	structures::{EncryptedSecret, IdObject, SymmetricDefinition},
	Context,
};

const COMMAND: &str = "TPM2_ActivateCredential";

/// What is told of a refused first parameter, the credential blob.
const BAD_BLOB: &str = "it was made for another attestation key or another endorsement key, or was damaged on its way";
/// What is told of a refused second parameter, the encrypted secret.
const BAD_SECRET: &str = "its secret is not encrypted to this chip's endorsement key, or was damaged on its way";

/// The secret in `credential`, if it was made for the EK and the AK of this identity. `ak` is that AK, loaded.
pub(crate) fn activate(
	context: &mut Context,
	ak: KeyHandle,
	identity: &Identity,
	credential: &Credential,
) -> Result<Vec<u8>, TpmError> {
	// The types have the bounds of the TPM's own: what is longer no chip ever made.
	let blob = IdObject::try_from(credential.id_object.to_vec()).map_err(|_| not_for(identity, BAD_BLOB))?;
	let secret =
		EncryptedSecret::try_from(credential.encrypted_secret.to_vec()).map_err(|_| not_for(identity, BAD_SECRET))?;
	let ek = endorsement::reopen(context, identity)?;
	let opened = if ek.name == identity.ek_name {
		with_policy(context, |context, policy| {
			context
				// The first authorisation is the AK's, the second the EK's (Part 3, 12.5).
				.execute_with_sessions((Some(AuthSession::Password), Some(policy), None), |context| {
					context.activate_credential(ak, ek.handle, blob, secret)
				})
				.map_err(|e| TpmError::from_tss(COMMAND, e))
		})
	} else {
		// As of an attestation: tpm2-tss connects anew for every command.
		Err(TpmError::Gone { reason: format!("another TPM answered {COMMAND} in its place") })
	};
	let closed = ek.close(context);
	// What went wrong first is what is told.
	let secret = opened.map_err(|error| judge(context, ak, identity, error))?;
	closed.map(|()| secret.value().to_vec())
}

/// Do `work` under a session that has fulfilled the EK's policy, and flush it.
fn with_policy<T>(
	context: &mut Context,
	work: impl FnOnce(&mut Context, AuthSession) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
	let session = context
		.execute_without_session(|context| {
			let symmetric = SymmetricDefinition::AES_128_CFB;
			context.start_auth_session(None, None, None, SessionType::Policy, symmetric, HashingAlgorithm::Sha256)
		})
		.map_err(|e| TpmError::from_tss("TPM2_StartAuthSession", e))?
		.ok_or_else(|| TpmError::BadAnswer { what: "TPM2_StartAuthSession", why: "no session".into() })?;
	let done = fulfil(context, session).and_then(|()| work(context, session));
	let flushed = context
		.flush_context(SessionHandle::from(session).into())
		.map_err(|e| TpmError::from_tss("TPM2_FlushContext", e));
	let done = done?;
	flushed.map(|()| done)
}

/// PolicyA of the EK profile: whoever knows the authorisation of the endorsement hierarchy.
fn fulfil(context: &mut Context, session: AuthSession) -> Result<(), TpmError> {
	let wrong = |e| TpmError::from_tss("TPM2_PolicySecret", e);
	let policy = PolicySession::try_from(session).map_err(wrong)?;
	context
		.execute_with_session(Some(AuthSession::Password), |context| {
			let none = Default::default;
			context.policy_secret(policy, AuthHandle::Endorsement, none(), Default::default(), Default::default(), None)
		})
		.map(|_| ())
		.map_err(wrong)
}

/// Is it the credential that was refused, or is something wrong with the chip or the way to it?
fn judge(context: &mut Context, ak: KeyHandle, identity: &Identity, error: TpmError) -> TpmError {
	match &error {
		TpmError::Refused { what: COMMAND, code, .. } => match refused_parameter(*code) {
			Some(1) => not_for(identity, BAD_BLOB),
			Some(2) => not_for(identity, BAD_SECRET),
			_ => error,
		},
		// There are chips that say TPM_RC_FAILURE when a secret does not decrypt (libtpms over OpenSSL does). One that
		// really failed its self-test answers nothing of this kind any more (Part 1, 12.4).
		TpmError::ChipFailure if read_public(context, ak.into()).is_ok() => not_for(identity, BAD_SECRET),
		_ => error,
	}
}

/// Which parameter a response code of the chip is about (Part 2, 6.6.2: format one, bit 6 set, number in bits 8 to 11).
fn refused_parameter(code: u32) -> Option<u32> {
	// 0 the chip, 11 and 12 a resource manager that speaks with the chip's codes
	let of_the_chip = matches!((code >> 16) & 0xff, 0 | 11 | 12);
	(of_the_chip && code & 0xc0 == 0xc0).then_some((code >> 8) & 0xf)
}

fn not_for(identity: &Identity, why: &'static str) -> TpmError {
	TpmError::NotForThisChip { why, ek_name: hex::encode(&identity.ek_name), ak_name: hex::encode(&identity.ak_name) }
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_refused_parameter_is_told_from_other_refusals() {
		// TPM_RC_INTEGRITY of the first parameter, TPM_RC_VALUE and TPM_RC_ECC_POINT of the second.
		assert_eq!(refused_parameter(0x1df), Some(1));
		assert_eq!(refused_parameter(0x2c4), Some(2));
		assert_eq!(refused_parameter(0x2e7), Some(2));
		assert_eq!(refused_parameter(0x000b_01df), Some(1), "through a resource manager");
		// TPM_RC_HANDLE of the first handle, TPM_RC_POLICY_FAIL of the second session, TPM_RC_LOCKOUT, and the connection.
		for code in [0x18b, 0xa9d, 0x921, 0x000a_000a, 0x0007_00c1] {
			assert_eq!(refused_parameter(code), None, "{code:#x}");
		}
	}
}
