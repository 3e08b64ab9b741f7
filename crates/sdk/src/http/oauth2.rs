//! Tokens by OAuth 2 (RFC 6749, 4.4 and 6).

use std::fmt;
use std::time::Duration;

use crossdock_core::error::Result;
use crossdock_core::secret::Secret;
use reqwest::StatusCode;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::failure;

/// A token is got anew so long before its end.
const AHEAD: Duration = Duration::from_secs(60);

/// The life of a token that does not tell it.
const USUAL: Duration = Duration::from_secs(30 * 60);

/// Keeps a refresh token that took the place of another.
type Keep = Box<dyn Fn(&Secret) + Send + Sync>;

/// Gets access tokens, and new ones in time.
pub struct OAuth2 {
    token_url: String,
    client_id: String,
    client_secret: Secret,
    scopes: Vec<String>,
    keep: Option<Keep>,
    tokens: Mutex<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    refresh: Option<Secret>,
    access: Option<(Secret, Instant)>,
}

/// What the server gives (5.1).
#[derive(Deserialize)]
struct Given {
    access_token: Secret,
    expires_in: Option<f64>,
    refresh_token: Option<Secret>,
}

/// What it says of a refusal (5.2).
#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl OAuth2 {
    /// For a client that acts for itself (`client_credentials`).
    pub fn client_credentials(
        token_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Self {
        Self {
            token_url: token_url.into(),
            client_id: client_id.into(),
            client_secret,
            scopes: Vec::new(),
            keep: None,
            tokens: Mutex::default(),
        }
    }

    /// For a client that acts for a person, who gave it this token (`refresh_token`).
    #[must_use]
    pub fn refresh_token(mut self, token: Secret) -> Self {
        self.tokens.get_mut().refresh = Some(token);
        self
    }

    /// What the tokens are to be good for.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Is told of each refresh token that takes the place of the one before, which is then good for nothing: the
    /// platform must keep it in the configuration ([`Context::replace`](crate::Context::replace)).
    #[must_use]
    pub fn keep(mut self, keep: impl Fn(&Secret) + Send + Sync + 'static) -> Self {
        self.keep = Some(Box::new(keep));
        self
    }

    /// An access token; `anew`: the last one was refused.
    pub(super) async fn token(&self, client: &reqwest::Client, anew: bool) -> Result<Secret> {
        let mut tokens = self.tokens.lock().await;
        match &tokens.access {
            Some((token, end)) if !anew && Instant::now() < *end => return Ok(token.clone()),
            _ => {}
        }
        let given = self.ask(client, tokens.refresh.as_ref()).await?;
        let life = given
            .expires_in
            .and_then(|s| Duration::try_from_secs_f64(s).ok());
        let life = life.unwrap_or(USUAL);
        // Of a short life, half.
        let end = Instant::now() + life.saturating_sub(AHEAD).max(life / 2);
        tokens.access = Some((given.access_token.clone(), end));
        if let Some(refresh) = given.refresh_token {
            let is_new = tokens.refresh.as_ref().map(Secret::expose) != Some(refresh.expose());
            // Before anything else is done: the one before is good for nothing now.
            if let Some(keep) = self.keep.as_ref().filter(|_| is_new) {
                keep(&refresh);
            }
            tokens.refresh = Some(refresh);
        }
        Ok(given.access_token)
    }

    async fn ask(&self, client: &reqwest::Client, refresh: Option<&Secret>) -> Result<Given> {
        let scopes = self.scopes.join(" ");
        let mut form = vec![
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose()),
        ];
        match refresh {
            Some(token) => {
                form.push(("grant_type", "refresh_token"));
                form.push(("refresh_token", token.expose()));
            }
            None => form.push(("grant_type", "client_credentials")),
        }
        if !scopes.is_empty() {
            form.push(("scope", &scopes));
        }
        let lost = |cause: reqwest::Error| {
            failure::transient("no token could be got").caused_by(cause.without_url())
        };
        let request = client.post(&self.token_url).form(&form);
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        let body = response.bytes().await.map_err(lost)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| {
                // The parser's words may hold a part of the token (P10).
                failure::data("the answer to the request for a token has no `access_token`")
            });
        }
        let refused: Refused = serde_json::from_slice(&body).unwrap_or_default();
        let error = match status {
            StatusCode::TOO_MANY_REQUESTS => failure::transient(format!(
                "no token could be got: the server answered {status}"
            )),
            status if status.is_server_error() => failure::transient(format!(
                "no token could be got: the server answered {status}"
            )),
            _ => failure::auth("the server gives no token for these credentials"),
        };
        let error = error.with("status", status.as_u16());
        Err(
            match (refused.error.as_str(), refused.error_description.as_str()) {
                ("", _) => error,
                (name, "") => error.with("error", name),
                (name, words) => error.with("error", format!("{name}: {words}")),
            },
        )
    }
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2")
            .field("token_url", &self.token_url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
