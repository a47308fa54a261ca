"""FIELD-NOTES "Framing", on the pure parts: text in, conversation, reading, handler, text out."""

import json

import pytest

from csmsd.ocpp.conversation import Conversation, Odd, Requested
from csmsd.ocpp.payloads import check_sendable_payload, encode_payload
from csmsd.profiles import outgoing
from csmsd.profiles.core.reset import ResetReq
from tests.csmsd.profiles.scene import HOUR, Scene


class Line:
    """A charge point's connection down to its handlers."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.conversation = Conversation()

    def hears(self, text: str) -> list[str]:
        """What the charge point is sent back when it sends a text; times go by the scene's clock."""
        event = self.conversation.receive(text, self.scene.now)
        if isinstance(event, Requested):
            answer = self.scene.send(event.action, bytes(event.payload))
            self.conversation.answer(event.unique_id, json.dumps(answer.payload).encode())
        return [sent.decode() for sent in self.conversation.data_to_send()]

    def odd(self, text: str) -> str:
        event = self.conversation.receive(text, self.scene.now)
        assert isinstance(event, Odd)
        return event.oddity


@pytest.mark.parametrize("payload", ["null", "{}", '{"vendorThing":[]}'])
def test_no_payload_may_come_as_null(payload: str) -> None:
    (answer,) = Line().hears(f'[2,"1","Heartbeat",{payload}]')

    assert json.loads(answer) == [3, "1", {"currentTime": "2026-03-01T12:00:00.000Z"}]


@pytest.mark.parametrize(
    "message", [declared.request for declared in outgoing().values() if not declared.request.__struct_fields__]
)
def test_no_payload_is_sent_as_an_empty_object(message: type) -> None:
    assert encode_payload(message()) == b"{}"


@pytest.mark.parametrize("unique_id", ["7", '""', '"' + "x" * 200 + '"', "1234567890123456789012", '"ü\\n"'])
def test_an_odd_message_id_is_echoed(unique_id: str) -> None:
    (answer,) = Line().hears(f'[2,{unique_id},"Heartbeat",{{}}]')

    assert json.loads(answer)[1] == json.loads(unique_id)


@pytest.mark.parametrize("text", ['[2,"1', "[2,", "", "\0", '[9,"1","X",{}]', '[3,"1",{}]'])
def test_what_cannot_be_answered_is_survived(text: str) -> None:
    line = Line()

    assert line.hears(text) == []
    assert len(line.hears('[2,"1","Heartbeat",{}]')) == 1


def test_replies_that_nobody_waits_for_are_dropped() -> None:
    line = Line()
    line.conversation.call("Reset", b'{"type":"Soft"}', None, timeout=30_000, now=line.scene.now)

    assert [line.odd(text) for text in ('[3,"9",{}]', '[4,"9","InternalError","",{}]')] == ["unexpected_reply"] * 2
    line.scene.now += HOUR
    line.conversation.expire(line.scene.now)
    assert line.odd('[3,"1",{"status":"Accepted"}]') == "late_reply"


def test_a_repeated_start_gets_the_stored_answer_and_begins_nothing() -> None:
    line = Line()
    start = {"connectorId": 1, "idTag": "TAG1", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}

    answers = [line.hears(json.dumps([2, unique_id, "StartTransaction", start]))[0] for unique_id in ("a", "a", "b")]

    assert [json.loads(answer)[2]["transactionId"] for answer in answers] == [1, 1, 1]
    assert len(line.scene.cp.transactions.active()) == 1


@pytest.mark.parametrize("control", ["\x01", "\t", "\n", "\\u0000", "\\u001b[31m"])
def test_control_characters_in_an_id_tag_cost_no_stop(control: str) -> None:
    line = Line()
    transaction = line.scene.started()

    (answer,) = line.hears(
        f'[2,"1","StopTransaction",{{"transactionId":1,"idTag":"TAG{control}1 and more than twenty","meterStop":1500,'
        '"timestamp":"2026-03-01T12:00:00Z"}]'
    )

    assert json.loads(answer)[2] == {"idTagInfo": {"status": "Invalid"}}
    assert (transaction.state, transaction.energy_wh) == ("stopped", 500)


def test_what_we_send_has_no_blanks() -> None:
    """Some charge points look for `"type":"Soft"` in the text."""
    request = ResetReq(type="Soft")
    conversation = Conversation()
    conversation.call("Reset", encode_payload(request), None, timeout=1, now=0)

    assert check_sendable_payload(request) is None
    assert conversation.data_to_send() == [b'[2,"1","Reset",{"type":"Soft"}]']
