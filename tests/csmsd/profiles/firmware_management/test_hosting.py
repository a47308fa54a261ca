"""URLs of our own file hosts: how they name this machine, and how they are known again."""

import pytest

from csmsd.profiles.firmware_management.hosting import Host, Hosting, Protocol, hosting_base_url

TOKEN = "t" * 32


def hosting(http: Host | None = None, ftp: Host | None = None) -> Hosting:
    hosts: dict[Protocol, Host] = {}
    if http is not None:
        hosts["http"] = http
    if ftp is not None:
        hosts["ftp"] = ftp
    return Hosting(hosts, make_token=lambda: TOKEN, fallback="site.local")


@pytest.mark.parametrize(
    ("named", "reached_at", "host"),
    [
        ("csms", "192.0.2.1", "csms"),  # what the settings say
        (None, "192.0.2.1", "192.0.2.1"),  # where the charge point reaches us
        (None, "2001:db8::1", "[2001:db8::1]"),
        (None, None, "site.local"),
    ],
)
def test_how_a_url_names_this_machine(named: str | None, reached_at: str | None, host: str) -> None:
    ours = hosting(http=Host(9080, named))
    assert ours.url("http", reached_at, "a b/c.bin") == f"http://{host}:9080/token-{TOKEN}/a%20b%2Fc.bin"
    assert ours.url("http", reached_at) == f"http://{host}:9080/token-{TOKEN}/"


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        (f"http://anything:9080/token-{TOKEN}/x", "http"),
        (f"ftp://anything:2121/token-{TOKEN}/", "ftp"),
        (f"http://anything:2121/token-{TOKEN}/x", None),  # another port
        (f"https://anything:9080/token-{TOKEN}/x", None),
        ("http://anything:9080/x", None),  # not one of ours
        (f"http://[::1/token-{TOKEN}/x", None),
        (f"http://anything:99999/token-{TOKEN}/x", None),
    ],
)
def test_which_host_a_url_leads_to(url: str, protocol: str | None) -> None:
    ours = hosting(http=Host(9080, "csms"), ftp=Host(2121, "csms"))
    assert ours.protocol_of(url) == protocol
    assert ours.token_in(url) == (TOKEN if protocol is not None else None)


def test_the_name_of_a_file_is_read_as_it_was_written() -> None:
    ours = hosting(http=Host(9080, "csms"))
    assert ours.name_in(ours.url("http", None, "a b/c.bin")) == "a b/c.bin"


@pytest.mark.parametrize(
    ("wanted", "supported", "chosen"),
    [
        (None, None, "http"),  # the first
        (None, frozenset({"ftp", "sftp"}), "ftp"),
        (None, frozenset({"ftp", "http"}), "http"),
        (None, frozenset({"sftp"}), "http"),
        ("ftp", frozenset({"http"}), "ftp"),  # what was asked for goes before
    ],
)
def test_which_protocol_is_chosen(
    wanted: Protocol | None, supported: frozenset[str] | None, chosen: str | None
) -> None:
    assert hosting(http=Host(9080, "csms"), ftp=Host(2121, "csms")).choose(wanted, supported) == chosen


def test_one_that_is_not_hosted_is_not_chosen() -> None:
    assert hosting(http=Host(9080, "csms")).choose("ftp", frozenset({"ftp"})) is None
    assert hosting().choose(None, None) is None


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert hosting_base_url("ftp", "::1", 21) == "ftp://[::1]:21"
    assert hosting_base_url("ftp", "host", 21) == "ftp://host:21"
