//! Conduit's connector of PostgreSQL against a real server: a snapshot, then logical replication, with Avro
//! schemas, into Parquet and through the same connector into a second database.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::peer;
use crate::lab::{Lab, program};

/// A server of one's own, on a free port of loopback. It ends with this.
struct Server {
    bin: PathBuf,
    data: TempDir,
    port: u16,
}

/// PostgreSQL does not run as root.
fn command(program: &Path) -> Command {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn good(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Server {
    fn start() -> Option<Self> {
        let bin = PathBuf::from(program("CROSSDOCK_TEST_POSTGRES")?);
        let data = TempDir::new().unwrap();
        if rustix::process::geteuid().is_root() {
            good(Command::new("chown").arg("postgres").arg(data.path()));
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Self { bin, data, port };
        let folder = server.data.path().join("db");
        let initdb = server.bin.join("initdb");
        good(
            command(&initdb)
                .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "-D"])
                .arg(&folder),
        );
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c wal_level=logical -c fsync=off -c unix_socket_directories={}",
            server.data.path().display()
        );
        let log = server.data.path().join("log");
        let mut start = command(&server.bin.join("pg_ctl"));
        start
            .args(["start", "-w", "-o", &options, "-l"])
            .arg(log)
            .arg("-D")
            .arg(&folder);
        // Its output is the server's, which goes on.
        let status = start.stdout(std::process::Stdio::null()).status().unwrap();
        assert!(status.success());
        for name in ["one", "two"] {
            server.sql("postgres", &format!("CREATE DATABASE {name}"));
        }
        Some(server)
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    fn sql(&self, database: &str, text: &str) -> String {
        let psql = self.bin.join("psql");
        let url = self.url(database);
        good(Command::new(psql).args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text, &url]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let folder = self.data.path().join("db");
        let stopped = command(&self.bin.join("pg_ctl"))
            .args(["stop", "-m", "immediate", "-D"])
            .arg(folder)
            .output();
        assert!(stopped.is_ok());
    }
}

const TABLE: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, item text, price double precision, \
    paid boolean, placed timestamptz)";
const ROWS: &str = "SELECT json_agg(o ORDER BY id) FROM orders o";

fn parquet(lab: &Lab) -> Option<Value> {
    let python = program("CROSSDOCK_TEST_PYARROW_PYTHON")?;
    let script = "import glob, json, pyarrow.parquet as pq\n\
        files = sorted(glob.glob('lake/orders/*.parquet'))\n\
        tables = [pq.read_table(f) for f in files]\n\
        types = {f.name: str(f.type) for f in tables[-1].schema}\n\
        print(json.dumps({'types': types, 'rows': sum(t.num_rows for t in tables)}))";
    let mut command = Command::new(python);
    let printed = good(command.args(["-c", script]).current_dir(lab.path("")));
    Some(serde_json::from_str(&printed).unwrap())
}

#[test]
fn a_table_and_its_changes_reach_parquet_and_another_database() {
    let (Some(connector), Some(server)) = (peer("postgres"), Server::start()) else {
        return;
    };
    let lab = Lab::new();
    server.sql("one", TABLE);
    server.sql("two", TABLE);
    // It fails likewise on images that lack columns.
    server.sql("one", "ALTER TABLE orders REPLICA IDENTITY FULL");
    // Numbers beyond what a double holds. No nulls: this version of the connector fails on them by itself.
    server.sql(
        "one",
        "INSERT INTO orders SELECT 9007199254740993 + n, 'item ' || n, n / 4.0, n % 2 = 0, \
         '2026-01-02 03:04:05.678901Z'::timestamptz + n * interval '1 minute' FROM generate_series(0, 199) n; \
         INSERT INTO orders VALUES (7, '', -0.5, true, '1969-12-31Z')",
    );
    let source = json!({
        "url": server.url("one"), "tables": "orders", "cdcMode": "logrepl"});
    let lake = json!({"path": lab.text("lake")});
    let file = lab.pipeline(
        (&connector, source),
        ("native:parquet", lake),
        json!({
            "destinations": [{"connector": connector, "config": {"url": server.url("two")}}],
            "settings": {"until_idle": "3s", "retries": {"complete_failures": 1, "partial_failures": 1}}}),
    );
    let run = || lab.good(&["run", file.to_str().unwrap()]);
    let first = run();
    assert_eq!(
        server.sql("two", ROWS),
        server.sql("one", ROWS),
        "{first:#}"
    );
    server.sql(
        "one",
        "INSERT INTO orders SELECT n, 'new', 0.5, true, now() FROM generate_series(1000, 1049) n; \
         UPDATE orders SET item = 'changed', paid = NOT paid WHERE id >= 1040; \
         DELETE FROM orders WHERE id BETWEEN 1000 AND 1009",
    );
    let second = run();
    assert_eq!(
        server.sql("two", ROWS),
        server.sql("one", ROWS),
        "{second:#}"
    );
    let changes = second["pipelines"][0]["records"].as_u64().unwrap();
    // 50 inserts, 210 updates, 10 deletes: the snapshot did not come again.
    assert_eq!(changes, 270, "{second:#}");
    let Some(parquet) = parquet(&lab) else { return };
    assert_eq!(parquet["rows"], 201 + 270, "{parquet:#}");
    let types = &parquet["types"];
    let expected = [
        ("id", "int64"),
        ("item", "string"),
        ("price", "double"),
        ("paid", "bool"),
        ("placed", "timestamp[us, tz=UTC]"),
    ];
    for (column, expected) in expected {
        assert_eq!(types[column], expected, "{parquet:#}");
    }
    // A pipeline that is given up leaves nothing in the database.
    let slots = || server.sql("one", "SELECT count(*) FROM pg_replication_slots");
    assert_eq!(slots().trim(), "1");
    lab.good(&[
        "state",
        "reset",
        "p",
        "--delete-connectors",
        file.to_str().unwrap(),
    ]);
    assert_eq!(slots().trim(), "0");
}
