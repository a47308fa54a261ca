"""Opens the listener for monitoring if the settings name one; neither library is imported before."""

import logging
from collections.abc import Awaitable, Callable

from csmsd.metrics.figures import Figures
from csmsd.settings import Metrics, parse_address

log = logging.getLogger(__name__)


async def open_metrics(settings: Metrics, figures: Figures) -> tuple[str, Callable[[], Awaitable[None]]] | None:
    """Returns where it is and how to close it; None when none is wanted. Raises OSError."""
    if settings.listen is None:
        return None
    from csmsd.metrics.listener import MetricsListener

    host, port = parse_address(settings.listen)
    listener = MetricsListener(figures, settings)
    try:
        port = await listener.open(host, port)
    except OSError:
        await listener.close()
        raise
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    log.info("metrics at %s/metrics", base)
    return base, listener.close
