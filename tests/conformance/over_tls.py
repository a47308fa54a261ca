"""A site that lets nobody in without TLS, and the runs of cases on it."""

from typing import Any, Self

from csmsctl.conformance.case import Run
from csmsctl.conformance.cases.security import NAMES, ORGANIZATION
from csmsctl.conformance.charge_point import ChargePoint
from csmsctl.conformance.private_csmsd import Settings
from tests.conformance.charge_point import OcppChargePoint
from tests.csmsctl.conformance.conftest import ForkedOperator
from tests.support.certificates import device_context

SETTINGS: Settings = {"security": {"minimum_profile": 2}}


class SecuredSite(ForkedOperator):
    """Has certificates, and the root that its charge points trust."""

    root: str

    def __enter__(self) -> Self:
        super().__enter__()
        self.root = self.call("certificate.init", organization=ORGANIZATION, names=NAMES)["root"]
        return self


class SecuredRun(Run):
    """Its charge points are on PyPI `ocpp` and come over wss: with a key (profile 2), where the case says no other."""

    profile_with_key = 2
    site: SecuredSite

    async def charge_point(self, *, booted: bool = True, connected: bool = True, **registration: Any) -> ChargePoint:
        registration = registration or {"security_profile": 2, "generate_password": True}
        return await super().charge_point(booted=booted, connected=connected, **registration)

    def device(self, key: str | None) -> ChargePoint:
        tls = device_context(self.site.directory, self.site.root)
        return OcppChargePoint(self.site.url, self.name, self.observations, self._oracle, key=key, tls=tls)
