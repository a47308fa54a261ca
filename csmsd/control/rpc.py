"""The words of the control protocol: who calls, what a method is, and the error answers (docs/control-protocol.md)."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from csmsd.control.audit import Audit
from csmsd.control.rights import READ, Access, Right
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.profiles.core.transactions import NotRemembered
from csmsd.profiles.record import Milliseconds

SCHEMA_VERSION = 1
PROTOCOL_VERSION = 1

Json = dict[str, Any]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]  # of rows; 0 is all
RowId = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # SQLite has no larger integers


class RpcError(Exception):
    """An error answer: the code (see docs/control-protocol.md), what is wrong, and what to do."""

    def __init__(self, code: int, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step


def usage(message: str, next_step: str | None = None) -> RpcError:
    return RpcError(2, message, next_step)


def not_there(message: str, next_step: str | None = None) -> RpcError:
    return RpcError(3, message, next_step)


def forbidden(message: str, next_step: str | None = None) -> RpcError:
    """The known state of things speaks against it."""
    return RpcError(7, message, next_step)


class Caller(msgspec.Struct):
    """Who asks for a method: the uid that the kernel vouches for, what its socket allows, and ways to tell it more."""

    uid: int | None
    user: str | None
    access: Access
    method: str
    audit: Audit
    notify: Callable[[str, Json], None]
    catch_up: Callable[[list[Json], int], None] = lambda events, after: None
    request_id: object = None
    stop: Callable[[object], None] = lambda request_id: None  # nothing more is to be begun for that request
    stopped: Callable[[], bool] = lambda: False  # whether that was asked for this one
    subscribe: Callable[[Callable[[], None]], str] = lambda end: ""
    unsubscribe: Callable[[str], bool] = lambda subscription: False
    await_descriptor: Callable[[], Awaitable[int | None]] | None = None  # to be called before the answer
    measured: Callable[[], Awaitable[None]] | None = None  # waits for what was measured of all that runs

    @property
    def socket(self) -> str:
        return str(self.access.door.path)


def denied(caller: Caller, needs: Right, command: str, parameters: object) -> RpcError:
    """It needs more than the caller's socket gives, which is in the audit then."""
    caller.audit.refused(caller, command, parameters)
    return RpcError(4, caller.access.refusal(command, needs), caller.access.help(needs))


def given_time(text: str | None) -> Milliseconds | None:
    """A time parameter. Raises RpcError."""
    if text is None:
        return None
    time = parse_timestamp(text)
    if time is None:
        raise usage(f"{text!r} is no time.", "Write it as 2026-12-31T23:59:59Z.")
    return time


S = TypeVar("S")
P = TypeVar("P", bound=msgspec.Struct)


class NoParameters(msgspec.Struct, forbid_unknown_fields=True):
    """For methods that take none."""


class Method(msgspec.Struct, Generic[S, P]):
    """A method: its parameters as a typed struct, what carries it out with what the daemon gives it, and the right that
    it needs; where that depends on the parameters, a function tells the right and the word for what is asked for.
    """

    parameters: type[P]
    run: Callable[[S, P, Caller], Awaitable[Json]]
    needs: Right | Callable[[P], tuple[Right, str]]
    goes_on: bool = False  # with a command that is in the audit, or is none: it tells what was measured

    async def __call__(self, service: S, given: object, caller: Caller) -> Json:
        needs = self.needs
        if not callable(needs):
            _require(caller, needs, caller.method, given)
        try:
            parameters = msgspec.convert({} if given is None else given, self.parameters)
        except msgspec.ValidationError as error:
            raise RpcError(-32602, f"bad parameters: {error}") from None
        command = caller.method
        if callable(needs):
            needs, command = needs(parameters)
            _require(caller, needs, command, parameters)
        if needs == READ or self.goes_on or getattr(parameters, "dry_run", False):
            return await self._run(service, parameters, caller)
        caller.audit.given(caller, command, parameters)
        try:
            return await self._run(service, parameters, caller)
        finally:
            caller.audit.carried_out()

    async def _run(self, service: S, parameters: P, caller: Caller) -> Json:
        """Anew where csmsd has just started, and what it tells was not measured as yet as far as it was before."""
        try:
            return await self.run(service, parameters, caller)
        except NotRemembered:
            if caller.measured is None:
                raise
        await caller.measured()
        return await self.run(service, parameters, caller)


def _require(caller: Caller, needs: Right, command: str, parameters: object) -> None:
    if not caller.access.allows(needs):
        raise denied(caller, needs, command, parameters)


Table = dict[str, Method[S, Any]]  # the methods of a subject by their names

Bound = Callable[[object, Caller], Awaitable[Json]]  # of a method: its parameters as they came, and who asks


def bound(table: Table[S], given: S) -> dict[str, Bound]:
    """The methods of a subject, with what they are given."""
    return {name: partial(method, given) for name, method in table.items()}
