"""SetChargingProfile (C 5.16): give a charge point a charging profile."""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.payloads import read_payload_value
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ocpp.types import ChargingProfile, ChargingProfilePurpose, ConnectorId, Message
from csmsd.profiles.action import Consequence, Operation, Outgoing, Steps, Target
from csmsd.profiles.core.connectors import connector_numbers, missing_connector
from csmsd.profiles.load_management.circuits import Member
from csmsd.profiles.load_management.overruling import (
    count_for_one_unheard_of,
    count_with_ratings,
    overruled_by,
    runs_without_limit_of_its_own,
    would_lead_unheard_of,
)
from csmsd.profiles.record import Change, Data, Event, Milliseconds
from csmsd.profiles.refusal import CannotSend
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.composite_schedule import Cause, compose_schedule
from csmsd.profiles.smart_charging.installed_profiles import Slot, place_of_profile, profile_installed_now
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.smart_charging.profile_ids import SITE_LIMIT, is_site_limit
from csmsd.profiles.smart_charging.profile_library import prepared_profile
from csmsd.profiles.smart_charging.profile_linter import (
    known_to_linter,
    lint_profile,
    lint_profile_for,
    linter_objection,
)
from csmsd.profiles.smart_charging.short_form import NotUnderstood, ShortForm, build_from_short_form
from csmsd.profiles.smart_charging.wall_clock import off_clock

_DAY_MS = 86_400_000


class SetChargingProfileReq(Message, kw_only=True):
    connector_id: ConnectorId
    cs_charging_profiles: ChargingProfile


class SetChargingProfileConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "NotSupported"]


def _check(request: SetChargingProfileReq, target: Target) -> str | None:
    wrong = linter_objection(lint_profile(request.cs_charging_profiles, target.now))
    if wrong is not None:
        raise CannotSend(wrong)
    known = known_to_linter(target.charge_point, target.site.smart_charging.installed, target.now)
    against = linter_objection(lint_profile_for(request.cs_charging_profiles, request.connector_id, known))
    return against or _id_of_another(request, target) or _would_raise(request, target)


def _without_site_limits(request: SetChargingProfileReq, target: Target) -> list[Member]:
    """Those who would go by it instead of the limits of their circuits, until they have these again."""
    return list(overruled_by(request.cs_charging_profiles, request.connector_id, target))


def _would_raise(request: SetChargingProfileReq, target: Target) -> str | None:
    """Load management caps, and what runs by its default limit goes by any other at once."""
    for member in _without_site_limits(request, target):
        waits = runs_without_limit_of_its_own(member, target)
        if waits is not None:
            return (
                f"transaction {waits} has no share on circuit {member.circuit} now, and would charge by this profile "
                f"instead of its limit; when it has one, this caps it: csmsctl load explain {target.charge_point.id} "
                f"--connector {member.connector}"
            )
    return None


def _forbids(payload: Data, target: Target) -> str | None:
    """C 3.13.1: it would hold instead of the limit of a circuit, and nobody would know that it does."""
    try:
        request = read_payload_value(SetChargingProfileReq, payload)[0]
    except OcppError:
        return None
    return would_lead_unheard_of(request.cs_charging_profiles, request.connector_id, target)


def _intends(request: SetChargingProfileReq, target: Target) -> bool:
    return bool(_without_site_limits(request, target))


def _intend(request: SetChargingProfileReq, target: Target) -> tuple[list[Change], list[Event]]:
    """Where its answer is lost, or it is raw, it may be there all the same: site limits have to stand above it."""
    members = _without_site_limits(request, target)
    if not members:
        return [], []
    state, profile = target.charge_point, request.cs_charging_profiles
    record = profile_installed_now(state.id, request.connector_id, profile, target.now)
    record.name = target.site.smart_charging.library.name_for(profile)
    expected = target.site.smart_charging.installed.expect(record)
    return [*count_with_ratings(members, target), *expected], []


def _unconfirmed(request: SetChargingProfileReq, outcome: str, target: Target) -> tuple[list[Change], list[Event]]:
    installed, slot = target.site.smart_charging.installed, _slot(request)
    return installed.settle_expected(target.charge_point.id, slot, gone=outcome not in ("timeout", "unknown")), []


def _slot(request: SetChargingProfileReq) -> Slot:
    return (request.connector_id, *place_of_profile(request.cs_charging_profiles))


def _id_of_another(request: SetChargingProfileReq, target: Target) -> str | None:
    """C 5.16.4: it would take the place of the one that has the id, wherever that stands."""
    profile, charging = request.cs_charging_profiles, target.site.smart_charging
    number = profile.charging_profile_id
    known = charging.library.known(number)
    if known is None or charging.library.name_for(profile) is not None:
        return None
    before = charging.installed.at(target.charge_point.id, (request.connector_id, *place_of_profile(profile)))
    if before is not None and before.profile_id == number:
        return None  # as it was before it was replaced in the library
    return f"chargingProfileId {number} is that of {known.name} in the library, which it would replace; give it another"


def _settle(
    request: SetChargingProfileReq, confirmation: SetChargingProfileConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """What was accepted is remembered. That it is followed is another fact: `csmsctl profile verify` asks."""
    site, charge_point = target.site, target.charge_point
    changes = site.smart_charging.installed.tidy(charge_point, target.now)
    if confirmation.status != "Accepted":
        return [
            *changes,
            *site.smart_charging.installed.settle_expected(charge_point.id, _slot(request), gone=True),
        ], []
    changes += site.smart_charging.installed.put_in_order(charge_point.id, target.now)
    profile = request.cs_charging_profiles
    changes += count_for_one_unheard_of(profile, request.connector_id, target)
    record = profile_installed_now(charge_point.id, request.connector_id, profile, target.now)
    before = site.smart_charging.installed.at(charge_point.id, record.slot)
    known = before.name if before is not None and before.profile_id == record.profile_id else None
    limit = SITE_LIMIT if is_site_limit(record.profile_id) else None
    record.name = limit or site.smart_charging.library.name_for(profile) or known
    told = Event(
        "profile.installed",
        charge_point.id,
        {"connector": record.connector, "purpose": record.purpose, "stack_level": record.stack_level,
         "id": record.profile_id, "name": record.name, "transaction": record.transaction_id},
    )  # fmt: skip
    return [*changes, *site.smart_charging.installed.accept(record)], [told]


def _why(request: SetChargingProfileReq, confirmation: SetChargingProfileConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return _shadowed_charging_profile(request, target)
    known = known_to_linter(target.charge_point, target.site.smart_charging.installed, target.now)
    against = linter_objection(lint_profile_for(request.cs_charging_profiles, request.connector_id, known))
    against = missing_connector(target.charge_point, request.connector_id) or against
    purpose = request.cs_charging_profiles.charging_profile_purpose
    if against is None and request.connector_id == 0 and purpose != "ChargePointMaxProfile":
        first = (connector_numbers(target.charge_point) or [1])[0]
        return f"it may want each connector to be named: --connector {first}"
    return against


def _shadowed_charging_profile(request: SetChargingProfileReq, target: Target) -> str | None:
    """Whether another one leads all day, so that nothing comes of it (C 3.13.1)."""
    profile = request.cs_charging_profiles
    if profile.charging_profile_purpose == "ChargePointMaxProfile":
        return None  # what it caps is seen when something charges
    outlook = Outlook.of(target)
    connectors = [request.connector_id] if request.connector_id else outlook.moment.connectors
    leading: list[Cause] = []
    for connector in connectors:
        held = Outlook.of(target)
        held.add(profile, request.connector_id)
        for period in compose_schedule(
            held.sources, connector, target.now, target.now + _DAY_MS, outlook.unit, held.moment
        ):
            if any(cause.source.profile.charging_profile_id == profile.charging_profile_id for cause in period.because):
                return None
            leading += period.because
    if not leading:
        return None  # it holds at another time
    first = leading[0].source
    if is_site_limit(first.profile.charging_profile_id):
        return "load management's site limit leads, and will be no higher than this allows: csmsctl load explain"
    name = first.name or first.profile.charging_profile_id
    level = first.profile.stack_level
    return f"no effect within a day: {name} leads, a {first.profile.charging_profile_purpose} on stack level {level}"


OUTGOING = Outgoing(
    SetChargingProfileReq,
    SetChargingProfileConf,
    check=_check,
    forbids=_forbids,
    settle=_settle,
    intend=_intend,
    intends=_intends,
    unconfirmed=_unconfirmed,
    why=_why,
)


def _moved_charging_profiles(event: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """C 3.13.1: TxProfiles end with their transaction, however that ended; those of remote starts find theirs."""
    charge_point = site.charge_point(event.charge_point or "")
    return ([] if charge_point is None else site.smart_charging.installed.tidy(charge_point, now)), []


def _removed(event: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """The rows go with that of the charge point."""
    site.smart_charging.installed.forget(event.charge_point or "")
    site.smart_charging.load.forget(event.charge_point or "")
    return [], []


CONSEQUENCES = (
    Consequence("transaction.started", _moved_charging_profiles),
    Consequence("transaction.stopped", _moved_charging_profiles),
    Consequence("transaction.abandoned", _moved_charging_profiles),
    Consequence("transaction.closed", _moved_charging_profiles),
    Consequence("charge_point.removed", _removed),
)


class SetChargingProfile(Operation, kw_only=True):
    """Give a charge point a charging profile.

    A TxProfile is given to the transaction that is running on the connector. Accepted means that the charge point
    took the profile; what it makes of it shows `csmsctl profile verify`. With --limit it is one for all the time, on
    connector 0 of the whole charge point, else of every transaction on the connector.
    """

    command: ClassVar[str] = "set-charging-profile"
    example: ClassVar[str] = "csmsctl set-charging-profile CP1 --connector 1 --profile night"

    connector: Annotated[int, Meta(description="Connector; 0 is the whole charge point", ge=0)]
    profile: (
        Annotated[
            str | dict[str, Any],
            Meta(
                description="Name in the library, its JSON, or a file with it (with a / or .json; -: standard input)",
                extra={"json_or_name": True, "complete": "profiles", "metavar": "NAME|FILE|JSON"},
            ),
        ]
        | None
    ) = None
    limit: Annotated[str, Meta(description="Or one limit for all the time: 8A, 11kW, 7400W")] | None = None
    transaction: Annotated[int, Meta(description="Transaction that a TxProfile is for; left out, what runs")] | None = (
        None
    )

    def steps(self, target: Target) -> Steps:
        profile = self._profile(target)
        transaction = self.transaction
        if transaction is None and profile.charging_profile_purpose == "TxProfile" and profile.transaction_id is None:
            running = target.charge_point.transactions.active_on(self.connector)
            transaction = running.id if running is not None else None
        yield SetChargingProfileReq(
            connector_id=self.connector,
            cs_charging_profiles=prepared_profile(
                profile, connector=self.connector, transaction=transaction, now=target.now
            ),
        )

    def _profile(self, target: Target) -> ChargingProfile:
        if (self.profile is None) == (self.limit is None):
            raise CannotSend("Say what limits it, in one way: --profile night or --limit 8A.")
        if self.profile is not None:
            return target.site.smart_charging.library.resolve(self.profile)
        # C 3.13.1: what limits the whole charge point is a ChargePointMaxProfile, and stands on connector 0 only.
        purpose: ChargingProfilePurpose = "TxDefaultProfile" if self.connector else "ChargePointMaxProfile"
        try:
            return build_from_short_form(ShortForm(limit=self.limit, purpose=purpose), target.now)
        except NotUnderstood as error:
            raise CannotSend(f"{error}.") from None


def set_charging_profiles_again(target: Target) -> Steps:
    """Sends what the charge point should have once more: some lose it with the connection or a reboot."""
    purposes = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
    in_force = target.site.smart_charging.installed.in_force(target.charge_point, target.now)
    should_be = {off.record.slot: off.profile for off in off_clock(in_force, target.site.smart_charging.library)}
    for record in sorted(in_force, key=lambda record: purposes.index(record.purpose)):
        valid_to = parse_timestamp(record.read().valid_to or "")
        # Load management sends its own: what was accepted last may be older than what is on its way.
        if is_site_limit(record.profile_id):
            continue
        if not record.pending and (valid_to is None or valid_to > target.now):
            yield SetChargingProfileReq(
                connector_id=record.connector,
                cs_charging_profiles=should_be.get(record.slot) or record.source().profile,
            )
