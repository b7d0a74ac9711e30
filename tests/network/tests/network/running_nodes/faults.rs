//! What a node says when it cannot start, or cannot write.

use std::{
	env,
	ffi::OsStr,
	fs::{self, File},
	io::Write,
	net::{Ipv4Addr, TcpListener},
	path::{Path, PathBuf},
	process::Command,
};

use elapse_network::process;

use super::{expect, refused, run, seconds, skipped, wrong, Dev, Error, Mounts, Result};

/// Fails unless the node's words contain all of these.
fn says(text: &str, words: &[&str]) -> Result<()> {
	match words.iter().find(|word| !text.contains(**word)) {
		None => Ok(()),
		Some(word) => wrong(format!("it does not say '{word}', but: {}", process::last_lines(text.as_bytes(), 12))),
	}
}

#[test]
fn a_busy_port_is_named() {
	run("a busy port", async {
		let dev = Dev::new()?;
		for port in [dev.rpc_port, dev.p2p_port] {
			let busy =
				TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(Error::io("listen on", port.to_string()))?;
			let (_, text) = refused(dev.command(&[])?)?;
			says(&text, &[&port.to_string()])?;
			drop(busy);
		}
		expect(dev.chips() == 0, || "a node that did not start left a swtpm behind".into())
	});
}

#[test]
fn a_bad_specification_is_named() {
	run("a bad specification", async {
		let dir = tempfile::tempdir().map_err(Error::io("make", "a temporary folder"))?;
		let base = dir.path().join("base");
		let start = |spec: &Path| -> Result<Command> {
			let mut command = process::owned(&process::node_program()?);
			command.arg("--chain").arg(spec).arg("--base-path").arg(&base);
			Ok(command)
		};
		let missing = dir.path().join("missing.json");
		says(&refused(start(&missing)?)?.1, &["missing.json"])?;

		let garbage = dir.path().join("garbage.json");
		fs::write(&garbage, "{ \"name\": \"half a spec").map_err(Error::io("write", &garbage))?;
		says(&refused(start(&garbage)?)?.1, &["garbage.json"])?;

		// The network's own specification needs members' files; the bare one has no members, and no node can run it.
		let memberless = dir.path().join("memberless.json");
		let spec = process::run(Command::new(process::node_program()?).args(["build-spec", "--chain", "local"]))?;
		fs::write(&memberless, spec).map_err(Error::io("write", &memberless))?;
		says(&refused(start(&memberless)?)?.1, &["member"])
	});
}

#[test]
fn a_missing_swtpm_is_named_with_its_package() {
	run("a missing swtpm", async {
		let dev = Dev::new()?;
		// The node looks in the usual folders too, so that swtpm itself has to go: a device is no program.
		let path = env::var_os("PATH").unwrap_or_default();
		let usual = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
		let found: Vec<PathBuf> =
			env::split_paths(&path).chain(usual).filter_map(|dir| fs::canonicalize(dir.join("swtpm")).ok()).collect();
		let found: Vec<&OsStr> = found.iter().map(|file| file.as_os_str()).collect();
		let Some(mounts) = Mounts::new("for file; do mount --bind /dev/null \"$file\"; done", &found)? else {
			skipped("this user may not mount anything");
			return Ok(());
		};
		let (_, text) = refused(dev.command(&mounts.inside())?)?;
		says(&text, &["swtpm", "apt-get install swtpm"])
	});
}

#[test]
fn a_full_disk_ends_the_node_which_goes_on_when_there_is_room() {
	run("a full disk", async {
		let mut dev = Dev::new()?;
		let script = "mkdir -p \"$1\"; mount -t tmpfs -o size=256m tmpfs \"$1\"";
		let Some(mounts) = Mounts::new(script, &[dev.base.as_os_str()])? else {
			skipped("this user may not mount anything");
			return Ok(());
		};
		// It does not begin where there is too little from the start.
		let (_, text) = refused(dev.command(&mounts.inside())?)?;
		says(&text, &["Out of storage space", "--db-storage-threshold", "--base-path"])?;

		dev.options = ["--db-storage-threshold", "32", "--db-storage-polling-period", "1"].map(String::from).to_vec();
		let mut node = dev.start(&mounts.inside())?;
		dev.finalized(&mut node, 3, seconds(60)).await?;
		let before = dev.rpc.finalized().await?;
		let filler = mounts.outside(&dev.base.join("filler"));
		fill(&filler, 16 << 20)?;
		match node.wait(seconds(30)) {
			Some(status) if !status.success() => {}
			Some(status) => return wrong(format!("it ended with {status} over a full disk")),
			None => return wrong("it went on over a full disk"),
		}
		says(&dev.log_text(), &["dropped below threshold"])?;

		fs::remove_file(&filler).map_err(Error::io("remove", &filler))?;
		let mut node = dev.start(&mounts.inside())?;
		dev.finalized(&mut node, before.number + 3, seconds(60)).await?;
		let kept = dev.rpc.block_hash(before.number).await?;
		expect(kept == Some(before.hash), || format!("{before} was final and is now {kept:?}"))?;
		expect(!dev.log_text().to_lowercase().contains("equivocat"), || "the node reports an equivocation".into())
	});
}

/// Write until only this much fits.
fn fill(path: &Path, left: u64) -> Result<()> {
	let mut file = File::create(path).map_err(Error::io("make", path))?;
	let disk = rustix::fs::fstatvfs(&file).map_err(|error| Error::io("look at", path)(error.into()))?;
	let zeros = vec![0; 1 << 20];
	for _ in 0..(disk.f_bavail * disk.f_frsize).saturating_sub(left) / zeros.len() as u64 {
		file.write_all(&zeros).map_err(Error::io("write", path))?;
	}
	Ok(())
}
