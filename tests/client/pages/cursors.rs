//! Cursors of methods that only Centrifugo PRO has, and faults that a real server does not produce
//! on demand.

use std::time::Duration;

use centrifugo_api::*;
use futures_util::TryStreamExt as _;

use super::{assert_page, read};
use crate::Outcome;
use crate::fake_http::{Answer, FakeHttp};

/// Returns a server that answers with three pages of a list, one item each.
fn three_pages(list: &str) -> FakeHttp {
    let page = |id: &str, next: &str| {
        Answer::json(
            format!(r#"{{"result":{{"items":[{{"id":"{id}"}}]{next}}}}}"#).replace("items", list),
        )
    };
    FakeHttp::script([
        page("1", r#","next_cursor":"second""#),
        page("2", r#","next_cursor":"third \"quoted\"""#),
        page("3", ""),
    ])
}

fn bodies(fake: &FakeHttp) -> Vec<String> {
    fake.requests()
        .into_iter()
        .map(|request| format!("{} {}", request.path, request.body))
        .collect()
}

#[tokio::test]
async fn device_list_follows_its_cursor() -> Outcome {
    let fake = three_pages("items");
    let request = DeviceListRequest::new()
        .filter(DeviceFilter::new().users(["alice"]))
        .limit(1);
    let pages = Client::new(fake.url(), "key")?.device_list_pages(request);
    assert_eq!(
        read(pages, |result: DeviceListResult| {
            result
                .items
                .into_iter()
                .map(|device| device.id)
                .collect::<Vec<_>>()
        })
        .await?,
        [["1"], ["2"], ["3"]]
    );
    let expected = [
        r#"/api/device_list {"filter":{"users":["alice"]},"limit":1}"#,
        r#"/api/device_list {"filter":{"users":["alice"]},"cursor":"second","limit":1}"#,
        r#"/api/device_list {"filter":{"users":["alice"]},"cursor":"third \"quoted\"","limit":1}"#,
    ];
    assert_eq!(bodies(&fake), expected);
    Ok(())
}

#[tokio::test]
async fn device_topic_list_follows_its_cursor() -> Outcome {
    let fake = three_pages("items");
    let pages =
        Client::new(fake.url(), "key")?.device_topic_list_pages(DeviceTopicListRequest::new());
    assert_eq!(
        read(pages, |result: DeviceTopicListResult| {
            result
                .items
                .into_iter()
                .map(|topic| topic.id)
                .collect::<Vec<_>>()
        })
        .await?,
        [["1"], ["2"], ["3"]]
    );
    assert_eq!(
        bodies(&fake)[1],
        r#"/api/device_topic_list {"cursor":"second","limit":100}"#
    );
    Ok(())
}

#[tokio::test]
async fn user_topic_list_follows_its_cursor() -> Outcome {
    let fake = three_pages("items");
    let pages = Client::new(fake.url(), "key")?
        .user_topic_list_pages(UserTopicListRequest::new().cursor("first"));
    assert_eq!(
        read(pages, |result: UserTopicListResult| {
            result
                .items
                .into_iter()
                .map(|topic| topic.id)
                .collect::<Vec<_>>()
        })
        .await?,
        [["1"], ["2"], ["3"]]
    );
    assert_eq!(
        bodies(&fake)[0],
        r#"/api/user_topic_list {"cursor":"first","limit":100}"#
    );
    Ok(())
}

#[tokio::test]
async fn error_after_a_page_ends_the_pages() -> Outcome {
    let page = || Answer::json(r#"{"result":{"next_cursor":"second"}}"#);
    for (answer, expected) in [
        (Answer::html(502, "bad gateway"), "HTTP 502"),
        (Answer::json("{"), "cut short"),
        (
            Answer::json(r#"{"error":{"code":111,"message":"too many requests"}}"#),
            "error 111",
        ),
    ] {
        let fake = FakeHttp::script([page(), answer]);
        let client = Client::new(fake.url(), "key")?.with_retry(Retry::none());
        let mut pages = client.device_list_pages(DeviceListRequest::new());
        assert_page(&mut pages).await;
        let Some(Err(error)) = pages.next().await else {
            return Err("no error".into());
        };
        assert!(error.to_string().contains(expected), "{error}");
        assert!(pages.next().await.is_none());
    }
    Ok(())
}

#[tokio::test]
async fn dropped_next_continues_where_it_was() -> Outcome {
    let page = Answer::json(r#"{"result":{"items":[{"id":"1"}]}}"#);
    let fake = FakeHttp::script([page.after(Duration::from_millis(200))]);
    let mut pages = Client::new(fake.url(), "key")?.device_list_pages(DeviceListRequest::new());
    assert!(
        tokio::time::timeout(Duration::from_millis(20), pages.next())
            .await
            .is_err()
    );
    let Some(Ok(Page::Page(page))) = pages.next().await else {
        return Err("no page".into());
    };
    assert_eq!(page.items.len(), 1);
    assert!(pages.next().await.is_none());
    assert_eq!(fake.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn pages_are_read_on_demand() -> Outcome {
    let fake = three_pages("items");
    let client = Client::new(fake.url(), "key")?;
    drop(client.device_list_pages(DeviceListRequest::new()));
    assert_eq!(fake.connections(), 0);
    let mut pages = client.device_list_pages(DeviceListRequest::new());
    assert!(pages.next().await.is_some());
    assert_eq!(fake.requests().len(), 1);
    // Pages need not be pinned, and can be sent to another task.
    let rest = tokio::spawn(async move { pages.try_collect::<Vec<_>>().await }).await??;
    assert_eq!((rest.len(), fake.requests().len()), (2, 3));
    Ok(())
}

#[tokio::test]
async fn timeout_bounds_each_page() -> Outcome {
    let page = |pause| {
        Answer::json(r#"{"result":{"next_cursor":"next"}}"#).after(Duration::from_millis(pause))
    };
    let fake = FakeHttp::script([page(200), page(200), page(200), page(5000)]);
    let client = Client::builder(fake.url())
        .timeout(Duration::from_millis(500))
        .build()?;
    let mut pages = client.device_list_pages(DeviceListRequest::new());
    for _ in 0..3 {
        assert!(matches!(pages.next().await, Some(Ok(_))));
    }
    assert!(matches!(pages.next().await, Some(Err(error)) if error.is_timeout()));
    Ok(())
}

/// A cursor is that of a page: items of a page that was read in part come again.
#[tokio::test]
async fn items_with_a_cursor_go_on_with_their_page() -> Outcome {
    let page = |ids: [&str; 2], next: &str| {
        let [first, second] = ids;
        Answer::json(format!(
            r#"{{"result":{{"items":[{{"id":"{first}"}},{{"id":"{second}"}}],"next_cursor":"{next}"}}}}"#
        ))
    };
    let fake = FakeHttp::script([page(["1", "2"], "second"), page(["3", "4"], "")]);
    let client = Client::new(fake.url(), "key")?;
    let mut items = client.device_list_pages(DeviceListRequest::new()).items();
    for (id, cursor) in [("1", ""), ("2", "second"), ("3", "second"), ("4", "")] {
        let Some(Item::Item(device)) = items.next().await.transpose()? else {
            panic!("an item comes next")
        };
        assert_eq!(
            (device.id.as_str(), items.request().cursor.as_str()),
            (id, cursor)
        );
    }
    assert!(items.next().await.is_none());
    Ok(())
}
