"""CALLs of ours that are held back until the charge point can take them."""

import pytest

from tests.csmsd.ocpp.conversation_script import Play

SCRIPTS = {
    "calls are held until they are released": """
        hold
        ask Reset {}
        ask ClearCache {}
        < [2,"a","BootNotification",{}]
        = request "a" BootNotification {}
        answer "a" {}
        > [3,"a",{}]
        release
        > [2,"1","Reset",{}]
        < [3,"1",{}]
        = answered Reset {}
        > [2,"2","ClearCache",{}]
        < [3,"2",{}]
        = answered ClearCache {}
    """,
    "an open call may still be answered while others are held": """
        ask Reset {}
        > [2,"1","Reset",{}]
        ask ClearCache {}
        hold
        < [3,"1",{}]
        = answered Reset {}
        release
        > [2,"2","ClearCache",{}]
        < [3,"2",{}]
        = answered ClearCache {}
    """,
    "a held call expires": """
        hold
        ask Reset {}
        wait 30
        = Reset was never sent
        release
    """,
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=list(SCRIPTS))
def test_script(script: str) -> None:
    Play().perform(script)


def test_a_connection_may_begin_on_hold() -> None:
    Play(holding=True).perform("""
        ask Reset {}
        release
        > [2,"1","Reset",{}]
    """)
