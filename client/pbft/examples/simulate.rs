//! Simulates many committees over bad networks and prints how they fared.

#[path = "simulate/drawn.rs"]
mod drawn;
#[path = "../tests/simulation/world/mod.rs"]
mod world;

use std::process::ExitCode;

use world::{
	random::Random,
	scenario::{Scenario, Share},
	Outcome, World,
};

const HELP: &str = "Simulates committees that agree over bad networks, with Byzantine members.

Usage: simulate [--drawn] [--runs NUMBER] [--seed NUMBER]

  --drawn        let the chain's own lots draw the committees, and see what they come to
  --runs NUMBER  how many runs there are, over all rows; without --drawn of the first table (default: 10000)
  --seed NUMBER  where all that is random comes from (default: 1)
  --help         this text

Every run draws votes, order, judgements, delays, losses, partitions, crashes and what Byzantine members do. From some
time on the network is good and honest members judge alike. A run is decided when all honest members decided.

With --drawn a table of its own is printed, in which sound, short and lost are what a committee is good for: honest members
have a quorum; too few of them came; Byzantine ones have a third of the votes or more.

Exit status: 0 if all is as promised, 1 if it is not, 2 if the command line is wrong.";

/// Sizes of committees.
const SIZES: [u16; 8] = [4, 7, 10, 16, 25, 40, 64, 100];

/// How long runs go on in which deciding is not promised, in milliseconds.
const HOPELESS: u64 = 60_000;

/// What became of all runs of a row.
#[derive(Default)]
struct Row {
	runs: u64,
	decided: u64,
	views: Vec<u64>,
	times: Vec<u64>,
	messages: u64,
	two_verdicts: u64,
	broken: u64,
}

impl Row {
	fn take(&mut self, scenario: &Scenario, outcome: &Outcome) {
		self.runs += 1;
		self.messages += outcome.messages;
		self.two_verdicts += u64::from(outcome.values.len() > 1);
		if outcome.all_decided {
			self.decided += 1;
			self.views.push(u64::from(outcome.views) + 1);
			self.times.push(outcome.time);
		}
		let honest = outcome.contradictions == 0 && outcome.reported.is_subset(&scenario.byzantine);
		self.broken += u64::from(!honest || !outcome.values.is_subset(&outcome.judged));
	}

	fn print(&mut self, size: u16, share: &str) {
		self.views.sort_unstable();
		self.times.sort_unstable();
		println!(
			"{size:>7}  {share:<14}{:>6}{:>9}{:>7}{:>6}{:>6}{:>8}{:>8}{:>10}{:>6}",
			self.runs,
			self.decided,
			tenths(self.views.iter().sum::<u64>(), self.views.len() as u64),
			percentile(&self.views, 95),
			percentile(&self.views, 100),
			tenths(percentile(&self.times, 50), 1_000),
			tenths(percentile(&self.times, 100), 1_000),
			self.messages / self.runs.max(1),
			self.two_verdicts,
		);
	}
}

/// A fraction with one digit.
fn tenths(sum: u64, of: u64) -> String {
	let tenths = (sum * 10 + of / 2) / of.max(1);
	format!("{}.{}", tenths / 10, tenths % 10)
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
	let rank = (sorted.len() * percent).div_ceil(100);
	sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

fn header() {
	println!("{:>7}  {:<14}{:>6}{:>9}{:^19}{:^16}{:>10}{:>6}", "", "", "", "", "     views", "    seconds", "", "two");
	println!(
		"{:>7}  {:<14}{:>6}{:>9}{:>7}{:>6}{:>6}{:>8}{:>8}{:>10}{:>6}",
		"members", "Byzantine", "runs", "decided", "mean", "p95", "max", "median", "max", "messages", "vals"
	);
}

/// What the command line asks for.
struct Arguments {
	drawn: bool,
	runs: u64,
	seed: u64,
}

fn arguments() -> Result<Option<Arguments>, String> {
	let mut asked = Arguments { drawn: false, runs: 10_000, seed: 1 };
	let mut arguments = std::env::args().skip(1);
	while let Some(name) = arguments.next() {
		let target = match name.as_str() {
			"--help" | "-h" => return Ok(None),
			"--drawn" => {
				asked.drawn = true;
				continue;
			}
			"--runs" => &mut asked.runs,
			"--seed" => &mut asked.seed,
			_ => return Err(format!("there is no option {name}")),
		};
		let value = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
		*target = value.parse().map_err(|_| format!("{value} is no number"))?;
	}
	Ok(Some(asked))
}

fn main() -> ExitCode {
	let Arguments { drawn, runs, seed } = match arguments() {
		Ok(Some(arguments)) => arguments,
		Ok(None) => {
			println!("{HELP}");
			return ExitCode::SUCCESS;
		}
		Err(error) => {
			eprintln!("error: {error}\n\n{HELP}");
			return ExitCode::from(2);
		}
	};
	let good = if drawn { drawn::simulate(runs, seed) } else { simulate(runs, seed) };
	println!();
	println!("{}", if good { "All is as promised." } else { "This is NOT as promised." });
	if good {
		ExitCode::SUCCESS
	} else {
		ExitCode::FAILURE
	}
}

/// Committees of random votes. Whether all was as promised.
fn simulate(runs: u64, seed: u64) -> bool {
	let mut seeds = Random::new(seed);
	let mut good = true;

	println!("Less than a third Byzantine: all decide, and never two values.");
	header();
	let shares = [("none", Share::None), ("up to 1/6", Share::Sixth), ("just under 1/3", Share::UnderThird)];
	let rows = (SIZES.len() * shares.len()) as u64;
	let mut number = 0;
	for size in SIZES {
		for (name, share) in shares {
			let mut row = Row::default();
			for _ in 0..runs / rows + u64::from(number < runs % rows) {
				let scenario_seed = seeds.next();
				let scenario = Scenario::random(size, share, scenario_seed);
				let outcome = World::run(&scenario);
				let broken = row.broken;
				row.take(&scenario, &outcome);
				if outcome.values.len() > 1 || !outcome.all_decided || row.broken > broken {
					good = false;
					println!("NOT AS PROMISED: seed {scenario_seed}, {:?}: {outcome:?}", scenario.strategy);
				}
			}
			number += 1;
			row.print(size, name);
		}
	}

	println!();
	println!(
		"Just under a third Byzantine: let one member decide, gag it, and lead the others elsewhere. All judge 1,"
	);
	println!("and soon 2.");
	header();
	for size in [4, 7, 13, 25] {
		let mut row = Row::default();
		for _ in 0..runs.div_ceil(20) {
			let scenario = Scenario::turning(size, seeds.next());
			row.take(&scenario, &World::run(&scenario));
		}
		good &= row.two_verdicts == 0 && row.decided == row.runs && row.broken == 0;
		row.print(size, "just under 1/3");
	}

	let beyond = (runs / 50).max(10);
	println!();
	println!(
		"A third Byzantine and more, playing two halves off against each other, for a minute after all is healed."
	);
	println!("With a third exactly there are never two values, but there may be none. With more there are two.");
	header();
	for size in [6, 12, 24, 48] {
		for (name, share) in [("exactly 1/3", Share::Third), ("2/5 and more", Share::OverThird)] {
			let mut row = Row::default();
			for _ in 0..beyond {
				let scenario = Scenario::random(size, share, seeds.next());
				let scenario = Scenario { end: scenario.healed + HOPELESS, ..scenario };
				row.take(&scenario, &World::run(&scenario));
			}
			// The simulation must be able to see two values where there can be two.
			good &= (row.two_verdicts > 0) == (share == Share::OverThird);
			row.print(size, name);
		}
	}
	good
}
