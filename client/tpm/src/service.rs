//! The chip's own thread, and the handle that everybody else holds.
//!
//! # Properties
//! - *Calls never hang.* A caller waits at most [`TpmOptions::request_timeout`]; while the chip is gone it does not wait
//!   at all.
//! - *A chip comes back.* A chip that vanished is looked for with growing pauses; a managed one is started again. The
//!   service never gives up and never makes a second key.
//! - *Resets are seen.* Counters or time of an attestation that do not follow from the last one make the status
//!   [`TpmStatus::Reset`] and count in [`TpmHandle::resets`].
//! - *It ends in order.* The last handle dropped, or [`TpmHandle::shutdown`], shuts a managed TPM down and waits for its
//!   process.

use crate::{
	backend::{Attested, Clock, PcrSelection, Quoted, Tpm, TpmConfig},
	error::TpmError,
	esapi::clock_of,
	identity::{make_private_dir, Files, Identity, Lock},
	provision::Mode,
	source::Source,
	status::{TpmOptions, TpmStatus, View},
	swtpm::{KillSwitch, Swtpm},
};
use ep_tpm::Credential;
use futures::{
	channel::oneshot,
	future::{select, Either},
};
use futures_timer::Delay;
use parking_lot::{Condvar, Mutex};
use std::{
	fmt,
	path::Path,
	sync::{
		mpsc::{channel, Receiver, RecvTimeoutError, Sender},
		Arc,
	},
	thread,
	time::{Duration, Instant},
};

/// How often an idle service looks whether a managed swtpm still runs.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// How often an idle service asks a device whether it is there.
const ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long [`TpmHandle::shutdown`] waits, before and after it ends a managed swtpm by force.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// Calls whose median is the latency that is logged at start.
const LATENCY_SAMPLES: usize = 5;

type Reply<T> = oneshot::Sender<Result<T, TpmError>>;

enum Job {
	GetTime(Vec<u8>, Reply<Attested>),
	Quote(Vec<u8>, PcrSelection, Reply<Attested>),
	QuoteWithPcrs(Vec<u8>, PcrSelection, Reply<Quoted>),
	Activate(Box<Credential>, Reply<Vec<u8>>),
	Clock(Reply<Option<Clock>>),
	/// Bare commands, for comparison.
	Raw(usize, Reply<Vec<Duration>>),
	Stop,
}

impl Job {
	/// Answer without the chip.
	fn refuse(self, error: TpmError) {
		// Whoever asked may have stopped waiting.
		match self {
			Job::GetTime(_, reply) | Job::Quote(_, _, reply) => drop(reply.send(Err(error))),
			Job::QuoteWithPcrs(_, _, reply) => drop(reply.send(Err(error))),
			Job::Activate(_, reply) => drop(reply.send(Err(error))),
			Job::Clock(reply) => drop(reply.send(Err(error))),
			Job::Raw(_, reply) => drop(reply.send(Err(error))),
			Job::Stop => {}
		}
	}
}

/// What handles see of the thread.
#[derive(Debug, Default)]
struct Shared {
	view: Mutex<View>,
	ended: Condvar,
}

/// A node's chip, shared: cheap to clone, usable from any thread and any executor.
///
/// The chip itself is owned by a thread of its own, which is stopped when the last handle is dropped.
#[derive(Clone)]
pub struct TpmHandle(Arc<Inner>);

impl fmt::Debug for TpmHandle {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_tuple("TpmHandle").field(&self.status()).finish()
	}
}

struct Inner {
	jobs: Mutex<Sender<Job>>,
	shared: Arc<Shared>,
	config: TpmConfig,
	identity: Identity,
	kill: KillSwitch,
	options: TpmOptions,
}

impl TpmHandle {
	/// Open the chip, provision it if it never was (a managed one is manufactured first), check that it has every
	/// command that a node needs, measure how long a TPM2_GetTime takes, and log that.
	///
	/// `base` is the node's base path; everything is kept below `<base>/tpm`. Blocks until the chip is ready or has
	/// failed, at most [`TpmOptions::start_timeout`].
	pub fn start(config: TpmConfig, base: &Path) -> Result<TpmHandle, TpmError> {
		Self::start_with(config, base, TpmOptions::default())
	}

	/// The same with other settings.
	pub fn start_with(config: TpmConfig, base: &Path, options: TpmOptions) -> Result<TpmHandle, TpmError> {
		let (jobs, inbox) = channel();
		let (ready, started) = channel();
		let shared = Arc::new(Shared::default());
		let kill = KillSwitch::default();
		let service = Service {
			source: Source::new(config.clone(), base, options.programs.clone(), kill.clone()),
			shared: shared.clone(),
			inbox,
		};
		// A managed swtpm dies with the thread that started it: this one.
		thread::Builder::new()
			.name("tpm".into())
			.spawn(move || service.run(ready))
			.map_err(|e| TpmError::io("start a thread for", base, e))?;
		let identity = match started.recv_timeout(options.start_timeout) {
			Ok(result) => result?,
			Err(RecvTimeoutError::Disconnected) => return Err(TpmError::Stopped),
			Err(RecvTimeoutError::Timeout) => {
				// The thread ends as soon as its call does, since nobody waits for the outcome.
				kill.kill();
				return Err(TpmError::TimedOut { after: options.start_timeout });
			}
		};
		Ok(TpmHandle(Arc::new(Inner { jobs: Mutex::new(jobs), shared, config, identity, kill, options })))
	}

	/// The public half of the chip.
	pub fn identity(&self) -> Identity {
		self.0.identity.clone()
	}

	/// TPM2_GetTime with `nonce` (at most 64 bytes, 32 for every chip) as qualifying data.
	///
	/// # Errors
	/// [`TpmError::Gone`] at once while the chip is gone, [`TpmError::TimedOut`] after
	/// [`TpmOptions::request_timeout`], and whatever the chip says.
	pub async fn get_time(&self, nonce: Vec<u8>) -> Result<Attested, TpmError> {
		self.ask(|reply| Job::GetTime(nonce, reply)).await
	}

	/// TPM2_Quote over `selection`. Errors as [`TpmHandle::get_time`].
	pub async fn quote(&self, nonce: Vec<u8>, selection: PcrSelection) -> Result<Attested, TpmError> {
		self.ask(|reply| Job::Quote(nonce, selection, reply)).await
	}

	/// A quote over `selection` with the values that it is about: see [`Tpm::quote_with_pcrs`]. Errors as there and as
	/// [`TpmHandle::get_time`].
	pub async fn quote_with_pcrs(&self, nonce: Vec<u8>, selection: PcrSelection) -> Result<Quoted, TpmError> {
		self.ask(|reply| Job::QuoteWithPcrs(nonce, selection, reply)).await
	}

	/// The secret in a credential that was made for this chip: see [`Tpm::activate`]. Other requests wait meanwhile.
	///
	/// # Errors
	/// As there and as [`TpmHandle::get_time`], but [`TpmError::TimedOut`] only after [`TpmOptions::start_timeout`]: the
	/// chip does what it does at start, and may take as long.
	pub async fn activate(&self, credential: Credential) -> Result<Vec<u8>, TpmError> {
		let after = self.0.options.start_timeout;
		self.ask_within(after, |reply| Job::Activate(Box::new(credential), reply)).await
	}

	/// The boot event log of this machine: see [`TpmConfig::event_log`]. The chip is not asked; a file is read, by the
	/// thread that calls this.
	///
	/// # Errors
	/// As there.
	pub fn event_log(&self) -> Result<Option<Vec<u8>>, TpmError> {
		self.0.config.event_log()
	}

	/// The chip's time and counters; `None` from one that attests none. Errors as [`TpmHandle::get_time`].
	pub async fn read_clock(&self) -> Result<Option<Clock>, TpmError> {
		self.ask(Job::Clock).await
	}

	/// How long `count` bare commands take, one by one, in the thread that owns the chip.
	pub(crate) async fn raw_get_time(&self, count: usize) -> Result<Vec<Duration>, TpmError> {
		self.ask(|reply| Job::Raw(count, reply)).await
	}

	/// How the chip is now.
	pub fn status(&self) -> TpmStatus {
		self.0.shared.view.lock().status(self.0.options.slow_after)
	}

	/// How many resets of the chip were seen since the service started. An attestation pairs with a later one only if
	/// this did not change in between.
	pub fn resets(&self) -> u64 {
		self.0.shared.view.lock().resets
	}

	/// The process of a managed swtpm while it runs.
	pub fn process(&self) -> Option<u32> {
		self.0.shared.view.lock().process
	}

	/// Stop the service, and with it a managed TPM: TPM2_Shutdown, then SIGTERM. Returns when that is done, within some
	/// 10 s if the chip hangs. Requests fail with [`TpmError::Stopped`] from now on. Dropping the last handle does it
	/// too.
	pub fn shutdown(&self) {
		self.0.stop();
	}

	async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, TpmError> {
		self.ask_within(self.0.options.request_timeout, job).await
	}

	async fn ask_within<T>(&self, after: Duration, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, TpmError> {
		{
			let view = self.0.shared.view.lock();
			if let (Some((_, reason)), false) = (&view.gone, view.ended) {
				return Err(TpmError::Gone { reason: reason.clone() });
			}
		}
		let (reply, answer) = oneshot::channel();
		self.0.jobs.lock().send(job(reply)).map_err(|_| TpmError::Stopped)?;
		match select(answer, Delay::new(after)).await {
			Either::Left((answer, _)) => answer.unwrap_or(Err(TpmError::Stopped)),
			Either::Right(_) => Err(TpmError::TimedOut { after }),
		}
	}
}

impl Inner {
	fn stop(&self) {
		let _ = self.jobs.lock().send(Job::Stop);
		if !self.wait_for_end() {
			log::warn!("the TPM does not answer: stopping without its consent");
			self.kill.kill();
			if !self.wait_for_end() {
				log::warn!("the TPM's thread is stuck in a call to the driver; it ends with this process");
			}
		}
	}

	fn wait_for_end(&self) -> bool {
		let mut view = self.shared.view.lock();
		let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
		while !view.ended {
			if self.shared.ended.wait_until(&mut view, deadline).timed_out() {
				return view.ended;
			}
		}
		true
	}
}

impl Drop for Inner {
	fn drop(&mut self) {
		self.stop();
	}
}

struct Service {
	source: Source,
	shared: Arc<Shared>,
	inbox: Receiver<Job>,
}

/// Tells those who wait that the thread ended, however it did.
struct EndGuard(Arc<Shared>);

impl Drop for EndGuard {
	fn drop(&mut self) {
		self.0.view.lock().ended = true;
		self.0.ended.notify_all();
	}
}

impl Service {
	fn run(self, ready: Sender<Result<Identity, TpmError>>) {
		let _end = EndGuard(self.shared.clone());
		self.live(ready);
	}

	/// When this returns, a managed swtpm has ended and the locks are free.
	fn live(mut self, ready: Sender<Result<Identity, TpmError>>) {
		let first = match self.begin() {
			Ok(chip) => chip,
			Err(error) => {
				// Let go of everything before saying so: the caller may try again at once.
				drop(self);
				let _ = ready.send(Err(error));
				return;
			}
		};
		if ready.send(Ok(first.identity().clone())).is_err() {
			return;
		}
		let mut chip = Some(first);
		while let Some(mut working) = chip.take() {
			let lost = self.serve(&mut *working);
			drop(working);
			chip = lost.and_then(|reason| self.search(reason));
		}
		log::debug!("stopped using {}", self.source.config);
	}

	fn begin(&mut self) -> Result<Box<dyn Tpm>, TpmError> {
		let files = Files::new(&self.source.base);
		make_private_dir(&files.dir)?;
		self.source.lock = Some(Lock::take(&files.lock, &files.dir)?);
		let mut chip = self.source.open(Mode::Provision)?;
		let mut samples = Vec::new();
		for _ in 0..LATENCY_SAMPLES {
			let begin = Instant::now();
			let clock = chip.read_clock()?;
			samples.push(begin.elapsed());
			if let Some(clock) = clock {
				self.shared.view.lock().observe(clock);
			}
		}
		samples.sort();
		let latency = samples[LATENCY_SAMPLES / 2];
		let identity = chip.identity();
		log::info!(
			"using {}: {} {}, firmware {}, {:.1} ms a call",
			self.source.config,
			identity.manufacturer,
			identity.model,
			identity.firmware,
			latency.as_secs_f64() * 1e3,
		);
		let mut view = self.shared.view.lock();
		view.latency = latency;
		view.process = self.source.swtpm.as_ref().map(Swtpm::process);
		drop(view);
		Ok(chip)
	}

	/// Serve until the chip is lost (and why), or until the end (`None`).
	fn serve(&mut self, chip: &mut dyn Tpm) -> Option<String> {
		let mut asked = Instant::now();
		loop {
			let lost = match self.inbox.recv_timeout(WATCH_INTERVAL) {
				Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => {
					if self.source.swtpm.is_some() {
						// It is ours to shut down; if it does not, it is ended all the same.
						let _ = chip.shutdown();
					}
					return None;
				}
				Ok(job) => {
					asked = Instant::now();
					self.work(chip, job)
				}
				Err(RecvTimeoutError::Timeout) if !self.source.is_alive() => {
					Some("the managed swtpm ended".to_string())
				}
				Err(RecvTimeoutError::Timeout) if asked.elapsed() > ALIVE_INTERVAL => {
					asked = Instant::now();
					chip.alive().err().filter(TpmError::lost).map(|error| error.to_string())
				}
				Err(RecvTimeoutError::Timeout) => None,
			};
			if let Some(reason) = lost {
				return Some(reason);
			}
		}
	}

	/// Do one job; why the chip is lost, if it is.
	fn work(&mut self, chip: &mut dyn Tpm, job: Job) -> Option<String> {
		match job {
			Job::GetTime(nonce, reply) => self.answer(reply, |view| {
				let begin = Instant::now();
				let attested = chip.get_time(&nonce)?;
				let mut view = view.lock();
				view.latency = (view.latency * 7 + begin.elapsed()) / 8;
				if let Some(clock) = clock_of(&attested) {
					view.observe(clock);
				}
				Ok(attested)
			}),
			Job::Quote(nonce, selection, reply) => self.answer(reply, |_| chip.quote(&nonce, &selection)),
			Job::QuoteWithPcrs(nonce, selection, reply) => {
				self.answer(reply, |_| chip.quote_with_pcrs(&nonce, &selection))
			}
			Job::Activate(credential, reply) => self.answer(reply, |_| chip.activate(&credential)),
			Job::Clock(reply) => self.answer(reply, |view| {
				let clock = chip.read_clock()?;
				clock.into_iter().for_each(|clock| view.lock().observe(clock));
				Ok(clock)
			}),
			Job::Raw(count, reply) => self.answer(reply, |_| (0..count).map(|_| chip.raw_get_time(&[7; 32])).collect()),
			Job::Stop => None,
		}
	}

	fn answer<T>(&self, reply: Reply<T>, work: impl FnOnce(&Mutex<View>) -> Result<T, TpmError>) -> Option<String> {
		if reply.is_canceled() {
			return None;
		}
		self.shared.view.lock().busy_since = Some(Instant::now());
		let result = work(&self.shared.view);
		let lost = result.as_ref().err().filter(|error| error.lost()).map(ToString::to_string);
		let mut view = self.shared.view.lock();
		view.busy_since = None;
		if let Some(reason) = &lost {
			// Before the answer, so that whoever gets it sees the status that goes with it.
			view.gone = Some((Instant::now(), reason.clone()));
		}
		drop(view);
		let _ = reply.send(result);
		lost
	}

	/// Look for the chip until it is back; `None` at the end.
	fn search(&mut self, reason: String) -> Option<Box<dyn Tpm>> {
		log::error!("{reason}");
		{
			let mut view = self.shared.view.lock();
			view.gone.get_or_insert_with(|| (Instant::now(), reason));
			view.process = None;
		}
		let mut pause = FIRST_PAUSE;
		loop {
			if self.refuse_for(pause) {
				return None;
			}
			pause = (pause * 2).min(LONGEST_PAUSE);
			let found =
				self.source.open(Mode::LoadOnly).and_then(|mut chip| chip.read_clock().map(|clock| (chip, clock)));
			let mut view = self.shared.view.lock();
			match found {
				Ok((chip, clock)) => {
					let away = view.gone.take().map(|(since, _)| since.elapsed()).unwrap_or_default();
					clock.into_iter().for_each(|clock| view.observe(clock));
					view.process = self.source.swtpm.as_ref().map(Swtpm::process);
					log::info!("{} is back after {:.1} s", self.source.config, away.as_secs_f64());
					return Some(chip);
				}
				Err(error) => {
					let since = view.gone.as_ref().map_or_else(Instant::now, |(since, _)| *since);
					log::warn!("still no TPM, next attempt in {:.1} s: {error}", pause.as_secs_f64());
					view.gone = Some((since, error.to_string()));
				}
			}
		}
	}

	/// Refuse requests for a while; `true` at the end.
	fn refuse_for(&self, pause: Duration) -> bool {
		let deadline = Instant::now() + pause;
		loop {
			let gone = || TpmError::Gone {
				reason: self.shared.view.lock().gone.as_ref().map_or_else(String::new, |(_, reason)| reason.clone()),
			};
			match self.inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
				Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
				Err(RecvTimeoutError::Timeout) => return false,
				Ok(job) => job.refuse(gone()),
			}
		}
	}
}
