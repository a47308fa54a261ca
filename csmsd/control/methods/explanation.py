"""Why a transaction came to what it is, and why a charge point does what it does: from all that is kept."""

from collections.abc import Iterator

import msgspec

from csmsd.control.explanation import charge_point
from csmsd.control.explanation.gathering import gather_facts
from csmsd.control.explanation.story import Story
from csmsd.control.log_book import LogBook
from csmsd.control.methods.transactions import Number, known_transaction
from csmsd.control.rights import READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, Table
from csmsd.control.service import Service
from csmsd.control.targets import one
from csmsd.control.views import time_text, transaction_view
from csmsd.ocpp.identity import fold
from csmsd.ports.listings import TaskFilter
from csmsd.profiles.action import Target
from csmsd.profiles.load_management.explanation import explain_member
from csmsd.profiles.load_management.overview import overview_of_load
from csmsd.runtime.time_zones import local_utc_offset


class Explanation(Service):
    """With the log."""

    log: LogBook


class Place(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    connector: int | None = None


async def explain_transaction(service: Explanation, parameters: Number, caller: Caller) -> Json:
    transaction = await known_transaction(service, parameters.id)
    story = Story(await gather_facts(service, service.log, transaction))
    return {
        "schema_version": SCHEMA_VERSION,
        "transaction": transaction_view(service.site, transaction, service.now()),
        "story": [
            {"time": time_text(entry.time), "kind": entry.kind, "text": entry.text, "source": entry.source}
            for entry in story.entries
        ],
        "conclusion": story.conclusion,
        "missing": story.missing,
    }


async def explain_charge_point(service: Explanation, parameters: Place, caller: Caller) -> Json:
    identity = one(service.site, parameters.id).id
    tasks = await service.reader.tasks(TaskFilter(charge_point=identity))
    target = Target(service.site, one(service.site, identity), service.now())
    return {
        "schema_version": SCHEMA_VERSION,
        "charge_point": identity,
        "connector": parameters.connector,
        "facts": [
            {"kind": fact.kind, "connector": fact.connector, "time": time_text(fact.time), "text": fact.text}
            for fact in (
                *charge_point.facts(target, parameters.connector, tasks),
                *_of_its_circuits(target, parameters.connector),
            )
        ],
        "next": [
            {"why": step.why, "command": step.command}
            for step in charge_point.charge_point_next_steps(target, parameters.connector)
        ],
    }


def _of_its_circuits(target: Target, connector: int | None) -> Iterator[charge_point.Fact]:
    """Why its connectors may draw what they may."""
    site, identity = target.site, fold(target.charge_point.id)
    its_own = [
        member
        for key, member in sorted(site.smart_charging.load.members.items())
        if key[0] == identity and connector in (None, member.connector)
    ]
    if not its_own:
        return
    overview = overview_of_load(site, local_utc_offset(target.now), target.now)
    for member in its_own:
        for sentence in explain_member(site, member, overview, target.now):
            yield charge_point.Fact("circuit", sentence, connector=member.connector)


METHODS: Table[Explanation] = {
    "transaction.explain": Method(Number, explain_transaction, READ),
    "charge_point.explain": Method(Place, explain_charge_point, READ),
}
