use super::{Call, Handle, bad_request, run};
use crate::ApiError;
use crate::api::{BatchRequest, BatchResponse, Reply};

impl Handle for BatchRequest {
    /// One command after another: what `parallel` promises, no order, this keeps too.
    fn handle(self, call: &Call<'_>) -> Result<BatchResponse, ApiError> {
        let commands = self.commands.into_iter().enumerate();
        let replies = commands.map(|(index, command)| match call.nulls.contains(&index) {
            true => Reply { error: Some(Box::new(bad_request())), ..Default::default() },
            false => run(command, call),
        });
        Ok(BatchResponse { replies: replies.collect() })
    }
}
