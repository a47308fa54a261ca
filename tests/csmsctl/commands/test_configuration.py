"""`config export`, `plan`, `apply` and `drift` with a real csmsd and a charge point on PyPI `ocpp`."""

import json
from typing import Any

from tests.support.charge_point import ChargePoint
from tests.support.site import Site


class Keys:
    """Makes a charge point keep a configuration."""

    def __init__(self, charge_point: ChargePoint, **values: str) -> None:
        self.values = {
            "HeartbeatInterval": "300",
            "MeterValuesSampledData": "Energy.Active.Import.Register",
            "LocalPreAuthorize": "false",
            "NumberOfConnectors": "2",
        } | values
        self.after_reboot: dict[str, str] = {}
        self.cuts = 500
        self.most = 50  # keys that it tells of, when it is asked for some; the others it passes over in silence
        taken = charge_point._take

        def take(action: str, fields: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
            answer = taken(action, fields, usual)
            if action == "GetConfiguration":
                asked = fields.get("key", [])[: self.most]
                return self._report([self._spelled(key) for key in asked or self.values])
            return {"status": self._change(**fields)} if action == "ChangeConfiguration" else answer

        charge_point._take = take  # type: ignore[method-assign]

    def _spelled(self, key: str) -> str:
        """Keys are the same in upper and lower case (C 7.29: CiString)."""
        return next((known for known in self.values if known.casefold() == key.casefold()), key)

    def _report(self, wanted: list[str]) -> dict[str, Any]:
        readonly = ("NumberOfConnectors", "AuthorizationKey")
        known = [
            {"key": key, "readonly": key in readonly, "value": self.values[key]} for key in wanted if key in self.values
        ]
        return {"configuration_key": known, "unknown_key": [key for key in wanted if key not in self.values]}

    def _change(self, key: str, value: str) -> str:
        if key not in self.values:
            return "NotSupported"
        if key == "LocalPreAuthorize":
            self.after_reboot[key] = value
            return "RebootRequired"
        if value == "0":
            return "Rejected"
        self.values[key] = value[: self.cuts]
        return "Accepted"


async def config(site: Site, command: str, text: str, *more: str) -> tuple[int, Any]:
    """The exit code and the document of a command that reads the state from standard input."""
    ended = await site.csmsctl("--json", "config", command, "-", *more, stdin=text)
    return ended.code, ended.json if ended.out else json.loads(ended.err)


async def test_from_export_to_drift(site: Site) -> None:
    first, second = await site.charge_point("CP1"), await site.charge_point("DE*ABC*E1")
    keys = Keys(first, AuthorizationKey="not to be seen")
    Keys(second, HeartbeatInterval="60")
    await site.register("NEVER", labels=["north"])

    exported = await site.csmsctl("config", "export", "--all", "--all-keys")
    assert exported.code == 0, exported
    assert "NEVER is not connected" in exported.err
    assert "Authorization" not in exported.out
    assert "# NumberOfConnectors = 2\n" in exported.out
    assert exported.out.count("LocalPreAuthorize = false\n") == 1
    assert '[charge_points."DE*ABC*E1".configuration]\nHeartbeatInterval = 60\n' in exported.out
    code, document = await config(site, "plan", exported.out, "CP1", "DE*ABC*E1")
    assert (code, document["differences"]) == (0, [])
    silent = await site.csmsctl("config", "drift", "-", "--skip-offline", stdin=exported.out)
    assert (silent.code, silent.out, silent.err) == (0, "", "")
    assert (await site.csmsctl("config", "drift", "-", stdin=exported.out)).code == 9  # NEVER was not asked

    wanted = """
[charge_points.CP1.configuration]
heartbeatinterval = 120
LocalPreAuthorize = true
NumberOfConnectors = 3
NoSuchKey = "x"
MeterValuesSampledData = "Energy.Active.Import.Register,SoC"
"""
    code, document = await config(site, "plan", wanted)
    assert code == 1
    assert {row["key"]: row["state"] for row in document["differences"]} == {
        "HeartbeatInterval": "change",
        "LocalPreAuthorize": "change",
        "MeterValuesSampledData": "change",
        "NumberOfConnectors": "read_only",
        "NoSuchKey": "unknown",
    }
    assert first.requests["ChangeConfiguration"].empty()
    keys.most = 1
    _, short = await config(site, "plan", wanted)
    assert {row["key"]: row["state"] for row in short["differences"]} == {
        **{row["key"]: row["state"] for row in document["differences"]},
        "NoSuchKey": "not_reported",
    }
    keys.most = 50
    assert (await config(site, "apply", wanted, "--dry-run"))[1] == document

    keys.cuts = 10
    code, document = await config(site, "apply", wanted)
    results = {row["key"]: row for row in document["results"]}
    assert code == 7
    assert {key: row["outcome"] for key, row in results.items()} == {
        "HeartbeatInterval": "accepted",
        "LocalPreAuthorize": "reboot_required",
        "MeterValuesSampledData": "altered",
        "NumberOfConnectors": "not_sent",
        "NoSuchKey": "not_sent",
    }
    assert (results["HeartbeatInterval"]["verified"], results["HeartbeatInterval"]["read_back"]) == (True, "120")
    assert results["MeterValuesSampledData"]["read_back"] == "Energy.Act"
    assert first.requests["ChangeConfiguration"].qsize() == 3
    assert {row["action"] for row in (await site.json("task", "list"))["tasks"]} == {
        "ChangeConfiguration",
        "GetConfiguration",
    }

    # What waits for a reboot is said so and not sent again; after the boot it is in effect.
    only = "[charge_points.CP1.configuration]\nLocalPreAuthorize = true\n"
    code, document = await config(site, "plan", only)
    assert (code, document["differences"][0]["state"]) == (1, "reboot_pending")
    code, document = await config(site, "apply", only)
    assert (code, document["results"][0]["outcome"]) == (0, "reboot_required")
    assert (await site.json("status", "CP1"))["charge_points"][0]["reboot_required"] is True
    keys.values |= keys.after_reboot
    await first.boot()
    assert (await config(site, "plan", only))[0] == 0
    back = only.replace("true", "false")
    assert (await config(site, "plan", back))[1]["differences"][0]["needs_reboot"] is True
    rejected = await config(site, "apply", "[charge_points.CP1.configuration]\nHeartbeatInterval = 0\n")
    assert (rejected[0], rejected[1]["results"][0]["status"]) == (7, "Rejected")


async def test_several_charge_points_labels_and_one_that_is_offline(site: Site) -> None:
    for identity in ("CP1", "CP2", "CP3"):
        await site.register(identity, labels=["north"] + (["deck"] if identity == "CP3" else []))
    fleet = [await site.charge_point(identity) for identity in ("CP1", "CP2", "CP3")]
    for charge_point in fleet:
        Keys(charge_point)
    assert (await site.csmsctl("get-configuration", "CP3")).code == 0
    await (await site.watch("charge_point.disconnected")).call("charge_point.disconnect", id="CP3")
    await fleet[2].wire.websocket.wait_closed()

    wanted = (
        "[defaults.configuration]\nHeartbeatInterval = 300\n[labels.north.configuration]\nLocalPreAuthorize = false\n"
    )
    code, document = await config(site, "drift", wanted)
    assert (code, document["differences"]) == (9, [])  # as far as is known
    offline = document["charge_points"][2]
    assert (offline["connected"], offline["problem"], offline["same"]) == (False, "it is not connected", 2)
    assert (await config(site, "drift", wanted, "--skip-offline"))[0] == 0
    assert (await config(site, "plan", wanted, "--cached"))[0] == 0

    wanted += "[labels.deck.configuration]\nLocalPreAuthorize = true\n"
    code, error = await config(site, "plan", wanted)
    assert (code, "label north" in error["error"]["message"], "label deck" in error["error"]["message"]) == (
        2,
        True,
        True,
    )
    wanted = (
        "[defaults.configuration]\nHeartbeatInterval = 30\n[charge_points.GONE.configuration]\nHeartbeatInterval = 1\n"
    )
    assert (await config(site, "apply", wanted))[0] == 10
    code, document = await config(site, "apply", wanted, "--yes")
    outcomes = {row["charge_point"]: row["outcome"] for row in document["results"]}
    assert code == 9
    assert outcomes == {"CP1": "accepted", "CP2": "accepted", "CP3": "not_connected", "GONE": "not_sent"}
    assert (await config(site, "apply", wanted, "CP1", "CP2"))[1] == {
        "schema_version": 1,
        "results": [],
        "unchanged": 2,
    }
    assert (await config(site, "apply", wanted, "CP3"))[0] == 6
    partial = await site.csmsctl("config", "export", "CP1", "CP3")
    assert (partial.code, "[defaults" in partial.out) == (0, False)
    assert "# CP3 is not connected: as it was reported last" in partial.out
    assert (await site.csmsctl("config", "plan", "no-such-file")).code == 2
