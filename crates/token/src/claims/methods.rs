//! The methods that connection and subscription claims share.

/// The methods of the claims of both kinds. `standard` is the field with the claims.
macro_rules! standard_methods {
    ($expires:literal, $kind:literal) => {
        #[doc = concat!("Sets the time at which the *", $expires, "* expires (`expire_at`), if it is another one than that of the token.")]
        ///
        #[doc = concat!("Without it, the ", $expires, " expires with the token that opened it, and the client SDK asks for a new one.")]
        ///
        /// The last call of this method and [`one_time`](Self::one_time) counts.
        pub fn expire_at(mut self, expiry: $crate::Expiry) -> Self {
            self.standard.expire_at = Some(expiry);
            self
        }

        #[doc = concat!("Lets the ", $expires, " outlive the token, which then serves only to open it (`expire_at` 0).")]
        ///
        /// Such a token may expire after seconds. Centrifugo does not count uses: the token can be used again until it expires.
        ///
        /// The last call of this method and [`expire_at`](Self::expire_at) counts.
        pub fn one_time(self) -> Self {
            self.expire_at($crate::Expiry::never())
        }

        /// Sets the time before which the token is not valid (`nbf`): Centrifugo refuses it until then with error 109.
        /// The last call counts.
        pub fn not_before(mut self, time: ::std::time::SystemTime) -> Self {
            self.standard.not_before = Some(time);
            self
        }

        /// Sets the time at which the token was issued (`iat`), if it is another one than that of signing. It cannot be in the
        /// future. Centrifugo PRO revokes tokens by it. The last call counts.
        pub fn issued_at(mut self, time: ::std::time::SystemTime) -> Self {
            self.standard.issued_at = Some(time);
            self
        }

        /// Sets the token's ID (`jti`), by which Centrifugo PRO revokes a single token. By default each token has a random UUID.
        /// The last call of this method and [`without_id`](Self::without_id) counts.
        pub fn id(mut self, id: impl Into<String>) -> Self {
            self.standard.id = $crate::claims::standard::TokenId::Fixed(id.into());
            self
        }

        /// Omits the token's ID (`jti`). The token is shorter, and cannot be revoked by itself. The last call of this method and
        /// [`id`](Self::id) counts.
        pub fn without_id(mut self) -> Self {
            self.standard.id = $crate::claims::standard::TokenId::Absent;
            self
        }

        /// Adds an audience (`aud`), of which there may be several. One of them must be Centrifugo's `client.token.audience`, if
        /// that is configured.
        pub fn audience(mut self, audience: impl Into<String>) -> Self {
            self.standard.audience.push(audience.into());
            self
        }

        /// Sets the issuer (`iss`). It must be Centrifugo's `client.token.issuer`, if that is configured. The last call counts.
        pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
            self.standard.issuer = Some(issuer.into());
            self
        }

        #[doc = concat!("Sets what other clients see of the ", $expires, " (`info`, or `b64info` for [`binary`](centrifugo_api::binary)")]
        /// payloads): in presence, in join and leave messages, and in publications of the client. The last call counts.
        pub fn info(mut self, info: impl ::centrifugo_api::IntoPayload) -> Self {
            self.info.set(info);
            self
        }

        /// Adds any other claim, such as one that `user_id_claim` or Centrifugo PRO's `meta_from_claim` names.
        ///
        /// A claim that has a method here is an error when the token is signed, and so is one that is added twice. Centrifugo
        /// ignores the case of names; so do these checks.
        pub fn claim(mut self, name: impl Into<String>, value: impl ::serde::Serialize) -> Self {
            self.standard.own.add(name.into(), &value);
            self
        }

        /// Sets the limit of the token's length in bytes, 8000 by default.
        ///
        /// nginx and Apache refuse a line of the header above 8 KiB; a token also has to fit into the URL of some transports,
        /// and into Centrifugo's `websocket.message_size_limit`, 64 KiB.
        pub fn max_length(mut self, bytes: usize) -> Self {
            self.standard.max_length = bytes;
            self
        }

        /// Signs the token.
        ///
        /// The claims can be signed several times: each token has a time and an ID of its own.
        ///
        /// # Errors
        ///
        /// [`Error::Claim`](crate::Error::Claim) if a claim is wrong, [`Error::TooLong`](crate::Error::TooLong) if the token is
        /// too long.
        pub fn sign(&self, key: &$crate::Key) -> Result<String, $crate::Error> {
            self.sign_at(key, ::std::time::SystemTime::now())
        }

        /// Signs the token at a given time, which tests may choose.
        ///
        /// # Errors
        ///
        /// As [`sign`](Self::sign).
        pub fn sign_at(
            &self,
            key: &$crate::Key,
            now: ::std::time::SystemTime,
        ) -> Result<String, $crate::Error> {
            self.unsigned(now)?.sign(key)
        }

        /// Signs the token with a signer, perhaps outside this process.
        ///
        /// # Errors
        ///
        /// As [`sign`](Self::sign), before the signer is asked; [`Error::Signer`](crate::Error::Signer) if it fails, and
        /// [`Error::Signature`](crate::Error::Signature) if it returns something else than a signature.
        pub async fn sign_with<S>(&self, signer: &S) -> Result<String, $crate::Error>
        where
            S: $crate::Signer + ?Sized,
        {
            let unsigned = self.unsigned(::std::time::SystemTime::now())?;
            unsigned.sign_with(signer).await
        }

        #[doc = concat!("Returns the claims of the ", $kind, " token as JSON, with the length that the token may have.")]
        pub(crate) fn unsigned(
            &self,
            now: ::std::time::SystemTime,
        ) -> Result<$crate::jwt::Unsigned, $crate::Error> {
            let mut object = $crate::object::Object::new();
            self.write(&mut object, now)?;
            Ok($crate::jwt::Unsigned {
                claims: object.finish(),
                signed_at: $crate::expiry::seconds("iat", now)?,
                lifetime: self.standard.lifetime(now)?,
                max_length: self.standard.max_length,
            })
        }
    };
}

pub(super) use standard_methods;
