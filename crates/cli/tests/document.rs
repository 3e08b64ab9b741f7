//! What the documents show is so: pipeline files are valid, and the first connector is the one in `examples`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::Bench;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let pages = fs::read_dir(root().join("docs")).unwrap();
    found.extend(pages.map(|entry| entry.unwrap().path()));
    found.retain(|path| path.extension().is_some_and(|end| end == "md"));
    found.sort();
    found
}

/// The blocks of a document: what stands behind the fence, and the text, moved to the left.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let block: Vec<&str> = lines
            .by_ref()
            .take_while(|line| line.trim() != "```")
            .collect();
        let indent = |line: &&str| line.len() - line.trim_start().len();
        let filled = block.iter().filter(|line| !line.trim().is_empty());
        let margin = filled.map(indent).min().unwrap_or_default();
        let block = block
            .iter()
            .map(|line| format!("{}\n", line.get(margin..).unwrap_or_default()));
        found.push((fence.to_owned(), block.collect()));
    }
    found
}

/// A pipeline file of which a document shows a part: the part, and the ends that it lacks.
fn whole(part: &str) -> String {
    if ["version:", "apiVersion:"]
        .iter()
        .any(|key| part.contains(key) && part.starts_with(key))
    {
        return part.to_owned();
    }
    let mut file = "version: 1\npipelines:\n  - id: p\n".to_owned();
    for (key, end) in [
        ("source:", "native:sample"),
        ("destination:", "native:null"),
    ] {
        if !part.lines().any(|line| line.starts_with(key)) {
            file += &format!("    {key} {{connector: {end}}}\n");
        }
    }
    part.lines()
        .for_each(|line| file += &format!("    {line}\n"));
    file
}

/// The variables that a text wants, in the form of a `.env`.
fn variables(text: &str) -> String {
    let mut file = "DATAFLOW_SECRET_LAKE_PATH=lake.db\n".to_owned();
    for part in text.split("${env:").skip(1) {
        let name: String = part
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        let value = match name.as_str() {
            "PHONE_KEY" => "00112233445566778899aabbccddeeff",
            "CROSSDOCK_WEBHOOK" => "https://hooks.example.com/x",
            _ => "1",
        };
        file += &format!("{name}={value}\n");
    }
    file
}

#[test]
fn every_pipeline_file_in_the_documents_is_valid() {
    let (mut wrong, mut count) = (String::new(), 0);
    for path in documents() {
        let page = fs::read_to_string(&path).unwrap();
        for (fence, block) in blocks(&page) {
            if fence.split(' ').next() != Some("yaml") {
                continue;
            }
            count += 1;
            let file = whole(&block);
            let bench = Bench::new();
            bench.file(".env", &variables(&file)).file("p.yaml", &file);
            let output = bench.run(&["validate", "p.yaml"]);
            if !output.status.success() {
                let says = String::from_utf8_lossy(&output.stderr);
                wrong += &format!("{}\n{file}{says}\n", path.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 15, "only {count} blocks were found");
}

const FIRST: &str = "docs/first-connector.md";

#[test]
fn the_first_connector_is_the_one_that_is_built_and_tested() {
    let page = fs::read_to_string(root().join(FIRST)).unwrap();
    let mut shown = Vec::new();
    for (fence, block) in blocks(&page) {
        let Some(("rust", file)) = fence.split_once(" title=") else {
            continue;
        };
        let built = fs::read_to_string(root().join("examples/my-api").join(file)).unwrap();
        assert!(
            block == built,
            "{FIRST} and examples/my-api differ in {file}"
        );
        shown.push(file.to_owned());
    }
    // What is not shown is as the template has it.
    let bench = Bench::new();
    let made = bench.run(&["connector", "new", "my-api", "--template", "source-http"]);
    assert!(made.status.success(), "{made:?}");
    for file in bench
        .files("my-api")
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
    {
        let name = file.strip_prefix(bench.path("my-api")).unwrap();
        let name = name.to_str().unwrap().to_owned();
        let built = fs::read_to_string(root().join("examples/my-api").join(&name));
        match built {
            Ok(built) if !shown.contains(&name) => {
                assert!(
                    built == fs::read_to_string(file).unwrap(),
                    "{name} has changed and is not shown"
                );
            }
            Ok(_) => {}
            Err(_) => assert!(
                page.contains(&name),
                "the page does not say that {name} goes"
            ),
        }
    }
    assert_eq!(shown.len(), 6, "{shown:?}");
}

/// The commands of the page that need no program of its own, with what they print.
#[test]
fn the_first_connector_begins_as_the_page_shows() {
    let page = fs::read_to_string(root().join(FIRST)).unwrap();
    let command = "crossdock connector new my-api --template source-http";
    let bench = Bench::new();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let told = String::from_utf8(bench.run(&words).stdout).unwrap();
    let block = format!("```console\n$ {command}\n{told}```\n");
    assert!(
        page.contains(&block),
        "{FIRST} shows something else than\n{block}"
    );
}
