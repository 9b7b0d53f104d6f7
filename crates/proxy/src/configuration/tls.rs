//! TLS: the certificates with which Centrifugo calls the handlers.

use super::section::Section;
use crate::error::Error;

/// The options of TLS, as the user gave them.
#[derive(Clone, Default)]
pub(super) struct Tls {
    pub(super) server_ca: Option<String>,
    pub(super) client_certificate: Option<String>,
    pub(super) client_key: Option<String>,
    pub(super) server_name: Option<String>,
}

impl Tls {
    fn options(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("cert_pem", self.client_certificate.as_deref()),
            ("key_pem", self.client_key.as_deref()),
            ("server_ca_pem", self.server_ca.as_deref()),
            ("server_name", self.server_name.as_deref()),
        ]
    }

    fn is_set(&self) -> bool {
        self.options().iter().any(|(_, value)| value.is_some())
    }

    /// Checks the options. None of them may be there if no endpoint is encrypted.
    pub(super) fn check(&self, is_encrypted: bool) -> Result<(), Error> {
        if self.is_set() && !is_encrypted {
            return Err(Error::new(
                "there are options of TLS, but no endpoint has it: begin the HTTP endpoint with https://, or that of gRPC with \
                 grpcs://",
            ));
        }
        check_pem("`server_ca`", self.server_ca.as_deref(), "CERTIFICATE")?;
        let certificate = self.client_certificate.as_deref();
        check_pem("the certificate of the client", certificate, "CERTIFICATE")?;
        let key = self.client_key.as_deref();
        check_pem("the key of the client", key, "PRIVATE KEY")?;
        if self
            .server_name
            .as_deref()
            .is_some_and(|name| !is_name(name))
        {
            return Err(Error::new("`server_name` is not a valid name of a host"));
        }
        Ok(())
    }

    /// Returns the section of a proxy whose endpoint is encrypted. Without options, HTTP needs none.
    pub(super) fn section(&self, is_http: bool) -> Section {
        let mut section = Section::default();
        if is_http && !self.is_set() {
            return section;
        }
        section.set("enabled", true);
        for (option, value) in self.options() {
            if let Some(value) = value {
                section.set(option, value);
            }
        }
        section
    }
}

/// Checks that a value is the path of a file, or PEM with such a block.
fn check_pem(name: &str, value: Option<&str>, block: &str) -> Result<(), Error> {
    let Some(value) = value else { return Ok(()) };
    let is_pem = value.contains("-----BEGIN ");
    if is_pem && !value.contains(&format!("{block}-----")) {
        return Err(Error::new(format!(
            "{name} is PEM without a block `{block}`"
        )));
    }
    let is_path = !value.is_empty() && !value.contains(['\n', '\0']);
    if !is_pem && !is_path {
        return Err(Error::new(format!(
            "{name} is neither PEM nor the path of a file: a line end read from a file?"
        )));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_graphic() && !b"/@[]".contains(&byte);
    !name.is_empty() && name.bytes().all(is_valid)
}
