//! What happens to the chain meanwhile.

use std::{
	future::Future,
	pin::pin,
	time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ep_poet::{Hash, Millis};
use futures::{
	future::{select, Either},
	FutureExt, StreamExt,
};
use futures_timer::Delay;
use sc_client_api::{BlockchainEvents, FinalityNotifications, ImportNotifications};
use sp_consensus::{Error, SelectChain};
use sp_runtime::traits::{Block as BlockT, Header as HeaderT};

/// Why something was broken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
	/// Another block is best now.
	Moved,
	/// The client ended.
	Ended,
}

/// The best block, and news of it.
pub(super) struct Watch<B: BlockT, SC> {
	imports: ImportNotifications<B>,
	finality: FinalityNotifications<B>,
	select_chain: SC,
}

impl<B: BlockT<Hash = Hash>, SC: SelectChain<B>> Watch<B, SC> {
	pub(super) fn new(client: &impl BlockchainEvents<B>, select_chain: SC) -> Self {
		Self {
			imports: client.import_notification_stream(),
			finality: client.finality_notification_stream(),
			select_chain,
		}
	}

	/// The best block now.
	pub(super) async fn best(&self) -> Result<B::Header, Error> {
		self.select_chain.best_chain().await
	}

	/// Until something is imported or finalised. Finality on a side fork changes the best block, too.
	async fn changed(&mut self) -> Result<(), Stop> {
		let ended = match select(self.imports.next(), self.finality.next()).await {
			Either::Left((import, _)) => import.is_none(),
			Either::Right((finalised, _)) => finalised.is_none(),
		};
		if ended {
			return Err(Stop::Ended);
		}
		// What came at once is one change. Every notification also keeps a block pinned until it is taken.
		while let Some(Some(_)) = self.imports.next().now_or_never() {}
		while let Some(Some(_)) = self.finality.next().now_or_never() {}
		Ok(())
	}

	/// Until `instant`, or until something changes.
	pub(super) async fn until(&mut self, instant: Instant) -> Result<(), Stop> {
		let delay = Delay::new(instant.saturating_duration_since(Instant::now()));
		match select(delay, pin!(self.changed())).await {
			Either::Left(((), _)) => Ok(()),
			Either::Right((changed, _)) => changed,
		}
	}

	/// What `work` gives, unless another block than `parent` becomes best.
	pub(super) async fn unless_moved<T>(&mut self, parent: Hash, work: impl Future<Output = T>) -> Result<T, Stop> {
		let mut work = pin!(work);
		loop {
			match select(work.as_mut(), pin!(self.changed())).await {
				Either::Left((done, _)) => return Ok(done),
				Either::Right((changed, _)) => changed?,
			}
			self.check(parent).await?;
		}
	}

	/// Whether `parent` is still best. A database that fails to say so counts as yes: it will fail louder elsewhere.
	pub(super) async fn check(&self, parent: Hash) -> Result<(), Stop> {
		match self.best().await {
			Ok(best) if best.hash() != parent => Err(Stop::Moved),
			_ => Ok(()),
		}
	}

	/// Until `instant`, unless another block than `parent` becomes best.
	pub(super) async fn sleep_until(&mut self, parent: Hash, instant: Instant) -> Result<(), Stop> {
		let left = instant.saturating_duration_since(Instant::now());
		if left.is_zero() {
			return Ok(());
		}
		self.unless_moved(parent, Delay::new(left)).await
	}

	/// Until the machine's clock shows `time`, in Unix milliseconds, unless another block than `parent` becomes best.
	/// That clock may be set meanwhile, so it is looked at every second.
	pub(super) async fn hold_until(&mut self, parent: Hash, time: Millis) -> Result<(), Stop> {
		loop {
			let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
			let left = Duration::from_millis(time).saturating_sub(now);
			if left.is_zero() {
				return Ok(());
			}
			self.unless_moved(parent, Delay::new(left.min(Duration::from_secs(1)))).await?;
		}
	}
}
