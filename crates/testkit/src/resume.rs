//! Whether a source goes on where it was.

use crossdock_core::erased::ErasedSource;
use serde_json::Value;

use crate::reading::{read, read_from};

/// Reads all streams, and then again from each state on the way: what comes then, and what had come before, must be all
/// records. Those after the state may come again (P4); returns how many did in all.
///
/// The source must give the same records each time.
///
/// # Panics
/// If a record is lost, a read fails, or there is no state on the way.
pub async fn resumes_from_every_checkpoint(source: &dyn ErasedSource, config: &Value) -> usize {
    let whole = read(source, config).await;
    assert!(whole.error.is_none(), "the read failed: {:?}", whole.error);
    assert!(
        whole.failed.is_empty(),
        "streams failed: {:?}",
        whole.failed
    );
    assert!(
        !whole.checkpoints.is_empty(),
        "the source has no checkpoint"
    );
    let mut again = 0;
    for (states, before) in &whole.checkpoints {
        let rest = read_from(source, config, states.clone()).await;
        let from = || {
            states
                .iter()
                .map(|s| s.state.to_value().unwrap_or_default())
        };
        assert!(
            rest.error.is_none() && rest.failed.is_empty(),
            "from the state {:?} the read failed: {:?} {:?}",
            from().collect::<Vec<_>>(),
            rest.error,
            rest.failed
        );
        let mut got: Vec<_> = whole.order[..*before].iter().chain(&rest.order).collect();
        for record in &whole.order {
            match got.iter().position(|one| *one == record) {
                Some(at) => drop(got.swap_remove(at)),
                None => panic!(
                    "from the state {:?} the record {} of {} is lost",
                    from().collect::<Vec<_>>(),
                    record.1,
                    record.0
                ),
            }
        }
        again += got.len();
    }
    again
}
