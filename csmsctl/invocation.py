"""What every command gets: the global options, the output, and the daemon when it is needed."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.display.output import Output
from csmsctl.failure import USAGE, Failure
from csmsctl.link.client import AnyClient, Client, Params, Result

if TYPE_CHECKING:
    from csmsctl.link.shared_client import SharedClient


class Invocation:
    """One run of a command; commands find it as `ctx.obj` (see `invocation`).

    In a batch the output is gathered, and the connection is shared.
    """

    def __init__(
        self, options: GlobalOptions, *, output: Output | None = None, shared: "SharedClient | None" = None
    ) -> None:
        self.options = options
        self.output = output or Output(options)
        self.exit_code = 0
        self._shared = shared

    @cached_property
    def client(self) -> AnyClient:
        """The connection to csmsd, made when it is first needed."""
        if self._shared is not None:
            return self._shared.part(self.options.timeout)
        client = Client(self.options.socket, self.options.timeout, trace=self.output.detail)
        if self.options.verbose:
            _warn_of_skew_at_invocation(client, self.output)
        return client

    def call(self, method: str, **params: Any) -> Result:
        """The result of a method; parameters that are None are left out."""
        return self.client.call(method, params)

    def begin(self, method: str, **params: Any) -> Callable[[], Result]:
        """Asks for the result of a method, which is then had by calling what is returned: csmsd works meanwhile."""
        return self.client.begin(method, params)

    def record(self, method: str, key: str, **params: Any) -> Result:
        """A record for `show`: printed as the document with `--json`; returned for people otherwise."""
        found = {name: value for name, value in self.call(method, **params).items() if name != "schema_version"}
        self.output.documented({key: [found]})
        return found

    def close(self) -> None:
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()


def invocation(ctx: typer.Context) -> Invocation:
    """The invocation that a command's context belongs to."""
    found = ctx.find_object(Invocation)
    if found is None:
        raise Failure(USAGE, "This command was not called by csmsctl.")
    return found


def _warn_of_skew_at_invocation(client: AnyClient, output: Output) -> None:
    from csmsd import __version__

    info: Params = client.call("daemon.info")
    theirs = info.get("version")
    output.detail(f"csmsd {theirs} at {client.path}")
    if theirs != __version__:
        output.warn(f"csmsctl is {__version__}, csmsd is {theirs}: restart csmsd after an upgrade.")
