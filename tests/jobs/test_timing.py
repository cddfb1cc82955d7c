"""Periods keep their safe order whatever the environment says."""

import pytest

from apps.jobs.timing import Timing, from_environment


def test_timing__of_the_design__is_safe() -> None:
    timing = Timing()
    assert (timing.heartbeat, timing.fence, timing.kill, timing.lease, timing.slack) == (10, 30, 50, 60, 15)


@pytest.mark.parametrize(
    "wrong",
    [{"kill": 60.0}, {"fence": 55.0}, {"heartbeat": 31.0}, {"lease": 45.0}, {"heartbeat": 0.0}, {"heartbeat": -1.0}],
)
def test_timing__unsafe_order__is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must keep"):
        Timing(**wrong)


def test_from_environment__partly_given__is_the_rest_of_the_design(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNELOOP_TIMING", '{"sweep": 0.5, "heartbeat": 2}')
    assert from_environment() == Timing(sweep=0.5, heartbeat=2)


def test_from_environment__unknown_name__is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNELOOP_TIMING", '{"leese": 1}')
    with pytest.raises(ValueError, match="leese"):
        from_environment()
