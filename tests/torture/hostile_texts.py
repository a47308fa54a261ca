"""A megabyte of what costs most to read, in every field of every message, on the wire."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from csmsd.profiles import incoming
from tests.support.raw_charge_point import RawChargePoint
from tests.support.schemas import schema_of
from tests.support.site import Site
from tests.torture.peers import Meanwhile, megabytes
from tests.torture.report import Campaign

LENGTH = 1_000_000  # bytes of JSON: a message may have 1 MiB
CHARGE_POINTS = 2
_PLACE = "@here@"
_TIME = "2026-03-01T12:00:00.000Z"
# What a value begins with, what it is made of, and what it ends with.
SHAPES: dict[str, tuple[str, str, str]] = {
    "letters": ('"', "a", '"'),
    "quotes": ('"', '\\"', '"'),
    "backslashes": ('"', "\\\\", '"'),
    "halves of characters": ('"', "\\ud800", '"'),
    "escape sequences": ('"', "\\u001b[2J", '"'),
    "NUL": ('"', "\\u0000", '"'),
    "keys of secrets": ('"', "password=a&", '"'),
    "formulas": ('"', "=1+1,", '"'),
    "digits": ("", "9", ""),
    "brackets": ("", "[", "]" * (LENGTH // 2)),
    "objects": ("[", '{"a":1},', "0]"),
}


def value_of(shape: str, length: int = LENGTH) -> str:
    """JSON of that length, or nearly."""
    begin, middle, end = SHAPES[shape]
    if len(end) > 2:
        return middle * (length // 2) + "]" * (length // 2)
    return begin + middle * ((length - len(begin) - len(end)) // len(middle)) + end


def messages_of(action: str) -> Iterator[tuple[str, str]]:
    """(field, payload as JSON with a place in it) for each field that the specification knows."""
    schema = schema_of(action)
    payload = _example(schema, schema.get("definitions", {}))
    for path in _leaves(payload):
        yield ".".join(map(str, path)), json.dumps(_with(payload, path, _PLACE))


def _example(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """A value that fits."""
    if "$ref" in schema:  # so it is in the schemas of the security extension
        return _example(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if schema["type"] == "object":
        return {name: _example(part, definitions) for name, part in schema.get("properties", {}).items()}
    if schema["type"] == "array":
        return [_example(schema["items"], definitions)]
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": _TIME if schema.get("format") == "date-time" else "1", "integer": 1, "number": 1}[schema["type"]]


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(part, (*path, key))
    else:
        yield path


def _with(value: Any, path: Sequence[str | int], new: str) -> Any:
    if not path:
        return new
    changed = {path[0]: _with(value[path[0]], path[1:], new)}
    if isinstance(value, dict):
        return value | changed
    return [changed.get(number, part) for number, part in enumerate(value)]


async def hostile_texts(campaign: Campaign, *, shapes: Sequence[str], length: int = LENGTH) -> None:
    """Each message is answered once, others do not wait, and operators see harmless text."""
    async with campaign.site() as site:
        await site.start()
        await site.register("HOSTILE")
        quiet = await site.raw("QUIET")
        async with campaign.fleet(site, CHARGE_POINTS, pause=0.05) as fleet:
            meanwhile = Meanwhile(quiet)
            for shape in shapes:
                text = value_of(shape, length)
                # Whoever sends 60 unreadable messages in a minute is cut off.
                hostile = await site.raw("HOSTILE", register=False)
                for action in incoming():
                    for field, payload in messages_of(action):
                        await _answered(campaign, hostile, action, payload.replace(f'"{_PLACE}"', text), field, shape)
                await hostile.disconnect()
                campaign.compare_with_disk(f"hostile {shape}", fleet, site)
            campaign.measured.append(
                f"hostile texts of {length:,} bytes: {meanwhile.end()}; csmsd took {megabytes(site):.0f} MiB"
            )
            await _operators_see_harmless_text(campaign, site)
            await campaign.compare_with_csmsctl("hostile texts", fleet.acknowledged, site)


async def _answered(
    campaign: Campaign, hostile: RawChargePoint, action: str, payload: str, field: str, shape: str
) -> None:
    number = f"h{campaign.faults['hostile texts']}"
    await hostile.wire.send_bytes(f'[2,"{number}","{action}",{payload}]'.encode(), **{number: action})
    answer = await hostile.answer_to(number)
    # What came before it was answered as well: of a second answer there is something by then.
    await hostile.heartbeat()
    answers = sum(1 for frame in hostile.wire.frames if frame[1] == number)
    campaign.must(answer[0] in (3, 4) and answers == 1, f"{action}.{field} of {shape}: answered {answers} times")
    hostile.wire.frames.clear()
    campaign.faults["hostile texts"] += 1


async def _operators_see_harmless_text(campaign: Campaign, site: Site) -> None:
    for line in ("status", "cp list", "cp show HOSTILE", "tx list", "tx orphans", "log --limit 20", "events", "check"):
        ended = await site.csmsctl(*line.split())
        campaign.must(ended.code < 3, f"csmsctl {line} ended with {ended.code}: {ended.err[:200]}")
        odd = sorted({character for character in ended.out if not character.isprintable() and character != "\n"})
        campaign.must(not odd, f"csmsctl {line} prints {odd}")
