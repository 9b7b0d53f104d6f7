//! Certificates: which ones the client accepts, and which one it presents.

use super::*;

const HOST: &str = "127.0.0.1";

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn certificate_of_known_authority_is_accepted() -> Outcome {
    let authority = Authority::new()?;
    let server = start_with_tls(&authority.certify(HOST)?, &[]).await;
    for transport in BOTH {
        let several = format!("{}{}", Authority::new()?.pem(), authority.pem());
        for root in [
            authority.pem().into_bytes(),
            authority.der(),
            several.into_bytes(),
        ] {
            succeeds(client_of(&server, transport).root_certificate(root)).await?;
        }
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn certificate_for_another_host_is_refused() -> Outcome {
    let authority = Authority::new()?;
    let server = start_with_tls(&authority.certify("centrifugo.example")?, &[]).await;
    for transport in BOTH {
        let client = || client_of(&server, transport).root_certificate(authority.pem());
        assert_handshake_refused(
            client(),
            "is for another host: call it by that name, or set it with server_name",
        )
        .await?;
        succeeds(client().server_name("centrifugo.example")).await?;
        assert_handshake_refused(client().server_name("other.example"), "is for another host")
            .await?;
        succeeds(client().danger_accept_invalid_certs()).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn certificate_of_unknown_authority_is_refused() -> Outcome {
    let server = start_with_tls(&Authority::new()?.certify(HOST)?, &[]).await;
    let other = Authority::new()?.pem();
    for transport in BOTH {
        let client = || client_of(&server, transport);
        for client in [client(), client().root_certificate(&other)] {
            assert_handshake_refused(
                client,
                "is from an unknown authority: add the authority with root_certificate",
            )
            .await?;
        }
        succeeds(client().danger_accept_invalid_certs()).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn expired_certificate_is_refused() -> Outcome {
    let authority = Authority::new()?;
    let server = start_with_tls(&authority.certify_expired(HOST)?, &[]).await;
    for transport in BOTH {
        let client = || client_of(&server, transport).root_certificate(authority.pem());
        assert_handshake_refused(client(), "has expired").await?;
        succeeds(client().danger_accept_invalid_certs()).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn server_that_asks_for_client_certificate_gets_identity() -> Outcome {
    let authority = Authority::new()?;
    let of_clients = Authority::new()?;
    let trusted = of_clients.pem();
    let options = [
        ("CENTRIFUGO_HTTP_SERVER_TLS_CLIENT_CA_PEM", &*trusted),
        ("CENTRIFUGO_GRPC_API_TLS_CLIENT_CA_PEM", &*trusted),
    ];
    let server = start_with_tls(&authority.certify(HOST)?, &options).await;
    for transport in BOTH {
        let client = || client_of(&server, transport).root_certificate(authority.pem());
        succeeds(client().identity(of_clients.certify("backend")?.identity())).await?;
        let error = fails(client()).await?;
        assert!(error.is_network(), "{error:?}");
        assert!(
            error
                .to_string()
                .contains("asks for a client certificate: give one with identity"),
            "{error}"
        );
        let error =
            fails(client().identity(Authority::new()?.certify("backend")?.identity())).await?;
        assert!(error.is_network(), "{error:?}");
        assert!(
            error
                .to_string()
                .contains("does it trust the authority of the certificate given with identity?"),
            "{error}"
        );
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn certificate_of_authority_itself_is_refused() -> Outcome {
    let authority = Authority::new()?;
    let server = start_with_tls(&authority.itself(), &[]).await;
    for transport in BOTH {
        let client = || client_of(&server, transport).root_certificate(authority.pem());
        assert_handshake_refused(client(), "is that of an authority (CA:TRUE)").await?;
        succeeds(client().danger_accept_invalid_certs()).await?;
    }
    Ok(())
}

/// `SSL_CERT_FILE` names what the system trusts, per process: the test runs itself in another
/// process.
#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "needs a real Centrifugo: see tests/centrifugo/README.md"]
async fn certificate_of_authority_that_the_system_trusts_is_accepted() -> Outcome {
    const URLS: &str = "CENTRIFUGO_API_TEST_URLS";
    if let Ok(urls) = std::env::var(URLS) {
        for (url, key) in urls.split(' ').zip([HTTP_KEY, GRPC_KEY]) {
            succeeds(Client::builder(url).api_key(key)).await?;
        }
        return Ok(());
    }
    let authority = Authority::new()?;
    let server = start_with_tls(&authority.certify(HOST)?, &[]).await;
    let urls = BOTH
        .map(|transport| server.url(transport).replacen("://", "s://", 1))
        .join(" ");
    let trusted = tempfile::NamedTempFile::new()?;
    std::fs::write(trusted.path(), authority.pem())?;
    let output = std::process::Command::new(std::env::current_exe()?)
        .args([
            "tls::handshakes::certificate_of_authority_that_the_system_trusts_is_accepted",
            "--exact",
            "--ignored",
        ])
        .env(URLS, urls)
        .env("SSL_CERT_FILE", trusted.path())
        .output()?;
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{output:?}"
    );
    Ok(())
}

/// Checks that no connection is made and that the error says what to do.
async fn assert_handshake_refused(builder: ClientBuilder, expected: &str) -> Outcome {
    let error = fails(builder).await?;
    assert!(error.is_network() && error.is_unsent(), "{error:?}");
    assert!(error.to_string().contains(expected), "{error}");
    Ok(())
}
