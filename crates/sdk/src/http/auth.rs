//! Credentials of requests.

use std::sync::Arc;

use crossdock_core::error::Result;
use crossdock_core::secret::Secret;
use reqwest::header::{HeaderName, HeaderValue};

use super::oauth2::OAuth2;
use crate::failure;

/// How a request says who sends it.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// It does not.
    #[default]
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A header of its own, such as `X-Api-Key`.
    Header {
        /// The header's name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A parameter of the address. A header is better where there is a choice: addresses are logged on the way.
    Query {
        /// The parameter's name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A token that is got, and got anew, by OAuth 2.
    OAuth2(Arc<OAuth2>),
}

impl Auth {
    /// Puts the credentials into a request. `token` is that of OAuth 2.
    pub(super) fn sign(
        &self,
        request: &mut reqwest::Request,
        token: Option<&Secret>,
    ) -> Result<()> {
        let bearer = |secret: &Secret| format!("Bearer {}", secret.expose());
        match self {
            Self::None => Ok(()),
            Self::Bearer(secret) => put(request, "authorization", &bearer(secret)),
            Self::OAuth2(_) => match token {
                Some(token) => put(request, "authorization", &bearer(token)),
                None => Ok(()),
            },
            Self::Basic { user, password } => {
                let pair = format!("{user}:{}", password.expose());
                put(
                    request,
                    "authorization",
                    &format!("Basic {}", base64(pair.as_bytes())),
                )
            }
            Self::Header { name, value } => put(request, name, value.expose()),
            Self::Query { name, value } => {
                let url = request.url_mut();
                // A server may repeat it in the address of the next page.
                if !url.query_pairs().any(|(own, _)| own == *name) {
                    url.query_pairs_mut().append_pair(name, value.expose());
                }
                Ok(())
            }
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn put(request: &mut reqwest::Request, name: &str, value: &str) -> Result<()> {
    let header = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| failure::config(format!("`{name}` cannot be the name of a header")))?;
    // The value is a secret, so the message does not have it.
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        failure::config(format!(
            "the secret for the header `{name}` has characters that a header cannot have"
        ))
        .hint("look for a line end that was copied along")
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(header, value);
    Ok(())
}
