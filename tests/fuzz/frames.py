"""Frames for a Central System, and what it owes for each: one answer, none, or where nobody can tell at most one."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.fuzz.payloads import ACTIONS, OURS, Draw, encoded, spoilt, valid
from tests.support.schemas import ERROR_CODES

UNIQUE_ID = b"@@ID@@"  # stands for the unique id, which is given when the frame is sent
SECOND_ID = b"@@SECOND@@"  # for that of a second frame in it

_ANY = frozenset(ERROR_CODES)
_UNREADABLE = frozenset(
    {"FormationViolation", "OccurenceConstraintViolation", "TypeConstraintViolation", "PropertyConstraintViolation"}
)


class Frame(msgspec.Struct):
    """One WebSocket message. `codes` are the CALLERRORs that may answer it, besides a CALLRESULT where that is
    allowed: `result` is False where it would be wrong. `strict` says what a strict charge point must be answered."""

    kind: str
    text: bytes
    action: str | None = None
    least: int = 1  # answers
    most: int = 1
    result: bool = True
    codes: frozenset[str] = frozenset()
    garbage: int = 0  # at most so often it counts as what cannot be read
    strict: bool | None = None  # True: must be a CALLRESULT, False: must be a CALLERROR


_kinds = st.sampled_from(
    tuple(
        kind
        for kind, times in {
            **{"valid": 40, "spoilt": 40, "cut off": 3, "junk": 4, "odd frame": 3, "other action": 2},
            **{"reply": 2, "no frame": 1, "two in one": 1, "head": 1, "long id": 1},
        }.items()
        for _ in range(times)
    )
)
_action = st.sampled_from((*ACTIONS, "StartTransaction", "MeterValues", "StopTransaction"))
_ours = st.sampled_from(OURS)
_unknown = st.sampled_from(
    ("X", "", "bootNotification", "Heartbeat ", "\x00", "é" * 40, "TransactionEvent", "__init__")
)
_place = st.integers(0, 10_000)
_junk = st.sampled_from(
    (
        *(b"\x00", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b'"', b"\\", b"]", b"}", b"{", b"[", b",", b":", b"'", b"}{"),
        *(b"NaN", b"-Infinity", b"\\ud800", b"\\u12", b"/*", b"1e999", b"01", b"\n", b"\t", b"\xef\xbb\xbf", b"null"),
    )
)
_bodies = st.sampled_from(
    (
        *(
            b"",
            b" ",
            b"{}",
            b"[]",
            b"null",
            b"5",
            b'""',
            b"[",
            b"]",
            b"[2]",
            b"[2,",
            b'{"a":[2]}',
            b"\x00",
            b"\xff\xfe",
        ),
        *(b"hello", b"[[[]]]", b"[true]", b'[2,null,"Heartbeat",{}]', b'[2,[],"Heartbeat",{}]', b'[2,{},"Reset",{}]'),
        *(b'[2,true,"Heartbeat",{}]', b"<xml/>", b"GET / HTTP/1.1\r\n\r\n", b"[" * 5000, b'[2,1e999,"Heartbeat",{}]'),
    )
)
_odd = st.sampled_from(
    (
        (b'[2,@@ID@@,"Heartbeat"]', "Heartbeat"),
        (b'[2,@@ID@@,"Heartbeat",null]', "Heartbeat"),
        (b'["2",@@ID@@,"Heartbeat",{}]', "Heartbeat"),
        (b'[2,@@ID@@,"Heartbeat",{},1,2,3]', "Heartbeat"),
        (b' [ 2 , @@ID@@ , "Heartbeat" , { } ] ', "Heartbeat"),
        (b'\xef\xbb\xbf[2,@@ID@@,"Heartbeat",{}]', "Heartbeat"),
        (b'[2,@@ID@@,"Authorize",{"idTag":"a","idTag":"b"}]', "Authorize"),
        (b"[2,@@ID@@,\"Authorize\",{idTag:'a'}]", "Authorize"),
        (b'[2,@@ID@@,"Authorize",{"idTag":"a",}]', "Authorize"),
        (b'[2,@@ID@@,"Authorize","{\\"idTag\\":\\"a\\"}"]', "Authorize"),
        (b'[2,@@ID@@,"Authorize",[{"idTag":"a"}]]', "Authorize"),
        (b"[2,@@ID@@]", None),
        (b"[2,@@ID@@,5,{}]", None),
        (b"[2,@@ID@@,null,{}]", None),
        (b"[2,@@ID@@,[],{}]", None),
    )
)
_replies = st.sampled_from(
    (
        *(b"[3,@@ID@@,{}]", b"[3,@@ID@@]", b'[3,@@ID@@,{"status":"Accepted"}]', b"[3,@@ID@@,null]", b'[3,"1",{}]'),
        *(b'[4,@@ID@@,"GenericError","",{}]', b"[4,@@ID@@]", b"[4,@@ID@@,5,5,5]", b'[4,"-1","InternalError","no",{}]'),
        *(b"[5,@@ID@@,{}]", b"[0,@@ID@@,{}]", b"[-2,@@ID@@,{}]", b'[22,@@ID@@,"Heartbeat",{}]', b"[1e400,@@ID@@]"),
    )
)


@st.composite
def frames(draw: Draw) -> Frame:
    kind = draw(_kinds)
    return _MAKERS[kind](draw, kind)


def call(action: str, payload: bytes) -> bytes:
    return b"[2," + UNIQUE_ID + b"," + encoded(action) + b"," + payload + b"]"


def _valid(draw: Draw, kind: str) -> Frame:
    action = draw(_action)
    return Frame(kind, call(action, encoded(valid(draw, action))), action, strict=True)


def _spoilt(draw: Draw, kind: str) -> Frame:
    action = draw(_action)
    found = spoilt(draw, action)
    return Frame(kind, call(action, found.payload), action, codes=found.codes, strict=found.valid)


def _cut_off(draw: Draw, kind: str) -> Frame:
    whole = _valid(draw, kind)
    head = whole.text.index(UNIQUE_ID) + len(UNIQUE_ID)
    end = head + 1 + draw(_place) % (len(whole.text) - head - 1)
    return Frame(kind, whole.text[:end], whole.action, codes=_UNREADABLE, garbage=1)


def _junk_inside(draw: Draw, kind: str) -> Frame:
    whole = _valid(draw, kind)
    head = whole.text.index(b"{")
    at = head + draw(_place) % (len(whole.text) - head)
    return Frame(kind, whole.text[:at] + draw(_junk) + whole.text[at:], whole.action, codes=_UNREADABLE, garbage=1)


def _junk_in_the_head(draw: Draw, kind: str) -> Frame:
    whole = _valid(draw, kind)
    at = draw(_place) % whole.text.index(b"{")
    text = whole.text[:at] + draw(_junk) + whole.text[at:]
    return Frame(kind, text, whole.action, least=0, codes=_ANY, garbage=2)


def _odd_frame(draw: Draw, kind: str) -> Frame:
    text, action = draw(_odd)
    return Frame(kind, text, action, result=action is not None, codes=_UNREADABLE, garbage=1)


def _other_action(draw: Draw, kind: str) -> Frame:
    if draw(_place) % 2:
        return Frame(kind, call(draw(_ours), b"{}"), result=False, codes=frozenset({"NotSupported"}))
    codes = frozenset({"NotImplemented", "FormationViolation"})
    return Frame(kind, call(draw(_unknown), b'{"a":1}'), result=False, codes=codes)


def _reply(draw: Draw, kind: str) -> Frame:
    return Frame(kind, draw(_replies), least=0, most=0, garbage=1)


def _no_frame(draw: Draw, kind: str) -> Frame:
    return Frame(kind, draw(_bodies), least=0, most=0, garbage=1)


def _long_id(draw: Draw, kind: str) -> Frame:
    text = _valid(draw, kind).text.replace(UNIQUE_ID, b'"' + b"i" * (256 + draw(_place)) + b'"')
    return Frame(kind, text, least=0, most=0, garbage=1)


def _two_in_one(draw: Draw, kind: str) -> Frame:
    whole = _valid(draw, kind)
    text = whole.text + b'[3,"nobody",{}]' + b"[2," + SECOND_ID + b',"Heartbeat",{}]'
    return Frame(kind, text, whole.action, codes=_UNREADABLE, garbage=2)


_MAKERS: dict[str, Any] = {
    "valid": _valid,
    "spoilt": _spoilt,
    "cut off": _cut_off,
    "junk": _junk_inside,
    "head": _junk_in_the_head,
    "odd frame": _odd_frame,
    "other action": _other_action,
    "reply": _reply,
    "no frame": _no_frame,
    "long id": _long_id,
    "two in one": _two_in_one,
}
