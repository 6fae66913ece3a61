"""The HTML report in a real Chromium: opened from disk, looked at by keys and clicks."""

from __future__ import annotations

import base64

import pytest
from browser import INSTALL, Browser, find_chromium
from html_scale import LABELS, TABLE, fill, runs_of

from densemoe.report.html.document import report_html
from densemoe.report.scale import Scale

pytestmark = pytest.mark.slow

ANCHOR = f"table-{TABLE.replace('/', '-')}"
NUMBERS = f"document.querySelector('#{ANCHOR} table.numbers')"
ORDER = f"[...{NUMBERS}.tBodies].filter(b => !b.hidden).map(b => b.querySelector('th').textContent.trim())"
HEAD = f"{NUMBERS}.querySelector('thead th[data-column=\"1\"]')"


@pytest.fixture(scope="module")
def program():
    found = find_chromium()
    if found is None:
        pytest.skip(f"no Chromium; as root: {INSTALL}")
    return found


@pytest.fixture(scope="module")
def page(root, tmp_path_factory):
    """The report as a file."""
    folder = tmp_path_factory.mktemp("page")
    plan = root / "params/plan/smoke.yaml"
    logs = fill(folder / "reports", plan)
    file = folder / "report.html"
    file.write_text(report_html(Scale.read(plan, folder / "reports"), logs), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def opened(program, tmp_path_factory):
    browser = Browser(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(opened, page):
    opened.size(1300, 900)
    opened.prefer("light")
    opened.open(page.as_uri())
    return opened


def test_no_error_no_request_and_every_link_leads_somewhere(browser, page):
    links = browser.run("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    lost = browser.run(
        "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
        ".filter(h => h[0] !== '#' || !document.getElementById(decodeURIComponent(h.slice(1))))"
    )
    assert len(links) > 500 and lost == []
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    pictures = browser.run("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(pictures) == 4 and all(pictures)
    outside = [a for a in browser.requests() if not a.startswith("data:")]
    assert outside == [page.as_uri()]
    assert browser.complaints() == []


def test_numbers_sort_as_numbers_and_what_is_missing_stands_last(browser):
    assert browser.run(ORDER) == list(LABELS)
    # ours: 12.34, none, 9.5, 30.25, 100; a column where higher is better begins with the best
    k3, k6, k9, k12, k15 = LABELS
    states = []
    for _ in range(3):
        browser.run(f"{HEAD}.querySelector('button').click()")
        states.append((browser.run(f"{HEAD}.getAttribute('aria-sort')"), browser.run(ORDER)))
    assert states == [
        ("descending", [k15, k12, k3, k9, k6]),
        ("ascending", [k9, k3, k12, k15, k6]),
        (None, list(LABELS)),
    ]
    # by the printed numbers instead; the lines of a row stay together
    browser.run(f"{HEAD}.querySelector('button').click()")
    browser.run(
        f"const s = document.querySelector('#{ANCHOR} select');"
        "s.value = 'printed'; s.dispatchEvent(new Event('change'))"
    )
    printed = browser.run(
        f"[...{NUMBERS}.tBodies].map(b => parseFloat(b.querySelector('tr.printed [data-column=\"1\"]').textContent))"
    )
    assert printed == sorted(printed, reverse=True) and len(printed) == 5
    assert browser.run(f"[...{NUMBERS}.tBodies].every(b => b.rows[0].className === 'ours')")
    assert browser.complaints() == []


def test_words_and_other_tables_sort_too_with_the_keyboard(browser):
    heads = "document.querySelector('#overview table').tHead.rows[0].cells"
    rows = "[...document.querySelector('#overview table').tBodies[0].rows].map(r => +r.cells[2].innerText)"
    browser.run(f"{heads}[2].querySelector('button').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
        )
    assert browser.run(f"{heads}[2].getAttribute('aria-sort')") == "ascending"
    counts = browser.run(rows)
    assert len(counts) == 23 and counts == sorted(counts) and counts[0] < counts[-1]
    browser.run(f"{heads}[0].querySelector('button').click()")
    names = browser.run("[...document.querySelector('#overview table').tBodies[0].rows].map(r => r.cells[0].innerText)")
    assert names.index("MLoRE (CVPR 2024), Table 2") < names.index("MLoRE (CVPR 2024), Table 10")
    assert browser.run(f"[...{heads}].filter(h => h.hasAttribute('aria-sort')).length") == 1


def test_filter_and_lines(browser):
    box = f"document.querySelector('#{ANCHOR} input[type=search]')"
    type_in = f"{box}.value = '%s'; {box}.dispatchEvent(new Event('input'))"
    browser.run(type_in % "K=1")
    assert browser.run(ORDER) == ["k=12", "k=15"]
    assert browser.run(f"document.querySelector('#{ANCHOR} [role=status]').textContent") == "2 of 5 rows"
    browser.run(type_in % "")
    assert browser.run(ORDER) == list(LABELS)
    heights = browser.run(f"{NUMBERS}.offsetHeight")
    browser.run(f"document.querySelectorAll('#{ANCHOR} input[type=checkbox]').forEach(b => b.click())")
    assert browser.run(f"[...{NUMBERS}.tBodies].map(b => b.querySelector('th').rowSpan)") == [1] * 5
    assert browser.run(f"{NUMBERS}.offsetHeight") < heights / 2
    assert browser.complaints() == []


def test_a_link_opens_the_folded_part_it_leads_to(browser, root):
    run = runs_of(root / "params/plan/smoke.yaml")[0]
    part = f"document.getElementById('run-{run}')"
    assert browser.run(f"{part}.open") is False
    browser.run(f"document.querySelector('#{ANCHOR} a[href=\"#run-{run}\"]').click()")
    browser.run("new Promise(done => setTimeout(done, 200))")
    assert browser.run(f"{part}.open") is True
    top = browser.run(f"{part}.getBoundingClientRect().top")
    assert 0 <= top < 900
    assert browser.run(f"{part}.querySelector('pre').textContent").endswith("</script>")  # shown, not run
    assert browser.complaints() == []


def test_narrow_windows_scroll_inside_the_table(browser):
    browser.size(390, 800)
    browser.run(f"location.hash = '#{ANCHOR}'")
    assert browser.run("document.documentElement.scrollWidth") == 390
    wrapper = f"{NUMBERS}.parentElement"
    assert browser.run(f"{wrapper}.scrollWidth > {wrapper}.clientWidth")
    label = f"{NUMBERS}.tBodies[0].querySelector('th').getBoundingClientRect().left"
    before = browser.run(label)
    browser.run(f"{wrapper}.scrollLeft = 200")
    assert browser.run(f"{wrapper}.scrollLeft") == 200 and browser.run(label) == before
    browser.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert browser.run("document.documentElement.scrollWidth") == 390
    # every scrolled part can be reached and is named
    assert browser.run("[...document.querySelectorAll('.scroll')].every(s => s.tabIndex === 0 && s.ariaLabel)")


def test_dark_and_light_follow_the_system_and_can_be_read(browser):
    contrast = """(() => {
      const light = (c) => c.match(/\\d+/g).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const paper = light(getComputedStyle(document.body).backgroundColor);
      return [paper, ...['body', '.quiet', 'main a', '.standing.contradicted', '.standing.supported'].map((s) => {
        const ink = light(getComputedStyle(document.querySelector(s)).color);
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      })];
    })()"""
    for scheme, is_light in (("light", True), ("dark", False)):
        browser.prefer(scheme)
        paper, *ratios = browser.run(contrast)
        assert (paper > 0.5) is is_light
        assert len(ratios) == 5 and min(ratios) > 4.5, (scheme, ratios)  # WCAG 2.1, level AA


def test_it_prints(browser):
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert browser.run(
            "[...document.querySelectorAll('.tools')].every(t => getComputedStyle(t).display === 'none')"
        )
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")
    printed = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert printed.startswith(b"%PDF") and printed.count(b"/Type /Page\n") >= 15


def test_without_scripts_the_tables_are_still_there(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page.as_uri())
        document = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        found = browser.call("DOM.querySelectorAll", nodeId=document, selector=f"#{ANCHOR} table.numbers tbody")[
            "nodeIds"
        ]
        tools = browser.call("DOM.querySelectorAll", nodeId=document, selector=".tools, th button")["nodeIds"]
        assert len(found) == 5 and tools == []  # nothing that would do nothing
        box = browser.call("DOM.getBoxModel", nodeId=found[0])["model"]
        assert box["height"] > 20 and box["width"] > 300
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
