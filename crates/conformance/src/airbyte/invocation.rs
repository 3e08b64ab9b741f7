//! What is asked of a connector of Airbyte: a command line, files, stdin, and how long somebody listens.

use crossdock_launch::Word;
use serde_json::Value;

/// One use of the connector.
#[derive(Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The command line; files are written where the connector finds them.
    pub words: Vec<Word>,
    /// What stands on stdin, which ends then; `None`: there is nothing.
    pub input: Option<Vec<u8>>,
    /// Until when somebody listens.
    pub until: Until,
}

/// Until when somebody listens to a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// It ends.
    End,
    /// It ends; nothing is read from its stdout for the first seconds, so that the pipe is full.
    EndSlowly,
    /// After so many lines it is asked to end (SIGTERM).
    Asked(usize),
    /// After so many lines its stdout is closed.
    Closed(usize),
    /// After so many lines it is killed (SIGKILL).
    Killed(usize),
    /// After so many states it is killed.
    KilledAtState(usize),
}

impl Invocation {
    /// A command without files.
    pub(crate) fn new(command: &str) -> Self {
        Self {
            words: vec![Word::Text(command.to_owned())],
            input: None,
            until: Until::End,
        }
    }

    /// With a word more.
    pub(crate) fn word(mut self, word: &str) -> Self {
        self.words.push(Word::Text(word.to_owned()));
        self
    }

    /// With `--OPTION FILE`, the file's content being `value`.
    pub(crate) fn file(self, option: &str, value: &Value) -> Self {
        self.text(option, &value.to_string())
    }

    /// With `--OPTION FILE`, the file's content being `text`.
    pub(crate) fn text(self, option: &str, text: &str) -> Self {
        let mut with = self.word(&format!("--{option}"));
        with.words.push(Word::File {
            name: format!("{option}.json"),
            content: text.as_bytes().to_vec(),
        });
        with
    }

    /// With these lines on stdin.
    pub(crate) fn input<'a>(mut self, lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut input = Vec::new();
        for line in lines {
            input.extend_from_slice(line.as_bytes());
            input.push(b'\n');
        }
        self.input = Some(input);
        self
    }

    /// Listened to until then.
    pub(crate) fn until(mut self, until: Until) -> Self {
        self.until = until;
        self
    }

    /// The command, e.g. `read`.
    #[must_use]
    pub fn command(&self) -> &str {
        match self.words.first() {
            Some(Word::Text(word)) => word,
            _ => "",
        }
    }

    /// The content of the file that stands for an option.
    #[must_use]
    pub fn content(&self, option: &str) -> Option<&[u8]> {
        let name = format!("{option}.json");
        self.words.iter().find_map(|word| match word {
            Word::File { name: of, content } if *of == name => Some(content.as_slice()),
            _ => None,
        })
    }

    /// The command line for a person.
    pub(crate) fn shown(&self) -> String {
        let words = self.words.iter().map(|word| match word {
            Word::Text(text) => text.clone(),
            Word::File { name, .. } => name.clone(),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}
