"""idTags as CSV, in and out."""

from pathlib import Path

import pytest
from ocpp.v16 import call

from csmsctl.commands.tag_files import read_tag_file
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.support.control import ControlError
from tests.support.site import Site

HEADER = "id,parent,expires_at,blocked,max_transactions,note,labels\n"


def test_all_columns() -> None:
    tags, errors = read_tag_file(HEADER + "A1,P,2026-01-31T12:00:00Z,yes,2,\"Jo, 'x'\",north staff\nB2,,,,,,\n")
    assert errors == []
    assert tags == [
        {
            "id": "A1",
            "parent": "P",
            "expires_at": "2026-01-31T12:00:00.000Z",
            "blocked": True,
            "max_transactions": 2,
            "note": "Jo, 'x'",
            "labels": ["north", "staff"],
        },
        {
            "id": "B2",
            "parent": None,
            "expires_at": None,
            "blocked": False,
            "max_transactions": None,
            "note": None,
            "labels": [],
        },
    ]


@pytest.mark.parametrize(
    "text", ["id\nA1\n", "\ufeffID\r\nA1\r\n", "note;id\n;A1\n", "id,note\n\n  \nA1,\n", "id,note\nA1,\n"]
)
def test_what_spreadsheets_make_of_it(text: str) -> None:
    tags, errors = read_tag_file(text)
    assert errors == []
    assert [tag["id"] for tag in tags] == ["A1"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "line 1: there is no column id; the first line names the columns"),
        ("tag\nA1\n", "line 1: there is no column id; the first line names the columns"),
        ("id,colour\nA1,red\n", "line 1: unknown column 'colour'"),
        ("id,id\nA1,A1\n", "line 1: a column is named twice"),
        ("id,note\nA1\n", "line 2: 1 cells for 2 columns"),
        ("id,note\n,x\n", "line 2: id is empty"),
        ("id\nA1\n1.23E+09\n", "line 3: id 1.23E+09 is a number that a spreadsheet has shortened"),
        ('id,parent\nA1,"4,5e+12"\n', "line 2: parent 4,5e+12 is a number"),
        ("id\nA1\na1\n", "line 3: a1 stands in line 2 already"),
        (f"id\n{'x' * 21}\n", "line 2: id is 21 characters long"),
        ("id,blocked\nA1,perhaps\n", "line 2: blocked is 'perhaps'"),
        ("id,max_transactions\nA1,-1\n", "line 2: max_transactions is '-1'"),
        ("id,expires_at\nA1,soon\n", "line 2: 'soon' is no time"),
        ('id,note\nA1,"two\nlines"\nB2,x,y\n', "line 4: 3 cells for 2 columns"),
        ('id,note\nA1,"open\n', "line 2: unexpected end of data"),
    ],
)
def test_bad_lines_are_named(text: str, error: str) -> None:
    [found] = read_tag_file(text)[1]
    assert found.startswith(error)


def test_import(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    daemon.replies["tag.import"] = {"added": 1, "changed": 0, "unchanged": 2, "removed": 0}
    file = tmp_path / "tags.csv"
    file.write_text("id,note\nA1,Jo\n")
    ended = csmsctl("tag", "import", str(file))
    assert (ended.code, ended.out) == (0, "1 added, 0 changed, 2 unchanged, 0 removed\n")
    assert daemon.params("tag.import") == {"tags": [{"id": "A1", "note": "Jo"}]}
    ended = csmsctl("tag", "import", "-", "--replace", "--yes", "--json", stdin="id\nA1\n")
    assert ended.document["added"] == 1
    assert daemon.params("tag.import") == {"tags": [{"id": "A1"}], "replace": True}


def test_a_bad_line_imports_nothing(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    ended = csmsctl("tag", "import", "-", stdin="id,blocked\nA1,no\nB2,perhaps\n,\n,no\n")
    assert ended.code == 2
    assert "line 3: blocked is 'perhaps', not true or false\nline 5: id is empty\n" in ended.err
    assert "Nothing was imported" in ended.err
    assert daemon.requests == []


def test_replace_needs_a_confirmation(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    assert csmsctl("tag", "import", "-", "--replace", stdin="id\nA1\n").code == 10
    assert daemon.requests == []


def test_what_is_exported_can_be_imported(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    tags = [
        samples.tag("A1", parent="P", expires_at="2026-01-31T12:00:00.000Z", blocked=True, max_transactions=0),
        samples.tag("=1+1", note="-x, \"y\" 'z'"),
        samples.tag("'=quoted", note="Müller", labels=["north", "staff"]),
    ]
    daemon.replies["tag.list"] = {"schema_version": 1, "tags": tags}
    ended = csmsctl("tag", "export")
    assert ended.out.startswith(HEADER)
    read, errors = read_tag_file(ended.out)
    assert errors == []
    keys = ("id", "parent", "expires_at", "blocked", "max_transactions", "note", "labels")
    assert read == [{key: tag[key] for key in keys} for tag in tags]


# --- with a real csmsd


async def test_an_import_adds_changes_and_lets_be(site: Site) -> None:
    await site.call("tag.import", tags=[{"id": "A1", "note": "Jo"}, {"id": "B2"}, {"id": "KEPT"}])
    watcher = await site.watch("tag.changed", "tag.removed")
    ended = await site.csmsctl("tag", "import", "-", stdin="id,note\nA1,Jo\nb2,Ada\nC3,\n")
    assert (ended.code, ended.out) == (0, "1 added, 1 changed, 1 unchanged, 0 removed\n")
    assert (await watcher.event("tag.changed"))["data"] == {"imported": 2}
    known = {tag["id"]: tag["note"] for tag in (await site.json("tag", "list"))["tags"]}
    assert known == {"A1": "Jo", "B2": "Ada", "C3": None, "KEPT": None}


async def test_replacing_removes_what_is_not_in_the_file(site: Site) -> None:
    """Also on disk, and also for a charge point that asks: a card that was removed may not charge."""
    await site.call("tag.import", tags=[{"id": "A1", "note": "Jo"}, {"id": "GONE"}, {"id": "B2"}])
    charge_point = await site.charge_point("CP1")
    watcher = await site.watch("tag.removed", "tag.changed")
    text = "id,note\na1,Joe\nB2,\n"
    assert (await site.csmsctl("tag", "import", "-", "--replace", stdin=text)).code == 10
    assert len((await site.json("tag", "list"))["tags"]) == 3
    ended = await site.csmsctl("tag", "import", "-", "--replace", "--yes", stdin=text)
    assert (ended.code, ended.out) == (0, "0 added, 1 changed, 1 unchanged, 1 removed\n")
    told = [(event["type"], event["data"]) for event in [(await watcher.notification())["params"] for _ in range(2)]]
    assert told == [("tag.changed", {"imported": 1}), ("tag.removed", {"id_tag": "GONE"})]
    for tag, status in (("GONE", "Invalid"), ("A1", "Accepted")):
        assert (await charge_point.ask(call.Authorize(id_tag=tag))).id_tag_info["status"] == status
    again = await site.csmsctl("tag", "import", "-", "--replace", "--yes", stdin=text)
    assert again.out == "0 added, 0 changed, 2 unchanged, 0 removed\n"
    await site.restart()
    assert {tag["id"]: tag["note"] for tag in (await site.json("tag", "list"))["tags"]} == {"A1": "Joe", "B2": None}


async def test_what_is_refused_changes_nothing(site: Site) -> None:
    await site.call("tag.add", id="A1")
    for text, said in (
        ("id\nB2\nC3\nb2\n", "b2 stands in line 2 already"),
        ("id,max_transactions\nB2,x\n", "max_transactions"),
        (f"id\n{21 * 'x'}\n", "21 characters"),
    ):
        ended = await site.csmsctl("tag", "import", "-", "--replace", "--yes", stdin=text)
        assert (ended.code, said in ended.err) == (2, True), ended
    # Whoever speaks the protocol is refused by csmsd itself.
    connection = await site.control()
    for tags in ([{"id": "B2"}, {"id": "b2"}], [{"id": "B2"}, {"id": ""}], [{"id": "B2", "max_transactions": -1}]):
        with pytest.raises(ControlError) as refused:
            await connection.call("tag.import", tags=tags, replace=True)
        assert refused.value.code in (2, -32602)
    assert [tag["id"] for tag in (await site.json("tag", "list"))["tags"]] == ["A1"]
