//! Python packages: installed once, started fast, refused clearly. Without a network.

use std::fs;
use std::process::Command;

use crossdock_core::ErrorKind;
use crossdock_core::session::Session;
use crossdock_launch::{Launcher, Program};

use crate::peer::{Progress, executable, lives, until};
use crate::wheel::Shop;

const SCRIPTS: &str = "source-local another";

fn answer(program: &Program) -> String {
    let output = Command::new(&program.path)
        .arg("spec")
        .output()
        .expect("it runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn a_package_is_installed_once_and_then_found_without_tools() {
    let Some(shop) = Shop::open("installing by pip") else {
        return;
    };
    shop.add_wheel("1.0", &format!("=={}.*", shop.minor()), SCRIPTS);
    let launcher = shop.launcher("Airbyte_Source.Local");
    assert_eq!(launcher.identity().await, None, "not installed yet");
    let (progress, session) = Progress::session();
    let program = launcher.program(&session).await.expect("installed");
    assert_eq!(answer(&program), "local 1.0 spec");
    assert!(program.path.ends_with("1.0/bin/source-local"));
    let told = progress.told();
    let expected = format!(
        "installing Airbyte_Source.Local==1.0 with Python {} …",
        shop.minor()
    );
    assert!(told.contains(&expected), "{told:?}");

    // Neither tools nor wheels, and a newer version would be there: what is installed is kept.
    shop.add_wheel("1.1", ">=3", SCRIPTS);
    let (progress, session) = Progress::session();
    for what in ["airbyte-source-local", "airbyte-source-local==1.0"] {
        let offline = shop.launcher_with(what, &shop.path("empty"), &shop.path("empty"));
        let again = offline.program(&session).await.expect("found");
        assert_eq!(again.path, program.path);
        let identity = offline.identity().await;
        assert_eq!(identity.as_deref(), Some("airbyte-source-local==1.0"));
    }
    assert!(progress.told().is_empty(), "nothing slow was done");

    // An installation cut short is done again.
    let home = shop.cache().join("1.0");
    fs::remove_file(home.join("crossdock.json")).expect("removed");
    fs::write(home.join("bin/source-local"), "broken").expect("a file");
    let pinned = shop.launcher("airbyte-source-local==1.0");
    let program = pinned
        .program(&Session::default())
        .await
        .expect("installed");
    assert_eq!(answer(&program), "local 1.0 spec");
}

#[tokio::test]
async fn two_runs_at_once_install_once() {
    let Some(shop) = Shop::open("two installations at once") else {
        return;
    };
    shop.add_wheel("1.0", ">=3", SCRIPTS);
    let (told_one, session_one) = Progress::session();
    let (told_two, session_two) = Progress::session();
    let launcher = shop.launcher("airbyte-source-local");
    let (one, two) = tokio::join!(launcher.program(&session_one), async {
        launcher.clone().program(&session_two).await
    });
    assert_eq!(one.expect("installed").path, two.expect("installed").path);
    let told = [told_one.told(), told_two.told()];
    let count = |what: &str| {
        told.iter()
            .filter(|told| told.iter().any(|text| text.contains(what)))
            .count()
    };
    assert_eq!(count("with Python"), 1, "{told:?}");
    assert_eq!(count("waiting for another run"), 1, "{told:?}");
}

#[tokio::test]
async fn a_version_that_needs_another_python_is_not_silently_replaced_by_an_old_one() {
    let Some(shop) = Shop::open("Requires-Python") else {
        return;
    };
    shop.add_wheel("1.0", ">=3", SCRIPTS);
    shop.add_wheel("2.0", ">=3.99", SCRIPTS);
    let launcher = shop.launcher("airbyte-source-local");
    let error = launcher
        .program(&Session::default())
        .await
        .expect_err("no such Python");
    assert_eq!(error.code().name, "python.not_found");
    let text = format!("{error:?}");
    assert!(
        text.contains(">=3.99") && text.contains(&shop.minor()),
        "{text}"
    );
}

#[tokio::test]
async fn the_interpreter_is_the_one_that_the_package_asks_for() {
    let Some(shop) = Shop::open("choosing the interpreter") else {
        return;
    };
    let Some(other) = shop.add_other_python() else {
        return;
    };
    // Without a look at the metadata first, the first Python would get the old version.
    shop.add_wheel("1.0", ">=3", SCRIPTS);
    shop.add_wheel("2.0", &format!("=={other}.*"), SCRIPTS);
    let launcher = shop.launcher("airbyte-source-local");
    let program = launcher
        .program(&Session::default())
        .await
        .expect("installed");
    assert_eq!(answer(&program), "local 2.0 spec");
    let marker = fs::read_to_string(shop.cache().join("2.0/crossdock.json")).expect("a marker");
    assert!(
        marker.contains(&format!("\"python\": \"{other}.")),
        "{marker}"
    );
}

#[tokio::test]
async fn refusals_name_the_real_cause() {
    let Some(shop) = Shop::open("failed installations") else {
        return;
    };
    shop.add_wheel("1.0", ">=3", "two scripts");
    shop.add_wheel("1.1", ">=3", "");
    let cases = [
        (
            "airbyte-source-local==9",
            "python.install_failed",
            "airbyte-source-local==9",
        ),
        (
            "no-such-package",
            "python.install_failed",
            "no-such-package",
        ),
        (
            "airbyte-source-local==1.0",
            "python.install_failed",
            "scripts, two",
        ),
        (
            "airbyte-source-local==1.1",
            "python.install_failed",
            "no console script",
        ),
    ];
    for (what, code, part) in cases {
        let error = shop
            .launcher(what)
            .program(&Session::default())
            .await
            .expect_err(what);
        assert_eq!(error.code().name, code, "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        let text = format!("{error:?}").replace("two, scripts", "scripts, two");
        assert!(text.contains(part), "{text}");
    }
    assert!(
        !shop.cache().join("1.0").exists(),
        "nothing half done stays"
    );
}

#[tokio::test]
async fn without_a_network_that_is_said() {
    let Some(shop) = Shop::open("no network") else {
        return;
    };
    // Nobody listens on port 9 of this machine.
    let launcher = shop
        .launcher("airbyte-source-local")
        .with_install_env("PIP_NO_INDEX", "0")
        .with_install_env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        .with_install_env("PIP_RETRIES", "1");
    let error = launcher
        .program(&Session::default())
        .await
        .expect_err("no network");
    assert_eq!(error.code().name, "python.install_failed");
    assert_eq!(error.kind(), ErrorKind::Transient);
    let causes = error.causes().concat();
    assert!(causes.contains("refused"), "{error:?}");
}

#[tokio::test]
async fn without_a_python_that_is_said() {
    let cache = tempfile::tempdir().expect("a directory");
    let tools = tempfile::tempdir().expect("a directory");
    // A shim of a version that is switched off is no Python.
    executable(tools.path(), "python3.12", "#!/bin/sh\nexit 127\n");
    let launcher = crossdock_launch::Python::parse("airbyte-source-local")
        .expect("a reference")
        .with_cache_dir(cache.path().into())
        .with_search_path(tools.path());
    let error = launcher
        .program(&Session::default())
        .await
        .expect_err("no Python");
    assert_eq!(error.code().name, "python.not_found");
    assert!(
        error.context().contains(&("found", "none".to_owned())),
        "{error:?}"
    );
}

#[tokio::test]
async fn giving_up_an_installation_ends_its_tools_and_frees_the_lock() {
    let cache = tempfile::tempdir().expect("a directory");
    let tools = tempfile::tempdir().expect("a directory");
    let note = tools.path().join("pid");
    let script = format!(
        "#!/bin/sh\necho $$ > {0}.new && mv {0}.new {0}\nsleep 1000\n",
        note.display()
    );
    executable(tools.path(), "python3", &script);
    let launcher = crossdock_launch::Python::parse("airbyte-source-local")
        .expect("a reference")
        .with_cache_dir(cache.path().into())
        .with_search_path(tools.path());
    let installing = tokio::spawn(async move { launcher.program(&Session::default()).await });
    until("the tool runs", || note.exists()).await;
    let text = fs::read_to_string(&note).expect("readable");
    let pid = text.trim().parse().expect("a process id");
    assert!(lives(pid));
    installing.abort();
    until("the tool is dead", || !lives(pid)).await;
    let lock = fs::File::open(cache.path().join("python/airbyte-source-local/lock"));
    let lock = lock.expect("a lock");
    until("the lock is free", || lock.try_lock().is_ok()).await;
}

/// Answers as `uv` does, as far as it is asked, by the Python that is there.
fn fake_uv(shop: &Shop) {
    let script = r#"#!/bin/sh
python="$(dirname "$0")/python3"
echo "$@" >> "$0.log"
for last; do :; done
case "$1 $2" in
  "pip compile") case "$8" in 3.11|3.12) echo "airbyte-source-local==2.0";; 3.13) exit 1;; *) echo "airbyte-source-local==1.0";; esac;;
  "pip install") exec "$5" -m pip install "$last";;
  "venv "*) exec "$python" -m venv "$last";;
  *) exit 2;;
esac
"#;
    executable(&shop.path("bin"), "uv", script);
}

#[tokio::test]
async fn uv_is_used_where_it_is() {
    let Some(shop) = Shop::open("installing by uv") else {
        return;
    };
    shop.add_wheel("2.0", ">=3", SCRIPTS);
    fake_uv(&shop);
    let (progress, session) = Progress::session();
    let program = shop
        .launcher("airbyte-source-local")
        .program(&session)
        .await;
    assert_eq!(answer(&program.expect("installed")), "local 2.0 spec");
    let told = progress.told();
    let expected = "installing airbyte-source-local==2.0 with Python 3.11 …".to_owned();
    assert!(told.contains(&expected), "{told:?}");
    let log = fs::read_to_string(shop.path("bin/uv.log")).expect("it was asked");
    assert!(log.contains("venv --quiet --seed --python 3.11"), "{log}");
}

#[tokio::test]
async fn where_uv_fails_pip_is_tried() {
    let Some(shop) = Shop::open("installing by pip after uv") else {
        return;
    };
    shop.add_wheel("1.0", ">=3", SCRIPTS);
    executable(
        &shop.path("bin"),
        "uv",
        "#!/bin/sh\necho 'error: broken' >&2\nexit 2\n",
    );
    let program = shop
        .launcher("airbyte-source-local")
        .program(&Session::default())
        .await;
    assert_eq!(answer(&program.expect("installed")), "local 1.0 spec");
}
