//! Shows who is in a channel, and subscribes, unsubscribes and disconnects users.
//!
//! `cargo run --example presence` prints the clients of a channel after each step, and what happens
//! to Alice and Bob. On a real server the channel is empty, unless clients of yours are there.

mod support;

use centrifugo_api::{
    Client, DisconnectRequest, PresenceRequest, PresenceStatsRequest, SubscribeRequest,
    UnsubscribeRequest,
};
use centrifugo_api_testing::User;
use support::{Report, Viewer};

#[tokio::main]
async fn main() -> Result<(), Report> {
    let (client, server) = support::start()?;
    let room = support::channel("room");
    // Alice has two devices. In production her info comes from her token, or from a connect proxy.
    let alice = || User::new("alice").info(r#"{"name":"Alice"}"#);
    let mut laptop = Viewer::new(alice(), &server, &room)?;
    let mut phone = Viewer::new(alice(), &server, &room)?;
    let mut bob = Viewer::new("bob", &server, "lobby")?;
    print_clients(&client, &room).await?;

    // The server subscribes all connections of a user.
    client
        .subscribe(SubscribeRequest::new(&room).user("bob"))
        .await?;
    bob.print_received();
    print_clients(&client, &room).await?;

    client
        .unsubscribe(UnsubscribeRequest::new(&room).user("alice"))
        .await?;
    laptop.print_received();
    phone.print_received();
    client.disconnect(DisconnectRequest::new("bob")).await?;
    bob.print_received();
    print_clients(&client, &room).await
}

async fn print_clients(client: &Client, room: &str) -> Result<(), Report> {
    // In large channels the counts are cheaper than the list. The batch asks for both at once.
    let requests = (PresenceStatsRequest::new(room), PresenceRequest::new(room));
    let (stats, presence) = client.batch(requests).await?;
    let (stats, presence) = (stats?, presence?.presence);
    let (users, clients) = (stats.num_users, stats.num_clients);
    println!("Clients in {room:?}: {clients}. Their users: {users}.");
    for (id, info) in presence {
        let about = String::from_utf8_lossy(&info.conn_info);
        println!("  client {id} of {} {about}", info.user);
    }
    Ok(())
}
