"""How a command is carried out, and for whom."""

from collections.abc import Callable

import msgspec


class Options(msgspec.Struct, kw_only=True):
    """Without a uid and a user, csmsd does it by itself; `timeout` is in seconds per CALL.

    `vouched`: whoever sends it keeps both ends alike, so that it may send what is otherwise forbidden.
    """

    timeout: float
    force: bool = False
    vouched: bool = False
    dry_run: bool = False
    parallel: int = 8
    fail_fast: bool = False
    unless_transaction: bool = False
    stopped: Callable[[], bool] = lambda: False  # whether nothing more is to be sent
    uid: int | None = None
    user: str | None = "csmsd"
    socket: str | None = None  # that it was given through
    rollout: int | None = None  # the rollout that it is a part of
