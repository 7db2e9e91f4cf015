import re
from html import escape
from html.parser import HTMLParser

import pytest

from paretune.core import ConstraintResult, InputError
from paretune.report import write
from paretune.report.html import page
from tests.report.sample import SAMPLES, sample


class Elements(HTMLParser):
    """Every element with its attributes, and the text outside of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if not self.inside:
            self.text.append(data)


def words(html):
    return " ".join(" ".join(Elements(html).text).split())


@pytest.fixture(scope="module")
def pages():
    return {name: page(make()) for name, make in SAMPLES.items()}


def test_the_answer_comes_first(pages):
    text = words(pages["sample"])
    order = [
        "7.71x as fast",
        "0.25 pt lower",
        "Synthetic(R) CPU",
        "openvino int8 full, 2 threads",
        "95 % interval 7.58 to 7.86",
        "2.08x",
        "Noisy machine",
        "Speed and accuracy of every variant",
        "What each stage gained",
        "What quantisation did",
        "from 0.90x to 2.12x the speed of f32",
        "Every variant, and why it lost",
        "Where the time goes",
        "How this was measured",
        "What the run spent",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_every_variant_stands_in_the_table_with_its_reason(pages):
    result = sample()
    for variant in result.variants:
        assert f'title="{variant.id}"' in pages["sample"]
        assert escape(variant.reason) in pages["sample"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_needs_nothing_from_outside(pages, name):
    html = pages[name]
    for tag, attributes in Elements(html).elements:
        for key in ("src", "href", "xlink:href", "data", "action", "srcset"):
            value = attributes.get(key) or ""
            assert tag == "a" or value == "" or value.startswith("#"), (tag, key, value)
        assert tag not in ("link", "iframe", "object", "embed", "base")
    assert not re.search(r"@import|url\((?!#)", html)
    outside = re.sub(r'xmlns(:\w+)?="[^"]*"', "", html)
    assert not re.search(r"https?://", outside)
    assert len(html.encode()) < 2_500_000


def test_nothing_from_outside_becomes_markup(pages):
    html = pages["hostile"]
    elements = Elements(html).elements
    assert [tag for tag, _ in elements].count("script") == 1
    assert not [tag for tag, _ in elements if tag in ("img", "b:noise", "i")]
    assert not [key for _, attributes in elements for key in attributes if key.startswith("on")]
    assert "<script>alert" not in html
    assert "日本語 <script>alert(\"x\")</script> & 'q'" in words(html)


def test_nothing_beats_the_baseline(pages):
    text = words(pages["nothing_beats_it"])
    assert "Nothing beat the baseline" in text
    assert "A constraint is not met. latency <= 0.1 ms: found 20.1" in text
    assert "The best variant that keeps the accuracy is handed back instead." in text


def test_where_no_variant_keeps_the_accuracy_none_is_said_to():
    result = SAMPLES["nothing_beats_it"]()
    asked = ConstraintResult(text="accuracy >= 99 %", satisfied=False, value=0.9)
    text = words(page(result.model_copy(update={"constraints": (asked,)})))
    assert "accuracy >= 99 %: found 0.9" in text
    assert "No variant keeps the accuracy that was asked for: the model as it came" in text


def test_without_labels_it_speaks_of_agreement(pages):
    text = words(pages["without_labels"])
    assert "Agreement with the baseline on the holdout" in text
    assert "Divergence on the holdout" in text
    assert "without labels" in text
    assert "top-1" not in text.lower()


def test_one_variant_without_layers_and_conditions(pages):
    text = words(pages["one_variant"])
    assert "1 variant, best latency first" in text
    assert "Where the time goes" not in text
    assert "Read the figures" not in text


def test_writing_replaces_the_file_and_makes_the_folder(tmp_path):
    folder = tmp_path / "new folder"
    result = SAMPLES["one_variant"]()
    assert write(result, folder) == folder / "report.html"
    write(result, folder)
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    assert (folder / "report.html").read_text(encoding="utf-8") == page(result)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be"):
        write(SAMPLES["one_variant"](), tmp_path / "file" / "out")
