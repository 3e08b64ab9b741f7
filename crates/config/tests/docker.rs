//! How containers are run: by the file, by the environment, and by both.

use super::fixture::{Fake, parse};

const TEXT: &str = "version: 1\npipelines:\n- id: p\n  destination: {connector: native:null}\n  source:\n    connector: airbyte:docker:a/b:1\n";

fn text(docker: &str) -> String {
    format!("{TEXT}    docker: {docker}\n")
}

fn shown(text: &str, environment: &Fake) -> Result<(String, Vec<String>), String> {
    let plan = parse(text, environment).map_err(|wrong| wrong.to_string())?;
    let source = &plan.pipelines[0].sources[0];
    let docker = &source.docker;
    let volumes: Vec<_> = docker
        .volumes
        .iter()
        .map(|v| {
            format!(
                "{}>{}{}",
                v.source,
                v.target,
                if v.read_only { "!" } else { "" }
            )
        })
        .collect();
    let shown = format!(
        "{:?} {:?} {:?} {volumes:?} {:?}",
        docker.network, docker.memory, docker.cpus, docker.env
    );
    Ok((shown, source.secrets.clone()))
}

#[test]
fn the_file_says_it_the_environment_does_or_both() {
    let check = |text: &str, variable: &'static str, expected: &str| {
        let environment = Fake::default()
            .variable("CROSSDOCK_DOCKER", variable)
            .variable("KEY", "hunter22")
            .file("docker.yaml", "network: of-the-file\n");
        let (shown, _) = shown(text, &environment).unwrap();
        assert_eq!(shown, expected, "{text} {variable}");
    };
    check(TEXT, "", "None None None [] {}");
    check(
        &text(
            "{network: host, memory: 512MiB, cpus: 1.50, volumes: ['./o:/l', 'v:/w:ro'], env: {A: 1, B: true, C: 'x ${env:KEY}'}}",
        ),
        "",
        r#"Some("host") Some(536870912) Some("1.5") ["./o>/l", "v>/w!"] {"A": "1", "B": "true", "C": "x hunter22"}"#,
    );
    check(
        &text("{memory: 1GiB, env: {B: 3}}"),
        "{network: none, memory: 1MiB, env: {A: 1, B: 2}}",
        r#"Some("none") Some(1073741824) None [] {"A": "1", "B": "3"}"#,
    );
    check(
        TEXT,
        "docker.yaml",
        r#"Some("of-the-file") None None [] {}"#,
    );
    check(
        &text(""),
        "{network: none}",
        r#"Some("none") None None [] {}"#,
    );
}

#[test]
fn what_references_bring_in_is_a_secret() {
    let environment = Fake::default().variable("KEY", "hunter22");
    let (_, secrets) = shown(&text("{env: {A: '${env:KEY}'}}"), &environment).unwrap();
    assert_eq!(secrets, ["hunter22"]);
}

#[test]
fn a_configuration_of_its_own_has_what_the_environment_says() {
    let environment = Fake::default().variable("CROSSDOCK_DOCKER", "{network: none}");
    let config =
        crossdock_config::parse_config("{}", "c", std::path::Path::new(""), &environment).unwrap();
    assert_eq!(config.docker.network.as_deref(), Some("none"));
}

#[test]
fn faults_have_their_places() {
    let check = |docker: &str, expected: &str| {
        let wrong = shown(&text(docker), &Fake::default()).unwrap_err();
        let first: Vec<&str> = wrong.lines().take(2).collect();
        assert_eq!(first.join("\n"), expected);
    };
    check(
        "{netwrok: host}",
        "p.yaml:7:14: pipelines[0].source.docker.netwrok: unknown key `netwrok` [config.unknown_key]\n  hint: did you mean `network`?",
    );
    check(
        "{memory: much}",
        "p.yaml:7:22: pipelines[0].source.docker.memory: the size cannot be read [config.invalid]\n  hint: a size is a whole number and a unit, e.g. `256MiB`, `64MB`, `4096B`",
    );
    check(
        "{volumes: ['out:local']}",
        "p.yaml:7:24: pipelines[0].source.docker.volumes[0]: `out:local` is not a volume [config.invalid]\n  hint: the path in the container begins with `/`",
    );
    check(
        "{env: {'A B': 1}}",
        "p.yaml:7:27: pipelines[0].source.docker.env.A B: this cannot be the name of an environment variable [config.invalid]",
    );
    check(
        "{env: {A: [1]}}",
        "p.yaml:7:23: pipelines[0].source.docker.env.A: the value of an environment variable is a text, a number or a boolean [config.invalid]",
    );
    check(
        "{env: {A: \"1\\n2\"}}",
        "p.yaml:7:23: pipelines[0].source.docker.env.A: the value has more than one line, which Docker does not take [config.invalid]",
    );
    check(
        "{cpus: 0}",
        "p.yaml:7:20: pipelines[0].source.docker.cpus: the number is less than 0.01 [config.invalid]",
    );
    let other = text("{network: host}").replace("airbyte:docker:a/b:1", "native:sample");
    let wrong = shown(&other, &Fake::default()).unwrap_err();
    assert!(
        wrong.contains("`native:sample` is no image, and runs in no container"),
        "{wrong}"
    );
    let environment = Fake::default().variable("CROSSDOCK_DOCKER", "{netwrok: host}");
    let wrong = shown(TEXT, &environment).unwrap_err();
    assert!(
        wrong.starts_with("CROSSDOCK_DOCKER:1:2: netwrok: unknown key"),
        "{wrong}"
    );
}
