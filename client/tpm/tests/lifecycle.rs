//! Start, stop, crash and start again: the key is kept, nothing is left over, nothing is made in silence.

mod common;

use common::*;
use ec_tpm::{commands, ErrorKind, Files, TpmConfig, TpmError, TpmHandle, TpmOptions};
use std::{
	fs,
	io::{BufRead, BufReader},
	os::unix::fs::PermissionsExt,
	path::Path,
	process::{Command, Stdio},
	time::{Duration, Instant},
};

/// Set for the copy of this test program that plays the owner which is killed.
const OWNER: &str = "EC_TPM_TEST_OWNER";
/// The test as which it plays.
const PLAYER: &str = "an_owner_killed_takes_its_swtpm_with_it";

fn ak(base: &Path) -> std::path::PathBuf {
	base.join("tpm/ak.json")
}

#[test]
fn provisioning_twice_keeps_the_key() {
	let base = tempfile::tempdir().unwrap();
	let first = start(base.path()).identity();
	let file = fs::read(ak(base.path())).unwrap();
	assert!(processes_of(base.path()).is_empty(), "the last handle dropped stops swtpm");
	let tpm = start(base.path());
	assert_eq!(tpm.identity(), first);
	assert_eq!(fs::read(ak(base.path())).unwrap(), file);
	get_time(&tpm, 1).unwrap();
	tpm.shutdown();
	assert!(processes_of(base.path()).is_empty());
	assert!(matches!(get_time(&tpm, 1), Err(TpmError::Stopped)));
	tpm.shutdown();
}

#[test]
fn a_path_with_spaces_serves_and_one_with_a_comma_is_refused() {
	let dir = tempfile::tempdir().unwrap();
	get_time(&start(&dir.path().join("my node")), 1).unwrap();
	assert!(matches!(start_error(&dir.path().join("a,b")), TpmError::BadPath { .. }));
}

#[test]
fn a_second_owner_is_refused_and_told_the_first() {
	let base = tempfile::tempdir().unwrap();
	let tpm = start(base.path());
	let process = tpm.process().unwrap();
	let error = start_error(base.path());
	assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
	// Another base path, the same TPM.
	let other = tempfile::tempdir().unwrap();
	let error = TpmHandle::start(TpmConfig::managed(base.path()), other.path()).unwrap_err();
	assert!(matches!(error, TpmError::InUse { .. }), "{error}");
	assert_eq!(tpm.process(), Some(process));
	get_time(&tpm, 1).unwrap();
}

#[test]
fn commands_answer_while_a_node_uses_the_chip() {
	let base = tempfile::tempdir().unwrap();
	let config = || TpmConfig::managed(base.path());
	assert!(matches!(commands::show(base.path()), Err(TpmError::NotProvisioned { .. })));
	let copy = base.path().join("member.json");
	let made = commands::provision(config(), base.path(), TpmOptions::default(), Some(&copy)).unwrap();
	assert_eq!(ec_tpm::Identity::read(&copy).unwrap(), made);
	assert_eq!(commands::show(base.path()).unwrap().used_by, None);

	let tpm = start(base.path());
	let begin = Instant::now();
	let shown = commands::show(base.path()).unwrap();
	assert_eq!((shown.identity, shown.used_by), (made.clone(), Some(std::process::id())));
	assert_eq!(commands::provision(config(), base.path(), TpmOptions::default(), None).unwrap(), made);
	let busy = commands::bench(config(), base.path(), TpmOptions::default(), 10).unwrap_err();
	assert!(matches!(busy, TpmError::InUse { .. }), "{busy}");
	assert!(begin.elapsed() < Duration::from_secs(1));
	drop(tpm);

	let bench = commands::bench(config(), base.path(), TpmOptions::default(), 20).unwrap();
	assert!(bench.to_string().contains("our share"), "{bench}");
}

#[test]
fn missing_programs_are_named_with_their_packages() {
	let base = tempfile::tempdir().unwrap();
	let start = || TpmHandle::start_with(TpmConfig::managed(base.path()), base.path(), without_programs()).unwrap_err();
	let error = start();
	assert_eq!(error.kind(), ErrorKind::Wiring);
	assert!(error.to_string().contains("apt-get install swtpm swtpm-tools"), "{error}");
	// A TPM that was made already needs swtpm too.
	drop(common::start(base.path()));
	assert!(matches!(start(), TpmError::ProgramMissing { program: "swtpm", .. }));
	drop(common::start(base.path()));
}

#[test]
fn a_damaged_key_is_refused_and_not_replaced() {
	let base = tempfile::tempdir().unwrap();
	drop(start(base.path()));
	let good = fs::read_to_string(ak(base.path())).unwrap();
	let digit = good.find("\"private\"").unwrap() + 60;
	let other = if &good[digit..=digit] == "0" { "1" } else { "0" };
	let flipped = format!("{}{other}{}", &good[..digit], &good[digit + 1..]);
	for bad in [&flipped, &good[..100], ""] {
		fs::write(ak(base.path()), bad).unwrap();
		let error = start_error(base.path());
		assert!(matches!(error, TpmError::Damaged { .. }), "{error}");
		assert_eq!(fs::read_to_string(ak(base.path())).unwrap(), bad);
	}
	fs::remove_file(ak(base.path())).unwrap();
	assert!(matches!(start_error(base.path()), TpmError::Incomplete { .. }));
	assert!(!ak(base.path()).exists());
	fs::write(ak(base.path()), good).unwrap();
	drop(start(base.path()));
}

#[test]
fn a_lost_identity_file_is_written_again() {
	let base = tempfile::tempdir().unwrap();
	let identity = start(base.path()).identity();
	fs::remove_file(Files::new(base.path()).identity).unwrap();
	assert_eq!(start(base.path()).identity(), identity);
	assert_eq!(commands::show(base.path()).unwrap().identity, identity);
}

#[test]
fn a_lost_software_tpm_is_not_replaced() {
	let base = tempfile::tempdir().unwrap();
	drop(start(base.path()));
	let state = base.path().join("tpm/swtpm");
	let away = base.path().join("tpm/away");
	fs::rename(&state, &away).unwrap();
	assert!(matches!(start_error(base.path()), TpmError::Incomplete { .. }));
	assert!(!state.exists());
	fs::rename(&away, &state).unwrap();
	drop(start(base.path()));
}

#[test]
fn the_state_of_another_software_tpm_is_refused() {
	let (base, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
	drop(start(base.path()));
	drop(start(other.path()));
	fs::remove_dir_all(base.path().join("tpm/swtpm")).unwrap();
	fs::rename(other.path().join("tpm/swtpm"), base.path().join("tpm/swtpm")).unwrap();
	let error = start_error(base.path());
	assert!(matches!(error, TpmError::OtherChip { .. }), "{error}");
}

#[test]
fn a_half_made_tpm_is_made_anew_and_a_gutted_one_refused() {
	let base = tempfile::tempdir().unwrap();
	// What a power cut during manufacture leaves.
	let making = base.path().join("tpm/swtpm.making");
	fs::create_dir_all(making.join("ca")).unwrap();
	fs::write(making.join("tpm2-00.permall"), "half").unwrap();
	// And an empty folder in the place, which somebody made.
	fs::create_dir(base.path().join("tpm/swtpm")).unwrap();
	get_time(&start(base.path()), 1).unwrap();
	assert!(!making.exists());

	let permanent = base.path().join("tpm/swtpm/tpm2-00.permall");
	fs::remove_file(&permanent).unwrap();
	let error = start_error(base.path());
	assert!(matches!(&error, TpmError::Incomplete { missing, .. } if *missing == permanent), "{error}");
}

#[test]
fn a_damaged_state_says_what_swtpm_says() {
	let base = tempfile::tempdir().unwrap();
	drop(start(base.path()));
	fs::write(base.path().join("tpm/swtpm/tpm2-00.permall"), "garbage").unwrap();
	let error = start_error(base.path());
	assert_ne!(error.kind(), ErrorKind::Time, "{error}");
	println!("{error}");
	assert!(processes_of(base.path()).is_empty());
}

/// A copy of this program, which owns the chip below `base` until it is killed.
fn owner(base: &Path) -> Command {
	let mut command = Command::new(std::env::current_exe().unwrap());
	command.args(["--exact", PLAYER, "--nocapture"]).env(OWNER, base);
	command
}

fn play_owner(base: &Path) {
	let tpm = start(base);
	println!("\nswtpm={}", tpm.process().unwrap());
	std::thread::sleep(Duration::from_secs(60));
}

fn killed_owner(base: &Path) {
	let mut owner = owner(base).stdout(Stdio::piped()).spawn().unwrap();
	let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines();
	let swtpm: u32 = lines.find_map(|line| line.ok()?.strip_prefix("swtpm=")?.parse().ok()).unwrap();
	assert_eq!(processes_of(base), [swtpm]);
	owner.kill().unwrap();
	owner.wait().unwrap();
}

#[test]
fn an_owner_killed_takes_its_swtpm_with_it() {
	if let Some(base) = std::env::var_os(OWNER) {
		return play_owner(Path::new(&base));
	}
	let base = tempfile::tempdir().unwrap();
	let identity = start(base.path()).identity();
	killed_owner(base.path());
	eventually("the kernel ends swtpm", || processes_of(base.path()).is_empty());
	let tpm = start(base.path());
	assert_eq!(tpm.identity(), identity);
	get_time(&tpm, 1).unwrap();
}

#[test]
fn an_owner_killed_at_any_moment_of_its_first_start_leaves_nothing_half_made() {
	let dir = tempfile::tempdir().unwrap();
	for delay in [0, 50, 150, 300, 500, 700, 900, 1100, 1300] {
		let base = dir.path().join(delay.to_string());
		let mut owner = owner(&base).stdout(Stdio::null()).spawn().unwrap();
		std::thread::sleep(Duration::from_millis(delay));
		owner.kill().unwrap();
		owner.wait().unwrap();
		let tpm = start(&base);
		assert_eq!(processes_of(&base), [tpm.process().unwrap()], "killed after {delay} ms");
		let key = tpm.identity().attestation_key().unwrap();
		let attested = get_time(&tpm, 1).unwrap();
		ep_tpm::verify_time(&key, &attested.attest, &attested.signature, &[1; 32]).unwrap();
	}
}

/// swtpm_setup's children are not ended with it. This one goes on writing where it was told to, and cannot be told from
/// anybody's shell.
#[test]
fn what_a_killed_attempt_leaves_running_does_not_meddle_with_the_next() {
	let (base, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
	let (localca, began) = (programs.path().join("swtpm_localca"), programs.path().join("began"));
	let script = format!(
		"#!/bin/sh\nwhile [ \"$1\" != --configfile ]; do shift; done\nca=${{2%/*}}\n: > '{}'\n\
		 for _ in $(seq 250); do echo junk > \"$ca/signkey.pem\"; sleep 0.02; done 2> /dev/null\n",
		began.display()
	);
	fs::write(&localca, script).unwrap();
	fs::set_permissions(&localca, fs::Permissions::from_mode(0o755)).unwrap();
	let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap());
	let mut owner = owner(base.path()).env("PATH", path).stdout(Stdio::null()).spawn().unwrap();
	eventually("the certificates are being made", || began.exists());
	owner.kill().unwrap();
	owner.wait().unwrap();
	get_time(&start(base.path()), 1).unwrap();
}

#[test]
fn a_swtpm_left_over_is_ended_and_nobody_elses() {
	let (base, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
	let bystander = start(other.path());
	let identity = start(base.path()).identity();
	// As if the kernel had failed to end it, and deaf to SIGTERM on top.
	let state = base.path().join("tpm/swtpm");
	let mut left_over = Command::new("swtpm")
		.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"])
		.arg(format!("dir={},mode=0600", state.display()))
		.arg("--server")
		.arg(format!("type=unixio,path={}", state.join("socket").display()))
		.spawn()
		.unwrap();
	let left = left_over.id();
	eventually("it is left over", || processes_of(base.path()) == [left]);
	kill(left, "STOP");
	let reaper = std::thread::spawn(move || left_over.wait());
	let tpm = start(base.path());
	assert_ne!(tpm.process(), Some(left));
	assert_eq!(processes_of(base.path()), [tpm.process().unwrap()]);
	get_time(&tpm, 1).unwrap();
	reaper.join().unwrap().unwrap();
	assert_eq!(tpm.identity(), identity);
	get_time(&bystander, 1).unwrap();
	assert_eq!(bystander.resets(), 0);
}
