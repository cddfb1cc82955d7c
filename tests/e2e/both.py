"""Which browser tests run on PostgreSQL too; all of them run on SQLite.

Those in which the database has a say: many people or processes at once, locks, long transactions, counters, text search. What
a page looks like, what its scripts do and how keys work is the same on both. A new file that belongs here is added by its name.
"""

ON_BOTH = frozenset(
    {
        "test_browse.py",  # filters and sorts, a draft that is frozen
        "test_data_mending.py",  # rows that come in later
        "test_datasets_prepare.py",  # a recipe's job, watched live
        "test_label_gold.py",  # what the queue gives out
        "test_label_review.py",  # answers that go back and come again
        "test_label_suggestions.py",  # written by a worker, counted
        "test_labeling.py",  # leases, drafts, undo
        "test_ring_api.py",  # the whole ring
        "test_ring_faults.py",  # kill -9 in every stage
        "test_rounds.py",  # ratings of several people
        "test_serving.py",  # engines and rollout
        "test_up.py",  # what dies is started again
        "test_upload.py",  # pieces of files, connections that break
        "test_versions.py",  # patches, roll back, deletion
    }
)
