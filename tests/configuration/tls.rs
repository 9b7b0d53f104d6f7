//! Certificates and keys.

use centrifugo_api::Client;

use crate::certificates::{CERTIFICATE, KEY, OTHER_KEY};
use crate::{Outcome, assert_config, urls};

#[test]
fn tls_options_without_tls_are_found() {
    for url in urls() {
        let expected = |option| [option, "https or grpcs URL", url];
        assert_config(
            Client::builder(url).root_certificate(CERTIFICATE),
            &expected("root_certificate"),
        );
        assert_config(
            Client::builder(url).identity(CERTIFICATE),
            &expected("identity"),
        );
        assert_config(
            Client::builder(url).danger_accept_invalid_certs(),
            &expected("danger_accept_invalid_certs"),
        );
    }
}

/// The URLs of the transports that are compiled in, with TLS.
fn tls_urls() -> Vec<String> {
    urls()
        .into_iter()
        .map(|url| url.replacen("://", "s://", 1))
        .collect()
}

#[test]
fn mistakes_in_certificates_are_named_with_their_fix() {
    let key_alone = KEY.to_owned();
    let cut = CERTIFICATE.replace("-----END CERTIFICATE-----", "");
    let garbled = CERTIFICATE.replace("MIIB", "!!!!");
    let no_certificate =
        "-----BEGIN CERTIFICATE-----\nAAECAwQF\n-----END CERTIFICATE-----\n".to_owned();
    for url in tls_urls() {
        let builder = || Client::builder(&url);
        for pem in [
            "",
            "no PEM",
            "\u{0}\u{1}",
            &key_alone,
            &cut,
            &garbled,
            &no_certificate,
        ] {
            assert_config(builder().root_certificate(pem), &["root_certificate"]);
            assert_config(
                builder()
                    .root_certificate(CERTIFICATE)
                    .root_certificate(pem),
                &["root_certificate"],
            );
            assert_config(builder().identity(pem), &["identity"]);
        }
        assert_config(
            builder().identity(CERTIFICATE),
            &["identity", "no private key"],
        );
        assert_config(
            builder().identity(format!("{no_certificate}{KEY}")),
            &["identity"],
        );
        assert_config(
            builder().identity(format!("{CERTIFICATE}{OTHER_KEY}")),
            &["identity"],
        );
    }
}

#[test]
fn good_certificates_are_taken() -> Outcome {
    for url in tls_urls() {
        let two = format!("# a comment\n{CERTIFICATE}\r\n{CERTIFICATE}");
        Client::builder(&url)
            .root_certificate(two)
            .identity(format!("{CERTIFICATE}{KEY}"))
            .build()?;
        Client::builder(&url)
            .identity(format!("{KEY}{CERTIFICATE}"))
            .danger_accept_invalid_certs()
            .build()?;
        Client::builder(&url).build()?;
    }
    Ok(())
}
