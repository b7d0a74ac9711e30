//! Bringing checkpoints to the Elastos Smart Chain, wired.

use std::{path::Path, sync::Arc};

use ec_anchor::BridgeRpc;
use ec_relayer::{cli::Options, node::Within, policy::Policy, runner::ROUND, Metrics, StatusHandle};
use elapse_runtime::OpaqueBlock as Block;
use sc_client_api::Backend as _;
use sc_service::{error::Error, TaskManager};
use substrate_prometheus_endpoint::Registry;

use super::{Backend, Client};
use crate::cli::RelayArgs;

/// A relayer that is about to run.
pub(super) struct Relaying {
	options: Options,
	status: StatusHandle,
}

impl Relaying {
	/// As the command line says; its record is kept below `data`. `None` if it says nothing.
	pub(super) fn new(args: RelayArgs, data: &Path) -> Option<Self> {
		let RelayArgs { relay, relay_esc, relay_contract, relay_chain_id, .. } = args;
		let options = Options {
			esc: relay_esc.filter(|_| relay)?,
			contract: relay_contract?,
			chain_id: relay_chain_id,
			keystore: args.relay_keystore?,
			passphrase_file: Some(args.relay_passphrase_file?),
			data: data.join("relayer"),
			policy: Policy { ceiling: args.relay_max_gas_price, ..Policy::default() },
			dry_run: false,
			every: ROUND,
		};
		Some(Self { options, status: StatusHandle::default() })
	}

	/// What `relayer_status` answers from.
	pub(super) fn status(&self) -> StatusHandle {
		self.status.clone()
	}

	/// Opens the key, and starts the task. Whoever runs it should know at once if there is none.
	pub(super) fn spawn(
		self,
		tasks: &TaskManager,
		client: Arc<Client>,
		backend: &Backend,
		registry: Option<&Registry>,
	) -> Result<(), Error> {
		let node = Within(BridgeRpc::<Block, _, _>::new(client, backend.offchain_storage()));
		let relayer = self.options.open(node, self.status, Metrics::new(registry)).map_err(Error::Other)?;
		tasks.spawn_handle().spawn("relayer", Some("anchor"), relayer.run());
		Ok(())
	}
}
