"""What the daemon and the charge points say of configurations."""

from typing import Any

from csmsctl.client import Caller, Client, Result
from csmsctl.desired_state.comparison import Key, Report

# A CALL may have to wait for the one before it.
_PATIENCE = 5.0
_MOST_TASKS = 2000  # of the history, the newest


def ask(client: Client, identity: str, keys: list[str] | None) -> tuple[Report, Result | None]:
    """What a charge point answers to GetConfiguration (None: all keys), and the first result that was no answer."""
    parameters = {"key": keys} if keys is not None else {}
    results = operation(client, identity, "get-configuration", parameters)
    found: dict[str, Key] = {}
    unknown: set[str] = set()
    for result in results:
        response = result.get("response") or {}
        for entry in response.get("configurationKey") or []:
            name, value = entry.get("key"), entry.get("value")
            if isinstance(name, str):
                text = value if isinstance(value, str) else None
                found[name.casefold()] = Key(name, text, entry.get("readonly") is True)
        unknown |= {str(name).casefold() for name in response.get("unknownKey") or []}
    failed = next((result for result in results if result.get("outcome") != "accepted"), None)
    return Report(found, unknown), failed


def remembered(client: Client, identity: str) -> tuple[Report, str | None]:
    """What a charge point reported last, and when it did so at the earliest."""
    keys = client.call("charge_point.show", {"id": identity})["configuration"]
    found = {key["key"].casefold(): Key(key["key"], key["value"], key["readonly"]) for key in keys}
    return Report(found, asked=False), min((key["reported_at"] for key in keys), default=None)


def operation(client: Client, identity: str, command: str, parameters: dict[str, Any]) -> list[Result]:
    """The results of an operation on one charge point."""
    answer = client.call(
        "operation.run",
        {"command": command, "parameters": parameters, "targets": [identity], "timeout": client.timeout},
        timeout=2 * client.timeout + _PATIENCE,
        on_progress=lambda _: None,
    )
    results: list[Result] = answer["results"]
    return results


class Reboots:
    """What the history of commands tells of keys that need a reboot."""

    def __init__(self, client: Caller, charge_points: list[Result]) -> None:
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
