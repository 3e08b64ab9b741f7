//! Installing a package: by uv where it is, else by venv and pip.

use crossdock_core::session::Session;
use crossdock_core::{ErrorKind, Result};

use super::shelf::{Installed, Shelf};
use super::tool::Bench;
use super::{Python, pip, uv};

/// Installs the package; the caller holds the shelf's lock.
pub(super) async fn install(
    python: &Python,
    shelf: &Shelf,
    session: &Session,
) -> Result<Installed> {
    let requirement = &python.requirement;
    let bench = Bench {
        session,
        name: requirement.to_string(),
        cwd: shelf.root().to_owned(),
        path: python.path.as_deref(),
        env: &python.env,
    };
    let installed = match uv::find(bench.path) {
        Some(uv) => match uv::install(&bench, &uv, shelf, requirement).await {
            // Where it is the request that is wrong, pip would only say so again.
            Err(error) if error.kind() != ErrorKind::Config => {
                bench.tell(format!("uv could not install {requirement}, trying pip …"));
                let by_uv = error.causes().into_iter().next().unwrap_or_default();
                pip::install(&bench, shelf, requirement)
                    .await
                    .map_err(|error| error.with("uv_said", by_uv))?
            }
            outcome => outcome?,
        },
        None => pip::install(&bench, shelf, requirement).await?,
    };
    if requirement.version.is_none() {
        shelf.set_current(&installed.version)?;
    }
    Ok(installed)
}
