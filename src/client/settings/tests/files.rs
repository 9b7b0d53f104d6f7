//! Options that name files.

use std::io::Write as _;

use tempfile::NamedTempFile;

use super::super::environment::variable;
use super::{failure, from_json, from_variables, url};
use crate::client::{Client, ClientBuilder};

fn file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

/// Returns what the environment and a file make of an option with that path.
fn with(option: &str, path: &str) -> [Result<ClientBuilder, String>; 2] {
    let variables = [("CENTRIFUGO_URL", url()), (&*variable(option), path)];
    let of_environment = from_variables(&variables);
    let json = serde_json::json!({"url": url(), option: path});
    let settings = from_json(&json.to_string()).unwrap();
    [of_environment, settings.builder()].map(|built| built.map_err(|error| error.to_string()))
}

/// Checks the errors of an option with a file of that content.
#[track_caller]
fn assert_refused(option: &str, content: &[u8], expected: &str) {
    let file = file(content);
    let path = file.path().to_str().unwrap();
    let [of_environment, of_file] = with(option, path).map(failure);
    assert!(
        of_environment.starts_with(&variable(option)),
        "{of_environment}"
    );
    assert!(of_file.starts_with(option), "{of_file}");
    for error in [of_environment, of_file] {
        assert!(error.contains(path) && error.contains(expected), "{error}");
    }
}

#[test]
fn secrets_are_read_from_files_without_their_line_end() {
    let key = Client::builder(url()).api_key("the-secret");
    let token = Client::builder(url()).bearer_token("the-secret");
    for (option, expected) in [("api_key_file", key), ("bearer_token_file", token)] {
        let expected = expected.described();
        for content in ["the-secret", "the-secret\n", "the-secret\r\n"] {
            let file = file(content.as_bytes());
            for builder in with(option, file.path().to_str().unwrap()) {
                assert_eq!(builder.unwrap().described(), expected, "{content:?}");
            }
        }
    }
}

#[test]
fn mistakes_in_files_of_secrets_are_named_without_the_secret() {
    for option in ["api_key_file", "bearer_token_file"] {
        assert_refused(option, b"", "is empty");
        assert_refused(option, b"\n", "is empty");
        assert_refused(option, b"the-secret\xff", "not UTF-8");
        for content in [" the-secret", "the-secret\n\n", "the-secret \n"] {
            assert_refused(option, content.as_bytes(), "white space");
            let file = file(content.as_bytes());
            for built in with(option, file.path().to_str().unwrap()) {
                assert!(!failure(built).contains("the-secret"));
            }
        }
    }
}

#[test]
fn file_that_cannot_be_read_is_named() {
    for error in with("api_key_file", "/no/such/file").map(failure) {
        assert!(error.contains("cannot read `/no/such/file`"), "{error}");
    }
}

#[test]
fn secret_and_its_file_exclude_one_another() {
    for (name, file) in [
        ("CENTRIFUGO_API_KEY", "CENTRIFUGO_API_KEY_FILE"),
        ("CENTRIFUGO_BEARER_TOKEN", "CENTRIFUGO_BEARER_TOKEN_FILE"),
    ] {
        let variables = [
            ("CENTRIFUGO_URL", url()),
            (name, "the-secret"),
            (file, "/no/such/file"),
        ];
        let error = failure(from_variables(&variables));
        let expected = format!("{name} and {file} are both set");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[cfg(feature = "_tls")]
#[test]
fn certificates_are_read_from_files() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = key.cert.pem();
    let identity = format!("{certificate}{}", key.signing_key.serialize_pem());

    let expected = Client::builder(url())
        .root_certificate(&certificate)
        .described();
    let root = file(certificate.as_bytes());
    for builder in with("root_certificate_file", root.path().to_str().unwrap()) {
        assert_eq!(builder.unwrap().described(), expected);
    }

    let expected = Client::builder(url()).identity(&identity).described();
    let with_key = file(identity.as_bytes());
    for builder in with("identity_file", with_key.path().to_str().unwrap()) {
        assert_eq!(builder.unwrap().described(), expected);
    }

    assert_refused("root_certificate_file", b"", "no certificate");
    assert_refused("root_certificate_file", b"not PEM", "no certificate");
    assert_refused("identity_file", certificate.as_bytes(), "no private key");
}
