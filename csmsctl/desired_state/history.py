"""What the history of commands tells of keys that need a reboot."""

from typing import Any

from csmsctl.link.client import AnyClient, Result

_MOST_TASKS = 2000  # the newest


class Reboots:
    """Keys of charge points that answered RebootRequired, ever and since their last boot."""

    def __init__(self, client: AnyClient, charge_points: list[Result]) -> None:
        self._kinds = {one["id"]: (one["vendor"], one["model"]) for one in charge_points}
        self._keys: set[tuple[Any, str]] = set()
        self._pending: dict[str, dict[str, str]] = {}
        booted = {one["id"]: one["booted_at"] or "" for one in charge_points}
        parameters = {"action": "ChangeConfiguration", "outcome": "accepted", "limit": _MOST_TASKS}
        for task in reversed(client.call("task.list", parameters)["tasks"]):  # oldest first
            identity, request = task["charge_point"], task["request"]
            key = str(request.get("key")).casefold()
            self._pending.get(identity, {}).pop(key, None)
            if task["status"] == "RebootRequired" and identity in self._kinds:
                self._keys.add((self._kinds[identity], key))
                if task["settled_at"] > booted[identity]:
                    self._pending.setdefault(identity, {})[key] = str(request.get("value"))

    def keys(self, identity: str) -> set[str]:
        """Keys that a charge point of that vendor and model wanted a reboot for."""
        return {key for kind, key in self._keys if kind == self._kinds[identity]}

    def pending(self, identity: str) -> dict[str, str]:
        """Keys with the values that wait for the next boot of this charge point."""
        return self._pending.get(identity, {})
