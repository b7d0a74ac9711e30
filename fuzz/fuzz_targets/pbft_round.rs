//! What peers send to a member of a committee, in any order, between timers, judgements and crashes: nothing panics; the
//! member says one thing in each phase of a view, whatever happens and however often it is started again; it decides
//! once, and for ever.
#![no_main]

use std::collections::BTreeMap;

use codec::{Decode, Encode};
use ec_pbft::{Committee, Message, Output, Phase, Quorum, Round, Timeout};
use libfuzzer_sys::fuzz_target;

type Member = Round<u8, u8, u8>;

#[derive(Decode)]
enum Event {
	/// A member, or a stranger, says something.
	Hear(u8, Message<u8>, u8),
	/// Somebody relays votes, as they are on the wire.
	Relay(Quorum<u8, u8, u8>),
	/// The member itself judges.
	Judge(u8),
	/// A timer runs out, due or not.
	Timer(Timeout),
	/// It says everything again.
	Again,
	/// It crashes, and comes back with what it had written.
	Restart,
}

#[derive(Default)]
struct Seen {
	said: BTreeMap<(u32, Phase), Message<u8>>,
	decided: Option<u8>,
}

impl Seen {
	fn look(&mut self, outputs: Vec<Output<u8, u8, u8>>) {
		for output in outputs {
			match output {
				Output::Send(message) => {
					let place = (message.view(), message.phase());
					let before = self.said.entry(place).or_insert_with(|| message.clone());
					assert_eq!(*before, message, "it contradicts itself");
				}
				Output::Decided { value, .. } => assert_eq!(*self.decided.get_or_insert(value), value, "twice"),
				Output::Relay(quorum) => assert!(!quorum.votes.is_empty()),
				Output::Equivocation { first, second, .. } => {
					assert_ne!(first.0, second.0);
					assert_eq!((first.0.view(), first.0.phase()), (second.0.view(), second.0.phase()));
				}
				Output::StartTimer(_) => {}
			}
		}
	}
}

fn committee() -> Committee<u8> {
	let votes = [(0, 3), (1, 2), (2, 2), (3, 1), (4, 1)];
	Committee::new(votes.into(), vec![2, 0, 4, 1, 3], 10).expect("it is a committee")
}

fuzz_target!(|data: &[u8]| {
	let mut data = data;
	let mut seen = Seen::default();
	let (mut member, outputs) = Member::new(committee(), Some(0));
	seen.look(outputs);
	while let Ok(event) = Event::decode(&mut data) {
		let outputs = match event {
			// Nobody speaks in the member's own name: it has the key.
			Event::Hear(0, ..) => continue,
			Event::Hear(from, message, seal) => member.receive(from, message, seal),
			Event::Relay(mut quorum) => {
				quorum.votes.remove(&0);
				// What is sent on is what came.
				let bytes = quorum.encode();
				assert_eq!(Quorum::<u8, u8, u8>::decode(&mut &bytes[..]).ok().as_ref(), Some(&quorum));
				member.receive_quorum(quorum)
			}
			Event::Judge(value) => member.judged(value),
			Event::Timer(timeout) => member.timeout(timeout),
			Event::Again => member.retransmit(),
			Event::Restart => {
				let (again, outputs) = Member::restore(committee(), Some(0), member.memory());
				member = again;
				outputs
			}
		};
		seen.look(outputs);
	}
});
