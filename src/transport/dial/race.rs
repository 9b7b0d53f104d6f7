//! A race of the addresses of a host: the first connection that is made wins.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

/// The time that an address has for itself before the next one is tried too.
const STAGGER: Duration = Duration::from_millis(250);

/// The pause before an address is tried once more, once all have been tried: a packet or a handshake may be lost.
const AGAIN: Duration = Duration::from_secs(1);

/// The maximal number of repeated tries at a time. The first try of each address is never given up: it may be slow.
const MAX_REPEATED: usize = 2;

/// The reason why each address failed, in the order of the failures.
pub(crate) type Failures = Vec<(SocketAddr, io::Error)>;

/// Connects to the addresses, one after another while none is connected, and returns the first connection.
///
/// # Errors
///
/// All failures, once every try has failed. A race in which one of the tries hangs does not end by itself.
pub(crate) async fn race<T: Send + 'static, F>(
    addresses: &[SocketAddr],
    connect: impl Fn(SocketAddr) -> F,
) -> Result<(SocketAddr, T), Failures>
where
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut tries = JoinSet::new();
    let mut repeated = VecDeque::new();
    let mut failures = Vec::new();
    for (started, address) in (1..).zip(addresses.iter().cycle()) {
        let address = *address;
        let connecting = connect(address);
        let handle = tries.spawn(async move { (address, connecting.await) });
        if started > addresses.len() {
            bound(&mut repeated, handle);
        }
        let has_more = started < addresses.len();
        let next = Instant::now() + if has_more { STAGGER } else { AGAIN };
        while let Ok(Some(ended)) = timeout_at(next, tries.join_next()).await {
            match ended {
                Ok((address, Ok(connection))) => return Ok((address, connection)),
                Ok((address, Err(error))) => failures.push((address, error)),
                // It was given up.
                Err(_) => {}
            }
            if has_more {
                break;
            }
        }
        if tries.is_empty() && !has_more {
            break;
        }
    }
    Err(failures)
}

/// Adds a repeated try, and gives up the oldest one if there are too many.
fn bound(repeated: &mut VecDeque<AbortHandle>, handle: AbortHandle) {
    repeated.push_back(handle);
    if repeated.len() > MAX_REPEATED
        && let Some(oldest) = repeated.pop_front()
    {
        oldest.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, mpsc};

    use super::*;

    /// The ports that were tried, in order.
    type Tried = Arc<Mutex<Vec<u16>>>;

    fn addresses(ports: std::ops::Range<u16>) -> Vec<SocketAddr> {
        ports
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
            .collect()
    }

    /// Races the ports, each of which ends as `outcome` says for its n-th try.
    async fn race_ports<F>(
        ports: std::ops::Range<u16>,
        outcome: impl Fn(u16, usize) -> F,
    ) -> (Result<u16, usize>, Vec<u16>)
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let tried = Tried::default();
        let addresses = addresses(ports);
        let raced = race(&addresses, |address| {
            let mut tried = tried.lock().unwrap();
            let port = address.port();
            let earlier = tried.iter().filter(|tried| **tried == port).count();
            tried.push(port);
            outcome(port, earlier)
        });
        let raced = tokio::time::timeout(Duration::from_secs(20), raced).await;
        let ended = raced
            .expect("the race ends")
            .map(|(address, ())| address.port());
        let ports = tried.lock().unwrap().clone();
        (ended.map_err(|failures| failures.len()), ports)
    }

    #[tokio::test]
    async fn first_address_wins_alone() {
        let (won, tried) = race_ports(1..4, |_, _| async { Ok(()) }).await;
        assert_eq!((won, tried), (Ok(1), vec![1]));
    }

    #[tokio::test]
    async fn next_address_is_tried_at_once_after_a_failure() {
        assert!(is_second_tried_within(Duration::from_millis(100), false).await);
        let (won, tried) = race_ports(1..4, |port, _| async move {
            if port == 3 {
                Ok(())
            } else {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        })
        .await;
        assert_eq!((won, tried), (Ok(3), vec![1, 2, 3]));
    }

    /// Returns whether the second address is tried before a timer fires that was set when the first was tried, given
    /// whether the first hangs or refuses.
    ///
    /// The runtime runs tasks in the order in which their timers fire, also if it is late for all of them.
    async fn is_second_tried_within(time: Duration, does_first_hang: bool) -> bool {
        let is_over = Arc::new(AtomicBool::new(false));
        let was_over = Arc::clone(&is_over);
        let (second, tried_when) = mpsc::channel();
        let race = race_ports(1..3, move |port, _| {
            if port == 1 {
                let timer = tokio::time::sleep(time);
                let is_over = Arc::clone(&is_over);
                tokio::spawn(async move {
                    timer.await;
                    is_over.store(true, Ordering::Relaxed);
                });
            } else {
                second.send(was_over.load(Ordering::Relaxed)).unwrap();
            }
            async move {
                match port {
                    1 if does_first_hang => pending().await,
                    1 => Err(io::ErrorKind::ConnectionRefused.into()),
                    _ => Ok(()),
                }
            }
        });
        let (won, tried) = tokio::spawn(race).await.unwrap();
        assert_eq!((won, tried), (Ok(2), vec![1, 2]));
        !tried_when.recv().unwrap()
    }

    #[tokio::test]
    async fn address_that_hangs_delays_the_next_one_by_quarter_of_second() {
        assert!(is_second_tried_within(Duration::from_millis(350), true).await);
        assert!(!is_second_tried_within(Duration::from_millis(150), true).await);
    }

    #[tokio::test]
    async fn address_that_hangs_is_tried_again() {
        let (won, tried) = race_ports(1..2, |_, earlier| async move {
            if earlier == 0 {
                pending().await
            } else {
                Ok(())
            }
        })
        .await;
        assert_eq!((won, tried), (Ok(1), vec![1, 1]));
    }

    #[tokio::test]
    async fn slow_address_wins_although_it_is_tried_again() {
        let slow = STAGGER + AGAIN * 3;
        let (won, tried) = race_ports(1..2, move |_, earlier| async move {
            if earlier > 0 {
                pending::<()>().await;
            }
            tokio::time::sleep(slow).await;
            Ok(())
        })
        .await;
        assert_eq!((won, tried.len()), (Ok(1), 4));
    }

    #[tokio::test]
    async fn race_ends_when_every_address_has_failed() {
        let refused = |_, _| async { Err(io::ErrorKind::ConnectionRefused.into()) };
        let (won, tried) = race_ports(1..4, refused).await;
        assert_eq!((won, tried), (Err(3), vec![1, 2, 3]));
    }
}
