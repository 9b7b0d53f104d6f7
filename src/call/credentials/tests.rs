//! The times at which a provider is asked, and the secrets that are hidden.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::secret::{REMEMBERED, Secret, Source};
use super::{Credential, Deadline, Scheme};
use crate::call::Provider;

const LIFETIME: Duration = Duration::from_secs(600);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

fn name(number: usize) -> String {
    format!("key-number-{number}")
}

fn secret(source: Source) -> Secret {
    Secret::new(source, Scheme::XApiKey).unwrap()
}

/// Returns a secret whose provider returns what `provide` returns for the first, second… time.
fn provided(
    provide: impl Fn(usize) -> Result<Credential, &'static str> + Send + Sync + 'static,
) -> Secret {
    let asked = AtomicUsize::new(0);
    secret(Source::Provider(Provider::new(move || {
        std::future::ready(provide(asked.fetch_add(1, Ordering::SeqCst)))
    })))
}

/// Returns the header's text as an attempt gets it, and lets a fetch end that the attempt does not wait for.
fn used(secret: &Secret) -> Result<String, String> {
    let header = secret.at_hand().map_or_else(
        || {
            let deadline = Deadline::new(Duration::from_secs(10), None, None);
            block_on(async {
                let header = secret.header("publish", deadline).await;
                tokio::task::yield_now().await;
                header
            })
        },
        Ok,
    );
    let (_, value) = header.map_err(|error| error.to_string())?.unwrap();
    Ok(value.to_str().unwrap().to_owned())
}

/// Returns a credential of which that much is left.
fn with_left(number: usize, left: Duration) -> Credential {
    Credential {
        secret: name(number),
        made: Instant::now().checked_sub(LIFETIME - left).unwrap(),
        expires: Some(Instant::now() + left),
    }
}

#[test]
fn credential_is_replaced_shortly_before_it_expires() {
    let fresh = provided(|number| Ok(with_left(number, LIFETIME / 2)));
    assert_eq!([used(&fresh), used(&fresh)], [Ok(name(0)), Ok(name(0))]);
    // A tenth of the lifetime is left.
    let old = provided(|number| Ok(with_left(number, LIFETIME / 10)));
    // The call that finds that does not wait for the next one.
    let all = [used(&old), used(&old), used(&old)];
    assert_eq!(all, [Ok(name(0)), Ok(name(0)), Ok(name(1))]);
}

#[test]
fn valid_credential_is_used_while_the_provider_fails() {
    let secret = provided(|number| match number {
        0 => Ok(with_left(0, LIFETIME / 20)),
        1 => Err("the vault is sealed"),
        _ => panic!("the provider is asked again within a second"),
    });
    let all = [(); 3].map(|()| used(&secret));
    assert_eq!(all, [(); 3].map(|()| Ok(name(0))));
}

#[test]
fn expired_credential_is_not_used() {
    let secret = provided(|number| match number {
        0 => Ok(with_left(0, Duration::ZERO)),
        _ => Err("the vault is sealed"),
    });
    used(&secret).unwrap();
    assert!(used(&secret).unwrap_err().contains("the vault is sealed"));
}

#[test]
fn fixed_credential_takes_the_place_of_the_provider() {
    let secret = provided(|number| Ok(Credential::new(name(number))));
    used(&secret).unwrap();
    secret.set("fixed".to_owned()).unwrap();
    assert_eq!(used(&secret), Ok("fixed".to_owned()));
    let refused = secret.at_hand().unwrap().unwrap();
    assert!(!secret.refuse(&refused));
}

#[test]
fn keys_change_in_order_and_each_is_hidden() {
    let last_key = REMEMBERED - 1;
    let key = secret(Source::Fixed(name(0)));
    let read = || {
        let mut last = 0;
        while last < last_key {
            let used = used(&key).unwrap();
            assert!(key.secrets().contains(&used), "{used} is not hidden");
            let number = (0..REMEMBERED)
                .find(|number| name(*number) == used)
                .unwrap();
            assert!(number >= last, "{number} after {last}");
            last = number;
            thread::yield_now();
        }
    };
    thread::scope(|scope| {
        (0..2).for_each(|_| drop(scope.spawn(read)));
        scope.spawn(|| (1..REMEMBERED).for_each(|number| key.set(name(number)).unwrap()));
    });
}

/// Each thread has a runtime here, and a fetch.
#[test]
fn credential_of_each_runtime_is_hidden() {
    const THREADS: usize = 4;
    let start = Barrier::new(THREADS);
    let secret = provided(|number| Ok(Credential::new(name(number))));
    let call = || {
        start.wait();
        let used = used(&secret).unwrap();
        assert!(secret.secrets().contains(&used));
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(call))));
}

#[test]
fn alternating_keys_do_not_evict_others() {
    let secret = provided(|number| {
        let name = name(if number == 0 { 0 } else { 1 + number % 2 });
        Ok(Credential::new(name).expires_in(Duration::ZERO))
    });
    (0..3 * REMEMBERED).for_each(|_| drop(used(&secret)));
    assert!(secret.secrets().contains(&name(0)));
}
