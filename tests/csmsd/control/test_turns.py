"""What is asked about everybody is put together in turns."""

import asyncio
from time import monotonic

from csmsd.control.turns import AT_ONCE_SECONDS, in_turns


async def test_others_have_their_turn_while_a_long_answer_is_put_together() -> None:
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def costly(number: int) -> int:
        begun = monotonic()
        while monotonic() - begun <= AT_ONCE_SECONDS:
            pass
        return -number

    running = asyncio.create_task(another())
    assert await in_turns(range(5), costly) == [0, -1, -2, -3, -4]
    assert turns == 5
    running.cancel()


async def test_a_short_one_is_of_one_moment() -> None:
    """Nobody's turn comes before it is there."""
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    assert await in_turns([1, 2], str) == ["1", "2"]
    assert not turn.done()
    await turn
