//! Tests of lookups, and of the order of addresses.

use std::pin::{Pin, pin};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};

use super::*;

const HOST: &str = "centrifugo.invalid";

fn address(last: u8) -> SocketAddr {
    ([192, 0, 2, last], 8000).into()
}

/// Runs a future in a runtime of its own.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Polls a future once.
fn is_pending(future: Pin<&mut impl Future>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    future.poll(&mut context).is_pending()
}

/// Returns the names of a resolver that returns these addresses, and the number of lookups so far.
fn counted(addresses: &[SocketAddr]) -> (Names, Arc<AtomicUsize>) {
    let addresses = addresses.to_vec();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let names = Names::with_resolver(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(addresses.clone())
    });
    (names, count)
}

#[test]
fn addresses_are_looked_up_when_the_answer_is_too_old() {
    let (names, count) = counted(&[address(1)]);
    run(async {
        for _ in 0..3 {
            assert_eq!(names.addresses(HOST, 8000).await.unwrap(), [address(1)]);
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        names.expire();
        names.addresses(HOST, 8000).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
        // All its addresses have failed: the host may have moved.
        names.failed(address(1));
        names.addresses(HOST, 8000).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 2);
        lock(&names.state).make_older(MAX_AGE_WHEN_DOWN);
        names.addresses(HOST, 8000).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn old_answer_is_not_used_when_the_lookup_fails() {
    let answers = Mutex::new(vec![Err(io::ErrorKind::Other.into()), Ok(vec![address(1)])]);
    let names = Names::with_resolver(move |_, _| answers.lock().unwrap().pop().unwrap());
    run(async {
        names.addresses(HOST, 8000).await.unwrap();
        names.expire();
        names.addresses(HOST, 8000).await.unwrap_err();
    });
}

#[test]
fn literal_is_not_looked_up() {
    let (names, count) = counted(&[]);
    run(async {
        for (host, expected) in [
            ("::1", "[::1]:7"),
            ("[::1]", "[::1]:7"),
            ("127.0.0.1", "127.0.0.1:7"),
        ] {
            let found = names.addresses(host, 7).await.unwrap();
            assert_eq!(found, [expected.parse().unwrap()]);
        }
    });
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[test]
fn address_that_works_is_first_until_it_fails() {
    let (names, _) = counted(&[1, 2, 3, 4].map(address));
    let order = || run(names.addresses(HOST, 8000)).unwrap();
    assert_eq!(order(), [1, 2, 3, 4].map(address));
    names.succeeded(address(3));
    assert_eq!(order(), [3, 1, 2, 4].map(address));
    names.succeeded(address(2));
    names.succeeded(address(3));
    assert_eq!(order(), [3, 2, 1, 4].map(address));
    names.failed(address(3));
    names.failed(address(1));
    assert_eq!(order(), [2, 4, 3, 1].map(address));
    // It is well again, but so is the one that is called now.
    names.succeeded(address(3));
    assert_eq!(order(), [2, 3, 4, 1].map(address));
}

#[test]
fn answer_that_flaps_does_not_forget_the_health_of_addresses() {
    let count = AtomicUsize::new(0);
    let names = Names::with_resolver(move |_, _| {
        let is_even = count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        let all = [1, 2, 3].map(address);
        Ok(if is_even {
            all.to_vec()
        } else {
            all[1..].to_vec()
        })
    });
    let order = || run(names.addresses(HOST, 8000)).unwrap();
    order();
    names.failed(address(1));
    names.succeeded(address(3));
    names.expire();
    assert_eq!(order(), [3, 2].map(address));
    names.expire();
    assert_eq!(order(), [3, 2, 1].map(address));
}

#[test]
fn health_of_many_addresses_is_bounded() {
    let (names, _) = counted(&[]);
    for last in 0..MAX_KNOWN + 10 {
        names.failed(([127, 0, 0, 1], u16::try_from(last).unwrap()).into());
    }
    let state = lock(&names.state);
    assert_eq!(state.health.len(), MAX_KNOWN);
    assert!(state.health.contains_key(&([127, 0, 0, 1], 10).into()));
}

#[test]
fn callers_share_a_lookup() {
    const CALLERS: usize = 8;
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let names = Names::with_resolver(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        released.lock().unwrap().recv().unwrap();
        Ok(vec![address(1)])
    });
    let all_wait = Barrier::new(CALLERS + 1);
    thread::scope(|scope| {
        let call = || {
            run(async {
                let mut addresses = pin!(names.addresses(HOST, 8000));
                assert!(is_pending(addresses.as_mut()));
                all_wait.wait();
                assert_eq!(addresses.await.unwrap(), [address(1)]);
            });
        };
        (0..CALLERS).for_each(|_| drop(scope.spawn(call)));
        // A caller whose runtime ends does not end the lookup.
        run(async { assert!(is_pending(pin!(names.addresses(HOST, 8000)))) });
        all_wait.wait();
        release.send(()).unwrap();
    });
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn lookup_that_hangs_stops_neither_its_name_nor_others() {
    let (hangs, hung) = mpsc::channel();
    let is_first = AtomicBool::new(true);
    let names = Names::with_resolver(move |host, _| {
        if host == HOST && is_first.swap(false, Ordering::SeqCst) {
            hangs.send(()).unwrap();
            loop {
                thread::park();
            }
        }
        Ok(vec![address(1)])
    });
    run(async {
        assert!(is_pending(pin!(names.addresses(HOST, 8000))));
        hung.recv().unwrap();
        names.addresses("other.invalid", 8000).await.unwrap();
        // Another lookup of the same name begins after `PATIENCE`.
        names.addresses(HOST, 8000).await.unwrap();
    });
}

#[test]
fn no_more_than_two_lookups_of_a_name_hang() {
    let mut name = Name::default();
    let began = Instant::now();
    let mut start = |after: u32| {
        let now = began + PATIENCE * after;
        let may_start = name.may_start(now);
        if may_start {
            name.running += 1;
            name.started = Some(now);
        }
        may_start
    };
    assert!(start(0) && !start(0));
    assert!(start(1) && !start(1));
    assert!(!start(60));
}
