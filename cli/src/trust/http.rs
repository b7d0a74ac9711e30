//! JSON-RPC over HTTP: one question, one answer.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Bytes, header::CONTENT_TYPE, Request, Uri};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
	client::legacy::{connect::HttpConnector, Client},
	rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{json, Value};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer that is read.
const LONGEST: usize = 1 << 20;

/// Why there is no result.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Failure {
	/// Nobody answers, or not in words that are understood.
	#[error("{0}")]
	Down(String),
	/// It answers that it does not.
	#[error("{message}")]
	Said {
		/// What it says.
		message: String,
		/// What a reverted call gives.
		data: Option<Vec<u8>>,
	},
}

/// A node behind a URL.
pub(super) struct Http {
	client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
	url: Uri,
}

impl Http {
	/// The node at this URL, `http://` or `https://`. Nothing is asked yet.
	///
	/// # Errors
	/// It is no such URL, or this machine has no root certificates for an `https://` one.
	pub(super) fn new(text: &str) -> Result<Self, String> {
		let url: Uri = text.parse().map_err(|error| format!("'{text}' is no URL: {error}"))?;
		let provider = rustls::crypto::ring::default_provider();
		let builder = ClientConfig::builder_with_provider(provider.into())
			.with_safe_default_protocol_versions()
			.map_err(|error| format!("TLS: {error}"))?;
		let builder = match url.scheme_str() {
			// A machine without root certificates can still ask its own node.
			Some("http") => builder.with_root_certificates(RootCertStore::empty()),
			Some("https") => builder
				.with_native_roots()
				.map_err(|error| format!("this machine's root certificates cannot be read: {error}"))?,
			Some("ws" | "wss") => {
				return Err(format!("'{text}' is a WebSocket: nodes answer at the same address with http in its place"))
			}
			_ => return Err(format!("'{text}' does not begin with http:// or https://")),
		};
		let connector = HttpsConnectorBuilder::new().with_tls_config(builder.with_no_client_auth());
		let connector = connector.https_or_http().enable_http1().build();
		Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), url })
	}

	/// Who is asked, without what may be secret in a URL: a path or a query can be a key.
	pub(super) fn name(&self) -> String {
		let (scheme, host) = (self.url.scheme_str().unwrap_or_default(), self.url.host().unwrap_or_default());
		let port = self.url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
		format!("{scheme}://{host}{port}")
	}

	/// Asks.
	///
	/// # Errors
	/// There is no result.
	pub(super) async fn ask(&self, method: &str, params: Value) -> Result<Value, Failure> {
		let down = |error: &dyn std::fmt::Display| Failure::Down(format!("{method}: {error}"));
		let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
		let request = Request::post(self.url.clone())
			.header(CONTENT_TYPE, "application/json")
			.body(Full::from(body))
			.map_err(|error| down(&error))?;
		let exchange = async {
			let response = self.client.request(request).await.map_err(|error| down(&whole(&error)))?;
			let status = response.status();
			let body = Limited::new(response.into_body(), LONGEST).collect().await;
			Ok((status, body.map_err(|error| down(&error))?.to_bytes()))
		};
		let (status, bytes) = match tokio::time::timeout(PATIENCE, exchange).await {
			Ok(answer) => answer?,
			Err(_) => return Err(down(&format!("no answer in {} seconds", PATIENCE.as_secs()))),
		};
		let answer = serde_json::from_slice(&bytes);
		result(answer.map_err(|_| down(&format!("the answer is no JSON (HTTP {status})")))?)
			.unwrap_or_else(|| Err(down(&format!("the answer has no result (HTTP {status})"))))
	}
}

/// What an answer says; nothing if it is none.
fn result(mut answer: Value) -> Option<Result<Value, Failure>> {
	match answer.get("error").filter(|error| !error.is_null()) {
		Some(error) => Some(Err(Failure::Said {
			message: error["message"].as_str().unwrap_or("an error without words").to_owned(),
			data: revert_data(&error["data"]),
		})),
		None => answer.get_mut("result").map(|result| Ok(result.take())),
	}
}

/// An error with its causes: the outermost of hyper's says nothing.
fn whole(error: &dyn std::error::Error) -> String {
	let mut text = error.to_string();
	let mut cause = error.source();
	while let Some(error) = cause {
		text = format!("{text}: {error}");
		cause = error.source();
	}
	text
}

/// What a reverted call gave, which nodes put in three places.
fn revert_data(data: &Value) -> Option<Vec<u8>> {
	let text = data.as_str().or_else(|| data["data"].as_str()).or_else(|| data["result"].as_str())?;
	hex::decode(text.trim_start_matches("Reverted ").trim_start_matches("0x")).ok()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_is_no_url_is_refused() {
		for url in ["", "nonsense", "/path", "ftp://host", "ws://127.0.0.1:9944", "http://"] {
			assert!(Http::new(url).is_err(), "{url}");
		}
	}

	#[test]
	fn the_name_of_a_node_has_no_key_in_it() {
		let name = |url| Http::new(url).unwrap().name();
		assert_eq!(name("http://127.0.0.1:9944"), "http://127.0.0.1:9944");
		assert_eq!(name("http://user:word@host/v3/secret?key=secret"), "http://host");
	}

	#[test]
	fn results_and_errors_are_told_apart() {
		let said = |message: &str, data| Some(Err(Failure::Said { message: message.into(), data }));
		assert_eq!(result(json!({ "result": "0x1", "error": null })), Some(Ok(json!("0x1"))));
		assert_eq!(result(json!({ "error": { "code": 3, "message": "no" }, "result": 1 })), said("no", None));
		assert_eq!(result(json!({ "error": { "message": "no", "data": "0x0102" } })), said("no", Some(vec![1, 2])));
		assert_eq!(result(json!({ "error": 7 })), said("an error without words", None));
		for nothing in [json!({}), json!([]), json!(5)] {
			assert_eq!(result(nothing), None);
		}
	}
}
