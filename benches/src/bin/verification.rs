//! One table: every verification natively and in WebAssembly, and Debian's `tpm2_checkquote` on the same quotes.
//!
//! ```sh
//! cargo run --release --bin verification [-- --seconds NUMBER]
//! ```
//!
//! Processor time, not that on the wall. All variants of a row are measured in turns, many times, and of each its quickest
//! turn counts: others on the machine take caches and the other half of a core, and only ever make it slower.
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
use elapse_verifications::{case, Case, Quote, COUNT, NONCE};

const HELP: &str = "usage: verification [--seconds NUMBER]

  --seconds NUMBER  how long a row is measured, about (default: 4)";

/// How many turns a row takes.
const TURNS: u32 = 40;

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

	/// Runs it once.
	fn time(&self) -> Fallible<Duration> {
		process(&self.arguments)
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

/// Of one row, in microseconds.
#[derive(Default)]
struct Row {
	native: Series,
	wasm: Series,
	checker: Series,
	start: Series,
}

fn measure(index: usize, case: &Case, host: &mut Host, checker: bool, seconds: f64) -> Fallible<Row> {
	let mut row = Row::default();
	let mut native = |iterations| Ok((0..iterations).all(|_| (case.run)()));
	let prepared = host.prepare(index)?;
	let checker = case.quote.as_ref().filter(|_| checker).map(Checker::new).transpose()?;
	// Half of a turn each.
	let share = seconds / f64::from(TURNS) / 2.0;
	let within = |time: Duration| ((share / (time.as_secs_f64() / 8.0)) as u32).max(1);
	let natively = within(timed(8, &mut native)?);
	let in_wasm = within(timed(8, |iterations| host.run(prepared, iterations))?);
	let nothing = [PathBuf::from("--version")];
	for _ in 0..TURNS {
		row.native.push(timed(natively, &mut native)?, natively);
		row.wasm.push(timed(in_wasm, |iterations| host.run(prepared, iterations))?, in_wasm);
		if let Some(checker) = &checker {
			row.checker.push(checker.time()?, 1);
			row.start.push(process(&nothing)?, 1);
		}
	}
	Ok(row)
}

/// A number with three digits that mean something.
fn digits(number: f64) -> String {
	match number {
		number if number < 10.0 => format!("{number:.2}"),
		number if number < 100.0 => format!("{number:.1}"),
		number => format!("{number:.0}"),
	}
}

fn print(case: &Case, row: &Row) {
	let (Some(native), Some(wasm)) = (row.native.least(), row.wasm.least()) else { return };
	let cells = [
		case.kind.name().to_owned(),
		case.algorithm.to_owned(),
		digits(native),
		digits(wasm),
		digits(wasm / native),
		format!("{:.0}", 1e6 / native),
		format!("{:.0}", 1e6 / wasm),
	];
	let compared = match (row.checker.least(), row.start.least()) {
		(Some(whole), Some(start)) => {
			// What is lost in the noise of two processes is not given as a number.
			let own = whole - start;
			let over = if own > 0.05 * start { digits(own / native) } else { "lost in the start".into() };
			[digits(whole), digits(start), digits(whole / native), over]
		}
		_ => Default::default(),
	};
	println!("| {} | {} |", cells.join(" | "), compared.join(" | "));
}

fn table(seconds: f64) -> Fallible<()> {
	let checker = process(&[PathBuf::from("--version")]).is_ok();
	if !checker {
		eprintln!("tpm2_checkquote is not there (apt-get install tpm2-tools): no comparison");
	}
	let mut host = Host::start()?;
	println!("| what | algorithm | native µs | wasm µs | wasm / native | a second, native | a second, wasm | tpm2_checkquote µs | of it the start µs | ratio to native | the same without the start |");
	println!("|---|---|---|---|---|---|---|---|---|---|---|");
	for index in 0..COUNT {
		let case = case(index).ok_or_else(|| format!("case {index} is broken"))?;
		print(&case, &measure(index, &case, &mut host, checker, seconds)?);
	}
	for members in [30, 100] {
		let signed = Signed::by(members).ok_or("no committee")?;
		let mut series = Series::default();
		for _ in 0..TURNS {
			series.push(timed(8, |iterations| Ok((0..iterations).all(|_| signed.verify())))?, 8);
		}
		let Some(native) = series.least() else { continue };
		let signatures = signed.signatures();
		println!(
			"| verdict | secp256k1, {signatures} signatures of {members} members | {} | by the host | | {:.0} | | | | | |",
			digits(native),
			1e6 / native
		);
	}
	Ok(())
}

fn arguments() -> Option<f64> {
	let mut arguments = std::env::args().skip(1);
	match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
		(None, _, _) => Some(4.0),
		(Some("--seconds"), Some(number), None) => number.parse().ok().filter(|seconds: &f64| *seconds > 0.0),
		_ => None,
	}
}

fn main() -> ExitCode {
	let Some(seconds) = arguments() else {
		eprintln!("{HELP}");
		return ExitCode::from(2);
	};
	if !Path::new(env!("CARGO_MANIFEST_DIR")).is_dir() {
		eprintln!("error: the folder that this was built in is gone, and with it the module's source");
		return ExitCode::FAILURE;
	}
	match table(seconds) {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("error: {error}");
			ExitCode::FAILURE
		}
	}
}
