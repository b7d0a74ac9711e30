//! What is verified of a chip, from bytes alone, and the store that it is verified against.

use alloc::{collections::BTreeSet, vec::Vec};
use ep_poet::Hash;
use ep_tpm::{
	certificate::{self, name_hash, verify_ek, Certificate, Policy, RevocationList, Store, StoredCertificate},
	chip::{self, Ak, Claims, Ek},
	model::{EkKind, Tier},
	policy::PlatformPolicy,
	ClockInfo, Name, PublicArea,
};
use ep_trust::{Application, Evidence, Quote};
use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchResult;

use crate::{Config, Denied, Error, Event, List, Lists, Pallet, Policies, Roots, Settings, Tiers, LOG_TARGET};

/// Issuers' names that an application may make us look up, and lists that it may make us read. No honest path is near.
const MOST_ISSUERS: usize = 16;
pub(crate) const MOST_LISTS: usize = 8;

/// What evidence has shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
	/// Hash of the endorsement key.
	pub chip: [u8; 32],
	/// Its name.
	pub ek_name: Name,
	/// Name of the attestation key.
	pub ak_name: Name,
	/// The kind of chip.
	pub tier: Tier,
	/// Its clock. A TPM 1.2 has none.
	pub clock: Option<ClockInfo>,
	/// Its firmware. A TPM 1.2 does not say.
	pub firmware: Option<u64>,
}

/// What an EK certificate has shown.
pub(crate) struct CertifiedChip {
	pub(crate) ek: certificate::EndorsementKey,
	pub(crate) tier: Tier,
	pub(crate) kind: EkKind,
}

/// The store of certificates on chain, by subject: a path reads the few that it needs.
pub struct StoredRoots<T>(core::marker::PhantomData<T>);

impl<T> Default for StoredRoots<T> {
	fn default() -> Self {
		Self(core::marker::PhantomData)
	}
}

impl<T: Config> Store for StoredRoots<T> {
	fn of_subject(&self, subject: &[u8; 32]) -> Vec<StoredCertificate> {
		Roots::<T>::get(subject).into_inner()
	}
}

impl<T: Config> Pallet<T> {
	/// Verifies all that an application says of its chip: the EK certificate up to a root of the store and against the
	/// revocation lists, the model, both keys, and the quote under `nonce` against the policy.
	///
	/// # Errors
	/// The first stage that fails. The rule that was broken is in the log, and anybody finds it with the same code.
	pub fn check_evidence(application: &Application, nonce: &[u8], now: u64) -> Result<Checked, Error<T>> {
		let evidence = &application.evidence;
		let because = |stage: Error<T>, rule: &dyn core::fmt::Display| {
			log::debug!(target: LOG_TARGET, "evidence of {:?} is refused: {stage:?}: {rule}", application.author);
			stage
		};
		let CertifiedChip { ek, tier, kind } = Self::check_certificate(evidence, now, None)?;
		let bad_ek = |rule: &dyn core::fmt::Display| because(Error::BadEndorsementKey, rule);
		let ek_key = Ek::parse(&evidence.ek_public).map_err(|rule| bad_ek(&rule))?;
		match &ek_key {
			Ek::Tpm20(_) => {
				let ek_public = PublicArea::parse(&evidence.ek_public).map_err(|rule| bad_ek(&rule))?;
				ek.check_public_area(&ek_public).map_err(|rule| bad_ek(&rule))?;
			}
			Ek::Tpm12(key) => key.check_certified(&ek.key).map_err(|rule| bad_ek(&rule))?,
		}
		ensure!(ek.key.kind() == kind, because(Error::OtherEndorsementKey, &"one-key"));
		let ak = Ak::parse(&evidence.ak_public).map_err(|rule| because(Error::BadAttestationKey, &rule))?;
		ensure!(
			ak.attests_time() == matches!(ek_key, Ek::Tpm20(_)),
			because(Error::BadAttestationKey, &ep_tpm::Error::OneGeneration)
		);
		let Claims { clock, firmware } =
			Self::check_quote(application.policy, &ak, ek_key.name(), &evidence.quote, nonce, None)?;
		Denied::<T>::get().check(&ek.tpm, firmware).map_err(|rule| because(Error::ModelDenied, &rule))?;
		Ok(Checked { chip: ek.key_hash, ek_name: *ek_key.name(), ak_name: *ak.name(), tier, clock, firmware })
	}

	/// Verifies an EK certificate up to a root of the store and against the revocation lists, and that its model is let
	/// in. It is judged at `now`, its own validity at `ek_at` if that is given.
	///
	/// # Errors
	/// [`Error::BadCertificate`], [`Error::ModelNotLetIn`].
	pub(crate) fn check_certificate(
		evidence: &Evidence,
		now: u64,
		ek_at: Option<u64>,
	) -> Result<CertifiedChip, Error<T>> {
		let because = |stage: Error<T>, rule: &dyn core::fmt::Display| {
			log::debug!(target: LOG_TARGET, "an EK certificate is refused: {stage:?}: {rule}");
			stage
		};
		let candidates: Vec<&[u8]> = evidence.intermediates.iter().map(|bytes| bytes.as_slice()).collect();
		let lists = Self::lists_for(evidence)
			.ok_or_else(|| because(Error::BadCertificate, &"intermediates of too many issuers"))?;
		let lists: Vec<_> = lists.iter().filter_map(|list| RevocationList::parse(list).ok()).collect();
		let policy = Policy { at: now, ek_at, lists: &lists, list_grace: None };
		let ek = verify_ek(&evidence.ek_certificate, &candidates, &StoredRoots::<T>::default(), &policy)
			.map_err(|rule| because(Error::BadCertificate, &rule))?;
		let found = Tiers::<T>::get().find(&ek.tpm).map_err(|rule| because(Error::ModelNotLetIn, &rule))?;
		let (tier, kind) = match (chip::is_legacy(&evidence.ek_public), found) {
			// Whatever its certificate says or leaves out.
			(true, _) => (ep_tpm::legacy::TIER, EkKind::Rsa),
			(false, (ep_tpm::legacy::TIER, _)) => {
				return Err(because(Error::ModelNotLetIn, &"its certificate is that of a TPM 1.2, its key is not"))
			}
			(false, found) => found,
		};
		let caps = Settings::<T>::get().ok_or(Error::Closed)?.caps;
		ensure!(caps.of(tier) > 0, Error::ModelNotLetIn);
		Ok(CertifiedChip { ek, tier, kind })
	}

	/// A policy of the chain that machines are let in under now.
	///
	/// # Errors
	/// [`Error::NoSuchPolicy`], [`Error::PolicyNotInForce`].
	pub(crate) fn policy_in_force(number: u32) -> Result<PlatformPolicy, Error<T>> {
		let policy = Policies::<T>::get(number).ok_or(Error::NoSuchPolicy)?;
		ensure!(policy.holds(Self::height()), Error::PolicyNotInForce);
		Ok(policy.platform)
	}

	/// Verifies a quote against a policy of the chain. Gives what else it says.
	///
	/// # Errors
	/// As [`Self::policy_in_force`]; [`Error::BadQuote`], [`Error::PolicyNotMet`].
	pub(crate) fn check_quote(
		policy: u32,
		key: &Ak,
		ek_name: &Name,
		quote: &Quote,
		nonce: &[u8],
		previous: Option<&ClockInfo>,
	) -> Result<Claims, Error<T>> {
		use ep_tpm::Error as Rule;
		let policy = Self::policy_in_force(policy)?;
		let pcr_values: Vec<&[u8]> = quote.pcr_values.iter().map(|value| value.as_slice()).collect();
		let (attest, signature) = (&quote.attest, &quote.signature);
		let quote = chip::Quote { attest, signature, nonce, pcr_values: &pcr_values };
		key.verify(&policy, ek_name, &quote, previous).map_err(|rule| {
			log::debug!(target: LOG_TARGET, "a quote is refused: {rule}");
			match rule {
				Rule::FirmwareFloor
				| Rule::PcrNotAllowed
				| Rule::CompositeNotAllowed
				| Rule::CountersWentBack
				| Rule::ClockWentBack
				| Rule::Reset
				| Rule::Restarted
				| Rule::LegacyPolicy
				| Rule::LegacyStaticPcrs => Error::PolicyNotMet,
				_ => Error::BadQuote,
			}
		})
	}

	/// The lists of everybody who may have issued one of these certificates, and of those who issued theirs. `None` if
	/// they are too many: what is left out might be the list that counts, and who applies could see to that.
	fn lists_for(evidence: &Evidence) -> Option<Vec<List>> {
		let issuer = |bytes: &[u8]| Certificate::parse(bytes).and_then(|parsed| name_hash(parsed.issuer())).ok();
		let mut open: Vec<[u8; 32]> = evidence.intermediates.iter().filter_map(|bytes| issuer(bytes)).collect();
		open.extend(issuer(&evidence.ek_certificate));
		let (mut seen, mut lists) = (BTreeSet::new(), Vec::new());
		while let Some(name) = open.pop() {
			if !seen.insert(name) {
				continue;
			}
			lists.extend(Lists::<T>::get(name));
			if seen.len() > MOST_ISSUERS || lists.len() > MOST_LISTS {
				return None;
			}
			open.extend(Roots::<T>::get(name).iter().filter_map(|stored| issuer(&stored.certificate)));
		}
		Some(lists)
	}

	/// Adds a certificate to the store.
	pub(crate) fn insert_root(stored: StoredCertificate) -> DispatchResult {
		let subject = stored.subject_hash().map_err(|_| Error::<T>::BadRoot)?;
		Roots::<T>::try_mutate(subject, |roots| {
			ensure!(!roots.contains(&stored), Error::<T>::KnownRoot);
			roots.try_push(stored).map_err(|_| Error::<T>::TooManyRoots)?;
			Ok(())
		})
	}

	/// Takes a revocation list that is its issuer's and newer than the one there.
	pub(crate) fn do_submit_list(list: List) -> DispatchResult {
		let refuse = |_: ep_tpm::certificate::Error| Error::<T>::BadList;
		let parsed = RevocationList::parse(&list).map_err(refuse)?;
		let issuer = name_hash(parsed.issuer()).map_err(refuse)?;
		let now = Self::now();
		let signed = Roots::<T>::get(issuer).iter().any(|stored| {
			stored.parse().is_ok_and(|certificate| {
				parsed.check_issuer(&certificate).is_ok() && certificate.check_validity(now).is_ok()
			})
		});
		ensure!(signed, Error::<T>::BadList);
		// One from the future would keep out all that come before it.
		parsed.check_time(now, None).map_err(refuse)?;
		if let Some(old) = Lists::<T>::get(issuer) {
			let old = RevocationList::parse(&old).map_err(refuse)?;
			parsed.check_newer(&old).map_err(refuse)?;
		}
		Lists::<T>::insert(issuer, list);
		Self::rules_changed();
		Self::deposit_event(Event::ListUpdated { issuer });
		Ok(())
	}

	/// The block's time in seconds: certificates are judged by it.
	pub(crate) fn now() -> u64 {
		pallet_timestamp::Pallet::<T>::get() / 1_000
	}

	/// The chain.
	pub(crate) fn genesis() -> Hash {
		<T as Config>::GenesisHash::get()
	}
}

/// Byte strings in hexadecimal.
pub(crate) mod hexadecimal {
	use alloc::vec::Vec;
	use serde::{Deserialize, Deserializer, Serialize, Serializer};

	#[derive(Serialize, Deserialize)]
	struct Bytes(#[serde(with = "sp_core::bytes")] Vec<u8>);

	pub(crate) fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_seq(list.iter().map(|bytes| Bytes(bytes.clone())))
	}

	pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
		Ok(Vec::<Bytes>::deserialize(deserializer)?.into_iter().map(|bytes| bytes.0).collect())
	}
}
