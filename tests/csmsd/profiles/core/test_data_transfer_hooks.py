"""DataTransfer and its hooks (C 4.3): which executable is asked, and what its output makes of the answer."""

import json
from typing import Any

import pytest

from csmsd.profiles import answering, incoming
from csmsd.profiles.action import Ask, Context, Reply
from csmsd.profiles.core.data_transfer import DataTransferReq, data_transfer
from csmsd.profiles.policies import DataTransfer, DataTransferHook
from tests.csmsd.profiles.scene import Scene

HOOKS = [
    DataTransferHook(vendor_id="com.example", message_id="Hello", command="/hooks/hello"),
    DataTransferHook(vendor_id="com.example", message_id="Bye", command="/hooks/bye"),
    DataTransferHook(vendor_id="org.example", message_id=None, command="/hooks/everything"),
    DataTransferHook(vendor_id="org.example", message_id="One", command="/hooks/one"),
]


def asked(vendor_id: str, message_id: str | None = None, data: str | None = None) -> Reply[Any]:
    scene = Scene()
    scene.site.data_transfer = DataTransfer(hooks=HOOKS)
    request = DataTransferReq(vendor_id=vendor_id, message_id=message_id, data=data)
    return data_transfer(request, Context(scene.site, scene.cp, scene.now))


@pytest.mark.parametrize(
    ("vendor_id", "message_id", "executable", "status"),
    [
        ("net.example", None, None, "UnknownVendorId"),
        ("com.example", "Nothing", None, "UnknownMessageId"),
        ("com.example", None, None, "UnknownMessageId"),
        ("com.example", "Hello", "/hooks/hello", None),
        ("COM.Example", "hello", "/hooks/hello", None),  # CiStrings have no case
        ("org.example", "One", "/hooks/one", None),
        ("org.example", "Two", "/hooks/everything", None),
        ("org.example", None, "/hooks/everything", None),
    ],
)
def test_who_is_asked(vendor_id: str, message_id: str | None, executable: str | None, status: str | None) -> None:
    """TC_064"""
    reply = asked(vendor_id, message_id)
    if executable is None:
        assert (reply.later, reply.confirmation.status) == (None, status)
    else:
        assert reply.later is not None
        assert reply.later.executable == executable


def later() -> Ask[Any]:
    reply = asked("com.example", "Hello", "wörld")
    assert reply.later is not None
    return reply.later


def test_what_it_is_asked() -> None:
    assert json.loads(later().question) == {
        "chargePoint": "CP1",
        "vendorId": "com.example",
        "messageId": "Hello",
        "data": "wörld",
    }


@pytest.mark.parametrize(
    ("said", "status", "data"),
    [
        (b'{"status":"Accepted","data":"x"}', "Accepted", "x"),
        (b' {"status": "Accepted"}\n', "Accepted", None),
        (b'{"status":"Rejected","data":null}', "Rejected", None),
        (b'{"status":"UnknownMessageId","more":1}', "UnknownMessageId", None),
    ],
)
def test_what_it_says_is_the_answer(said: bytes, status: str, data: str | None) -> None:
    reply = later().conclude(said)
    assert (reply.confirmation.status, reply.confirmation.data, reply.events) == (status, data, [])


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"yes",
        b"[]",
        b"{}",
        b'{"status":"Maybe"}',
        b'{"status":"Accepted","data":1}',
        b'{"status":"Accepted","data":"\xff"}',
        b'{"status":"Accepted","data":"\\ud800"}',
        b'{"status":"Accepted","x":' + b"[" * 100_000,
        "did not end within 10 s",
    ],
)
def test_a_hook_that_fails_is_a_rejection(said: bytes | str) -> None:
    reply = later().conclude(said)
    assert (reply.confirmation.status, reply.confirmation.data) == ("Rejected", None)
    (event,) = reply.events
    assert event.type == "hook.failed"
    assert event.data["command"] == "/hooks/hello"
    assert str(event.data["reason"])


@pytest.mark.parametrize(
    ("data", "given"),
    [({"vin": "W1", "n": 1}, '{"vin":"W1","n":1}'), ([1, 2], "[1,2]"), (5, "5"), (True, "true"), ("x", "x")],
)
def test_data_of_another_type_reaches_the_hook_as_its_json(data: object, given: str) -> None:
    scene = Scene()
    scene.site.data_transfer = DataTransfer(hooks=HOOKS)
    payload = json.dumps({"vendorId": "org.example", "data": data}).encode()

    reply = answering.answer(incoming()["DataTransfer"], payload, Context(scene.site, scene.cp, scene.now, []))

    assert reply.later is not None
    assert json.loads(reply.later.question)["data"] == given
