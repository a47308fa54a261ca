"""The daemon itself, and the site at a glance."""

import msgspec

from csmsd.control.service import (
    PROTOCOL_VERSION,
    SCHEMA_VERSION,
    Caller,
    Json,
    Method,
    NoParameters,
    Service,
)
from csmsd.control.targets import resolve
from csmsd.control.views import charge_point_view


class Status(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None


async def info(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    site = service.site()
    return service.info() | {
        "protocol": PROTOCOL_VERSION,
        "schema_version": SCHEMA_VERSION,
        "connected": sum(state.connected for state in site.charge_points.values()),
        "charge_points": len(site.charge_points),
        "store": {
            "state": "ok" if service.keeper.failure is None else "failing",
            "error": service.keeper.failure,
            "database_bytes": await service.reader.database_bytes(),
        },
        "peer": {"uid": caller.uid, "user": caller.user},
    }


async def reload(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    return service.reload()


async def status(service: Service, parameters: Status, caller: Caller) -> Json:
    site = service.site()
    everyone = sorted(site.charge_points.values(), key=lambda state: state.id.casefold())
    chosen = everyone if parameters.targets is None else resolve(site, parameters.targets)
    about = service.info()
    return {
        "schema_version": SCHEMA_VERSION,
        "daemon": {
            "version": about["version"],
            "uptime_s": about["uptime_s"],
            "policies": about["policies"],
            "connected": sum(state.connected for state in everyone),
            "charge_points": len(everyone),
            "active_transactions": sum(len(state.transactions.active()) for state in everyone),
            "unknown_charge_points": len(site.unknown_charge_points),
            "store": "ok" if service.keeper.failure is None else "failing",
        },
        "charge_points": [charge_point_view(state) for state in chosen],
    }


METHODS = {
    "daemon.info": Method(NoParameters, info),
    "daemon.reload": Method(NoParameters, reload),
    "status": Method(Status, status),
}
