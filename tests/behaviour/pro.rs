//! The methods of Centrifugo PRO: the open-source server refuses each of them, and the error says
//! why.

use centrifugo_api::*;

use crate::harness::{Env, Outcome, failure};
use crate::server::Transport;

/// Makes a behaviour of each method, named after the method.
macro_rules! behaviour_of_each {
    ($($method:ident: $request:expr,)+) => {
        behaviours!(everywhere: $($method),+);

        $(
            async fn $method(env: &Env) -> Outcome {
                assert_refused(env, stringify!($method), failure(env.client.call($request).await));
                Ok(())
            }
        )+
    };
}

each_pro_method!(behaviour_of_each);

fn assert_refused(env: &Env, method: &str, error: Error) {
    let expected = match env.transport {
        Transport::Http => Status::Http(404),
        Transport::Grpc => Status::Grpc(12),
    };
    assert!(
        matches!(&error, Error::Transport { status, .. } if *status == expected),
        "{error:?}"
    );
    let message = error.to_string();
    assert!(message.starts_with(&format!("{method}: ")), "{message}");
    assert!(message.contains("not Centrifugo PRO"), "{message}");
    assert!(error.is_unsupported() && !error.is_retryable());
}
