"""Certificates that want attention, before anybody stays out."""

from typing import Any

from csmsd.control.problems.certificates import certificate_problems, certificate_problems_of_site
from csmsd.ports.tls import TlsState
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.security.certificates import Certificate
from tests.csmsd.profiles.scene import DAY, NOON, Scene

OFF = TlsState(on=False, problem=None, ends=[])


def certificate(scene: Scene, **fields: Any) -> Certificate:
    usual: dict[str, Any] = {
        "id": scene.site.security.certificates.new_id(),
        "charge_point": "CP1",
        "kind": "charge_point",
        "state": "used",
        "organization": "My CPO",
        "common_name": "SN1",
        "created_at": NOON,
        "changed_at": NOON,
    }
    made = Certificate(**(usual | fields))
    scene.site.security.certificates.put(made)
    return made


def of_site(scene: Scene, tls: TlsState = OFF, at: int = NOON) -> list[tuple[str, str]]:
    return [(one.kind, one.severity) for one in certificate_problems_of_site(scene.site, tls, at)]


def of_cp(scene: Scene, at: int = NOON) -> list[tuple[str, str, str]]:
    return [(one.kind, one.severity, one.next) for one in certificate_problems(scene.cp, scene.site, at)]


def test_a_site_without_certificates_has_no_problem_with_them() -> None:
    assert of_site(Scene()) == []
    assert of_cp(Scene()) == []


def test_files_that_cannot_be_used() -> None:
    tls = TlsState(on=True, problem="/etc/x.pem: mode 0644", ends=[])
    [found] = certificate_problems_of_site(Scene().site, tls, NOON)
    assert (found.kind, found.severity) == ("tls_failing", "critical")
    assert found.text == "the certificates of before are used: /etc/x.pem: mode 0644"
    [found] = certificate_problems_of_site(Scene().site, tls._replace(on=False), NOON)
    assert found.text.startswith("there is no TLS: ")


def test_files_that_end_soon() -> None:
    tls = TlsState(on=True, problem=None, ends=[("/etc/x.pem", NOON + 14 * DAY)])
    assert of_site(Scene(), tls) == []
    assert of_site(Scene(), tls, NOON + 1) == [("certificate_expiring", "warning")]
    assert of_site(Scene(), tls, NOON + 14 * DAY) == [("certificate_expiring", "critical")]


def test_a_list_of_revoked_certificates_that_ends_soon() -> None:
    """It is good for a week as a rule: that is no problem every day."""
    tls = TlsState(on=True, problem=None, ends=[("/etc/x.crl", NOON + 7 * DAY)], lists=frozenset({"/etc/x.crl"}))
    assert of_site(Scene(), tls) == []
    [found] = certificate_problems_of_site(Scene().site, tls, NOON + 5 * DAY + 1)
    assert (found.kind, found.severity, found.next) == ("certificate_expiring", "warning", "csmsctl tls reload")
    assert "is refused" in found.text
    assert of_site(Scene(), tls, NOON + 7 * DAY) == [("certificate_expiring", "critical")]


def test_a_ca_that_is_on_this_machine_alone() -> None:
    scene = Scene()
    ca = certificate(scene, kind="ca", charge_point="", not_after=NOON + 3650 * DAY)
    assert of_site(scene) == [("ca_not_exported", "warning")]
    scene.site.milestones["ca_export"] = Milestone(name="ca_export", at=NOON, number=ca.id)
    assert of_site(scene) == []
    assert of_site(scene, at=NOON + 3286 * DAY) == [("certificate_expiring", "warning")]
    certificate(scene, kind="ca", charge_point="")
    assert of_site(scene) == [("ca_not_exported", "warning")], "another one was"


def test_a_certificate_of_a_charge_point_that_ends_soon() -> None:
    scene = Scene()
    certificate(scene, not_after=NOON + 30 * DAY)
    assert of_cp(scene) == []
    assert of_cp(scene, NOON + 1) == [("certificate_expiring", "warning", "csmsctl cert renew CP1")]
    assert of_cp(scene, NOON + 30 * DAY)[0][1] == "warning"
    scene.cp.record.security_profile = 3
    assert of_cp(scene, NOON + 30 * DAY)[0][1] == "critical"
    certificate(scene, state="issued", not_after=NOON + 365 * DAY)
    assert of_cp(scene, NOON + 1) == []
    assert of_cp(scene, NOON + 23 * DAY + 1) == [("certificate_expiring", "warning", "csmsctl cp disconnect CP1")]
    assert of_cp(scene, NOON + 340 * DAY)[0][2] == "csmsctl cert renew CP1"


def test_a_request_that_waits() -> None:
    scene = Scene()
    certificate(scene, state="requested")
    assert of_cp(scene) == [("certificate_requested", "warning", "csmsctl cert sign CP1")]
