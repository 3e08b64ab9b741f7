//! CSV into JSON Lines and Parquet, beside Sling and Faucet; JSON Lines into SQLite, beside SQLite's own import of the
//! same rows.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::meter::{self, Use};
use crate::bench::program::Programs;
use crate::bench::rival::rivals;

const RECORDS: u64 = 5_000_000;
/// The database's rows: fewer, since a database is slower.
const ROWS: u64 = 2_000_000;
const MIB: f64 = (1 << 20) as f64;
/// Most memory that a run may take, in MiB.
const MEMORY: f64 = 128.0;

/// Moves the same rows by every program.
pub(crate) fn run(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let place = Place::new()?;
    let records = extent.records(RECORDS);
    let csv = place.orders(records)?;
    let rivals = rivals()?;
    let mut figures = Vec::new();
    for (format, needed) in [("jsonl", true), ("parquet", false)] {
        let mut ours = Vec::new();
        let (mut peak, mut cpu) = (Vec::new(), Vec::new());
        for _ in 0..extent.rounds {
            let used = place.crossdock(programs, &csv_source(&csv), format, "overwrite")?;
            ours.push(records as f64 / used.seconds / 1e3);
            peak.push(used.peak as f64 / MIB);
            cpu.push(used.cpu);
        }
        let ours = Figure::median(format!("CSV to {format}"), ours, "k/s");
        let mut fastest: Option<Figure> = None;
        for rival in &rivals {
            // Once: the slower one takes minutes.
            let Some(command) = rival.command(&csv, &place.fresh("rival")?, format)? else {
                continue;
            };
            let used = measure(command)?;
            let speed = records as f64 / used.seconds / 1e3;
            let figure =
                Figure::median(format!("the same by {}", rival.name()), vec![speed], "k/s");
            if fastest.as_ref().is_none_or(|f| f.value() < speed) {
                fastest = Some(figure.clone());
            }
            figures.push(figure);
        }
        match fastest {
            Some(fastest) => figures.push(Figure::ratio(&ours, &fastest).at_least(1.0, 2.0)),
            None if needed => bail!("there is no other program to measure beside"),
            None => eprintln!("  no other program can write {format} here: no ratio"),
        }
        figures.push(ours);
        figures
            .push(Figure::largest(format!("its peak memory, {format}"), peak, "MiB").below(MEMORY));
        figures.push(Figure::median(
            format!("its processor time, {format}"),
            cpu,
            "s",
        ));
    }
    figures.extend(database(programs, extent, &place)?);
    Ok(figures)
}

/// The same rows as JSON Lines into our tables, and as CSV into SQLite's own.
fn database(programs: &Programs, extent: &Extent, place: &Place) -> Result<Vec<Figure>> {
    let rows = extent.records(ROWS);
    let csv = place.orders(rows)?;
    place.crossdock(programs, &csv_source(&csv), "jsonl", "overwrite")?;
    let lines = place.path("lines");
    fs::rename(place.path("out"), &lines)?;
    let source =
        json!({"connector": "native:jsonl", "config": {"path": lines, "stream": "orders"}});
    let (mut ours, mut theirs, mut peak) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.rounds {
        let used = place.crossdock(programs, &source, "sqlite", "append")?;
        ours.push(rows as f64 / used.seconds / 1e3);
        peak.push(used.peak as f64 / MIB);
        let database = place.fresh("theirs")?.join("their.db");
        let mut import = Command::new("sqlite3");
        import
            .arg(database)
            .args([".mode csv", &format!(".import {} orders", csv.display())]);
        theirs.push(rows as f64 / measure(import)?.seconds / 1e3);
    }
    let ours = Figure::median("JSON Lines to SQLite", ours, "k/s");
    let theirs = Figure::median("`sqlite3 .import` of the same as CSV", theirs, "k/s");
    let ratio = Figure::ratio(&ours, &theirs).at_least(0.6, 1.0);
    let peak = Figure::largest("its peak memory, sqlite", peak, "MiB").below(MEMORY);
    Ok(vec![ours, theirs, ratio, peak])
}

fn csv_source(csv: &Path) -> Value {
    json!({"connector": "native:csv", "config": {"path": csv}})
}

/// Runs a command to its end and says what it took.
fn measure(mut command: Command) -> Result<Use> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begin = Instant::now();
    let child = command.spawn().context("a program cannot be started")?;
    let uses = meter::wait(begin, vec![child]);
    uses.with_context(|| format!("{command:?}"))?
        .first()
        .copied()
        .context("nothing was measured")
}

/// A folder for all of it, gone when this is dropped.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// An empty folder of this name.
    fn fresh(&self, name: &str) -> Result<std::path::PathBuf> {
        let path = self.path(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// Orders as a shop would export them: nine columns of all types, some in quotes.
    fn orders(&self, records: u64) -> Result<std::path::PathBuf> {
        const ITEMS: [&str; 8] = [
            "tea",
            "\"bread, rye\"",
            "milk",
            "coffee",
            "\"\"\"best\"\" butter\"",
            "rice",
            "plain flour",
            "salt",
        ];
        let path = self.path("orders.csv");
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        file.write_all(b"id,customer,item,quantity,price,paid,day,at,note\n")?;
        let mut line = String::new();
        for id in 0..records {
            line.clear();
            let cents = id % 1000;
            let item = ITEMS[usize::try_from(id % 8)?];
            write!(
                line,
                "{id},customer {},{item},{},{}.{:02},{},2026-{:02}-{:02},2026-01-02T03:04:{:02}Z,",
                id % 9973,
                id % 17,
                cents / 100,
                cents % 100,
                id % 3 != 0,
                id % 12 + 1,
                id % 28 + 1,
                id % 60
            )?;
            if id % 5 != 0 {
                write!(line, "note number {id}")?;
            }
            line.push('\n');
            file.write_all(line.as_bytes())?;
        }
        file.flush()?;
        Ok(path)
    }

    /// One run of Crossdock into `out`, from no state.
    fn crossdock(
        &self,
        programs: &Programs,
        source: &Value,
        format: &str,
        mode: &str,
    ) -> Result<Use> {
        let out = self.fresh("out")?;
        for name in ["state.db", "state.db-wal", "state.db-shm"] {
            let _ = fs::remove_file(self.path(name));
        }
        let path = if format == "sqlite" {
            out.join("our.db")
        } else {
            out
        };
        let (read, write) = match mode {
            "append" => ("incremental", "append"),
            _ => ("full_refresh", "overwrite"),
        };
        let file = json!({
            "version": 1,
            "settings": {
                "store": self.path("state.db"),
                "retries": {"complete_failures": 1, "partial_failures": 1},
            },
            "pipelines": [{
                "id": "bench",
                "source": source,
                "streams": [{"name": "*", "sync_mode": read, "destination_sync_mode": write}],
                "destination": {
                    "connector": format!("native:{format}"),
                    "config": {"path": path, "metadata_columns": false},
                },
            }],
        });
        let pipeline = self.path("pipeline.yaml");
        fs::write(&pipeline, file.to_string())?;
        let mut command = Command::new(&programs.crossdock);
        command.arg("run").arg(pipeline);
        measure(command)
    }
}
