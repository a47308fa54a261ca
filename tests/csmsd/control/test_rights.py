"""Three sockets on a real csmsd, with real groups: who may open which, and what goes through it."""

import asyncio
import grp
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from csmsctl.groups import LazyGroup
from csmsctl.tree import tree_root
from csmsd.control.methods import METHODS
from csmsd.control.rights import is_enough, is_open
from csmsd.profiles import operations
from csmsd.settings.sections import Door
from tests.support.control import ControlConnection, ControlError
from tests.support.local_users import NOBODY, LocalUsers
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

# Groups that every machine has, and nobody is in. Who is not root has none to give to but the own one.
GROUPS = {"all": "daemon", "reception": "bin", "read": "games"}


def group(right: str) -> str:
    return grp.getgrgid(gid(right)).gr_name


def gid(right: str) -> int:
    return grp.getgrnam(GROUPS[right]).gr_gid if os.getuid() == 0 else os.getgid()


@pytest.fixture(scope="module")
def doors() -> Iterator[dict[str, Path]]:
    """Where everybody could come by, if it were not for their modes."""
    directory = Path(tempfile.mkdtemp(prefix="csms-", dir="/tmp"))
    directory.chmod(0o711)
    place = directory / "csmsd"  # where the daemon of a user has it in XDG_RUNTIME_DIR
    place.mkdir(mode=0o711)
    yield {
        "all": place / "csmsd.sock",
        "reception": place / "csmsd-reception.sock",
        "read": place / "csmsd-read.sock",
    }
    place.rmdir()
    directory.rmdir()


@pytest.fixture(scope="module")
def site(doors: dict[str, Path]) -> Iterator[Site]:
    try:
        control = {f"{right}_group".removeprefix("all_"): group(right) for right in GROUPS}
    except KeyError as error:
        pytest.skip(f"this machine has no such group: {error}")
    site = Site({"control": control})
    site.socket = doors["all"]
    site.start_and_wait()
    yield site
    asyncio.run(site.close())


@pytest.fixture(scope="module")
def users() -> Iterator[LocalUsers]:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    with LocalUsers() as users:
        yield users


async def asked(path: Path, method: str, **params: object) -> object:
    """The result, or the error's code."""
    async with await ControlConnection.open(path) as connection:
        try:
            return await connection.call(method, **params)
        except ControlError as error:
            return error.code


def test_each_socket_is_for_its_group(site: Site, doors: dict[str, Path]) -> None:
    for right, path in doors.items():
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == 0o660
        if os.getuid() == 0:
            assert found.st_gid == gid(right), right


async def test_every_method_is_refused_where_the_socket_does_not_give_it(site: Site, doors: dict[str, Path]) -> None:
    for right in ("read", "reception"):
        async with await ControlConnection.open(doors[right]) as connection:
            for name, method in METHODS.items():
                if callable(method.needs):
                    continue
                code = 0
                try:
                    await connection.call(name, no_such_parameter=1)
                except ControlError as error:
                    code = error.code
                assert (code == 4) is not is_enough(right, method.needs), (right, name)
                assert code in (4, -32602), name


async def test_of_the_commands_of_ocpp_a_reception_may_give_five(site: Site, doors: dict[str, Path]) -> None:
    for door, given in (
        ("read", set()),
        ("reception", {"remote-start", "remote-stop", "unlock-connector", "reserve-now", "cancel-reservation"}),
    ):
        allowed = {
            command
            for command in operations()
            if await asked(doors[door], "operation.run", command=command, targets=["NOBODY"]) != 4
        }
        assert allowed == given
        assert await asked(doors[door], "operation.call", action="RemoteStopTransaction", targets=["NOBODY"]) == 4


async def test_a_reception_takes_back_what_it_may_give_and_nothing_else(site: Site, doors: dict[str, Path]) -> None:
    await asked(doors["all"], "charge_point.add", id="AWAY")
    await asked(doors["all"], "tag.add", id="CARD")
    queued = {}
    for command, parameters in (("remote-start", {"tag": "CARD", "connector": 1}), ("reset", {"type": "Soft"})):
        given = {"command": command, "parameters": parameters, "targets": ["AWAY"], "queue_s": 60}
        answer = await asked(doors["all"], "operation.run", **given)
        assert isinstance(answer, dict)
        queued[command] = answer["results"][0]["task"]
    assert await asked(doors["reception"], "task.cancel", id=queued["reset"]) == 4
    assert await asked(doors["read"], "task.cancel", id=queued["remote-start"]) == 4
    assert await asked(doors["reception"], "task.cancel", id=queued["remote-start"]) == {"changed": True}
    assert await asked(doors["all"], "task.cancel", id=queued["reset"]) == {"changed": True}


async def test_who_asks_is_told_what_they_may(site: Site, doors: dict[str, Path]) -> None:
    for right, path in doors.items():
        answer = await asked(path, "daemon.info")
        assert isinstance(answer, dict)
        assert answer["peer"] | {"user": None} == {
            "uid": os.getuid(), "user": None, "right": right, "socket": str(path), "group": group(right),
        }  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "socket", "code"),
    [
        ([], "read", 4),
        (["read"], "read", 0),
        (["read"], "reception", 4),
        (["read"], "all", 4),
        (["reception"], "reception", 0),
        (["reception"], "all", 4),
        (["all"], "all", 0),
    ],
)
def test_the_kernel_lets_in_who_is_in_the_group(
    site: Site, doors: dict[str, Path], users: LocalUsers, groups: list[str], socket: str, code: int
) -> None:
    ended = users.run([gid(right) for right in groups], "status", "--socket", str(doors[socket]))
    assert ended.code == code, ended


@pytest.mark.parametrize(
    ("groups", "right"),
    [(["read"], "read"), (["read", "reception"], "reception"), (["read", "reception", "all"], "all")],
)
def test_csmsctl_takes_the_widest_socket_that_it_may_open(
    site: Site, doors: dict[str, Path], users: LocalUsers, groups: list[str], right: str
) -> None:
    ended = users.run([gid(one) for one in groups], "auth", "whoami", "--json", XDG_RUNTIME_DIR=runtime(doors))
    assert ended.code == 0, ended
    assert ended.json["peer"]["right"] == right
    assert ended.json["peer"]["uid"] == NOBODY


def runtime(doors: dict[str, Path]) -> str:
    return str(doors["all"].parents[1])


def test_who_may_open_none_is_told_which_group_gives_what(
    site: Site, doors: dict[str, Path], users: LocalUsers
) -> None:
    ended = users.run([], "status", XDG_RUNTIME_DIR=runtime(doors))
    assert ended.code == 4
    assert f"You may not open {doors['all']}." in ended.err
    assert "daemon may do everything, bin may do what a reception needs, games may look" in ended.err


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["reset", "AWAY", "--type", "soft"], "daemon"),
        (["cp", "remove", "AWAY", "--yes"], "daemon"),
        (["tag", "add", "CARD"], "bin"),
        (["remote-start", "AWAY", "--tag", "CARD", "--connector", "1"], "bin"),
    ],
)
def test_a_refusal_names_the_group_that_is_missing(
    site: Site, doors: dict[str, Path], users: LocalUsers, words: list[str], missing: str
) -> None:
    asyncio.run(site.call("charge_point.add", id="AWAY"))
    ended = users.run([gid("read")], *words, XDG_RUNTIME_DIR=runtime(doors))
    assert ended.code == 4, ended
    assert f"Members of group {missing} may, through " in ended.err
    assert f'usermod -aG {missing} "$USER"' in ended.err
    asked_before = users.run([gid("read")], "auth", "can-i", *words, XDG_RUNTIME_DIR=runtime(doors))
    assert asked_before.code == 4
    assert asked_before.err.splitlines()[1:] == ended.err.splitlines()[1:]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["no-such-command"], "No such command"),
        (["reboot"], "Did you mean reset?"),
        (["tx", "reboot"], "No such command"),
        (["tag"], "tag is a group; it has list, show,"),
        (["rpc", "no.method"], "There is no method no.method."),
    ],
)
def test_can_i_do_what_is_no_command(site: Site, words: list[str], told: str) -> None:
    ended = asyncio.run(site.csmsctl("auth", "can-i", *words))
    assert ended.code == 2
    assert told in ended.err


def leaves(group: Any, context: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        yield from leaves(found, context, (*path, name)) if isinstance(found, LazyGroup) else [(*path, name)]


def test_can_i_knows_every_command(site: Site, doors: dict[str, Path], users: LocalUsers) -> None:
    root = tree_root()
    commands = [" ".join(path) for path in leaves(root, root.make_context("csmsctl", [], resilient_parsing=True))]
    assert len(commands) > 100
    lines = doors["all"].parents[1] / "lines"
    words = {"rpc": "charge_point.remove"}
    lines.write_text("".join(f"auth can-i {command} {words.get(command, 'CP1')} --all -x\n" for command in commands))
    lines.chmod(0o644)
    allowed: dict[str, set[str]] = {}
    try:
        for right in GROUPS:
            ended = users.run([gid(right)], "batch", str(lines), XDG_RUNTIME_DIR=runtime(doors))
            codes = [json.loads(line)["exit_code"] for line in ended.out.splitlines()]
            assert set(codes) <= {0, 4}, ended
            allowed[right] = {command for command, code in zip(commands, codes, strict=True) if code == 0}
    finally:
        lines.unlink()
    assert allowed["all"] == set(commands)
    assert allowed["reception"] - allowed["read"] == {
        "remote-start", "remote-stop", "unlock-connector", "reserve-now", "cancel-reservation", "task cancel",
        *(f"tag {word}" for word in ("add", "set", "block", "unblock", "remove", "import")),
    }  # fmt: skip
    may = {"status", "tx list", "tx explain", "watch", "log", "version", "conformance", "backup verify", "report"}
    assert may <= allowed["read"]
    may_not = {"reset", "call", "cp add", "config apply", "backup create", "get-configuration", "diagnostics get"}
    assert not (may_not | {"rpc"}) & allowed["reception"]


SECRET = "S3cretKey-4567890123"
# What the methods that look are asked with, besides nothing at all.
LOOKING: dict[str, list[dict[str, Any]]] = {
    "charge_point.show": [{"id": "SAFE"}],
    "charge_point.explain": [{"charge_point": "SAFE"}, {"id": "SAFE"}],
    "task.show": [{"id": number} for number in range(1, 12)],
    "task.results": [{"ids": [number]} for number in range(1, 12)],
    "log.list": [{"limit": 0}],
    "event.list": [{"limit": 0}],
    "audit.list": [{"limit": 0}],
    "status": [{"targets": ["SAFE"]}],
    "complete": [{"kind": kind, "charge_point": "SAFE"} for kind in ("configuration_keys", "tasks", "charge_points")],
}


async def test_who_may_only_look_sees_no_secret(site: Site, doors: dict[str, Path]) -> None:
    await asked(doors["all"], "charge_point.add", id="SAFE", password=SECRET)
    async with await ControlConnection.open(doors["read"]) as watcher, asyncio.timeout(60):
        for stream in ("log.subscribe", "event.subscribe"):
            await watcher.call(stream)
        point = await RawChargePoint.connect(site.url("SAFE"), password=SECRET)
        await point.boot()
        with_credentials = f"ftp://ada:{SECRET}@192.0.2.1/x?token={SECRET}"
        for action, payload, answer in (
            ("ChangeConfiguration", {"key": "MyPassword", "value": SECRET}, {"status": "Accepted"}),
            ("GetDiagnostics", {"location": with_credentials}, {"fileName": "x"}),
            ("UpdateFirmware", {"location": with_credentials, "retrieveDate": "2026-01-01T00:00:00.000Z"}, {}),
            (
                "GetConfiguration",
                {"key": ["AuthorizationKey"]},
                {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": SECRET}]},
            ),
        ):
            running = asyncio.create_task(
                asked(doors["all"], "operation.call", targets=["SAFE"], action=action, payload=payload, force=True)
            )
            await point.answer(await point.asked(action), answer)
            await running
        await point.disconnect()
        queued = {"command": "change-configuration", "parameters": {"set": {"Password": SECRET}}, "queue_s": 60}
        await asked(doors["all"], "operation.run", targets=["SAFE"], **queued)
        await asked(doors["all"], "charge_point.add", id="LAST")
        told: list[Any] = []
        while not told or told[-1]["params"].get("charge_point") != "LAST":
            told.append(await watcher.notification())
        seen = {"notifications": json.dumps(told)}
        for name, method in METHODS.items():
            if method.needs == "read" and not name.endswith("subscribe"):
                answers = [await asked(doors["read"], name, **params) for params in [{}, *LOOKING.get(name, [])]]
                seen[name] = json.dumps(answers)
    assert {name for name, text in seen.items() if SECRET in text} == set()
    assert '"ChangeConfiguration' in seen["log.list"].replace("\\", "")
    assert "******" in seen["notifications"]
    assert "******" in seen["task.show"]


def test_a_socket_is_there_for_a_group_only_where_csmsd_can_give_it_to_that(monkeypatch: pytest.MonkeyPatch) -> None:
    group = grp.getgrgid(0)
    door = Door("read", Path("/run/x"), group.gr_name, 0o660, named=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 1000)
    for groups, there in (([], False), ([group.gr_gid], True)):
        monkeypatch.setattr(os, "getgroups", lambda groups=groups: groups)
        assert is_open(door) == there
    assert not is_open(msgspec.structs.replace(door, group="no-such-group"))
    assert is_open(msgspec.structs.replace(door, group="no-such-group", named=True))


async def test_a_narrower_socket_is_there_for_its_group_or_by_name() -> None:
    site = Site({"control": {"reception_group": "no-such-group", "read_group": "no-such-group"}})
    try:
        await site.start()
        assert [path.name for path in site.directory.glob("*.sock") if path != site.manager.path] == ["s.sock"]
        await site.stop()
        named = str(site.directory / "named.sock")
        site.write_settings({"control": {"read_socket": named, "reception_socket": "", "read_mode": "0666"}})
        await site.start()
        assert stat.S_IMODE(os.stat(named).st_mode) == 0o666  # noqa: PTH116 - at once
        assert await asked(Path(named), "tag.add", id="CARD") == 4
    finally:
        await site.close()
