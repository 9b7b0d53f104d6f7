//! The method `batch`.

use centrifugo_api::api::{BatchRequest, BatchResponse, Reply};
use centrifugo_api::{ApiError, Outcomes};

use crate::engine::{Call, Runnable, run};
use crate::errors::bad_request;

impl Runnable for BatchRequest {
    /// Runs one command after another. That is correct for `parallel` too, which promises no order.
    fn run(self, call: &Call<'_>) -> Result<Outcomes<Reply>, ApiError> {
        let commands = self.commands.into_iter().enumerate();
        let replies = commands.map(|(index, command)| {
            if call.nulls.contains(&index) {
                Reply::new().error(bad_request())
            } else {
                run(command, call)
            }
        });
        Ok(BatchResponse::new().replies(replies).into())
    }
}
