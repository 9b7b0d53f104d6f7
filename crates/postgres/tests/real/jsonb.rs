//! JSON that JSONB refuses.

use centrifugo_api::{ConsumerCommand, PublishRequest};
use centrifugo_postgres::{Error, Outbox};

use crate::Outcome;
use crate::postgres::{Postgres, connect};

/// Parts of JSON strings, which are put together at random.
const PARTS: [&str; 12] = [
    r"\u0000", r"\ud83d", r"\ude00", r"\uD83D", r"\uDE00", r"\\", r"\\u0000", r#"\""#, r"\n", "é",
    "u0000", r"\u00e9",
];

#[tokio::test]
#[ignore = "needs PostgreSQL: see tests/centrifugo/README.md"]
async fn what_jsonb_refuses_is_found_before_it_is_written() -> Outcome {
    const OUTBOX: Outbox = Outbox::constant("centrifugo_outbox");
    let client = connect(&Postgres::shared().await.database("jsonb").await?).await?;
    OUTBOX.create(&client).await?;
    let mut refused = 0;
    for first in PARTS {
        for second in PARTS {
            for third in ["", r"\u0000", r"\ude00"] {
                let json = format!(r#"["{first}{second}{third}"]"#);
                let command = ConsumerCommand::new(&PublishRequest::new("news", json.as_str()))?;
                let database = client
                    .query_typed_one(
                        "SELECT $1::text::jsonb IS NOT NULL",
                        &[(&json, tokio_postgres::types::Type::TEXT)],
                    )
                    .await;
                match OUTBOX.write(&client, &command).await {
                    Ok(()) => assert!(database.is_ok(), "{json}"),
                    Err(Error::Field { field, .. }) => {
                        assert_eq!(field, "payload");
                        assert!(database.is_err(), "{json}");
                        refused += 1;
                    }
                    Err(error) => return Err(format!("{json}: {error:?}").into()),
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
    Ok(())
}
