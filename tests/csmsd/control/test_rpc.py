"""A method is carried out for those whose socket gives the right that it needs."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from csmsd.control.audit import Audit, Who
from csmsd.control.rights import Access, Right
from csmsd.control.rpc import Caller, Json, Method, RpcError
from csmsd.settings.sections import Door

RIGHTS: tuple[Right, ...] = ("read", "reception", "all")
DOORS = tuple(Door(right, Path(f"/run/{right}.sock"), "root", 0o660, named=True) for right in RIGHTS)


class Word(msgspec.Struct, forbid_unknown_fields=True):
    word: str
    dry_run: bool = False


async def say(service: None, parameters: Word, caller: Caller) -> Json:
    return {"said": parameters.word}


class Book(Audit):
    """What would be kept."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []

    def given(self, who: Who, command: str, parameters: object) -> None:
        self.kept.append(("given", command))

    def carried_out(self) -> None:
        self.kept.append(("carried out", ""))

    def refused(self, who: Who, command: str, parameters: object) -> None:
        self.kept.append(("refused", command))


def who(right: Right, book: Book | None = None) -> Caller:
    (door,) = (door for door in DOORS if door.right == right)
    return Caller(
        uid=1,
        user="ada",
        access=Access(door, DOORS),
        method="word.say",
        audit=book or Book(),
        notify=lambda method, params: None,
    )


async def outcome(method: Method[None, Word], right: Right, given: Any) -> Any:
    try:
        return (await method(None, given, who(right)))["said"]
    except RpcError as error:
        return error.code


@pytest.mark.parametrize(
    ("needs", "allowed"),
    [("read", ["read", "reception", "all"]), ("reception", ["reception", "all"]), ("all", ["all"])],
)
async def test_each_right_has_those_before_it(needs: Right, allowed: list[Right]) -> None:
    method = Method(Word, say, needs)
    assert {right: await outcome(method, right, {"word": "hello"}) for right in RIGHTS} == {
        right: "hello" if right in allowed else 4 for right in RIGHTS
    }
    # What it was asked with is not looked at before.
    assert await outcome(method, "read", {}) == (-32602 if "read" in allowed else 4)


async def test_a_right_may_depend_on_what_is_asked_for() -> None:
    method = Method(Word, say, lambda given: ("all" if given.word == "reset" else "read", given.word))
    assert await outcome(method, "read", {"word": "look"}) == "look"
    assert await outcome(method, "reception", {"word": "reset"}) == 4
    assert await outcome(method, "all", {"word": "reset"}) == "reset"


async def test_a_refusal_names_what_is_missing_and_how_to_come_by_it() -> None:
    with pytest.raises(RpcError) as refused:
        await Method(Word, say, "reception")(None, {}, who("read"))
    assert refused.value.message == "word.say needs the rights of a reception; /run/read.sock is for looking only."
    assert refused.value.next_step == (
        'Members of group root may, through /run/reception.sock: sudo usermod -aG root "$USER", then log in again.'
    )


def test_where_there_is_no_such_group_none_is_named() -> None:
    doors = (msgspec.structs.replace(DOORS[2], group="no-such-group"), DOORS[0])
    assert "no-such-group" not in Access(DOORS[0], doors).help("all")


async def test_what_changes_something_is_in_the_audit_before_it_is_carried_out() -> None:
    book = Book()

    async def look_at_the_book(service: None, parameters: Word, caller: Caller) -> Json:
        assert book.kept == [("given", "word.say")]
        return {"said": ""}

    await Method(Word, look_at_the_book, "reception")(None, {"word": "x"}, who("all", book))
    await Method(Word, say, "read")(None, {"word": "x"}, who("all", book))
    await Method(Word, say, "all")(None, {"word": "x", "dry_run": True}, who("all", book))
    await Method(Word, say, "all", goes_on=True)(None, {"word": "x"}, who("all", book))
    assert book.kept == [("given", "word.say"), ("carried out", "")]
    with pytest.raises(RpcError):
        await Method(Word, say, lambda given: ("all", "reset"))(None, {"word": "x"}, who("read", book))
    assert book.kept[2:] == [("refused", "reset")]
