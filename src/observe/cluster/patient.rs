//! A watch whose first list may not hang. I/O.
//!
//! A list has no time limit of its own: on a connection that has died silently it would wait for ever, and with it the
//! operator's start. A list that shows nothing for ten seconds is begun anew.

use std::fmt::Debug;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

/// The longest silence before the first list is complete. One page of a list takes far less.
const SILENCE: Duration = Duration::from_secs(10);

type Events<K> = BoxStream<'static, Result<Event<K>, watcher::Error>>;

/// What [`kube::runtime::watcher`] brings.
pub fn watcher<K>(api: Api<K>, config: watcher::Config) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let kind = api.resource_url().to_owned();
    renewed(kind, move || {
        kube::runtime::watcher(api.clone(), config.clone()).boxed()
    })
}

/// The events of what `begin` begins; begun anew when it is silent before [`Event::InitDone`].
fn renewed<K: Send + 'static>(
    what: String,
    begin: impl Fn() -> Events<K> + Send + 'static,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send {
    let first = (begin(), false);
    stream::unfold(
        (first, begin, what),
        |((mut events, mut complete), begin, what)| async move {
            loop {
                let next = if complete {
                    events.next().await
                } else {
                    let Ok(next) = tokio::time::timeout(SILENCE, events.next()).await else {
                        tracing::warn!(what, "the first list shows nothing for {SILENCE:?}; beginning anew");
                        events = begin();
                        continue;
                    };
                    next
                };
                let next = next?;
                match next {
                    Ok(Event::Init) => complete = false,
                    Ok(Event::InitDone) => complete = true,
                    _ => {}
                }
                return Some((next, ((events, complete), begin, what)));
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_first_list_that_hangs_is_begun_anew() {
        let times = Arc::new(AtomicUsize::new(0));
        let count = times.clone();
        let begin = move || -> Events<()> {
            if count.fetch_add(1, Ordering::SeqCst) < 2 {
                stream::iter([Ok(Event::Init)]).chain(stream::pending()).boxed()
            } else {
                stream::iter([Ok(Event::Init), Ok(Event::InitApply(())), Ok(Event::InitDone)]).boxed()
            }
        };
        let events: Vec<_> = renewed("pods".into(), begin).collect().await;
        assert_eq!(times.load(Ordering::SeqCst), 3);
        assert!(matches!(events.last(), Some(Ok(Event::InitDone))));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_after_the_first_list_is_peace() {
        let begin = || -> Events<()> {
            let late = stream::once(tokio::time::sleep(SILENCE * 100)).map(|()| Ok(Event::Apply(())));
            stream::iter([Ok(Event::Init), Ok(Event::InitDone)]).chain(late).boxed()
        };
        let events: Vec<_> = renewed("pods".into(), begin).collect().await;
        assert_eq!(events.len(), 3);
    }
}
