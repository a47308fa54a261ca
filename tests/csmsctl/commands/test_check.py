"""`check`: one line, performance data, and the exit codes of monitoring plugins."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl, Ended
from tests.csmsctl.scripted_daemon import Params, RpcError, ScriptedDaemon, Silence

GIB = 2**30
# The guidelines' form of one figure: 'label'=value[UOM];[warn];[crit];[min];[max]
FIGURE = re.compile(r"[a-z_]+=\d+(\.\d+)?(B|s|ms)?;[\d.:]*;[\d.:]*;0(;\d+)?\Z|[a-z_]+=\d+(\.\d+)?(B|s|ms)?;;;0\Z")


def backed_up(hours: float) -> Params:
    at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"backup": {"at": at, "number": 1, "user": "root"}, "export": None, "prune": None}


def answer(daemon: ScriptedDaemon, *charge_points: Params, books: Params | None = None, **fields: Any) -> None:
    store = {
        "state": "ok",
        "error": None,
        "database_bytes": 4096,
        "log_bytes": 100,
        "disk_bytes": 100 * GIB,
        "disk_free_bytes": 50 * GIB,
        "last_commit_ms": 1.25,
    }
    daemon.replies["status"] = samples.status(*charge_points, **{"queued_commands": 0, **fields})
    daemon.replies["daemon.info"] = samples.info(
        store=store | fields.pop("disk", {}), books=books or {"backup": None, "export": None, "prune": None}
    )


def offline(identity: str) -> Params:
    problem = samples.problem(
        "offline", severity="critical", charge_point=identity, text="offline", next=f"csmsctl log {identity}"
    )
    return samples.charge_point(identity, connected=False, connectors=[], problems=[problem])


def well(identity: str, **fields: Any) -> Params:
    return samples.charge_point(identity, **fields)


def figures(ended: Ended) -> dict[str, str]:
    first = ended.out.splitlines()[0]
    assert first.count("|") == 1
    parts = first.partition("|")[2].split()
    assert [part for part in parts if not FIGURE.match(part)] == []
    return dict(part.split("=", 1) for part in parts)


def test_all_is_well(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    answer(daemon, well("CP1"), well("CP2", connectors=[]))
    ended = csmsctl("check")
    assert (ended.code, ended.err) == (0, "")
    [line] = ended.out.splitlines()
    assert line.startswith("CSMS OK - 2 of 2 charge points connected, 1 transaction, 7.4 kW|")
    assert figures(ended) == {
        "connected": "2;;;0;2",
        "charge_points": "2;;;0",
        "transactions": "1;;;0",
        "power_w": "7360;;;0",
        "offline": "0;1;1;0",
        "faulted": "0;1;;0",
        "stale": "0;1;;0",
        "over_limit": "0;;1;0",
        "problems": "0;1;;0",
        "queued": "0;;;0",
        "disk_free": f"{50 * GIB}B;{10 * GIB}:;{5 * GIB}:;0",
        "database": "4096B;;;0",
        "log": "100B;;;0",
        "last_commit": "1.25ms;;;0",
        "uptime": "7500s;;;0",
    }


def test_nothing_is_registered(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    answer(daemon)
    assert csmsctl("check").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 1),
        (("--critical", "offline=1"), 2),
        (("-c", "offline=2"), 1),
        (("-c", "offline=25%"), 2),
        (("-w", "offline=2"), 0),
        (("-w", "offline=none", "-c", "offline=none"), 0),
        (("-w", "offline=26%"), 0),
        (("--ignore", "offline"), 0),
    ],
)
def test_one_of_four_is_offline(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, arguments: tuple[str, ...], code: int
) -> None:
    answer(daemon, offline("CP1"), well("CP2"), well("CP3"), well("CP4"))
    ended = csmsctl("check", *arguments)
    assert ended.code == code
    assert ended.out.startswith(f"CSMS {('OK', 'WARNING', 'CRITICAL')[code]} - ")
    assert ("CP1: offline; see: csmsctl log CP1" in ended.out) == ("--ignore" not in arguments)


def test_a_circuit_that_carries_more_than_it_may_is_critical(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    answer(daemon, well("CP1"), problems=[samples.problem("circuit_over_limit", text="L1 of main carries 42 A")])
    ended = csmsctl("check")
    assert ended.code == 2
    assert ended.out.startswith("CSMS CRITICAL - 1 phase of circuits over the limit; 1 of 1")
    assert csmsctl("check", "--critical", "over_limit=none").code == 0


def test_half_of_them_are_offline(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    answer(daemon, offline("CP1"), well("CP2"))
    ended = csmsctl("check")
    assert ended.code == 2
    assert ended.out.startswith("CSMS CRITICAL - 1 offline; 1 of 2 charge points connected")


@pytest.mark.parametrize(
    ("kind", "counted_as"),
    [("faulted", "faulted"), ("silent", "stale"), ("meter_values_missing", "stale"), ("reboot_required", "problems")],
)
def test_kinds_of_problems(csmsctl: Csmsctl, daemon: ScriptedDaemon, kind: str, counted_as: str) -> None:
    answer(daemon, well("CP1", problems=[samples.problem(kind, charge_point="CP1", connector=2, text="a|b\x1b[31m")]))
    ended = csmsctl("check")
    assert ended.code == 1
    assert [name for name in ("offline", "faulted", "stale", "problems") if figures(ended)[name][0] == "1"] == [
        counted_as
    ]
    assert "CP1 connector 2: a/b\\x1b[31m; see: " in ended.out


def test_the_store_is_failing(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    problem = samples.problem("store_failing", severity="critical", charge_point=None, text="nothing can be stored")
    answer(daemon, well("CP1"), store="failing", problems=[problem], disk={"error": "disk full"})
    ended = csmsctl("check", "--ignore", "store_failing")
    assert ended.code == 2
    assert "the store is failing: disk full" in ended.out
    answer(daemon, well("CP1"), store="slow")
    ended = csmsctl("check")
    assert ended.code == 1
    assert "the disk is slow" in ended.out


@pytest.mark.parametrize(
    ("arguments", "free", "code"),
    [
        ((), 11 * GIB, 0),
        ((), 10 * GIB, 1),
        ((), 5 * GIB, 2),
        (("-w", "disk_free=2048", "-c", "disk_free=1024"), 3 * GIB, 0),
        (("-w", "disk_free=2048", "-c", "disk_free=1024"), 2 * GIB, 1),
        (("-w", "disk_free=2048", "-c", "disk_free=1024"), GIB, 2),
    ],
)
def test_the_disk(csmsctl: Csmsctl, daemon: ScriptedDaemon, arguments: tuple[str, ...], free: int, code: int) -> None:
    answer(daemon, well("CP1"), disk={"disk_free_bytes": free})
    assert csmsctl("check", *arguments).code == code


@pytest.mark.parametrize(
    ("hours", "code", "words"),
    [(25.0, 0, "CSMS OK"), (27.0, 1, "the last backup is 27.0 hours old"), (None, 2, "there is no backup")],
)
def test_the_last_backup(csmsctl: Csmsctl, daemon: ScriptedDaemon, hours: float | None, code: int, words: str) -> None:
    answer(daemon, well("CP1"), books=backed_up(hours) if hours is not None else None)
    assert csmsctl("check").code == 0, "nobody asked for backups"
    ended = csmsctl("check", "-w", "backup_age=26h", "-c", "backup_age=2d")
    assert ended.code == code
    assert words in ended.out


@pytest.mark.parametrize(
    ("replica", "code", "words"),
    [
        ({"path": "/mnt/replica", "age_s": 0}, 0, "CSMS OK"),
        ({"path": "/mnt/replica", "age_s": 330}, 2, "the replica is 5.5 minutes behind"),
        ({"path": "/mnt/replica", "age_s": None}, 2, "there is no replica"),
        (None, 2, "there is no replica"),
    ],
)
def test_the_replica(csmsctl: Csmsctl, daemon: ScriptedDaemon, replica: Params | None, code: int, words: str) -> None:
    answer(daemon, well("CP1"), disk={"replica": replica})
    assert csmsctl("check").code == 0, "nobody asked for one"
    ended = csmsctl("check", "-c", "replica_age=5m")
    assert ended.code == code
    assert words in ended.out


def test_queued_commands(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    answer(daemon, well("CP1"), open_tasks=2, queued_commands=3)
    assert csmsctl("check", "-w", "queued=6").code == 0
    assert csmsctl("check", "-w", "queued=5").code == 1


def test_some_charge_points_only(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """Of the site counts what is asked for."""
    problem = samples.problem("unknown_charge_points", charge_point=None)
    answer(daemon, well("CP1"), problems=[problem], disk={"disk_free_bytes": GIB})
    ended = csmsctl("check", "CP1")
    assert ended.code == 0
    assert daemon.params("status") == {"targets": ["CP1"]}
    assert csmsctl("check", "CP1", "-c", "disk_free=2048").code == 2
    assert csmsctl("check").code == 2


def test_json(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    answer(daemon, offline("CP1"), well("CP2"))
    ended = csmsctl("check", "--json")
    assert (ended.code, ended.document["state"], ended.document["exit_code"]) == (2, "critical", 2)
    [measure] = [measure for measure in ended.document["measures"] if measure["name"] == "offline"]
    assert measure == {
        "name": "offline", "value": 1.0, "unit": None, "warning": 1.0, "critical": 1.0, "state": "critical"
    }  # fmt: skip
    assert [problem["kind"] for problem in ended.document["problems"]] == ["offline"]


# --- what came to nothing


def test_no_daemon_is_critical(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.close()
    ended = csmsctl("check")
    assert (ended.code, ended.err) == (2, "")
    assert ended.out.startswith("CSMS CRITICAL - There is no socket at ")
    assert csmsctl("check", "--json").document["state"] == "critical"


def test_a_daemon_that_does_not_answer_is_critical(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def be_silent(_: object, __: object) -> None:
        raise Silence

    daemon.replies["status"] = be_silent
    ended = csmsctl("check", "--timeout", "0.2")
    assert ended.code == 2
    assert "did not answer" in ended.out


def test_a_target_that_is_not_there_is_unknown(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def missing(_: object, __: object) -> None:
        raise RpcError(3, "No charge point CP9.")

    daemon.replies["status"] = missing
    ended = csmsctl("check", "CP9")
    assert ended.code == 3
    assert ended.out.startswith("CSMS UNKNOWN - No charge point CP9.")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--no-such-option",),
        ("--timeout", "soon"),
        ("-w", "offline"),
        ("-w", "nonsense=1"),
        ("-w", "offline=-1"),
        ("-w", "faulted=10%"),
        ("-w", "backup_age=26"),
        ("-w", "replica_age=1%"),
        ("-c", "offline=0"),
        ("-c",),
    ],
)
def test_a_command_line_that_makes_no_sense_is_unknown(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, arguments: tuple[str, ...]
) -> None:
    answer(daemon, well("CP1"))
    ended = csmsctl("check", *arguments)
    assert (ended.code, ended.err) == (3, "")
    assert ended.out.startswith("CSMS UNKNOWN - ")
