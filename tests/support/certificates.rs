//! A certificate of `localhost` and `127.0.0.1` that no authority has signed, valid to 2126, with keys that guard
//! nothing:
//!
//! ```sh
//! openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out key.pem
//! openssl req -x509 -new -key key.pem -subj /CN=localhost -days 36500 \
//!     -addext subjectAltName=DNS:localhost,IP:127.0.0.1
//! ```

pub(crate) const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUI4mr27xjlc3ItZjtNxb/W3YY94QwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE4MjgxMFoYDzIxMjYxMDI5
MTgyODEwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARhDFSVUnm3gvhQ2bVtwn9pDMecoa4hWlrkMVHJkIGFfftfXBIMvc0o
EjUy0GDd/+D2r0m0q6dJcIwvF67j7oJso28wbTAdBgNVHQ4EFgQUR6lW+K+XBxqM
CIGvK9CI2+2pRHowHwYDVR0jBBgwFoAUR6lW+K+XBxqMCIGvK9CI2+2pRHowDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgG21/eL8Uoa9GqiChxC/iqAj53dT4gExa+9/9BWpDi1YCIQD4
ZXsWKVzU1i00IKOhvdb+5SRbA9Ndz/pCTgH+9Yl6GA==
-----END CERTIFICATE-----
";

/// The certificate's private key.
pub(crate) const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4gjzhhpiewXxQLul
dcIlI/95RalJNAwsr+GsJxVLExOhRANCAARhDFSVUnm3gvhQ2bVtwn9pDMecoa4h
WlrkMVHJkIGFfftfXBIMvc0oEjUy0GDd/+D2r0m0q6dJcIwvF67j7oJs
-----END PRIVATE KEY-----
";

/// A private key of no certificate.
pub(crate) const OTHER_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLiZQ6tQBOdkmMGIo
4KWgWI9N0PnRJ29SvZ0hfYBBT9OhRANCAAQzi/JyXjZO9m5ghIoy1d/flAVZ2guI
8t93QCMuCuB5ZVk0rNCEmR/L1doSKQjogeM93yl2gxeB/rX1GgN3BkHr
-----END PRIVATE KEY-----
";
