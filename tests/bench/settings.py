"""The console's settings with one more kind of job: a program that only says the time."""

from console.settings import *  # noqa: F403

JOB_KINDS = "tests.bench.kinds.KINDS"
