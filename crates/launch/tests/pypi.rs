//! The real thing: a connector from the package index. Only where `CROSSDOCK_TEST_PYPI=1`, since
//! it takes a network and a minute; `cargo xtask test` sets it.

use std::process::Command;
use std::time::Instant;

use crossdock_core::session::Session;
use crossdock_launch::{Launcher, Python};

use crate::peer::Progress;

#[tokio::test]
async fn a_published_connector_is_installed_and_answers() {
    if std::env::var("CROSSDOCK_TEST_PYPI").as_deref() != Ok("1") {
        eprintln!("not tested: installing from the package index (set CROSSDOCK_TEST_PYPI=1)");
        return;
    }
    let cache = tempfile::tempdir().expect("a directory");
    let launcher = Python::parse("airbyte-source-hardcoded-records").expect("a reference");
    let launcher = launcher.with_cache_dir(cache.path().into());
    let (progress, session) = Progress::session();
    let program = launcher.program(&session).await.expect("installed");
    assert!(program.path.ends_with("source-hardcoded-records"));
    let told = progress.told();
    assert!(
        told.iter().any(|text| text.contains(" with Python 3.")),
        "{told:?}"
    );
    assert!(
        !told.iter().any(|text| text.contains("trying pip")),
        "{told:?}"
    );
    eprintln!("{}", told.join("\n"));

    let since = Instant::now();
    launcher.program(&Session::default()).await.expect("found");
    eprintln!("found again in {:?}", since.elapsed());

    let output = Command::new(&program.path)
        .arg("spec")
        .output()
        .expect("it runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("\"connectionSpecification\""), "{stdout}");
}
