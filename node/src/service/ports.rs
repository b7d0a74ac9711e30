//! Are the ports free?
//!
//! The SDK answers a busy port in three ways: another one at random (RPC), a line in the log (Prometheus), an error that
//! does not name it (the network). Whoever gave a port wants that one.

use std::{
	io::ErrorKind,
	net::{IpAddr, SocketAddr, TcpListener},
};

use sc_network::multiaddr::Protocol;
use sc_service::{error::Error, Configuration};

/// Refuses to start on ports that other programs listen on.
pub(crate) fn check(config: &Configuration) -> Result<(), Error> {
	for address in &config.network.listen_addresses {
		let mut parts = address.iter();
		let ip = match parts.next() {
			Some(Protocol::Ip4(ip)) => IpAddr::from(ip),
			Some(Protocol::Ip6(ip)) => IpAddr::from(ip),
			_ => continue,
		};
		if let Some(Protocol::Tcp(port)) = parts.next() {
			check_one("the network", "--port", SocketAddr::new(ip, port))?;
		}
	}
	match &config.rpc.addr {
		Some(endpoints) => {
			for endpoint in endpoints.iter().filter(|endpoint| !endpoint.is_optional) {
				check_one("RPC", "--rpc-port", endpoint.listen_addr)?;
			}
		}
		None => check_one("RPC", "--rpc-port", SocketAddr::new([127, 0, 0, 1].into(), config.rpc.port))?,
	}
	if let Some(prometheus) = &config.prometheus_config {
		check_one("Prometheus", "--prometheus-port", prometheus.port)?;
	}
	Ok(())
}

fn check_one(what: &str, option: &str, address: SocketAddr) -> Result<(), Error> {
	// Port 0 is any that is free. What else may be wrong with an address, its user will say.
	if address.port() == 0 {
		return Ok(());
	}
	match TcpListener::bind(address) {
		Err(error) if error.kind() == ErrorKind::AddrInUse => Err(Error::Other(format!(
			"port {} for {what} is in use by another program, perhaps another node: stop that one, or give another port \
			 by {option}",
			address.port()
		))),
		_ => Ok(()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_busy_port_is_named() {
		let other = TcpListener::bind("127.0.0.1:0").expect("some port is free");
		let address = other.local_addr().expect("it is bound");
		let error = check_one("RPC", "--rpc-port", address).expect_err("it is busy").to_string();
		assert!(error.contains(&address.port().to_string()) && error.contains("--rpc-port"), "{error}");
		drop(other);
		assert!(check_one("RPC", "--rpc-port", address).is_ok());
	}
}
