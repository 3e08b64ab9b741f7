//! The names of data files, which carry all that recovery must know of a file.

use std::fmt;
use std::sync::Arc;

/// What a data file's name says: which data it holds. Two files never have the same: `epoch` and
/// `tag` name the run, `through` is the last item in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DataName {
    /// The folder within the stream's, such as `country=DE/year=2026`; empty if there is none.
    pub(crate) partition: Arc<str>,
    /// The stream's generation.
    pub(crate) generation: i64,
    /// The run.
    pub(crate) epoch: i64,
    /// Sequence number of the last item whose records are in the file.
    pub(crate) through: u64,
    /// Number of the file within run and stream.
    pub(crate) part: u32,
    /// Tells runs apart whose epochs are the same because the store was lost.
    pub(crate) tag: u32,
    /// Extension without the leading dot.
    pub(crate) extension: String,
}

/// The visible name, from the stream's folder on. Numbers are padded so that names sort as numbers
/// do.
impl fmt::Display for DataName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            generation,
            epoch,
            through,
            part,
            tag,
            extension,
        } = self;
        if !partition.is_empty() {
            write!(f, "{partition}/")?;
        }
        write!(
            f,
            "{generation:010}-{epoch:010}-{through:012}-{part:05}-{tag:08x}.{extension}"
        )
    }
}

impl DataName {
    /// Reads a visible name; `None` for every file that is not ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (partition, file) = split(name);
        let (numbers, extension) = file.split_once('.')?;
        let mut parts = numbers.split('-');
        let parsed = Self {
            partition: partition.into(),
            generation: parts.next()?.parse().ok()?,
            epoch: parts.next()?.parse().ok()?,
            through: parts.next()?.parse().ok()?,
            part: parts.next()?.parse().ok()?,
            tag: u32::from_str_radix(parts.next()?, 16).ok()?,
            extension: extension.to_owned(),
        };
        // Only what we would write ourselves is ours: files are deleted by this.
        (parts.next().is_none() && parsed.to_string() == name).then_some(parsed)
    }
}

/// What a staged file waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stage {
    /// The commit that makes it visible.
    Append,
    /// The commit; then the completion of its generation.
    Generation,
    /// Committed; the completion of its generation.
    Committed,
}

impl Stage {
    fn letter(self) -> char {
        match self {
            Self::Append => 'a',
            Self::Generation => 'g',
            Self::Committed => 'c',
        }
    }
}

/// Says in staging that a generation is complete once `through` is committed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Marker {
    /// The complete generation.
    pub(crate) generation: i64,
    /// The run that completed it.
    pub(crate) epoch: i64,
    /// The last item of the run.
    pub(crate) through: u64,
    /// See [`DataName::tag`].
    pub(crate) tag: u32,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            generation,
            epoch,
            through,
            tag,
        } = self;
        write!(f, "complete-{generation}-{epoch}-{through}-{tag:08x}")
    }
}

/// A name in a stream's staging folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StagedName {
    /// A finished data file.
    Data(Stage, DataName),
    /// A completed generation.
    Marker(Marker),
    /// The cuts of the data file of this visible name.
    Cuts(String),
    /// The stream's own description.
    Stream,
    /// Half-written, or not ours.
    Other,
}

/// Name of the file that says which stream a staging folder belongs to.
pub(crate) const STREAM_FILE: &str = "stream.json";

impl StagedName {
    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Self {
        Self::known(name).unwrap_or(Self::Other)
    }

    fn known(name: &str) -> Option<Self> {
        if name == STREAM_FILE {
            return Some(Self::Stream);
        }
        if let Some(data) = name.strip_suffix(".cuts") {
            return Some(Self::Cuts(data.to_owned()));
        }
        let (partition, name) = split(name);
        if let Some(numbers) = name.strip_prefix("complete-") {
            let mut parts = numbers.split('-');
            return Some(Self::Marker(Marker {
                generation: parts.next()?.parse().ok()?,
                epoch: parts.next()?.parse().ok()?,
                through: parts.next()?.parse().ok()?,
                tag: u32::from_str_radix(parts.next()?, 16).ok()?,
            }));
        }
        let (stage, data) = name.split_once('-')?;
        let stage = [Stage::Append, Stage::Generation, Stage::Committed]
            .into_iter()
            .find(|s| stage.chars().eq([s.letter()]))?;
        let data = DataName::parse(data)?;
        let partition = partition.into();
        Some(Self::Data(stage, DataName { partition, ..data }))
    }
}

/// The partition of a name, and its last part.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

/// The name of a data file in staging.
pub(crate) fn staged(stage: Stage, name: &DataName) -> String {
    let name = name.to_string();
    match split(&name) {
        ("", file) => format!("{}-{file}", stage.letter()),
        (partition, file) => format!("{partition}/{}-{file}", stage.letter()),
    }
}

/// The name of the cuts of a data file.
pub(crate) fn cuts(name: &DataName) -> String {
    format!("{name}.cuts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_names_read_back_and_sort_as_numbers() {
        let name = DataName {
            partition: "".into(),
            generation: 2,
            epoch: 31,
            through: 400,
            part: 5,
            tag: 0xbeef,
            extension: "jsonl.gz".to_owned(),
        };
        let text = name.to_string();
        assert_eq!(
            text,
            "0000000002-0000000031-000000000400-00005-0000beef.jsonl.gz"
        );
        assert_eq!(DataName::parse(&text), Some(name.clone()));
        assert!(
            text < DataName {
                through: 1200,
                ..name.clone()
            }
            .to_string()
        );
        assert_eq!(
            StagedName::parse(&staged(Stage::Generation, &name)),
            StagedName::Data(Stage::Generation, name.clone())
        );
        assert_eq!(
            StagedName::parse(&cuts(&name)),
            StagedName::Cuts(text.clone())
        );
        let parted = DataName {
            partition: "a=1/b=%2E.".into(),
            ..name
        };
        assert_eq!(parted.to_string(), format!("a=1/b=%2E./{text}"));
        assert_eq!(DataName::parse(&parted.to_string()), Some(parted.clone()));
        let name = staged(Stage::Append, &parted);
        assert_eq!(name, format!("a=1/b=%2E./a-{text}"));
        let data = StagedName::Data(Stage::Append, parted.clone());
        assert_eq!(StagedName::parse(&name), data);
        let cuts = StagedName::Cuts(parted.to_string());
        assert_eq!(StagedName::parse(&super::cuts(&parted)), cuts);
    }

    #[test]
    fn foreign_names_are_not_ours() {
        let check = |name: &str| assert_eq!(DataName::parse(name), None, "{name}");
        for name in [
            "",
            "data.parquet",
            "part-00001.parquet",
            "2-31-400-5-beef.parquet",
            "0000000002-0000000031-000000000400-00005.parquet",
            "0000000002-0000000031-000000000400-00005-0000beef",
            "0000000002-0000000031-000000000400-00005-0000BEEF.parquet",
            "0000000002-0000000031-000000000400-00005-0000beef-1.parquet",
            "+000000002-0000000031-000000000400-00005-0000beef.parquet",
        ] {
            check(name);
        }
        assert_eq!(StagedName::parse("tmp-3"), StagedName::Other);
        assert_eq!(StagedName::parse("complete-x"), StagedName::Other);
        let marker = Marker {
            generation: 7,
            epoch: 3,
            through: 99,
            tag: 1,
        };
        assert_eq!(
            StagedName::parse(&marker.to_string()),
            StagedName::Marker(marker)
        );
    }
}
