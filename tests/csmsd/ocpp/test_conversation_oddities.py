"""What is no OCPP-J, and how much of it is borne with."""

import pytest

from csmsd.ocpp.conversation import GARBAGE_PER_MINUTE
from tests.csmsd.ocpp.conversation_script import Play

SCRIPTS = {
    "what is no OCPP-J is counted, and answered where it can be": """
        < [2,"a","Heart
        = odd not_json
        <
        = odd empty
        < [9,"a","Heartbeat",{}]
        = odd unknown_message_type
        < {"a":1}
        = odd not_a_frame
        < [2,null,"Heartbeat",{}]
        = odd bad_unique_id
        < [2,"a"]
        = odd not_a_frame
        > [4,"a","FormationViolation","a CALL needs an action as its third element",{}]
        < [2,"b","Heartbeat",{}]
        = request "b" Heartbeat {}
        answer "b" {}
        > [3,"b",{}]
    """,
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=list(SCRIPTS))
def test_script(script: str) -> None:
    Play().perform(script)


def test_garbage_is_survived_until_there_is_little_else() -> None:
    play = Play()
    for _ in range(GARBAGE_PER_MINUTE):
        play.perform("""
            < garbage
            = odd not_json
        """)
    play.perform("""
        < garbage
        = odd not_json hopeless
        < [2,"a","Heartbeat",{}]
        = request "a" Heartbeat {}
        wait 60
        < garbage
        = odd not_json
    """)


def test_slow_garbage_is_never_hopeless() -> None:
    play = Play()
    for _ in range(5 * GARBAGE_PER_MINUTE):
        play.perform("""
            < garbage
            = odd not_json
            wait 1.1
        """)


def test_empty_messages_are_no_garbage() -> None:
    play = Play()
    for _ in range(3 * GARBAGE_PER_MINUTE):
        play.perform("""
            <
            = odd empty
        """)
