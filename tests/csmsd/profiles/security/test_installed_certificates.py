"""Which roots a charge point has, by its newest report."""

from typing import Any

from csmsd.profiles.record import Deleted
from csmsd.profiles.security.installed_certificates import InstalledCertificate, InstalledCertificates

CENTRAL, MANUFACTURER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"


def root(**more: Any) -> InstalledCertificate:
    usual: dict[str, Any] = {
        "charge_point": "CP1",
        "type": CENTRAL,
        "hash_algorithm": "SHA384",
        "issuer_name_hash": "AB",
        "issuer_key_hash": "cd",
        "serial_number": "0A",
        "reported_at": 1,
    }
    return InstalledCertificate(**(usual | more))


def test_a_report_takes_the_place_of_the_one_before() -> None:
    installed = InstalledCertificates()
    first, second, other = root(), root(serial_number="0B"), root(type=MANUFACTURER)
    installed.load(first)
    installed.load(other)

    assert installed.report("cp1", CENTRAL, [second]) == [Deleted(first), second]
    assert installed.of("CP1", CENTRAL) == [second]
    assert installed.of("CP1", MANUFACTURER) == [other]
    assert installed.report("CP1", CENTRAL, []) == [Deleted(second)]
    assert installed.of("CP2", CENTRAL) == []
