//! Lists that are read page by page.

#[cfg(feature = "_http")]
mod cursors;
mod history;
mod items;
mod maps;

use centrifugo_api::{ApiError, Client, Error, InfoRequest, Page, Paged, Pages};

/// Reads all pages, and checks that nothing follows the last one.
async fn read<R: Paged + 'static, T>(
    mut pages: Pages<R>,
    of: impl Fn(R::Result) -> T,
) -> Result<Vec<T>, Error> {
    let mut read = Vec::new();
    while let Some(page) = pages.next().await {
        match page? {
            Page::Page(page) => read.push(of(page)),
            other => panic!(
                "lost after {} pages: {}",
                read.len(),
                matches!(other, Page::Lost(_))
            ),
        }
    }
    assert!(pages.next().await.is_none());
    Ok(read)
}

/// Checks that a page comes next.
async fn assert_page<R: Paged + 'static>(pages: &mut Pages<R>) {
    assert!(matches!(pages.next().await, Some(Ok(Page::Page(_)))));
}

/// Checks that the position is lost, and that this is said once.
async fn assert_lost<R: Paged + 'static>(pages: &mut Pages<R>) {
    let Some(Ok(Page::Lost(error))) = pages.next().await else {
        panic!("the position is not lost");
    };
    assert_eq!(error.code, ApiError::UNRECOVERABLE_POSITION);
    assert!(pages.next().await.is_none() && pages.next().await.is_none());
}

/// Waits until a server that was restarted is called over new connections.
async fn until_up(client: &Client) {
    while client.info(InfoRequest::new()).await.is_err() {}
}
