//! Models of TPMs: what kind of chip a manufacturer's certificate stands for, and which ones are known to be broken.
//!
//! Both are data that governance holds ([`TierTable`], [`Denylist`]); the defaults here are where it begins, each with
//! its source. A certificate tells the firmware that a chip left the factory with. What it runs today is told by
//! `TPMS_ATTEST.firmwareVersion`, plain in attestations by keys of the endorsement hierarchy: judge by that.
//!
//! # Rules
//! - TM1 *model-known* ([`Error::ModelUnknown`]): the table has a tier for the model. A manufacturer that nobody has
//!   thought about gets no score.
//! - TM2 *model-allowed* ([`Error::ModelDenied`]): no entry of the denylist covers model and firmware. A firmware version
//!   that is not known is taken for a bad one.
//! - TM3 *one-key* ([`EkKind`]): the endorsement key is of the kind that the model's line names, so that a chip with two
//!   of them is one chip. Whoever keeps the register checks it.

use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::certificate::{AttributeText, Error, Manufacturer, TpmIdentity};

/// What a TPM is made of. Caps of scores follow it.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Tier {
	/// A chip of its own.
	Discrete,
	/// Firmware of a processor or chipset, with keys in its fuses.
	Firmware,
	/// A hypervisor's. As good as whoever runs the hypervisor.
	Virtual,
	/// TPM 1.2: SHA-1, and no way to author blocks.
	Legacy12,
	/// A program. Its owner can read every key of it: for tests.
	Software,
}

/// Who makes software TPMs: swtpm certifies itself under IBM's number, libtpms reports IBM.
const SOFTWARE: [[u8; 4]; 2] = [[0, 0, 0x10, 0x14], *b"IBM\0"];

/// One line of a [`TierTable`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TierRule {
	/// Who made it.
	pub manufacturer: Manufacturer,
	/// What its model begins with; empty for any.
	pub model: AttributeText,
	/// Its tier.
	pub tier: Tier,
	/// Which of its endorsement keys stands for the chip.
	pub ek: EkKind,
}

/// A kind of endorsement key.
///
/// Most chips have one of each, with a certificate each, and nothing in those says that they are one chip's. So that one
/// chip is one member, only the kind that its model's line names is accepted.
#[derive(
	Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum EkKind {
	/// RSA. Every TPM 2.0 for PCs has had one so far.
	#[default]
	Rsa,
	/// On a curve, for models that have no other.
	Ecc,
}

/// Most lines of a table or a list.
pub const MAX_MODEL_RULES: u32 = 256;

/// Which models are of which tier. The first line that fits decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TierTable(
	/// The lines.
	pub BoundedVec<TierRule, ConstU32<MAX_MODEL_RULES>>,
);

impl TierTable {
	/// Whether it can be meant: a table without lines knows no model, so that nobody is let in and everybody lapses.
	///
	/// # Errors
	/// What cannot.
	pub fn check_form(&self) -> Result<(), &'static str> {
		match self.0.is_empty() {
			true => Err("a table of tiers without a line knows no model"),
			false => Ok(()),
		}
	}

	/// The tier of a TPM (rule TM1). Whatever calls itself TPM 1.2 is [`Tier::Legacy12`], whoever made it.
	///
	/// # Errors
	/// [`Error::ModelUnknown`].
	pub fn tier(&self, tpm: &TpmIdentity) -> Result<Tier, Error> {
		self.find(tpm).map(|(tier, _)| tier)
	}

	/// The tier of a TPM, and which of its endorsement keys stands for it (rules TM1 and TM3).
	///
	/// # Errors
	/// [`Error::ModelUnknown`].
	pub fn find(&self, tpm: &TpmIdentity) -> Result<(Tier, EkKind), Error> {
		if tpm.specification.as_ref().is_some_and(|specification| specification.family.as_str() == "1.2") {
			return Ok((Tier::Legacy12, EkKind::Rsa));
		}
		let fits = |rule: &&TierRule| {
			rule.manufacturer == tpm.manufacturer && tpm.model.as_str().starts_with(rule.model.as_str())
		};
		self.0.iter().find(fits).map(|rule| (rule.tier, rule.ek)).ok_or(Error::ModelUnknown)
	}

	/// Where governance begins. Names are those of the TCG Vendor ID Registry (version 1.06 and later).
	pub fn defaults() -> Self {
		// Manufacturers of chips that are sold as chips: Infineon (SLB 96xx), Nuvoton (NPCT6xx, NPCT7xx) and its
		// predecessor Winbond, STMicroelectronics (ST33), Nationz (Z32H330), NSING, Atmel (AT97SC).
		let discrete = [*b"IFX\0", *b"NTC\0", *b"WEC\0", *b"STM ", *b"NTZ\0", *b"NSG\0", *b"ATML"];
		// Firmware of the processor or chipset: Intel PTT, AMD fTPM, Qualcomm fTPM.
		let firmware = [*b"INTC", *b"AMD\0", *b"QCOM"];
		let all = |makers: &[[u8; 4]], tier| -> Vec<TierRule> {
			let rule = |maker: &[u8; 4]| TierRule {
				manufacturer: Manufacturer(*maker),
				model: AttributeText::default(),
				tier,
				ek: EkKind::Rsa,
			};
			makers.iter().map(rule).collect()
		};
		let mut rules = all(&discrete, Tier::Discrete);
		rules.extend(all(&firmware, Tier::Firmware));
		// Google Compute Engine's, whose certificates name the model vTPM; Google's own chips are not in it.
		rules.push(TierRule {
			manufacturer: Manufacturer(*b"GOOG"),
			model: AttributeText::new("vTPM").unwrap_or_default(),
			tier: Tier::Virtual,
			ek: EkKind::Rsa,
		});
		// Hyper-V's and Azure's. Pluton has the same manufacturer; until a model tells them apart, it gets the lower tier.
		rules.extend(all(&[*b"MSFT"], Tier::Virtual));
		rules.extend(all(&SOFTWARE, Tier::Software));
		Self(BoundedVec::truncate_from(rules))
	}
}

/// One line of a [`Denylist`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DenyRule {
	/// Who made it.
	pub manufacturer: Manufacturer,
	/// What its model begins with; empty for any.
	pub model: AttributeText,
	/// First firmware version, as in `TPMS_ATTEST.firmwareVersion`.
	pub from: u64,
	/// Last firmware version.
	pub to: u64,
	/// Why.
	pub advisory: AttributeText,
}

/// Models and firmware that are known to be broken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Denylist(
	/// The lines.
	pub BoundedVec<DenyRule, ConstU32<MAX_MODEL_RULES>>,
);

impl Denylist {
	/// Whether it can be meant: a line whose first version is above its last denies nothing.
	///
	/// # Errors
	/// What cannot.
	pub fn check_form(&self) -> Result<(), &'static str> {
		match self.0.iter().any(|rule| rule.from > rule.to) {
			true => Err("a line of the denylist ends before it begins"),
			false => Ok(()),
		}
	}

	/// The first line that covers this TPM with this firmware; `None` as the firmware is covered by every line of the
	/// model.
	pub fn find(&self, tpm: &TpmIdentity, firmware: Option<u64>) -> Option<&DenyRule> {
		self.0.iter().find(|rule| {
			rule.manufacturer == tpm.manufacturer
				&& tpm.model.as_str().starts_with(rule.model.as_str())
				&& firmware.is_none_or(|firmware| (rule.from..=rule.to).contains(&firmware))
		})
	}

	/// Rule TM2.
	///
	/// # Errors
	/// [`Error::ModelDenied`].
	pub fn check(&self, tpm: &TpmIdentity, firmware: Option<u64>) -> Result<(), Error> {
		match self.find(tpm, firmware) {
			Some(_) => Err(Error::ModelDenied),
			None => Ok(()),
		}
	}

	/// Where governance begins.
	pub fn defaults() -> Self {
		let mut rules = Vec::new();
		let mut deny = |maker: &[u8; 4], from: u64, to: u64, advisory: &str| {
			let advisory = AttributeText::new(advisory).unwrap_or_default();
			rules.push(DenyRule {
				manufacturer: Manufacturer(*maker),
				model: AttributeText::default(),
				from,
				to,
				advisory,
			});
		};
		// TPM-Fail, STMicroelectronics: ECDSA in time that depends on the nonce. Every version that ST names as affected
		// (st.com, "Information on ST's TPM firmware update", table); the version is the upper half.
		for (major, minor) in [
			(71, 0),
			(71, 4),
			(71, 12),
			(73, 0),
			(73, 4),
			(73, 5),
			(73, 8),
			(73, 9),
			(74, 0),
			(74, 4),
			(74, 5),
			(74, 8),
			(74, 9),
			(74, 16),
		] {
			let from = version(major, minor, 0, 0);
			deny(b"STM ", from, from | 0xffff_ffff, "CVE-2019-16863 (TPM-Fail)");
		}
		// TPM-Fail, Intel PTT: the same. Fixed in the versions that INTEL-SA-00241 names. PTT reports its engine's version
		// in four words; later engines report numbers from 300 up, and are not affected.
		for (from, fixed) in [
			((3, 0, 0), (3, 1, 70)),
			((4, 0, 0), (4, 0, 20)),
			((11, 0, 0), (11, 8, 70)),
			((11, 10, 0), (11, 11, 70)),
			((11, 20, 0), (11, 22, 70)),
			((12, 0, 0), (12, 0, 45)),
			((14, 0, 0), (14, 0, 10)),
		] {
			let words = |(major, minor, hotfix): (u64, u64, u64)| version(major, minor, hotfix, 0);
			deny(b"INTC", words(from), words(fixed) - 1, "CVE-2019-11090 (TPM-Fail, INTEL-SA-00241)");
		}
		// faulTPM: a voltage glitch of some hours reads every secret of AMD's fTPM on Zen 2 and Zen 3 (Jacob et al., 2023,
		// arXiv 2304.14717). No certificate names the core. Firmware 6 is that of Zen 4, so all below it.
		deny(b"AMD\0", 0, version(6, 0, 0, 0) - 1, "faulTPM (arXiv 2304.14717)");
		// libtpms and swtpm: state in a file of the host's; CVE-2021-3446 and CVE-2025-49133 beside.
		for maker in &SOFTWARE {
			deny(maker, 0, u64::MAX, "software TPM (libtpms)");
		}
		Self(BoundedVec::truncate_from(rules))
	}

	/// The same without what it says of software TPMs: for test networks, whose members have nothing else.
	pub fn without_software(mut self) -> Self {
		self.0.retain(|rule| !SOFTWARE.contains(&rule.manufacturer.0));
		self
	}
}

/// Four words of a version.
const fn version(major: u64, minor: u64, hotfix: u64, build: u64) -> u64 {
	major << 48 | minor << 32 | hotfix << 16 | build
}

#[cfg(test)]
mod tests {
	use super::*;

	fn tpm(maker: &[u8; 4], model: &str, version: &str, family: Option<&str>) -> TpmIdentity {
		TpmIdentity {
			manufacturer: Manufacturer(*maker),
			model: AttributeText::new(model).unwrap(),
			version: AttributeText::new(version).unwrap(),
			specification: family.map(|family| crate::certificate::Specification {
				family: AttributeText::new(family).unwrap(),
				level: 0,
				revision: 138,
			}),
		}
	}

	#[test]
	fn model_known_refuses_a_maker_that_nobody_thought_about() {
		let table = TierTable::defaults();
		assert_eq!(table.tier(&tpm(b"NTC\0", "NPCT75x", "id:00070002", Some("2.0"))), Ok(Tier::Discrete));
		assert_eq!(table.tier(&tpm(b"INTC", "Intel", "id:00020000", None)), Ok(Tier::Firmware));
		assert_eq!(table.tier(&tpm(b"GOOG", "vTPM", "id:20160511", Some("2.0"))), Ok(Tier::Virtual));
		assert_eq!(table.tier(&tpm(&[0, 0, 0x10, 0x14], "swtpm", "id:20191023", Some("2.0"))), Ok(Tier::Software));
		assert_eq!(table.tier(&tpm(b"WEC\0", "NPCT42x", "id:0391", Some("1.2"))), Ok(Tier::Legacy12));
		assert_eq!(table.tier(&tpm(b"GOOG", "Titan", "id:1", None)), Err(Error::ModelUnknown));
		assert_eq!(table.tier(&tpm(b"EVIL", "NPCT75x", "id:1", None)), Err(Error::ModelUnknown));
		assert_eq!(TierTable::default().tier(&tpm(b"NTC\0", "", "", None)), Err(Error::ModelUnknown));
	}

	#[test]
	fn tables_that_cannot_be_meant_are_told() {
		assert_eq!((TierTable::defaults().check_form(), Denylist::defaults().check_form()), (Ok(()), Ok(())));
		assert_eq!(Denylist::default().check_form(), Ok(()), "nobody need be denied");
		assert!(TierTable::default().check_form().is_err());
		let mut list = Denylist::defaults();
		let last = list.0.last_mut().unwrap();
		(last.from, last.to) = (7, 7);
		assert_eq!(list.check_form(), Ok(()));
		list.0.last_mut().unwrap().to = 6;
		assert!(list.check_form().is_err());
	}

	#[test]
	fn model_allowed_refuses_tpm_fail_faultpm_and_software() {
		let list = Denylist::defaults();
		let st = tpm(b"STM ", "ST33HTPHAHB4", "id:00490004", Some("2.0"));
		assert_eq!(list.check(&st, st.firmware()), Err(Error::ModelDenied), "73.4");
		assert_eq!(list.check(&st, Some(version(73, 20, 0x4567, 1))), Ok(()), "updated since");
		assert_eq!(list.check(&st, Some(version(73, 8, 0xffff, 0xffff))), Err(Error::ModelDenied));
		assert_eq!(list.check(&st, None), Err(Error::ModelDenied), "not known");
		let intel = tpm(b"INTC", "Intel", "id:00020000", None);
		assert_eq!(list.check(&intel, Some(version(11, 8, 50, 3426))), Err(Error::ModelDenied));
		assert_eq!(list.check(&intel, Some(version(11, 8, 69, 0xffff))), Err(Error::ModelDenied));
		assert_eq!(list.check(&intel, Some(version(11, 8, 70, 0))), Ok(()));
		assert_eq!(list.check(&intel, Some(version(600, 18, 0, 0))), Ok(()));
		let amd = tpm(b"AMD\0", "AMD", "id:00030001", None);
		assert_eq!(list.check(&amd, Some(version(3, 58, 0, 5))), Err(Error::ModelDenied));
		assert_eq!(list.check(&amd, Some(version(6, 32, 6, 0))), Ok(()));
		let soft = tpm(&[0, 0, 0x10, 0x14], "swtpm", "id:20191023", None);
		assert_eq!(list.check(&soft, soft.firmware()), Err(Error::ModelDenied));
		assert_eq!(list.check(&tpm(b"NTC\0", "NPCT75x", "id:00070002", None), None), Ok(()));
	}
}
