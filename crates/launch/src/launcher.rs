//! Which launchers there are.
//!
//! In place: `exec` ([`Exec`]) and `python` ([`Python`]). The place of `docker` is here:
//! its program will be the container client, with the image, the mounts and the limits as the
//! words before the connector's own arguments; a module `docker.rs` beside `python.rs`, and one
//! arm in [`parse_launcher`].

use std::sync::Arc;

use crossdock_core::{Error, Result, code};

use crate::{Exec, Launcher, Python};

/// The launcher of a connector reference `protocol:kind:what`.
///
/// # Errors
/// `launch.unsupported` for a kind that is not there (yet), `config.reference` for a `what` that
/// the launcher cannot read.
pub fn parse_launcher(kind: &str, what: &str) -> Result<Arc<dyn Launcher>> {
    match kind {
        "exec" => Ok(Arc::new(Exec::parse(what)?)),
        "python" => Ok(Arc::new(Python::parse(what)?)),
        "docker" => Err(Error::new(
            &code::LAUNCHER_UNSUPPORTED,
            "the launcher `docker` comes in a later version",
        )
        .with("image", what)
        .hint("run the connector as a program (`exec`) or as a Python package (`python`)")),
        other => Err(Error::new(
            &code::LAUNCHER_UNSUPPORTED,
            format!("there is no launcher `{other}`"),
        )
        .with("known", "exec, python")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_choose_their_launcher() {
        let check = |kind: &str, what: &str, expected: Result<&str, &str>| {
            let got = parse_launcher(kind, what);
            match expected {
                Ok(name) => assert_eq!(got.expect("a launcher").name(), name),
                Err(code) => assert_eq!(got.expect_err("an error").code().name, code),
            }
        };
        check("exec", "./my-source", Ok("./my-source"));
        check(
            "python",
            "airbyte-source-faker==7.2.1",
            Ok("airbyte-source-faker==7.2.1"),
        );
        check("docker", "airbyte/source-faker", Err("launch.unsupported"));
        check("podman", "x", Err("launch.unsupported"));
        check("exec", "'open", Err("config.reference"));
        check("python", "", Err("config.reference"));
    }
}
