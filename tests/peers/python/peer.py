"""Drives a Centrifugo server with cent, the official Python client: once sync, once async."""

import asyncio
import base64
import inspect
import os
import secrets
import sys
import traceback

import aiohttp
import requests
from cent import (
    AsyncClient,
    BatchRequest,
    BoolValue,
    BroadcastRequest,
    CentApiResponseError,
    CentDecodeError,
    CentTransportError,
    CentUnauthorizedError,
    ChannelOptionsOverride,
    ChannelsRequest,
    Client,
    Disconnect,
    DisconnectRequest,
    HistoryRemoveRequest,
    HistoryRequest,
    InfoRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    PublishResult,
    RefreshRequest,
    StreamPosition,
    SubscribeRequest,
    UnsubscribeRequest,
    dto,
)

RUN = secrets.token_hex(4)
TRANSPORT_MODE = {"X-Centrifugo-Error-Mode": "transport"}
CHECKS = []


class Mismatch(Exception):
    pass


def check(function):
    CHECKS.append(function)
    return function


def equal(actual, expected, what="result"):
    if actual != expected:
        raise Mismatch(f"{what}: {actual!r} instead of {expected!r}")


async def fails(call, kind, **expected):
    """Makes sure that a call raises exactly this error."""
    try:
        result = await call
    except Exception as error:
        equal(type(error), kind, f"error {error!r}")
        for name, value in expected.items():
            equal(getattr(error, name), value, f"{name} of {error!r}")
    else:
        raise Mismatch(f"{kind.__name__} expected, not {result!r}")


class Peer:
    """One of the two clients; its channels are new in every run."""

    def __init__(self, kind, url, key):
        self.kind, self.url, self.key = kind, url, key
        self.client = self.new_client()

    def new_client(self, url=None, key=None, session=None):
        url, key = url or self.url, self.key if key is None else key
        return (Client if self.kind == "sync" else AsyncClient)(url, key, session=session)

    def new_session(self, headers):
        if self.kind == "async":
            return aiohttp.ClientSession(headers=headers)
        session = requests.Session()
        session.headers.update(headers)
        return session

    def channel(self, name, namespace="plain"):
        return f"{namespace}:{name}-{self.kind}-{RUN}"

    async def call(self, request, client=None):
        result = getattr(client or self.client, request.api_method)(request)
        return await result if inspect.isawaitable(result) else result

    async def call_once(self, request, client):
        try:
            return await self.call(request, client)
        finally:
            closed = client.close()
            if inspect.isawaitable(closed):
                await closed

    async def publish(self, channel, data, **options):
        return await self.call(PublishRequest(channel=channel, data=data, **options))

    async def history(self, channel, limit=-1, **options):
        return await self.call(HistoryRequest(channel=channel, limit=limit, **options))

    async def data(self, channel):
        return [publication.data for publication in (await self.history(channel)).publications]

    async def api_error(self, request, code, message):
        await fails(self.call(request), CentApiResponseError, code=code, message=message)


def offsets(history):
    return [publication.offset for publication in history.publications]


@check
async def publish(peer):
    channel = peer.channel("publish")
    first, second = await peer.publish(channel, {"n": 1}), await peer.publish(channel, {"n": 2})
    equal((first.offset, second.offset), (1, 2), "offsets")
    equal(bool(first.epoch), True, "an epoch")
    equal(second.epoch, first.epoch, "epoch")


@check
async def publish_without_history(peer):
    equal(await peer.publish(peer.channel("a", "nohist"), 1), PublishResult(), "off")
    equal(await peer.publish(f"news-{RUN}", 1), PublishResult(), "no namespace")
    channel = peer.channel("skip")
    equal(await peer.publish(channel, 1, skip_history=True), PublishResult(), "skipped")
    equal(await peer.data(channel), [])


@check
async def publish_with_idempotency_key(peer):
    channel = peer.channel("idempotency")
    first = await peer.publish(channel, 1, idempotency_key="key")
    equal(await peer.publish(channel, 2, idempotency_key="key"), first, "a repeat")
    equal((await peer.publish(channel, 3, idempotency_key="other")).offset, 2, "offset of another key")
    equal(await peer.data(channel), [1, 3])


@check
async def publish_with_version(peer):
    channel = peer.channel("version")
    equal((await peer.publish(channel, 1, version=5)).offset, 1, "offset")
    equal((await peer.publish(channel, 2, version=5)).offset, 1, "offset of the same version")
    equal((await peer.publish(channel, 3, version=6)).offset, 2, "offset of the next version")
    equal(await peer.data(channel), [1, 3])


@check
async def publish_with_tags(peer):
    channel = peer.channel("tags")
    await peer.publish(channel, 1, tags={"kind": "news", "größe": "1"})
    await peer.publish(channel, 2)
    publications = (await peer.history(channel)).publications
    tags = [publication.tags for publication in publications]
    equal(tags, [{"kind": "news", "größe": "1"}, None])
    equal(publications[0].info, None, "info")


@check
async def payloads(peer):
    channel = peer.channel("unicode-é😀 <&>")
    expected = [
        "",
        0,
        False,
        {},
        [],
        -1.5,
        1e300,
        2**63,
        10**30,
        {"text": 'héllo 😀\u2028\u2029 <b>&"\\\n\t\u0000', "π": [None, True, {"": {}}]},
        "\ud800",
    ]
    for data in expected:
        await peer.publish(channel, data)
    equal(await peer.data(channel), expected)


@check
async def large_history(peer):
    channel = peer.channel("large")
    text = "é" * 5_000
    publishes = [PublishRequest(channel=channel, data={"n": n, "text": text}) for n in range(1, 121)]
    replies = (await peer.call(BatchRequest(requests=publishes))).replies
    equal([reply.offset for reply in replies], list(range(1, 121)), "offsets")
    history = await peer.history(channel)
    equal((history.offset, offsets(history)), (120, list(range(21, 121))), "the last 100")
    equal(all(p.data == {"n": p.offset, "text": text} for p in history.publications), True, "data")


@check
async def large_payload(peer):
    channel, data = peer.channel("payload"), "x" * 1_000_000
    await peer.publish(channel, data)
    equal(await peer.data(channel) == [data], True, "a megabyte comes back")


@check
async def concurrent_publishes(peer):
    channel = peer.channel("concurrent")
    results = await asyncio.gather(*(peer.publish(channel, n) for n in range(50)))
    equal(sorted(result.offset for result in results), list(range(1, 51)), "offsets")


@check
async def broadcast(peer):
    channels = [peer.channel("b1"), peer.channel("b2"), peer.channel("b", "nohist")]
    request = BroadcastRequest(channels=channels, data={"n": 1}, idempotency_key="key")
    responses = (await peer.call(request)).responses
    equal([response.error for response in responses], [None] * 3, "errors")
    equal([response.result.offset for response in responses], [1, 1, 0], "offsets")
    again = (await peer.call(request)).responses
    equal([response.result for response in again], [response.result for response in responses], "a repeat")


@check
async def broadcast_to_an_unknown_namespace(peer):
    channels = [peer.channel("c1"), peer.channel("c", "invalid"), "", peer.channel("c2")]
    responses = (await peer.call(BroadcastRequest(channels=channels, data=1))).responses
    codes = [response.error and response.error.code for response in responses]
    equal(codes, [None, 102, 107, None], "codes")
    equal(
        [response.result and response.result.offset for response in responses], [1, None, None, 1], "offsets"
    )
    equal(responses[1].error.message, "unknown channel", "message")


@check
async def broadcast_to_nobody(peer):
    await peer.api_error(BroadcastRequest(channels=[], data=1), 107, "bad request")


@check
async def history(peer):
    channel = peer.channel("history")
    for n in range(1, 6):
        position = await peer.publish(channel, n)
    result = await peer.history(channel)
    equal((result.offset, result.epoch), (5, position.epoch), "position")
    equal([(p.offset, p.data) for p in result.publications], [(n, n) for n in range(1, 6)])


@check
async def history_of_an_empty_channel(peer):
    result = await peer.history(peer.channel("empty"))
    equal((result.offset, result.publications, bool(result.epoch)), (0, [], True))


@check
async def history_limit_since_and_reverse(peer):
    channel = peer.channel("pages")
    for n in range(1, 6):
        epoch = (await peer.publish(channel, n)).epoch
    for options, expected in [
        ({"limit": None}, []),
        ({"limit": 0}, []),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "reverse": True}, [5, 4]),
        ({"since": StreamPosition(offset=3, epoch=epoch)}, [4, 5]),
        ({"since": StreamPosition(offset=3, epoch=epoch), "limit": 1}, [4]),
        ({"since": StreamPosition(offset=3, epoch=epoch), "reverse": True}, [2, 1]),
        ({"since": StreamPosition(offset=3)}, [4, 5]),
        ({"since": StreamPosition(offset=5, epoch=epoch)}, []),
        ({"since": StreamPosition(offset=9, epoch=epoch)}, []),
    ]:
        result = await peer.history(channel, **options)
        equal((result.offset, offsets(result)), (5, expected), f"history with {options}")


@check
async def history_of_another_epoch(peer):
    channel = peer.channel("epoch")
    await peer.publish(channel, 1)
    request = HistoryRequest(channel=channel, limit=1, since=StreamPosition(offset=1, epoch="other"))
    await peer.api_error(request, 112, "unrecoverable position")


@check
async def history_remove(peer):
    channel = peer.channel("remove")
    position = await peer.publish(channel, 1)
    await peer.call(HistoryRemoveRequest(channel=channel))
    result = await peer.history(channel)
    equal((offsets(result), result.offset, result.epoch), ([], 1, position.epoch))
    equal((await peer.publish(channel, 2)).offset, 2, "the next offset")
    await peer.call(HistoryRemoveRequest(channel=peer.channel("never-used")))


@check
async def presence_of_an_empty_channel(peer):
    channel = peer.channel("presence")
    equal((await peer.call(PresenceRequest(channel=channel))).presence, {}, "presence")
    stats = await peer.call(PresenceStatsRequest(channel=channel))
    equal((stats.num_clients, stats.num_users), (0, 0), "presence_stats")


@check
async def channels(peer):
    pattern = f"*{RUN}*"
    equal((await peer.call(ChannelsRequest(pattern=pattern))).channels, {}, "of this run")
    equal(isinstance((await peer.call(ChannelsRequest())).channels, dict), True, "all")
    await peer.api_error(ChannelsRequest(pattern="["), 100, "internal server error")


@check
async def info(peer):
    (node,) = (await peer.call(InfoRequest())).nodes
    equal(all((node.uid, node.name, node.version)), True, f"uid, name and version of {node!r}")


@check
async def users_who_are_not_connected(peer):
    user, channel = f"nobody-{RUN}", peer.channel("users")
    override = ChannelOptionsOverride(presence=BoolValue(value=True), join_leave=BoolValue(value=False))
    since = StreamPosition(offset=1, epoch="other")
    for request in [
        SubscribeRequest(user=user, channel=channel),
        SubscribeRequest(
            user=user, channel=channel, info={"n": 1}, data=[1], override=override, recover_since=since
        ),
        SubscribeRequest(user=user, channel=channel, b64info="MQ==", b64data="MQ=="),
        UnsubscribeRequest(user=user, channel=channel),
        UnsubscribeRequest(user=user, channel=""),
        UnsubscribeRequest(user=user, channel=channel, client="no", session="no"),
        DisconnectRequest(user=user),
        DisconnectRequest(user=user, whitelist=["a"], disconnect=Disconnect(code=4000, reason="moved")),
        RefreshRequest(user=user),
        RefreshRequest(user=user, client="no", expired=True, expire_at=4_000_000_000),
    ]:
        result = await peer.call(request)
        equal(result.model_dump(), {}, f"result of {request!r}")


@check
async def errors_of_an_unknown_namespace(peer):
    channel = peer.channel("a", "invalid")
    for request in [
        PublishRequest(channel=channel, data=1),
        HistoryRequest(channel=channel),
        HistoryRemoveRequest(channel=channel),
        PresenceRequest(channel=channel),
        PresenceStatsRequest(channel=channel),
        SubscribeRequest(user="nobody", channel=channel),
    ]:
        await peer.api_error(request, 102, "unknown channel")


@check
async def errors_of_bad_requests(peer):
    for request in [
        PublishRequest(channel="", data=1),
        PublishRequest(channel=peer.channel("bad"), data=None),
        PublishRequest(channel=peer.channel("bad"), data=None, b64data="no base64!"),
        PublishRequest(channel=peer.channel("bad", "map"), data=1),
        HistoryRequest(channel=""),
        HistoryRemoveRequest(channel=""),
        PresenceRequest(channel=""),
        PresenceStatsRequest(channel=""),
        SubscribeRequest(user="nobody", channel=""),
    ]:
        await peer.api_error(request, 107, "bad request")


@check
async def errors_of_what_is_off(peer):
    channel = peer.channel("a", "nohist")
    for kind in (HistoryRequest, HistoryRemoveRequest, PresenceRequest, PresenceStatsRequest):
        await peer.api_error(kind(channel=channel), 108, "not available")


@check
async def undecodable_request(peer):
    request = PublishRequest(channel=peer.channel("bad"), data=1, version="5")
    await fails(peer.call(request), CentTransportError, status_code=400)


@check
async def binary_data(peer):
    channel = peer.channel("b64")
    await peer.publish(channel, None, b64data=base64.b64encode(b'{"n": 1}').decode())
    await peer.publish(channel, "loses", b64data=base64.b64encode(b'"wins"').decode())
    equal(await peer.data(channel), [{"n": 1}, "wins"])


@check
async def binary_data_that_json_cannot_carry(peer):
    encoded = base64.b64encode(bytes(range(256))).decode()
    for channel in (peer.channel("bytes"), peer.channel("bytes", "bin")):
        equal((await peer.publish(channel, None, b64data=encoded)).offset, 1, "offset")
        await fails(peer.history(channel), CentTransportError, status_code=500)
        equal((await peer.history(channel, limit=0)).offset, 1, "position")


@check
async def empty_binary_data(peer):
    channel = peer.channel("nothing", "bin")
    equal((await peer.publish(channel, None)).offset, 1, "offset")
    # The server leaves the payload out, which the client does not accept.
    await fails(peer.history(channel), CentDecodeError)


@check
async def batch(peer):
    channel = peer.channel("batch")
    for parallel in (None, False, True):
        requests_ = [
            PublishRequest(channel=channel, data=1),
            PresenceStatsRequest(channel=channel),
            HistoryRequest(channel=peer.channel("batch-other"), limit=-1),
            BroadcastRequest(channels=[peer.channel("a", "invalid")], data=1),
            HistoryRemoveRequest(channel=channel),
            ChannelsRequest(pattern=RUN),
            InfoRequest(),
            SubscribeRequest(user=f"nobody-{RUN}", channel=channel),
        ]
        replies = (await peer.call(BatchRequest(requests=requests_, parallel=parallel))).replies
        equal([type(r) for r in replies], [r.__returning__ for r in requests_], "types")
        equal(bool(replies[0].epoch), True, "an epoch")
        equal((replies[1].num_clients, replies[2].publications), (0, []), "results")
        equal(replies[3].responses[0].error.code, 102, "code in a broadcast")
        equal(len(replies[6].nodes), 1, "nodes")


@check
async def batch_of_which_a_part_fails(peer):
    # The client looks for the result only: its KeyError says that the part has none. The others have run.
    for parallel in (False, True):
        channel = peer.channel(f"mixed-{parallel}")
        parts = [PublishRequest(channel=c, data=1) for c in (channel, peer.channel("a", "invalid"), channel)]
        await fails(peer.call(BatchRequest(requests=parts, parallel=parallel)), KeyError, args=("publish",))
        equal((await peer.history(channel)).offset, 2, "offset afterwards")


@check
async def empty_batch(peer):
    # The server answers `{}`, the client expects `replies` all the same.
    await fails(peer.call(BatchRequest(requests=[])), KeyError, args=("replies",))


@check
async def pro_methods(peer):
    recipient = dto.PushRecipient(fcm_topic="news")
    notification = dto.PushNotification(fcm=dto.FcmPushNotification(message={}))
    requests_ = [
        dto.ConnectionsRequest(user="nobody", expression=""),
        dto.UpdateUserStatusRequest(users=["nobody"]),
        dto.GetUserStatusRequest(users=["nobody"]),
        dto.DeleteUserStatusRequest(users=["nobody"]),
        dto.BlockUserRequest(user="nobody"),
        dto.UnblockUserRequest(user="nobody"),
        dto.RevokeTokenRequest(uid="uid"),
        dto.InvalidateUserTokensRequest(user="nobody"),
        dto.DeviceRegisterRequest(provider="fcm", token="token", platform="android"),
        dto.DeviceUpdateRequest(ids=["id"]),
        dto.DeviceRemoveRequest(ids=["id"]),
        dto.DeviceListRequest(),
        dto.DeviceTopicListRequest(),
        dto.DeviceTopicUpdateRequest(device_id="id", op="add", topics=["news"]),
        dto.UserTopicListRequest(),
        dto.UserTopicUpdateRequest(user="nobody", op="add", topics=["news"]),
        dto.SendPushNotificationRequest(recipient=recipient, notification=notification),
        dto.UpdatePushStatusRequest(analytics_uid="uid", status="delivered"),
        dto.CancelPushRequest(uid="uid"),
    ]
    for request in requests_:
        await fails(peer.call(request), CentTransportError, status_code=404)
    for request in requests_:
        batch_ = BatchRequest(requests=[request])
        await fails(peer.call(batch_), KeyError, args=(request.api_method,))


@check
async def wrong_key(peer):
    for key in ("wrong", ""):
        for request in (InfoRequest(), BatchRequest(requests=[InfoRequest()])):
            await fails(peer.call_once(request, peer.new_client(key=key)), CentUnauthorizedError)


@check
async def wrong_address(peer):
    for url in (peer.url + "/none", peer.url + "x"):
        await fails(
            peer.call_once(InfoRequest(), peer.new_client(url=url)), CentTransportError, status_code=404
        )


@check
async def transport_error_mode(peer):
    channel = peer.channel("mode")
    await peer.publish(channel, 1)
    for request, status in [
        (ChannelsRequest(pattern="["), 500),
        (PublishRequest(channel=peer.channel("a", "invalid"), data=1), 404),
        (PublishRequest(channel="", data=1), 400),
        (BroadcastRequest(channels=[], data=1), 400),
        (PresenceRequest(channel=peer.channel("a", "nohist")), 400),
        (HistoryRequest(channel=channel, since=StreamPosition(offset=1, epoch="other")), 416),
    ]:
        client = peer.new_client(session=peer.new_session(TRANSPORT_MODE))
        await fails(peer.call_once(request, client), CentTransportError, status_code=status)
    parts = BroadcastRequest(channels=[peer.channel("a", "invalid")], data=1)
    client = peer.new_client(session=peer.new_session(TRANSPORT_MODE))
    equal((await peer.call_once(parts, client)).responses[0].error.code, 102, "code in a broadcast")


async def run(url, key):
    passed = 0
    for kind in ("sync", "async"):
        peer = Peer(kind, url, key)
        for function in CHECKS:
            name = f"{kind} {function.__name__}"
            try:
                await function(peer)
            except Mismatch as mismatch:
                sys.exit(f"FAILED {name}: {mismatch}")
            except Exception:
                traceback.print_exc()
                sys.exit(f"FAILED {name}: an error that nobody expected, above")
            print(f"ok {name}", flush=True)
            passed += 1
        closed = peer.client.close()
        if inspect.isawaitable(closed):
            await closed
    print(f"{passed} checks passed")


def main():
    try:
        url, key = os.environ["CENTRIFUGO_URL"], os.environ["CENTRIFUGO_API_KEY"]
    except KeyError as missing:
        sys.exit(f"set {missing.args[0]}")
    asyncio.run(run(url, key))


if __name__ == "__main__":
    main()
