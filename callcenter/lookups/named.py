"""Queries and services under one roof, as the flows use them."""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from callcenter.reception.visit import Value

Row: TypeAlias = Mapping[str, Value]


class Queries(Protocol):
    """Named database queries."""

    async def query(self, name: str, values: Row, seconds: float) -> Row | None:
        """The first row. Raises ``LookupFailed``."""


class Services(Protocol):
    """Named web services."""

    async def service(self, name: str, values: Row, seconds: float) -> object | None:
        """The JSON answer. Raises ``LookupFailed``."""


class NamedLookups:
    """The ``Lookups`` of the flows."""

    def __init__(self, queries: Queries, services: Services) -> None:
        self._queries = queries
        self._services = services

    async def query(self, name: str, values: Row, seconds: float) -> Row | None:
        """The first row of a database query, None when there is none. Raises ``LookupFailed``."""
        return await self._queries.query(name, values, seconds)

    async def service(self, name: str, values: Row, seconds: float) -> object | None:
        """The JSON answer of a web service; None for 404. Raises ``LookupFailed``."""
        return await self._services.service(name, values, seconds)
