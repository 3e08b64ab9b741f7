//! go-plugin's handshake: the environment a connector is started with and the first line that it
//! prints (§1.1–§1.4).

use std::fmt;
use std::path::PathBuf;

use super::version::Version;
use crossdock_core::fault::Fault;

/// The variable by which a connector knows that a platform started it.
pub const COOKIE: &str = "CONDUIT_PLUGIN_MAGIC_COOKIE";
/// Its value. No secret: it only tells a platform's start from a start by hand.
pub const COOKIE_VALUE: &str = "204e8e812c3a1bb73b838928c575b42a105dd2e9aa449be481bc4590486df53f";
/// The versions that a host offers, as a comma list.
pub const VERSIONS: &str = "PLUGIN_PROTOCOL_VERSIONS";
/// The ends of the range of ports for a connector that listens on TCP.
pub const PORTS: [(&str, &str); 2] = [("PLUGIN_MIN_PORT", "10000"), ("PLUGIN_MAX_PORT", "25000")];
/// Where a connector shall make its socket.
pub const SOCKET_DIR: &str = "PLUGIN_UNIX_SOCKET_DIR";
/// A host that sets it wants TLS.
pub const CLIENT_CERT: &str = "PLUGIN_CLIENT_CERT";
/// A host that sets it wants a seventh field.
pub const MULTIPLEX: &str = "PLUGIN_MULTIPLEX_GRPC";
/// Where the schema service is.
pub const UTILITIES: &str = "CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET";
/// The connector's right to use it.
pub const TOKEN: &str = "CONDUIT_CONNECTOR_TOKEN";
/// The connector's identity.
pub const CONNECTOR_ID: &str = "CONDUIT_CONNECTOR_ID";
/// From which level on it shall log.
pub const LOG_LEVEL: &str = "CONDUIT_CONNECTOR_LOG_LEVEL";
/// How large a message to it may be, in bytes. Connectors before SDK 0.14 do not know it.
pub const MAX_RECEIVE: &str = "CONDUIT_CONNECTOR_MAX_RECEIVE_RECORD_SIZE";
/// What is meant where it is not set or not a number (§1.7).
pub const MAX_RECEIVE_DEFAULT: usize = 4 << 20;

/// go-plugin's own version.
const CORE: &str = "1";
/// A certificate is not shorter than this; what is shorter is noise.
const SHORTEST_CERT: usize = 50;

/// Where a connector listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
    /// `HOST:PORT`.
    Tcp(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The version that the connector serves.
    pub version: Version,
    /// Where.
    pub address: Address,
}

impl Handshake {
    /// Reads the line. Fields after the fifth may be missing; spaces around the line do not count.
    pub fn parse(line: &str) -> Result<Self, Fault> {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [core, version, network, address, rest @ ..] = fields.as_slice() else {
            return Err(Fault::new(
                "the connector's first line on stdout is not a handshake of go-plugin",
            ));
        };
        match core.parse::<u32>() {
            Ok(1) => {}
            Ok(other) => {
                return Err(Fault::new(format!(
                    "the connector speaks version {other} of go-plugin, not 1"
                )));
            }
            Err(_) => {
                return Err(Fault::new(
                    "the connector's first line on stdout is not a handshake of go-plugin",
                ));
            }
        }
        let version = version
            .parse()
            .ok()
            .and_then(Version::from_number)
            .ok_or_else(|| {
                Fault::new(format!(
                    "the connector serves version `{version}` of the connector protocol; 1 and 2 are known"
                ))
            })?;
        // Without the field go-plugin means its old transport (§1.3).
        let transport = rest.first().copied().unwrap_or("netrpc");
        if transport != "grpc" {
            return Err(Fault::new(format!(
                "the connector's transport is `{transport}`, not gRPC"
            )));
        }
        if rest.get(1).is_some_and(|cert| cert.len() > SHORTEST_CERT) {
            return Err(Fault::new(
                "the connector insists on TLS, which Conduit does not use",
            ));
        }
        let address = match *network {
            "unix" if !address.is_empty() => Address::Unix(address.into()),
            "tcp" if address.contains(':') => Address::Tcp((*address).to_owned()),
            _ => {
                return Err(Fault::new(format!(
                    "the connector listens on `{network}|{address}`, which is no address"
                )));
            }
        };
        Ok(Self { version, address })
    }

    /// The line as Go prints it, with its end. `multiplexing`: the host asked for it, so it must hear
    /// that there is none.
    #[must_use]
    pub fn line(&self, multiplexing: bool) -> String {
        let (network, address) = match &self.address {
            Address::Unix(path) => ("unix", path.display().to_string()),
            Address::Tcp(address) => ("tcp", address.clone()),
        };
        let version = self.version.number();
        let seventh = if multiplexing { "|false" } else { "" };
        format!("{CORE}|{version}|{network}|{address}|grpc|{seventh}\n")
    }
}

/// An address that a connector can dial: platforms that listen everywhere pass that on (§10, 2).
#[must_use]
pub fn dialled(target: &str) -> String {
    for everywhere in ["[::]:", "0.0.0.0:", ":"] {
        if let Some(port) = target.strip_prefix(everywhere) {
            return format!("127.0.0.1:{port}");
        }
    }
    target.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_legal_line_is_read() {
        let unix = |path: &str, version| Handshake {
            version,
            address: Address::Unix(path.into()),
        };
        let tcp = Handshake {
            version: Version::V2,
            address: Address::Tcp("127.0.0.1:40123".into()),
        };
        let check = |line: &str, expected: &Handshake| {
            assert_eq!(Handshake::parse(line).as_ref(), Ok(expected), "{line}");
        };
        check(
            "1|2|unix|/tmp/plugin123456|grpc|",
            &unix("/tmp/plugin123456", Version::V2),
        );
        check(" 1|1|unix|/tmp/p|grpc|\r\n", &unix("/tmp/p", Version::V1));
        check("1|2|tcp|127.0.0.1:40123|grpc", &tcp);
        check("1|2|tcp|127.0.0.1:40123|grpc||true", &tcp);
        for handshake in [unix("/tmp/p", Version::V1), tcp] {
            for multiplexing in [false, true] {
                let line = handshake.line(multiplexing);
                assert_eq!(Handshake::parse(&line).as_ref(), Ok(&handshake));
            }
        }
        let line = unix("/tmp/plugin1", Version::V2).line(false);
        assert_eq!(line, "1|2|unix|/tmp/plugin1|grpc|\n");
    }

    #[test]
    fn every_other_line_is_refused_by_name() {
        let check = |line: &str, part: &str| {
            let fault = Handshake::parse(line).unwrap_err().to_string();
            assert!(fault.contains(part), "{line}: {fault}");
        };
        check("", "not a handshake");
        check("hello world", "not a handshake");
        check("a|b|c|d|grpc", "not a handshake");
        check("1|2|unix", "not a handshake");
        check("2|2|unix|/tmp/p|grpc|", "version 2 of go-plugin");
        check("1|3|unix|/tmp/p|grpc|", "version `3`");
        check("1|x|unix|/tmp/p|grpc|", "version `x`");
        check("1|2|unix|/tmp/p", "`netrpc`, not gRPC");
        check("1|2|unix|/tmp/p|netrpc|", "`netrpc`, not gRPC");
        check("1|2|unix||grpc|", "no address");
        check("1|2|udp|127.0.0.1:1|grpc|", "no address");
        check("1|2|tcp|localhost|grpc|", "no address");
        check(&format!("1|2|unix|/tmp/p|grpc|{}", "M".repeat(60)), "TLS");
    }

    #[test]
    fn an_address_of_everywhere_is_dialled_on_loopback() {
        let check = |target, expected| assert_eq!(dialled(target), expected);
        check("[::]:4711", "127.0.0.1:4711");
        check("0.0.0.0:4711", "127.0.0.1:4711");
        check(":4711", "127.0.0.1:4711");
        check("10.0.0.1:4711", "10.0.0.1:4711");
        check("[::1]:4711", "[::1]:4711");
    }
}
