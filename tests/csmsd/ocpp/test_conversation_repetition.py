"""Messages that come again, and ids that are used again (J 4.1.4)."""

import tracemalloc

import pytest

from csmsd.ocpp.conversation import (
    LONGEST_REMEMBERED,
    REMEMBERED_ANSWERS,
    REPEATED_WITHIN,
    Conversation,
    Event,
    Requested,
)
from tests.csmsd.ocpp.conversation_script import Play

SCRIPTS = {
    "a repeated call gets the stored answer": """
        < [2,"a","StartTransaction",{"connectorId":1}]
        = request "a" StartTransaction {"connectorId":1}
        answer "a" {"transactionId":1}
        > [3,"a",{"transactionId":1}]
        < [2,"a","StartTransaction",{"connectorId":1}]
        = odd repeated_call
        > [3,"a",{"transactionId":1}]
    """,
    "a repeated call whose answer is under way is answered once": """
        < [2,"a","StartTransaction",{}]
        = request "a" StartTransaction {}
        < [2,"a","StartTransaction",{}]
        = odd repeated_call
        answer "a" {"transactionId":1}
        > [3,"a",{"transactionId":1}]
    """,
    "a repeated call that was refused for good is refused again": """
        < [2,"a","Dance",{}]
        = request "a" Dance {}
        refuse "a" NotSupported
        > [4,"a","NotSupported","no",{}]
        < [2,"a","Dance",{}]
        = odd repeated_call
        > [4,"a","NotSupported","no",{}]
    """,
    "a repeated call that a retry may cure is tried again": """
        < [2,"a","StopTransaction",{}]
        = request "a" StopTransaction {}
        refuse "a" InternalError again
        > [4,"a","InternalError","no",{}]
        < [2,"a","StopTransaction",{}]
        = request "a" StopTransaction {}
        answer "a" {}
        > [3,"a",{}]
    """,
    "an answer that ages is not given twice": """
        < [2,"a","Heartbeat",{}]
        = request "a" Heartbeat {}
        answer "a" {"currentTime":"12:00"} forget
        > [3,"a",{"currentTime":"12:00"}]
        < [2,"a","Heartbeat",{}]
        = request "a" Heartbeat {}
        answer "a" {"currentTime":"12:05"} forget
        > [3,"a",{"currentTime":"12:05"}]
    """,
    "a call that comes again much later is no retry": f"""
        < [2,"a","BootNotification",{{}}]
        = request "a" BootNotification {{}}
        answer "a" {{"status":"Pending"}}
        > [3,"a",{{"status":"Pending"}}]
        wait {REPEATED_WITHIN / 1000}
        < [2,"a","BootNotification",{{}}]
        = request "a" BootNotification {{}} reused
        answer "a" {{"status":"Accepted"}}
        > [3,"a",{{"status":"Accepted"}}]
    """,
    "an id that is used again for another call": """
        < [2,"a","StatusNotification",{"connectorId":0}]
        = request "a" StatusNotification {"connectorId":0}
        answer "a" {}
        > [3,"a",{}]
        < [2,"a","StatusNotification",{"connectorId":1}]
        = request "a" StatusNotification {"connectorId":1} reused
        answer "a" {}
        > [3,"a",{}]
        < [2,"a","Heartbeat",{}]
        = request "a" Heartbeat {} reused
        answer "a" {"currentTime":"…"}
        > [3,"a",{"currentTime":"…"}]
    """,
    "an id that is used again before its first answer: neither answer is taken for the other's": """
        < [2,"a","StartTransaction",{}]
        = request "a" StartTransaction {}
        < [2,"a","Heartbeat",{}]
        = request "a" Heartbeat {} reused
        answer "a" {"transactionId":1}
        > [3,"a",{"transactionId":1}]
        answer "a" {"currentTime":"…"}
        > [3,"a",{"currentTime":"…"}]
        < [2,"a","Heartbeat",{}]
        = request "a" Heartbeat {}
        answer "a" {"currentTime":"later"}
        > [3,"a",{"currentTime":"later"}]
    """,
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=list(SCRIPTS))
def test_script(script: str) -> None:
    Play().perform(script)


def test_only_the_newest_answers_are_remembered() -> None:
    play = Play()
    for number in range(REMEMBERED_ANSWERS + 1):
        play.perform(f"""
            < [2,"{number}","StatusNotification",{{"timestamp":"T"}}]
            = request "{number}" StatusNotification {{"timestamp":"T"}}
            answer "{number}" {{}}
            > [3,"{number}",{{}}]
        """)
    play.perform("""
        < [2,"1","StatusNotification",{"timestamp":"T"}]
        = odd repeated_call
        > [3,"1",{}]
        < [2,"0","StatusNotification",{"timestamp":"T"}]
        = request "0" StatusNotification {"timestamp":"T"}
    """)


def test_what_is_remembered_does_not_grow_with_what_is_sent() -> None:
    """Actions and payloads are as long as a charge point likes, and answers as an executable does."""

    def held(length: int) -> int:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        conversation = Conversation()
        heard: Event | None = None
        for number in range(REMEMBERED_ANSWERS):
            heard = conversation.receive(f'[2,"{number}","{"A" * length}",{{"a":"{"x" * length}"}}]', 0)
            assert isinstance(heard, Requested)
            conversation.answer(heard.unique_id, b'"%s"' % (b"y" * (length // 10)))
            conversation.data_to_send()
        heard = None
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert conversation.unanswered == 0
        return grown

    assert held(100_000) < REMEMBERED_ANSWERS * 2 * LONGEST_REMEMBERED


def test_two_ids_in_turn_are_no_repetition_where_nothing_bears_its_time() -> None:
    """Seen in the field: ids 1 and 2, statuses without a timestamp; the third is news."""
    Play().perform("""
        < [2,"1","StatusNotification",{"status":"Available"}]
        = request "1" StatusNotification {"status":"Available"}
        answer "1" {}
        > [3,"1",{}]
        < [2,"1","StatusNotification",{"status":"Available"}]
        = odd repeated_call
        > [3,"1",{}]
        < [2,"2","StatusNotification",{"status":"Preparing"}]
        = request "2" StatusNotification {"status":"Preparing"}
        answer "2" {}
        > [3,"2",{}]
        < [2,"1","StatusNotification",{"status":"Available"}]
        = request "1" StatusNotification {"status":"Available"} reused
    """)


def test_a_call_that_is_not_answered_yet_is_repeated_whatever_came_in_between() -> None:
    Play().perform("""
        < [2,"1","StatusNotification",{"status":"Available"}]
        = request "1" StatusNotification {"status":"Available"}
        < [2,"2","Heartbeat",{}]
        = request "2" Heartbeat {}
        < [2,"1","StatusNotification",{"status":"Available"}]
        = odd repeated_call
        answer "1" {}
        > [3,"1",{}]
    """)
