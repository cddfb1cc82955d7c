"""The console's settings for the processes of a fault test; data, database and broker come by the environment."""

from console.settings import *  # noqa: F403

JOB_KINDS = "tests.faults.kinds.KINDS"
