//! `elapse tpm roots`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ep_tpm::certificate::{describe_name, Role};
use serde_json::json;

use super::store::{fingerprint, sorted, write, Collection};
use crate::{
	input::{describe_time, Error},
	report::Verdict,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
	// Its documentation is the struct's, whole.
	Import(Import),
}

impl Command {
	pub(super) fn run(self) -> Result<Verdict, Error> {
		match self {
			Self::Import(command) => command.run(),
		}
	}
}

/// Put manufacturers' certificates together into a store, for `verify-ek --roots` and for a chain's genesis.
///
/// Folders are searched with all their subfolders, for PEM (bundles too), DER and stores made earlier. A CA certificate
/// that is its own issuer and signed itself becomes a root, every other CA certificate an intermediate, which is trusted
/// only under a root. What breaks a rule is left out, and the rule is told. Files without a certificate are passed over.
///
/// A store is whom you trust: compare the fingerprints that are printed with what the manufacturers publish, or with
/// docs/tpm-roots.md.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, override_usage = "elapse tpm roots import <DIR|FILE>... --out <FILE> [OPTIONS]")]
pub(crate) struct Import {
	/// Where the certificates are.
	#[arg(value_name = "DIR|FILE", required = true)]
	from: Vec<PathBuf>,
	/// The store to write (JSON).
	#[arg(long, value_name = "FILE")]
	out: PathBuf,
	/// SHA-256 of a certificate that is to be a root although it names another issuer.
	#[arg(long, value_name = "SHA256", value_parser = fingerprint)]
	anchor: Vec<[u8; 32]>,
	/// Print one JSON object.
	#[arg(long)]
	json: bool,
}

impl Import {
	fn run(self) -> Result<Verdict, Error> {
		let mut collection = Collection::with_anchors(&self.anchor);
		for path in &self.from {
			collection.add(path)?;
		}
		if let Some(missing) = collection.missing_anchors().first() {
			return Err(Error::Usage(format!("--anchor {missing} is none of the certificates found")));
		}
		if collection.store.iter().all(|stored| stored.role != Role::Root) {
			return Err(Error::Usage("no root was found, so that the store would trust nobody".into()));
		}
		write(&collection.store, &self.out)?;
		match self.json {
			true => self.print_json(&collection),
			false => self.print(&collection),
		}
		Ok(Verdict::Good)
	}

	fn print(&self, collection: &Collection) {
		for (role, title) in [(Role::Root, "roots"), (Role::Intermediate, "intermediates")] {
			let certificates: Vec<_> =
				sorted(&collection.store).into_iter().filter(|stored| stored.role == role).collect();
			println!("{} {title}", certificates.len());
			for stored in certificates {
				let Ok(parsed) = stored.parse() else { continue };
				println!(
					"  {} {} (to {})",
					hex::encode(stored.fingerprint()),
					describe_name(parsed.subject()),
					describe_time(parsed.not_after())
				);
			}
		}
		println!("{} left out", collection.left_out.len());
		for left in &collection.left_out {
			println!("  {}: {}\n    {}", left.path.display(), left.subject, left.reason);
		}
		println!("written to {}", self.out.display());
	}

	fn print_json(&self, collection: &Collection) {
		let certificates: Vec<_> = sorted(&collection.store)
			.into_iter()
			.filter_map(|stored| {
				let parsed = stored.parse().ok()?;
				Some(json!({
					"role": stored.role,
					"sha256": hex::encode(stored.fingerprint()),
					"subject": describe_name(parsed.subject()),
					"notAfter": describe_time(parsed.not_after()),
				}))
			})
			.collect();
		println!("{:#}", json!({ "certificates": certificates, "leftOut": collection.left_out, "out": self.out }));
	}
}
