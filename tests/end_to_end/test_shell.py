"""`csmsctl shell` on a terminal, with a real csmsd: completion, interrupts, a full screen inside, and a restart."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.support.site import Site, environment
from tests.support.tmux import Tmux, has, terminal


async def until(tmux: Tmux, true: Callable[[list[str]], Any]) -> list[str]:
    return await asyncio.to_thread(tmux.until, true)


async def seen_or_typed_again(tmux: Tmux, letter: str, true: Callable[[list[str]], Any]) -> None:
    """Completion waits for csmsd for 0.3 s; who sees nothing come takes the last letter back, and types it again."""
    for _ in range(5):
        with suppress(AssertionError):
            await asyncio.to_thread(tmux.until, true, seconds=10)
            return
        tmux.press("BSpace")
        tmux.type(letter)
    await until(tmux, true)


def last(text: str) -> Callable[[list[str]], bool]:
    """Whether the line above the toolbar that was written last is that one."""
    return lambda screen: [line for line in screen[:-1] if line.strip()][-1:] == [text]


async def test_a_shell_from_its_begin_to_its_end(site: Site) -> None:
    charge_point = await site.raw("NORTH-07")
    await charge_point.frame(
        2, "s", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Faulted"}
    )
    await charge_point.answer_to("s")
    await site.register("SOUTH-01")
    variables = environment(XDG_STATE_HOME=str(site.directory), CSMS_SOCKET=str(site.socket))
    with terminal(variables, 80, 24) as tmux:
        tmux.run("shell")
        await until(tmux, lambda screen: has("csms>")(screen) and "1 of 2 connected" in screen[-1])

        # Live identities with what they are doing, found by any of their letters; no more than the right one is taken.
        tmux.type("clear-cache no7")
        await seen_or_typed_again(
            tmux, "7", lambda screen: any("NORTH-07" in line and "Faulted" in line for line in screen)
        )
        tmux.press("Tab")
        await until(tmux, has("csms> clear-cache NORTH-07"))
        tmux.press("C-c")

        # A command that waits for its answer is left, the shell is not.
        tmux.type("clear-cache NORTH-07\n")
        call = await charge_point.calls.get()
        tmux.press("C-c")
        await until(tmux, has("Interrupted. What was sent is not taken back"))
        await charge_point.frame(3, call[1], {"status": "Accepted"})

        # A full screen inside, and the terminal is given back.
        tmux.type("watch\n")
        await until(tmux, lambda screen: tmux.alternate and has("NORTH-07")(screen))
        tmux.press("q")
        await until(tmux, lambda screen: not tmux.alternate and last("csms>")(screen))
        tmux.type("events -f\n")
        await until(tmux, has("connector.status"))
        tmux.press("C-c")
        await until(tmux, last("csms>"))

        # JSON as it was copied somewhere.
        tmux.paste('call NORTH-07 Reset {\n  "type": "Soft"\n} --dry-run')
        await until(tmux, has("… } --dry-run"))
        tmux.press("Enter")
        await until(tmux, has('would be sent        {"type":"Soft"}'))

        # csmsd comes back, and the next command just works.
        await charge_point.disconnect()
        await site.kill()
        await until(tmux, lambda screen: "csmsd is not reachable" in screen[-1])
        await site.start()
        await until(tmux, lambda screen: "0 of 2 connected" in screen[-1])
        tmux.type("tag add A1\n")
        screen = await until(tmux, has("A1 is added."))
        assert sum("csmsd was restarted; connected again." in line for line in screen) == 1

        # What was typed before is suggested.
        tmux.type("tag a")
        await until(tmux, lambda screen: screen.count("csms> tag add A1") == 2)
        tmux.press("Right", "Enter")
        await until(tmux, has("A1 is there already"))
        tmux.press("C-d")
        await until(tmux, has("ended with 0"))
    assert "clear-cache NORTH-07" in (site.directory / "csmsctl" / "history").read_text()
