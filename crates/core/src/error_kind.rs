//! What sort of failure an error is: what decides retries and exit codes.

/// What sort of failure this is. Kinds decide retries; callers match kinds and codes, never text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The user's configuration is wrong. Never retried.
    Config,
    /// Credentials were refused. Never retried.
    Auth,
    /// A connector failed by its own account or died.
    Connector,
    /// A connector broke the rules of its protocol.
    Protocol,
    /// Something that is likely to pass: a network fault, a locked file.
    Transient,
    /// The other side asks us to slow down.
    RateLimited,
    /// The data itself cannot be handled.
    Data,
    /// One side made no progress within its limit (P9).
    Stalled,
    /// A person or a supervisor asked for the end.
    Cancelled,
    /// A defect in Crossdock.
    Internal,
}

impl ErrorKind {
    /// The kind as users see it in `--json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Auth => "auth",
            Self::Connector => "connector",
            Self::Protocol => "protocol",
            Self::Transient => "transient",
            Self::RateLimited => "rate_limited",
            Self::Data => "data",
            Self::Stalled => "stalled",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// Whether a new attempt can help without a person doing something first.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Connector | Self::Transient | Self::RateLimited | Self::Stalled
        )
    }
}
