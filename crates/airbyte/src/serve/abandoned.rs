//! Whoever runs a connector on sockets is noticed to be gone: no end of stdin tells of it, and a connector that waits
//! for the other end of its channel would do so for a quarter of an hour (§4.3).

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::oneshot;

/// Waits until nobody reads stdout any more.
pub(super) async fn abandoned() {
    unread(io::stdout()).await;
}

/// Waits until nobody reads this pipe any more; for ever if it is none, such as a file. A thread waits, which ends
/// with the process.
async fn unread(output: impl AsFd + Send + 'static) {
    let (tell, told) = oneshot::channel();
    let watch = move || {
        // Nothing is asked for, so all that there is to hear is that the other end is gone.
        let gone = |found: &PollFd<'_>| found.revents().intersects(PollFlags::ERR | PollFlags::HUP);
        loop {
            let mut ends = [PollFd::new(&output, PollFlags::empty())];
            match poll(&mut ends, None) {
                Ok(_) if gone(&ends[0]) => break,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
        // Whoever waited may have ended.
        let _ = tell.send(());
    };
    let watching = std::thread::Builder::new().name("reader of stdout".into());
    if watching.spawn(watch).is_err() || told.await.is_err() {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_reader_that_goes_is_noticed() {
        let (reader, writer) = io::pipe().unwrap();
        let waiting = tokio::spawn(unread(writer));
        drop(reader);
        let noticed = timeout(Duration::from_secs(10), waiting).await;
        assert!(noticed.is_ok());
    }
}
