"""A class: a presenter at the projector, students with phones and laptops."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ELSEWHERE, OPEN, PATIENCE, Lab

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

Come = Callable[..., Page]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("class"), "app.py", "--class", "--names", ELSEWHERE)
    yield lab
    lab.stop()


@pytest.fixture
def come(chromium: Browser, room: Lab) -> Iterator[Come]:
    """Opens the lab in a browser of one's own, as a student or at the server's machine."""
    complaints: list[str] = []
    contexts = []

    def open_page(name: str = ELSEWHERE, link: str = "", **options: Any) -> Page:
        context = chromium.new_context(bypass_csp=True, **options)
        context.set_default_timeout(1000 * PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://{name}:{room.port}/{link}")
        page.wait_for_function(OPEN)
        return page

    yield open_page
    for context in contexts:
        context.close()
    room.end_runs()
    assert not complaints


def _present(come: Come) -> Page:
    page = come("localhost")
    expect(page.locator("#class")).to_be_visible()
    page.keyboard.press("Escape")
    return page


def _trains(page: Page) -> str:
    """The id of a new run that has begun."""
    before = page.evaluate("lab.session().run || ''")
    page.click("#again")
    page.wait_for_function(f"(lab.session().run || '{before}') !== '{before}'")
    run: str = page.evaluate("lab.session().run")
    _sees(page, run)
    return run


def _sees(page: Page, run: str) -> None:
    page.wait_for_function(f"lab.session().run === '{run}' && lab.frame()?.newest > 3")


def test_students_follow_run_and_step_with_a_view_of_their_own(come: Come) -> None:
    presenter, student = _present(come), come(**PHONE)
    expect(student.locator("#follows")).to_be_visible()
    run = _trains(presenter)
    _sees(student, run)
    student.evaluate("lab.look({ view: 'weight' })")
    presenter.evaluate("lab.look({ at: 2 })")
    student.wait_for_function("lab.frame()?.now?.step === 2 && lab.frame()?.view === 'weight'")
    assert presenter.evaluate("lab.frame()?.view") == "signal"
    assert "run=" not in student.url
    late = come()
    late.wait_for_function(f"lab.session().run === '{run}' && lab.frame()?.now?.step === 2")
    expect(late.locator("#train")).to_be_disabled()


@pytest.mark.slow
def test_a_student_goes_ones_own_way_and_comes_back(come: Come) -> None:
    presenter, student = _present(come), come()
    run = _trains(presenter)
    _sees(student, run)
    student.click("#following button:visible")
    expect(student.locator("#alone")).to_be_visible()
    assert _trains(student) != run
    presenter.evaluate("lab.look({ at: 2 })")
    student.wait_for_function("lab.frame()?.newest > 5")
    student.click("#following button:visible")
    student.wait_for_function(f"lab.session().run === '{run}' && lab.frame()?.now?.step === 2")
    student.evaluate("lab.look({ at: 3 })")
    expect(student.locator("#alone")).to_be_visible()


def test_a_run_comes_from_the_wall_to_the_projector_and_to_all_who_follow(come: Come) -> None:
    presenter, author, other = _present(come), come(), come()
    author.click("#following button:visible")
    run = _trains(author)
    presenter.keyboard.press("c")
    tile = presenter.locator("#class-wall button").last
    expect(tile).to_have_attribute("data-kind", "vanishing")
    expect(presenter.locator("#class-count")).to_contain_text("1 page follows")
    tile.click()
    _sees(presenter, run)
    _sees(other, run)
    expect(presenter.locator("#train")).to_be_disabled()


@pytest.mark.slow
def test_what_the_presenter_prepares_unseen_stays_unseen(come: Come) -> None:
    presenter, student = _present(come), come()
    run = _trains(presenter)
    _sees(student, run)
    presenter.keyboard.press("c")
    presenter.uncheck("#class-leads")
    presenter.keyboard.press("Escape")
    other = _trains(presenter)
    student.wait_for_timeout(500)
    assert student.evaluate("lab.session().run") == run
    presenter.keyboard.press("c")
    presenter.check("#class-leads")
    _sees(student, other)
