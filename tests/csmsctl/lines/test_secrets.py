"""What is masked in a line before anybody sees it again."""

import pytest

from csmsctl.lines.secrets import line_holds_secret, mask_secret_words
from csmsd.ocpp.secrets import MASK


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["change-configuration", "CP1", "--set", "AuthorizationKey=abc"], ["--set", f"AuthorizationKey={MASK}"]),
        (["change-configuration", "CP1", "--set=authorizationkey=abc"], [f"--set=authorizationkey={MASK}"]),
        (["simulate", "--password", "abc"], ["--password", MASK]),
        (["simulate", "--password", "-abc"], ["--password", MASK]),
        (["simulate", "--password=abc"], [f"--password={MASK}"]),
        (
            ["call", "CP1", "ChangeConfiguration", '{"key":"AuthorizationKey","value":"abc"}'],
            [f'{{"key": "AuthorizationKey", "value": "{MASK}"}}'],
        ),
        (["call", "CP1", "X", '{"password":"abc'], [MASK]),
        (["rpc", "charge_point.add", '{"id":"CP1","password":"abc"}'], [f'{{"id": "CP1", "password": "{MASK}"}}']),
        (["get-diagnostics", "CP1", "--location", "ftp://me:abc@host/"], [f"ftp://{MASK}@host/"]),
        (["data-transfer", "CP1", "--data", "user=me;password=abc"], [f"user=me;password={MASK}"]),
        (["change-configuration", "CP1", "--set", "AuthorizationKey", "abc"], ["AuthorizationKey", MASK]),
        (["change-configuration", "CP1", "--set=AuthorizationKey", "abc"], ["--set=AuthorizationKey", MASK]),
        (["cp", "add", "CP1", "--pasword", "abc"], ["--pasword", MASK]),
        (["cp", "add", "CP1", "--pwd=abc"], [f"--pwd={MASK}"]),
    ],
)
def test_secrets(words: list[str], shown: list[str]) -> None:
    assert mask_secret_words(words)[-len(shown) :] == shown
    assert line_holds_secret(words)


@pytest.mark.parametrize(
    "words",
    [
        ["get-configuration", "CP1", "--key", "AuthorizationKey"],
        ["cp", "add", "--generate-password", "CP1"],
        ["cp", "add", "CP1", "--password-file", "secret.txt"],
        ["remote-start", "CP1", "--tag", "A1"],
        ["change-configuration", "CP1", "--set", "HeartbeatInterval=300"],
        ["call", "CP1", "Reset", '{"type":"Soft"}'],
        ["tag", "add", "k=v~1", "--note", "her key"],
        ["tag", "add", "--note", "secret garden", "A1"],
        ["tag", "add", "A1", "--parent", "B1"],
        ["call", "CP1", "TriggerMessage", "--force"],
    ],
)
def test_no_secrets(words: list[str]) -> None:
    assert not line_holds_secret(words)
