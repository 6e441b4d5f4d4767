"""How long an edit takes from a key press in one browser to the changed node in another one.

Person A moves a node with the arrow keys; the page of person B notes when that node's element
changes. Both pages run on this machine, so they share a clock.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.serving import Server, serving

ROUNDS = 200
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
WATCH = """node => {
  window.seen = [];
  const card = document.querySelector(`[data-testid="node-card"][data-node-id="${node}"]`);
  const watcher = new MutationObserver(() => window.seen.push(Date.now()));
  watcher.observe(card.closest('.react-flow__node'), {attributeFilter: ['style']});
}"""


def open_editor(page: Page, server: Server, flow: str) -> None:
    for name, value in server.cookies.items():
        page.context.add_cookies([{"name": name, "value": value, "url": server.url}])
    page.goto(f"{server.url}/flows/{flow}")
    page.wait_for_selector('[data-testid="node-card"]')


def measure(a: Page, b: Page) -> list[float]:
    node = a.get_attribute('[data-testid="node-card"]', "data-node-id")
    b.evaluate(WATCH, node)
    a.click(f'[data-testid="node-card"][data-node-id="{node}"]')
    a.evaluate("addEventListener('keydown', () => { window.pressed = Date.now() }, true)")
    delays = []
    for _ in range(ROUNDS):
        seen = b.evaluate("window.seen.length")
        a.keyboard.press("ArrowRight")
        b.wait_for_function("n => window.seen.length > n", arg=seen)
        delays.append(b.evaluate(f"window.seen[{seen}]") - a.evaluate("window.pressed"))
    return sorted(delays)


def main() -> None:
    home = Path(tempfile.mkdtemp())
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    try:
        with serving(home / "data") as server, sync_playwright() as playwright:
            server.set_up()
            flow = server.call("GET", "/flows?limit=1")["items"][0]["id"]
            browsers = [
                playwright.chromium.launch(executable_path=chromium, args=FLAGS) for _ in range(2)
            ]
            pages = [browser.new_page() for browser in browsers]
            for page in pages:
                open_editor(page, server, flow)
            delays = measure(*pages)
            for browser in browsers:
                browser.close()
    finally:
        shutil.rmtree(home)
    figures = {
        "rounds": len(delays),
        "p50_ms": statistics.median(delays),
        "p95_ms": delays[int(len(delays) * 0.95)],
        "max_ms": delays[-1],
    }
    json.dump({"edit_between_two_browsers": figures}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
