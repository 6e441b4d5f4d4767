"""What a person does in the editor, in words."""

from typing import Any

from playwright.sync_api import Locator, Page, expect


def node(page: Page, node_id: str) -> Locator:
    return page.locator(f'[data-testid="node-card"][data-node-id="{node_id}"]')


def port(page: Page, node_id: str, name: str, side: str) -> Locator:
    """A port; `side` is source for outputs and target for inputs."""
    around = page.locator(f'.react-flow__node[data-id="{node_id}"]')
    return around.locator(f'[data-testid="port"][data-port="{name}"][data-side="{side}"]')


def ready(page: Page) -> None:
    """Wait until the flow is drawn and everything is saved."""
    expect(page.get_by_test_id("node-card").first).to_be_visible()
    saved(page)


def saved(page: Page) -> None:
    expect(page.get_by_test_id("saved-state")).to_have_attribute("data-state", "saved")


def node_ids(page: Page) -> list[str]:
    cards = page.get_by_test_id("node-card").all()
    return sorted(str(card.get_attribute("data-node-id")) for card in cards)


def middle(locator: Locator) -> tuple[float, float]:
    """The middle of something, once it stands still: panels that open move the canvas."""
    x, y = locator.evaluate(
        """async (element) => {
          const frame = () => new Promise(requestAnimationFrame);
          const place = () => {
            const { x, y, width, height } = element.getBoundingClientRect();
            return [x + width / 2, y + height / 2];
          };
          for (let before = place(); ; ) {
            await frame();
            await frame();
            const now = place();
            if (now[0] === before[0] && now[1] === before[1]) return now;
            before = now;
          }
        }"""
    )
    return x, y


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, move in steps as a hand does, let go."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=6)
    page.mouse.up()


def add_node(page: Page, type_name: str) -> str:
    """Add a node from the palette; its id."""
    before = set(node_ids(page))
    if not page.get_by_test_id("palette-search").is_visible():
        page.get_by_test_id("rail-add").click()
    page.get_by_test_id("palette-search").fill(type_name)
    page.locator(f'[data-testid="palette-item"][data-type="{type_name}"]').click()
    expect(page.get_by_test_id("node-card")).to_have_count(len(before) + 1)
    return (set(node_ids(page)) - before).pop()


def position(definition: Any, node_id: str) -> tuple[float, float]:
    place = definition["nodes"][node_id]["position"]
    return place["x"], place["y"]
