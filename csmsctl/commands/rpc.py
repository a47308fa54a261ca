"""`rpc`: any method of the control socket."""

import sys
from typing import Annotated

import typer

from csmsctl.arguments.json_files import read_json_object
from csmsctl.invocation import invocation


def rpc_command(
    ctx: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Method, for example daemon.info")],
    params: Annotated[
        str, typer.Argument(metavar="[JSON|-]", help="Its parameters; - reads them", show_default=False)
    ] = "{}",
) -> None:
    """Call a method of the control socket and print its result as JSON.

    A subscription goes on until it is interrupted, one notification a line. The methods are described in
    docs/control-protocol.md.
    """
    run = invocation(ctx)
    given = read_json_object(sys.stdin.read() if params == "-" else params, "parameter list")
    result = run.client.call(method, given, keep_null=True)
    if "subscription" not in result:
        run.output.document(result)
        return
    run.output.line(result)
    while (notification := run.client.next_notification()) is not None:
        run.output.line({key: value for key, value in notification.items() if key != "jsonrpc"})
