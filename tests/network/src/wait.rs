//! Waiting with a deadline, and saying what is waited for.

use std::{
	cell::RefCell,
	fmt::Display,
	future::Future,
	time::{Duration, Instant},
};

use crate::{Error, Result};

/// How often is looked.
const INTERVAL: Duration = Duration::from_millis(200);
/// How often a wait says that it is still waiting.
const SAY: Duration = Duration::from_secs(10);

/// What a look showed.
#[derive(Debug)]
pub enum Seen<T> {
	/// It happened.
	Yes(T),
	/// Not yet; this is how far it is.
	NotYet(String),
}

thread_local! {
	static NAME: RefCell<String> = const { RefCell::new(String::new()) };
}

/// From now on, what this thread says begins with a name: where several tests run at once, their lines are mixed.
pub fn name_this_thread(name: &str) {
	NAME.set(name.into());
}

/// Say how far it is, in one line.
pub fn say(line: impl Display) {
	NAME.with_borrow(|name| match name.is_empty() {
		true => println!("    {line}"),
		false => println!("{name}: {line}"),
	});
}

/// Look again and again until it happened, or `limit` is over.
///
/// An error of a look is "not yet": a node that is being started, paused or killed does not answer. Only a node that
/// ended without being asked to ([`Error::Node`]) ends the wait at once.
pub async fn until<T, F, Fut>(what: &str, limit: Duration, mut look: F) -> Result<T>
where
	F: FnMut() -> Fut,
	Fut: Future<Output = Result<Seen<T>>>,
{
	let begin = Instant::now();
	let mut said = begin;
	let mut last = String::from("nothing");
	while begin.elapsed() < limit {
		match tokio::time::timeout(limit.saturating_sub(begin.elapsed()), look()).await {
			Ok(Ok(Seen::Yes(value))) => {
				say(format_args!("{what}: after {:.1} s", begin.elapsed().as_secs_f64()));
				return Ok(value);
			}
			Ok(Ok(Seen::NotYet(seen))) => last = seen,
			Ok(Err(error @ Error::Node { .. })) => return Err(error),
			Ok(Err(error)) => last = error.to_string(),
			Err(_) => break,
		}
		if said.elapsed() > SAY {
			said = Instant::now();
			say(format_args!("{what}: {:.0} s, {last}", begin.elapsed().as_secs_f64()));
		}
		tokio::time::sleep(INTERVAL).await;
	}
	Err(Error::Deadline { what: what.into(), after: limit, last })
}

#[cfg(test)]
mod tests {
	use super::*;

	#[tokio::test]
	async fn a_wait_ends_at_its_deadline_and_names_what_it_saw() {
		let error =
			until::<(), _, _>("rain", Duration::from_millis(1), || async { Ok(Seen::NotYet("sun".into())) }).await;
		assert_eq!(error.unwrap_err().to_string(), "rain did not happen within 0 s; last seen: sun");
	}

	#[tokio::test]
	async fn a_look_that_hangs_does_not_outlast_the_deadline() {
		let look = || std::future::pending::<Result<Seen<()>>>();
		assert!(until("rain", Duration::from_millis(10), look).await.is_err());
	}

	#[tokio::test]
	async fn errors_are_not_yet_but_a_dead_node_ends_the_wait() {
		let mut looks = 0;
		let result = until("rain", Duration::from_secs(10), || {
			looks += 1;
			let look = looks;
			async move {
				match look {
					1 => Err(Error::Rpc { node: "a".into(), method: "m".into(), why: "refused".into() }),
					_ => Err::<Seen<()>, _>(Error::node("a", "it ended")),
				}
			}
		});
		assert_eq!(result.await.unwrap_err().to_string(), "a: it ended");
	}
}
