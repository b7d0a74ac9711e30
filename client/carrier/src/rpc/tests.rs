//! The namespace as a client meets it, over a runtime that answers what a test tells it.

use codec::{DecodeAll, Encode};
use ep_poet::api::AkPublic;
use ep_tpm::{policy::PlatformPolicy, Name};
use ep_trust::{
	api::{DutyInfo, Feeless},
	Application, Chain, Judgement, Testimony, Verdict,
};
use futures::executor::block_on;
use jsonrpsee::{
	core::{server::MethodsError, traits::ToRpcParams, EmptyServerParams},
	RpcModule,
};
use serde::de::DeserializeOwned;
use sp_api::{ApiError, ApiRef};
use sp_blockchain::{BlockStatus, Info};
use sp_core::{crypto::Ss58Codec, sr25519, Pair, H160};
use sp_runtime::{generic, traits::BlakeTwo256, AccountId32, OpaqueExtrinsic};

use super::*;
use crate::member::tests::info;

type Header = generic::Header<u32, BlakeTwo256>;
type Block = generic::Block<Header, OpaqueExtrinsic>;
type Infos = RoundInfo<AccountId32>;
type Nodes = NodeInfo<AccountId32>;

/// The one round that lives.
const ROUND: Round = 3;

fn key(n: u8) -> AuthorityId {
	sr25519::Pair::from_seed(&[n; 32]).public().into()
}

fn account(n: u8) -> AccountId32 {
	AccountId32::new([n; 32])
}

/// A round of account 7 that a committee judges.
fn round() -> Infos {
	let info = info();
	// The account comes first.
	let bytes = [account(7).encode(), info.encode()[info.account.encoded_size()..].to_vec()].concat();
	Infos::decode_all(&mut &bytes[..]).expect("another type of account is all that changed")
}

fn member(n: u8) -> Nodes {
	NodeInfo {
		author: key(n),
		account: account(n),
		weight: 250_000,
		score: 260_000,
		cap: 700_000,
		done: 12,
		missed: 1,
		suspended: false,
		leaves: None,
		stays: None,
		duty: None,
	}
}

/// A chain whose best block is #15.
#[derive(Clone)]
struct World {
	round: Infos,
	members: Vec<Nodes>,
	/// Whether the state of the best block is not there.
	pruned: bool,
}

impl World {
	fn new() -> Arc<Self> {
		Arc::new(World { round: round(), members: vec![member(1), member(2)], pruned: false })
	}

	fn state(&self) -> Result<&Self, ApiError> {
		match self.pruned {
			true => Err(ApiError::UnknownBlock("the state is pruned".into())),
			false => Ok(self),
		}
	}
}

impl HeaderBackend<Block> for World {
	fn header(&self, _: Hash) -> sp_blockchain::Result<Option<Header>> {
		Ok(None)
	}
	fn info(&self) -> Info<Block> {
		let hash = Hash::repeat_byte(15);
		Info {
			best_hash: hash,
			best_number: 15,
			genesis_hash: Hash::zero(),
			finalized_hash: hash,
			finalized_number: 15,
			finalized_state: None,
			number_leaves: 1,
			block_gap: None,
		}
	}
	fn status(&self, _: Hash) -> sp_blockchain::Result<BlockStatus> {
		Ok(BlockStatus::Unknown)
	}
	fn number(&self, _: Hash) -> sp_blockchain::Result<Option<u32>> {
		Ok(None)
	}
	fn hash(&self, _: u32) -> sp_blockchain::Result<Option<Hash>> {
		Ok(None)
	}
}

impl ProvideRuntimeApi<Block> for World {
	type Api = Api;
	fn runtime_api(&self) -> ApiRef<'_, Api> {
		Api(self.clone()).into()
	}
}

struct Api(World);

sp_api::mock_impl_runtime_apis! {
	impl TrustApi<Block, AccountId32> for Api {
		#[advanced]
		fn rounds(&self, _at: Hash) -> Result<Vec<Round>, ApiError> {
			self.0.state().map(|_| vec![ROUND])
		}
		#[advanced]
		fn round(&self, _at: Hash, round: Round) -> Result<Option<Infos>, ApiError> {
			self.0.state().map(|world| (round == ROUND).then(|| world.round.clone()))
		}
		#[advanced]
		fn round_of(&self, _at: Hash, account: AccountId32) -> Result<Option<Round>, ApiError> {
			self.0.state().map(|world| (account == world.round.account).then_some(ROUND))
		}
		#[advanced]
		fn dossier(&self, _at: Hash, author: AuthorityId) -> Result<Option<Dossier>, ApiError> {
			let dossier = |world: &World| Dossier {
				application: world.round.application.clone(),
				nonce: [3; 32],
				answer: world.round.application.evidence.quote.clone(),
				answer_nonce: [4; 32],
			};
			self.0.state().map(|world| (author == key(1)).then(|| dossier(world)))
		}
		fn verdict(&self, _round: Round, _judgement: Judgement) -> Option<(Verdict, Chain)> {
			None
		}
		fn policy(&self, _policy: u32) -> Option<PlatformPolicy> {
			None
		}
		fn anchor(&self, _author: AuthorityId) -> Option<H160> {
			None
		}
		fn due_for_review(&self) -> Vec<AuthorityId> {
			Vec::new()
		}
		fn check_application(
			&self,
			_account: AccountId32,
			_application: Application,
			_keys: Vec<u8>,
			_proof: Vec<u8>,
		) -> Result<(), Vec<u8>> {
			Ok(())
		}
		fn check(&self, _call: Feeless) -> Result<(), u8> {
			Ok(())
		}
		fn submit(&self, _call: Feeless) -> Option<()> {
			None
		}
	}

	impl AttestationApi<Block, AccountId32> for Api {
		fn duty(&self, _author: AuthorityId) -> Option<DutyInfo> {
			None
		}
		#[advanced]
		fn node(&self, _at: Hash, author: AuthorityId) -> Result<Option<Nodes>, ApiError> {
			self.0.state().map(|world| world.members.iter().find(|member| member.author == author).cloned())
		}
		#[advanced]
		fn nodes(&self, _at: Hash, from: u32) -> Result<Vec<Nodes>, ApiError> {
			let page = |world: &World| {
				world.members.iter().skip(from as usize).take(NODES_PAGE as usize).cloned().collect()
			};
			self.0.state().map(page)
		}
		fn attest(
			&self,
			_author: AuthorityId,
			_testimony: Testimony,
			_signature: sr25519::Signature,
		) -> Result<(), u8> {
			Ok(())
		}
	}
}

fn module(world: &Arc<World>) -> RpcModule<TrustRpc<Block, World, AccountId32>> {
	TrustRpc::new(world.clone()).into_rpc()
}

/// What the method gives, or its error's code and message.
fn ask<T: DeserializeOwned + Clone>(
	world: &Arc<World>,
	method: &str,
	params: impl ToRpcParams,
) -> Result<T, (i32, String)> {
	match block_on(module(world).call(method, params)) {
		Ok(found) => Ok(found),
		Err(MethodsError::JsonRpc(error)) => Err((error.code(), error.message().into())),
		Err(other) => panic!("{other:?}"),
	}
}

fn application(world: &Arc<World>, what: &str) -> Result<ApplicationView, (i32, String)> {
	ask(world, "trust_application", [what.to_string()])
}

/// The code of what is refused.
fn code<T: std::fmt::Debug>(result: Result<T, (i32, String)>) -> i32 {
	result.expect_err("it is refused").0
}

#[test]
fn an_application_is_found_by_its_round_and_by_its_account() {
	let world = World::new();
	assert_eq!(ask::<Vec<Round>>(&world, "trust_rounds", EmptyServerParams::new()), Ok(vec![ROUND]));
	let by_round = application(&world, "3").expect("it lives");
	assert_eq!(application(&world, &account(7).to_string()), Ok(by_round.clone()));
	assert_eq!((by_round.round, by_round.account), (ROUND, account(7).to_string()));
	assert_eq!((by_round.author, by_round.expected, by_round.opened), (key(9).to_string(), 40, 40));
	assert_eq!(by_round.committee.len(), 4);
	let first = SeatView { author: key(1).to_string(), votes: 10, revealed: true };
	assert_eq!(by_round.committee[0], first);
}

#[test]
fn an_application_says_what_is_awaited_from_whom_until_when() {
	// The best block is #15; the phases end with #10, #20, #30 and #50.
	type Change = fn(&mut Infos);
	let judging: Change = |_| {};
	let rows: [(Change, &str, u32, &str); 6] = [
		(|round| round.seed = None, "seed", 10, "the blocks that draw the committee"),
		(|round| round.until.sit = 15, "sit", 15, "members may still sit down; 4 have"),
		(|round| round.answer = None, "answer", 20, "the applicant's answers to 4 questions"),
		(
			|round| {
				round.judging = false;
				round.seats[0].revealed = false;
			},
			"reveal",
			30,
			"1 of 4 members have yet to show what they asked",
		),
		(judging, "judge", 50, "the committee's verdict"),
		(
			|round| round.expired = true,
			"failed",
			50,
			"anybody may end the round; the deposit comes back, if need be after the cool-down",
		),
	];
	for (change, phase, until, awaited) in rows {
		let mut world = World::clone(&World::new());
		change(&mut world.round);
		let view = application(&Arc::new(world), "3").expect("it lives");
		assert_eq!((view.phase.as_str(), view.until, view.awaited.as_str()), (phase, until, awaited));
	}
}

#[test]
fn members_are_shown_by_key_and_page_by_page() {
	let mut world = World::clone(&World::new());
	world.members = (1..=130).map(member).collect();
	world.members[1].suspended = true;
	world.members[2].leaves = Some(9);
	let duty = DutyInfo {
		block: 12,
		until: 72,
		lapses: 222,
		attempt: 1,
		policy: Some(4),
		ak_public: AkPublic::default(),
		ek_name: Name::from_bytes(&[&[0, 0x0b][..], &[5; 32]].concat()).expect("a name"),
	};
	world.members[0].duty = Some(duty);
	let world = Arc::new(world);
	let node: NodeView = ask(&world, "trust_node", [key(1).to_string()]).expect("a member");
	assert_eq!((node.author.clone(), node.account.clone()), (key(1).to_string(), account(1).to_string()));
	assert_eq!((node.weight, node.score, node.cap, node.done, node.missed), (250_000, 260_000, 700_000, 12, 1));
	assert_eq!(node.duty, Some(DutyView { block: 12, until: 72, lapses: 222, refused: 1, policy: Some(4) }));
	let score: ScoreView = ask(&world, "trust_score", [key(1).to_string()]).expect("a member");
	assert_eq!(score, ScoreView { score: 260_000, cap: 700_000, weight: 250_000 });

	let nodes = |from: Option<u32>| ask::<NodesView>(&world, "trust_nodes", [from]).expect("they are there");
	let pages = [nodes(None), nodes(Some(64)), nodes(Some(128)), nodes(Some(130)), nodes(Some(u32::MAX))];
	assert_eq!(pages.each_ref().map(|page| page.nodes.len()), [64, 64, 2, 0, 0]);
	assert_eq!(pages.each_ref().map(|page| page.next), [Some(64), Some(128), None, None, None]);
	assert_eq!(pages[0].nodes[0], node);
	assert!(pages[0].nodes[1].suspended && pages[0].nodes[2].leaves == Some(9));
	assert_eq!(pages[2].nodes[1].author, key(130).to_string());
}

#[test]
fn a_last_page_that_is_full_has_none_behind_it() {
	let mut world = World::clone(&World::new());
	world.members = (1..=64).map(member).collect();
	let page: NodesView = ask(&Arc::new(world), "trust_nodes", [Some(0)]).expect("they are there");
	assert_eq!((page.nodes.len(), page.next), (64, None));
}

#[test]
fn evidence_is_shown_of_whom_a_committee_let_in() {
	let view: serde_json::Value = ask(&World::new(), "trust_evidence", [key(1).to_string()]).expect("it has some");
	let application = round().application;
	assert_eq!(view["anchor"], format!("{:?}", application.anchor));
	assert_eq!((&view["policy"], &view["ekCertificate"]), (&0.into(), &"0x".into()));
	assert_eq!(view["eventLog"], format!("0x{}", "00".repeat(32)));
	assert_eq!(view["application"]["nonce"], format!("0x{}", "03".repeat(32)));
	assert_eq!(view["answer"]["nonce"], format!("0x{}", "04".repeat(32)));
}

#[test]
fn what_names_no_application_is_told_apart() {
	let world = World::new();
	// Neither: a word, a number that no round has room for, an address with a letter changed.
	let mut broken = account(7).to_string();
	broken.replace_range(10..11, if &broken[10..11] == "1" { "2" } else { "1" });
	for what in ["round", "-1", "99999999999", "", &broken] {
		assert_eq!(code(application(&world, what)), 34_001, "{what}");
	}
	// A round that does not live, and an account in none.
	assert_eq!(code(application(&world, "4")), 34_002);
	let (code, message) = application(&world, &account(8).to_string()).expect_err("it has not applied");
	assert_eq!(code, 34_002);
	assert!(message.contains(&account(8).to_string()) && message.contains("admission.Closed"), "{message}");
}

#[test]
fn who_is_no_member_and_who_was_not_let_in_by_a_committee_are_told_apart() {
	let world = World::new();
	let ask = |method: &str, who: &str| code(ask::<serde_json::Value>(&world, method, [who.to_string()]));
	// Nobody; an account's address in place of a key; no address at all.
	for who in [key(77).to_string(), account(1).to_ss58check(), "nobody".into()] {
		assert_eq!([ask("trust_node", &who), ask("trust_score", &who)], [34_004; 2], "{who}");
		assert_eq!(ask("trust_evidence", &who), 34_003, "{who}");
	}
	// A member of genesis.
	assert_eq!(ask("trust_evidence", &key(2).to_string()), 34_003);
}

#[test]
fn a_runtime_that_does_not_answer_is_no_answer() {
	let world = Arc::new(World { pruned: true, ..World::clone(&World::new()) });
	let who = key(1).to_string();
	let mut codes = vec![code(ask::<Vec<Round>>(&world, "trust_rounds", EmptyServerParams::new()))];
	codes.extend([code(application(&world, "3")), code(application(&world, &account(7).to_string()))]);
	for method in ["trust_evidence", "trust_node", "trust_score"] {
		codes.push(code(ask::<serde_json::Value>(&world, method, [who.clone()])));
	}
	codes.push(code(ask::<NodesView>(&world, "trust_nodes", [Some(0)])));
	assert_eq!(codes, [34_005; 7]);
}

#[test]
fn parameters_of_another_type_are_refused_as_json_rpc_says() {
	let world = World::new();
	assert_eq!(code(ask::<serde_json::Value>(&world, "trust_node", [7])), -32_602);
	assert_eq!(code(ask::<serde_json::Value>(&world, "trust_nodes", ["seven"])), -32_602);
	assert_eq!(code(ask::<serde_json::Value>(&world, "trust_application", EmptyServerParams::new())), -32_602);
}
