//! Stdin, by the quickest way that it allows.

use std::io;
use std::os::fd::AsFd as _;

use tokio::io::AsyncRead;
use tokio::net::unix::pipe;

/// A pipe is waited for by the runtime; anything else is read by a thread of its own.
pub(super) fn stdin() -> Box<dyn AsyncRead + Send + Unpin> {
    let piped = || -> io::Result<pipe::Receiver> {
        pipe::Receiver::from_owned_fd(io::stdin().as_fd().try_clone_to_owned()?)
    };
    match piped() {
        Ok(pipe) => Box::new(pipe),
        Err(_) => Box::new(tokio::io::stdin()),
    }
}
