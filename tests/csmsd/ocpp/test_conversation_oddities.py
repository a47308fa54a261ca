"""What is no OCPP-J, and how much of it is borne with."""

import pytest

from csmsd.ocpp.conversation import FRAMES_IN_ONE, GARBAGE_PER_MINUTE
from tests.csmsd.ocpp.conversation_script import Play

SCRIPTS = {
    "what is no OCPP-J is counted, and answered where it can be": """
        < [2,"a","Heart
        = odd not_json
        > [4,"a","FormationViolation","Input data was truncated",{}]
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
    "what is nearly OCPP-J is a request": """
        < [2,"a","StopTransaction",{"transactionId":,"meterStop":1500}]
        = request "a" StopTransaction {"transactionId":null,"meterStop":1500} with missing_value
        answer "a" {}
        > [3,"a",{}]
    """,
    "so is what nobody can read, to be kept": """
        < [2,"a","StopTransaction",{;}]
        = request "a" StopTransaction "[2,\\"a\\",\\"StopTransaction\\",{;}]" with unreadable
    """,
    "several frames in one message": """
        < [2,"a","Heartbeat",{}] [2,"b","Heartbeat",{}][2,"c","Heartbeat",{}]
        = request "a" Heartbeat {} with several_frames
        = request "b" Heartbeat {} with several_frames
        = request "c" Heartbeat {}
    """,
    "an answer that nobody can read ends our call": """
        ask Reset {}
        > [2,"1","Reset",{}]
        < [3,"1",{;}]
        = answered Reset "[3,\\"1\\",{;}]"
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


def test_unreadable_requests_are_garbage_in_the_end() -> None:
    play = Play()
    for number in range(GARBAGE_PER_MINUTE):
        play.perform(f"""
            < [2,"{number}","StatusNotification",;]
            = request "{number}" StatusNotification "[2,\\\"{number}\\\",\\\"StatusNotification\\\",;]" with unreadable
        """)
    play.perform("""
        < [2,"x","StatusNotification",;]
        = odd not_json hopeless
    """)


def test_a_message_of_frames_without_end_is_cut() -> None:
    play = Play()
    play.conversation.receive('[2,"a","Heartbeat",{}]' * 1000, 0)
    further = 0
    while play.conversation.receive_rest(0) is not None:
        further += 1

    assert further == FRAMES_IN_ONE - 1
    assert play.conversation.receive_rest(0) is None


def test_of_frames_that_are_long_fewer_are_taken() -> None:
    """Each is found by reading all that is left of a message of a megabyte."""
    frame = '[2,"1","Heartbeat",{"a":"' + "x" * 100_000 + '"}]'
    play = Play()

    play.conversation.receive(frame * 10, 0)

    assert play.conversation.receive_rest(0) is not None
    assert play.conversation.receive_rest(0) is None
