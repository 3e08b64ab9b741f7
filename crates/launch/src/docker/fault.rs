//! What the client's words about a failure mean.

use crossdock_core::code::Code;
use crossdock_core::{Error, ErrorKind, code};

/// A part of the client's words, lower case, with what it means.
struct Meaning {
    said: &'static str,
    code: &'static Code,
    kind: Option<ErrorKind>,
    message: &'static str,
    hint: Option<&'static str>,
}

const NO_IMAGE: &str = "there is no such image, here or in its registry";
const NO_REGISTRY: &str = "the image is not here, and its registry cannot be reached";
const IMAGE_HINT: &str = "check the image's name and tag; `docker images` lists what is here, `docker login` opens \
     a private registry, `docker load` brings in an image from a file";
const START_HINT: &str = "start the engine (`systemctl start docker`), or name another by `DOCKER_HOST`; \
     `crossdock doctor` says whether it answers";

/// The first that fits counts.
const MEANINGS: [Meaning; 20] = [
    Meaning {
        said: "permission denied while trying to connect",
        code: &code::DOCKER_UNAVAILABLE,
        kind: Some(ErrorKind::Config),
        message: "this user may not speak with Docker's engine",
        hint: Some("join the group `docker` (`sudo usermod -aG docker $USER`, then log in again)"),
    },
    unreachable_engine("cannot connect to the docker daemon"),
    unreachable_engine("failed to connect to the docker api"),
    unreachable_engine("error during connect"),
    unreachable_engine("is the docker daemon running"),
    unreachable_engine("protocol not available"),
    Meaning {
        said: "toomanyrequests",
        code: &code::DOCKER_IMAGE,
        kind: Some(ErrorKind::RateLimited),
        message: "the image's registry has a limit on pulls, and it is reached",
        hint: Some("wait, or `docker login`"),
    },
    Meaning {
        said: "no matching manifest",
        code: &code::DOCKER_IMAGE,
        kind: None,
        message: "the image is not made for this machine's kind of processor",
        hint: Some("take another tag, or a machine of the image's kind"),
    },
    image("no such image", NO_IMAGE),
    image("manifest unknown", NO_IMAGE),
    image("pull access denied", NO_IMAGE),
    image("repository does not exist", NO_IMAGE),
    image("name unknown", NO_IMAGE),
    image(
        "unauthorized",
        "the image's registry wants to know who asks",
    ),
    image(
        "invalid reference format",
        "the image's name is not one that Docker takes",
    ),
    unreachable_registry("no such host"),
    unreachable_registry("dial tcp"),
    unreachable_registry("timeout"),
    unreachable_registry("network is unreachable"),
    unreachable_registry("connection refused"),
];

const fn unreachable_engine(said: &'static str) -> Meaning {
    Meaning {
        said,
        code: &code::DOCKER_UNAVAILABLE,
        kind: None,
        message: "Docker's engine does not answer",
        hint: Some(START_HINT),
    }
}

const fn image(said: &'static str, message: &'static str) -> Meaning {
    Meaning {
        said,
        code: &code::DOCKER_IMAGE,
        kind: None,
        message,
        hint: Some(IMAGE_HINT),
    }
}

const fn unreachable_registry(said: &'static str) -> Meaning {
    Meaning {
        said,
        code: &code::DOCKER_IMAGE,
        kind: Some(ErrorKind::Transient),
        message: NO_REGISTRY,
        hint: Some(IMAGE_HINT),
    }
}

/// The error that the client's stderr stands for.
pub(super) fn fault(stderr: &str) -> Error {
    let said = last_words(stderr);
    let lower = said.to_lowercase();
    let Some(meaning) = MEANINGS.iter().find(|m| lower.contains(m.said)) else {
        return Error::new(&code::DOCKER_FAILED, "Docker refused").with("docker", said);
    };
    let mut error = Error::new(meaning.code, meaning.message).with("docker", said);
    if let Some(kind) = meaning.kind {
        error = error.with_kind(kind);
    }
    match meaning.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The reason without the words around it: warnings come before, advice comes after.
fn last_words(stderr: &str) -> String {
    let lines: Vec<&str> = stderr
        .lines()
        .map(str::trim)
        .filter(|line| {
            !line.is_empty() && !line.starts_with("WARNING:") && !line.starts_with("See 'docker")
        })
        .filter(|line| !line.starts_with("Run 'docker"))
        .collect();
    let text = lines.join("\n");
    for head in [
        "docker: ",
        "Error response from daemon: ",
        "Error: ",
        "ERROR: ",
    ] {
        if let Some(at) = text.find(head) {
            return last_words(&text[at + head.len()..]);
        }
    }
    if text.is_empty() {
        return "it said nothing".to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_client_are_told_in_ours() {
        let check = |said: &str, name: &str, kind: ErrorKind, docker: &str| {
            let error = fault(said);
            assert_eq!((error.code().name, error.kind()), (name, kind), "{said}");
            let context = error.context().iter().find(|(key, _)| *key == "docker");
            assert_eq!(context.map(|(_, text)| text.as_str()), Some(docker));
        };
        check(
            "Cannot connect to the Docker daemon at unix:///none. Is the docker daemon running?\n",
            "docker.unavailable",
            ErrorKind::Transient,
            "Cannot connect to the Docker daemon at unix:///none. Is the docker daemon running?",
        );
        check(
            "permission denied while trying to connect to the Docker daemon socket at unix:///s: dial unix /s: connect: permission denied",
            "docker.unavailable",
            ErrorKind::Config,
            "permission denied while trying to connect to the Docker daemon socket at unix:///s: dial unix /s: connect: permission denied",
        );
        check(
            "Error response from daemon: No such image: nosuch/image:1",
            "docker.image",
            ErrorKind::Config,
            "No such image: nosuch/image:1",
        );
        check(
            "Error response from daemon: Get \"https://registry/v2/\": dial tcp: lookup registry: no such host",
            "docker.image",
            ErrorKind::Transient,
            "Get \"https://registry/v2/\": dial tcp: lookup registry: no such host",
        );
        check(
            "Error response from daemon: toomanyrequests: You have reached your pull rate limit.",
            "docker.image",
            ErrorKind::RateLimited,
            "toomanyrequests: You have reached your pull rate limit.",
        );
        check(
            "WARNING: Your kernel does not support swap limit capabilities.\ndocker: Error response from daemon: network nonet not found.\nSee 'docker run --help'.",
            "docker.failed",
            ErrorKind::Connector,
            "network nonet not found.",
        );
        check("", "docker.failed", ErrorKind::Connector, "it said nothing");
    }
}
