"""The file of the desired state: what it may say, what is wrong with it, and whose value counts."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsctl.desired_state.document import DesiredState, Wanted, read_document, wanted_by_document, written_document
from csmsctl.display.escape import escape_text
from csmsctl.failure import USAGE, Failure

SITE = """
[defaults.configuration]
HeartbeatInterval = 300
LocalPreAuthorize = true
MeterValuesSampledData = "Energy.Active.Import.Register"

[labels.north.configuration]
HeartbeatInterval = 60
ConnectionTimeOut = -1

[labels.deck.configuration]
connectiontimeout = 90

[charge_points."DE*ABC*E1".configuration]
heartbeatinterval = 120
ConnectionTimeOut = 30
"""


def test_values_are_text_as_ocpp_has_it() -> None:
    state = read_document(SITE, "site.toml")
    assert state.defaults == {
        "HeartbeatInterval": "300",
        "LocalPreAuthorize": "true",
        "MeterValuesSampledData": "Energy.Active.Import.Register",
    }
    assert state.labels["north"]["ConnectionTimeOut"] == "-1"


@pytest.mark.parametrize(
    ("charge_point", "labels", "key", "wanted"),
    [
        ("CP1", [], "heartbeatinterval", Wanted("HeartbeatInterval", "300", "defaults")),
        ("CP1", ["NORTH"], "heartbeatinterval", Wanted("HeartbeatInterval", "60", "label NORTH")),
        ("CP1", ["north"], "localpreauthorize", Wanted("LocalPreAuthorize", "true", "defaults")),
        ("de*abc*e1", ["north", "deck"], "heartbeatinterval", Wanted("heartbeatinterval", "120", "charge point")),
        ("DE*ABC*E1", ["north", "deck"], "connectiontimeout", Wanted("ConnectionTimeOut", "30", "charge point")),
    ],
)
def test_the_nearest_value_counts(charge_point: str, labels: list[str], key: str, wanted: Wanted) -> None:
    assert wanted_by_document(read_document(SITE, "site.toml"), charge_point, labels)[key] == wanted


def test_two_labels_that_disagree_are_both_named() -> None:
    with pytest.raises(Failure, match="label north wants '-1', label deck wants '90'") as caught:
        wanted_by_document(read_document(SITE, "site.toml"), "CP1", ["north", "deck"])
    assert caught.value.code == USAGE
    assert '[charge_points."CP1".configuration]' in str(caught.value.next_step)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[defaults.configuration]\nHeartbeatInterval = x", "at line 2"),
        ("[default.configuration]", "default is no table of this file"),
        ("defaults = 3", "defaults must be a table"),
        ("labels = 3", "labels must be a table of tables"),
        ("[labels]\nnorth = 3", 'labels."north" must be a table'),
        ("[labels.north]\nHeartbeatInterval = 3", "knows only configuration, not HeartbeatInterval"),
        ("[charge_points.a.b.configuration]", 'charge_points."a" knows only configuration, not b'),
        ("[defaults]\nconfiguration = 3", "defaults.configuration must be a table"),
        ("[labels.a.configuration]\n[labels.A.configuration]", 'labels."A" is there twice'),
        ("[defaults.configuration]\nKey = 1\nkey = 2", "defaults.configuration.key is there twice"),
        ("[defaults.configuration]\nKey = 1.5", "has decimals"),
        ("[defaults.configuration]\nKey = ['a']", "is a list"),
        ("[defaults.configuration]\nKey = 2026-01-01", "is no value of a configuration key"),
        (f"[defaults.configuration]\n{'K' * 51} = 1", "is no configuration key"),
        ('[defaults.configuration]\n"a=b" = 1', "is no configuration key"),
        (f"[defaults.configuration]\nKey = '{'v' * 501}'", "has 501 letters"),
        ("[defaults.configuration]\nAuthorizationKey = 'abc'", "is changed at csmsd and at the charge point together"),
        ("[defaults.configuration]\nsecurityprofile = 2", "is changed at csmsd and at the charge point together"),
        ("[defaults.configuration]\nWifiPassword = 'abc'", "holds a secret"),
        ("[defaults.configuration]\nUrl = 'ws://ada:pw@host/'", "holds a secret"),
        ("[defaults.configuration]\nKey = '******'", "holds a secret"),
    ],
)
def test_what_is_wrong_is_named(text: str, complaint: str) -> None:
    with pytest.raises(Failure) as caught:
        read_document(text, "site.toml")
    assert caught.value.code == USAGE
    assert caught.value.message.startswith("site.toml")
    assert complaint in caught.value.message


@pytest.mark.parametrize("value", ["", "0", "-5", "007", "+1", "1.50", "true", "TRUE", "A,B", "9" * 30, '"\\\n', "²"])
def test_what_is_written_is_read_as_the_same_text(value: str) -> None:
    state = DesiredState({"Key": value}, {"a.b": {"Key": value}}, {"DE*ABC*E1": {"Key": value}})
    assert read_document(written_document(state), "site.toml") == state


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_text_of_any_kind_comes_back_and_is_harmless(value: str) -> None:
    text = written_document(DesiredState(defaults={"Key": value}))
    assert tomllib.loads(text) in ({"defaults": {"configuration": {"Key": typed}}} for typed in _typed(value))
    assert all(line == escape_text(line) for line in text.split("\n"))


def _typed(value: str) -> list[object]:
    typed: list[object] = [value]
    if value in ("true", "false"):
        typed.append(value == "true")
    if value.isascii() and value.removeprefix("-").isdigit():
        typed.append(int(value))
    return typed


def test_numbers_and_booleans_are_written_as_such() -> None:
    lines = written_document(DesiredState({"b": "true", "A": "30", "c": "x"})).splitlines()
    assert lines == ["[defaults.configuration]", "A = 30", "b = true", 'c = "x"']
