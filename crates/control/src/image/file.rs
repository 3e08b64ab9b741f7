//! The Dockerfile, and the command that builds it: text alone.

use std::path::Path;

use super::elf::Processor;
use super::root::TRUSTED;

/// The name of a processor's root in the folder.
pub(super) fn root(processor: Processor) -> String {
    format!("root-{}.tar", processor.name())
}

/// The Dockerfile. `usual` is taken where a builder does not say for which processor it builds.
pub(super) fn dockerfile(
    entry: &[String],
    tag: &str,
    usual: Processor,
    has_certificates: bool,
) -> String {
    let line = entry.join(" ");
    let list: Vec<String> = entry.iter().map(|word| quoted(word)).collect();
    let (name, version) = name(tag);
    let mut text = format!(
        "# An Airbyte connector, written by `crossdock connector image`.\n\
         FROM scratch\n\
         ARG TARGETARCH\n\
         # The root of the image with its owners and rights; an archive is unpacked.\n\
         ADD root-${{TARGETARCH:-{}}}.tar /\n\
         ENV HOME=/airbyte\n",
        usual.name()
    );
    if has_certificates {
        text += &format!("ENV SSL_CERT_FILE={TRUSTED}\n");
    }
    text += &format!(
        "# Absolute and the same in both: the platform changes the working directory and reads the variable.\n\
         ENV AIRBYTE_ENTRYPOINT={}\n\
         ENTRYPOINT [{}]\n\
         USER airbyte\n\
         WORKDIR /airbyte\n\
         LABEL io.airbyte.name={} io.airbyte.version={}\n",
        quoted(&line),
        list.join(", "),
        quoted(name),
        quoted(version)
    );
    text
}

/// The image's name and its version.
fn name(tag: &str) -> (&str, &str) {
    match tag.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((name, version)) if !version.contains('/') => (name, version),
        _ => (tag, "latest"),
    }
}

/// A word of a Dockerfile, which is one of JSON as well.
fn quoted(word: &str) -> String {
    let escaped = word
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('$', "\\$");
    format!("\"{escaped}\"")
}

/// What builds the image by hand.
pub(super) fn command(tag: &str, folder: &Path, processors: &[Processor]) -> String {
    let folder = folder.display();
    match processors {
        [_] => format!("docker build --network none --tag {tag} {folder}"),
        many => {
            let platforms: Vec<String> = many
                .iter()
                .map(|processor| format!("linux/{}", processor.name()))
                .collect();
            format!(
                "docker buildx build --platform {} --tag {tag} --push {folder}",
                platforms.join(",")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_keeps_the_rules_of_the_platform() {
        let entry = [
            "/usr/local/bin/crossdock",
            "connector",
            "serve",
            "x:y",
            "--",
        ];
        let entry = entry.map(str::to_owned);
        let text = dockerfile(&entry, "host:5000/my/dest:1.2", Processor::Arm64, true);
        for line in [
            "FROM scratch",
            "ADD root-${TARGETARCH:-arm64}.tar /",
            "ENV AIRBYTE_ENTRYPOINT=\"/usr/local/bin/crossdock connector serve x:y --\"",
            "ENTRYPOINT [\"/usr/local/bin/crossdock\", \"connector\", \"serve\", \"x:y\", \"--\"]",
            "USER airbyte",
            "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
            "LABEL io.airbyte.name=\"host:5000/my/dest\" io.airbyte.version=\"1.2\"",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        let without = dockerfile(&entry, "host:5000/dest", Processor::Amd64, false);
        assert!(!without.contains("SSL_CERT_FILE"));
        assert!(
            without.contains("io.airbyte.name=\"host:5000/dest\" io.airbyte.version=\"latest\"")
        );
    }

    #[test]
    fn the_command_is_the_one_that_builds_all_of_it() {
        let check = |processors: &[Processor], expected: &str| {
            assert_eq!(command("t:1", Path::new("./image"), processors), expected);
        };
        check(
            &[Processor::Amd64],
            "docker build --network none --tag t:1 ./image",
        );
        check(
            &Processor::ALL,
            "docker buildx build --platform linux/amd64,linux/arm64 --tag t:1 --push ./image",
        );
    }
}
