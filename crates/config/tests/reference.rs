//! Connector references: what is one, and what is said about the rest.

use crossdock_config::{ConnectorRef, Launcher, Protocol};

#[test]
fn references_print_as_they_were_written() {
    let check = |text: &str, protocol: Protocol, launcher: Option<Launcher>, what: &str| {
        let reference: ConnectorRef = text.parse().map_err(|e| format!("{e:?}")).unwrap();
        assert_eq!(
            (
                reference.protocol,
                reference.launcher,
                reference.what.as_str()
            ),
            (protocol, launcher, what),
            "{text}"
        );
        assert_eq!(reference.to_string(), text);
    };
    use Launcher::{Docker, Exec, Python};
    use Protocol::{Airbyte, Conduit, DataFlow, Native};
    check("native:parquet", Native, None, "parquet");
    check("native:exec", Native, None, "exec");
    check(
        "airbyte:python:airbyte-source-faker",
        Airbyte,
        Some(Python),
        "airbyte-source-faker",
    );
    check("airbyte:python:a==6.2.1", Airbyte, Some(Python), "a==6.2.1");
    check(
        "airbyte:docker:airbyte/source-faker:6.2.1",
        Airbyte,
        Some(Docker),
        "airbyte/source-faker:6.2.1",
    );
    check(
        "airbyte:docker:localhost:5000/x@sha256:ab",
        Airbyte,
        Some(Docker),
        "localhost:5000/x@sha256:ab",
    );
    check(
        "airbyte:exec:./program ARG --x=a:b",
        Airbyte,
        Some(Exec),
        "./program ARG --x=a:b",
    );
    check(
        "conduit:exec:./connector",
        Conduit,
        Some(Exec),
        "./connector",
    );
    check("conduit:postgres", Conduit, None, "postgres");
    check("conduit:file@v0.10.0", Conduit, None, "file@v0.10.0");
    check("conduit:file@(devel)", Conduit, None, "file@(devel)");
    check("dataflow:http", DataFlow, None, "http");
    check("dataflow:exec:./program", DataFlow, Some(Exec), "./program");
}

#[test]
fn parts_of_references() {
    let command = |text: &str| text.parse::<ConnectorRef>().unwrap().command();
    assert_eq!(
        command("airbyte:exec:'./my program' --x \"a b\""),
        ["./my program", "--x", "a b"]
    );
    assert_eq!(command("native:null"), ["null"]);
    let reference: ConnectorRef = " airbyte:python:a==1.0 ".parse().unwrap();
    assert_eq!(reference.package(), ("a", Some("1.0")));
    let image = |text: &str| text.parse::<ConnectorRef>().unwrap().image().to_owned();
    assert_eq!(image("airbyte:docker:h:5000/a/b"), "h:5000/a/b");
    assert_eq!(image("airbyte:docker:h:5000/a/b:1.2"), "h:5000/a/b");
    assert_eq!(image("airbyte:docker:a/b:1@sha256:ff"), "a/b");
}

#[test]
fn what_is_wrong_with_a_reference() {
    let check = |text: &str, message: &str, hint: &str| {
        let error = text.parse::<ConnectorRef>().expect_err(text);
        assert_eq!(error.code().name, "config.reference");
        assert_eq!((error.message(), error.remedy()), (message, hint), "{text}");
    };
    check(
        "parquet",
        "the connector reference `parquet` names no protocol",
        "write `native:parquet` for a connector of Crossdock's own",
    );
    check(
        "airbyte-source-faker",
        "the connector reference `airbyte-source-faker` names no protocol",
        "write `airbyte:python:airbyte-source-faker` for a package from PyPI",
    );
    check(
        "airbyte/source-faker:6.2",
        "the connector reference `airbyte/source-faker:6.2` names no known protocol, but `airbyte/source-faker`",
        "write `airbyte:docker:airbyte/source-faker:6.2` for an image",
    );
    check(
        "./program",
        "the connector reference `./program` names no protocol",
        "write `airbyte:exec:./program` for a program that speaks Airbyte's protocol",
    );
    check(
        "",
        "the connector reference `` names no protocol",
        "write e.g. `native:parquet`, `airbyte:python:airbyte-source-faker` or `airbyte:exec:./program`",
    );
    check(
        "airbyte:airbyte/source-faker:6.2",
        "the connector reference `airbyte:airbyte/source-faker:6.2` names no known launcher",
        "write `airbyte:docker:airbyte/source-faker:6.2` for an image",
    );
    check(
        "airbyte:",
        "the connector reference `airbyte:` names no known launcher",
        "the forms are `airbyte:python:…`, `airbyte:docker:…`, `airbyte:exec:…`",
    );
    check(
        "natve:parquet",
        "the connector reference `natve:parquet` names no known protocol, but `natve`",
        "did you mean `native:parquet`?",
    );
    check(
        "singer:exec:x",
        "the connector reference `singer:exec:x` names no known protocol, but `singer`",
        "the protocols are `native`, `airbyte`, `conduit`, `dataflow`",
    );
    check(
        "native:",
        "the connector reference `native:` ends too early",
        "write e.g. `native:parquet`, `airbyte:python:airbyte-source-faker` or `airbyte:exec:./program`",
    );
    check(
        "native:a b",
        "the connector reference `native:a b` has no connector's name after the protocol",
        "a name has only letters, digits, `-`, `_` and `.`",
    );
    check(
        "airbyte:source-faker",
        "the connector reference `airbyte:source-faker` names no known launcher",
        "write `airbyte:python:source-faker` for a package from PyPI",
    );
    check(
        "airbyte:pyhton:source-faker",
        "the connector reference `airbyte:pyhton:source-faker` names no known launcher",
        "did you mean `airbyte:python:source-faker`?",
    );
    check(
        "airbyte:wasm:x",
        "the connector reference `airbyte:wasm:x` names no known launcher",
        "the forms are `airbyte:python:…`, `airbyte:docker:…`, `airbyte:exec:…`",
    );
    check(
        "airbyte:python:",
        "the connector reference `airbyte:python:` ends too early",
        "write e.g. `native:parquet`, `airbyte:python:airbyte-source-faker` or `airbyte:exec:./program`",
    );
    check(
        "airbyte:python:a>=1",
        "the connector reference `airbyte:python:a>=1` is not a Python package with an optional version",
        "write `airbyte:python:PACKAGE` or `airbyte:python:PACKAGE==VERSION`",
    );
    check(
        "airbyte:python:a==",
        "the connector reference `airbyte:python:a==` is not a Python package with an optional version",
        "write `airbyte:python:PACKAGE` or `airbyte:python:PACKAGE==VERSION`",
    );
    check(
        "airbyte:docker:a b",
        "the connector reference `airbyte:docker:a b` is not an image's name",
        "write `airbyte:docker:IMAGE[:TAG]`",
    );
    check(
        "airbyte:docker:--privileged",
        "the connector reference `airbyte:docker:--privileged` is not an image's name",
        "write `airbyte:docker:IMAGE[:TAG]`",
    );
    check(
        "airbyte:exec:a 'b",
        "the connector reference `airbyte:exec:a 'b` is no command line",
        "close every quote, and begin with the program",
    );
    check(
        "airbyte:exec:# a",
        "the connector reference `airbyte:exec:# a` is no command line",
        "close every quote, and begin with the program",
    );
    check(
        "conduit:python:x",
        "the connector reference `conduit:python:x` cannot be launched by `python`",
        "the forms are `conduit:exec:…`, `conduit:NAME[@VERSION]`",
    );
    check(
        "conduit:builtin:postgres",
        "the connector reference `conduit:builtin:postgres` names no known launcher",
        "the forms are `conduit:exec:…`, `conduit:NAME[@VERSION]`",
    );
    check(
        "conduit:./postgres",
        "the connector reference `conduit:./postgres` has no connector's name after the protocol",
        "a name has only letters, digits, `-`, `_` and `.`",
    );
    check(
        "dataflow:exec",
        "the connector reference `dataflow:exec` ends too early",
        "write e.g. `native:parquet`, `airbyte:python:airbyte-source-faker` or `airbyte:exec:./program`",
    );
    check(
        "dataflow:docker:x",
        "the connector reference `dataflow:docker:x` cannot be launched by `docker`",
        "the forms are `dataflow:exec:…`",
    );
}
