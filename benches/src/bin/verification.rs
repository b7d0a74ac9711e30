//! One table: every verification natively and in WebAssembly, and Debian's `tpm2_checkquote` on the same quotes.
//!
//! ```sh
//! cargo run --release --bin verification [-- --turns NUMBER]
//! ```
//!
//! Processor time, not that on the wall. All variants of all rows are measured in turns, and of each its quickest turn
//! counts: others on the machine take caches and the other half of a core, and only ever make it slower.
//! `tpm2_checkquote` is a process; what starting it costs is measured in the same turns by `tpm2_checkquote --version`,
//! which does nothing, and taken off. It reads its files and prints what is in them; apart from the signature it checks
//! the nonce.

use std::{
	error::Error,
	fs,
	path::{Path, PathBuf},
	process::{Command, ExitCode, Stdio},
	time::Duration,
};

use elapse_benches::{host::Host, processor, verdict::Signed};
use elapse_verifications::{case, Quote, COUNT, NONCE};

const HELP: &str = "usage: verification [--turns NUMBER]

  --turns NUMBER  how often everything is measured; a turn takes two to three seconds (default: 60)";

/// How long one variant runs in one turn, about, in seconds.
const SLICE: f64 = 0.02;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Microseconds of one turn after another.
#[derive(Default)]
struct Series(Vec<f64>);

impl Series {
	fn push(&mut self, time: Duration, iterations: u32) {
		self.0.push(time.as_secs_f64() * 1e6 / f64::from(iterations));
	}

	fn least(&self) -> Option<f64> {
		self.0.iter().copied().min_by(f64::total_cmp)
	}
}

/// `tpm2_checkquote`, with the files of one quote.
struct Checker {
	_folder: tempfile::TempDir,
	arguments: Vec<PathBuf>,
}

impl Checker {
	fn new(quote: &Quote) -> Fallible<Self> {
		let folder = tempfile::tempdir()?;
		let mut arguments = Vec::new();
		for (option, bytes) in [("-u", quote.ak), ("-m", quote.attest), ("-s", quote.signature)] {
			let file = folder.path().join(option);
			fs::write(&file, bytes)?;
			arguments.extend([option.into(), file]);
		}
		let nonce: String = NONCE.iter().map(|byte| format!("{byte:02x}")).collect();
		arguments.extend(["-g", quote.hash, "-q", &nonce].map(PathBuf::from));
		Ok(Self { _folder: folder, arguments })
	}
}

fn process(arguments: &[PathBuf]) -> Fallible<Duration> {
	let mut command = Command::new("tpm2_checkquote");
	command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
	let start = processor::of_children();
	let status = command.status()?;
	let time = processor::of_children() - start;
	if status.success() {
		Ok(time)
	} else {
		Err("tpm2_checkquote refuses a quote".into())
	}
}

/// So many runs of something, and how long they took.
fn timed(iterations: u32, mut run: impl FnMut(u32) -> Fallible<bool>) -> Fallible<Duration> {
	let start = processor::own();
	let accepted = run(iterations)?;
	let time = processor::own() - start;
	if accepted {
		Ok(time)
	} else {
		Err("a fixture is refused".into())
	}
}

/// How often something that takes `time` for `of` runs has to run for a slice.
fn in_a_slice(time: Duration, of: u32) -> u32 {
	((SLICE * f64::from(of) / time.as_secs_f64()) as u32).max(1)
}

/// One row, and what was measured of it so far.
struct Row {
	what: &'static str,
	algorithm: String,
	verify: Box<dyn Fn() -> bool>,
	natively: u32,
	native: Series,
	/// The verification's handle in the module, and how often it runs in a turn.
	module: Option<(u32, u32)>,
	wasm: Series,
	checker: Option<Checker>,
	checked: Series,
	start: Series,
}

impl Row {
	fn new(what: &'static str, algorithm: String, verify: Box<dyn Fn() -> bool>) -> Fallible<Self> {
		let natively = in_a_slice(timed(8, |runs| Ok((0..runs).all(|_| verify())))?, 8);
		let [native, wasm, checked, start] = Default::default();
		Ok(Self { what, algorithm, verify, natively, native, module: None, wasm, checker: None, checked, start })
	}

	fn of_case(index: usize, host: &mut Host, checker: bool) -> Fallible<Self> {
		let case = case(index).ok_or_else(|| format!("case {index} is broken"))?;
		let mut row = Self::new(case.kind.name(), case.algorithm.to_owned(), case.run)?;
		let handle = host.prepare(index)?;
		let runs = in_a_slice(timed(8, |runs| host.run(handle, runs))?, 8);
		row.module = Some((handle, runs));
		row.checker = case.quote.as_ref().filter(|_| checker).map(Checker::new).transpose()?;
		Ok(row)
	}

	fn turn(&mut self, host: &mut Host) -> Fallible<()> {
		let native = timed(self.natively, |runs| Ok((0..runs).all(|_| (self.verify)())))?;
		self.native.push(native, self.natively);
		if let Some((handle, runs)) = self.module {
			self.wasm.push(timed(runs, |runs| host.run(handle, runs))?, runs);
		}
		if let Some(checker) = &self.checker {
			self.checked.push(process(&checker.arguments)?, 1);
			self.start.push(process(&[PathBuf::from("--version")])?, 1);
		}
		Ok(())
	}

	fn print(&self) {
		let Some(native) = self.native.least() else { return };
		let a_second = |time: f64| format!("{:.0}", 1e6 / time);
		let [mut wasm, mut ratio, mut in_wasm] = ["by the host".to_owned(), String::new(), String::new()];
		if let Some(time) = self.wasm.least() {
			[wasm, ratio, in_wasm] = [digits(time), digits(time / native), a_second(time)];
		}
		let compared: [String; 4] = match (self.checked.least(), self.start.least()) {
			(Some(whole), Some(start)) => {
				[digits(whole), digits(start), digits(whole / native), digits((whole - start) / native)]
			}
			_ => Default::default(),
		};
		let own =
			[self.what.to_owned(), self.algorithm.clone(), digits(native), wasm, ratio, a_second(native), in_wasm];
		println!("| {} | {} |", own.join(" | "), compared.join(" | "));
	}
}

/// A number with three digits that mean something.
fn digits(number: f64) -> String {
	match number {
		number if number < 10.0 => format!("{number:.2}"),
		number if number < 100.0 => format!("{number:.1}"),
		number => format!("{number:.0}"),
	}
}

const HEAD: &str = "\
| what | algorithm | native µs | wasm µs | wasm / native | a second, native | a second, wasm | tpm2_checkquote µs \
| of it the start µs | ratio to native | the same without the start |
|---|---|---|---|---|---|---|---|---|---|---|";

fn table(turns: u32) -> Fallible<()> {
	let checker = process(&[PathBuf::from("--version")]).is_ok();
	if !checker {
		eprintln!("tpm2_checkquote is not there (apt-get install tpm2-tools): no comparison");
	}
	let mut host = Host::start()?;
	let mut rows = Vec::new();
	for index in 0..COUNT {
		rows.push(Row::of_case(index, &mut host, checker)?);
	}
	for members in [30, 100] {
		let signed = Signed::by(members).ok_or("no committee")?;
		let algorithm = format!("secp256k1, {} signatures of {members} members", signed.signatures());
		rows.push(Row::new("verdict", algorithm, Box::new(move || signed.verify()))?);
	}
	for _ in 0..turns {
		for row in &mut rows {
			row.turn(&mut host)?;
		}
	}
	println!("{HEAD}");
	rows.iter().for_each(Row::print);
	Ok(())
}

fn arguments() -> Option<u32> {
	let mut arguments = std::env::args().skip(1);
	match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
		(None, _, _) => Some(60),
		(Some("--turns"), Some(number), None) => number.parse().ok().filter(|turns| *turns > 0),
		_ => None,
	}
}

fn main() -> ExitCode {
	let Some(turns) = arguments() else {
		eprintln!("{HELP}");
		return ExitCode::from(2);
	};
	if !Path::new(env!("CARGO_MANIFEST_DIR")).is_dir() {
		eprintln!("error: the folder that this was built in is gone, and with it the module's source");
		return ExitCode::FAILURE;
	}
	match table(turns) {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("error: {error}");
			ExitCode::FAILURE
		}
	}
}
