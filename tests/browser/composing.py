"""How does a person ask for pictures, and wait for them?"""

from playwright.sync_api import Locator, Page, expect


def compose(page: Page, prompt: str, **fields: str) -> Locator:
    """Fill the form, press Ctrl+Enter, and return the job's card."""
    before = page.locator("#jobs .card").count()
    if page.locator("#settings-drawer").get_attribute("open") is None:
        page.get_by_text("More settings").click()
    for name, value in fields.items():
        page.locator(f"#id_{name}").fill(value)
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(page.locator("#jobs .card")).to_have_count(before + 1)
    return page.locator(f"#{page.locator('#jobs .card').first.get_attribute('id')}")


def expect_pictures(card: Locator, count: int) -> None:
    """Wait until the pictures are there, loaded."""
    expect(card).to_have_attribute("data-status", "succeeded")
    expect(card.locator("img")).to_have_count(count)
    card.page.wait_for_function("id => [...document.querySelectorAll(`#${id} img`)].every(i => i.naturalWidth)",
                                arg=card.get_attribute("id"))  # fmt: skip
