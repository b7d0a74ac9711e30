//! The examination stopped by governance.

use super::*;

/// As governance does when an update would cost honest members.
fn pause() {
	assert_ok!(Attestation::set_parameters(RuntimeOrigin::root(), Parameters { picks: 0, ..parameters() }));
}

#[test]
fn a_pause_draws_nobody_and_open_duties_stay() {
	on_chain_of(4, || {
		oblige(ALICE);
		pause();
		Draw::set(Some((soft(1).id(), [3; 32])));
		go_to(5);
		assert_eq!(Duties::<Test>::iter().count(), 1);
		assert_eq!(Draft::of(ALICE).attest(), Ok(()));
	});
}

#[test]
fn what_lapses_in_a_pause_costs_nothing() {
	on_chain_of(4, || {
		let duty = oblige(ALICE);
		pause();
		events();
		go_to(u64::from(duty.lapses) + 1);
		assert_eq!(score(ALICE), (WEIGHT, WEIGHT));
		assert_eq!(events(), [Event::Excused { author: soft(ALICE).id() }]);
		assert!(Duties::<Test>::iter().next().is_none());
		assert_eq!(Attestation::node(&soft(ALICE).id()).unwrap().missed, 0);
		// It is over: the next one costs what it always did.
		assert_ok!(Attestation::set_parameters(RuntimeOrigin::root(), parameters()));
		miss(ALICE);
		assert_eq!(score(ALICE).0, 160_000);
	});
}

#[test]
fn what_is_late_or_refused_in_a_pause_costs_nothing_and_what_is_forged_all() {
	on_chain_of(4, || {
		UnderPolicy::set(Some((soft(BOB).id(), WEIGHT)));
		let late = oblige(ALICE);
		oblige(BOB);
		oblige(3);
		pause();
		// Twice a platform that the policy does not want.
		for _ in 0..2 {
			assert_eq!(Draft { quoted: Some([8; 32]), ..Draft::of(BOB) }.attest(), Ok(()));
		}
		assert_eq!(score(BOB), (WEIGHT, WEIGHT));
		assert!(events().contains(&Event::Excused { author: soft(BOB).id() }));
		// Late.
		go_to(u64::from(late.until) + 1);
		assert_eq!(Draft::of(ALICE).attest(), Ok(()));
		assert_eq!(score(ALICE), (WEIGHT, WEIGHT));
		assert!(events().contains(&Event::Done { author: soft(ALICE).id(), late: true, score: WEIGHT }));
		// Under another nonce: no update makes an honest chip say that.
		for _ in 0..2 {
			let mut forged = Draft::of(3);
			forged.statement.nonce = vec![0; 32];
			assert_eq!(forged.attest(), Ok(()));
		}
		assert!(events().contains(&Event::Forged { author: soft(3).id() }));
	});
}
