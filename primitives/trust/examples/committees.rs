//! How likely a committee is a bad one, by its size and by how much of all weight is dishonest.
//!
//! ```sh
//! cargo run --release -p ep-trust --example committees [-- --csv]
//! ```
//!
//! Seats are Poisson distributed (ADR 0013), so with `s` seats expected and a dishonest share `b`, dishonest seats are
//! Poisson with mean `b·s` and honest ones with mean `(1-b)·s`, independent of each other. Votes that there should be are
//! `n = max(s, seats that came)`. A committee
//! * *forges* if dishonest seats alone are more than 2/3 of `n`: they sign any verdict;
//! * *may split* if they are at least 1/3 of `n`: weighted PBFT promises nothing any more;
//! * *is stuck* if honest seats are not more than 2/3 of `n`: silence of the others ends the round without a verdict.
//!
//! The probabilities are sums over both distributions. Beside the middle one, the share of 10,000 committees that the
//! chain's own draw gives 200 members of equal weight, under seeded lots.

use ep_trust::{committee::is_quorum, sortition};

const SIZES: [u64; 8] = [5, 10, 20, 30, 50, 100, 200, 400];
const DISHONEST: [u64; 5] = [10, 15, 20, 25, 30];
const DRAWS: u64 = 10_000;
const MEMBERS: u64 = 200;

struct Bad {
	forges: f64,
	may_split: f64,
	is_stuck: f64,
}

fn may_split(dishonest: u64, n: u64) -> bool {
	3 * dishonest >= n
}

/// Poisson probabilities of 0, 1, ... up to where nothing is left.
fn poisson(mean: f64) -> Vec<f64> {
	let most = (mean + 12.0 * mean.sqrt() + 30.0) as usize;
	let mut log = -mean;
	(0..=most)
		.map(|count| {
			if count > 0 {
				log += mean.ln() - (count as f64).ln();
			}
			log.exp()
		})
		.collect()
}

fn exact(size: u64, percent: u64) -> Bad {
	let share = percent as f64 / 100.0;
	let (dishonest, honest) = (poisson(share * size as f64), poisson((1.0 - share) * size as f64));
	let mut bad = Bad { forges: 0.0, may_split: 0.0, is_stuck: 0.0 };
	for (d, p) in (0u64..).zip(&dishonest) {
		for (h, q) in (0u64..).zip(&honest) {
			let (n, both) = (size.max(d + h), p * q);
			bad.forges += if is_quorum(d, n) { both } else { 0.0 };
			bad.may_split += if may_split(d, n) { both } else { 0.0 };
			bad.is_stuck += if is_quorum(h, n) { 0.0 } else { both };
		}
	}
	bad
}

/// How many of [`DRAWS`] committees may split, by the chain's own draw.
fn drawn(size: u64, percent: u64) -> u64 {
	let dishonest_members = MEMBERS * percent / 100;
	let committee = |number: u64| {
		let seats = |member: u64| {
			let lot =
				sp_crypto_hashing::blake2_256(&codec::Encode::encode(&("committees", size, percent, number, member)));
			sortition::seats(&lot, 5_000, 5_000 * MEMBERS, size)
		};
		let d: u64 = (0..dishonest_members).map(seats).sum();
		let h: u64 = (dishonest_members..MEMBERS).map(seats).sum();
		may_split(d, size.max(d + h))
	};
	(0..DRAWS).filter(|number| committee(*number)).count() as u64
}

fn main() {
	let csv = std::env::args().any(|argument| argument == "--csv");
	match csv {
		true => println!("seats,dishonest,forges,may_split,is_stuck,drawn"),
		false => println!(
			"| seats expected | dishonest weight | forges | may split | the same, of {DRAWS} drawn | is stuck |\n|---|---|---|---|---|---|"
		),
	}
	for size in SIZES {
		for percent in DISHONEST {
			let (Bad { forges, may_split, is_stuck }, drawn) = (exact(size, percent), drawn(size, percent));
			match csv {
				true => println!("{size},{percent},{forges:e},{may_split:e},{is_stuck:e},{drawn}"),
				false => println!(
					"| {size} | {percent} % | {forges:.1e} | {may_split:.1e} | {:.1e} | {is_stuck:.1e} |",
					drawn as f64 / DRAWS as f64
				),
			}
		}
	}
}
