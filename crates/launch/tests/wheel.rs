//! A tiny package, made on the spot, so that installing is tried without a network.

use std::path::{Path, PathBuf};
use std::process::Command;

use crossdock_launch::Python;

/// Writes a wheel. Python writes it, since a test that installs needs Python anyway.
const MAKE: &str = r#"
import sys, zipfile
directory, version, requires, scripts = sys.argv[1:]
info = f"airbyte_source_local-{version}.dist-info"
files = {
    "source_local.py": f"import sys\ndef main():\n    print('local', '{version}', *sys.argv[1:])\n",
    f"{info}/METADATA": f"Metadata-Version: 2.1\nName: airbyte-source-local\nVersion: {version}\nRequires-Python: {requires}\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{info}/entry_points.txt": "[console_scripts]\n" + "".join(f"{s} = source_local:main\n" for s in scripts.split()),
}
files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
with zipfile.ZipFile(f"{directory}/airbyte_source_local-{version}-py3-none-any.whl", "w") as wheel:
    for name, content in files.items():
        wheel.writestr(name, content)
"#;

/// A cache, an index of wheels, and a directory with the machine's Python and nothing else.
pub(crate) struct Shop {
    pub(crate) dir: tempfile::TempDir,
    python: PathBuf,
}

impl Shop {
    /// `None`, and says so, where there is no Python that can make environments.
    #[expect(
        clippy::print_stderr,
        reason = "a test that cannot run says so by name"
    )]
    pub(crate) fn open(test: &str) -> Option<Self> {
        let ask = "import ensurepip, sys; print(sys.executable)";
        let answer = Command::new("python3").args(["-c", ask]).output().ok()?;
        if !answer.status.success() {
            eprintln!("not tested: {test} (needs python3 with venv)");
            return None;
        }
        let python = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["cache", "wheels", "bin", "empty"] {
            std::fs::create_dir(dir.path().join(name)).expect("a directory");
        }
        let link = dir.path().join("bin/python3");
        std::os::unix::fs::symlink(&python, link).expect("a link");
        Some(Self { dir, python })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.path("cache/python/airbyte-source-local")
    }

    /// The Python that was found, e.g. `3.11`.
    pub(crate) fn minor(&self) -> String {
        let ask = "import sys; print('%d.%d' % sys.version_info[:2])";
        let answer = Command::new(&self.python)
            .args(["-c", ask])
            .output()
            .expect("an answer");
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }

    /// Puts another Python beside the first, if pyenv has one, and says which, e.g. `3.10`.
    #[expect(
        clippy::print_stderr,
        reason = "a test that cannot run says so by name"
    )]
    pub(crate) fn add_other_python(&self) -> Option<String> {
        let root = Path::new(&std::env::var_os("HOME")?).join(".pyenv/versions");
        let ask = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])";
        for version in std::fs::read_dir(root).into_iter().flatten().flatten() {
            let python = version.path().join("bin/python");
            let Ok(answer) = Command::new(&python).args(["-c", ask]).output() else {
                continue;
            };
            let minor = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
            let fits = ["3.9", "3.10", "3.12", "3.13"].contains(&minor.as_str());
            if fits && minor != self.minor() {
                let link = self.path("bin").join(format!("python{minor}"));
                std::os::unix::fs::symlink(&python, link).expect("a link");
                return Some(minor);
            }
        }
        eprintln!("not tested: choosing between interpreters (needs a second one in pyenv)");
        None
    }

    pub(crate) fn add_wheel(&self, version: &str, requires: &str, scripts: &str) {
        let made = Command::new(&self.python)
            .args(["-c", MAKE])
            .arg(self.path("wheels"))
            .args([version, requires, scripts])
            .status();
        assert!(made.expect("Python runs").success());
    }

    /// The launcher, with only this shop's wheels and tools.
    pub(crate) fn launcher(&self, what: &str) -> Python {
        self.launcher_with(what, &self.path("bin"), &self.path("wheels"))
    }

    pub(crate) fn launcher_with(&self, what: &str, tools: &Path, wheels: &Path) -> Python {
        Python::parse(what)
            .expect("a reference")
            .with_cache_dir(self.path("cache"))
            .with_search_path(tools)
            .with_install_env("PIP_NO_INDEX", "1")
            .with_install_env("PIP_FIND_LINKS", wheels)
    }
}
