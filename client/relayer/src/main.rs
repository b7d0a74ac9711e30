//! `elapse-relayer`: brings certified checkpoints of Elapse to the Elastos Smart Chain.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use ec_relayer::{
	claim::{self, parse_account, Claim},
	cli::{parse_address, parse_ela, parse_gwei, passphrase, Options},
	keystore,
	node::Remote,
	policy::{Policy, GWEI},
	Metrics, Status, StatusHandle,
};
use jsonrpsee::{core::client::ClientT, rpc_params, server::Server, ws_client::WsClientBuilder};
use sp_core::{crypto::AccountId32, H160};
use substrate_prometheus_endpoint::{init_prometheus, Registry};

/// Brings certified checkpoints of Elapse to the anchor on the Elastos Smart Chain. Anybody may run one; several do not
/// get into each other's way.
///
/// To begin:
///
///   elapse-relayer key new relayer.json --passphrase-file passphrase
///
///   (send some ELA to the address that it prints)
///
///   elapse-relayer run --node ws://127.0.0.1:9944 --esc https://api.elastos.io/esc --contract 0x...
///     --keystore relayer.json --passphrase-file passphrase
///
///   elapse-relayer status
///
///   elapse-relayer claim relayer.json --passphrase-file passphrase --account 5...
///
/// With --dry-run it says what it would send, needs no passphrase and sends nothing.
#[derive(Debug, Parser)]
#[command(name = "elapse-relayer", version, verbatim_doc_comment)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
	/// Make and show keys.
	#[command(subcommand)]
	Key(KeyCommand),
	/// Watch certificates and bring them, until it is ended. It may be ended and started at any time.
	Run(Box<RunArgs>),
	/// Say what a running relayer does, and what stands in its way. Exit status 1 if somebody has to do something.
	Status(StatusArgs),
	/// Sign what an account of Elapse shows to the chain to be paid what the key has earned. Sends nothing.
	Claim(ClaimArgs),
}

#[derive(Debug, clap::Subcommand)]
enum KeyCommand {
	/// Make a key, and write it to a file, encrypted. Prints its address.
	New(KeyArgs),
	/// Print the address of a key, having decrypted it.
	Show(KeyArgs),
}

#[derive(Debug, clap::Args)]
struct KeyArgs {
	/// The file: Web3 secret storage, version 3, with scrypt, as wallets read and write it.
	file: PathBuf,
	/// A file whose first line is the passphrase. Without it, it is asked for on the terminal.
	#[arg(long, value_name = "FILE")]
	passphrase_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct RunArgs {
	/// WebSocket URL of an Elapse node. For a contract that lags behind, one that executed all blocks: others do not have
	/// old handovers.
	#[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
	node: String,
	/// URL of a node of the Elastos Smart Chain, http:// or https://. What it says of prices is believed up to
	/// --max-gas-price.
	#[arg(long, value_name = "URL")]
	esc: String,
	/// Address of ElapseAnchor.
	#[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
	contract: H160,
	/// Id of the chain that the contract is on: 20 is the Elastos Smart Chain, 21 its test network.
	#[arg(long, value_name = "ID", default_value_t = 20)]
	chain_id: u64,
	/// The key that pays, encrypted (`elapse-relayer key new`). It should have no other use.
	#[arg(long, value_name = "FILE")]
	keystore: PathBuf,
	/// A file whose first line is the passphrase. Without it, it is asked for on the terminal.
	#[arg(long, value_name = "FILE")]
	passphrase_file: Option<PathBuf>,
	/// Where it remembers what it sent. Losing it costs nothing but a replacement's price.
	#[arg(long, value_name = "DIR", default_value = "elapse-relayer-data")]
	data: PathBuf,
	/// Send nothing; say what would be sent. Needs no passphrase.
	#[arg(long)]
	dry_run: bool,
	/// The least to pay for a unit of gas, whatever the chain asks, in gwei.
	#[arg(long, value_name = "GWEI", default_value = "1", value_parser = parse_gwei)]
	min_gas_price: u128,
	/// The most to pay for a unit of gas, in gwei. While the chain asks more, nothing is sent.
	#[arg(long, value_name = "GWEI", default_value = "200", value_parser = parse_gwei)]
	max_gas_price: u128,
	/// How deep a landed checkpoint has to be before it counts, in blocks.
	#[arg(long, value_name = "BLOCKS", default_value_t = 10)]
	confirmations: u64,
	/// Wait up to so many blocks before a submission, another number than other relayers, so that not all pay for one.
	/// 0 if there are no others.
	#[arg(long, value_name = "BLOCKS", default_value_t = 2)]
	stagger: u64,
	/// Raise the alarm when the balance is below this, in ELA. By default when it pays for fewer than 50 submissions.
	#[arg(long, value_name = "ELA", value_parser = parse_ela)]
	alarm_balance: Option<u128>,
	/// How many checkpoints a set of signers is expected to sign, until that was observed: it decides whether the words
	/// of large sets are published once or sent each time.
	#[arg(long, value_name = "COUNT", default_value_t = 8)]
	checkpoints_per_set: u64,
	/// Seconds from one look to the next. The Elastos Smart Chain has a block every five.
	#[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
	every: u64,
	/// Where `relayer_status` is answered, over HTTP and WebSocket. It is for this machine: it says what the account has.
	#[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9950")]
	rpc: SocketAddr,
	/// Where Prometheus finds its metrics. By default nowhere.
	#[arg(long, value_name = "ADDRESS:PORT")]
	prometheus: Option<SocketAddr>,
	/// Say more: what is waited for, and what is over.
	#[arg(long, short)]
	verbose: bool,
}

#[derive(Debug, clap::Args)]
struct StatusArgs {
	/// Where it is answered: --rpc of the running relayer, or the RPC of a node with --relay.
	#[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9950")]
	rpc: String,
	/// As JSON.
	#[arg(long)]
	json: bool,
}

#[derive(Debug, clap::Args)]
struct ClaimArgs {
	#[command(flatten)]
	key: KeyArgs,
	/// Who is paid, and sends the call.
	#[arg(long, value_name = "ADDRESS", value_parser = parse_account)]
	account: AccountId32,
	/// WebSocket URL of an Elapse node. It is asked for its genesis hash, and for which contract checkpoints are signed.
	#[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
	node: String,
}

/// Lines on standard error.
struct Lines;

impl log::Log for Lines {
	fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
		metadata.target() == ec_relayer::LOG_TARGET || metadata.level() <= log::Level::Warn
	}

	fn log(&self, record: &log::Record<'_>) {
		if self.enabled(record.metadata()) {
			let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
			let time = chrono::DateTime::from_timestamp(i64::try_from(now.as_secs()).unwrap_or_default(), 0);
			let time = time.map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
			eprintln!("{time} {:5} {}", record.level(), record.args());
		}
	}

	fn flush(&self) {}
}

fn main() -> ExitCode {
	let result = match Cli::parse().command {
		Command::Key(KeyCommand::New(args)) => new_key(&args),
		Command::Key(KeyCommand::Show(args)) => show_key(&args),
		Command::Run(args) => in_runtime(run(*args)),
		Command::Status(args) => in_runtime(status(args)),
		Command::Claim(args) => in_runtime(sign_claim(args)),
	};
	result.unwrap_or_else(|error| {
		eprintln!("error: {error}");
		ExitCode::from(2)
	})
}

fn in_runtime(task: impl std::future::Future<Output = Result<ExitCode, String>>) -> Result<ExitCode, String> {
	tokio::runtime::Builder::new_multi_thread()
		.worker_threads(2)
		.enable_all()
		.build()
		.map_err(|error| format!("cannot start: {error}"))?
		.block_on(task)
}

fn new_key(args: &KeyArgs) -> Result<ExitCode, String> {
	let file = args.passphrase_file.as_deref();
	let first = passphrase(file, "New passphrase: ")?;
	if file.is_none() && passphrase(None, "The same again: ")? != first {
		return Err("the two are not the same; nothing was made".into());
	}
	let address = keystore::create(&args.file, &first).map_err(|error| error.to_string())?;
	println!("{address:?}");
	Ok(ExitCode::SUCCESS)
}

fn show_key(args: &KeyArgs) -> Result<ExitCode, String> {
	let passphrase = passphrase(args.passphrase_file.as_deref(), "Passphrase: ")?;
	let pair = keystore::read(&args.file, &passphrase).map_err(|error| error.to_string())?;
	println!("{:?}", ec_relayer::legacy::address(&pair));
	Ok(ExitCode::SUCCESS)
}

async fn run(args: RunArgs) -> Result<ExitCode, String> {
	let level = if args.verbose { log::LevelFilter::Debug } else { log::LevelFilter::Info };
	log::set_logger(&Lines).map_err(|error| error.to_string())?;
	log::set_max_level(level);
	let policy = Policy {
		floor: args.min_gas_price,
		ceiling: args.max_gas_price,
		confirmations: args.confirmations,
		stagger: args.stagger,
		alarm_balance: args.alarm_balance.unwrap_or_default(),
		alarm_submissions: if args.alarm_balance.is_some() { 0 } else { Policy::default().alarm_submissions },
		checkpoints_per_set: args.checkpoints_per_set,
		..Policy::default()
	};
	let registry = Registry::new();
	let metrics = Metrics::new(args.prometheus.is_some().then_some(&registry));
	let handle = StatusHandle::default();
	let options = Options {
		esc: args.esc,
		contract: args.contract,
		chain_id: args.chain_id,
		keystore: args.keystore,
		passphrase_file: args.passphrase_file,
		data: args.data,
		policy,
		dry_run: args.dry_run,
		every: Duration::from_secs(args.every),
	};
	let relayer = options.open(Remote::new(&args.node), handle.clone(), metrics)?;
	let place = relayer.record().place;
	log::info!(
		target: ec_relayer::LOG_TARGET,
		"⚓ Relaying to {:?} on chain {}, paid by {:?}, at {} to {} gwei",
		place.contract, place.chain_id, place.account, args.min_gas_price / GWEI, args.max_gas_price / GWEI
	);
	let server = Server::builder().build(args.rpc).await;
	let server = server.map_err(|error| format!("cannot listen on {} for --rpc: {error}", args.rpc))?;
	let _serving = server.start(handle.into_rpc().map_err(|error| error.to_string())?);
	if let Some(address) = args.prometheus {
		tokio::spawn(async move {
			if let Err(error) = init_prometheus(address, registry).await {
				log::warn!(target: ec_relayer::LOG_TARGET, "no metrics at {address}: {error}");
			}
		});
	}
	let mut terminate =
		tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|error| error.to_string())?;
	tokio::select! {
		() = relayer.run() => {}
		_ = tokio::signal::ctrl_c() => {}
		_ = terminate.recv() => {}
	}
	log::info!(target: ec_relayer::LOG_TARGET, "⚓ Ended; what was sent is remembered");
	Ok(ExitCode::SUCCESS)
}

async fn status(args: StatusArgs) -> Result<ExitCode, String> {
	let nobody = |error: &dyn std::fmt::Display| format!("no relayer answers at {}: {error}", args.rpc);
	let client = WsClientBuilder::default().build(&args.rpc).await.map_err(|error| nobody(&error))?;
	let status: Status = client.request("relayer_status", rpc_params![]).await.map_err(|error| nobody(&error))?;
	if args.json {
		println!("{}", serde_json::to_string_pretty(&status).map_err(|error| error.to_string())?);
	} else {
		println!("{status}");
	}
	Ok(if status.is_blocked() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

async fn sign_claim(args: ClaimArgs) -> Result<ExitCode, String> {
	let nobody = |error: &dyn std::fmt::Display| format!("no node answers at {}: {error}", args.node);
	let client = WsClientBuilder::default().build(&args.node).await.map_err(|error| nobody(&error))?;
	let (chain, genesis) = claim::domain(&client).await?;
	let passphrase = passphrase(args.key.passphrase_file.as_deref(), "Passphrase of the relayer's key: ")?;
	let pair = keystore::read(&args.key.file, &passphrase).map_err(|error| error.to_string())?;
	println!("{}", Claim::new(&pair, &chain, &genesis, args.account));
	Ok(ExitCode::SUCCESS)
}
