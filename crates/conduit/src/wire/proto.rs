//! The messages that are not on the way of the data, as `cargo xtask proto` writes them from the
//! files in `proto/`.

#![expect(
    missing_docs,
    reason = "written by a generator; the .proto files say what is what"
)]

/// `connector.v1` and `connector.v2`, which share them.
pub mod connector {
    include!("proto/connector.rs");
}

/// Parameters.
pub mod config {
    /// Version 1.
    pub mod v1 {
        include!("proto/config.v1.rs");
    }
}

/// The schema service.
pub mod connutils {
    /// Version 1.
    pub mod v1 {
        include!("proto/connutils.v1.rs");
    }
}

/// Records in a form that is easy to look at and to make, for tests and for whoever examines connectors.
pub mod opencdc {
    /// Version 1.
    pub mod v1 {
        include!("proto/opencdc.v1.rs");
    }
}

/// go-plugin.
pub mod plugin {
    include!("proto/plugin.rs");
}
