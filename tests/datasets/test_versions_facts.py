"""What was found out about the rows of a version (indexes, duplicates) goes with them."""

from typing import Any

import pytest

from apps.accounts.models import Workspace
from apps.core.storage import storage
from apps.datasets import amending, services
from apps.datasets.browsing import metadata
from apps.datasets.duplicates import reviewing
from apps.datasets.versions import purging
from apps.jobs.models import Job, Status
from tests.make import make_job, make_version
from workers.formats.forms import with_texts

TALKS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": f"a{n}"}]} for n in range(5)
]


@pytest.mark.django_db(transaction=True)
def test_purge__what_was_found_out_about_it__goes_and_of_others_stays(workspace: Workspace) -> None:
    first = make_version(workspace)
    second = services.freeze_rows(actor=None, dataset=first.dataset, rows=TALKS, step="label")
    [row] = amending.rows_at(second, {1: None})
    changed = with_texts(row, ["other"] * len(row.messages), form="chat")
    third = amending.amend_version(actor=None, parent=second, changes={1: changed}, step="edit")
    store = storage()
    searches = [
        make_job(workspace, kind=reviewing.KIND, inputs={"dataset": str(first.dataset_id), "version": str(one.pk)})
        for one in (first, third)
    ]
    facts = {
        one: [key for file in one.files for key in (metadata.columns_key(file), f"{metadata.text_key(file)}/a")]
        + [reviewing.groups_key(search), reviewing.choices_key(search)]
        for one, search in zip((first, third), searches, strict=True)
    }
    for key in [*facts[first], *facts[third]]:
        with store.open(key, "wb") as file:
            file.write(b"x")
    Job.objects.filter(pk__in=[search.pk for search in searches]).update(status=Status.SUCCEEDED)
    purging.purge_version(actor=None, version=first)
    assert not [key for key in facts[first] if store.exists(key)]
    assert all(store.exists(key) for key in facts[third])
    purging.purge_version(actor=None, version=second)  # its shard and the facts about it are those of the third
    assert all(store.exists(key) for key in facts[third])
