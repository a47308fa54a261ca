"""What went over the wire since csmsd started, counted for monitoring."""

from collections.abc import Iterable

import msgspec

from csmsd.ocpp.errors import ERROR_CODES

OTHER = "other"  # actions and codes that OCPP does not know: a peer must not be able to make up names without end


class Traffic:
    """CALLs by action and CALLERRORs by code; `in` is from charge points."""

    def __init__(self, actions: Iterable[str]) -> None:
        known = [*sorted(set(actions)), OTHER]
        codes = [*sorted(ERROR_CODES), OTHER]
        self.calls: dict[str, dict[str, int]] = {way: dict.fromkeys(known, 0) for way in ("in", "out")}
        self.errors: dict[str, dict[str, int]] = {way: dict.fromkeys(codes, 0) for way in ("in", "out")}

    def call(self, way: str, action: str) -> None:
        counts = self.calls[way]
        counts[action if action in counts else OTHER] += 1

    def error(self, way: str, code: str) -> None:
        counts = self.errors[way]
        counts[code if code in counts else OTHER] += 1

    def sent(self, text: bytes) -> None:
        """Counts a message of ours that is a CALL or a CALLERROR."""
        kind, _, name, *_ = msgspec.json.decode(text)
        if kind == 2:
            self.call("out", name)
        elif kind == 4:
            self.error("out", name)
