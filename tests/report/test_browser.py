"""The page in a real browser: as wide as a phone, scripts and all."""

import re
import subprocess
from html import escape

import pytest

from paretune.report.html import page
from tests.report.sample import SAMPLES

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--virtual-time-budget=4000",
)
#: Reports what overflows the frame, whether a mark tells its figures, and whether a script ran.
PROBE = """
<script>
addEventListener("load", () => {
  const inner = document.getElementById("frame").contentDocument;
  const root = inner.documentElement;
  const mark = [...inner.querySelectorAll(".narrow svg path[aria-label]")]
    .find((path) => path.getAttribute("aria-label").includes(" ms"));
  mark.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
  const svg = inner.querySelector(".narrow svg").getBoundingClientRect();
  document.title = [root.scrollWidth, root.clientWidth, Math.round(svg.width),
    inner.getElementById("tip").textContent, window.hacked === undefined].join("|");
});
</script>
"""


def opened(browser, folder, html, width):
    frame = f'<iframe id="frame" width="{width}" height="800" srcdoc="{escape(html)}"></iframe>'
    file = folder / "wrapper.html"
    file.write_text(f'<meta charset="utf-8">{PROBE}{frame}', encoding="utf-8")
    done = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title, done.stderr[-2000:]
    return title.group(1).split("|")


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 390])
@pytest.mark.parametrize("name", ["sample", "hostile"])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(browser, tmp_path, name, width):
    scroll, client, chart, tip, safe = opened(browser, tmp_path, page(SAMPLES[name]()), width)
    assert int(scroll) <= int(client) <= width
    assert 300 <= int(chart) <= width
    assert " ms" in tip
    assert safe == "true"
