//! The users: few, so they are read as a whole each time.

use async_trait::async_trait;
use crossdock_sdk::http::{HttpClient, Paging};
use crossdock_sdk::{Description, Result, SourceStream, StreamOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user. The members are the columns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct User {
    id: u64,
    name: String,
    email: Option<String>,
}

pub(crate) struct Users;

#[async_trait]
impl SourceStream<HttpClient> for Users {
    type Record = User;
    type State = ();

    fn describe(&self) -> Description {
        Description::new("users").key(["id"])
    }

    async fn read(
        &self,
        client: &HttpClient,
        (): (),
        output: &mut StreamOutput<'_, User, ()>,
    ) -> Result<()> {
        let mut pages = client.get("/users").pages(Paging::Number {
            parameter: "page".into(),
            first: 1,
            size: None,
        });
        while let Some(page) = pages.next("").await? {
            for user in page.records::<User>("")? {
                output.record(&user).await?;
            }
        }
        Ok(())
    }
}
