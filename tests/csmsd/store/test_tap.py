"""What is logged of messages."""

from typing import Any, Literal

import pytest

from csmsd.settings.sections import Store
from csmsd.store.message_log.listings import LoggedMessage
from csmsd.store.tap import Tap


class Log:
    def __init__(self) -> None:
        self.texts: list[bytes] = []

    def add_message(self, at: int, charge_point: str, direction: Literal["in", "out"], text: bytes) -> int:
        self.texts.append(text)
        return len(self.texts)


def test_what_is_too_long_to_be_looked_through_is_not_logged_if_it_may_hold_a_secret() -> None:
    log: Any = Log()
    tap = Tap(log, Store(), lambda: 0)
    long = "x" * (128 * 1024)
    tap("CP1", "in", '[2,"1","X",{"key":"AuthorizationKey","value":"s"}]')
    tap("CP1", "in", f'[2,"1","X",{{"key":"AuthorizationKey","value":"s","more":"{long}"}}]')
    tap("CP1", "in", f'[2,"1","X",{{"more":"{long}"}}]')
    assert log.texts[0] == b'[2,"1","X",{"key":"AuthorizationKey","value":"******"}]'
    assert log.texts[1].startswith(b"(not logged: 131")
    assert len(log.texts[2]) > len(long)


def test_one_who_watches_and_cannot_take_a_message_keeps_it_from_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def mistaken(message: LoggedMessage) -> None:
        raise RuntimeError("a mistake")

    log: Any = Log()
    tap = Tap(log, Store(), lambda: 0)
    seen: list[str] = []
    tap.subscribers = {1: mistaken, 2: lambda message: seen.append(message.text)}
    tap("CP1", "in", "[]")
    assert (seen, log.texts) == (["[]"], [b"[]"])
    assert "RuntimeError: a mistake" in caplog.text
