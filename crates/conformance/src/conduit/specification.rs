//! What it says that it is.

use crossdock_conduit::wire::description::{Described, Param};
use crossdock_conduit::wire::proto::config::v1::validation::Type as Rule;

use super::peer::Answer;
use super::subject::{Subject, specify};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "spec/answers" Must "conduit-connector-protocol, SpecifierPlugin.Specify" "Specify is answered before anything else was said"
    "answer from what is compiled in; the schema service cannot be used then" answers;
    "spec/name" Must "conduit-connector-protocol, Specification" "it has a name, without white space"
    "pipelines refer to it: `plugin: standalone:NAME`" name;
    "spec/version" Should "conduit-connector-protocol, Specification" "its version is a semantic one"
    "`v1.2.3`; others count as lower than every semantic version" version;
    "spec/words" Should "conduit-connector-protocol, Specification" "it has a summary, a description and an author"
    "`conduit connector-plugins` shows them" words;
    "spec/same-twice" Should "conduit-connector-protocol, SpecifierPlugin.Specify" "Specify says the same each time"
    "Conduit asks only once, at its start" same_twice;
    "spec/same-versions" Should "conduit-connector-protocol, connector.v1" "Specify says the same in both versions of the protocol"
    "make both from one description" same_versions;
    "spec/names" Should "conduit-commons, config.v1.Parameter" "names of parameters are words with dots"
    "letters, digits, `.`, `_`, `-`, and `*` for one part" names;
    "spec/types" Must "conduit-commons, config.v1.Parameter.Type" "every parameter has a known type"
    "one of string, int, float, bool, file, duration" types;
    "spec/descriptions" Should "conduit-commons, config.v1.Parameter" "every parameter has a description"
    "users see it in place of a manual" descriptions;
    "spec/validations" Must "conduit-commons, config.v1.Validation" "every validation has a known type"
    "Conduit does not load a connector with an unknown one" validations;
    "spec/bounds" Must "conduit-commons, config.v1.Validation" "bounds are numbers"
    "Conduit reads the value of greater-than and less-than as a number when it loads the connector" bounds;
    "spec/regex" Must "conduit-commons, config.v1.Validation" "regular expressions compile"
    "Conduit compiles them when it loads the connector (RE2)" regexes;
    "spec/lists" Should "conduit-commons, config.v1.Validation" "lists of allowed or forbidden values are not empty"
    "join the values with commas" lists;
    "spec/defaults" Should "conduit-commons, config.v1.Parameter" "defaults have the type of their parameter and keep its validations"
    "the default is put in before a configuration is checked, which then fails" defaults;
}

async fn answers(it: &Subject) -> Outcome {
    it.specify("1,2").await?.answered("Specify")
}

async fn look(it: &Subject, fault: impl FnOnce(&Described) -> Option<String>) -> Outcome {
    let described = it.described().await?;
    match fault(&described) {
        Some(fault) => broken(fault, it.specify("1,2").await?.shown()),
        None => Ok(()),
    }
}

/// Says of the first parameter of its role that has a fault what it is.
async fn each(it: &Subject, fault: impl Fn(&str, &Param) -> Option<String>) -> Outcome {
    let parameters = it.parameters().await?;
    look(it, |_| {
        let mut parameters = parameters.iter();
        parameters.find_map(|(name, param)| Some(format!("`{name}`: {}", fault(name, param)?)))
    })
    .await
}

async fn name(it: &Subject) -> Outcome {
    look(it, |described| {
        let fits = !described.name.is_empty() && !described.name.contains(char::is_whitespace);
        (!fits).then(|| format!("it is `{}`", described.name))
    })
    .await
}

async fn version(it: &Subject) -> Outcome {
    look(it, |described| {
        let version = described
            .version
            .strip_prefix('v')
            .unwrap_or(&described.version);
        let fits = semver::Version::parse(version).is_ok();
        (!fits).then(|| format!("it is `{}`", described.version))
    })
    .await
}

async fn words(it: &Subject) -> Outcome {
    look(it, |described| {
        let all = [
            ("summary", &described.summary),
            ("description", &described.description),
            ("author", &described.author),
        ];
        let lacks = all.into_iter().find(|(_, text)| text.trim().is_empty())?;
        Some(format!("there is no {}", lacks.0))
    })
    .await
}

async fn same_twice(it: &Subject) -> Outcome {
    let first = it.described().await?;
    let again = it.again(&specify("1,2")).await?;
    match again.answer("Specify") {
        Some(Answer::Described(second)) if *second == first => Ok(()),
        _ => broken("the second answer is another", again.shown()),
    }
}

async fn same_versions(it: &Subject) -> Outcome {
    let seen = [it.specify("1").await?, it.specify("2").await?];
    let versions = seen
        .each_ref()
        .map(|seen| seen.handshake().map(|h| h.version));
    if versions[0] == versions[1] {
        return skip("it serves one version only");
    }
    let without_words = |answer: Option<&Answer>| match answer {
        Some(Answer::Described(described)) => {
            let mut described = described.clone();
            let params = described
                .source
                .values_mut()
                .chain(described.destination.values_mut());
            // Version 1 says `required` twice.
            params.for_each(|param| {
                param.rules.sort();
                param.rules.dedup();
            });
            Some(described)
        }
        _ => None,
    };
    let [first, second] = seen
        .each_ref()
        .map(|seen| without_words(seen.answer("Specify")));
    match first.is_some() && first == second {
        true => Ok(()),
        false => broken("the answers differ", seen[0].shown()),
    }
}

async fn names(it: &Subject) -> Outcome {
    each(it, |name, _| {
        let fits = |c: char| c.is_alphanumeric() || ".-_*".contains(c);
        let whole = !name.is_empty() && name.chars().all(fits);
        (!whole).then(|| "not such a name".to_owned())
    })
    .await
}

async fn types(it: &Subject) -> Outcome {
    each(it, |_, param| {
        (!(1..=6).contains(&param.kind)).then(|| format!("a type of number {}", param.kind))
    })
    .await
}

async fn descriptions(it: &Subject) -> Outcome {
    each(it, |_, param| {
        let empty = param.description.trim().is_empty();
        empty.then(|| "there is none".to_owned())
    })
    .await
}

async fn validations(it: &Subject) -> Outcome {
    each(it, |_, param| {
        let unknown = param
            .rules
            .iter()
            .find(|(kind, _)| !(1..=6).contains(kind))?;
        Some(format!("a validation of number {}", unknown.0))
    })
    .await
}

/// The values of validations of these types.
fn values(param: &Param, kinds: [Rule; 2]) -> impl Iterator<Item = &str> {
    let of = move |rule: &&(i32, String)| kinds.iter().any(|kind| *kind as i32 == rule.0);
    param
        .rules
        .iter()
        .filter(of)
        .map(|(_, value)| value.as_str())
}

async fn bounds(it: &Subject) -> Outcome {
    each(it, |_, param| {
        let mut values = values(param, [Rule::GreaterThan, Rule::LessThan]);
        let wrong = values.find(|value| value.parse::<f64>().is_err())?;
        Some(format!("a bound `{wrong}`"))
    })
    .await
}

async fn regexes(it: &Subject) -> Outcome {
    each(it, |_, param| {
        let mut values = values(param, [Rule::Regex, Rule::Regex]);
        let wrong = values.find(|value| regex::Regex::new(value).is_err())?;
        Some(format!("`{wrong}` is none"))
    })
    .await
}

async fn lists(it: &Subject) -> Outcome {
    each(it, |_, param| {
        let mut values = values(param, [Rule::Inclusion, Rule::Exclusion]);
        values.find(|value| value.trim().is_empty())?;
        Some("an empty list".to_owned())
    })
    .await
}

async fn defaults(it: &Subject) -> Outcome {
    each(it, |_, param| {
        let default = param.default.trim();
        if default.is_empty() {
            return None;
        }
        let bools = [
            "1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False",
        ];
        let typed = match param.kind {
            2 => default.parse::<i64>().is_ok(),
            3 => default.parse::<f64>().is_ok(),
            4 => bools.contains(&default),
            6 => default == "0" || default.ends_with(['s', 'm', 'h']),
            _ => true,
        };
        let number = default.parse::<f64>().ok();
        let kept = param.rules.iter().all(|(kind, value)| {
            let listed = || value.split(',').any(|one| one == default);
            match (Rule::try_from(*kind), number, value.parse::<f64>()) {
                (Ok(Rule::GreaterThan), Some(number), Ok(bound)) => number > bound,
                (Ok(Rule::LessThan), Some(number), Ok(bound)) => number < bound,
                (Ok(Rule::Inclusion), ..) => listed(),
                (Ok(Rule::Exclusion), ..) => !listed(),
                (Ok(Rule::Regex), ..) => {
                    regex::Regex::new(value).is_ok_and(|r| r.is_match(default))
                }
                _ => true,
            }
        });
        (!typed || !kept).then(|| format!("the default `{default}` is not allowed"))
    })
    .await
}
