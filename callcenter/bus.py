"""The in-process bus: an event that happened is told to all who subscribed, in order, at once.

Handlers are plain functions and don't wait: a state change and its announcement are one synchronous
step. A handler that fails is logged with the event, and the others still run. Only ``journey.py``
subscribes.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

E = TypeVar("E")
log = structlog.get_logger(__name__)


class Bus:
    """Typed publish and subscribe within one event loop."""

    def __init__(self) -> None:
        self._handlers: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)

    def subscribe(self, event: type[E], *handlers: Callable[[E], None]) -> None:
        """Call the handlers, in this order, for each event of exactly this type."""
        self._handlers[event].extend(handlers)

    def publish(self, event: object) -> None:
        """Tell all subscribers; returns when the last has run."""
        for handler in self._handlers.get(type(event), ()):
            try:
                handler(event)
            except Exception:  # the bus is one of the edges: one bad handler must not stop the rest
                log.exception(
                    "event handler failed", event_type=type(event).__name__, handler=handler.__qualname__
                )
