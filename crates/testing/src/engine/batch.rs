use super::{Call, Handler, bad_request, run};
use centrifugo_api::ApiError;
use centrifugo_api::api::{BatchRequest, BatchResponse, Reply};

impl Handler for BatchRequest {
    /// One command after another: what `parallel` promises, no order, this keeps too.
    fn handle(self, call: &Call<'_>) -> Result<BatchResponse, ApiError> {
        let commands = self.commands.into_iter().enumerate();
        let replies = commands.map(|(index, command)| {
            if call.nulls.contains(&index) {
                Reply::new().error(bad_request())
            } else {
                run(command, call)
            }
        });
        Ok(BatchResponse::new().replies(replies))
    }
}
