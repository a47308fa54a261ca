"""`backup`: all of the database in a file that is good, or no file; and whether a file is one."""

import asyncio
import base64
import hashlib
import re
import shlex
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon
from tests.support.site import Site, environment


async def test_made_while_csmsd_runs_and_verified_without_it(site: Site, tmp_path: Path) -> None:
    await site.call("tag.add", id="A1")
    charge_point = await site.charge_point("CP1")
    begun = await charge_point.start_transaction("A1")
    file = tmp_path / "csms.db"
    killed = tmp_path / ".csmsctl-k1ll3d__.part"
    killed.write_bytes(b"half a backup")
    made = await site.json("backup", "create", str(file))
    assert (made["file"], made["size"], made["problems"]) == (str(file), file.stat().st_size, [])
    assert (made["counts"]["transactions"], made["newest_transaction"]) == (1, begun.transaction_id)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not killed.exists(), "what a backup that was killed left there"
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("SELECT id FROM id_tag").fetchall() == [("A1",)]
    assert (await site.json("daemon", "info"))["books"]["backup"]["number"] == file.stat().st_size

    before = file.read_bytes()
    again = await site.csmsctl("backup", str(file))
    assert (again.code, file.read_bytes()) == (2, before)
    assert "is there already" in again.err
    assert (await site.csmsctl("backup", str(file), "--force")).code == 0
    by_time = (await site.json("backup", str(tmp_path)))["file"]
    assert re.fullmatch(rf"{re.escape(str(tmp_path))}/csms-\d{{8}}T\d{{6}}Z\.db", by_time)
    assert (await site.csmsctl("backup", "/dev/null")).code == 2

    await charge_point.disconnect()
    await site.stop()
    good = await site.csmsctl("backup", "verify", str(file))
    assert (good.code, "verdict:            good" in good.out) == (0, True), good
    assert (await site.json("backup", "verify", str(file)))["good"] is True


async def test_to_standard_output_it_goes_whole_or_not_at_all(site: Site, tmp_path: Path) -> None:
    await site.call("tag.add", id="A1")
    file = tmp_path / "csms.db"
    command = shlex.join([sys.executable, "-m", "csmsctl", "--socket", str(site.socket)])
    piped = f"{command} backup - > {shlex.quote(str(file))}"
    between = tmp_path / "between"
    between.mkdir()
    (between / ".csmsctl-k1ll3d__.part").write_bytes(b"half a backup")
    there = {**environment(), "TMPDIR": str(between)}
    done = await asyncio.to_thread(subprocess.run, ["sh", "-c", piped], env=there, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(between.iterdir()) == []
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("SELECT id FROM id_tag").fetchall() == [("A1",)]
    made = (await site.json("daemon", "info"))["books"]["backup"]
    assert made["number"] == file.stat().st_size

    for nobody_reads in (
        f"{command} backup - > /dev/full",
        f"{command} backup - >&-",
        f"{{ {command} backup -; echo code $? >&2; }} | head -c 100 > /dev/null",
    ):
        done = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", nobody_reads], env=environment(), capture_output=True
        )
        assert done.returncode != 0 or b"code 1" in done.stderr, nobody_reads
        assert (await site.json("daemon", "info"))["books"]["backup"] == made, "what nobody has does not count"
    assert (await site.csmsctl("--json", "backup", "-")).code == 2


async def test_where_there_is_no_room_for_it_that_is_said_and_nothing_is_left(site: Site, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "csmsctl", "--socket", str(site.socket), "backup", f"{tmp_path}/csms.db"]
    script = f"ulimit -f 8; exec {shlex.join(command)}"
    done = await asyncio.to_thread(subprocess.run, ["sh", "-c", script], env=environment(), capture_output=True)
    assert done.returncode == 1
    assert b"Is there room for it" in done.stderr
    assert b"damaged" not in done.stderr
    assert await asyncio.to_thread(lambda: [*tmp_path.glob("csms.db*")]) == []


def test_what_is_no_backup(csmsctl: Csmsctl, tmp_path: Path) -> None:
    file = tmp_path / "csms.db"
    file.write_bytes(b"SQLite format 3\0" + bytes(4096))
    ended = csmsctl("backup", "verify", str(file))
    assert (ended.code, "no good" in ended.out) == (1, True), ended
    found = csmsctl("backup", "verify", str(file), "--json")
    assert (found.code, found.document["good"], bool(found.document["problems"])) == (1, False, True)


@pytest.mark.parametrize("name", ["list", "restore"])
def test_what_is_no_name_of_a_backup(csmsctl: Csmsctl, daemon: ScriptedDaemon, name: str) -> None:
    assert csmsctl("backup", name).code == 2
    assert csmsctl("backup", "create", name).code == 2
    assert daemon.requests == []


def copying(content: bytes, sha256: str) -> dict[str, Any]:
    """A csmsd that sends this, and says that its SHA-256 is that."""

    def read(_peer: Peer, params: Params) -> Params:
        return {"data": base64.b64encode(content[params["offset"] :][: params["length"]]).decode()}

    return {
        "backup.begin": {"backup": "b1"},
        "backup.wait": {"made": True, "progress": 1.0, "size": len(content), "sha256": sha256, "written": False},
        "backup.read": read,
    }


@pytest.mark.parametrize("cut", [0, 1])
def test_what_arrives_otherwise_than_it_was_sent_leaves_no_file(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path, cut: int
) -> None:
    content = bytes(2_500_000)
    right = hashlib.sha256(content).hexdigest()
    daemon.replies |= copying(content[cut:], right if cut else hashlib.sha256(b"other").hexdigest())
    ended = csmsctl("backup", str(tmp_path / "csms.db"))
    assert ended.code == 1
    assert "its SHA-256 differs" in ended.err
    assert list(tmp_path.iterdir()) == []
    offsets = [params["offset"] for method, params in daemon.requests if method == "backup.read"]
    assert offsets == [0, 1_048_576, 2_097_152]
    assert not [method for method, _ in daemon.requests if method == "backup.finish"]


def test_what_arrives_well_and_is_no_database_counts_as_none(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    content = b"something else"
    daemon.replies |= copying(content, hashlib.sha256(content).hexdigest())
    file = tmp_path / "csms.db"
    file.write_text("the last one")
    ended = csmsctl("backup", str(file), "--force")
    assert ended.code == 1
    assert "The backup is no good" in ended.err
    assert file.read_text() == "the last one"
