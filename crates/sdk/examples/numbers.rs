//! A source of as many rows as one likes, to measure the SDK by: `cargo xtask bench sdk`.
//!
//! `numbers by-hand N` writes the same lines of Airbyte's protocol without the SDK, in a plain loop: the limit.

use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

use async_trait::async_trait;
use crossdock_sdk::{
    Connector, Context, Description, Result, SourceStream, State, StreamOutput, StreamSource,
    Streams,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many rows.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(title = "Numbers")]
struct Config {
    /// The number of rows.
    count: u64,
}

/// A row of nine columns, about 220 bytes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct User {
    id: u64,
    account: u64,
    email: String,
    name: String,
    age: u32,
    active: bool,
    balance: f64,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    note: String,
}

fn user(id: u64) -> User {
    User {
        id,
        account: id.wrapping_mul(7_919) % 100_000,
        email: format!("user{id}@example.com"),
        name: format!("Ada the {id}th"),
        age: (id % 90) as u32,
        active: !id.is_multiple_of(3),
        balance: id as f64 / 4.0,
        created_at: "2026-11-28T10:00:00Z".to_owned(),
        note: "pays late, asked twice, of no further interest".to_owned(),
    }
}

/// A state after so many rows.
const CHECKPOINT: u64 = 10_000;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Next {
    id: u64,
}

impl State for Next {}

struct Users(u64);

#[async_trait]
impl SourceStream<u64> for Users {
    type Record = User;
    type State = Next;

    fn describe(&self) -> Description {
        Description::new("users").key(["id"]).cursor("id")
    }

    async fn read(
        &self,
        _: &u64,
        mut state: Next,
        output: &mut StreamOutput<'_, User, Next>,
    ) -> Result<()> {
        while state.id < self.0 {
            output.record(&user(state.id)).await?;
            state.id += 1;
            if state.id.is_multiple_of(CHECKPOINT) {
                output.checkpoint(&state).await?;
            }
        }
        output.checkpoint(&state).await
    }
}

struct Numbers;

#[async_trait]
impl StreamSource for Numbers {
    type Config = Config;
    type Client = u64;

    async fn connect(&self, config: Config, _: &Context) -> Result<u64> {
        Ok(config.count)
    }

    async fn check(&self, _: &u64) -> Result<()> {
        Ok(())
    }

    async fn streams(&self, count: &u64) -> Result<Streams<u64>> {
        Ok(Streams::new().with(Users(*count)))
    }
}

/// A line as a person would write it.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    record: Record<'a>,
}

#[derive(Serialize)]
struct Record<'a> {
    stream: &'static str,
    data: &'a User,
    emitted_at: u128,
}

fn by_hand(count: u64) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    for id in 0..count {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let line = Line {
            r#type: "RECORD",
            record: Record {
                stream: "users",
                data: &user(id),
                emitted_at: now.map_or(0, |now| now.as_millis()),
            },
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [first, count] = words.as_slice()
        && first == "by-hand"
    {
        let count = count.parse().unwrap_or_default();
        return match by_hand(count) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    Connector::new("numbers", env!("CARGO_PKG_VERSION"))
        .summary("rows to measure by")
        .streams(Numbers)
        .main()
}
