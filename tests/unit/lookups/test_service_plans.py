"""A service's address is looked at before anybody calls."""

import pytest

from callcenter.errors import SettingsError
from callcenter.lookups.services import HttpServices, ServicePlan

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/{a}",
        "file:///etc/passwd",
        "example.com/orders",
        "http://",
        "",
        "http://{host}/orders",
        "{url}",
        "http://example.com:{port}/",
        "http://{user}@example.com/",
        "http://example.com/{a.b}",
        "http://example.com/{a",
        "http://example.com/{a!r}",
        "http://example.com/{0}",
        "http://[::1/{a}",
        "http://example.com:99999/",
    ],
)
def test_an_address_that_can_not_be_used_stops_the_start(url: str) -> None:
    """Only http and https, a fixed host, and plain names in the path or the query; the service is named."""
    with pytest.raises(SettingsError, match=r"\[\[ivr.services\]\] stock: "):
        HttpServices([ServicePlan("stock", url)])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/orders/{number}",
        "https://shop.example.com/api?of={customer}&n={number}",
        "https://shop.example.com",
        "http://[::1]:8080/{a}",
    ],
)
def test_addresses_that_can_be_used(url: str) -> None:
    """With places in the path and the query, or without any."""
    assert HttpServices([ServicePlan("stock", url)]).names == {"stock"}
