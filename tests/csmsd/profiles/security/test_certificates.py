"""Which certificates are good, and when they are not any more."""

from csmsd.profiles.following import what_follows
from csmsd.profiles.record import Deleted, Event
from csmsd.profiles.security.certificates import Certificate, Certificates
from csmsd.profiles.security.installed_certificates import InstalledCertificate
from csmsd.profiles.site import Site

NOON = 1_772_366_400_000
DAY = 86_400_000
CA = "CN=My CPO Root CA,O=My CPO"


def issued(certificates: Certificates, charge_point: str = "CP1", **more: object) -> Certificate:
    number = certificates.new_id()
    given: dict[str, object] = {
        "id": number,
        "charge_point": charge_point,
        "kind": "charge_point",
        "state": "issued",
        "organization": "My CPO",
        "common_name": "SN1",
        "issuer": CA,
        "serial": f"{number:x}",
        "fingerprint": f"f{number}",
        "key_hash": f"k{number}",
        "csr_hash": f"c{number}",
        "not_before": NOON,
        "not_after": NOON + 365 * DAY,
        "created_at": NOON,
        "changed_at": NOON,
    }
    certificate = Certificate(**(given | more))  # type: ignore[arg-type]
    certificates.put(certificate)
    return certificate


def of_the_site() -> Certificates:
    certificates = Certificates()
    issued(certificates, "", kind="ca", fingerprint="root")
    return certificates


def test_one_that_was_issued_is_good_for_that_charge_point_alone() -> None:
    certificates = of_the_site()
    issued(certificates, fingerprint="ab")
    assert certificates.why_refused("AB", CA, "cp1") is None
    assert certificates.why_refused("ab", CA, "CP2") == "its certificate was issued to CP1"
    assert certificates.why_refused("root", CA, "CP1") == "its certificate was issued to csmsd itself"


def test_one_of_ours_that_is_not_in_the_books_is_none_and_that_of_another_ca_is_not_ours_to_judge() -> None:
    certificates = of_the_site()
    assert certificates.why_refused("cd", CA, "CP1") == "its certificate is none that was issued here"
    assert certificates.why_refused("cd", "CN=Maker", "CP1") is None


def test_the_old_one_stays_good_until_the_new_one_has_connected() -> None:
    certificates = of_the_site()
    old, new = issued(certificates), issued(certificates)
    other = issued(certificates, "CP2")

    changes, events = certificates.connected_with(old.fingerprint, NOON + 1)
    assert changes == [old]
    assert [event.data["state"] for event in events] == ["used"]
    assert certificates.connected_with(old.fingerprint, NOON + 2) == ([], [])
    assert [certificates.why_refused(one.fingerprint, CA, "CP1") for one in (old, new)] == [None, None]

    changes, _ = certificates.connected_with(new.fingerprint, NOON + 3)
    assert changes == [new, old]
    assert (old.state, old.reason, new.state, other.state) == ("replaced", f"by {new.serial}", "used", "issued")
    refused = certificates.why_refused(old.fingerprint, CA, "CP1")
    assert refused == f"its certificate was replaced at 2026-03-01T12:00:00.003Z: by {new.serial}"
    assert certificates.current("CP1") is new


def test_an_older_one_that_connects_first_ends_nothing() -> None:
    certificates = of_the_site()
    old, new = issued(certificates), issued(certificates)
    certificates.connected_with(new.fingerprint, NOON)
    assert certificates.connected_with(old.fingerprint, NOON) == ([], [])
    assert old.state == "replaced"


def test_one_that_is_revoked_is_good_no_more() -> None:
    certificates = of_the_site()
    known = issued(certificates)
    changes, events = certificates.revoke(known, "key lost", NOON)
    assert changes == [known]
    assert [(event.type, event.charge_point) for event in events] == [("certificate.changed", "CP1")]
    assert str(certificates.why_refused(known.fingerprint, CA, "CP1")).endswith(": key lost")
    assert certificates.current("CP1") is None


def test_requests_and_keys_are_known_again() -> None:
    certificates = of_the_site()
    known = issued(certificates)
    assert certificates.of_request("cp1", known.csr_hash) is known
    assert certificates.of_request("CP2", known.csr_hash) is None
    assert certificates.holder_of_key(known.key_hash) == "CP1"
    assert certificates.holder_of_key("") is None
    issued(certificates, created_at=NOON - DAY)
    assert certificates.asked_within_a_day("CP1", NOON) == 1


def test_what_expires_is_what_is_in_use() -> None:
    certificates = of_the_site()
    soon = issued(certificates, not_after=NOON + DAY)
    revoked = issued(certificates, not_after=NOON + DAY)
    certificates.revoke(revoked, "lost", NOON)
    assert certificates.expiring(NOON + DAY) == [soon]
    assert certificates.expiring(NOON + DAY - 1) == []


def test_a_charge_point_that_is_removed_has_none_any_more() -> None:
    site = Site()
    certificates = site.security.certificates
    known, asked, other = issued(certificates), issued(certificates, state="requested"), issued(certificates, "CP2")
    root = InstalledCertificate(
        charge_point="CP1",
        type="CentralSystemRootCertificate",
        hash_algorithm="SHA256",
        issuer_name_hash="a",
        issuer_key_hash="b",
        serial_number="c",
        reported_at=NOON,
    )
    assert site.security.installed_certificates.report("CP1", root.type, [root]) == [root]

    changes, events = what_follows([Event("charge_point.removed", "CP1", {})], site, NOON)

    assert changes == [known, asked, Deleted(root)]
    assert (known.state, asked.state, other.state) == ("revoked", "refused", "issued")
    assert len(events) == 2
    assert site.security.installed_certificates.of("CP1", root.type) == []


def test_one_that_was_taken_is_known_by_what_was_sent() -> None:
    """The chain, or the certificate alone where that is too long; told twice it is news once."""
    certificates = Certificates()
    known = issued(certificates)
    known.pem = "LEAF ISSUING CA"
    assert certificates.taken("CP1", "ANOTHER", NOON) == ([], [])
    assert certificates.taken("CP2", "LEAF", NOON) == ([], [])
    changes, events = certificates.taken("CP1", "LEAF", NOON)
    assert (changes, known.taken_at, [one.type for one in events]) == ([known], NOON, ["certificate.changed"])
    assert certificates.taken("CP1", "LEAF ISSUING CA", NOON + 1) == ([], [])
    assert known.state == "issued", "in use it is when it connects"
