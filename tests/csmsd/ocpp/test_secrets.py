"""Secrets are masked before they are kept or shown."""

import json
import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.secrets import MASK, is_secret_key, masked_secrets, may_hold_secret


@pytest.mark.parametrize(
    "name",
    [
        "AuthorizationKey",
        "authorizationkey",
        "Authorization_Key",
        "Authorization Key",
        "WiFiPassword",
        "wifi_passwd",
        "SimPassphrase",
        "ClientSecret",
        "FtpCredentials",
        "PrivateKey",
        "API-Key",
        "api_key",
        "accessToken",
    ],
)
def test_keys_that_hold_secrets(name: str) -> None:
    assert is_secret_key(name)


@pytest.mark.parametrize(
    "name",
    ["HeartbeatInterval", "SupportedFeatureProfiles", "GetConfigurationMaxKeys", "AuthorizeRemoteTxRequests", ""],
)
def test_keys_that_do_not(name: str) -> None:
    assert not is_secret_key(name)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ({"key": "AuthorizationKey", "value": "s3cret"}, {"key": "AuthorizationKey", "value": MASK}),
        ({"Key": "authorizationkey", "VALUE": "s3cret"}, {"Key": "authorizationkey", "VALUE": MASK}),
        ({"key": "AuthorizationKey", "readonly": False}, {"key": "AuthorizationKey", "readonly": False}),
        ({"key": "AuthorizationKey", "value": None}, {"key": "AuthorizationKey", "value": None}),
        ({"key": "HeartbeatInterval", "value": "300"}, {"key": "HeartbeatInterval", "value": "300"}),
        (
            {"configurationKey": [{"key": "WifiPassword", "readonly": False, "value": "s3cret"}]},
            {"configurationKey": [{"key": "WifiPassword", "readonly": False, "value": MASK}]},
        ),
        ({"key": ["AuthorizationKey"]}, {"key": ["AuthorizationKey"]}),
        ({"password": "s3cret", "a": [{"apiKey": {"x": 1}}]}, {"password": MASK, "a": [{"apiKey": MASK}]}),
        ({"location": "ftp://user:s3cret@host/x"}, {"location": f"ftp://{MASK}@host/x"}),
        ({"location": "ftp://user:s3c@ret@host/x"}, {"location": f"ftp://{MASK}@host/x"}),
        ({"location": "ftp://us'er:s3cret@host/x"}, {"location": f"ftp://{MASK}@host/x"}),
        ({"location": "ftp://host/a@b"}, {"location": "ftp://host/a@b"}),
        ({"location": "http://h:9080/token-A_b-9/fw.bin"}, {"location": f"http://h:9080/token-{MASK}/fw.bin"}),
        ({"location": "ftp://h/token-A_b-9/"}, {"location": f"ftp://h/token-{MASK}/"}),
        ({"location": "https://s/fw?v=2&X-Amz-Signature=ab%2F&e=1"}, {"location": f"https://s/fw?v=2&X-Amz-Signature={MASK}&e=1"}),
        ({"location": "https://s/fw?sig=abc"}, {"location": f"https://s/fw?sig={MASK}"}),
        ({"location": "https://s/fw?version=2"}, {"location": "https://s/fw?version=2"}),
        ({"location": "https://s/fw?a?sig=abc"}, {"location": f"https://s/fw?a?sig={MASK}"}),
        ({"location": "https://s/fw?a=b?sig=abc#x"}, {"location": f"https://s/fw?a=b?sig={MASK}#x"}),
        ({"location": "https://s/fw?Access_Token=abc&v=2"}, {"location": f"https://s/fw?Access_Token={MASK}&v=2"}),
        ({"location": "ftp://@host/x"}, {"location": "ftp://@host/x"}),
        (["see https://me:s3cret@a and http://b"], [f"see https://{MASK}@a and http://b"]),
        ([2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "s3cret"}],
         [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": MASK}]),
        ("text", "text"),
        (5, 5),
        (None, None),
    ],
)  # fmt: skip
def test_masking(message: object, shown: object) -> None:
    assert masked_secrets(message) == shown
    if message != shown:
        assert may_hold_secret(json.dumps(message).encode())


@pytest.mark.parametrize(
    "text",
    [
        rb'{"url":"ftp:\/\/user:s3cret@host"}',
        rb'{"key":"Authorization\u004bey","value":"s3cret"}',
        rb'{"key":"\u0041uthorizationKey","value":"s3cret"}',
    ],
)
def test_escapes_hide_no_secret_from_the_quick_look(text: bytes) -> None:
    assert may_hold_secret(text)
    assert "s3cret" not in json.dumps(masked_secrets(json.loads(text)))


@pytest.mark.parametrize(
    "text", [b'[2,"1","Heartbeat",{}]', b'[3,"1",{"currentTime":"2026-03-01T12:00:00.000Z"}]', "ü".encode(), b""]
)
def test_ordinary_messages_need_no_second_look(text: bytes) -> None:
    assert not may_hold_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        b'[2,"1","X",{"a1":"7","b":"ftp://u9:p@h"}]',
        b'[2,"1","X",{"a1":"7","Passw0rd":"p","password":"p"}]',
        b'[2,"1","X",{"a1":"7","b":"\\u0074oken"}]',
        b'[2,"ftp://u:p@h","X",{"a1":"7","b":"2"}]',
        b'password",',
        b'[2,"password',
        b'[token,"1",',
    ],
)
def test_what_is_known_to_be_harmless_lets_nothing_else_through(text: bytes) -> None:
    for harmless in (b'[2,"1","X",{"a1":"7","b":"2"}]', b'[2,"2","X",{"a2":"8","b":"3"}]', b'[3,"1",'):
        assert not may_hold_secret(harmless)

    assert may_hold_secret(text)


# What is looked for, as one expression, and what it is made of.
SUSPICIOUS = re.compile(
    r"authorization[ _-]?key|passw|passphrase|secret|credential|private[ _-]?key|api[ _-]?key|token"
    r"|:\\?/\\?/[^/\s\"@]*@|\\u00[2-7]|[?&][^=&?\s\"]*sig[^=&?\s\"]*=",
    re.IGNORECASE,
)
PIECES = re.findall(
    r"\S+",
    r"authorization key Key _ - passw PASSW passphrase secret credential private api token : / \/ // @ ? & sig SIG = "
    r'signed \u \u00 \u00fc 4b 0 7 " , {} "value": ü',
)
BODIES = st.lists(st.sampled_from([*PIECES, " "]), max_size=8).map("".join)
HEADS = st.sampled_from(
    ['[2,"1","X",', '[2, "17", "X", ', '[\n  3,\n  "a-b:{c}_1.2",', '[2,17,"Action",', '[2,1.5,"X",', "[3,17,", "", "x"]
)


@given(HEADS, BODIES, st.sampled_from(["", "5"]))
def test_the_quick_look_misses_nothing_whatever_it_has_seen_before(head: str, body: str, digit: str) -> None:
    for seen in (body.translate(dict.fromkeys(map(ord, "0123456789"), digit)), body):
        assert may_hold_secret(f"{head}{seen}".encode()) == bool(SUSPICIOUS.search(seen))


def test_what_is_nested_too_deeply_is_masked_as_a_whole() -> None:
    nested: object = {"password": "s3cret"}
    for _ in range(900):
        nested = {"a": [nested]}

    assert "s3cret" not in json.dumps(masked_secrets(nested))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_masking_keeps_the_shape_and_is_done_once(message: object) -> None:
    shown = masked_secrets(message)

    assert type(shown) is type(message)
    assert masked_secrets(shown) == shown


@given(JSON, st.sampled_from(["AuthorizationKey", "WIFI_PASSWORD", "ClientSecret", "token"]))
def test_no_secret_survives_wherever_it_stands(message: object, name: str) -> None:
    for hidden in ({"key": name, "value": "s3cret"}, {name: "s3cret"}, {"x": f"http://{name}:s3cret@h"}):
        whole = {"list": [message, hidden]}
        assert may_hold_secret(json.dumps(whole).encode())
        assert "s3cret" not in json.dumps(masked_secrets(whole))


LENGTH = 200_000
HOSTILE = [
    "sig",
    "sig?",
    "?sig",
    "&token",
    "?",
    "&",
    "?a",
    "://",
    "://a",
    "://@",
    "@",
    "a@",
    "/token-",
    "/token-a",
    "authorization ",
    "key",
    "passphras",
    "\\u00",
    "\\u0041",
    ":\\/\\/x",
    "=",
    "?=",
    "?sig=",
    " ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_much_of_anything_is_looked_through_once(piece: str) -> None:
    """A search that tries again at each place would take a minute, or hours, for each of these."""
    text = (piece * (LENGTH // len(piece) + 1))[:LENGTH]
    begun = process_time()
    for whole in (text, "ftp://" + text, "x?" + text + "!"):
        may_hold_secret(f'[2,"1","DataTransfer",{{"data":"{whole}"}}]'.encode())
        masked_secrets([whole, {whole: whole}])
    assert process_time() - begun < 10
