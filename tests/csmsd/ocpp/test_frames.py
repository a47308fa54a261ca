"""Text to frames and back (J 4.2)."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csmsd.ocpp import frames
from csmsd.ocpp.frames import (
    MAX_UNIQUE_ID,
    Call,
    CallError,
    CallResult,
    DamagedFrame,
    Frame,
    UniqueId,
    Unreadable,
    parse,
)

HUGE = 10**30


@pytest.mark.parametrize(
    ("text", "unique_id", "action", "payload"),
    [
        ('[2,"1","Heartbeat",{}]', "1", "Heartbeat", "{}"),
        ('[2,"","Heartbeat",{}]', "", "Heartbeat", "{}"),
        ('[2,7,"Heartbeat",{}]', 7, "Heartbeat", "{}"),
        ('[2,7.5,"Heartbeat",{}]', 7.5, "Heartbeat", "{}"),
        (f'[2,{HUGE},"Heartbeat",{{}}]', HUGE, "Heartbeat", "{}"),
        (f'[2,"{"x" * MAX_UNIQUE_ID}","Heartbeat",{{}}]', "x" * MAX_UNIQUE_ID, "Heartbeat", "{}"),
        ('[2,"1","Heartbeat"]', "1", "Heartbeat", "{}"),
        ('[2,"1","Heartbeat",null]', "1", "Heartbeat", "null"),
        ('[2,"1","Heartbeat",{},"and more"]', "1", "Heartbeat", "{}"),
        (' [ 2 , "1" ,\n"Heartbeat" , { } ] ', "1", "Heartbeat", "{ }"),
        ('["2","1","Heartbeat",{"a":1}]', "1", "Heartbeat", '{"a":1}'),
        ('[2.0,"1","Heartbeat",{}]', "1", "Heartbeat", "{}"),
        (f'["2","1","Heartbeat",{{"a":{HUGE}}}]', "1", "Heartbeat", f'{{"a":{HUGE}}}'),
        ('[2,"1","Heartbeat",{"a":1,"a":2}]', "1", "Heartbeat", '{"a":1,"a":2}'),
        ('[2,"1","Heartbeat",[]]', "1", "Heartbeat", "[]"),
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_calls(text: str, unique_id: UniqueId, action: str, payload: str, as_bytes: bool) -> None:
    frame = parse(text.encode() if as_bytes else text)

    assert isinstance(frame, Call)
    assert (frame.unique_id, frame.action, bytes(frame.payload).decode()) == (unique_id, action, payload)


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ('[3,"1",{"status":"Accepted"}]', '{"status":"Accepted"}'),
        ('[3,"1"]', "{}"),
        ('[3,"1",null]', "null"),
        ('[3,"1",{},{}]', "{}"),
        ('["3","1",{}]', "{}"),
        ('["3","1"]', "{}"),
    ],
)
def test_call_results(text: str, payload: str) -> None:
    frame = parse(text)

    assert isinstance(frame, CallResult)
    assert (frame.unique_id, bytes(frame.payload).decode()) == ("1", payload)


@pytest.mark.parametrize(
    ("text", "code", "description", "details"),
    [
        ('[4,"1","NotSupported","not here",{"a":1}]', "NotSupported", "not here", '{"a":1}'),
        ('[4,"1","NotSupported","",{}]', "NotSupported", "", "{}"),
        ('[4,"1","NotSupported","not here"]', "NotSupported", "not here", "{}"),
        ('[4,"1","NotSupported"]', "NotSupported", "", "{}"),
        ('[4,"1"]', "GenericError", "", "{}"),
        ('[4,"1",null,null,null]', "GenericError", "", "null"),
        ('[4,"1",42,{"a":1},{}]', "42", "{'a': 1}", "{}"),
        ('["4","1","NotSupported","",{"a":1},"more"]', "NotSupported", "", '{"a":1}'),
    ],
)
def test_call_errors(text: str, code: str, description: str, details: str) -> None:
    frame = parse(text)

    assert isinstance(frame, CallError)
    assert (frame.code, frame.description, bytes(frame.details).decode()) == (code, description, details)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        (" \r\n ", "empty"),
        ("\0", "empty"),
        ("hello", "not_json"),
        ('[2,"1', "not_json"),
        ("[2,", "not_json"),
        ('2,"1","Heartbeat",{}]', "not_json"),
        (f'[{"1" * 5000},"1","Heartbeat",{{}}]', "not_json"),
        ('[2,1e999,"Heartbeat",{}]', "bad_unique_id"),
        ("[" * 100_000, "not_json"),
        ('{"a":' * 100_000, "not_json"),
        ("[]", "not_a_frame"),
        ("{}", "not_a_frame"),
        ("null", "not_a_frame"),
        ("2", "not_a_frame"),
        ('"[2]"', "not_a_frame"),
        ('[1,"1","Heartbeat",{}]', "unknown_message_type"),
        ('[5,"1","Heartbeat",{}]', "unknown_message_type"),
        ('[true,"1","Heartbeat",{}]', "unknown_message_type"),
        ('[null,"1","Heartbeat",{}]', "unknown_message_type"),
        ('[[2],"1","Heartbeat",{}]', "unknown_message_type"),
        ('["Call","1","Heartbeat",{}]', "unknown_message_type"),
        (f'[{HUGE},"1","Heartbeat",{{}}]', "unknown_message_type"),
        ("[2]", "bad_unique_id"),
        ("[3]", "bad_unique_id"),
        ('[2,null,"Heartbeat",{}]', "bad_unique_id"),
        ('[2,true,"Heartbeat",{}]', "bad_unique_id"),
        ('[2,["1"],"Heartbeat",{}]', "bad_unique_id"),
        (f'[2,"{"x" * (MAX_UNIQUE_ID + 1)}","Heartbeat",{{}}]', "bad_unique_id"),
        (f'["2","{"x" * (MAX_UNIQUE_ID + 1)}","Heartbeat",{{}}]', "bad_unique_id"),
        (f'[2,{"1" * (MAX_UNIQUE_ID + 1)},"Heartbeat",{{}}]', "bad_unique_id"),
        (f'[2,"{"x" * (MAX_UNIQUE_ID + 1)}","Heartbeat",{{;', "bad_unique_id"),
        ("\ufeff", "empty"),
    ],
)
def test_unreadable_text_has_no_id_to_answer(text: str, problem: str) -> None:
    found = parse(text)

    assert isinstance(found, Unreadable)
    assert (found.problem, found.unique_id) == (problem, None)


@pytest.mark.parametrize("text", ['[2,"1"]', '[2,"1",null,{}]', '[2,"1",5,{}]', '["2","1",{}]'])
def test_a_call_without_action_can_be_answered(text: str) -> None:
    found = parse(text)

    assert isinstance(found, Unreadable)
    assert (found.problem, found.unique_id) == ("not_a_frame", "1")


@pytest.mark.parametrize("text", ['[2,"1"', '[2,"1","Hea', '[2,"1",Heartbeat;{}]'])
def test_a_call_whose_action_is_cut_off_can_be_answered(text: str) -> None:
    found = parse(text)

    assert isinstance(found, Unreadable)
    assert (found.problem, found.unique_id) == ("not_json", "1")


@pytest.mark.parametrize(
    "payload",
    [";", '{"a":1;}', '{"a":2026-03-01}', "[" * 100_000, '{"a":' * 100_000, "[" * 5000, "[[],[]," * 30_000],
)
def test_a_call_whose_payload_nobody_can_read_keeps_its_text(payload: str) -> None:
    text = f'[2,"1","StopTransaction",{payload}]'

    found = parse(text)

    assert isinstance(found, DamagedFrame)
    assert isinstance(found.frame, Call)
    assert (found.frame.unique_id, found.frame.action, found.damage.mends) == ("1", "StopTransaction", ["unreadable"])
    assert json.loads(bytes(found.frame.payload)) == found.damage.text == text
    assert found.damage.unreadable


def test_an_answer_that_nobody_can_read_is_an_answer() -> None:
    result, error = parse('[3,"1",{"status";}]'), parse('[4,"1",;]')

    assert isinstance(result, DamagedFrame)
    assert isinstance(result.frame, CallResult)
    assert json.loads(bytes(result.frame.payload)) == '[3,"1",{"status";}]'
    assert isinstance(error, DamagedFrame)
    assert isinstance(error.frame, CallError)
    assert error.frame.code == "GenericError"


@pytest.mark.parametrize(
    ("text", "payload", "mends"),
    [
        (b'\xef\xbb\xbf[2,"1","A",{"a":1}]', {"a": 1}, ["byte_order_mark"]),
        (b'[2,"1","A",{"a":"80 \xb0C"}]', {"a": "80 °C"}, ["not_utf_8"]),
        (b'[2,"1","A",{"a":"x\x01y"}]', {"a": "x y"}, ["control_character"]),
        (b'[2,"1","A",{"a":"x\ty"}]', {"a": "x y"}, ["control_character"]),
        (b'[2,"1","A",\n{"a":1,}]', {"a": 1}, ["stray_comma"]),
        (b'[2,"1","A",{"a":1}]\0\0', {"a": 1}, ["control_character"]),
        (b'[2,"1","A",{"a":}]', {"a": None}, ["missing_value"]),
        (b'\xef\xbb\xbf["2","1","A",{"a":NaN}]', {"a": None}, ["byte_order_mark", "no_number"]),
    ],
)
def test_text_that_is_nearly_a_frame_is_read_again(text: bytes, payload: object, mends: list[str]) -> None:
    found = parse(text)

    assert isinstance(found, DamagedFrame)
    assert isinstance(found.frame, Call)
    assert (found.frame.unique_id, found.frame.action) == ("1", "A")
    assert json.loads(bytes(found.frame.payload)) == payload
    assert (found.damage.mends, found.damage.text, found.damage.unreadable) == (mends, None, None)


def test_white_space_between_the_parts_of_a_frame_needs_no_mending() -> None:
    assert isinstance(parse(b'\t[\n2,\r\n"1","A",{"a":\t1}]\n'), Call)
    assert isinstance(parse(b'["2",\t"1","A",{"a":1}]'), Call)


def test_text_behind_a_frame_is_kept_where_it_says_something() -> None:
    said, silent = parse('[2,"1","A",{}]e":"Local"}]'), parse('[2,"1","A",{}]}]')

    assert isinstance(said, DamagedFrame)
    assert said.damage.text == '[2,"1","A",{}]e":"Local"}]'
    assert isinstance(silent, DamagedFrame)
    assert silent.damage.text is None


def test_two_frames_in_one_message() -> None:
    found = parse('[2,"1","A",{}]\n[2,"2","B",{}]')

    assert isinstance(found, DamagedFrame)
    assert (found.frame.unique_id, found.rest) == ("1", '[2,"2","B",{}]')


def test_every_depth_is_parsed_or_called_unreadable() -> None:
    """The interpreter's limit is met somewhere on the way, in reading or in writing what was read."""
    for depth in range(700, 1000):
        nested = "[" * depth + "]" * depth
        for kind in ("2", '"2"'):
            assert isinstance(parse(f'[{kind},"1","Heartbeat",{nested}]'), Call | DamagedFrame | Unreadable)
        assert isinstance(parse(f'["4","1","GenericError","",{nested}]'), CallError | DamagedFrame | Unreadable)


ODD_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2, 3, 4, "2", "3", "4", 2.0, HUGE, -HUGE, 2**63, 2**64])
    | st.floats(allow_nan=True)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.text() | st.binary() | ODD_JSON.map(json.dumps) | st.lists(ODD_JSON, max_size=6).map(json.dumps))
@example("\ud800")
@example(json.dumps([2, "\ud800", "A", {}]))
def test_parse_never_raises_and_what_it_reads_can_be_answered(text: str | bytes) -> None:
    found = parse(text)

    found = found.frame if isinstance(found, DamagedFrame) else found
    assert isinstance(found, Frame | Unreadable)
    if found.unique_id is not None:
        json.loads(frames.serialize_result(found.unique_id, b"{}"))
        json.loads(frames.serialize_error(found.unique_id, "GenericError", "no"))


@given(st.text(max_size=36) | st.integers(), st.text(), st.dictionaries(st.text(), st.integers() | st.text()))
def test_what_is_written_is_read_back(unique_id: str | int, text: str, payload: dict[str, int | str]) -> None:
    written = json.dumps(payload, separators=(",", ":")).encode()

    call = parse(frames.serialize_call(str(unique_id), text, written))
    result = parse(frames.serialize_result(unique_id, written))
    error = parse(frames.serialize_error(unique_id, "GenericError", text, written))

    assert isinstance(call, Call)
    assert (call.unique_id, call.action, bytes(call.payload)) == (str(unique_id), text, written)
    assert isinstance(result, CallResult)
    assert (result.unique_id, bytes(result.payload)) == (unique_id, written)
    assert isinstance(error, CallError)
    assert (error.unique_id, error.code, error.description, bytes(error.details)) == (
        unique_id,
        "GenericError",
        text,
        written,
    )


def test_what_is_sent_is_compact() -> None:
    """Some charge points look for text in what they get, and stumble over blanks."""
    assert frames.serialize_call("1", "Reset", b'{"type":"Soft"}') == b'[2,"1","Reset",{"type":"Soft"}]'
    assert frames.serialize_result(7, b"{}") == b"[3,7,{}]"
    assert frames.serialize_result("", b"{}") == b'[3,"",{}]'
    assert frames.serialize_error("1", "GenericError", "") == b'[4,"1","GenericError","",{}]'  # J 4.2.3: five elements
