//! What is run of an installed package.

use std::path::Path;

use crossdock_core::{Error, ErrorKind, Result, code};
use pep440_rs::Version;
use serde::Deserialize;

use super::failure;
use super::requirement::Requirement;
use super::shelf::{Installed, Marker, Shelf};
use super::tool::Bench;

/// What an environment says of the package in it.
#[derive(Deserialize)]
struct Answer {
    python: String,
    scripts: Vec<String>,
}

const ASK: &str = "
import importlib.metadata, json, platform, sys
points = importlib.metadata.distribution(sys.argv[1]).entry_points
print(json.dumps({
    'python': platform.python_version(),
    'scripts': [point.name for point in points if point.group == 'console_scripts'],
}))
";

/// Finds the entry point in a filled environment and declares the environment complete.
pub(super) async fn complete(
    bench: &Bench<'_>,
    shelf: &Shelf,
    pinned: &Requirement,
    version: &Version,
    home: &Path,
) -> Result<Installed> {
    let interpreter = home.join("bin/python");
    let output = bench
        .run(&interpreter, &["-I", "-c", ASK, &pinned.name])
        .await?;
    let answer = output.exit.success().then_some(&output.stdout);
    let answer: Option<Answer> = answer.and_then(|text| serde_json::from_str(text.trim()).ok());
    let answer = answer.ok_or_else(|| {
        let message = "the installed package's entry points could not be read";
        failure::failed(message, &pinned.to_string(), &output)
    })?;
    let script =
        choose(&answer.scripts, &pinned.key()).ok_or_else(|| no_script(pinned, &answer.scripts))?;
    let path = home.join("bin").join(script);
    if !path.exists() {
        return Err(no_script(pinned, &answer.scripts).with("missing", path.display()));
    }
    shelf.complete(&Marker {
        version: version.to_string(),
        python: answer.python,
        script: script.to_owned(),
        home: home.to_owned(),
    })?;
    Ok(Installed {
        version: version.to_string(),
        script: path,
    })
}

/// The console script to run: named like the package without `airbyte-`, else like the package,
/// else the only one.
fn choose<'a>(scripts: &'a [String], key: &str) -> Option<&'a str> {
    let named = |name: &str| scripts.iter().find(|script| *script == name);
    let short = key.strip_prefix("airbyte-").and_then(named);
    let only = || (scripts.len() == 1).then(|| &scripts[0]);
    let script = short.or_else(|| named(key)).or_else(only)?;
    // It becomes a file name.
    (!script.contains('/')).then_some(script)
}

fn no_script(pinned: &Requirement, scripts: &[String]) -> Error {
    let message = if scripts.is_empty() {
        "the package has no console script, so there is nothing to run"
    } else {
        "the package has several console scripts and none is named like it"
    };
    Error::new(&code::PYTHON_INSTALL, message)
        .with_kind(ErrorKind::Config)
        .with("package", pinned)
        .with("scripts", scripts.join(", "))
        .hint("install the package yourself and name the program: `exec:PROGRAM`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_point_is_chosen() {
        let check = |scripts: &[&str], expected: Option<&str>| {
            let scripts: Vec<_> = scripts.iter().map(|&script| script.to_owned()).collect();
            assert_eq!(choose(&scripts, "airbyte-source-x"), expected);
        };
        check(&["airbyte-source-x", "source-x", "a"], Some("source-x"));
        check(&["a", "airbyte-source-x"], Some("airbyte-source-x"));
        check(&["other"], Some("other"));
        check(&["a", "b"], None);
        check(&["../a"], None);
        check(&[], None);
    }
}
