//! What can go wrong between a node and its chip, told apart by who must act.
//!
//! Every message has two halves: what happened, and what to do. They are grouped by [`ErrorKind`]: the wiring (no
//! device, no permission, no daemon, no program), the chip's state (lockout, needs a start-up, out of memory, another
//! chip), a refusal by the chip (unsupported command, authorisation), files of ours, or time.

use std::{path::PathBuf, time::Duration};
use tss_esapi::constants::response_code::{Tss2ResponseCode, Tss2ResponseCodeKind as Rc};

/// Who must act on a [`TpmError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
	/// The chip cannot be reached: device node, permissions, daemon, program, TCTI string.
	Wiring,
	/// The chip answers, but is not in a state in which it can serve: lockout, reset, cleared, another chip.
	ChipState,
	/// The chip understood and refused: command unsupported, authorisation, parameter.
	Refusal,
	/// The files under the base path: in use, damaged, incomplete, unwritable.
	Files,
	/// It took too long, or the service was stopped.
	Time,
}

/// Everything that can go wrong with a node's TPM.
///
/// Cloneable and comparable by [`TpmError::kind`], so that one failure can be kept as a status and given to many
/// callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TpmError {
	// Wiring
	/// The TCTI string is not one that tss-esapi knows (`tss_esapi::tcti_ldr::TctiNameConf`).
	#[error(
		"'{tcti}' is not a TPM connection: {why}. Use device:/dev/tpmrm0, swtpm:host=127.0.0.1,port=2321, \
		 mssim:host=..,port=.. or tabrmd"
	)]
	BadTcti {
		/// The string as given.
		tcti: String,
		/// What is wrong with it.
		why: String,
	},
	/// There is no such device node.
	#[error(
		"there is no TPM at {path}: is it enabled in the firmware set-up (often named fTPM, PTT or Security Device), \
		 and the driver loaded (`ls /dev/tpm*`)? Without a chip, run with the managed software TPM"
	)]
	NoDevice {
		/// The device node.
		path: PathBuf,
	},
	/// The device node exists, but this user may not open it.
	#[error(
		"no permission to use {path}: add this user to the group that owns it (on Debian `sudo usermod -aG tss $USER`, \
		 then log in again), or add a udev rule such as KERNEL==\"tpmrm[0-9]*\", MODE=\"0660\", GROUP=\"tss\""
	)]
	NoPermission {
		/// The device node.
		path: PathBuf,
	},
	/// The device is held exclusively by another program.
	#[error(
		"{path} is held by another program: use the kernel's resource manager (device:/dev/tpmrm0), which many \
		 programs may share, or the access broker (tabrmd)"
	)]
	DeviceBusy {
		/// The device node.
		path: PathBuf,
	},
	/// The boot event log is there, but this user may not read it.
	#[error(
		"no permission to read the boot event log {path}: let the group tss read it (`sudo chgrp tss {path}`, which lasts \
		 until the next boot; for good, a line `z {path} 0440 root tss -` in /etc/tmpfiles.d/tpm-event-log.conf), and add \
		 this user to that group (`sudo usermod -aG tss $USER`, then log in again)"
	)]
	NoEventLogPermission {
		/// The log.
		path: PathBuf,
	},
	/// Nobody listens at the address, or the daemon does not answer.
	#[error("nothing answers at '{tcti}': {hint}")]
	NotListening {
		/// The TCTI string.
		tcti: String,
		/// What to start, and how.
		hint: &'static str,
	},
	/// A program that the managed software TPM needs is not installed.
	#[error("the program '{program}' was not found: run `sudo apt-get install {package}`")]
	ProgramMissing {
		/// Its name.
		program: &'static str,
		/// The Debian packages that bring it.
		package: &'static str,
	},
	/// swtpm or swtpm_setup was run and failed.
	#[error("{what}; its log says: {log}")]
	SwtpmFailed {
		/// Which step failed, and how.
		what: String,
		/// The end of its log.
		log: String,
	},
	/// The chip was there and is not any more. The service goes on looking for it.
	#[error("the TPM is gone: {reason}; it is used again as soon as it is back")]
	Gone {
		/// How that was noticed.
		reason: String,
	},

	// The chip's state
	/// TPM_RC_LOCKOUT: dictionary-attack protection.
	#[error(
		"the TPM is in dictionary-attack lockout: wait for its recovery time (`tpm2_getcap properties-variable` shows \
		 lockoutInterval), or reset it with `tpm2_dictionarylockout --clear-lockout`"
	)]
	Lockout,
	/// TPM_RC_INITIALIZE or TPM_RC_REBOOT: TPM2_Startup was not given since power-on.
	#[error("the TPM was not started since power-on: run `tpm2_startup -c`, or reboot the machine")]
	NeedsStartup,
	/// TPM_RC_OBJECT_MEMORY, _SESSION_MEMORY, _MEMORY, _OBJECT_HANDLES, _SESSION_HANDLES.
	#[error(
		"the TPM has no room for another {what}: another program leaves things loaded. Use device:/dev/tpmrm0 rather \
		 than /dev/tpm0, or flush with `tpm2_flushcontext -t -l -s`"
	)]
	OutOfMemory {
		/// Object or session.
		what: &'static str,
	},
	/// TPM_RC_FAILURE: a failed self-test.
	#[error("the TPM is in failure mode: power the machine off and on; if that does not help, the chip is broken")]
	ChipFailure,
	/// The chip is another one than that which this node was provisioned with.
	#[error(
		"this is another TPM than the one that this node was provisioned with (EK name {found}, expected {expected}): \
		 connect the right chip, or remove {dir} to become a new member with this one, which must then be admitted anew"
	)]
	OtherChip {
		/// EK name in the identity file.
		expected: String,
		/// EK name of the chip at hand.
		found: String,
		/// The folder of identity and AK.
		dir: PathBuf,
	},
	/// The AK's file is intact and the EK the same, yet the chip does not load it.
	#[error(
		"the TPM no longer knows this node's attestation key: it was cleared (TPM2_Clear, or `Clear TPM` in the \
		 firmware set-up). Remove {dir} to provision a new key; the node must then be admitted anew"
	)]
	Cleared {
		/// The folder of identity and AK.
		dir: PathBuf,
	},

	// Refusals
	/// The chip lacks commands that a node needs.
	#[error("this TPM cannot serve a node: it lacks {}; use another chip", .missing.join(", "))]
	CommandsMissing {
		/// Their names in TPM 2.0 Part 3.
		missing: Vec<&'static str>,
	},
	/// An authorisation was refused.
	#[error(
		"the TPM refused the authorisation for {what}: the endorsement hierarchy must have an empty authorisation \
		 value (`tpm2_changeauth -c endorsement` changes it) and must be enabled"
	)]
	AuthRefused {
		/// The command.
		what: &'static str,
	},
	/// A parameter of the caller's is out of bounds; nothing was sent.
	#[error("bad request: {why}")]
	BadRequest {
		/// What is wrong.
		why: String,
	},
	/// A credential that this chip cannot open: it was made for another EK or another AK, or was damaged on its way.
	/// Nothing is wrong with the chip, and it counts nothing against its user.
	#[error(
		"this challenge is not for this chip: {why}. Ask for a new challenge, for exactly the EK (name {ek_name}) and the \
		 AK (name {ak_name}) that `elapse-node tpm show` prints; if the node was provisioned anew since it applied, apply \
		 again with its present identity file"
	)]
	NotForThisChip {
		/// What does not fit, as far as the chip tells.
		why: &'static str,
		/// Name of the EK that this chip has.
		ek_name: String,
		/// Name of the AK that this node has.
		ak_name: String,
	},
	/// The PCRs changed during each attempt to quote them together with their values.
	#[error(
		"the PCRs changed during each of {attempts} attempts to read and quote them: another program extends them all the \
		 time (the kernel's IMA extends PCR 10). Try again when the machine is quieter, or select other PCRs"
	)]
	PcrsChanging {
		/// How often it was tried.
		attempts: usize,
	},
	/// Any other response code.
	#[error("the TPM refused {what}: {message} (response code {code:#x}; `tpm2_rc_decode {code:#x}` explains it)")]
	Refused {
		/// The command.
		what: &'static str,
		/// The code, with its layer in bits 16..24.
		code: u32,
		/// tss-esapi's words for it.
		message: String,
	},
	/// A TPM 1.2 refused.
	#[error("the TPM 1.2 refused {what}: {meaning} (result {code:#x})")]
	LegacyRefused {
		/// The command.
		what: &'static str,
		/// The result (TPM Main Part 2, section 16).
		code: u32,
		/// What it means.
		meaning: &'static str,
	},
	/// A TPM 1.2 was asked for the time.
	#[error("a TPM 1.2 attests no time: it can be a member's, and never authors")]
	NoTime,
	/// What the chip returned is not what the command returns.
	#[error("the TPM's answer to {what} makes no sense: {why}")]
	BadAnswer {
		/// The command.
		what: &'static str,
		/// What is wrong with it.
		why: String,
	},

	// Files
	/// Another process works with this folder.
	#[error("{path} is in use by {}: stop that one first, or give this node another base path",
		.holder.map_or("another process".to_string(), |p| format!("process {p}")))]
	InUse {
		/// The folder.
		path: PathBuf,
		/// The process that holds it, where known.
		holder: Option<u32>,
	},
	/// A file of the node's identity is damaged.
	#[error(
		"{path} is damaged: {why}. Restore it from a backup; without one, remove {} and provision anew, after which \
		 the node must be admitted anew",
		.path.parent().unwrap_or(.path).display()
	)]
	Damaged {
		/// The file.
		path: PathBuf,
		/// What is wrong.
		why: String,
	},
	/// A part of the state is there and another is not.
	#[error(
		"{missing} is missing while {present} is there: restore it from a backup; without one, remove {} and \
		 provision anew, after which the node must be admitted anew",
		.present.parent().unwrap_or(.present).display()
	)]
	Incomplete {
		/// What is there.
		present: PathBuf,
		/// What is not.
		missing: PathBuf,
	},
	/// Nothing is provisioned here.
	#[error("{path} does not exist: run `elapse-node tpm provision` with the same base path first")]
	NotProvisioned {
		/// The identity or AK file.
		path: PathBuf,
	},
	/// The path cannot be used for a software TPM.
	#[error("the path {path} cannot be used: {why}")]
	BadPath {
		/// The path.
		path: PathBuf,
		/// Why not.
		why: &'static str,
	},
	/// The operating system refused.
	#[error("cannot {what} {path}: {why}")]
	Io {
		/// A verb.
		what: &'static str,
		/// The file or folder.
		path: PathBuf,
		/// The operating system's words.
		why: String,
	},

	// Time
	/// No answer in time. The chip may still be at work; its state is in [`crate::TpmStatus`].
	#[error(
		"the TPM did not answer within {:.1} s: another program may be using it (swtpm serves one connection at a \
		 time), or the chip is overloaded",
		.after.as_secs_f64()
	)]
	TimedOut {
		/// How long we waited.
		after: Duration,
	},
	/// The service was stopped.
	#[error("the TPM service of this node was stopped")]
	Stopped,
}

impl TpmError {
	/// Who must act.
	pub fn kind(&self) -> ErrorKind {
		use TpmError::*;
		match self {
			BadTcti { .. } | NoDevice { .. } | NoPermission { .. } | DeviceBusy { .. } | NotListening { .. } => {
				ErrorKind::Wiring
			}
			NoEventLogPermission { .. } | ProgramMissing { .. } | SwtpmFailed { .. } | Gone { .. } => ErrorKind::Wiring,
			Lockout | NeedsStartup | OutOfMemory { .. } | ChipFailure | OtherChip { .. } | Cleared { .. } => {
				ErrorKind::ChipState
			}
			PcrsChanging { .. } => ErrorKind::ChipState,
			NotForThisChip { .. } | LegacyRefused { .. } | NoTime => ErrorKind::Refusal,
			CommandsMissing { .. } | AuthRefused { .. } | BadRequest { .. } | Refused { .. } | BadAnswer { .. } => {
				ErrorKind::Refusal
			}
			InUse { .. } | Damaged { .. } | Incomplete { .. } | NotProvisioned { .. } | BadPath { .. } | Io { .. } => {
				ErrorKind::Files
			}
			TimedOut { .. } | Stopped => ErrorKind::Time,
		}
	}

	/// Is the connection, or the key loaded over it, lost, so that only connecting anew can help?
	pub(crate) fn lost(&self) -> bool {
		match self {
			TpmError::Gone { .. } | TpmError::NeedsStartup | TpmError::ChipFailure => true,
			// TPM_RC_HANDLE, and TPM_RC_REFERENCE_H0 to _H6: a reset took the key out of the chip's memory.
			TpmError::Refused { code, .. } => code & 0xbf == 0x8b || (0x910..=0x916).contains(&(code & 0xfff)),
			_ => false,
		}
	}

	pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>, error: impl std::fmt::Display) -> Self {
		TpmError::Io { what, path: path.into(), why: error.to_string() }
	}

	/// Read what tss-esapi returned for the command `what`.
	///
	/// `Tss2ResponseCode::kind` looks at the low bits only and takes the codes of other layers (the connection, the
	/// kernel's resource manager) for the chip's: the layer is looked at first here (TSS 2.0 Overview, §3.2).
	pub(crate) fn from_tss(what: &'static str, error: tss_esapi::Error) -> Self {
		let rc = match error {
			tss_esapi::Error::WrapperError(kind) => return TpmError::BadAnswer { what, why: kind.to_string() },
			tss_esapi::Error::Tss2Error(rc) => rc,
		};
		let code = raw_code(rc);
		let refused = || TpmError::Refused { what, code, message: rc.to_string() };
		match (code >> 16) & 0xff {
			// 0 the chip, 11 and 12 a resource manager that speaks with the chip's codes
			0 | 11 | 12 => match rc.kind() {
				Some(Rc::Lockout) => TpmError::Lockout,
				Some(Rc::Initialize | Rc::Reboot) => TpmError::NeedsStartup,
				Some(Rc::ObjectMemory | Rc::ObjectHandles | Rc::Memory) => TpmError::OutOfMemory { what: "object" },
				Some(Rc::SessionMemory | Rc::SessionHandles) => TpmError::OutOfMemory { what: "session" },
				Some(Rc::Failure) => TpmError::ChipFailure,
				Some(Rc::AuthFail | Rc::BadAuth | Rc::AuthUnavailable | Rc::Hierarchy | Rc::Disabled) => {
					TpmError::AuthRefused { what }
				}
				_ => refused(),
			},
			// 10: the connection
			10 => TpmError::Gone { reason: format!("the connection failed during {what} ({code:#x})") },
			// 7 ESYS, 8 SYS, 9 marshalling; an answer cut short is a broken connection too
			7 | 8 if matches!(code & 0xffff, 8 | 10 | 14 | 16) => {
				TpmError::Gone { reason: format!("the connection failed during {what} ({code:#x})") }
			}
			_ => refused(),
		}
	}
}

/// The TSS2_RC behind tss-esapi's type, which keeps it private but prints it.
fn raw_code(rc: Tss2ResponseCode) -> u32 {
	let text = match rc {
		Tss2ResponseCode::Success => return 0,
		Tss2ResponseCode::FormatZero(code) => code.to_string(),
		Tss2ResponseCode::FormatOne(code) => code.to_string(),
	};
	text.rsplit("0x").next().and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn every_message_says_what_to_do() {
		let dir = PathBuf::from("/base/tpm");
		for (error, remedy) in [
			(TpmError::NoPermission { path: "/dev/tpmrm0".into() }, "usermod -aG tss"),
			(TpmError::ProgramMissing { program: "swtpm", package: "swtpm swtpm-tools" }, "apt-get install swtpm"),
			(TpmError::Lockout, "tpm2_dictionarylockout"),
			(TpmError::NeedsStartup, "tpm2_startup"),
			(TpmError::Cleared { dir }, "Remove /base/tpm"),
			(TpmError::InUse { path: "/base/tpm".into(), holder: Some(7) }, "process 7"),
		] {
			assert!(error.to_string().contains(remedy), "{error}");
		}
	}

	#[test]
	fn a_failed_connection_is_told_from_a_refusal() {
		let error = tss_esapi::Context::new("swtpm:host=127.0.0.1,port=1".parse().unwrap()).unwrap_err();
		assert!(matches!(TpmError::from_tss("connecting", error), TpmError::Gone { .. }));
	}
}
