//! A chip that vanishes, hangs, is reset, cleared or exchanged while a node uses it.

mod common;

use common::*;
use ec_tpm::{commands, ErrorKind, TpmConfig, TpmError, TpmHandle, TpmOptions, TpmStatus};
use futures::executor::block_on;
use std::{
	fs,
	net::{Ipv4Addr, TcpStream},
	time::{Duration, Instant},
};

#[test]
fn a_killed_swtpm_is_gone_at_once_and_then_back_with_other_counters() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	let before = block_on(tpm.read_clock()).unwrap().unwrap();
	let process = tpm.process().unwrap();
	kill(process, "KILL");
	let begin = Instant::now();
	let error = get_time(&tpm, 1).unwrap_err();
	assert!(matches!(error, TpmError::Gone { .. }), "{error}");
	assert!(begin.elapsed() < Duration::from_millis(100));
	eventually("it comes back", || !is_gone(&tpm));
	assert!(matches!(tpm.status(), TpmStatus::Reset { before: b, .. } if b == before), "{}", tpm.status());
	assert_eq!(tpm.resets(), 1);
	assert_ne!(tpm.process(), Some(process));
	let after = block_on(tpm.read_clock()).unwrap().unwrap();
	assert_ne!((before.reset_count, before.restart_count), (after.reset_count, after.restart_count));
	assert!(matches!(tpm.status(), TpmStatus::Ready { .. }));
}

#[test]
fn an_idle_service_notices_a_killed_swtpm() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	for _ in 0..3 {
		let (resets, process) = (tpm.resets(), tpm.process().unwrap());
		kill(process, "KILL");
		eventually("it comes back without being asked", || tpm.resets() == resets + 1);
	}
	get_time(&tpm, 1).unwrap();
}

#[test]
fn a_hanging_chip_is_slow_and_callers_do_not_hang() {
	let base = tempfile::tempdir().unwrap();
	let options = TpmOptions {
		request_timeout: Duration::from_millis(300),
		slow_after: Duration::from_millis(100),
		..Default::default()
	};
	let tpm = TpmHandle::start_with(TpmConfig::managed(base.path()), base.path(), options).unwrap();
	let swtpm = tpm.process().unwrap();
	kill(swtpm, "STOP");
	let begin = Instant::now();
	assert!(matches!(get_time(&tpm, 1), Err(TpmError::TimedOut { .. })));
	assert!(begin.elapsed() < Duration::from_secs(2));
	assert!(matches!(tpm.status(), TpmStatus::Slow { .. }), "{}", tpm.status());
	kill(swtpm, "CONT");
	eventually("it answers again", || get_time(&tpm, 2).is_ok());
	assert_eq!(tpm.resets(), 0);
	// Stopping does not hang either, and leaves nothing.
	kill(swtpm, "STOP");
	let _ = get_time(&tpm, 3);
	tpm.shutdown();
	assert!(matches!(tpm.status(), TpmStatus::Stopped));
	assert!(processes_of(base.path()).is_empty());
}

#[test]
fn a_device_that_is_unplugged_is_used_again_when_it_is_back() {
	let base = tempfile::tempdir().unwrap();
	let mut chip = Foreign::start();
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	assert!(tpm.identity().ek_certificate.is_none());
	assert_eq!(tpm.process(), None);
	get_time(&tpm, 1).unwrap();
	chip.power_off();
	assert!(matches!(get_time(&tpm, 1), Err(TpmError::Gone { .. })));
	assert!(is_gone(&tpm), "the status is no later than the answer");
	std::thread::sleep(Duration::from_millis(500));
	assert!(is_gone(&tpm));
	let begin = Instant::now();
	assert!(matches!(get_time(&tpm, 1), Err(TpmError::Gone { .. })));
	assert!(begin.elapsed() < Duration::from_millis(50), "at once");
	chip.power_on();
	eventually("it is back", || get_time(&tpm, 2).is_ok());
	assert_eq!(tpm.resets(), 1);
}

#[test]
fn another_chip_at_the_same_address_does_not_attest_for_this_one() {
	let (base, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
	let mut chip = Foreign::start();
	let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
	chip.power_off();
	let impostor = Foreign::start_at(chip.port);
	// With an attestation key of its own under the same handle.
	let theirs = TpmHandle::start(impostor.config(), other.path()).unwrap();
	get_time(&theirs, 1).unwrap();
	let error = get_time(&tpm, 1).unwrap_err();
	assert!(matches!(error, TpmError::Gone { .. }), "{error}");
	eventually("the service says why", || tpm.status().to_string().contains("another TPM"));
}

#[test]
fn a_device_holds_one_key_of_ours_while_in_use_and_none_afterwards() {
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	for _ in 0..5 {
		let tpm = TpmHandle::start(chip.config(), base.path()).unwrap();
		assert_eq!(chip.tool(&["tpm2_getcap", "handles-transient"]).lines().count(), 1);
		assert_eq!(chip.tool(&["tpm2_getcap", "handles-loaded-session"]), "");
		drop(tpm);
		assert_eq!(chip.tool(&["tpm2_getcap", "handles-transient"]), "");
	}
}

#[test]
fn a_cleared_chip_says_so_and_gets_no_new_key() {
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	drop(TpmHandle::start(chip.config(), base.path()).unwrap());
	let key = fs::read(base.path().join("tpm/ak.json")).unwrap();
	chip.tool(&["tpm2_clear", "-c", "p"]);
	let error = TpmHandle::start(chip.config(), base.path()).unwrap_err();
	assert!(matches!(error, TpmError::Cleared { .. }), "{error}");
	assert_eq!(error.kind(), ErrorKind::ChipState);
	assert_eq!(fs::read(base.path().join("tpm/ak.json")).unwrap(), key);
}

#[test]
fn another_chip_says_so() {
	let base = tempfile::tempdir().unwrap();
	let (first, second) = (Foreign::start(), Foreign::start());
	drop(TpmHandle::start(first.config(), base.path()).unwrap());
	let error = TpmHandle::start(second.config(), base.path()).unwrap_err();
	assert!(matches!(error, TpmError::OtherChip { .. }), "{error}");
}

#[test]
fn a_protected_endorsement_hierarchy_is_a_refusal() {
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	chip.tool(&["tpm2_changeauth", "-c", "endorsement", "secret"]);
	let error = TpmHandle::start(chip.config(), base.path()).unwrap_err();
	assert!(matches!(error, TpmError::AuthRefused { .. }), "{error}");
}

#[test]
fn a_chip_that_another_program_keeps_busy_is_a_time_out_not_a_hang() {
	let base = tempfile::tempdir().unwrap();
	let chip = Foreign::start();
	drop(TpmHandle::start(chip.config(), base.path()).unwrap());
	// swtpm serves one connection at a time, and this one says nothing.
	let silent = TcpStream::connect((Ipv4Addr::LOCALHOST, chip.port)).unwrap();
	let options = TpmOptions { start_timeout: Duration::from_secs(1), ..Default::default() };
	let begin = Instant::now();
	let error = TpmHandle::start_with(chip.config(), base.path(), options.clone()).unwrap_err();
	assert!(matches!(error, TpmError::TimedOut { .. }), "{error}");
	// That attempt is still stuck in the driver, and holds the folder.
	let error = commands::bench(chip.config(), base.path(), options, 10).unwrap_err();
	assert!(matches!(error, TpmError::InUse { .. }), "{error}");
	assert!(begin.elapsed() < Duration::from_secs(3));
	drop(silent);
	eventually("the chip serves again", || TpmHandle::start(chip.config(), base.path()).is_ok());
}

#[test]
fn wiring_errors_say_what_to_do() {
	let base = tempfile::tempdir().unwrap();
	let error = |tcti: &str| TpmHandle::start(TpmConfig::Device { tcti: tcti.into() }, base.path()).unwrap_err();
	for (tcti, remedy) in [
		("nonsense", "device:/dev/tpmrm0"),
		("device:/nonexistent/tpmrm0", "ls /dev/tpm*"),
		("swtpm:host=127.0.0.1,port=1", "start swtpm"),
		("tabrmd", "tpm2-abrmd"),
	] {
		let error = error(tcti);
		assert_eq!(error.kind(), ErrorKind::Wiring, "{error}");
		assert!(error.to_string().contains(remedy), "{error}");
	}
}
