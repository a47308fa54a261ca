"""The charge point of a case on PyPI `ocpp`: the case says what happens, the library, which is not ours, says it."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import MISSING, fields
from time import monotonic
from types import ModuleType
from typing import Any

import ocpp.messages
from ocpp.charge_point import camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Library
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action

from csmsctl.conformance.charge_point import Asked, ChargePoint
from csmsctl.conformance.conditions import Failed, Payload
from csmsctl.conformance.inspection import Frame, Inspection
from csmsctl.link.wire import Wire

# It checks what comes and what goes with its schemas; no thread is needed for that.
ocpp.messages.ASYNC_VALIDATION = False


class OcppChargePoint(ChargePoint):
    """Each CALL and each answer, of either side, is made, checked and read by the library."""

    async def connect(self, *, key: str | bytes | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._library = _Device(self.identity, self)
        self._routing: dict[str, asyncio.Task[None]] = {}
        self._answers_of_case: dict[str, asyncio.Future[Any]] = {}
        await super().connect(key=key, tls=tls)
        assert self.certificate, "over TLS"

    async def _read(self, wire: Wire, inspection: Inspection) -> None:
        async for text in wire:
            frame = inspection.received(text)
            if frame is not None:  # the next is read while the case thinks about its answer to this one
                self._routing[frame[1]] = asyncio.create_task(self._library.route_message(text))
        for task in self._routing.values():
            task.cancel()  # what the case did not expect

    async def ask(self, action: str, payload: object) -> Frame:
        """The answer as the library has read it. Raises what it has against the answer."""
        begun = monotonic()
        asking = asyncio.create_task(self._library.call(_message(call, action, payload), suppress=False))
        asking.add_done_callback(lambda _: self._came.set())
        if not await self._until(lambda: asking.done() or not self.connected) or not asking.done():
            asking.cancel()
            raise Failed(f"{action} was not answered")
        self._observations.response_times.append((action, monotonic() - begun))
        try:
            answer = asking.result()
        except OCPPError as error:
            return [4, "", error.code, error.description, error.details]
        return [3, "", snake_to_camel_case(remove_nones(serialize_as_dict(answer)))]

    async def answer_to(self, asked: Asked) -> Any:
        """What the case answers to a CALL of csmsd with which the library is content."""
        answer = self._answers_of_case[asked.unique_id] = asyncio.get_running_loop().create_future()
        self._calls.append(asked)
        self._came.set()
        return await answer

    async def answer(self, asked: Asked, confirmation: Payload) -> None:
        self._answers_of_case.pop(asked.unique_id).set_result(_message(call_result, asked.action, confirmation))
        await self._routing.pop(asked.unique_id)  # the library has sent it


def _message(module: ModuleType, action: str, payload: object) -> Any:
    """As the library has it. It wants some fields that the whitepaper does not (techInfo); None is none on the wire."""
    kind, given = getattr(module, action), camel_to_snake_case(payload)
    wanted = {field.name for field in fields(kind) if field.default is MISSING}
    return kind(**dict.fromkeys(wanted) | given)


class _Device(Library):
    """Has every action that a Central System may ask for."""

    def __init__(self, identity: str, case: OcppChargePoint) -> None:
        self.case = case
        super().__init__(identity, case)


def _asks_the_case(action: Action) -> Callable[..., Any]:
    async def handler(self: _Device, call_unique_id: str, **given: Any) -> Any:
        return await self.case.answer_to(Asked(call_unique_id, action.value, snake_to_camel_case(given)))

    handler.__name__ = f"on_{action.name}"  # the library finds it by its name
    return on(action)(handler)


for _action in Action:
    setattr(_Device, f"on_{_action.name}", _asks_the_case(_action))
