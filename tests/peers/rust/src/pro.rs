//! Methods of Centrifugo PRO, which the open-source server does not have.

use cent::*;

use crate::peer::{Outcome, Peer, api_error, http_error, raw};

pub async fn pro_methods(peer: Peer) -> Outcome {
    let recipient = PushRecipient::new().fcm_topic("news");
    let notification = PushNotification::new().fcm(FcmPushNotification::new(raw("{}")));
    // Each method is called on its own and in a batch.
    macro_rules! refused {
        ($($method:ident($request:expr)),+ $(,)?) => {$(
            let error = http_error(peer.client.$method($request).await);
            assert_eq!(error, (404, "404 page not found".to_owned()), stringify!($method));
            let mut batch = peer.client.new_batch(BatchOptions::default());
            let pending = batch.$method($request);
            assert!(matches!(batch.send().await, Err(Error::BatchFailedCommands(_))), stringify!($method));
            assert_eq!(api_error(pending.result()), (104, "not found".to_owned()), stringify!($method));
        )+};
    }
    refused!(
        connections(ConnectionsRequest::new().user("nobody")),
        update_user_status(UpdateUserStatusRequest::new(["nobody"])),
        get_user_status(GetUserStatusRequest::new(["nobody"])),
        delete_user_status(DeleteUserStatusRequest::new(["nobody"])),
        block_user(BlockUserRequest::new("nobody")),
        unblock_user(UnblockUserRequest::new("nobody")),
        revoke_token(RevokeTokenRequest::new("uid")),
        invalidate_user_tokens(InvalidateUserTokensRequest::new("nobody")),
        device_register(DeviceRegisterRequest::new("fcm", "token", "android")),
        device_update(DeviceUpdateRequest::new().ids(["id"])),
        device_remove(DeviceRemoveRequest::new().ids(["id"])),
        device_list(DeviceListRequest::new()),
        device_topic_list(DeviceTopicListRequest::new()),
        device_topic_update(DeviceTopicUpdateRequest::new("id", "add").topics(["news"])),
        user_topic_list(UserTopicListRequest::new()),
        user_topic_update(UserTopicUpdateRequest::new("nobody", "add").topics(["news"])),
        send_push_notification(SendPushNotificationRequest::new(
            recipient.clone(),
            notification.clone()
        )),
        update_push_status(UpdatePushStatusRequest::new("uid", "delivered", "id")),
        cancel_push(CancelPushRequest::new("uid")),
    );
    Ok(())
}
