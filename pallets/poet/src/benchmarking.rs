//! Benchmarks of every call and hook.
//!
//! They need a keystore (host functions make the authors' keys and signatures), which the benchmark tool registers.

mod chip;

use alloc::{boxed::Box, vec};
use codec::{Decode, Encode};
use ep_poet::{
	api::AkPublic,
	digest::{seal_message, seal_nonce, start_nonce, MAX_HEADER},
	rate,
	retarget::Window,
	AuthorityId, Claim, EquivocationProof, Interval, PreDigest, Seal,
};
use ep_tpm::Name;
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::{Authorize, TransactionSource},
	traits::Hooks,
};
use frame_system::{
	pallet_prelude::{BlockNumberFor, HeaderFor},
	RawOrigin,
};
use sp_core::{sr25519::vrf::VrfSignature, H256};
use sp_runtime::{traits::Header as _, Digest, DigestItem, RuntimeAppPublic};

use crate::*;
use chip::Chip;

/// Lets benchmarks have a member.
pub trait BenchmarkHelper {
	/// Makes `author` a member with this attestation key, with a weight in every epoch from 0 on.
	fn admit(author: AuthorityId, ak_public: AkPublic, ek_name: Name);
}

/// A draw that decodes and whose output is a point; that is all the pallet asks of it.
fn draw() -> VrfSignature {
	const BASE_POINT: [u8; 32] = [
		0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58, 0xe3,
		0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76,
	];
	VrfSignature::decode(&mut &[&BASE_POINT[..], &[0; 64]].concat()[..]).expect("a point and two scalars")
}

/// Begins the block at `number`.
fn begin<T: Config>(number: BlockNumberFor<T>, parent: H256, digest: Digest) {
	frame_system::Pallet::<T>::set_block_number(number - 1u32.into());
	frame_system::Pallet::<T>::initialize(&number, &parent, &digest);
}

struct Author {
	id: AuthorityId,
	chip: Chip,
}

impl Author {
	fn new() -> Self {
		Self { id: AuthorityId::generate_pair(None), chip: Chip::new() }
	}

	fn admitted<T: Config>() -> Self {
		let author = Self::new();
		T::BenchmarkHelper::admit(author.id.clone(), author.chip.ak_public(), author.chip.ek_name());
		author
	}

	fn pre_digest<T: Config>(&self, number: u32, parent: H256, time: u64) -> PreDigest {
		let claim = Claim { epoch: 0, mean: 1_000_000, weight: 1_000, rate: rate::ONE, wait: 1_000 };
		let vrf = draw();
		let nonce = start_nonce(Genesis::<T>::get(), parent, number.into(), &self.id, claim.mean, &vrf);
		PreDigest { author: self.id.clone(), vrf, timestamp: 2_000, claim, start: self.chip.get_time(time, &nonce) }
	}

	/// A block whose wait began at `time` of the chip, with `padding` bytes in another digest item.
	fn seal<T: Config>(&self, number: u32, parent: H256, time: u64, padding: u32) -> HeaderFor<T> {
		let pre = self.pre_digest::<T>(number, parent, time);
		let logs = vec![DigestItem::from(&pre), DigestItem::Other(vec![0; padding as usize])];
		let root = H256::repeat_byte(1);
		let mut header = HeaderFor::<T>::new(number.into(), root, root, parent, Digest { logs });
		let pre_seal = header.hash();
		let end = self.chip.get_time(time + 1_000, &seal_nonce(pre_seal));
		let message = seal_message(Genesis::<T>::get(), pre_seal, &end);
		let signature = self.id.sign(&message).expect("the key is in the keystore");
		header.digest_mut().push(DigestItem::from(&Seal { end, signature }));
		header
	}

	/// A full record.
	fn remember<T: Config>(&self) {
		Records::<T>::mutate(&self.id, |record| {
			(0..rate::WAITS).for_each(|_| record.rate.push(1_000, rate::ONE, 1_000));
			record.last = Some(Interval { reset_count: 0, restart_count: 0, start: 0, end: 1 });
		});
	}

	/// Two waits of the one chip that overlap.
	fn two_timers<T: Config>(&self) -> Box<EquivocationProof<HeaderFor<T>>> {
		Box::new(EquivocationProof {
			author: self.id.clone(),
			first: self.seal::<T>(2, H256::repeat_byte(2), 10_000, 0),
			second: self.seal::<T>(3, H256::repeat_byte(3), 10_500, 0),
		})
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn on_initialize() {
		let author = Author::admitted::<T>();
		author.remember::<T>();
		let number: BlockNumberFor<T> = Pallet::<T>::parameters().epoch_length.into();
		Genesis::<T>::put(H256::repeat_byte(9));
		RetargetWindow::<T>::put(Window::new(1_000, 1_000));
		NextMean::<T>::put(1_000_000);
		let pre = author.pre_digest::<T>(2, H256::repeat_byte(2), 10_000);
		let digest = Digest { logs: vec![DigestItem::from(&pre)] };
		begin::<T>(number, H256::repeat_byte(2), digest);

		#[block]
		{
			Pallet::<T>::on_initialize(number);
		}

		assert_eq!(Pallet::<T>::author(), Some(author.id));
	}

	#[benchmark]
	fn on_finalize() {
		let author = Author::new().id;
		LastTimestamp::<T>::put(1_000);
		CurrentBlock::<T>::put(Executing { author, timestamp: 3_000, contribution: [1; 32] });
		ParentNoted::<T>::put(true);

		#[block]
		{
			Pallet::<T>::on_finalize(2u32.into());
		}

		assert_eq!(LastElapsed::<T>::get(), 2_000);
	}

	#[benchmark]
	fn note_parent(b: Linear<2_000, { MAX_HEADER }>) {
		let author = Author::new();
		author.remember::<T>();
		LastElapsed::<T>::put(1_000);
		let bare = author.seal::<T>(1, H256::repeat_byte(2), 10_000, 0).encoded_size() as u32;
		// The length of what is padded takes up to three bytes more.
		let header = author.seal::<T>(1, H256::repeat_byte(2), 10_000, b.saturating_sub(bare + 3));
		begin::<T>(2u32.into(), header.hash(), Digest::default());

		#[extrinsic_call]
		_(RawOrigin::None, Box::new(header));

		assert_eq!(Records::<T>::get(&author.id).claims.wins, 1);
	}

	#[benchmark]
	fn report_equivocation() {
		let author = Author::admitted::<T>();
		author.remember::<T>();
		let proof = author.two_timers::<T>();

		#[extrinsic_call]
		_(RawOrigin::Authorized, proof);

		assert!(Records::<T>::get(&author.id).reported.is_some());
	}

	#[benchmark]
	fn authorize_report_equivocation() -> Result<(), BenchmarkError> {
		let author = Author::admitted::<T>();
		author.remember::<T>();
		let call = Call::<T>::report_equivocation { proof: author.two_timers::<T>() };

		#[block]
		{
			call.authorize(TransactionSource::External).ok_or("the call authorises itself")??;
		}

		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
