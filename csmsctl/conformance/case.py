"""A case of the certification, and what a run of it has to work with."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal, get_args

from csmsctl.conformance.charge_point import ChargePoint
from csmsctl.conformance.conditions import Failed, differences_from_conditions, require_condition
from csmsctl.conformance.inspection import Observations, Oracle
from csmsctl.conformance.operator import Operator
from csmsctl.conformance.private_csmsd import Site

Functionality = Literal[
    "Core",
    "Firmware Management",
    "Smart Charging",
    "Reservation",
    "Local Authorization List Management",
    "Remote Trigger",
    "Security",
]
FUNCTIONALITIES: tuple[Functionality, ...] = get_args(Functionality)


class Run:
    """One run of a case: its site, its charge points, its idTags and its operator; nobody else has them."""

    profile_with_key = 1  # the security profile of a charge point that has a key, where a case asks for no other

    def __init__(self, name: str, site: Site, oracle: Oracle | None = None) -> None:
        self.name = name
        self.site = site
        self.operator = Operator(site)
        self.observations = Observations()
        self.id_tag = f"{name}-A"  # a valid one, once there is a charge point
        self._oracle = oracle
        self._charge_points: list[ChargePoint] = []

    async def prepare(self, method: str, **params: Any) -> dict[str, Any]:
        """Something that must be there before the case begins."""
        return await asyncio.to_thread(self.site.call, method, **params)

    async def charge_point(self, *, booted: bool = True, connected: bool = True, **registration: object) -> ChargePoint:
        """The registered and connected charge point, in the reusable state Booted unless said otherwise."""
        added = await self.prepare("charge_point.add", id=self.name, **registration)
        await self.prepare("tag.add", id=self.id_tag)
        charge_point = self.device(added.get("password"))
        self._charge_points.append(charge_point)
        if not connected:
            return charge_point
        await charge_point.connect()
        if booted:
            await charge_point.booted()
        return charge_point

    def device(self, key: str | None) -> ChargePoint:
        """What plays the charge point; with the key that csmsd has made for it."""
        return ChargePoint(self.site.url, self.name, self.observations, self._oracle, key=key)

    def must_be(self, expected: object, found: object, what: str) -> None:
        """Raises Failed when they differ."""
        require_condition(differences_from_conditions(expected, found), what)

    async def play(self, play: "Play") -> None:
        """Plays the case to its end. Raises Failed."""
        try:
            await play(self)
            await self.operator.has_a_record()
            for charge_point in self._charge_points:
                charge_point.must_have_been_asked_nothing_else()
        finally:
            for charge_point in self._charge_points:
                await charge_point.disconnect()


Play = Callable[[Run], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """A case as the test-case document has it: Before, Scenario and Validations are in the function."""

    id: str
    name: str
    functionality: Functionality
    play: Play


@dataclass(frozen=True)
class Outcome:
    """How a case went; `problem` is None when it is passed."""

    case: Case
    problem: str | None
    seconds: float
    observations: Observations = field(repr=False)

    @property
    def passed(self) -> bool:
        return self.problem is None


class Cases(list[Case]):
    """The cases of a module, in the order of the document."""

    def __init__(self, functionality: Functionality) -> None:
        super().__init__()
        self.functionality = functionality

    def case(self, identifier: str, name: str) -> Callable[[Play], Play]:
        """Declares the function that plays the case."""

        def declare(play: Play) -> Play:
            self.append(Case(f"{identifier}_CSMS", name, self.functionality, play))
            return play

        return declare


async def run_case(case: Case, site: Site, oracle: Oracle | None = None) -> Outcome:
    """Plays a case; a run never raises for what csmsd or csmsctl did wrong."""
    run = Run(case.id.removesuffix("_CSMS"), site, oracle)
    begun = monotonic()
    problems = []
    try:
        await run.play(case.play)
    except Failed as failed:
        problems.append(str(failed))
    except Exception as error:  # a broken csmsd may break the script anywhere
        problems.append(f"the case broke off: {type(error).__name__}: {error}")
    problems += run.observations.violations
    return Outcome(case, "; ".join(problems) or None, monotonic() - begun, run.observations)
