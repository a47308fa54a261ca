"""Text that is nearly JSON: what it means where that is certain, and never more work than its length is worth."""

import json
from time import process_time

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csmsd.ocpp import mending
from csmsd.ocpp.frames import DamagedFrame, Frame, Unreadable, parse
from csmsd.ocpp.mending import Head, Mended, head_beyond_mending, mend

MEGABYTE = 1_000_000


def payload_of(text: str) -> tuple[object, list[str], bool]:
    """The payload as it was meant, the mends it needed, and whether something was left out."""
    found = mend(f'[2,"1","A",{text}')
    assert found is not None
    assert found.value[:3] == [2, "1", "A"]
    (payload,) = found.value[3:]
    return payload, [*found.mends], found.lost


@pytest.mark.parametrize(
    ("text", "payload", "mends"),
    [
        # Nothing where a value belongs.
        ('{"a":,"b":1}]', {"a": None, "b": 1}, ["missing_value"]),
        ('{"a" : , "b":1}]', {"a": None, "b": 1}, ["missing_value"]),
        ('{"a":}]', {"a": None}, ["missing_value"]),
        ('{"b":[{"a":}]}]', {"b": [{"a": None}]}, ["missing_value"]),
        # Commas.
        ('{"a":1,}]', {"a": 1}, ["stray_comma"]),
        ('{"a":1,,"b":2}]', {"a": 1, "b": 2}, ["stray_comma"]),
        ('{,"a":1}]', {"a": 1}, ["stray_comma"]),
        ('{ , }]', {}, ["stray_comma"]),
        ('{"a":[1,,2,]}]', {"a": [1, 2]}, ["stray_comma"]),
        ('{"a":1 , "b":[{,"c":2}] , "d":3,}]', {"a": 1, "b": [{"c": 2}], "d": 3}, ["stray_comma"]),
        ('{"a":1},]', {"a": 1}, ["stray_comma"]),
        ('{"a":1 "b":2}]', {"a": 1, "b": 2}, ["missing_comma"]),
        ('{"a":"x""b":2}]', {"a": "x", "b": 2}, ["missing_comma"]),
        ('{"a":[{}{}]}]', {"a": [{}, {}]}, ["missing_comma"]),
        ('{"a":true"b":1}]', {"a": True, "b": 1}, ["missing_comma"]),
        ('{"a":",}","b":":,"}]x', {"a": ",}", "b": ":,"}, ["trailing_bytes"]),
        # Numbers.
        ('{"a":NaN,"b":-Infinity,"c":1}]', {"a": None, "b": None, "c": 1}, ["no_number"]),
        ('{"a":nan,"b":-inf,"c":-nan(ind),"d":1.#QNAN}]', {"a": None, "b": None, "c": None, "d": None}, ["no_number"]),
        ('{"a":007,"b":+3,"c":.5,"d":5.,"e":-00.5,"f":1.e3}]', {"a": 7, "b": 3, "c": 0.5, "d": 5, "e": -0.5, "f": 1e3},
         ["malformed_number"]),
        ('{"a":0000}]', {"a": 0}, ["malformed_number"]),
        ('{"a":13000,7,"b":-1,25}]', {"a": 13000.7, "b": -1.25}, ["decimal_comma"]),
        ('{"a":[1,2],"b":1,}]', {"a": [1, 2], "b": 1}, ["stray_comma"]),
        # Words and texts.
        ('{"a":True,"b":FALSE,"c":None,"d":undefined}]', {"a": True, "b": False, "c": None, "d": None}, ["bare_word"]),
        ('{a:1,b_c : "x"}]', {"a": 1, "b_c": "x"}, ["bare_word"]),
        ("{'a':'it\\'s \"x\"','b':''}]", {"a": 'it\'s "x"', "b": ""}, ["single_quotes"]),
        (r'''{"a":"C:\dir\new","b":"\u12"}]''', {"a": "C:\\dir\new", "b": "\\u12"}, ["bad_escape"]),
        (r'''{"a":"\\d","b":1,}]''', {"a": "\\d", "b": 1}, ["stray_comma"]),
        (r'''{"a":"\\d" "b":1}]''', {"a": "\\d", "b": 1}, ["missing_comma"]),
        (r'''{"a":"A\ud800"}]''', {"a": "A "}, ["lone_surrogate"]),
        (r'''{"a":"\udc00B"}]''', {"a": " B"}, ["lone_surrogate"]),
        (r'''{"a":"\ud800\ud800\udc00"}]''', {"a": " \U00010000"}, ["lone_surrogate"]),
        (r'''{"a":"\ud83d\ude00\udfff"}]''', {"a": "\U0001f600 "}, ["lone_surrogate"]),
        # Brackets.
        ('{"a":{}}}]', {"a": {}}, ["brackets"]),
        ('{"a":1]', {"a": 1}, ["brackets"]),
        ('{"a":1}', {"a": 1}, ["brackets"]),
        ('{"a":[{"b":1]}]', {"a": [{"b": 1}]}, ["brackets"]),
        ('{"a":1},', {"a": 1}, ["brackets"]),
        # More behind it.
        ('{"a":1}]}]', {"a": 1}, ["trailing_bytes"]),
    ],
)  # fmt: skip
def test_what_is_meant(text: str, payload: object, mends: list[str]) -> None:
    found = payload_of(text)

    assert found[0] == payload
    assert sorted(found[1]) == mends


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ('{"a":1,"b":"x","c":"unfini', {"a": 1, "b": "x"}),
        ('{"a":1,"b":15', {"a": 1}),  # who knows which digits are missing
        ('{"a":1,"b":tr', {"a": 1}),
        ('{"a":1,"b":-', {"a": 1}),
        ('{"a":1,"b":"x"', {"a": 1, "b": "x"}),
        ('{"a":1,"b', {"a": 1}),
        ('{"a":1,', {"a": 1}),
        ("{", {}),
        ('{"a":1,"b":[{"c":[1,2],"d":3},{"c":[4', {"a": 1, "b": [{"c": [1, 2], "d": 3}]}),
        ('{"a":1,"b":[{"c":[1,2]', {"a": 1}),
        ('{"a":1,"b":{"c":{"d":1},"e":', {"a": 1}),
        ('{"a":{"x":1},"b":[', {"a": {"x": 1}}),
        ('{"b":[{"c":1}],"a":[{"c":1', {"b": [{"c": 1}]}),
        ('{"t":,"a":1,"b":"x,}', {"t": None, "a": 1}),
    ],
)
def test_of_what_is_cut_off_the_whole_parts_are_left(text: str, payload: object) -> None:
    found = payload_of(text)

    assert found[0] == payload
    assert found[1][-1] == "truncated"
    assert found[2]


def test_what_is_cut_off_and_nothing_else_needs_no_other_look() -> None:
    for length in range(FRAME.index('"StopTransaction",') + 18, len(FRAME)):
        text = FRAME[:length]
        with pytest.raises(msgspec.DecodeError, match="truncated"):
            msgspec.json.decode(text)

        assert mend(text, ends_too_early=True) == mend(text)


def test_of_a_stop_of_a_megabyte_that_is_cut_off_all_whole_readings_are_left() -> None:
    reading = '{"timestamp":"2026-03-01T12:00:00Z","sampledValue":[{"value":"1"},{"value":"2","unit":"Wh"}]}'
    count = MEGABYTE // (len(reading) + 1)
    for before, mends in (("", ["truncated"]), ('"x":,', ["missing_value", "truncated"])):
        text = f'[2,"1","A",{{"meterStop":5,{before}"transactionData":[' + f"{reading}," * count + reading[:-1]

        found = mend(text)

        assert found is not None
        assert found.mends == mends
        assert found.value[3]["transactionData"] == [json.loads(reading)] * count  # type: ignore[index]


@pytest.mark.parametrize(
    "text", ['{"a":1;}]', '{"a":abc}]', '{"a":2026-03-01}]', '{"a":1}e":"x"}]', '"x', "", '{"a" 1}]', "12"]
)
def test_what_is_not_certain_is_not_mended(text: str) -> None:
    assert mend(f'[2,"1","A",{text}') is None


def test_what_stands_behind_the_array() -> None:
    assert mend('[2]e":"Local"}]') == Mended([2], ["trailing_bytes"], "", lost=True)
    assert mend('[2]\n[3,"1",{}] more') == Mended([2], ["several_frames"], '[3,"1",{}] more')
    assert mend('[2] "[3,1]"') == Mended([2], ["trailing_bytes"], "", lost=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[2,"1","StopTransaction",{;', Head(2, "1", "StopTransaction")),
        (' [ "2" , 17 , "A" ;', Head(2, 17, "A")),
        ("['2',1.5,\"A\"", Head(2, 1.5, "A")),
        ('[2.0,"a\\"b","A",', Head(2, 'a"b', "A")),
        ('[2,"1","A', Head(2, "1")),
        ('[2,"1"', Head(2, "1")),
        ('[3,"1",{;', Head(3, "1")),
        ('[4,"1","NotSupported",;', Head(4, "1", "NotSupported")),
        (r'[2,"\ud800","A",;', Head(2, " ", "A")),
        (r'[2,"\x","A",;', None),
        ('[2,"1', None),
        ("[5,1,", None),
        ("2,1", None),
        ("[2,1x", None),
        ("[2,12", None),  # who knows which digits are missing
        ("[2,01,", None),
    ],
)
def test_the_head_of_a_frame(text: str, expected: Head | None) -> None:
    assert head_beyond_mending(text) == expected


def test_bytes_of_latin_1_among_utf_8() -> None:
    mixed = "Kühlung ".encode() + b"80 \xb0C"

    assert mending.decoded_for_mending(mixed) == ("Kühlung 80 °C", ["not_utf_8"])
    assert mending.decoded_for_mending(b"\xe4" * 5000)[0] == "ä" * 5000


def test_a_mark_that_was_encoded_twice() -> None:
    assert mending.decoded_for_mending("\u00ef\u00bb\u00bf[2]".encode()) == ("[2]", ["byte_order_mark"])


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("[", mending.MOST_BRACKETS),
        ("{", mending.MOST_BRACKETS),
        (",", mending.MOST_COMMAS),
        ('"', mending.MOST_QUOTES),
        (r"\u", mending.MOST_ESCAPES),
    ],
)
def test_what_is_too_crowded_is_not_looked_into(text: str, most: int) -> None:
    assert not mending.is_crowded(text * most)
    assert mending.is_crowded(text * (most + 1))
    assert mend("[1]" + text * (most + 1)) is None


HOSTILE = {
    "brackets": "[",
    "empty lists": "[],",
    "opened objects": "[{",
    "numbers": "1,",
    "numbers without commas": "1 ",
    "texts": '"",',
    "quotes": '"',
    "single quotes": "'",
    "backslashes": "\\",
    "good escapes": r"\n",
    "pairs of surrogates": r"\ud83d\ude00",
    "a text behind another": '"a" ',
    "bad escapes": r"\x",
    "half surrogate pairs": r"\ud800",
    "commas": ",",
    "commas and blanks": ", ",
    "colons": ":,",
    "missing values": '"a":,',
    "names": '"a":1,',
    "names and blanks": '"a"   :   1 ,   ',
    "blanks": " ",
    "words": "NaN,",
    "one word": "a",
    "digits": "1",
    "control characters": "\x01",
    "letters of Latin-1": "\xff",
    "frames": '[2,"1","A",{}]',
    "meter values": '{"timestamp":"T","sampledValue":[{"value":"1","unit":"kWh"}]},',
}


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", ""),
        ('[2,"1","A",{"a":', ""),
        ('[2,"1","A",{"a":"', ""),
        ('[2,"1","A",{"x":,"a":[', ""),
        ('[2,"1","A",{"x":;,"a":[', ""),
        ('[2,"1","A",{"a":"', '" "b":1}]'),
        ("[2,'1','A',{'a':'", "' 'b':1}]"),
    ],
)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_nonsense_costs_little(name: str, before: str, behind: str) -> None:
    """Twice the text costs at most a little more than twice the time: nothing is looked at again and again."""

    def cost(length: int) -> float:
        text = (before + HOSTILE[name] * (length // len(HOSTILE[name])) + behind).encode("latin-1")
        begun = process_time()
        parse(text)
        return process_time() - begun

    # The least of a few, since this machine has more to do; generous, since it may be slow.
    whole = half = 2.0
    for _ in range(10):
        whole = min(whole, cost(MEGABYTE))
        if whole <= 0.02:
            return
        half = min(half, cost(MEGABYTE // 2))
        if whole < min(4 * half + 0.01, 2.0):
            return
    raise AssertionError((whole, half))


FRAME = json.dumps(
    [2, "id-1", "StopTransaction", {"transactionId": 5, "idTag": "A,\"}B", "meterStop": 1500, "timestamp": "T",
                                    "transactionData": [{"timestamp": "T", "sampledValue": [{"value": "1,5"}]}]}]
)  # fmt: skip


@given(st.integers(0, len(FRAME)), st.text(max_size=3) | st.sampled_from(list("[]{},:\"'\\ \0")), st.integers(0, 4))
@example(0, "\ufeff", 0)
def test_a_frame_with_a_fault_in_it_is_read_or_called_unreadable(place: int, fault: str, gone: int) -> None:
    found = parse(FRAME[:place] + fault + FRAME[place + gone :])

    assert isinstance(found, Frame | DamagedFrame | Unreadable)
    if isinstance(found, DamagedFrame):
        json.loads(bytes(getattr(found.frame, "payload", b"{}")))
        assert found.damage.mends
        assert len({*found.damage.mends}) == len(found.damage.mends)


@given(st.integers(FRAME.index('"StopTransaction",') + 18, len(FRAME)))
def test_a_frame_that_is_cut_off_says_nothing_that_it_did_not_say(length: int) -> None:
    """Whatever is left of a payload stood in it: no figure is cut short, no reading loses its unit."""
    found = parse(FRAME[:length])
    whole = json.loads(FRAME)[3]

    if isinstance(found, DamagedFrame) and found.damage.unreadable is None:
        left = json.loads(bytes(found.frame.payload))  # type: ignore[union-attr]
        data = left.pop("transactionData", [])
        assert left.items() <= whole.items()
        assert data in ([], whole["transactionData"])


@given(
    st.text(alphabet="[]{},:\"'\\ 0123456789.-+eENanInfitrueflsu\0\ufeffé\ud800", max_size=60) | st.text() | st.binary()
)
def test_nothing_raises(text: str | bytes) -> None:
    decoded, _ = mending.decoded_for_mending(text)
    mend(decoded)
    mend(f'[2,"1","A",{decoded}')
    head_beyond_mending(decoded)
