"""A zip of pictures by the page alone: folders become classes, a damaged picture waits aside, a label is mended, a version is frozen."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.sending import send, take_in

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Five cats, four dogs, one file that only calls itself a picture, and what a Mac leaves in every zip."""
    path = tmp_path / "animals.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(9):
            picture, kind = io.BytesIO(), "cat" if number < 5 else "dog"
            Image.new("RGB", (60 + number, 40), (20 * number, 90, 160)).save(picture, "PNG")
            file.writestr(f"animals/{kind}/{number}.png", picture.getvalue())
        file.writestr("animals/dog/broken.png", b"\x89PNG\r\n\x1a\n" + str(tmp_path).encode())
        file.writestr("__MACOSX/animals/cat/._0.png", "x")
        file.writestr("animals/.DS_Store", "x")
    return path


def is_drawn(picture: Locator) -> None:
    """The browser has the picture and could decode it."""
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") >= 60


def test_images__zip_of_folders__are_seen_sorted_and_relabelled(page: Page, archive: Path, tmp_path: Path) -> None:
    send(page, archive, f"animals {tmp_path.name}")
    expect(page.get_by_text("The folders are the classes: cat, dog.")).to_be_visible()
    samples = page.locator(".samples li")
    is_drawn(samples.first.locator("img"))
    expect(samples.first.locator(".tag")).to_have_text("cat")
    expect(page.locator(".problems")).to_contain_text("broken.png")
    take_in(page, 9)
    is_drawn(page.locator("tbody tr").nth(8).locator("img.thumb"))
    is_drawn(page.locator("#row img.picture"))
    page.get_by_role("link", name="Quarantine 1").click()
    expect(page.locator(".badrows")).to_contain_text("broken.png")
    page.get_by_role("link", name="Rows", exact=True).click()
    relabel(page)


def relabel(page: Page) -> None:
    """The sixth picture is a cat after all: a draft, then the next version."""
    page.get_by_role("link", name="Picture of row 6").click()
    expect(page.locator("#row h3")).to_have_text("Row 6")
    page.locator("#row").get_by_role("link", name="Edit").click()
    page.get_by_label("Label").fill("cat")
    page.get_by_role("button", name="Put into the draft").click()
    page.get_by_role("link", name="Open the draft").click()
    page.get_by_role("button", name="Freeze as v2").click()
    page.get_by_role("link", name="It became v2.").click(timeout=60_000)
    expect(page.locator("tbody tr").nth(5)).to_contain_text("cat")
    is_drawn(page.locator("tbody tr").nth(5).locator("img.thumb"))
