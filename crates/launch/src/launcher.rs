//! Which launchers there are: `exec` ([`Exec`]), `python` ([`Python`]) and `docker` ([`Docker`]).

use std::sync::Arc;

use crossdock_core::{Error, Result, code};

use crate::{Docker, DockerOptions, Exec, Launcher, Python};

/// The launcher of a connector reference `protocol:kind:what`. The options are for `docker` alone.
///
/// # Errors
/// `launch.unsupported` for a kind that is not there, `config.reference` for a `what` that
/// the launcher cannot read.
pub fn parse_launcher(kind: &str, what: &str, options: DockerOptions) -> Result<Arc<dyn Launcher>> {
    match kind {
        "exec" => Ok(Arc::new(Exec::parse(what)?)),
        "python" => Ok(Arc::new(Python::parse(what)?)),
        "docker" => Ok(Arc::new(Docker::new(what, options))),
        other => Err(Error::new(
            &code::LAUNCHER_UNSUPPORTED,
            format!("there is no launcher `{other}`"),
        )
        .with("known", "exec, python, docker")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_choose_their_launcher() {
        let check = |kind: &str, what: &str, expected: Result<&str, &str>| {
            let got = parse_launcher(kind, what, DockerOptions::default());
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
        check(
            "docker",
            "airbyte/source-faker:6",
            Ok("airbyte/source-faker:6"),
        );
        check("podman", "x", Err("launch.unsupported"));
        check("exec", "'open", Err("config.reference"));
        check("python", "", Err("config.reference"));
    }
}
