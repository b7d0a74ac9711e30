//! A real EVM, made as strict as the Elastos Smart Chain by `contracts/esc/proxy.mjs`, with the real contract on it.

use std::{
	io::{BufRead, BufReader, Read, Write},
	net::TcpStream,
	path::{Path, PathBuf},
	process::{Child, ChildStdin, Command, Stdio},
};

use ec_relayer::{abi, testing::GENESIS};
use ep_bridge::SignerSet;
use ep_trust::{eip712::number, Chain};
use serde_json::{json, Value};
use sp_core::{H160, H256};

/// An account that anvil has the key of.
const DEPLOYER: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

/// The chain; it ends with this.
pub(crate) struct Evm {
	child: Child,
	_stdin: Option<ChildStdin>,
	address: String,
	pub(crate) url: String,
	pub(crate) chain: Chain,
}

impl Drop for Evm {
	fn drop(&mut self) {
		// It ends its own anvil when it is asked to, not when it is killed.
		let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
		let _ = self.child.wait();
	}
}

/// Where the contracts are. `ELAPSE_CONTRACTS` names another folder.
fn folder() -> PathBuf {
	let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
	std::env::var_os("ELAPSE_CONTRACTS").map_or(beside, PathBuf::from)
}

impl Evm {
	/// Starts one with the contract, whose first set this is. Without `block_time` blocks are made by [`Evm::mine`] alone.
	/// `Err` with the reason if this machine cannot.
	pub(crate) fn start(set: &SignerSet, block_time: Option<u64>) -> Result<Self, String> {
		let folder = folder();
		let proxy = folder.join("esc/proxy.mjs");
		let artifact = folder.join("out/ElapseAnchor.sol/ElapseAnchor.json");
		if !proxy.exists() {
			return Err(format!("there is no {}", proxy.display()));
		}
		if !folder.join("node_modules").exists() {
			return Err(format!("no packages in {}: npm ci", folder.display()));
		}
		let artifact = std::fs::read_to_string(&artifact).map_err(|_| "the contracts are not compiled".to_string())?;
		let artifact: Value = serde_json::from_str(&artifact).unwrap();
		let mut command = Command::new("node");
		command.arg(&proxy).args(["--port", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped());
		if let Some(seconds) = block_time {
			command.args(["--block-time", &seconds.to_string()]);
		}
		let mut child = command.spawn().map_err(|error| format!("node does not start: {error}"))?;
		let stdin = child.stdin.take();
		let mut line = String::new();
		BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
		let Some(url) = line.trim().strip_prefix("listening on ") else {
			let _ = child.kill();
			return Err(format!("the proxy says '{}'", line.trim()));
		};
		let address = url.trim_start_matches("http://").to_owned();
		let (url, chain) = (url.to_owned(), Chain::default());
		let mut evm = Self { child, _stdin: stdin, address, url, chain };
		evm.deploy(&artifact, set);
		if block_time.is_none() {
			evm.anvil("evm_setAutomine", json!([false]));
		}
		Ok(evm)
	}

	fn deploy(&mut self, artifact: &Value, set: &SignerSet) {
		let words = set.words();
		let mut data = artifact["bytecode"]["object"].as_str().unwrap().to_owned();
		let head = [GENESIS.0, number(set.id()), number(4 * 32), number(0), number(words.len() as u64)];
		data.push_str(&hex::encode([head.concat(), words].concat()));
		let transaction = json!({ "from": DEPLOYER, "data": data, "gas": "0x7a1200", "gasPrice": "0x77359400" });
		let hash = self.anvil("eth_sendTransaction", json!([transaction]));
		let receipt = loop {
			let receipt = self.ask("eth_getTransactionReceipt", json!([hash]));
			if !receipt.is_null() {
				break receipt;
			}
			std::thread::sleep(std::time::Duration::from_millis(200));
		};
		assert_eq!(receipt["status"], "0x1", "{receipt}");
		let bytes = hex::decode(&receipt["contractAddress"].as_str().unwrap()[2..]).unwrap();
		self.chain = Chain { id: 20, contract: H160(bytes.try_into().unwrap()) };
	}

	/// One question over HTTP.
	pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
		let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
		let mut stream = TcpStream::connect(&self.address).unwrap();
		let length = body.len();
		write!(
			stream,
			"POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
			 connection: close\r\n\r\n{body}",
			self.address
		)
		.unwrap();
		let mut text = String::new();
		stream.read_to_string(&mut text).unwrap();
		let (head, body) = text.split_once("\r\n\r\n").unwrap();
		// In chunks or not: what is JSON begins and ends with braces.
		let json = &body[body.find('{').unwrap_or_default()..=body.rfind('}').unwrap_or_default()];
		assert!(!head.to_lowercase().contains("transfer-encoding") || !json.contains("\r\n"), "more than one chunk");
		let mut answer: Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("{method}: {text}"));
		assert!(answer["error"].is_null(), "{method}: {answer}");
		answer["result"].take()
	}

	/// Something that only anvil knows.
	pub(crate) fn anvil(&self, method: &str, params: Value) -> Value {
		self.ask("esc_anvil", json!([method, params]))
	}

	pub(crate) fn mine(&self, count: u64) {
		self.ask("esc_mine", json!([count]));
	}

	pub(crate) fn fund(&self, account: H160, wei: u128) {
		self.anvil("anvil_setBalance", json!([format!("{account:?}"), format!("{wei:#x}")]));
	}

	pub(crate) fn nonce(&self, account: H160) -> u64 {
		let text = self.ask("eth_getTransactionCount", json!([format!("{account:?}"), "latest"]));
		u64::from_str_radix(&text.as_str().unwrap()[2..], 16).unwrap()
	}

	pub(crate) fn balance(&self, account: H160) -> u128 {
		let text = self.ask("eth_getBalance", json!([format!("{account:?}"), "latest"]));
		u128::from_str_radix(&text.as_str().unwrap()[2..], 16).unwrap()
	}

	/// A getter's words.
	pub(crate) fn get(&self, name: &str) -> Vec<u8> {
		let call =
			json!({ "to": format!("{:?}", self.chain.contract), "data": format!("0x{}", hex::encode(abi::ask(name))) });
		let text = self.ask("eth_call", json!([call, "latest"]));
		hex::decode(&text.as_str().unwrap()[2..]).unwrap()
	}

	/// Heights of all checkpoints that have landed, and who brought them.
	pub(crate) fn landed(&self) -> Vec<(u64, H160)> {
		let topic = format!("{:?}", abi::topic(abi::LANDED));
		let filter = json!({ "address": format!("{:?}", self.chain.contract), "fromBlock": "0x0", "topics": [topic] });
		let logs = self.ask("eth_getLogs", json!([filter]));
		let landed = |log: &Value| {
			let number: H256 = log["topics"][1].as_str().unwrap().parse().unwrap();
			let data = hex::decode(&log["data"].as_str().unwrap()[2..]).unwrap();
			(number.to_low_u64_be(), H160::from_slice(&data[44..64]))
		};
		logs.as_array().unwrap().iter().map(landed).collect()
	}
}
