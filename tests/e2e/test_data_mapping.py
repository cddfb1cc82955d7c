"""Files of every form, with columns that no program could guess: a person says which is which, and sees rows before the import."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.sending import choose, send, take_in

pytestmark = pytest.mark.timeout(300)
Keep = Callable[..., Path]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Write a file whose bytes no other test has: `test` is a value of its first row."""

    def keep(name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return keep


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def opened(page: Page) -> Any:
    return page.locator("#row")


def test_mapping__nested_json__is_chosen_by_paths_inside(page: Page, keep: Keep, tmp_path: Path) -> None:
    rows = [
        {"meta": {"of": str(tmp_path)}, "ask": {"words": f"How is part {n} mended?"}, "say": {"words": f"Turn screw {n}."}}
        for n in range(12)
    ]  # fmt: skip
    send(page, keep("nested.jsonl", lines(rows)), f"nested {tmp_path.name}")
    expect(page.get_by_role("button", name="Choose a layout first")).to_be_disabled()
    choose(page, layout="prompt_completion", prompt="ask.words", completion="say.words")
    expect(page.locator(".samples li").first).to_contain_text("How is part 0 mended?")
    take_in(page, 12)
    expect(opened(page)).to_contain_text("Turn screw 0.")


def test_mapping__preference_parquet_the_wrong_way_round__is_put_right(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    table = {
        "asked": [f"Explain {n} to {tmp_path.name}" for n in range(9)],
        "liked": [f"Plain words on {n}." for n in range(9)],
        "disliked": [f"Jargon on {n}." for n in range(9)],
    }
    pq.write_table(pa.table(table), path)
    send(page, path, f"pairs {tmp_path.name}")
    choose(page, layout="preference", prompt="asked", chosen="disliked", rejected="liked")
    first = page.locator(".samples li").first
    expect(first.locator("[data-side=chosen]")).to_contain_text("Jargon on 0.")
    choose(page, chosen="liked", rejected="disliked")
    expect(first.locator("[data-side=chosen]")).to_contain_text("Plain words on 0.")
    expect(first.locator("[data-side=rejected]")).to_contain_text("Jargon on 0.")
    take_in(page, 9)
    expect(opened(page).locator(".rejected")).to_contain_text("Jargon on 0.")


def test_mapping__classes_taken_for_answers__become_labels(page: Page, keep: Keep, tmp_path: Path) -> None:
    body = "".join(f"Boot {n} of {tmp_path.name}\t{'leaks' if n % 2 else 'fits'}\n" for n in range(10))
    send(page, keep("boots.tsv", "review\tverdict\n" + body), f"boots {tmp_path.name}")
    expect(page.locator("#layout")).to_have_value("prompt_completion")
    choose(page, layout="classification", text="review", label="verdict")
    expect(page.locator(".samples li").first.locator(".tag")).to_have_text("fits")
    take_in(page, 10)
    expect(opened(page).locator(".tag")).to_have_text("fits")


def test_mapping__entities_under_other_names__are_marked_in_the_text(page: Page, keep: Keep, tmp_path: Path) -> None:
    rows = [
        {"sentence": f"Anna {n} lives in Rome. {tmp_path.name}", "found": [{"start": 0, "end": 4, "label": "PER"}]}
        for n in range(8)
    ]
    send(page, keep("people.jsonl", lines(rows)), f"people {tmp_path.name}")
    choose(page, layout="ner", text="sentence", spans="found")
    expect(page.locator(".samples mark").first).to_contain_text("Anna")
    take_in(page, 8)
    expect(opened(page).locator("mark")).to_have_text(re.compile("Anna.*PER"))


def test_mapping__table__says_which_column_is_foretold(page: Page, keep: Keep, tmp_path: Path) -> None:
    body = "".join(f"{20 + n},{1000 * n},{n % 2},{tmp_path.name}\n" for n in range(11))
    send(page, keep("buyers.csv", "age,income,bought,of\n" + body), f"buyers {tmp_path.name}")
    choose(page, layout="tabular", label="bought")
    sample = page.locator(".samples li").first
    expect(sample).to_contain_text("income")
    expect(sample.locator(".tag")).to_have_text("0")
    take_in(page, 11)
    expect(opened(page)).to_contain_text("income")


def test_mapping__sheet_saved_by_excel_in_german__reads_as_it_was_typed(page: Page, keep: Keep, tmp_path: Path) -> None:
    text = "Frage;Antwort;Preis\r\n" + "".join(
        f'"Was kostet Größe {n}; bitte, {tmp_path.name}?";"Das macht {n},50 €.";{n},50\r\n' for n in range(7)
    )
    send(page, keep("preise.csv", text, "utf-8-sig"), f"preise {tmp_path.name}")
    expect(page.get_by_text("Values are separated by “;”.")).to_be_visible()
    choose(page, layout="prompt_completion", prompt="Frage", completion="Antwort")
    expect(page.locator(".samples li").first).to_contain_text("Was kostet Größe 0; bitte")
    take_in(page, 7)
    expect(opened(page)).to_contain_text("Das macht 0,50 €.")


def test_mapping__chinese_sheet_in_gb18030__is_told_and_can_be_read_otherwise(
    page: Page, keep: Keep, tmp_path: Path
) -> None:
    sheet = io.StringIO()
    csv.writer(sheet).writerows(
        [
            ["问题", "回答", "编号"],
            *([f"我的订单 {n} 在哪里？\n请告诉我", "已经在路上。", tmp_path.name] for n in range(30)),
        ]
    )
    send(page, keep("客服.csv", sheet.getvalue(), "gb18030"), f"客服 {tmp_path.name}")
    expect(page.get_by_text("The file was read as Chinese")).to_be_visible()
    samples = page.locator(".samples")
    expect(samples).to_contain_text("我的订单 0 在哪里？")
    choose(page, encoding="cp1252")
    expect(samples).not_to_contain_text("我的订单")
    choose(page, encoding="gb18030")
    expect(samples).to_contain_text("我的订单 0 在哪里？")
    take_in(page, 30)
    expect(opened(page)).to_contain_text("已经在路上。")
