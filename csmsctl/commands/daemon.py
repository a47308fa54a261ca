"""`daemon`: what csmsd says of itself."""

import time
from typing import Any

import typer

from csmsctl.display.table import Record
from csmsctl.display.value_texts import duration_text, moment_text, plain_text
from csmsctl.failure import DENIED, TIMED_OUT, Failure
from csmsctl.invocation import invocation
from csmsctl.link.client import Client


def daemon_info_command(ctx: typer.Context) -> None:
    """Print version, addresses, policies and the state of the store."""
    run = invocation(ctx)
    found = run.call("daemon.info")
    if run.output.documented(found):
        return
    policies, store, peer = found.get("policies") or {}, found.get("store") or {}, found.get("peer") or {}
    human = run.output.terminal
    books = found.get("books") or {}
    run.output.fields(
        [
            ("version", plain_text(found.get("version"))),
            ("protocol", plain_text(found.get("protocol"))),
            ("process", plain_text(found.get("pid"))),
            ("started", moment_text(found.get("started_at"), human)),
            ("up", duration_text(found.get("uptime_s"))),
            ("listens at", plain_text(found.get("listen"))),
            ("metrics at", plain_text(found.get("metrics"))),
            ("socket", plain_text(found.get("socket"))),
            ("files", _daemon_file_hosts(found)),
            ("state", plain_text(found.get("state_dir"))),
            ("unknown charge points", plain_text(policies.get("unknown_charge_points"))),
            ("unknown idTags", plain_text(policies.get("unknown_id_tags"))),
            ("connected", f"{found.get('connected')} of {found.get('charge_points')} charge points"),
            (
                "store",
                " ".join(part for part in (plain_text(store.get("state")), plain_text(store.get("error"))) if part),
            ),
            ("slow since", moment_text(store.get("slow_since"), human)),
            ("database", _daemon_mebibytes(store.get("database_bytes"))),
            ("disk free", _daemon_mebibytes(store.get("disk_free_bytes"))),
            ("replica", _daemon_replica(store.get("replica"))),
            *((f"last {name}", _daemon_milestone(books.get(name), human)) for name in ("backup", "export", "prune")),
            ("loop", plain_text(found.get("loop"))),
            ("you are", plain_text(peer.get("user") or peer.get("uid"))),
        ]
    )


def _daemon_file_hosts(found: Record) -> str:
    """Where files are hosted, and which hosts are opened when they are needed."""
    parts = [str(url) for url in found.get("files") or []]
    closed = [name for name in found.get("files_on_demand") or [] if not any(part.startswith(name) for part in parts)]
    return ", ".join([*parts, *([f"{' and '.join(closed)} when needed"] if closed else [])]) or "not hosted"


def _daemon_replica(replica: Any) -> str:
    """How far the copy off the box is behind."""
    if not replica:
        return ""
    age = replica.get("age_s")
    behind = "has nothing in it" if age is None else "up to date" if not age else f"{duration_text(age)} behind"
    return f"{plain_text(replica.get('path'))}, {behind}"


def _daemon_mebibytes(size: Any) -> str:
    return f"{size / 1_048_576:.1f} MiB" if isinstance(size, int) else ""


def _daemon_milestone(done: Any, human: bool) -> str:
    return f"{moment_text(done['at'], human)} by {done['user'] or 'csmsd'}" if isinstance(done, dict) else ""


def daemon_reload_command(ctx: typer.Context) -> None:
    """Have csmsd read its settings file again.

    A bad file changes nothing. Settings that need a restart are named.
    """
    run = invocation(ctx)
    found = run.call("daemon.reload")
    if run.output.documented(found):
        return
    changed, restart = found.get("changed") or [], found.get("restart_needed") or []
    run.output.text(f"changed: {', '.join(changed)}" if changed else "Nothing has changed.")
    if restart:
        run.output.warn(f"These need a restart of csmsd: {', '.join(restart)}")


def daemon_wait_ready_command(ctx: typer.Context) -> None:
    """Wait until csmsd answers and listens for charge points, at most --timeout seconds."""
    run = invocation(ctx)
    end = time.monotonic() + run.options.timeout
    while True:
        try:
            with Client(run.options.socket, max(0.1, end - time.monotonic())) as client:
                found = client.call("daemon.info")
            if found.get("listen"):
                break
            # It answers operators a moment before it listens for charge points.
            problem = Failure(TIMED_OUT, "It does not listen for charge points yet.")
        except Failure as failure:
            if failure.code == DENIED:
                raise
            problem = failure
        if time.monotonic() >= end:
            message = f"csmsd was not ready within {run.options.timeout:g} s. {problem.message}"
            raise Failure(TIMED_OUT, message, problem.next_step) from problem
        time.sleep(0.05)  # a socket that is not there yet cannot be waited for
    run.output.outcome(found, f"csmsd {found.get('version')} is ready.")
