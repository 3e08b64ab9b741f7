//! Ends for sources that have none: after a silence, or after so many records.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use crossdock_config::Settings;
use crossdock_core::error::Result;
use crossdock_core::event::Event;
use crossdock_core::source::{SourceControl, SourceReader};
use tokio::time::sleep;

/// The reader with the ends that the settings ask for.
pub(super) fn ending(reader: Box<dyn SourceReader>, settings: &Settings) -> Box<dyn SourceReader> {
    if settings.until_idle.is_none() && settings.max_records.is_none() {
        return reader;
    }
    Box::new(EndingReader {
        control: reader.control(),
        reader,
        idle: settings.until_idle,
        left: settings.max_records.unwrap_or(u64::MAX),
        is_asked: false,
    })
}

struct EndingReader {
    reader: Box<dyn SourceReader>,
    control: Arc<dyn SourceControl>,
    idle: Option<Duration>,
    left: u64,
    is_asked: bool,
}

#[async_trait]
impl SourceReader for EndingReader {
    async fn next(&mut self) -> Result<Event> {
        let Self {
            reader,
            control,
            idle,
            left,
            is_asked,
        } = self;
        // The future must not be dropped, so the silence is waited for beside it.
        let mut next = std::pin::pin!(reader.next());
        let event = loop {
            let silence = async {
                match *idle {
                    Some(idle) if !*is_asked => sleep(idle).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                event = &mut next => break event?,
                () = silence => {
                    *is_asked = true;
                    control.stop();
                }
            }
        };
        if let Event::Batch(batch) = &event {
            *left = left.saturating_sub(batch.records() as u64);
            if *left == 0 && !*is_asked {
                *is_asked = true;
                control.stop();
            }
        }
        Ok(event)
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }

    async fn close(&mut self) -> Result<()> {
        self.reader.close().await
    }
}
