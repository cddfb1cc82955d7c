"""The order of rows: every row once an epoch, another order each epoch, always the same for the same seed."""

import torch

from workers.batches import Ledger, SeededBatches, epoch_order


def test_batches__one_epoch__has_every_row_once() -> None:
    batches = list(SeededBatches(rows=10, batch_size=4, seed=1))
    assert [len(batch) for batch in batches] == [4, 4, 2] and len(SeededBatches(10, 4, 1)) == 3
    assert sorted(row for batch in batches for row in batch) == list(range(10))


def test_batches__epochs_and_seeds__have_orders_of_their_own() -> None:
    orders = {tuple(epoch_order(50, seed, epoch).tolist()) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


def test_batches__order__does_not_depend_on_other_random_numbers() -> None:
    batches = SeededBatches(rows=20, batch_size=3, seed=7)
    batches.set_epoch(2)
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = list(batches)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.rand(100)
    assert list(batches) == first


def test_ledger__same_batches_in_another_order__is_another_ledger() -> None:
    one, two = torch.tensor([[1, 2]]), torch.tensor([[3, 4]])
    digests = set()
    for batches in ((one, two), (two, one), (one,)):
        ledger = Ledger()
        for batch in batches:
            ledger.add(batch)
        digests.add(ledger.digest)
    assert len(digests) == 3
    resumed = Ledger()
    resumed.add(one)
    resumed = Ledger(resumed.digest)
    resumed.add(two)
    assert resumed.digest in digests
