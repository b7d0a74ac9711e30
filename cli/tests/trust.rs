//! `elapse trust verify` as people use it, before servers that play the Elastos Smart Chain and a gateway.

#[path = "common/tree.rs"]
mod tree;

use std::{
	io::{BufRead, BufReader, Read, Write},
	net::{TcpListener, TcpStream},
	process::Command,
	sync::Arc,
	time::{SystemTime, UNIX_EPOCH},
};

use ep_bridge::{ScoreLeaf, ScoreProof};
use ep_trust::eip712::{address, number, Word};
use serde_json::{json, Value};
use sp_core::{
	crypto::{AccountId32, Ss58Codec},
	H160, H256,
};
use tree::{leaf, proof, LEAVES};

const SCORES: H160 = H160([0x5c; 20]);
const ANCHOR: H160 = H160([0xac; 20]);
const INDEX: u64 = 3;

/// What answers a method, or an error.
type Answer = Result<Value, Value>;

/// Plays a node behind JSON-RPC until the test is over; gives its URL.
fn serve(answer: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> String {
	let listener = TcpListener::bind("127.0.0.1:0").unwrap();
	let url = format!("http://{}", listener.local_addr().unwrap());
	let answer = Arc::new(answer);
	std::thread::spawn(move || {
		for stream in listener.incoming() {
			let answer = answer.clone();
			std::thread::spawn(move || converse(stream.unwrap(), &*answer));
		}
	});
	url
}

fn converse(mut stream: TcpStream, answer: &dyn Fn(&str, &Value) -> Answer) -> Option<()> {
	let mut reader = BufReader::new(stream.try_clone().ok()?);
	let mut length = 0;
	loop {
		let mut line = String::new();
		reader.read_line(&mut line).ok()?;
		if line.trim().is_empty() {
			break;
		}
		if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
			length = value.trim().parse().ok()?;
		}
	}
	let mut body = vec![0; length];
	reader.read_exact(&mut body).ok()?;
	let request: Value = serde_json::from_slice(&body).ok()?;
	let body = match answer(request["method"].as_str()?, &request["params"]) {
		Ok(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
		Err(error) => json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }),
	};
	let body = body.to_string();
	let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
	write!(stream, "{head} {}\r\n\r\n{body}", body.len()).ok()
}

fn hexed(bytes: &[u8]) -> Value {
	format!("0x{}", hex::encode(bytes)).into()
}

fn now() -> u64 {
	SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The Elastos Smart Chain, with checkpoints of one tree, that landed a while ago.
#[derive(Clone)]
struct Esc {
	chain: u64,
	heights: Vec<u64>,
	root: H256,
	leaves: u64,
	landed: u64,
	frozen: bool,
	/// Says that every proof is right.
	easy: bool,
}

impl Esc {
	fn new() -> Self {
		let (root, _) = proof(INDEX);
		let landed = now() - 600;
		Self { chain: 20, heights: vec![30, 40], root, leaves: LEAVES, landed, frozen: false, easy: false }
	}

	fn with(change: impl FnOnce(&mut Self)) -> String {
		let mut esc = Self::new();
		change(&mut esc);
		esc.serve()
	}

	fn serve(self) -> String {
		serve(move |method, params| match method {
			"eth_chainId" => Ok(format!("{:#x}", self.chain).into()),
			"eth_call" => self.call(params),
			_ => Err(json!({ "code": -32601, "message": "no such method" })),
		})
	}

	fn kept(&self, height: u64) -> Option<[Word; 9]> {
		self.heights.contains(&height).then(|| {
			let [other, leaves, landed] = [7, self.leaves, self.landed].map(number);
			[number(height), other, other, leaves, landed, other, other, other, self.root.0]
		})
	}

	fn call(&self, params: &Value) -> Answer {
		assert_eq!(params[1], "latest");
		let data = hex::decode(params[0]["data"].as_str().unwrap().strip_prefix("0x").unwrap()).unwrap();
		let (selector, arguments) = data.split_at(4);
		let word = |place: usize| <Word>::try_from(&arguments[place * 32..][..32]).unwrap();
		let count = |place| u64::from_be_bytes(word(place)[24..].try_into().unwrap());
		let reverted = json!({ "code": 3, "message": "execution reverted", "data": "0x78f5531f" });
		let to = &params[0]["to"];
		let words = match (hex::encode(selector).as_str(), arguments.len() / 32) {
			("d3fb73b4", 0) if *to == hexed(&SCORES.0) => vec![address(&ANCHOR)],
			("52bfe789", 0) if *to == hexed(&ANCHOR.0) => {
				let newest = self.heights.last().and_then(|height| self.kept(*height));
				newest.unwrap_or([[0; 32]; 9]).to_vec()
			}
			("2d588b18", 1) if *to == hexed(&ANCHOR.0) => self.kept(count(0)).ok_or(reverted)?.to_vec(),
			("05b750e6", 23) if *to == hexed(&SCORES.0) => {
				self.kept(count(0)).ok_or(reverted)?;
				let signer = H160::from_slice(&word(5)[12..]);
				let siblings = std::array::from_fn(|place| H256(word(6 + place)));
				let proof = ScoreProof { epoch: count(3), index: count(4), signer, siblings };
				let right = proof.verify(&word(1), count(2), &self.root, self.leaves).is_ok();
				vec![number(u64::from(self.easy || right && !self.frozen))]
			}
			// Where there is no contract.
			_ => vec![],
		};
		Ok(hexed(&words.concat()))
	}
}

/// An answer of `bridge_scoreProof`, right.
fn view() -> Value {
	let (root, ScoreProof { epoch, index, signer, siblings }) = proof(INDEX);
	let ScoreLeaf { node, score, .. } = leaf(INDEX);
	json!({
		"checkpoint": 40, "trustRoot": root, "trustLeaves": LEAVES, "author": author(), "node": H256(node),
		"score": score, "epoch": epoch, "index": index, "signer": signer, "siblings": siblings.to_vec(),
	})
}

fn author() -> String {
	AccountId32::new(leaf(INDEX).node).to_ss58check()
}

/// A gateway that answers with one thing whatever it is asked, if it is asked as a node is.
fn gateway(answer: Value) -> String {
	serve(move |method, params| {
		assert_eq!((method, &params[0]), ("bridge_scoreProof", &json!(author())));
		assert!(params[1].is_u64());
		Ok(answer.clone())
	})
}

/// Exit code and what was printed, on either stream.
fn elapse(arguments: &[&str]) -> (i32, String) {
	let (node, scores) = (author(), format!("0x{}", hex::encode(SCORES.0)));
	let mut command = Command::new(env!("CARGO_BIN_EXE_elapse"));
	command.args(["trust", "verify", "--node", &node, "--scores", &scores]).args(arguments);
	let output = command.output().unwrap();
	let text = [output.stdout, output.stderr].concat();
	(output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Of these chains and this gateway.
fn verify(chain: &[&str], gateway: &str, more: &[&str]) -> (i32, String) {
	let chain = chain.iter().flat_map(|url| ["--esc", url]);
	elapse(&chain.chain(["--gateway", gateway]).chain(more.iter().copied()).collect::<Vec<_>>())
}

/// The rule that failed: one, since the others mean nothing then.
fn failed((code, text): (i32, String)) -> String {
	assert_eq!(code, 1, "{text}");
	let json: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
	assert_eq!(json["verdict"], false);
	let failed = json["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "fail");
	let failed: Vec<_> = failed.map(|check| check["rule"].as_str().unwrap().to_owned()).collect();
	assert_eq!(failed.len(), 1, "{text}");
	assert!(json["reason"].as_str().unwrap().starts_with(&format!("{}: ", failed[0])), "{text}");
	failed[0].clone()
}

/// Trouble, said in words with this among them, and nothing that could be taken for an answer.
fn trouble((code, text): (i32, String), word: &str) {
	assert_eq!(code, 2, "{text}");
	assert!(text.starts_with("error: ") && text.contains(word), "'{word}' in {text}");
}

#[test]
fn a_score_is_true_in_words_and_in_json() {
	let (esc, gateway) = (Esc::new().serve(), gateway(view()));
	let (code, text) = verify(&[&esc], &gateway, &["--least", "500003", "--max-age", "3600"]);
	assert_eq!(code, 0, "{text}");
	assert!(text.ends_with("\ntrue\n"), "{text}");
	for rule in ["shape", "node", "landed", "index", "root", "frozen", "least", "fresh"] {
		assert!(text.lines().any(|line| line == format!("pass     {rule}")), "{rule}: {text}");
	}
	// By two nodes.
	let other = Esc::new().serve();
	let (code, text) = verify(&[&esc, &other], &gateway, &["--json"]);
	assert_eq!(code, 0, "{text}");
	let json: Value = serde_json::from_str(&text).unwrap();
	let facts = &json["facts"];
	assert_eq!((&json["verdict"], json.get("reason")), (&json!(true), None));
	assert_eq!((&facts["score"], &facts["checkpoint"], &facts["chainId"]), (&json!(500_003), &json!(40), &json!(20)));
	assert_eq!(facts["signer"], json!(leaf(INDEX).signer));
	assert_eq!((&facts["author"], &facts["node"]), (&json!(author()), &json!(H256(leaf(INDEX).node))));
	assert_eq!(facts["esc"], json!([esc, other]));
	assert!(facts["age"].as_u64().unwrap() >= 600);
}

#[test]
fn a_node_is_named_in_hexadecimal_too() {
	let (esc, gateway) = (Esc::new().serve(), gateway(view()));
	let (node, scores) = (format!("0x{}", hex::encode(leaf(INDEX).node)), format!("0x{}", hex::encode(SCORES.0)));
	let line = ["trust", "verify", "--node", &node, "--scores", &scores, "--esc", &esc, "--gateway", &gateway];
	let output = Command::new(env!("CARGO_BIN_EXE_elapse")).args(line).output().unwrap();
	assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_file_is_as_good_as_a_gateway_and_may_be_older() {
	let folder = tempfile::tempdir().unwrap();
	let judge = |esc: &str, answer: &Value, more: &[&str]| {
		let path = folder.path().join("proof.json");
		std::fs::write(&path, answer.to_string()).unwrap();
		elapse(&[&["--esc", esc, "--answer", path.to_str().unwrap(), "--json"], more].concat())
	};
	let esc = Esc::new().serve();
	assert_eq!(judge(&esc, &view(), &[]).0, 0);
	assert_eq!(judge(&esc, &json!({ "jsonrpc": "2.0", "id": 1, "result": view() }), &[]).0, 0);
	let of = |height: u64| {
		let mut view = view();
		view["checkpoint"] = height.into();
		view
	};
	assert_eq!(judge(&esc, &of(30), &[]).0, 0, "kept");
	assert_eq!(failed(judge(&esc, &of(30), &["--max-age", "60"])), "fresh");
	assert_eq!(failed(judge(&esc, &of(20), &[])), "landed");
	assert_eq!(failed(judge(&esc, &of(50), &[])), "landed");
	assert_eq!(failed(judge(&esc, &json!({ "error": { "code": 9300, "message": "no member" } }), &[])), "shape");
	assert_eq!(failed(judge(&esc, &json!("proof"), &[])), "shape");
	// A node that says no more than that a call was reverted.
	let terse = Esc::new();
	let terse = serve(move |method, params| match method {
		"eth_call" => terse.call(params).map_err(|_| json!({ "code": -32000, "message": "execution reverted" })),
		_ => Ok("0x14".into()),
	});
	assert_eq!(failed(judge(&terse, &of(20), &[])), "landed");
	trouble(elapse(&["--esc", &esc, "--answer", "/nowhere/proof.json"]), "/nowhere/proof.json");
}

#[test]
fn every_rule_says_false_by_its_name() {
	let esc = Esc::new().serve();
	let of = |change: &dyn Fn(&mut Value)| {
		let mut view = view();
		change(&mut view);
		failed(verify(&[&esc], &gateway(view), &["--json"]))
	};
	assert_eq!(of(&|view| drop(view.as_object_mut().unwrap().remove("signer"))), "shape");
	assert_eq!(of(&|view| drop(view["siblings"].as_array_mut().unwrap().pop())), "shape");
	assert_eq!(of(&|view| view["node"] = json!(H256([9; 32]))), "node");
	// A past that was better, and is kept still.
	assert_eq!(of(&|view| view["checkpoint"] = json!(30)), "landed");
	assert_eq!(of(&|view| view["index"] = json!(LEAVES)), "index");
	assert_eq!(of(&|view| view["score"] = json!(1_000_000)), "root");
	assert_eq!(of(&|view| view["signer"] = json!(H160([9; 20]))), "root");
	assert_eq!(of(&|view| view["epoch"] = json!(8)), "root");
	let good = gateway(view());
	let by = |esc: &str, more: &[&str]| failed(verify(&[esc], &good, &[more, &["--json"]].concat()));
	assert_eq!(by(&Esc::with(|esc| esc.frozen = true), &[]), "frozen");
	assert_eq!(by(&Esc::with(|esc| esc.root = H256([1; 32])), &[]), "root");
	assert_eq!(by(&Esc::with(|esc| esc.heights.clear()), &[]), "landed");
	assert_eq!(by(&esc, &["--least", "500004"]), "least");
	assert_eq!(by(&esc, &["--max-age", "60"]), "fresh");
	let (code, text) = verify(&[&esc], &good, &["--least", "500004"]);
	assert_eq!(code, 1);
	assert!(text.ends_with("\nfalse: least: the score is 500003, and not 500004 or more\n"), "{text}");
}

#[test]
fn a_score_that_is_not_shown_is_not_called_one() {
	let esc = Esc::with(|esc| esc.frozen = true);
	let (_, text) = verify(&[&esc], &gateway(view()), &["--json"]);
	let json: Value = serde_json::from_str(&text).unwrap();
	assert_eq!(json["facts"]["claimedScore"], 500_003);
	assert!(json["facts"].get("score").is_none() && json["facts"].get("signer").is_none(), "{text}");
}

#[test]
fn those_who_contradict_each_other_are_trouble_and_never_true() {
	let (esc, gateway) = (Esc::new().serve(), gateway(view()));
	let others = [
		Esc::with(|esc| esc.frozen = true),
		Esc::with(|esc| esc.root = H256([1; 32])),
		Esc::with(|esc| esc.landed += 1),
		Esc::with(|esc| esc.heights = vec![30]),
		Esc::with(|esc| esc.heights.clear()),
	];
	// Each takes a few seconds, in which they are asked again.
	std::thread::scope(|scope| {
		for other in &others {
			for chain in [[&esc, other], [other, &esc]] {
				let (chain, gateway) = (chain.map(String::as_str), &gateway);
				scope.spawn(move || trouble(verify(&chain, gateway, &[]), "no telling"));
			}
		}
	});
	let other = Esc::with(|esc| esc.chain = 21);
	trouble(verify(&[&esc, &other], &gateway, &[]), "two chains");
	// One that takes everything contradicts what this program reckons.
	let mut forged = view();
	forged["score"] = json!(1_000_000);
	let gateway = self::gateway(forged);
	trouble(verify(&[&Esc::with(|esc| esc.easy = true)], &gateway, &[]), "takes a proof that is none");
}

#[test]
fn who_is_a_few_blocks_behind_is_waited_for() {
	let (started, ahead, behind) = (std::time::Instant::now(), Esc::new(), Esc::new());
	let slow = serve(move |method, params| {
		let behind = Esc { heights: vec![30], ..behind.clone() };
		match method {
			"eth_call" if started.elapsed().as_secs() < 2 => behind.call(params),
			"eth_call" => ahead.call(params),
			_ => Ok("0x14".into()),
		}
	});
	let (code, text) = verify(&[&slow, &Esc::new().serve()], &gateway(view()), &[]);
	assert_eq!(code, 0, "{text}");
}

#[test]
fn who_does_not_answer_is_trouble_and_the_message_says_what_to_do() {
	// A port that nobody listens at.
	let nobody = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
	let (esc, good) = (Esc::new().serve(), gateway(view()));
	trouble(verify(&[&nobody], &good, &[]), "--esc");
	trouble(verify(&[&esc, &nobody], &good, &[]), "--esc");
	trouble(verify(&[&esc], &nobody, &[]), "--gateway");
	let refuses = serve(|_, _| Err(json!({ "code": 9300, "message": "it has no leaf" })));
	trouble(verify(&[&esc], &refuses, &[]), "it has no leaf");
	trouble(verify(&[&refuses], &good, &[]), "it has no leaf");
	// A chain without the contract, and something that is no node at all.
	let empty = serve(|method, _| Ok(if method == "eth_chainId" { "0x1" } else { "0x" }.into()));
	trouble(verify(&[&empty], &good, &[]), "no contract TrustScores");
	let silly = serve(|_, _| Ok(json!({})));
	trouble(verify(&[&silly], &good, &[]), "eth_chainId");
	assert_eq!(failed(verify(&[&esc], &silly, &["--json"])), "shape");
	// A clock that is behind.
	let future = Esc::with(|esc| esc.landed = now() + 3_600);
	trouble(verify(&[&future], &good, &["--max-age", "60"]), "clock");
}

#[test]
fn arguments_that_make_no_sense_are_two() {
	let esc = Esc::new().serve();
	for arguments in [
		&["--esc", &esc][..],
		&["--gateway", &esc],
		&["--esc", &esc, "--gateway", &esc, "--answer", "proof.json"],
		&["--esc", "ws://127.0.0.1:1", "--gateway", &esc],
		&["--esc", &esc, "--gateway", "nonsense"],
		&["--esc", &esc, "--gateway", &esc, "--least", "much"],
		&["--esc", &esc, "--gateway", &esc, "--max-age", "-1"],
	] {
		assert_eq!(elapse(arguments).0, 2, "{arguments:?}");
	}
	for (node, scores) in [("Alice", "0x5c"), ("0x5c", &*format!("0x{}", "5c".repeat(20)))] {
		let line = ["trust", "verify", "--node", node, "--scores", scores, "--esc", &esc, "--gateway", &esc];
		let output = Command::new(env!("CARGO_BIN_EXE_elapse")).args(line).output().unwrap();
		assert_eq!(output.status.code(), Some(2), "{line:?}");
	}
}
