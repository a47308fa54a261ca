"""Who is let in, and under which name (J 3.1, 3.2; FIELD-NOTES "Connecting")."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import MakeSite
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site
from tests.support.wire import basic_authorization, open_wire

KEY = "0123456789abcdef"


async def refused(site: Site, path: str, **options: Any) -> tuple[int, str]:
    """The HTTP answer that keeps a connection out: (status, body)."""
    with pytest.raises(InvalidStatus) as caught:
        await open_wire(f"ws://{site.listen}{path}", **options)
    response = caught.value.response
    return response.status_code, (response.body or b"").decode()


async def test_the_last_segment_counts_whatever_stands_before_it(site: Site) -> None:
    await site.register("CP1")
    watcher = await site.watch("charge_point.connected", "charge_point.disconnected")
    for path in (
        "/CP1",
        "/ocpp/CP1",
        "/steve/websocket/CentralSystemService/CP1",
        "//ocpp///CP1",
        "/ocpp/CP1/",
        "/ocpp/CP1//",
        "/ocpp/CP1?version=1.6&x=/y",
        "/ocpp/%43P%31",
        "/ocpp/cp1",
    ):
        charge_point = await RawChargePoint.connect(f"ws://{site.listen}{path}")
        connected = await watcher.event("charge_point.connected")
        assert connected["charge_point"] == "CP1", path
        await charge_point.boot()
        await charge_point.disconnect()
        await watcher.event("charge_point.disconnected")
    assert len((await site.json("cp", "list"))["charge_points"]) == 1


async def test_a_roaming_identity_is_an_identity(site: Site) -> None:
    await site.register("DE*ABC*E1")
    charge_point = await RawChargePoint.connect(f"ws://{site.listen}/ocpp/DE%2AABC%2AE1")
    await charge_point.boot()
    assert (await site.json("status", "DE*ABC*E1"))["charge_points"][0]["connected"] is True
    await charge_point.disconnect()


@pytest.mark.parametrize(
    "segment",
    [
        "",
        "/",
        "ocpp",
        "OCPP/",
        "ocpp/a%20b",
        "ocpp/%3Cscript%3E",
        "ocpp/..",
        "ocpp/" + "x" * 49,
        "ocpp/%2543P1",
        "ocpp/%00",
        "ocpp/%FF",
    ],
)
async def test_what_is_no_identity_is_answered_400(shared_site: Site, segment: str) -> None:
    status, _ = await refused(shared_site, f"/{segment}")
    assert status == 400
    pending = (await shared_site.call("charge_point.pending"))["pending"]
    assert {(known["id"], known["reason"]) for known in pending} == {(None, "no_identity")}
    if "x" in segment:
        assert "x: 49 characters, 48 at most" in pending[0]["text"]


async def test_an_unknown_charge_point_is_answered_404_and_listed_until_it_is_accepted(site: Site) -> None:
    for _ in range(3):
        assert (await refused(site, "/ocpp/NEW"))[0] == 404
    pending = (await site.json("cp", "pending"))["pending"]
    assert [(known["id"], known["reason"], known["attempts"]) for known in pending] == [("NEW", "unknown", 3)]
    assert pending[0]["address"] == "127.0.0.1"
    assert (await site.json("status"))["daemon"]["unknown_charge_points"] == 1

    assert (await site.csmsctl("cp", "accept", "NEW")).code == 0
    charge_point = await site.raw("NEW", register=False)
    assert (await site.json("cp", "pending"))["pending"] == []
    await charge_point.heartbeat()


async def test_without_a_common_subprotocol_the_handshake_is_completed_and_then_closed(site: Site) -> None:
    await site.register("CP1")
    for offered in ([], ["ocpp2.0.1"]):
        charge_point = await RawChargePoint.connect(site.url("CP1"), subprotocols=offered)
        assert charge_point.wire.websocket.subprotocol is None
        response = charge_point.wire.websocket.response
        assert response is not None
        assert "Sec-WebSocket-Protocol" not in response.headers
        assert (await charge_point.closed())[0] == 1002
    assert (await site.json("status", "CP1"))["charge_points"][0]["connected"] is False


async def test_one_that_offers_no_subprotocol_is_let_in_where_the_operator_says_so(site: Site) -> None:
    assert (await site.csmsctl("cp", "add", "CP1", "--subprotocol-optional")).code == 0
    charge_point = await site.raw("CP1", register=False, subprotocols=[])
    await charge_point.heartbeat()


async def test_of_several_subprotocols_ours_is_taken(site: Site) -> None:
    charge_point = await site.raw("CP1", subprotocols=["ocpp2.0.1", "ocpp1.6", "ocpp1.5"])
    assert charge_point.wire.websocket.subprotocol == "ocpp1.6"


async def test_compression_is_not_negotiated(site: Site) -> None:
    charge_point = await site.raw("CP1", headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    response = charge_point.wire.websocket.response
    assert response is not None
    assert "Sec-WebSocket-Extensions" not in response.headers


async def test_a_browser_is_refused_and_told_what_lets_it_in(site: Site) -> None:
    await site.register("CP1")
    origin = {"Origin": "https://example.com"}
    status, body = await refused(site, "/ocpp/CP1", headers=origin)
    assert status == 403
    assert "csmsctl cp set CP1 --allow-origin" in body
    assert (await site.csmsctl("cp", "set", "CP1", "--allow-origin")).code == 0
    await (await site.raw("CP1", register=False, headers=origin)).heartbeat()


async def test_an_origin_is_no_matter_where_it_is_our_own_address_or_a_password_was_shown(site: Site) -> None:
    await site.register("CP1")
    await site.register("CP2", password=KEY)
    own = {"Origin": f"http://{site.listen}"}
    await (await site.raw("CP1", register=False, headers=own)).heartbeat()
    await (await site.raw("CP2", register=False, password=KEY, headers={"Origin": "https://example.com"})).heartbeat()
    port = site.listen.rpartition(":")[2]
    for foreign in (f"http://localhost:{port}", "http://127.0.0.1", f"http://127.0.0.2:{port}", "null"):
        headers = {"Origin": foreign, "Host": f"localhost:{port}"}
        assert (await refused(site, "/ocpp/CP1", headers=headers))[0] == 403, foreign


async def test_every_refusal_is_on_record_with_its_reason(site: Site) -> None:
    await site.register("CP1", password=KEY)
    await site.register("CP2")
    await refused(site, "/ocpp/CP1")
    for _ in range(2):
        await refused(site, "/ocpp/CP1", headers=basic_authorization("CP1", "wrong-" + KEY))
    await refused(site, "/ocpp/CP1", headers=basic_authorization("CP2", KEY))
    await refused(site, "/ocpp/CP2", headers={"Origin": "https://example.com"})
    await refused(site, "/ocpp")
    assert (await RawChargePoint.connect(site.url("CP2"), subprotocols=[])).wire is not None

    shown = await site.call("charge_point.show", id="CP1")
    assert {(one["reason"], one["attempts"]) for one in shown["refused"]} == {
        ("no_password", 1),
        ("wrong_password", 2),
        ("wrong_user", 1),
    }
    pending = (await site.json("cp", "pending"))["pending"]
    assert {(one["id"], one["reason"]) for one in pending} == {
        (None, "no_identity"),
        ("CP1", "no_password"),
        ("CP1", "wrong_password"),
        ("CP1", "wrong_user"),
        ("CP2", "origin"),
        ("CP2", "no_subprotocol"),
    }
    told = await site.csmsctl("status", "--problems")
    assert "refused: wrong password, 2 times, from 127.0.0.1, last 20" in told.out
    events = (await site.csmsctl("events", "--type", "charge_point.refused", "--json")).out
    assert events.count("wrong_password") == 1  # the second was within a minute
    assert KEY not in events + told.out + str(shown) + site.errors()


async def test_plain_http_is_told_that_it_asks_for_no_websocket(site: Site) -> None:
    host, _, port = site.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /ocpp/CP9 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"426" in await reader.readline()
    writer.close()
    (known,) = (await site.call("charge_point.pending"))["pending"]
    assert (known["id"], known["reason"]) == ("CP9", "no_upgrade")
    assert (await site.csmsctl("cp", "accept", "CP9")).code == 3


async def test_an_opening_that_cannot_be_read_is_on_record(site: Site) -> None:
    host, _, port = site.listen.rpartition(":")
    openings = {
        ("CP7", "a header of more than 8192 bytes"): b"GET /ocpp/CP7 HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        ("CP7", "more than 128 headers"): b"GET /ocpp/CP7 HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n",
        (None, "a request line of more than 8192 bytes"): b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
        (None, "no request of HTTP"): b"EHLO csms\r\n\r\n",
        ("CP8", "more than 32 KiB before its end"): b"GET /ocpp/CP8 HTTP/1.1\r\n"
        + 5 * (b"X: " + b"a" * 8000 + b"\r\n"),
    }
    for (identity, why), text in openings.items():
        reader, writer = await asyncio.open_connection(host, int(port))
        with suppress(ConnectionError):
            for first in range(0, len(text), 1000):  # in pieces, as headers that are long may come
                writer.write(text[first : first + 1000])
                await writer.drain()
            await reader.read()
        writer.close()
        pending = (await site.call("charge_point.pending"))["pending"]
        (known,) = (known for known in pending if known["id"] == identity)
        assert (known["reason"], known["text"]) == ("bad_request", f"its HTTP cannot be read ({why})")
    assert {known["id"]: known["attempts"] for known in pending} == {"CP7": 2, None: 2, "CP8": 1}


async def test_a_twin_is_told_of_and_what_it_pushed_out_is_on_record(site: Site) -> None:
    await site.register("CP1")
    for _ in range(4):
        await site.raw("CP1", register=False)
    (refusal,) = (await site.call("charge_point.show", id="CP1"))["refused"]
    assert (refusal["reason"], refusal["attempts"]) == ("replaced", 3)
    kinds = {one["kind"] for one in (await site.json("status", "--problems"))["problems"]}
    assert "twins" in kinds
    assert "connection_refused" not in kinds


async def test_accepting_one_that_never_knocked(site: Site) -> None:
    ended = await site.csmsctl("cp", "accept", "NOPE")
    assert ended.code == 3
    assert "no charge point of that name has knocked" in ended.err
    assert "csmsctl cp add NOPE" in ended.err


async def test_refusals_outlive_csmsd(site: Site) -> None:
    await refused(site, "/ocpp/NEW")
    await site.stop()
    await site.start()
    (known,) = (await site.json("cp", "pending"))["pending"]
    assert (known["id"], known["attempts"]) == ("NEW", 1)


async def test_basic_authentication(site: Site) -> None:
    assert (await site.csmsctl("cp", "add", "CP1", "--password-file", "-", stdin=KEY + "\n")).code == 0
    path = "/ocpp/CP1"
    wrong = {
        "no header": {},
        "wrong key": {"headers": basic_authorization("CP1", "wrong-" + KEY)},
        "empty key": {"headers": basic_authorization("CP1", "")},
        "another username": {"headers": basic_authorization("CP2", KEY)},
        "not base64": {"headers": {"Authorization": "Basic %%%"}},
        "another scheme": {"headers": {"Authorization": f"Bearer {KEY}"}},
    }
    for what, options in wrong.items():
        assert (await refused(site, path, **options))[0] == 401, what
    charge_point = await site.raw("CP1", register=False, password=KEY)
    await charge_point.heartbeat()
    await charge_point.disconnect()
    # The right key again, from the memory of what was right; a wrong one is still wrong.
    await (await RawChargePoint.connect(site.url("CP1"), password=KEY)).disconnect()
    assert (await refused(site, path, headers=basic_authorization("CP1", KEY + "x")))[0] == 401


async def test_an_unknown_identity_with_a_key_is_answered_like_a_wrong_key(site: Site) -> None:
    await site.register("CP1", password=KEY)
    known = await refused(site, "/ocpp/CP1", headers=basic_authorization("CP1", "wrong-wrong-wrong"))
    unknown = await refused(site, "/ocpp/CP2", headers=basic_authorization("CP2", "wrong-wrong-wrong"))
    assert known == unknown
    assert known[0] == 401


async def test_a_generated_password_is_shown_once_and_works(site: Site) -> None:
    added = await site.json("cp", "add", "CP1", "--generate-password")
    assert 16 <= len(added["password"]) <= 20
    assert added["password"] not in (await site.csmsctl("--json", "cp", "show", "CP1")).out
    charge_point = await site.raw("CP1", register=False, password=added["password"])
    await charge_point.heartbeat()


async def test_a_new_password_ends_the_connection_that_was_made_with_the_old_one(site: Site) -> None:
    await site.register("CP1", password=KEY)
    charge_point = await site.raw("CP1", register=False, password=KEY)
    changed = await site.json("cp", "set", "CP1", "--generate-password")
    assert (await charge_point.closed())[0] == 1008
    assert (await refused(site, "/ocpp/CP1", headers=basic_authorization("CP1", KEY)))[0] == 401
    await (await RawChargePoint.connect(site.url("CP1"), password=changed["password"])).disconnect()


async def test_the_newest_connection_wins_and_the_end_of_the_old_one_harms_nothing(site: Site) -> None:
    watcher = await site.watch("charge_point.connected", "charge_point.disconnected", "task.settled")
    old = await site.raw("CP1")
    command = asyncio.create_task(site.csmsctl("--json", "reset", "CP1", "--type", "soft"))
    request = await old.asked("Reset")

    new = await site.raw("CP1", boot=False)
    code, reason = await old.closed()
    assert code == 1008
    assert "newer" in reason
    ended = await command
    result = ended.json["results"][0]
    assert (ended.code, result["outcome"]) == (8, "unknown")
    assert "replaced" in result["error"]

    assert (await watcher.event("charge_point.connected"))["data"]["replaced"] is False
    assert (await watcher.event("charge_point.connected"))["data"]["replaced"] is True
    await new.boot()
    assert (await site.json("status", "CP1"))["charge_points"][0]["connected"] is True
    command = asyncio.create_task(site.csmsctl("reset", "CP1", "--type", "soft"))
    request = await new.asked("Reset")
    await new.answer(request, {"status": "Accepted"})
    assert (await command).code == 0


async def test_one_that_cannot_authenticate_does_not_push_out_the_one_that_could(site: Site) -> None:
    await site.register("CP1", password=KEY)
    charge_point = await site.raw("CP1", register=False, password=KEY)
    assert (await refused(site, "/ocpp/CP1", headers=basic_authorization("CP1", "wrong-wrong-wrong")))[0] == 401
    await charge_point.heartbeat()
    assert (await site.json("status", "CP1"))["charge_points"][0]["connected"] is True


async def test_policy_accept_registers_who_comes(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"unknown_charge_points": "accept"}})
    charge_point = await site.raw("NEW", register=False)
    await charge_point.heartbeat()
    assert (await site.json("cp", "list"))["charge_points"][0]["registration"] == "Accepted"
    assert (await site.json("status"))["daemon"]["policies"]["unknown_charge_points"] == "accept"


async def test_policy_pending_registers_who_comes_and_waits_for_the_operator(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"unknown_charge_points": "pending", "boot_retry_interval": 7}})
    charge_point = await site.raw("NEW", register=False, boot=False)
    answer = (await charge_point.boot())[2]
    assert (answer["status"], answer["interval"]) == ("Pending", 7)
    pending = (await site.json("cp", "pending"))["pending"]
    assert [(known["id"], known["reason"]) for known in pending] == [("NEW", "registration_pending")]
    assert (await site.csmsctl("cp", "accept", "NEW")).code == 0
    assert (await charge_point.boot())[2]["status"] == "Accepted"


async def test_connections_have_a_limit(make_site: MakeSite) -> None:
    site = await make_site({"server": {"max_connections": 1}})
    await site.register("CP2")
    await site.raw("CP1")
    assert (await refused(site, "/ocpp/CP2"))[0] == 503


async def test_a_handshake_that_takes_too_long_is_cut(make_site: MakeSite) -> None:
    site = await make_site({"server": {"handshake_timeout": 0.3}})
    host, port = site.listen.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /ocpp/CP1 HTTP/1.1\r\n")
    assert await asyncio.wait_for(reader.read(), 30) == b""
    writer.close()


async def test_one_that_is_removed_is_disconnected_and_unknown(site: Site) -> None:
    charge_point = await site.raw("CP1")
    assert (await site.csmsctl("--yes", "cp", "remove", "CP1")).code == 0
    assert (await charge_point.closed())[0] == 1008
    assert (await refused(site, "/ocpp/CP1"))[0] == 404
