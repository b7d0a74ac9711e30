//! The lottery, retarget and fork choice of this crate, run as a network of nodes in virtual time, against theory.
//!
//! `cargo test --release -p ep-poet --test simulation -- --nocapture` prints the tables.
//!
//! The network is as plain as the theory: every block takes the same time `DELAY` from its author's decision to every
//! other node. Draws come from a seeded generator in place of the VRF, by (node, height), as in the protocol.

use ep_poet::{
	api::Parameters,
	fork::{prefer, Tip},
	lottery,
	retarget::Window,
	rules::earliest_timestamp,
};
use std::{
	cmp::Reverse,
	collections::{BinaryHeap, HashMap},
};

/// SplitMix64 (Steele, Lea, Flood 2014): all that a simulation needs of randomness.
fn mix(mut x: u64) -> u64 {
	x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
	x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
	x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
	x ^ (x >> 31)
}

/// Virtual time, in microseconds: the protocol counts milliseconds, ties among nodes should not.
type Time = u64;

#[derive(Clone)]
struct Block {
	height: u64,
	parent: u64,
	author: usize,
	weight: u128,
	wait: u64,
	timestamp: u64,
	due: u64,
	window: Window,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
	Arrive { node: usize, block: u64 },
	Sealed { node: usize, on: u64 },
}

struct Network {
	seed: u64,
	parameters: Parameters,
	weights: Vec<u64>,
	/// Nodes that take part until a height.
	until: Vec<u64>,
	delay: Time,
}

struct Report {
	contested: u64,
	wins: Vec<u64>,
	/// Normalised waits `(d - m) * N / M` of the main chain's blocks: exponential with mean 1.
	excess_mean: f64,
	/// Timestamps by height.
	times: Vec<u64>,
}

impl Network {
	fn run(&self, heights: u64) -> Report {
		let total: u64 = self.weights.iter().sum();
		let excess = self.parameters.mean_excess();
		let genesis = Block {
			height: 0,
			parent: 0,
			author: 0,
			weight: 0,
			wait: 0,
			timestamp: 0,
			due: 0,
			window: Window::new(total, excess),
		};
		let mut blocks = HashMap::from([(0u64, genesis)]);
		let mut at_height: HashMap<u64, u32> = HashMap::new();
		let mut best: Vec<(u64, Tip)> = vec![(0, Tip { weight: 0, wait: 0, lateness: Some(0) }); self.weights.len()];
		let mut queue = BinaryHeap::new();
		let mut next = 1u64;
		let (mut contested, mut seen) = (0, 0);

		let start = |node: usize, on: u64, now: Time, blocks: &HashMap<u64, Block>, queue: &mut BinaryHeap<_>| {
			let parent = &blocks[&on];
			if parent.height >= self.until[node] {
				return;
			}
			let x = mix(self.seed ^ mix((node as u64) << 48 | (parent.height + 1)));
			let mean = parent.window.mean(excess);
			let wait = lottery::wait(x, mean, self.weights[node], self.parameters.minimum_wait);
			// Ties in time fall to a random node, not to the lower number.
			let jitter = mix(x) % 1_000;
			queue.push(Reverse((now + wait.min(1 << 40) * 1_000 + jitter, Event::Sealed { node, on })));
		};
		for node in 0..self.weights.len() {
			start(node, 0, 0, &blocks, &mut queue);
		}

		while let Some(Reverse((now, event))) = queue.pop() {
			match event {
				// A wait on what is no longer the node's best was dropped.
				Event::Sealed { node, on } if best[node].0 == on => {
					let parent = &blocks[&on];
					if parent.height >= heights {
						break;
					}
					let mean = parent.window.mean(excess);
					let height = parent.height + 1;
					let x = mix(self.seed ^ mix((node as u64) << 48 | height));
					let wait = lottery::wait(x, mean, self.weights[node], self.parameters.minimum_wait);
					let mut window = parent.window.clone();
					window.push(mean, wait - self.parameters.minimum_wait);
					let timestamp = (now / 1_000).max(earliest_timestamp(parent.timestamp, wait));
					let block = Block {
						height,
						parent: on,
						author: node,
						weight: parent.weight + u128::from(mean),
						wait,
						timestamp,
						due: parent.timestamp + wait,
						window,
					};
					let count = at_height.entry(height).or_default();
					*count += 1;
					if *count == 2 {
						contested += 1;
					}
					if height > seen {
						seen = height;
						at_height.remove(&height.saturating_sub(200));
					}
					blocks.insert(next, block);
					for other in 0..self.weights.len() {
						let after = if other == node { 0 } else { self.delay };
						queue.push(Reverse((now + after, Event::Arrive { node: other, block: next })));
					}
					next += 1;
				}
				Event::Sealed { .. } => {}
				Event::Arrive { node, block } => {
					let arrived = &blocks[&block];
					let lateness = (now / 1_000) as i64 - arrived.due as i64;
					let tip = Tip { weight: arrived.weight, wait: arrived.wait, lateness: Some(lateness) };
					if prefer(&tip, &best[node].1, self.parameters.target) {
						best[node] = (block, tip);
						start(node, block, now, &blocks, &mut queue);
					}
				}
			}
			if next.is_multiple_of(1_000) {
				// Windows are the bulk of a block; old ones are never built on again.
				if let Some(old) = blocks.get_mut(&next.saturating_sub(1_000)) {
					old.window = Window::default();
				}
			}
		}

		let mut wins = vec![0; self.weights.len()];
		let mut times = vec![0; heights as usize + 1];
		let (mut sum, mut at) = (0f64, best.iter().max_by_key(|b| b.1.weight).map_or(0, |b| b.0));
		while at != 0 {
			let block = &blocks[&at];
			wins[block.author] += 1;
			if let Some(slot) = times.get_mut(block.height as usize) {
				*slot = block.timestamp;
			}
			let parent = &blocks[&block.parent];
			let mean = (block.weight - parent.weight) as f64;
			sum += (block.wait - self.parameters.minimum_wait) as f64 / mean;
			at = block.parent;
		}
		Report { contested, wins, excess_mean: sum / heights as f64 * total as f64, times }
	}
}

fn parameters(target: u64) -> Parameters {
	Parameters { target, minimum_wait: target / 10, overhead: target / 10, max_slack: 10 * target, epoch_length: 100 }
}

#[test]
fn a_million_blocks_agree_with_theory_within_two_percent() {
	let weights = vec![400, 250, 150, 100, 60, 40];
	let total: u64 = weights.iter().sum();
	let shares: Vec<f64> = weights.iter().map(|w| *w as f64 / total as f64).collect();
	let collisions: f64 = shares.iter().map(|p| p * p).sum();
	let heights = 250_000;
	let (mut expected, mut contested) = (0.0, 0.0);
	println!("delay ms   theory  measured    error  share of wins off by  mean wait (1)");
	for (seed, delay) in [(1, 100_000), (2, 200_000), (3, 300_000), (4, 400_000)] {
		let network = Network {
			seed,
			parameters: parameters(6_000),
			weights: weights.clone(),
			until: vec![u64::MAX; weights.len()],
			delay,
		};
		let report = network.run(heights);
		let tau = network.parameters.mean_excess() as f64 * 1_000.0;
		let theory = 1.0 - (-(delay as f64) / tau * (1.0 - collisions)).exp();
		let measured = report.contested as f64 / heights as f64;
		let worst = report
			.wins
			.iter()
			.zip(&shares)
			.map(|(wins, share)| (*wins as f64 / heights as f64 / share - 1.0).abs())
			.fold(0.0, f64::max);
		println!(
			"{:>8}  {theory:.5}   {measured:.5}  {:>+6.2}%               {:>6.2}%         {:.4}",
			delay / 1_000,
			(measured / theory - 1.0) * 100.0,
			worst * 100.0,
			report.excess_mean
		);
		expected += theory * heights as f64;
		contested += report.contested as f64;
		assert!((report.excess_mean - 1.0).abs() < 0.02, "mean normalised wait {}", report.excess_mean);
	}
	let error = contested / expected - 1.0;
	println!("all       stale heights {contested:.0}, by theory {expected:.0}: {:+.2}%", error * 100.0);
	assert!(error.abs() < 0.02, "stale heights are off by {error}");
}

#[test]
fn wins_follow_weights_within_two_percent_where_forks_are_rare() {
	let weights = vec![400, 250, 150, 100, 60, 40];
	let network = Network {
		seed: 9,
		parameters: parameters(6_000),
		weights: weights.clone(),
		until: vec![u64::MAX; weights.len()],
		delay: 1_000,
	};
	let heights = 250_000u64;
	let report = network.run(heights);
	// Chi-squared with 5 degrees of freedom: 20.5 is exceeded once in a thousand.
	let chi_squared: f64 = report
		.wins
		.iter()
		.zip(&weights)
		.map(|(wins, weight)| {
			let expected = heights as f64 * *weight as f64 / 1_000.0;
			(*wins as f64 - expected).powi(2) / expected
		})
		.sum();
	println!("wins {:?} of {heights}, chi-squared {chi_squared:.1} (5 degrees of freedom)", report.wins);
	assert!(chi_squared < 20.5);
	for (wins, weight) in report.wins.iter().zip(&weights) {
		let share = *wins as f64 / heights as f64 * 1_000.0 / *weight as f64;
		assert!((share - 1.0).abs() < 0.02, "a member of weight {weight} won {share} of its share");
	}
}

#[test]
fn an_outage_of_half_the_weight_slows_the_chain_and_is_made_up_for() {
	let network = Network {
		seed: 5,
		parameters: parameters(6_000),
		weights: vec![1; 40],
		until: (0..40).map(|node| if node % 2 == 0 { u64::MAX } else { 2_000 }).collect(),
		delay: 10_000,
	};
	let report = network.run(4_000);
	let interval =
		|from: usize, to: usize| (report.times[to] - report.times[from]) as f64 / (to - from) as f64 / 1_000.0;
	println!("half of the weight leaves at height 2000; mean interval in seconds at T = 6 s");
	for from in [1_000, 1_900, 2_000, 2_016, 2_032, 2_048, 2_064, 2_128, 2_256, 3_000] {
		let to = if (2_000..=2_064).contains(&from) { from + 16 } else { from + 100 };
		println!("{from:>6} to {to:<6} {:.2}", interval(from, to));
	}
	let (before, during, after) = (interval(1_000, 2_000), interval(2_001, 2_033), interval(2_200, 4_000));
	assert!((before - 5.4).abs() < 0.6, "{before}");
	assert!(during > 1.2 * before, "{during}");
	assert!((after / before - 1.0).abs() < 0.1, "{after}");
}
