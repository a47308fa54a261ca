"""Roots for tests, without any cryptography: a text that says `root` is one."""

from csmsd.ports.certificates import HashData, RootCertificate

OWN = "our own root"
ROOT = "another root"


def names(text: str) -> tuple[HashData, ...]:
    """Each name that a root may be reported by; they differ in the algorithm alone."""
    serial = "1ab" if text == OWN else "c0ffee"
    return (
        HashData("SHA256", "aa" * 32, "bb" * 32, serial),
        HashData("SHA384", "aa" * 48, "bb" * 48, serial),
        HashData("SHA512", "aa" * 64, "bb" * 64, serial),
    )


class TestRoots:
    """As slices find roots."""

    __test__ = False

    def own(self) -> RootCertificate | None:
        return _root(OWN)

    def read(self, text: str) -> RootCertificate | str:
        return _root(text) if text.endswith("root") else "it was issued by another"


def _root(text: str) -> RootCertificate:
    return RootCertificate(pem=text, subject=text, serial="", fingerprint="", not_after=0, names=names(text))
