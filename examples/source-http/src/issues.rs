//! The issues: only those that have changed are read again.

use async_trait::async_trait;
use crossdock_sdk::http::{HttpClient, Paging};
use crossdock_sdk::{Cursor, Description, Result, SourceStream, State, StreamOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An issue. Members that the API has and this has not are left out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Issue {
    id: u64,
    title: String,
    labels: Vec<String>,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
}

/// Where the next read begins.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Since {
    updated_since: Cursor<String>,
}

impl State for Since {}

pub(crate) struct Issues;

#[async_trait]
impl SourceStream<HttpClient> for Issues {
    type Record = Issue;
    type State = Since;

    fn describe(&self) -> Description {
        Description::new("issues").key(["id"]).cursor("updated_at")
    }

    async fn read(
        &self,
        client: &HttpClient,
        mut state: Since,
        output: &mut StreamOutput<'_, Issue, Since>,
    ) -> Result<()> {
        // The API sorts by `updated_at`, and gives what is of that moment or later: an issue may come twice, and none
        // is left out.
        let mut request = client.get("/issues");
        if let Some(since) = state.updated_since.get() {
            request = request.query("updated_since", since);
        }
        let mut pages = request.pages(Paging::Cursor {
            parameter: "cursor".into(),
            from: "/next_cursor".into(),
        });
        while let Some(page) = pages.next("/issues").await? {
            for issue in page.records::<Issue>("/issues")? {
                output.record(&issue).await?;
                state.updated_since.see(issue.updated_at);
            }
            // Nothing older comes on later pages, so from here on the stream could be resumed.
            state.updated_since.settle();
            output.checkpoint(&state).await?;
        }
        Ok(())
    }
}
