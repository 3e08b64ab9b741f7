//! A source for the examples in the documentation.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Context, Description, Result, SourceStream, State, StreamOutput, StreamSource, Streams,
};

/// What the stations of a city measure.
#[derive(Debug)]
pub struct Weather;

/// Which city.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its name.
    pub city: String,
}

/// What a station measured.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Measurement {
    /// A number for each.
    pub id: u64,
    /// In degrees Celsius.
    pub temperature: f64,
}

/// How far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct After {
    id: u64,
}

impl State for After {}

struct Measurements;

#[async_trait]
impl StreamSource for Weather {
    type Config = Config;
    type Client = Config;

    async fn connect(&self, config: Config, _: &Context) -> Result<Config> {
        Ok(config)
    }

    async fn check(&self, _: &Config) -> Result<()> {
        Ok(())
    }

    async fn streams(&self, _: &Config) -> Result<Streams<Config>> {
        Ok(Streams::new().with(Measurements))
    }
}

#[async_trait]
impl SourceStream<Config> for Measurements {
    type Record = Measurement;
    type State = After;

    fn describe(&self) -> Description {
        Description::new("measurements").key(["id"]).cursor("id")
    }

    async fn read(
        &self,
        _: &Config,
        mut state: After,
        output: &mut StreamOutput<'_, Measurement, After>,
    ) -> Result<()> {
        for id in state.id + 1..=3 {
            let temperature = 20.5;
            output.record(&Measurement { id, temperature }).await?;
            state.id = id;
        }
        output.checkpoint(&state).await
    }
}
