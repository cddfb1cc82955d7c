"""Who gets which arm: a hash of seed and unit, and ranges of it. Pure; the same on every process and after every restart.

The hash is version 2 of GrowthBook's (FNV-1a of 32 bits, twice), so that its published cases hold here too. With a share p the
candidate takes the buckets [0, p) and its control the equally large [1 - p, 1). Both only grow while p grows up to one half, so
nobody leaves an arm, and the two stay comparable. What lies between is served by the control's deployment outside the comparison.
"""

from dataclasses import dataclass

OFFSET, PRIME, MASK = 2166136261, 16777619, 0xFFFFFFFF
BUCKETS = 10_000

CANDIDATE, CONTROL, REST = "candidate", "control", "rest"


def fnv1a32(text: str) -> int:
    """FNV-1a of 32 bits over the UTF-16 units of a text, as scripts in browsers count characters."""
    value = OFFSET
    units = text.encode("utf-16-le", "surrogatepass")
    for place in range(0, len(units), 2):
        value = ((value ^ (units[place] | units[place + 1] << 8)) * PRIME) & MASK
    return value


def bucket(seed: str, unit: str) -> float:
    """The place of a unit in [0, 1), in steps of 1/10000."""
    return fnv1a32(str(fnv1a32(seed + unit))) % BUCKETS / BUCKETS


@dataclass(frozen=True)
class Ranges:
    """Half-open ranges of buckets for a share of the candidate."""

    candidate: tuple[float, float]
    control: tuple[float, float]

    def arm_of(self, place: float) -> str:
        """candidate, control or rest."""
        if self.candidate[0] <= place < self.candidate[1]:
            return CANDIDATE
        return CONTROL if self.control[0] <= place < self.control[1] else REST


def ranges(share: float) -> Ranges:
    """Raises ValueError for a share outside [0, 1]. Above one half the control is what is left."""
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, not {share}")
    cut = round(share * BUCKETS) / BUCKETS  # so that 1 - p is the number that its bucket is
    return Ranges((0.0, cut), (round(max(cut, 1 - cut) * BUCKETS) / BUCKETS, 1.0))
