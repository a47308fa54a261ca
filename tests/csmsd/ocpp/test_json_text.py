"""Whatever was parsed can be kept as text."""

import json

import pytest

from csmsd.ocpp.json_text import written_out


@pytest.mark.parametrize("payload", [{"a": [1, None, "ü"]}, [], None, "text", 10**30])
def test_payloads_are_written_out_to_be_kept(payload: object) -> None:
    assert json.loads(written_out(payload)) == payload


def test_a_payload_too_deep_to_be_written_is_kept_as_that() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]

    assert "nested" in json.loads(written_out(nested))
