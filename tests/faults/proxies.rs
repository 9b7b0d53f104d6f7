//! The proxies of the environment. The tests call in processes of their own, which have such an environment.

use std::time::Duration;

use centrifugo_api::{Client, Coalescing, Error, InfoRequest, Status};
use centrifugo_api_testing::{Fault, Server};

use crate::Outcome;
use crate::closed_port::closed_port;

/// The variable that has the URL to be called, in the process that calls.
const URL: &str = "CENTRIFUGO_API_TEST_URL";

/// Prints the outcome of a call to the URL of the environment, which words before the URL change.
async fn call_and_print() -> Outcome {
    let text = std::env::var(URL)?;
    let words: Vec<_> = text.split(' ').collect();
    let url = words[words.len() - 1];
    let builder = Client::builder(url).api_key("api-key");
    let builder = if words.contains(&"brief") {
        builder.timeout(Duration::from_millis(300))
    } else {
        builder
    };
    let builder = if words.contains(&"direct") {
        builder.no_proxy()
    } else {
        builder
    };
    #[cfg(feature = "_tls")]
    let builder = if words.contains(&"trusting") {
        builder.danger_accept_invalid_certs()
    } else {
        builder
    };
    let outcome = match builder.build() {
        Ok(client) if words.contains(&"coalesced") => {
            let client = client.coalescing(Coalescing::default());
            client.info(InfoRequest::new()).await.map(drop)
        }
        Ok(client) => client.info(InfoRequest::new()).await.map(drop),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => println!("it succeeded"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}

/// Returns what a call in another process says, which has these variables for proxies. `test` is the test that calls.
fn output(test: &str, url: &str, proxy: &str, no_proxy: &str) -> Result<String, Error> {
    let output =
        std::process::Command::new(std::env::current_exe().expect("the test is a program"))
            .args([test, "--exact", "--nocapture"])
            .env(URL, url)
            .envs([("HTTP_PROXY", proxy), ("http_proxy", proxy)])
            .envs([("HTTPS_PROXY", proxy), ("https_proxy", proxy)])
            .envs([("NO_PROXY", no_proxy), ("no_proxy", no_proxy)])
            .env_remove("REQUEST_METHOD")
            .output()
            .expect("the process starts");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn proxy_of_the_environment_is_used_unless_disabled() -> Outcome {
    if std::env::var(URL).is_ok() {
        return call_and_print().await;
    }
    const TEST: &str = "proxies::proxy_of_the_environment_is_used_unless_disabled";
    // Longer than a label of a name may be: no resolver queries the network for it.
    let host = format!("{}.invalid", "x".repeat(64));
    let url = format!("http://{host}/api");
    let server = Server::builder().api_key("api-key").start()?;
    let proxy = server.url().trim_end_matches("/api").to_owned();
    for (url, no_proxy, expected) in [
        (url.clone(), "", "it succeeded"),
        (url.clone(), &*host, "the host name cannot be resolved"),
        (
            format!("direct {url}"),
            "",
            "the host name cannot be resolved",
        ),
    ] {
        let output = output(TEST, &url, &proxy, no_proxy)?;
        assert!(output.contains(expected), "{url} {no_proxy}: {output}");
    }
    assert_eq!(server.take_requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn proxy_is_named_in_errors_and_not_used_for_this_machine() -> Outcome {
    if std::env::var(URL).is_ok() {
        return call_and_print().await;
    }
    const TEST: &str = "proxies::proxy_is_named_in_errors_and_not_used_for_this_machine";
    let server = Server::builder().api_key("api-key").start()?;
    let busy = Server::builder().api_key("api-key").start()?;
    busy.fail_next(3, Fault::status(Status::Http(503)))?;
    let closed = closed_port()?;
    let closed = format!("http://{}", closed.local_addr()?);
    let local = server.url().replace("127.0.0.1", "localhost");
    let elsewhere = "http://centrifugo.invalid/api";
    let busy = busy.url().trim_end_matches("/api").to_owned();
    for (url, proxy, expected) in [
        (&*server.url(), &*closed, "it succeeded".to_owned()),
        (&*local, &*closed, "it succeeded".to_owned()),
        (elsewhere, &*closed, format!("through the proxy {closed}")),
        (elsewhere, &*busy, format!("(through the proxy {busy})")),
    ] {
        let output = output(TEST, url, proxy, "")?;
        assert!(output.contains(&expected), "{url} {proxy}: {output}");
    }
    // It accepts connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = silent.local_addr()?;
    for words in ["brief", "brief coalesced"] {
        let proxy = format!("http://user:secret@{address}");
        let output = output(TEST, &format!("{words} {elsewhere}"), &proxy, "")?;
        let expected =
            format!("within 300ms through the proxy http://{address}; the call may have run");
        assert!(output.contains(&expected), "{words}: {output}");
        assert!(!output.contains("secret"), "{output}");
    }
    Ok(())
}

/// The embedded server, behind TLS.
#[cfg(feature = "_tls")]
async fn encrypted(server: &Server) -> Result<crate::front::Front, Box<dyn std::error::Error>> {
    use crate::front::{Front, Manner, acceptor};
    let identity = crate::authority::Authority::new()?.certify("node.invalid")?;
    let tls = acceptor(&identity.identity())?;
    let address = server.url().replace("http://", "").replace("/api", "");
    Ok(Front::start(address.parse()?, Some(tls), |_| Manner::Pass).await?)
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(feature = "_tls")]
async fn calls_over_https_pass_through_a_tunnel() -> Outcome {
    use crate::passing_proxy::{Asked, PassingProxy};
    if std::env::var(URL).is_ok() {
        return call_and_print().await;
    }
    const TEST: &str = "proxies::calls_over_https_pass_through_a_tunnel";
    let server = Server::builder().api_key("api-key").start()?;
    let front = encrypted(&server).await?;
    let proxy = PassingProxy::start(Asked::Connect, front.address).await?;
    let url = "trusting https://node.invalid/api";
    let output = output(
        TEST,
        url,
        &format!("http://anna:secret@{}", proxy.address),
        "",
    )?;
    assert!(output.contains("it succeeded"), "{output}");
    let asked_for = proxy.asked_for().join("; ").to_ascii_lowercase();
    // "anna:secret" in base64.
    let expected = "connect node.invalid:443 http/1.1, proxy-authorization: basic yw5uytpzzwnyzxq=";
    assert_eq!(asked_for, expected);
    assert_eq!(server.take_requests().len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(feature = "socks")]
async fn calls_pass_through_a_socks_proxy() -> Outcome {
    use crate::passing_proxy::{Asked, PassingProxy};
    if std::env::var(URL).is_ok() {
        return call_and_print().await;
    }
    const TEST: &str = "proxies::calls_pass_through_a_socks_proxy";
    let server = Server::builder().api_key("api-key").start()?;
    let address = server.url().replace("http://", "").replace("/api", "");
    let proxy = PassingProxy::start(Asked::Socks5, address.parse()?).await?;
    for (scheme, host, asked_for) in [
        // The proxy looks the name up, or the client does.
        ("socks5h", "node.invalid", "node.invalid:80"),
        ("socks5", "192.0.2.1:8000", "192.0.2.1:8000"),
    ] {
        let through = format!("{scheme}://anna:secret@{}", proxy.address);
        let output = output(TEST, &format!("http://{host}/api"), &through, "")?;
        assert!(output.contains("it succeeded"), "{output}");
        let expected = format!("{asked_for} by anna, secret");
        assert!(
            proxy.asked_for().contains(&expected),
            "{:?}",
            proxy.asked_for()
        );
    }
    assert_eq!(server.take_requests().len(), 2);
    Ok(())
}

#[tokio::test]
async fn proxy_that_needs_feature_which_is_off_is_refused_in_build() -> Outcome {
    if std::env::var(URL).is_ok() {
        return call_and_print().await;
    }
    const TEST: &str = "proxies::proxy_that_needs_feature_which_is_off_is_refused_in_build";
    // The URL has no TLS, but the connection to such a proxy does.
    let url = "http://centrifugo.invalid/api";
    for (scheme, feature, is_on) in [
        ("socks5", "socks", cfg!(feature = "socks")),
        ("https", "tls", cfg!(feature = "_tls")),
    ] {
        let proxy = format!("{scheme}://user:secret@127.0.0.1:1");
        let output = output(TEST, url, &proxy, "")?;
        let refusal = format!("needs the feature `{feature}` of centrifugo-api");
        assert_eq!(output.contains(&refusal), !is_on, "{output}");
        let is_named = output.contains(&format!("the proxy {scheme}://127.0.0.1:1"));
        assert!(is_named && !output.contains("secret"), "{output}");
    }
    Ok(())
}
