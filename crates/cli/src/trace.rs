//! Traces by OpenTelemetry, as its own environment variables say. Without one of them nothing is
//! traced.
//!
//! ```text
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 crossdock run pipeline.yaml
//! ```

mod post;

use std::collections::HashMap;
use std::time::Duration;

use crossdock_control::SPAN_TARGET;
use crossdock_core::{Error, code};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{Span, info_span};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::filter::{FilterExt as _, Targets};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use post::Post;

/// How long the last spans may hold up the end.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Where the spans of this process go.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    post: Post,
}

impl Traces {
    /// Begins to trace if the environment says so. To be called where `tokio` runs.
    pub(crate) fn begin() -> Option<Result<Self, Error>> {
        let is = |name: &str, wanted: &str| {
            std::env::var(name).is_ok_and(|value| value.trim().eq_ignore_ascii_case(wanted))
        };
        let says = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let has_place = says("OTEL_EXPORTER_OTLP_ENDPOINT")
            || says("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            || is("OTEL_TRACES_EXPORTER", "otlp");
        let is_off = is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none");
        (has_place && !is_off).then(Self::open)
    }

    fn open() -> Result<Self, Error> {
        let refused = |reason: &str| {
            Error::new(&code::USAGE, format!("traces cannot be sent: {reason}")).hint(
                "`OTEL_EXPORTER_OTLP_PROTOCOL` is `http/protobuf` or `http/json`, to a collector's port 4318 mostly",
            )
        };
        // The signal's own variable comes first.
        let names = [
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ];
        let mut protocols = names.iter().filter_map(|name| std::env::var(name).ok());
        let protocol = match protocols.next().as_deref().map(str::trim) {
            None | Some("" | "http/protobuf") => Protocol::HttpBinary,
            Some("http/json") => Protocol::HttpJson,
            Some(other) => return Err(refused(&format!("`{other}` is not spoken"))),
        };
        let post = Post::default();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(post.clone())
            .with_protocol(protocol)
            .build()
            .map_err(|cause| refused("the environment is not understood").caused_by(cause))?;
        // `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are read here.
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none_or(|name| name.is_empty()) {
            resource = resource.with_service_name("crossdock");
        }
        let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.with_attribute(version).build())
            .build();
        Ok(Self { provider, post })
    }

    /// What takes our spans, and nothing else: what is logged may quote what nobody else should
    /// read.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let ours = Targets::new().with_target(SPAN_TARGET, tracing::Level::INFO);
        let spans = tracing_subscriber::filter::filter_fn(|metadata| metadata.is_span());
        let layer: OpenTelemetryLayer<S, SdkTracer> = tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("crossdock"))
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        layer.with_filter(ours.and(spans))
    }

    /// Sends what is left. A collector that does not answer does not hold us up for long.
    pub(crate) async fn end(self) -> Option<Error> {
        let Self { provider, post } = self;
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_WAIT));
        let ended = ended.await.is_ok_and(|ended| ended.is_ok());
        let reason = post
            .failure()
            .or((!ended).then(|| "no answer in time".to_owned()));
        reason.map(|reason| {
            Error::new(
                &code::IO,
                format!("traces could not be delivered: {reason}"),
            )
            .hint("see `OTEL_EXPORTER_OTLP_ENDPOINT`; the run itself is not touched by it")
        })
    }
}

/// The span of a whole command, within the trace that `TRACEPARENT` names, if it does.
pub(crate) fn command(name: &str) -> Span {
    let span =
        info_span!(target: SPAN_TARGET, "crossdock", otel.name = format!("crossdock {name}"));
    if !span.is_disabled() {
        let names = ["traceparent", "tracestate"].into_iter();
        let values = names
            .filter_map(|name| Some((name.to_owned(), std::env::var(name.to_uppercase()).ok()?)));
        let values: HashMap<String, String> = values.collect();
        // One that says nothing readable begins a trace of our own.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&values));
    }
    span
}
