//! Batches of commands.

use std::collections::BTreeSet;

use centrifugo_api::*;

use crate::harness::{Env, Outcome, offsets};
use crate::realtime::ALICE;
use crate::server::Version;
use crate::unchecked::Unchecked;

behaviours!(everywhere:
    batch_returns_outcomes_in_order,
    parallel_batch_returns_outcomes_in_order,
    batch_goes_on_after_a_failure,
    batch_accepts_every_kind_of_command,
    batch_without_commands_returns_no_replies,
    batch_returns_an_outcome_for_each_channel_of_a_broadcast,
    batch_returns_results_without_content,
    batch_accepts_10_000_commands,
);
behaviours!(legacy_commands:
    batch_returns_outcomes_in_order,
    batch_returns_results_without_content,
    batch_returns_an_outcome_for_each_channel_of_a_broadcast,
    parallel_batch_returns_outcomes_in_order,
    batch_accepts_10_000_commands,
    batch_without_commands_returns_no_replies,
);
behaviours!(legacy_commands_of_6_9_1:
    batch_accepts_every_kind_of_command,
);

fn publish(channel: &str, data: &str) -> Command {
    PublishRequest::new(channel, data).into()
}

/// Returns the offset of each publication, or the code of its error.
fn outcomes(replies: &[Result<Reply, ApiError>]) -> Vec<Result<u64, u32>> {
    replies
        .iter()
        .map(|outcome| {
            let reply = outcome.as_ref().map_err(|error| error.code)?;
            let result = reply.publish.as_ref();
            Ok(result
                .unwrap_or_else(|| panic!("no result: {reply:?}"))
                .offset)
        })
        .collect()
}

/// Returns the name of the method of a reply, or the code of its error.
fn summary(outcome: &Result<Reply, ApiError>) -> Result<String, u32> {
    let reply = outcome.as_ref().map_err(|error| error.code)?;
    let fields = serde_json::to_value(reply).expect("a reply has a JSON form");
    let names: Option<Vec<_>> = fields.as_object().map(|fields| fields.keys().collect());
    match names.as_deref() {
        Some([name]) => Ok((*name).clone()),
        _ => panic!("expected one result, not {reply:?}"),
    }
}

async fn batch_returns_outcomes_in_order(env: &Env) -> Outcome {
    let history = HistoryRequest::new("plain:a").limit(-1);
    let commands = [
        publish("plain:a", "1"),
        history.clone().into(),
        publish("plain:a", "2"),
        history.into(),
    ];
    let replies = env.client.batch(BatchRequest::new(commands)).await?;
    let read = |outcome: &Result<Reply, ApiError>| {
        let history = outcome.as_ref().ok()?.history.as_ref();
        history.map(|history| offsets(&history.publications))
    };
    assert_eq!(
        outcomes(&[replies[0].clone(), replies[2].clone()]),
        [Ok(1), Ok(2)]
    );
    assert_eq!(
        (read(&replies[1]), read(&replies[3])),
        (Some(vec![1]), Some(vec![1, 2]))
    );
    Ok(())
}

async fn parallel_batch_returns_outcomes_in_order(env: &Env) -> Outcome {
    for number in 1..=99 {
        env.publish(&format!("plain:{}", number % 10), "0").await?;
    }
    let positions =
        (0..10).map(|number| Command::from(HistoryRequest::new(format!("plain:{number}"))));
    let replies = env
        .client
        .batch(BatchRequest::new(positions).parallel(true))
        .await?;
    let answered: Vec<_> = replies
        .iter()
        .map(|outcome| Some(outcome.as_ref().ok()?.history.as_ref()?.offset))
        .collect();
    let expected: Vec<_> = (0..10)
        .map(|number| Some(if number == 0 { 9 } else { 10 }))
        .collect();
    assert_eq!(answered, expected);
    Ok(())
}

async fn batch_goes_on_after_a_failure(env: &Env) -> Outcome {
    for parallel in [false, true] {
        let commands = [
            publish("nohist:a", "1"),
            publish("invalid:a", "1"),
            publish("plain:a", ""),
            CancelPushRequest::new("push").into(),
            Command::default(),
            publish(&format!("plain:{parallel}"), "1"),
        ];
        let replies = env
            .client
            .batch(BatchRequest::new(commands).parallel(parallel))
            .await?;
        assert_eq!(
            outcomes(&replies),
            [Ok(0), Err(102), Err(107), Err(104), Err(104), Ok(1)]
        );
    }
    Ok(())
}

async fn batch_accepts_every_kind_of_command(env: &Env) -> Outcome {
    macro_rules! commands {
        ($($method:ident: $request:expr,)+) => {
            vec![$((stringify!($method), Command::from($request))),+]
        };
    }
    let pro = each_pro_method!(commands);
    let open_source = each_open_source_method!(commands);
    let named: BTreeSet<_> = pro
        .iter()
        .chain(&open_source)
        .map(|(method, _)| *method)
        .chain(["batch"])
        .collect();
    assert_eq!(named, METHODS.iter().copied().collect());

    let _alice = env.connect_as(&ALICE).await?;
    let expected = open_source.iter().map(|(method, _)| {
        let is_new = method.starts_with("map_") || *method == "shared_poll_publish";
        if *method != "rpc" && (env.version == Version::V6 || !is_new) {
            Ok((*method).to_owned())
        } else {
            Err(104)
        }
    });
    let expected: Vec<_> = expected.chain(pro.iter().map(|_| Err(104))).collect();
    let commands = open_source
        .into_iter()
        .chain(pro)
        .map(|(_, command)| command);
    let replies = env.client.batch(BatchRequest::new(commands)).await?;
    assert_eq!(replies.iter().map(summary).collect::<Vec<_>>(), expected);
    Ok(())
}

async fn batch_without_commands_returns_no_replies(env: &Env) -> Outcome {
    for parallel in [false, true] {
        let request = BatchRequest::new(Vec::<Command>::new()).parallel(parallel);
        assert!(env.client.batch(request).await?.is_empty());
    }
    Ok(())
}

async fn batch_returns_an_outcome_for_each_channel_of_a_broadcast(env: &Env) -> Outcome {
    let commands = [
        BroadcastRequest::new(["invalid:a", "plain:a"], "1"),
        BroadcastRequest::new(Vec::<String>::new(), "1"),
    ];
    // The client refuses the second command.
    let request = Unchecked(BatchRequest::new(commands));
    let replies = env.client.call(request).await?;
    let broadcast = replies[0].as_ref().map_err(ApiError::to_string)?;
    let responses = &broadcast.broadcast.as_ref().ok_or("no result")?.responses;
    assert_eq!(
        responses[0].error.as_ref().map(|error| error.code),
        Some(102)
    );
    assert_eq!(
        responses[1].result.as_ref().map(|result| result.offset),
        Some(1)
    );
    assert_eq!(
        replies[1].as_ref().map_err(|error| error.code).err(),
        Some(107)
    );
    Ok(())
}

async fn batch_returns_results_without_content(env: &Env) -> Outcome {
    let commands: [Command; 6] = [
        SubscribeRequest::new("plain:a").user("alice").into(),
        UnsubscribeRequest::new("plain:a").user("alice").into(),
        DisconnectRequest::new("alice").into(),
        RefreshRequest::new("alice").into(),
        HistoryRemoveRequest::new("plain:a").into(),
        publish("nohist:a", "1"),
    ];
    let replies = env.client.batch(BatchRequest::new(commands)).await?;
    let present: Vec<_> = replies
        .iter()
        .map(summary)
        .collect::<Result<_, _>>()
        .map_err(|code| code.to_string())?;
    assert_eq!(
        present,
        [
            "subscribe",
            "unsubscribe",
            "disconnect",
            "refresh",
            "history_remove",
            "publish"
        ]
    );
    Ok(())
}

async fn batch_accepts_10_000_commands(env: &Env) -> Outcome {
    for parallel in [false, true] {
        let commands = (0..10_000).map(|number| publish(&format!("plain:{parallel}{number}"), "1"));
        let replies = env
            .client
            .batch(BatchRequest::new(commands).parallel(parallel))
            .await?;
        assert_eq!(outcomes(&replies), vec![Ok(1); 10_000]);
    }
    Ok(())
}
