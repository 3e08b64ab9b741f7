//! The same connectors of Conduit, built with Go, under Conduit and under Crossdock in turns: records counted in the
//! file that the destination writes. And a source of ours, served over the same protocol to our own host.
//!
//! The generator's SDK now and then loses its reading while it opens, whoever runs it (`docs/conduit.md`): a start
//! after which nothing is written is made again.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::meter::{self, Use};
use crate::bench::program::Programs;
use crate::suite::go;

const SECONDS: u64 = 60;
const MIB: f64 = (1 << 20) as f64;
/// How often a start is made again.
const STARTS: usize = 20;
/// How long a start may take to write the first records.
const FIRST: Duration = Duration::from_secs(4);
/// Records of our own source that are sent to our own host.
const SERVED: u64 = 10_000_000;

/// Who runs the connectors.
#[derive(Clone, Copy, PartialEq)]
enum Engine {
    Crossdock,
    Conduit,
    /// Conduit with its preview engine.
    Preview,
}

impl Engine {
    const ALL: [Self; 3] = [Self::Crossdock, Self::Conduit, Self::Preview];

    fn name(self) -> &'static str {
        match self {
            Self::Crossdock => "Crossdock",
            Self::Conduit => "Conduit",
            Self::Preview => "Conduit, preview",
        }
    }
}

/// Measures both payloads with both sizes of batches, then our own source.
pub(crate) fn run(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let shelf = go::prepare()?;
    let seconds = if extent.quick { SECONDS / 10 } else { SECONDS };
    let mut figures = Vec::new();
    for payload in ["raw", "structured"] {
        for (batch, bar) in [(1000, 1.3), (0, 1.0)] {
            let mut rates: [Vec<f64>; 3] = Default::default();
            let mut peaks: [Vec<f64>; 3] = Default::default();
            let mut cpus: [Vec<f64>; 3] = Default::default();
            for _ in 0..extent.rounds {
                for (at, engine) in Engine::ALL.into_iter().enumerate() {
                    let (rate, used) = measure(programs, &shelf, engine, payload, batch, seconds)?;
                    rates[at].push(rate / 1e3);
                    peaks[at].push(used.peak as f64 / MIB);
                    cpus[at].push(used.cpu);
                }
            }
            let size = if batch == 0 { 1 } else { batch };
            let name = |at: usize, what: &str| {
                format!(
                    "{payload}, batches of {size}: {}{what}",
                    Engine::ALL[at].name()
                )
            };
            let rates: Vec<_> = (0..3)
                .map(|at| Figure::median(name(at, ""), rates[at].clone(), "k records/s"))
                .collect();
            let peaks: Vec<_> = (0..3)
                .map(|at| Figure::largest(name(at, ", peak"), peaks[at].clone(), "MiB"))
                .collect();
            let cpus: Vec<_> = (0..3)
                .map(|at| Figure::median(name(at, ", processor"), cpus[at].clone(), "s"))
                .collect();
            let better = if rates[1].value() >= rates[2].value() {
                1
            } else {
                2
            };
            let speed = Figure::ratio(&rates[0], &rates[better]).at_least(bar, bar);
            let memory = Figure::ratio(&peaks[0], &peaks[better]).below(0.5);
            figures.extend(
                rates
                    .into_iter()
                    .chain([speed])
                    .chain(peaks)
                    .chain([memory])
                    .chain(cpus),
            );
        }
    }
    figures.push(served(programs, extent)?);
    Ok(figures)
}

/// Records in a second, and what the engine itself took.
fn measure(
    programs: &Programs,
    shelf: &Path,
    engine: Engine,
    payload: &str,
    batch: u64,
    seconds: u64,
) -> Result<(f64, Use)> {
    for _ in 0..STARTS {
        let folder = tempfile::tempdir()?;
        let mut child = start(programs, shelf, engine, payload, batch, &folder)?;
        let out = folder.path().join("out.txt");
        let begin = Instant::now();
        // More than a few: one that lost its reading may have sent some before.
        while begin.elapsed() < FIRST && lines(&out)? < 2_000 {
            std::thread::sleep(Duration::from_millis(100));
        }
        let before = lines(&out)?;
        if before < 2_000 {
            end(&mut child)?;
            continue;
        }
        let begin = Instant::now();
        std::thread::sleep(Duration::from_secs(seconds));
        let counted = lines(&out)? - before;
        let rate = counted as f64 / begin.elapsed().as_secs_f64();
        let used = meter::look(child.id())?;
        end(&mut child)?;
        return Ok((rate, used));
    }
    bail!("{} wrote nothing in {STARTS} starts", engine.name())
}

fn start(
    programs: &Programs,
    shelf: &Path,
    engine: Engine,
    payload: &str,
    batch: u64,
    folder: &TempDir,
) -> Result<Child> {
    let plain = json!({"sdk.schema.extract.payload.enabled": "false", "sdk.schema.extract.key.enabled": "false"});
    // About 250 bytes as JSON.
    let mut source = json!({
        "format.type": payload, "operations": "create", "sdk.batch.size": batch.to_string(),
        "format.options.id": "int", "format.options.on": "bool"});
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        source[format!("format.options.{name}")] = "string".into();
    }
    let mut destination = json!({"path": "./out.txt"});
    for config in [&mut source, &mut destination] {
        for (name, value) in plain.as_object().into_iter().flatten() {
            config[name.as_str()] = value.clone();
        }
    }
    let path = folder.path();
    let file = path.join("pipeline.yaml");
    let mut command = if engine == Engine::Crossdock {
        let end = |name: &str, config: Value| json!({"connector": format!("conduit:exec:{}", shelf.join(name).display()), "config": config});
        let text = json!({"version": 1, "settings": {"store": "./state.db"}, "pipelines": [{
            "id": "bench", "source": end("generator", source), "destination": end("file", destination)}]});
        fs::write(&file, text.to_string())?;
        let mut command = Command::new(&programs.crossdock);
        command.args(["run", "pipeline.yaml", "--quiet"]);
        command
    } else {
        let connectors = path.join("connectors");
        fs::create_dir(&connectors)?;
        for name in ["generator", "file"] {
            std::os::unix::fs::symlink(shelf.join(name), connectors.join(name))?;
        }
        let end = |id: &str, name: &str, config: Value| json!({"id": id, "type": id, "plugin": format!("standalone:{name}"), "settings": config});
        let text = json!({"version": "2.2", "pipelines": [{"id": "bench", "status": "running",
            "connectors": [end("source", "generator", source), end("destination", "file", destination)]}]});
        fs::write(&file, text.to_string())?;
        let mut command = Command::new(shelf.join("conduit"));
        command.args([
            "run",
            "--db.type",
            "sqlite",
            "--api.enabled=false",
            "--log.level",
            "error",
        ]);
        command.args(["--pipelines.path", "pipeline.yaml"]);
        if engine == Engine::Preview {
            command.arg("--preview.pipeline-arch-v2");
        }
        command
    };
    let child = command
        .current_dir(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.with_context(|| format!("{} cannot be started", engine.name()))
}

/// Ends it as a person would, and after half a minute for good.
fn end(child: &mut Child) -> Result<()> {
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()?;
    let begin = Instant::now();
    while child.try_wait()?.is_none() {
        if begin.elapsed() > Duration::from_secs(30) {
            child.kill()?;
            child.wait()?;
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// How many lines a file has; 0 if it is not there.
fn lines(path: &PathBuf) -> Result<u64> {
    let Ok(mut file) = File::open(path) else {
        return Ok(0);
    };
    let mut buffer = vec![0; 1 << 20];
    let mut count = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(count);
        }
        count += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
    }
}

/// Our own source, served over the protocol to our own host.
fn served(programs: &Programs, extent: &Extent) -> Result<Figure> {
    let mut rates = Vec::new();
    let records = extent.records(SERVED);
    for _ in 0..extent.rounds {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("sample");
        let packaged = Command::new(&programs.crossdock)
            .args([
                "connector",
                "package",
                "--protocol",
                "conduit",
                "native:sample",
                "--to",
            ])
            .arg(folder.path())
            .stdout(Stdio::null())
            .status()?;
        if !packaged.success() {
            bail!("`connector package` failed");
        }
        let text = json!({"version": 1, "settings": {"store": "./state.db"}, "pipelines": [{
            "id": "bench",
            "source": {"connector": format!("conduit:exec:{}", script.display()),
                "config": {"count": u64::MAX >> 1, "columns": 4}},
            "destination": {"connector": "native:null"},
            "settings": {"max_records": records}}]});
        fs::write(folder.path().join("pipeline.yaml"), text.to_string())?;
        let begin = Instant::now();
        let output = Command::new(&programs.crossdock)
            .args(["run", "pipeline.yaml", "--quiet", "--json"])
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .output()?;
        let seconds = begin.elapsed().as_secs_f64();
        let answer: Value = serde_json::from_slice(&output.stdout)?;
        let moved = answer["data"]["pipelines"][0]["records"].as_u64();
        rates.push(
            moved.with_context(|| format!("the run failed: {answer}"))? as f64 / seconds / 1e3,
        );
    }
    Ok(
        Figure::median("our sample, served to our host", rates, "k records/s")
            .at_least(300.0, 300.0),
    )
}
