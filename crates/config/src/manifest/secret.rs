//! References to secrets of a cluster, `FIELDSecretRef: {name, key}`, found where a machine has them: in a
//! variable, or in a folder that looks as a mounted secret does.

use std::env::VarError;
use std::path::{Path, PathBuf};

use crossdock_core::code;

use crate::diagnostic::{Diagnostic, quoted};
use crate::environment::Environment;
use crate::node::{Place, Tree};
use crate::secret::{self, Twins};
use crate::suggestion;

/// What a key ends with that refers to a secret.
const SUFFIX: &str = "SecretRef";
/// The variable that names the folder of secrets.
const FOLDER: &str = "DATAFLOW_SECRETS_DIR";

/// Where secrets are found.
pub(super) struct SecretRefs<'a> {
    environment: &'a dyn Environment,
    folder: PathBuf,
}

impl<'a> SecretRefs<'a> {
    /// The folder is the one that the environment names, else `secrets` in `base`.
    pub(super) fn new(environment: &'a dyn Environment, base: &Path) -> Self {
        let named = environment.variable(FOLDER).ok();
        let named = named.filter(|named| !named.is_empty());
        Self {
            environment,
            folder: named.map_or_else(|| base.join("secrets"), PathBuf::from),
        }
    }
}

impl Twins for SecretRefs<'_> {
    fn of<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_suffix(SUFFIX).filter(|field| !field.is_empty())
    }

    fn find(&self, reference: &Place<'_>) -> Result<String, Diagnostic> {
        let (name, key) = parts(reference)?;
        let variable = variable(&name, &key);
        let found = match self.environment.variable(&variable) {
            Ok(found) => return Ok(found),
            Err(VarError::NotPresent) => "is not set",
            Err(VarError::NotUnicode(_)) => "is not UTF-8",
        };
        let path = self.folder.join(&name).join(&key);
        let cause = match self.environment.read(&path, secret::LONGEST_FILE) {
            Ok(text) => return Ok(secret::without_line_end(text)),
            Err(cause) => cause,
        };
        let path = quoted(&path.display().to_string());
        let message = format!(
            "the secret {}, key {}, is not found: the environment variable `{variable}` {found}, and the file {path} cannot be read: {cause}",
            quoted(&name),
            quoted(&key),
        );
        let fault = reference.fault(&code::CONFIG_SECRET, message);
        Err(fault.hint(format!(
            "set that variable or write that file; `{FOLDER}` can name another folder than {}",
            quoted(&self.folder.display().to_string())
        )))
    }
}

/// Name and key of a secret: words as Kubernetes allows them, so that neither leads out of the folder.
fn parts(reference: &Place<'_>) -> Result<(String, String), Diagnostic> {
    const FORM: &str = "write `{name: SECRET, key: KEY}`";
    if !matches!(reference.node.tree, Tree::Mapping(_)) {
        let message = format!("expected a mapping, found {}", reference.node.kind());
        return Err(reference.fault(&code::CONFIG_SYNTAX, message).hint(FORM));
    }
    let known = ["name", "namespace", "key"];
    for entry in reference.node.entries() {
        if !known.contains(&entry.key.as_str()) {
            let here = reference.to(&entry.value, &entry.key);
            let message = format!("unknown key {}", quoted(&entry.key));
            let mut fault = here.fault(&code::CONFIG_UNKNOWN_KEY, message);
            fault.at = here.located(entry.at);
            return Err(fault.hint(suggestion::hint(&entry.key, &known, "known keys")));
        }
    }
    let word = |key: &str| {
        let place = reference.key(key);
        let Some(node) = reference.node.get(key) else {
            let message = format!("`{key}` is missing");
            return Err(reference.fault(&code::CONFIG_INVALID, message).hint(FORM));
        };
        let text = node.text().unwrap_or_default();
        let is_word = text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if text.is_empty() || !is_word || matches!(text, "." | "..") {
            let message = format!("this cannot be the {key} of a secret");
            let fault = place.fault(&code::CONFIG_INVALID, message);
            return Err(fault.hint("it is a text of letters, digits, `-`, `_` and `.`"));
        }
        Ok(text.to_owned())
    };
    Ok((word("name")?, word("key")?))
}

fn variable(name: &str, key: &str) -> String {
    let plain = |text: &str| -> String {
        let upper = text.chars().map(|c| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_uppercase(),
            false => '_',
        });
        upper.collect()
    };
    format!("DATAFLOW_SECRET_{}_{}", plain(name), plain(key))
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn variables_are_upper_case_words() {
        let check = |name, key, expected: &str| assert_eq!(variable(name, key), expected);
        check("pg", "password", "DATAFLOW_SECRET_PG_PASSWORD");
        check(
            "pg-main.eu",
            "tls.crt",
            "DATAFLOW_SECRET_PG_MAIN_EU_TLS_CRT",
        );
    }
}
