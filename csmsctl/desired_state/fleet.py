"""Doing the same with many charge points, several at once, each on a connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from typing import TypeVar

from csmsctl.invocation import Invocation
from csmsctl.link.client import Client

T = TypeVar("T")


def for_each_of_fleet(
    run: Invocation,
    identities: Sequence[str],
    work: Callable[[Client, str], T],
    *,
    parallel: int,
    stop_after: Callable[[T], bool] = lambda _: False,
) -> list[T | None]:
    """What `work` returns for each, in their order; None for those that were not begun after one made it stop."""
    over = threading.Event()
    clients: set[Client] = set()

    def one(identity: str) -> T | None:
        if over.is_set():
            return None
        with Client(run.options.socket, run.options.timeout, trace=run.output.detail) as client:
            clients.add(client)
            try:
                done = work(client, identity)
            finally:
                clients.discard(client)
        if stop_after(done):
            over.set()
        return done

    with ExitStack() as stack:
        show = None
        if run.output.shows_progress:
            from csmsctl.display.progress import Progress

            show = stack.enter_context(Progress(run.options.color)).show
        with ThreadPoolExecutor(min(parallel, len(identities)) or 1) as pool:
            futures = [pool.submit(one, identity) for identity in identities]
            try:
                for done, future in enumerate(as_completed(futures), 1):
                    future.result()  # the first failure ends it all
                    if show is not None:
                        show({"done": done, "total": len(futures)})
            except BaseException:
                over.set()
                pool.shutdown(wait=False, cancel_futures=True)
                for client in list(clients):
                    client.abort()
                raise
    return [future.result() for future in futures]
