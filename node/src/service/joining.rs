//! `elapse-node join`, beside the running node.

use std::{sync::Arc, time::Duration};

use codec::Encode;
use ec_carrier::{
	join::{Account, Applicant, Joining, Progress},
	BootLog,
};
use ec_tpm::TpmHandle;
use elapse_runtime::{
	AccountId, Hash, OpaqueBlock as Block, Runtime, RuntimeCall, SessionKeys, Signature, SignedPayload, TxExtension,
	UncheckedExtrinsic, VERSION,
};
use ep_poet::AuthorityId;
use ep_trust::api::TrustApi;
use ep_trust::{application::Quote, Application, Round};
use frame_metadata_hash_extension::CheckMetadataHash;
use frame_system::{
	AuthorizeCall, CheckEra, CheckGenesis, CheckNonZeroSender, CheckNonce, CheckSpecVersion, CheckTxVersion,
	CheckWeight, WeightReclaim,
};
use frame_system_rpc_runtime_api::AccountNonceApi;
use futures::StreamExt;
use pallet_transaction_payment::ChargeTransactionPayment;
use sc_client_api::BlockchainEvents;
use sc_service::{error::Error, Configuration};
use sc_transaction_pool_api::{TransactionPool, TransactionSource};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus::SyncOracle;
use sp_core::{crypto::KeyTypeId, ecdsa, ed25519, sr25519};
use sp_keystore::KeystorePtr;
use sp_runtime::{generic::Era, OpaqueExtrinsic};

use super::{Client, Pool, Sync};
use crate::{
	cli::JoinArgs,
	member::MemberFile,
	tpm::{anchor_address, generate},
};

/// Keys of accounts in a keystore.
const ACCOUNT: KeyTypeId = sp_core::crypto::key_types::ACCOUNT;
/// For how many blocks a transaction is good.
const MORTALITY: u64 = 64;
/// How often is looked, beside at every block.
const PATIENCE: Duration = Duration::from_secs(10);

/// A key in the keystore that signs for an account.
type Signer = (KeyTypeId, sr25519::Public);

/// What `join` was told, and found at its start.
pub(super) struct Prepared {
	args: JoinArgs,
	tpm: TpmHandle,
	boot_log: BootLog,
	/// The member's file that `tpm provision` wrote, if it did.
	file: Option<MemberFile>,
	/// The EK certificate and those above it, if files were named.
	certificates: Vec<Vec<u8>>,
}

/// Looks for what joining needs, before anything runs.
///
/// # Errors
/// The member's file is there, and damaged; or a certificate's file is not there, or has none.
pub(super) fn prepare(
	config: &Configuration,
	args: JoinArgs,
	tpm: TpmHandle,
	boot_log: BootLog,
) -> Result<Prepared, Error> {
	let path = config.base_path.path().join(crate::tpm::MEMBER_FILE);
	let file = path.exists().then(|| MemberFile::read(&path)).transpose().map_err(Error::Other)?;
	let certificates = args.ek_certificate.iter().map(|file| ec_tpm::read_certificate(file)).collect::<Result<_, _>>();
	let certificates = certificates.map_err(|error| Error::Other(error.to_string()))?;
	Ok(Prepared { args, tpm, boot_log, file, certificates })
}

impl Prepared {
	/// Joins, and says how it goes. Ends once the node is a member, or cannot become one.
	pub(super) async fn run(
		self,
		client: Arc<Client>,
		pool: Arc<Pool>,
		keystore: KeystorePtr,
		sync: Arc<Sync>,
		peer: Vec<u8>,
	) {
		let genesis = client.info().genesis_hash;
		let (applicant, signer) = match self.applicant(&keystore, &genesis, peer) {
			Ok(found) => found,
			Err(error) => {
				log::error!("🚪 Joining: {error}");
				return;
			}
		};
		log::info!(
			"🚪 Joining as {}; the account {} puts up the deposit and pays the fees",
			applicant.author,
			applicant.account
		);
		let transactions = Transactions { client: client.clone(), pool, keystore, signer, genesis };
		let mut joining = Joining::<Block, _, _, _, _>::new(
			client.clone(),
			genesis,
			self.tpm,
			applicant,
			transactions,
			self.boot_log,
		);
		let mut blocks = client.import_notification_stream();
		let (mut said, mut failed) = (None, None);
		loop {
			futures::select! {
				_ = blocks.next() => {}
				_ = futures::FutureExt::fuse(futures_timer::Delay::new(PATIENCE)) => {}
			}
			if sync.is_major_syncing() {
				continue;
			}
			match joining.step().await {
				Ok(progress) => {
					failed = None;
					if said.as_ref() != Some(&progress) {
						log::info!("🚪 Joining: {progress}");
					}
					let over = matches!(progress, Progress::Member | Progress::NotAdmitted { .. });
					said = Some(progress);
					if over {
						return;
					}
				}
				// It is tried again, and said once.
				Err(error) if failed.as_ref() != Some(&error) => {
					log::warn!("🚪 Joining: {error}");
					failed = Some(error);
				}
				Err(_) => {}
			}
		}
	}

	/// Who applies, with keys that are in the keystore, made if need be.
	fn applicant(
		&self,
		keystore: &KeystorePtr,
		genesis: &Hash,
		peer: Vec<u8>,
	) -> Result<(Applicant<AccountId, SessionKeys>, Signer), String> {
		let store = &**keystore;
		let failed = |error: sc_cli::Error| error.to_string();
		let poet = match store.sr25519_public_keys(ep_poet::KEY_TYPE).first() {
			Some(key) => *key,
			None => generate::<sr25519::Pair>(store, ep_poet::KEY_TYPE).map_err(failed)?,
		};
		let grandpa = match store.ed25519_public_keys(sp_consensus_grandpa::KEY_TYPE).first() {
			Some(key) => *key,
			None => generate::<ed25519::Pair>(store, sp_consensus_grandpa::KEY_TYPE).map_err(failed)?,
		};
		let anchor = match store.ecdsa_public_keys(ep_trust::anchor::KEY_TYPE).first() {
			Some(key) => *key,
			None => generate::<ecdsa::Pair>(store, ep_trust::anchor::KEY_TYPE).map_err(failed)?,
		};
		let account = self.args.account.clone().or_else(|| self.file.as_ref().map(|file| file.account.clone()));
		let account = account.unwrap_or_else(|| poet.into());
		let signer = if account == AccountId::from(poet) {
			(ep_poet::KEY_TYPE, poet)
		} else {
			let keys = keystore.sr25519_public_keys(ACCOUNT);
			let key = keys.into_iter().find(|key| AccountId::from(*key) == account).ok_or(format!(
				"the key of account {account} is not in the keystore: put it there with `elapse-node key insert --key-type \
				 acco --scheme sr25519 --suri SECRET`, or give another by --account"
			))?;
			(ACCOUNT, key)
		};
		let keys = SessionKeys { poet: poet.into(), grandpa: grandpa.into() };
		let proof = ownership(keystore, &account, &poet, &grandpa)?;
		let statement = ep_trust::nonce::anchor(genesis, &poet.into());
		let anchor_proof = keystore
			.ecdsa_sign_prehashed(ep_trust::anchor::KEY_TYPE, &anchor, &statement)
			.map_err(|error| format!("the keystore does not sign: {error}"))?
			.ok_or("the key of type `anch` went from the keystore")?
			.0;
		let applicant = Applicant {
			account,
			author: poet.into(),
			keys,
			proof,
			anchor: anchor_address(&anchor),
			anchor_proof,
			certificates: self.certificates.clone(),
			policy: self.args.policy,
			peer,
		};
		Ok((applicant, signer))
	}
}

/// The proof that this node holds its session keys: each signs who owns it (`sp_core::proof_of_possession`).
fn ownership(
	keystore: &KeystorePtr,
	account: &AccountId,
	poet: &sr25519::Public,
	grandpa: &ed25519::Public,
) -> Result<Vec<u8>, String> {
	let statement = sp_core::proof_of_possession::statement_of_ownership(&account.encode());
	let missing = || "a session key went from the keystore".to_string();
	let failed = |error: sp_keystore::Error| format!("the keystore does not sign: {error}");
	let poet = keystore.sr25519_sign(ep_poet::KEY_TYPE, poet, &statement).map_err(failed)?.ok_or_else(missing)?;
	let grandpa = keystore
		.ed25519_sign(sp_consensus_grandpa::KEY_TYPE, grandpa, &statement)
		.map_err(failed)?
		.ok_or_else(missing)?;
	Ok((poet, grandpa).encode())
}

/// The account's transactions.
struct Transactions {
	client: Arc<Client>,
	pool: Arc<Pool>,
	keystore: KeystorePtr,
	signer: Signer,
	genesis: Hash,
}

impl Transactions {
	async fn submit(&self, at: Hash, call: pallet_admission::Call<Runtime>) -> Result<(), String> {
		let (kind, key) = self.signer;
		let account = AccountId::from(key);
		let nonce = self.client.runtime_api().account_nonce(at, account.clone()).map_err(|error| error.to_string())?;
		let number =
			self.client.number(at).ok().flatten().ok_or("the best block is gone: the chain was reorganised")?;
		let era = Era::mortal(MORTALITY, number.into());
		let birth = u32::try_from(era.birth(number.into())).unwrap_or(number);
		let birth = self.client.hash(birth).ok().flatten().ok_or("an older block is not known")?;
		let extension: TxExtension = (
			AuthorizeCall::new(),
			CheckNonZeroSender::new(),
			CheckSpecVersion::new(),
			CheckTxVersion::new(),
			CheckGenesis::new(),
			CheckEra::from(era),
			CheckNonce::from(nonce),
			CheckWeight::new(),
			ChargeTransactionPayment::from(0),
			CheckMetadataHash::new(false),
			WeightReclaim::new(),
		);
		let implicit =
			((), (), VERSION.spec_version, VERSION.transaction_version, self.genesis, birth, (), (), (), None, ());
		let payload = SignedPayload::from_raw(RuntimeCall::Admission(call), extension, implicit);
		let signature = payload.using_encoded(|bytes| self.keystore.sr25519_sign(kind, &key, bytes));
		let signature =
			signature.map_err(|error| error.to_string())?.ok_or("the account's key went from the keystore")?;
		let (call, extension, _) = payload.deconstruct();
		let extrinsic = UncheckedExtrinsic::new_signed(call, account.into(), Signature::Sr25519(signature), extension);
		let extrinsic = OpaqueExtrinsic::from(extrinsic);
		self.pool.submit_one(at, TransactionSource::Local, extrinsic).await.map(|_| ()).map_err(|error| {
			format!(
				"the transaction is refused: {error}. If it cannot pay, the account needs the deposit, a fee, and the \
				 least balance"
			)
		})
	}
}

/// What to do about an application that the chain would refuse.
fn advice(error: &str) -> String {
	let advice = match error {
		"CoolingDown" => {
			"this chip was refused not long ago, or a round of this account ended before its chip had shown itself; it is \
			 tried again until the cool-down is over"
		}
		"InARound" => "the account or one of its keys is in another round; it is tried again",
		"TooManyRounds" => "there are as many applications as may be at a time; it is tried again",
		"BadCertificate" => {
			"the chain does not trust this chip's maker, or the certificate is refused: `elapse tpm verify-ek` names the rule, \
			 and governance adds roots (`admission.addRoot`)"
		}
		"OtherEndorsementKey" => "this chip's other endorsement key stands for it: remove DIR/tpm and provision that one",
		"ModelNotLetIn" => "this chain lets no chip of this model in; software TPMs only where genesis says so",
		"ModelDenied" => "this model or its firmware is known to be broken: update the TPM's firmware",
		"KeysTaken" => "a session key is registered for another account: free it by `session.purgeKeys` from there",
		"AccountIsMember" | "AuthorIsMember" | "AttestationKeyIsMember" | "EndorsementKeyIsMember" => {
			"it is a member's already: a node that is one needs `--validator`, not `join`"
		}
		"StillLeaving" => "the member that this was is not gone yet; it is tried again",
		"FundsUnavailable" | "BelowMinimum" | "CannotCreate" => "the account cannot put up the deposit: send it some more",
		_ => "see the errors of `admission` in the chain's metadata",
	};
	format!("the chain would refuse the application ({error}): {advice}. Nothing was sent, and nothing paid")
}

#[async_trait::async_trait]
impl Account<SessionKeys> for Transactions {
	async fn apply(&self, at: Hash, application: Application, keys: SessionKeys, proof: Vec<u8>) -> Result<(), String> {
		let account = AccountId::from(self.signer.1);
		let api = self.client.runtime_api();
		let checked = api.check_application(at, account, application.clone(), keys.encode(), proof.clone());
		if let Err(name) = checked.map_err(|error| error.to_string())? {
			return Err(advice(&String::from_utf8_lossy(&name)));
		}
		let proof = proof.try_into().map_err(|_| "the proof of the session keys is too long")?;
		let call = pallet_admission::Call::apply { application: Box::new(application), keys, proof };
		self.submit(at, call).await
	}

	async fn answer(
		&self,
		at: Hash,
		round: Round,
		answers: Vec<(AuthorityId, [u8; 32])>,
		quote: Quote,
	) -> Result<(), String> {
		let answers = answers.try_into().map_err(|_| "there are more answers than seats")?;
		self.submit(at, pallet_admission::Call::answer { round, answers, quote: Box::new(quote) }).await
	}
}
