//! The secret by which the backend knows the server, replaced while the server asks.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use crate::Outcome;
use crate::harness::{Client, Column, Environment, NEXT_SECRET, SECRET};

mod secret_is_replaced_under_load {
    test_in!(secret_is_replaced_under_load, http);
    test_in!(secret_is_replaced_under_load, grpc);
}

/// Calls that are made at the same time.
const CALLERS: usize = 20;

const REFUSED: &str = "error 100 internal server error, temporary";

async fn secret_is_replaced_under_load(column: Column) -> Outcome {
    let environment = Environment::of_own(column, &[]).await?;
    let secrets = environment.secrets();
    let case = environment.case();
    let client = Arc::new(case.connected().await);
    let old = "rpc:method";
    let new = "rpc_next:method";
    assert_eq!(call(&client, old).await, "replied");
    assert_eq!(call(&client, new).await, REFUSED);

    let mut load = Load::start(&client, old).await;
    secrets.replace([NEXT_SECRET, SECRET])?;
    assert_eq!(call(&client, new).await, "replied");
    load.stop().await;

    let mut load = Load::start(&client, new).await;
    secrets.replace([NEXT_SECRET])?;
    assert_eq!(call(&client, old).await, REFUSED);
    load.stop().await;
    Ok(())
}

async fn call(client: &Client, method: &str) -> String {
    client.rpc(method, "{}").await.to_string()
}

/// Calls that go on, and their replies.
struct Load {
    callers: JoinSet<()>,
    replies: UnboundedReceiver<String>,
}

impl Load {
    /// Starts calls, and waits until some were answered.
    async fn start(client: &Arc<Client>, method: &'static str) -> Self {
        let (sender, replies) = unbounded_channel();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let client = Arc::clone(client);
            let sender = sender.clone();
            // Ends when nobody reads the replies any more.
            callers.spawn(async move { while sender.send(call(&client, method).await).is_ok() {} });
        }
        let mut load = Self { callers, replies };
        load.check().await;
        load
    }

    /// Checks more replies than calls are under way.
    async fn check(&mut self) {
        for _ in 0..2 * CALLERS {
            let reply = self.replies.recv().await;
            assert_eq!(reply.as_deref(), Some("replied"));
        }
    }

    /// Checks the replies, and ends the calls.
    async fn stop(&mut self) {
        self.check().await;
        self.replies.close();
        while let Some(reply) = self.replies.recv().await {
            assert_eq!(reply, "replied");
        }
        while self.callers.join_next().await.is_some() {}
    }
}
