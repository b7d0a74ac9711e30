//! A real EVM, made as strict as the Elastos Smart Chain by `contracts/esc/proxy.mjs`. Tests of networks include this file,
//! too.
#![allow(dead_code, unreachable_pub)]

use std::{
	io::{BufRead, BufReader, Read, Write},
	net::TcpStream,
	path::{Path, PathBuf},
	process::{Child, ChildStdin, Command, Stdio},
	time::{Duration, Instant},
};

use serde_json::{json, Value};
use sp_core::H160;

/// An account that anvil has the key of.
pub const RICH: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

/// The chain; it ends with this.
pub struct Evm {
	child: Child,
	_stdin: Option<ChildStdin>,
	address: String,
	pub url: String,
}

impl Drop for Evm {
	fn drop(&mut self) {
		// It ends its own anvil when it is asked to, not when it is killed.
		let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
		let _ = self.child.wait();
	}
}

/// Where the contracts are. `ELAPSE_CONTRACTS` names another folder.
pub fn folder() -> PathBuf {
	let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
	std::env::var_os("ELAPSE_CONTRACTS").map_or(beside, PathBuf::from)
}

/// Why this machine cannot run one, if it cannot.
fn lacks() -> Result<(), String> {
	let folder = folder();
	let version = Command::new("node").arg("--version").output();
	let version = version.map_err(|error| format!("node does not start: {error}"))?.stdout;
	let version = String::from_utf8_lossy(&version).trim().to_owned();
	let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
	if major < Some(20) {
		return Err(format!("node 20 or newer is needed, and this is {version}"));
	}
	if !folder.join("esc/proxy.mjs").exists() {
		return Err(format!("there is no {}/esc/proxy.mjs", folder.display()));
	}
	if !folder.join("node_modules").exists() {
		return Err(format!("no packages in {}: npm ci", folder.display()));
	}
	if !folder.join("out/ElapseAnchor.sol/ElapseAnchor.json").exists() {
		return Err("the contracts are not compiled: npm run build".into());
	}
	Ok(())
}

impl Evm {
	/// Starts one. Without `block_time`, in seconds, there is a block for each transaction. `Err` with what this machine
	/// lacks for it.
	pub fn start(block_time: Option<u64>) -> Result<Self, String> {
		lacks()?;
		// If the test is killed, it is still asked to end.
		let mut command = Command::new("setpriv");
		command.args(["--pdeathsig", "TERM", "--", "node"]).arg(folder().join("esc/proxy.mjs")).args(["--port", "0"]);
		if let Some(seconds) = block_time {
			command.args(["--block-time", &seconds.to_string()]);
		}
		command.stdin(Stdio::piped()).stdout(Stdio::piped());
		let mut child = command.spawn().expect("util-linux has setpriv");
		let stdin = child.stdin.take();
		let mut line = String::new();
		BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
		let url = line.trim().strip_prefix("listening on ");
		let url = url.unwrap_or_else(|| panic!("the proxy says '{}'", line.trim())).to_owned();
		let address = url.trim_start_matches("http://").to_owned();
		Ok(Self { child, _stdin: stdin, address, url })
	}

	/// One question over HTTP. `Err` with what the chain says if it refuses.
	pub fn try_ask(&self, method: &str, params: Value) -> Result<Value, Value> {
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
		match answer["error"].take() {
			Value::Null => Ok(answer["result"].take()),
			error => Err(error),
		}
	}

	/// One question that is answered.
	pub fn ask(&self, method: &str, params: Value) -> Value {
		self.try_ask(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
	}

	/// Something that only anvil knows.
	pub fn anvil(&self, method: &str, params: Value) -> Value {
		self.ask("esc_anvil", json!([method, params]))
	}

	pub fn mine(&self, count: u64) {
		self.ask("esc_mine", json!([count]));
	}

	pub fn fund(&self, account: H160, wei: u128) {
		self.anvil("anvil_setBalance", json!([format!("{account:?}"), format!("{wei:#x}")]));
	}

	pub fn nonce(&self, account: H160) -> u64 {
		number(&self.ask("eth_getTransactionCount", json!([format!("{account:?}"), "latest"])))
	}

	pub fn balance(&self, account: H160) -> u128 {
		let text = self.ask("eth_getBalance", json!([format!("{account:?}"), "latest"]));
		u128::from_str_radix(&text.as_str().unwrap()[2..], 16).unwrap()
	}

	/// What a call gives, if `from` makes it. `Err` with the bytes that it is refused with.
	pub fn call(&self, from: H160, to: H160, data: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
		let (from, to) = (format!("{from:?}"), format!("{to:?}"));
		let call = json!({ "from": from, "to": to, "data": format!("0x{}", hex::encode(data)) });
		let given = self.try_ask("eth_call", json!([call, "latest"]));
		given.map(|text| bytes(&text)).map_err(|error| bytes(&error["data"]))
	}

	/// Sends a transaction of an account that anvil has the key of, and waits for its receipt.
	pub fn send(&self, mut transaction: Value) -> Value {
		transaction["gas"] = "0x7a1200".into();
		transaction["gasPrice"] = "0x77359400".into();
		let hash = self.anvil("eth_sendTransaction", json!([transaction]));
		let begun = Instant::now();
		loop {
			let receipt = self.ask("eth_getTransactionReceipt", json!([hash]));
			if !receipt.is_null() {
				return receipt;
			}
			assert!(begun.elapsed() < Duration::from_secs(60), "{hash} is not mined");
			std::thread::sleep(Duration::from_millis(200));
		}
	}

	/// Deploys a contract, by its name and its constructor's arguments.
	pub fn deploy(&self, name: &str, arguments: &[u8]) -> H160 {
		let artifact = folder().join(format!("out/{name}.sol/{name}.json"));
		let artifact: Value = serde_json::from_slice(&std::fs::read(artifact).unwrap()).unwrap();
		let code = artifact["bytecode"]["object"].as_str().unwrap();
		let receipt = self.send(json!({ "from": RICH, "data": format!("{code}{}", hex::encode(arguments)) }));
		assert_eq!(receipt["status"], "0x1", "{receipt}");
		H160::from_slice(&bytes(&receipt["contractAddress"]))
	}

	/// All that a contract has logged under a first topic, oldest first.
	pub fn logs(&self, address: H160, topic: [u8; 32]) -> Vec<Value> {
		let topic = format!("0x{}", hex::encode(topic));
		let filter = json!({ "address": format!("{address:?}"), "fromBlock": "0x0", "topics": [topic] });
		self.ask("eth_getLogs", json!([filter])).as_array().cloned().unwrap()
	}
}

/// Bytes in hexadecimal; none if it is no text.
pub fn bytes(text: &Value) -> Vec<u8> {
	hex::decode(text.as_str().unwrap_or_default().trim_start_matches("0x")).unwrap()
}

/// A number in hexadecimal, however many zeros stand before it.
pub fn number(text: &Value) -> u64 {
	let digits = text.as_str().unwrap().trim_start_matches("0x").trim_start_matches('0');
	u64::from_str_radix(if digits.is_empty() { "0" } else { digits }, 16).unwrap()
}
