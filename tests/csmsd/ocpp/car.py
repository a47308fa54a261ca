"""A message with one field of each type that messages have."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from csmsd.ocpp.payloads import read_payload
from csmsd.ocpp.types import CiString20, Integer, JsonText, Message, NonNegative


class Wheel(Message, kw_only=True):
    """An element that its list can do without."""

    droppable: ClassVar[bool] = True

    size: Integer
    tyre: Literal["Summer", "Winter"] | None = None


class Door(Message, kw_only=True):
    side: Literal["Left", "Right"]


class Light(Message, kw_only=True):
    """An element of which at least one must be good."""

    droppable = "unless all"

    colour: Annotated[str, Meta(max_length=9, extra={"substitute": "white"})]
    lumen: Integer


class CarReq(Message, kw_only=True):
    """One field of each type that messages have."""

    name: CiString20
    seats: NonNegative
    length: float
    motto: CiString20 | None = None
    electric: bool | None = None
    range_left: Integer | None = None
    weight: Annotated[float, Meta(ge=0)] | None = None
    colour: Literal["Red", "DarkBlue"] | None = None
    note: str | None = None
    wheels: Annotated[list[Wheel], Meta(min_length=1)] | None = None
    doors: list[Door] | None = None
    spare: Wheel | None = None
    names: list[CiString20] | None = None
    lights: list[Light] | None = None
    remark: JsonText | None = None


CAR: dict[str, Any] = {"name": "Zoe", "seats": 5, "length": 4.08}


def car(**given: object) -> bytes:
    return msgspec.json.encode({**CAR, **given})


def without(*names: str) -> bytes:
    return msgspec.json.encode({name: value for name, value in CAR.items() if name not in names})


def deviations(payload: bytes) -> list[tuple[str, str]]:
    return [(deviation.field, deviation.kind) for deviation in read_payload(CarReq, payload)[1]]


FULL = {
    **CAR,
    "motto": "go",
    "electric": True,
    "rangeLeft": -3,
    "weight": 1502.5,
    "colour": "DarkBlue",
    "note": "x" * 5000,
    "wheels": [{"size": 16, "tyre": "Winter"}],
    "doors": [{"side": "Left"}, {"side": "Right"}],
    "spare": {"size": 15},
    "names": ["a", "b"],
    "lights": [{"colour": "blue", "lumen": 7}],
    "remark": "{}",
}
