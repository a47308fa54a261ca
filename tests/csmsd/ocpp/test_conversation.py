"""One CALL at a time each way, and an end for each (J 4.1)."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.conversation import (
    Answered,
    Conversation,
    Odd,
    OutgoingCall,
    QueueFull,
    Refused,
    Requested,
)
from tests.csmsd.ocpp.conversation_script import TIMEOUT, Play

SCRIPTS = {
    "their call is answered": """
        < [2,"a","Heartbeat",{}]
        = request "a" Heartbeat {}
        answer "a" {"currentTime":"…"}
        > [3,"a",{"currentTime":"…"}]
    """,
    "their call is refused": """
        < [2,"a","Dance",{}]
        = request "a" Dance {}
        refuse "a" NotSupported
        > [4,"a","NotSupported","no",{}]
    """,
    "an odd id is echoed as it came": """
        < [2,17,"Heartbeat",{}]
        = request 17 Heartbeat {}
        answer 17 {}
        > [3,17,{}]
        < [2,"","Heartbeat",{}]
        = request "" Heartbeat {}
        answer "" {}
        > [3,"",{}]
    """,
    "our call is answered": """
        ask Reset {"type":"Soft"}
        > [2,"1","Reset",{"type":"Soft"}]
        < [3,"1",{"status":"Accepted"}]
        = answered Reset {"status":"Accepted"}
    """,
    "our call is refused, with a code in another spelling": """
        ask Reset {}
        > [2,"1","Reset",{}]
        < [4,"1","FormatViolation","what?",{}]
        = refused Reset FormationViolation what?
    """,
    "our id comes back as a number": """
        ask Reset {}
        > [2,"1","Reset",{}]
        < [3,1,{}]
        = answered Reset {}
    """,
    "one call of ours at a time": """
        ask Reset {}
        > [2,"1","Reset",{}]
        ask ClearCache {}
        ask GetConfiguration {}
        < [3,"1",{}]
        = answered Reset {}
        > [2,"2","ClearCache",{}]
        < [4,"2","NotSupported","",{}]
        = refused ClearCache NotSupported
        > [2,"3","GetConfiguration",{}]
        < [3,"3",{}]
        = answered GetConfiguration {}
    """,
    "their calls are served while ours is open, even before its answer": """
        ask RemoteStopTransaction {}
        > [2,"1","RemoteStopTransaction",{}]
        < [2,"a","StopTransaction",{}]
        = request "a" StopTransaction {}
        answer "a" {}
        > [3,"a",{}]
        < [3,"1",{"status":"Accepted"}]
        = answered RemoteStopTransaction {"status":"Accepted"}
    """,
    "their answers may be given in any order": """
        < [2,"a","StartTransaction",{}]
        = request "a" StartTransaction {}
        < [2,"b","Heartbeat",{}]
        = request "b" Heartbeat {}
        answer "b" {}
        > [3,"b",{}]
        answer "a" {}
        > [3,"a",{}]
    """,
    "both sides may use the same id": """
        ask Reset {}
        > [2,"1","Reset",{}]
        < [2,"1","Heartbeat",{}]
        = request "1" Heartbeat {}
        < [3,"1",{"status":"Accepted"}]
        = answered Reset {"status":"Accepted"}
        answer "1" {}
        > [3,"1",{}]
    """,
    "a call times out, its late reply is dropped, the next one goes out": """
        ask Reset {}
        > [2,"1","Reset",{}]
        wait 20
        ask ClearCache {}
        wait 10
        = Reset was sent
        > [2,"2","ClearCache",{}]
        < [3,"1",{"status":"Accepted"}]
        = odd late_reply
        < [4,"1","InternalError","",{}]
        = odd late_reply
        < [3,"2",{}]
        = answered ClearCache {}
    """,
    "the time for an answer counts from the moment of sending": """
        ask Reset {}
        > [2,"1","Reset",{}]
        ask ClearCache {}
        wait 29
        < [3,"1",{}]
        = answered Reset {}
        > [2,"2","ClearCache",{}]
        wait 29
        wait 1
        = ClearCache was sent
    """,
    "a call that waits too long in the queue is never sent": """
        ask Reset {}
        > [2,"1","Reset",{}]
        ask ClearCache {}
        ask GetConfiguration {}
        wait 30
        = Reset was sent
        = ClearCache was never sent
        = GetConfiguration was never sent
    """,
    "a reply that nobody asked for is dropped": """
        < [3,"1",{}]
        = odd unexpected_reply
        < [4,"9","GenericError","",{}]
        = odd unexpected_reply
        ask Reset {}
        > [2,"1","Reset",{}]
        < [3,"2",{}]
        = odd unexpected_reply
        < [3,"1",{}]
        = answered Reset {}
        < [3,"1",{}]
        = odd unexpected_reply
    """,
    "the end of the connection ends every call": """
        ask Reset {}
        > [2,"1","Reset",{}]
        ask ClearCache {}
        close
        = Reset was sent
        = ClearCache was never sent
        close
        < [3,"1",{}]
        = odd unexpected_reply
    """,
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=list(SCRIPTS))
def test_script(script: str) -> None:
    Play().perform(script)


def test_the_queue_is_bounded_and_the_open_call_is_not_in_it() -> None:
    Play(max_queue=2).perform("""
        ask Reset {}
        > [2,"1","Reset",{}]
        ask ClearCache {}
        ask ClearCache {}
        ask GetConfiguration {}
        = queue full
        < [3,"1",{}]
        = answered Reset {}
        > [2,"2","ClearCache",{}]
        ask GetConfiguration {}
        ask GetConfiguration {}
        = queue full
    """)


def test_unanswered_calls_are_counted() -> None:
    conversation = Conversation()
    waiting = []
    for text in (
        '[2,"a","Heartbeat",{}]',
        '[2,"b","Heartbeat",{}]',
        '[2,"b","Heartbeat",{}]',  # repeated: still one answer
        '[2,"a","Authorize",{}]',  # reused: one answer more
    ):
        conversation.receive(text, 0)
        waiting.append(conversation.unanswered)
    for unique_id in ("a", "b", "a", "a", "never asked"):
        conversation.answer(unique_id, b"{}")
        waiting.append(conversation.unanswered)

    assert waiting == [1, 2, 2, 3, 2, 1, 0, 0, 0]


def test_a_call_is_withdrawn_only_while_it_waits() -> None:
    conversation = Conversation()
    sent = conversation.call("Reset", b"{}", None, timeout=TIMEOUT, now=0)
    waiting = conversation.call("ClearCache", b"{}", None, timeout=TIMEOUT, now=0)

    assert conversation.withdraw(waiting)
    assert not conversation.withdraw(waiting)
    assert not conversation.withdraw(sent)
    conversation.receive('[3,"1",{}]', 0)
    assert conversation.data_to_send() == [b'[2,"1","Reset",{}]']


def test_the_next_deadline_is_that_of_the_first_call_to_expire() -> None:
    conversation = Conversation()
    assert conversation.next_deadline() is None

    conversation.call("Reset", b"{}", None, timeout=5000, now=0)
    conversation.call("ClearCache", b"{}", None, timeout=1000, now=0)
    assert conversation.next_deadline() == 1000

    assert [call.action for call in conversation.expire(1000)] == ["ClearCache"]
    assert conversation.next_deadline() == 5000

    conversation.receive('[3,"1",{}]', 2000)
    assert conversation.next_deadline() is None


def test_ids_may_come_from_elsewhere() -> None:
    ids: Iterator[str] = iter(["x1", "x2"])
    conversation = Conversation(new_unique_id=lambda: next(ids))
    conversation.call("Reset", b"{}", None, timeout=TIMEOUT, now=0)

    assert conversation.data_to_send() == [b'[2,"x1","Reset",{}]']


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.sampled_from("abc"), st.sampled_from(["Heartbeat", "Authorize"])),
        st.tuples(st.just("reply"), st.sampled_from("123456789"), st.sampled_from(["3", "4"])),
        st.tuples(st.just("call"), st.just(""), st.just("")),
        st.tuples(st.just("wait"), st.sampled_from(["1", "31"]), st.just("")),
        st.tuples(st.just("garbage"), st.text(max_size=5), st.just("")),
        st.tuples(st.just("hold"), st.just(""), st.just("")),
        st.tuples(st.just("release"), st.just(""), st.just("")),
    ),
    max_size=60,
)


@given(MOVES)
def test_whatever_happens_one_call_is_open_and_each_one_ends_once(moves: list[tuple[str, str, str]]) -> None:
    conversation = Conversation(max_queue=5)
    now = 0.0
    asked: list[OutgoingCall] = []
    over: list[OutgoingCall] = []
    owed: list[str] = []
    for move, first, second in moves:
        if move == "receive":
            event = conversation.receive(f'[2,"{first}","{second}",{{}}]', now)
            if isinstance(event, Requested):
                owed.append(first)
        elif move == "reply":
            rest = ',"GenericError","",{}]' if second == "4" else ",{}]"
            event = conversation.receive(f'[{second},"{first}"{rest}', now)
            if isinstance(event, Answered | Refused):
                over.append(event.call)
        elif move == "garbage":
            assert isinstance(conversation.receive(f"garbage {first}", now), Odd)
        elif move == "call":
            try:
                asked.append(conversation.call("Reset", b"{}", None, timeout=TIMEOUT, now=now))
            except QueueFull:
                assert len(asked) - len(over) >= 5
        elif move == "wait":
            now += float(first) * 1000
            over += conversation.expire(now)
        elif move == "hold":
            conversation.hold()
        else:
            conversation.release(now)
        still_open = [call for call in asked if call not in over]
        assert sum(call.sent_at is not None for call in still_open) <= 1  # J 4.1.1
        assert conversation.unanswered == len(owed)
        if len(owed) == 4:
            conversation.answer(owed.pop(0), b"{}")
    over += conversation.close()

    assert [call.unique_id for call in asked] == [str(number + 1) for number in range(len(asked))]
    assert sorted(map(id, over)) == sorted(map(id, asked))
