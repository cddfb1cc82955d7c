"""The page on which labels are taken away, and who may."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.labeling import exchange
from apps.labeling.models import LabelProject
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_page__offers_what_fits__and_says_why_not(client: Client, cast: Cast, project: LabelProject) -> None:
    client.force_login(cast.curator)
    text = client.get(reverse("labeling:formats", args=[project.pk])).content.decode()
    for name, format in exchange.FORMATS.items():
        link = f"{reverse('labeling:export', args=[project.pk])}?format={name}&amp;partial=1"
        assert (link in text) == format.fits(project.config), name
        assert str(format.label) in text
    assert "Needs a question of the kind RectangleLabels." in text and "6 tasks still wait" in text


def test_page__every_link_answers_with_a_file(client: Client, cast: Cast, project: LabelProject) -> None:
    client.force_login(cast.curator)
    for name, format in exchange.FORMATS.items():
        answer = client.get(reverse("labeling:export", args=[project.pk]), {"format": name, "partial": "1"})
        assert answer.status_code == (200 if format.fits(project.config) else 400), name
        if answer.status_code == 200:
            assert answer["Content-Disposition"] == f'attachment; filename="quality-{name}.{format.ending}"'
            assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("annotator", 403), ("stranger", 404)])
def test_page__for_who_does_not_run_the_project__is_refused(
    client: Client, cast: Cast, project: LabelProject, who: str, status: int
) -> None:
    client.force_login(getattr(cast, who))
    for page in ("formats", "export"):
        assert client.get(reverse(f"labeling:{page}", args=[project.pk])).status_code == status
