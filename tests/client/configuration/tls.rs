//! Certificates and keys.

use centrifugo_api::Client;

use super::{assert_config, urls};
use crate::Outcome;
use crate::authority::{Authority, Certified};

#[test]
fn tls_options_without_tls_are_found() -> Outcome {
    let certificate = Authority::new()?.pem();
    for url in urls() {
        let expected = |option| [option, "https or grpcs URL", url];
        assert_config(
            Client::builder(url).root_certificate(&certificate),
            &expected("root_certificate"),
        );
        assert_config(
            Client::builder(url).identity(&certificate),
            &expected("identity"),
        );
        assert_config(
            Client::builder(url).danger_accept_invalid_certs(),
            &expected("danger_accept_invalid_certs"),
        );
    }
    Ok(())
}

/// Returns the URLs of the transports that are compiled in, with TLS.
fn tls_urls() -> Vec<String> {
    urls()
        .into_iter()
        .map(|url| url.replacen("://", "s://", 1))
        .collect()
}

#[test]
fn mistakes_in_certificates_are_named_with_their_fix() -> Outcome {
    let Certified { certificate, key } = Authority::new()?.itself();
    let other_key = Authority::new()?.itself().key;
    let cut = certificate.replace("-----END CERTIFICATE-----", "");
    let garbled = certificate.replace("MIIB", "!!!!");
    assert_ne!(garbled, certificate);
    let no_certificate =
        "-----BEGIN CERTIFICATE-----\nAAECAwQF\n-----END CERTIFICATE-----\n".to_owned();
    for url in tls_urls() {
        let builder = || Client::builder(&url);
        for pem in [
            "",
            "no PEM",
            "\u{0}\u{1}",
            &key,
            &cut,
            &garbled,
            &no_certificate,
        ] {
            assert_config(builder().root_certificate(pem), &["root_certificate"]);
            assert_config(
                builder()
                    .root_certificate(&certificate)
                    .root_certificate(pem),
                &["root_certificate"],
            );
            assert_config(builder().identity(pem), &["identity"]);
        }
        assert_config(
            builder().identity(&certificate),
            &["identity", "no private key"],
        );
        assert_config(
            builder().identity(format!("{no_certificate}{key}")),
            &["identity"],
        );
        assert_config(
            builder().identity(format!("{certificate}{other_key}")),
            &["identity"],
        );
    }
    Ok(())
}

#[test]
fn valid_certificates_are_accepted() -> Outcome {
    let Certified { certificate, key } = Authority::new()?.itself();
    for url in tls_urls() {
        let two = format!("# a comment\n{certificate}\r\n{certificate}");
        Client::builder(&url)
            .root_certificate(two)
            .identity(format!("{certificate}{key}"))
            .build()?;
        Client::builder(&url)
            .identity(format!("{key}{certificate}"))
            .danger_accept_invalid_certs()
            .build()?;
        Client::builder(&url).build()?;
    }
    Ok(())
}
