//! The real connectors that the tests run, pinned, and the names by which the tests find them.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::suite::environment::{self, Pin};
use crate::suite::interpreter::{self, Interpreter};

const PINS: [Pin; 5] = [
    Pin {
        package: "airbyte-source-hardcoded-records",
        version: "0.0.48",
        python_from: (3, 11),
        python_before: (3, 14),
        requirements: &[],
        // The SDK that comes along with this one also runs the tests' destination of a few lines.
        programs: &[
            ("CROSSDOCK_TEST_HARDCODED", "source-hardcoded-records"),
            ("CROSSDOCK_TEST_CDK_PYTHON", "python"),
        ],
    },
    Pin {
        package: "airbyte-source-faker",
        version: "7.2.1",
        python_from: (3, 10),
        python_before: (3, 13),
        requirements: &[],
        programs: &[("CROSSDOCK_TEST_FAKER", "source-faker")],
    },
    Pin {
        package: "airbyte-source-file",
        version: "0.6.0",
        python_from: (3, 10),
        python_before: (3, 12),
        // The package asks for `smart-open` in its own version, 0.6.0, which was never published: a slip of its
        // release tool, in every later release as well. These are its requirements with that one put right.
        requirements: &[
            "airbyte-cdk==7.39.1",
            "beautifulsoup4==4.11.1",
            "boto3==1.21.21",
            "fastparquet>=2024.2.0,<2025.0.0",
            "gcsfs==2022.7.1",
            "genson==1.3.0",
            "google-cloud-storage==2.5.0",
            "html5lib==1.1",
            "lxml>=5.0,<6.0",
            "numpy<2",
            "openpyxl==3.1.0",
            "pandas==2.2.3",
            "paramiko==2.11.0",
            "pyarrow==14.0.2",
            "pyxlsb==1.0.10",
            "s3fs==2022.7.1",
            "smart-open[all]==6.0.0",
            "xlrd==2.0.1",
        ],
        // Its Python has PyArrow, which reads what we wrote.
        programs: &[
            ("CROSSDOCK_TEST_FILE", "source-file"),
            ("CROSSDOCK_TEST_PYARROW_PYTHON", "python"),
        ],
    },
    // PyAirbyte, which runs our sources.
    Pin {
        package: "airbyte",
        version: "0.71.3",
        python_from: (3, 10),
        python_before: (3, 13),
        requirements: &[],
        programs: &[("CROSSDOCK_TEST_PYAIRBYTE_PYTHON", "python")],
    },
    // What the second implementation of the data channel's frames is made of.
    Pin {
        package: "protobuf",
        version: "7.36.2",
        python_from: (3, 10),
        python_before: (3, 15),
        requirements: &[],
        programs: &[("CROSSDOCK_TEST_PROTOBUF_PYTHON", "python")],
    },
];

/// Makes every connector ready, one after the other, and gives the environment variables that the tests want.
pub(crate) fn prepare() -> Result<Vec<(&'static str, PathBuf)>> {
    let mut found = interpreter::search();
    if PINS.iter().any(|pin| choose(&found, pin).is_none()) {
        // What a plain Debian lacks: the interpreter, or the half of it that makes environments.
        super::install(&["python3", "python3-venv"])?;
        found = interpreter::search();
    }
    let cache = environment::cache()?;
    let _lock = environment::lock(&cache)?;
    let mut variables = Vec::new();
    for pin in &PINS {
        let interpreter = choose(&found, pin).with_context(|| lacking(pin, &found))?;
        let folder = environment::ready(&cache, pin, interpreter)?;
        variables.extend(
            pin.programs
                .iter()
                .map(|(name, program)| (*name, folder.join("bin").join(program))),
        );
    }
    Ok(variables)
}

/// The first interpreter that a package runs on.
fn choose<'a>(found: &'a [Interpreter], pin: &Pin) -> Option<&'a Interpreter> {
    found.iter().find(|interpreter| {
        let (major, minor, _) = interpreter.version;
        interpreter.makes_environments
            && (pin.python_from..pin.python_before).contains(&(major, minor))
    })
}

fn lacking(pin: &Pin, found: &[Interpreter]) -> String {
    let list: Vec<String> = found.iter().map(ToString::to_string).collect();
    let ((from_major, from), (before_major, before)) = (pin.python_from, pin.python_before);
    format!(
        "{} {} wants Python from {from_major}.{from} to before {before_major}.{before} with its `venv` module; found: {}",
        pin.package,
        pin.version,
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(", ")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreter(version: (u32, u32, u32), makes_environments: bool) -> Interpreter {
        Interpreter {
            path: PathBuf::from("/usr/bin/python3"),
            version,
            makes_environments,
        }
    }

    #[test]
    fn the_first_interpreter_in_range_is_taken() {
        let found = [
            interpreter((3, 13, 0), true),
            interpreter((3, 11, 7), false),
            interpreter((3, 11, 2), true),
            interpreter((3, 10, 1), true),
        ];
        let versions = [(3, 13, 0), (3, 11, 2), (3, 11, 2), (3, 11, 2), (3, 13, 0)];
        for (pin, version) in PINS.iter().zip(versions) {
            assert_eq!(
                choose(&found, pin).unwrap().version,
                version,
                "{}",
                pin.package
            );
        }
        assert!(choose(&found[..1], &PINS[2]).is_none());
        assert!(lacking(&PINS[2], &found[1..2]).contains("3.10 to before 3.12"));
    }

    #[test]
    fn every_variable_is_set_once() {
        let mut names: Vec<_> = PINS
            .iter()
            .flat_map(|pin| pin.programs)
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 7);
    }
}
