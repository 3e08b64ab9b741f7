//! The products: only those that have changed are read again.

use async_trait::async_trait;
use crossdock_sdk::http::{HttpClient, Paging};
use crossdock_sdk::{Cursor, Description, Result, SourceStream, State, StreamOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A product. The members are the columns.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Product {
    id: u64,
    name: String,
    price: f64,
    #[schemars(extend("format" = "date-time"))]
    changed_at: String,
}

/// Where the next read begins.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Since {
    changed_since: Cursor<String>,
}

impl State for Since {}

pub(crate) struct Products;

#[async_trait]
impl SourceStream<HttpClient> for Products {
    type Record = Product;
    type State = Since;

    fn describe(&self) -> Description {
        Description::new("products")
            .key(["id"])
            .cursor("changed_at")
    }

    async fn read(
        &self,
        client: &HttpClient,
        mut state: Since,
        output: &mut StreamOutput<'_, Product, Since>,
    ) -> Result<()> {
        let mut request = client.get("/products");
        if let Some(since) = state.changed_since.get() {
            request = request.query("changed_since", since);
        }
        let mut pages = request.pages(Paging::Number {
            parameter: "page".into(),
            first: 1,
            size: None,
        });
        while let Some(page) = pages.next("/products").await? {
            for product in page.records::<Product>("/products")? {
                output.record(&product).await?;
                state.changed_since.see(product.changed_at);
            }
        }
        // The shop does not sort by `changed_at`: an older one may be on any page, so the cursor moves at the end.
        state.changed_since.settle();
        output.checkpoint(&state).await
    }
}
