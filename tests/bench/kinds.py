from apps.jobs.kinds import Kind
from console.kinds import KINDS as REAL

EMIT = Kind(name="bench.emit", label="Emitter", program="tests.bench.emitter", queue="gpu")
KINDS = {**REAL, EMIT.name: EMIT}
