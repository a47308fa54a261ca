"""Keys that are never changed at one end alone, however they are spelled."""

import pytest

from csmsd.ocpp.both_ends import of_both_ends


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("AuthorizationKey", "key"),
        (" authorization_KEY\n", "key"),
        ("SecurityProfile", "profile"),
        ("security-profile", "profile"),
        (["SecurityProfile"], "profile"),
        ("SecurityProfiles", None),
        ("AuthorizationKeyId", None),
        ("HeartbeatInterval", None),
        (None, None),
    ],
)
def test_which_is_meant(name: object, meant: str | None) -> None:
    assert of_both_ends(name) == meant
