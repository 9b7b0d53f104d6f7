//! The blocking client, used from threads.

use std::sync::Barrier;

use super::*;

#[test]
fn threads_share_batches() -> Outcome {
    const THREADS: usize = 8;
    const EACH: usize = 50;
    let server = Server::start()?;
    for client in [server.client_builder(), server.grpc_client_builder()] {
        let client = client.build_blocking()?.coalescing(Coalescing::default());
        server.take_requests();
        let start = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        (0..EACH).try_for_each(|n| {
                            client
                                .publish(PublishRequest::new("news", n.to_string()))
                                .map(drop)
                        })
                    })
                })
                .collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().expect("no thread panics"))
        })?;
        let sizes = batches(&server);
        assert_eq!(sizes.iter().sum::<usize>(), THREADS * EACH);
        assert!(sizes.len() < THREADS * EACH, "{}", sizes.len());
        client.close(PATIENCE)?;
    }
    Ok(())
}
