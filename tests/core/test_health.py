"""For probes: no sign-in, no detail."""

import pytest
from django.db import OperationalError, connection
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/metrics"])
def test_probe__all_well__is_200_for_anybody(client: Client, address: str) -> None:
    assert client.get(address).status_code == 200


def test_readyz__database_away__is_503_without_detail(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("password=secret")

    monkeypatch.setattr(connection, "cursor", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert b"secret" not in answer.content
    assert client.get("/healthz").status_code == 200
