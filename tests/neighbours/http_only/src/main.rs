//! The feature `http` alone: unencrypted URLs need no provider, although reqwest panics without one.

#[path = "../../clients.rs"]
mod clients;

fn main() {
    clients::call("http://127.0.0.1:1/api");
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let panicked = std::panic::catch_unwind(reqwest::Client::new).is_err();
    std::panic::set_hook(hook);
    assert!(
        panicked,
        "there is a provider, so that this program shows nothing"
    );
}
