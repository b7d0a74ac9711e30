//! What evidence costs to verify, natively, by kind and algorithm. Beside WebAssembly and `tpm2_checkquote`: the program
//! `verification`.
//!
//! `cd benches && cargo bench --bench evidence`

use criterion::{criterion_group, criterion_main, Criterion};
use elapse_benches::verdict::Signed;
use elapse_verifications::{case, COUNT};

fn evidence(c: &mut Criterion) {
	for case in (0..COUNT).filter_map(case) {
		c.benchmark_group(case.kind.name()).bench_function(case.algorithm, |b| {
			assert!((case.run)(), "a fixture is refused");
			b.iter(&case.run)
		});
	}
	for members in [30, 100] {
		let Some(signed) = Signed::by(members) else { continue };
		c.benchmark_group("verdict").bench_function(format!("{} signatures of {members}", signed.signatures()), |b| {
			assert!(signed.verify(), "the certificate is refused");
			b.iter(|| signed.verify())
		});
	}
}

criterion_group!(benches, evidence);
criterion_main!(benches);
