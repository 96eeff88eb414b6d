"""The page as people use it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
STEP = "lab.frame()?.newest"
LEAD = "painter.shown('lead').data[1].y"
PINNED = "painter.shown('lead').data[0].y.length"


def newest(page: Page) -> int:
    return int(page.evaluate(STEP) or 0)


def beyond(page: Page, step: int) -> None:
    page.wait_for_function(f"({STEP}) > {step}")


def pick(page: Page, field: str, label: str) -> None:
    page.locator(f"#wrap-{field}").get_by_text(label, exact=True).click()


def button(page: Page, place: str, label: str) -> Locator:
    """One of a group's by the beginning of its text: a remedy's goes on with its effect."""
    return page.locator(f"#{place} button", has_text=re.compile(f"^{re.escape(label)}"))


def badge(page: Page, words: str) -> None:
    expect(page.locator("#badge")).to_contain_text(words)


def test_train_moves_and_relu_with_he_lifts_the_line(opened: Open) -> None:
    page = opened()
    page.click("#train")
    beyond(page, 0)
    beyond(page, newest(page))
    expect(page.locator("#verdict-title")).to_have_text("Vanishing gradients")
    low = page.evaluate(LEAD)[0]
    first = page.evaluate("lab.frame().run")
    pick(page, "activation", "ReLU")
    pick(page, "init", "He normal")
    page.wait_for_function("lab.frame()?.label == 'relu · he normal'")
    beyond(page, 3)
    assert page.evaluate(LEAD)[0] > 1e6 * low
    assert page.evaluate(PINNED) == 21 and page.evaluate("lab.frame().run") != first
    expect(page.locator("#legend")).to_contain_text(re.compile("sigmoid|glorot normal"))


def test_a_remedys_button_does_what_it_says(opened: Open) -> None:
    page = opened()
    page.click("#train")
    button(page, "remedies", "ReLU + He").click()
    page.wait_for_function("lab.frame()?.label == 'relu · he normal'")
    expect(page.locator("#verdict-title")).to_have_text("Healthy gradients")
    expect(page).to_have_url(re.compile("init=he_normal&activation=relu"))


def test_pause_step_resume_and_live_clipping(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5")
    page.click("#train")
    beyond(page, 3)
    run = page.evaluate("lab.frame().run")
    page.click("#train")
    badge(page, "paused")
    at = newest(page)
    page.click("#step")
    page.wait_for_function(f"({STEP}) == {at + 1}")
    pick(page, "clip", "Norm")
    expect(page.locator("#play-word")).to_have_text("Resume")
    page.click("#train")
    beyond(page, at + 5)
    page.wait_for_function("painter.shown('loss').layout.annotations.length == 1")
    assert page.evaluate("lab.frame().run") == run


@pytest.mark.slow
def test_reload_and_a_second_browser_show_the_same_run_without_a_gap(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5")
    page.click("#train")
    beyond(page, 20)
    expect(page).to_have_url(re.compile("run="))
    page.reload()
    beyond(page, 30)
    other = opened(page.url.split("/")[-1])
    beyond(other, newest(page))
    for shown in (page, other):
        shown.wait_for_function("painter.shown('loss').data[1].x.length > 20")
        steps = shown.evaluate("Array.from(painter.shown('loss').data[1].x)")
        assert steps == list(range(1, len(steps) + 1)) or len(steps) == 200
    assert page.evaluate("lab.frame().run") == other.evaluate("lab.frame().run")


def test_scrubbing_back_and_live_again(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5")
    page.click("#train")
    beyond(page, 30)
    page.locator("#scrub").fill("10")
    page.wait_for_function("lab.frame().now.step == 10")
    expect(page).to_have_url(re.compile("at=10"))
    page.click("#latest")
    page.wait_for_function("lab.frame().now.step > 30")


def test_a_bad_link_says_so_and_works(opened: Open) -> None:
    page = opened("?depth=0&colour=red&width=32")
    expect(page.locator("#notice")).to_contain_text("depth=0 can't be used")
    expect(page.locator("#notice")).to_contain_text("'colour'")
    page.click("#train")
    beyond(page, 1)
    assert "width=32" in page.url


def test_a_bad_value_says_so_and_the_run_goes_on(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5")
    page.click("#train")
    beyond(page, 1)
    rate = page.locator("#wrap-lr")
    page.locator("#field-lr").fill("-3")
    expect(rate).to_contain_text("must be a number above 0 up to 1000")
    beyond(page, newest(page) + 3)
    page.locator("#field-lr").fill("0.05")  # as it was
    expect(rate).not_to_contain_text("must be")
    expect(page.locator("#notice")).to_be_empty()


def test_numbers_are_taken_as_people_type_them(opened: Open) -> None:
    page = opened("?depth=3&width=8")
    for typed, query in (("3e-4", "lr=0.0003"), (".001", "lr=0.001"), ("0,01", "lr=0.01")):
        page.locator("#field-lr").fill(typed)
        page.wait_for_function("(query) => location.search.includes(query)", arg=query)
        expect(page.locator("#field-lr")).to_have_value(typed)
    page.locator("#field-steps").fill("1e3")
    page.wait_for_function("location.search.includes('steps=1000')")
    page.locator("#field-steps").fill("1e9")
    expect(page.locator("#wrap-steps")).to_contain_text("from 1 to 1000000")
    assert "steps=1000" in page.url


def test_a_live_change_that_ends_a_run_does_not_hide_its_end(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5&steps=2000")
    page.click("#train")
    beyond(page, 20)
    page.locator("#field-lr").fill("5")
    badge(page, "diverged")
    page.wait_for_timeout(3000)  # it used to go back to "before training" after a second
    badge(page, "diverged")
    expect(page.locator("#verdict-title")).to_have_text("Diverged")
    signal = "lab.frame().now.metrics.signal_grad_norm"  # layers may have died on the way: 0
    assert page.evaluate(f"{signal}.every((value) => value >= 0 && value < Infinity)")
    page.get_by_text("Tanh", exact=True).click()
    badge(page, "before training")


def test_divergence_names_patient_zero(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=3&width=128&lr=1")
    page.click("#train")
    badge(page, "diverged")
    expect(page.locator("#verdict-text")).to_contain_text("layer")
    expect(button(page, "remedies", "Clip by norm 1")).to_be_visible()


def test_keys_drive_the_page(opened: Open) -> None:
    page = opened()
    page.keyboard.press("t")
    beyond(page, 1)
    page.keyboard.press(" ")
    badge(page, "paused")
    page.keyboard.press("r")
    badge(page, "before training")


@pytest.mark.slow
def test_keys_work_whatever_was_clicked_before(opened: Open) -> None:
    """The focus stays on what was clicked: space would press that again."""
    page = opened("?depth=3&width=8&steps=100000")
    page.click("#train")
    beyond(page, 1)
    run = page.evaluate("lab.session().run")
    page.keyboard.press(" ")
    badge(page, "paused")
    assert page.evaluate("lab.session().run") == run
    page.get_by_text("Tanh", exact=True).click()
    page.wait_for_function("(run) => lab.session().run !== run", arg=run)
    beyond(page, 1)
    page.keyboard.press(" ")
    badge(page, "paused")
    page.locator("#field-lr").focus()
    page.keyboard.press("r")  # typed into the field
    badge(page, "paused")


def test_the_verdict_has_room_beside_its_remedies(opened: Open) -> None:
    page = opened("?seed=0")
    for width in (801, 820, 900, 1024, 1100, 1150, 1280, 1366, 1920):
        page.set_viewport_size({"width": width, "height": 768})
        page.wait_for_function("(width) => innerWidth === width", arg=width)
        expect(page.locator("#remedies button").first).to_be_visible()
        told = page.locator("#verdict-text").bounding_box()
        offered = page.locator("#remedies").bounding_box()
        assert told is not None and offered is not None and told["width"] >= 330, width
        below = offered["y"] >= told["y"] + told["height"]
        assert below or offered["x"] >= told["x"] + told["width"], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_needs_no_sideways_scrolling(opened: Open) -> None:
    page = opened(viewport={"width": 390, "height": 844})
    page.click("#train")
    beyond(page, 1)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.emulate_media(color_scheme="dark")
    beyond(page, newest(page))
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_killed_worker_is_told_and_the_next_run_starts(opened: Open, lab: Lab) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5")
    page.click("#train")
    beyond(page, 5)
    lab.kill_workers()
    badge(page, "lost")
    page.click("#train")
    beyond(page, 5)
    badge(page, "training")


def test_a_restarted_server_is_found_again(opened: Open, lab: Lab) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5")
    page.click("#train")
    beyond(page, 5)
    page.evaluate("window.stayed = true")
    complaint_free = page.locator("#badge")
    lab.stop()
    expect(complaint_free).to_contain_text("reconnecting")
    lab.start()
    badge(page, "paused")  # it was put aside, to the last step
    assert page.evaluate("window.stayed") and newest(page) > 5


def test_a_control_is_answered_before_training(opened: Open) -> None:
    page = opened()
    badge(page, "before training")
    expect(page.locator("#verdict-title")).to_have_text("Vanishing gradients")
    expect(page.locator("#lead-hint")).to_contain_text("predicted 1/1400 per 5 layers")
    theory = "painter.shown('lead').data[5].y.length"
    assert page.evaluate(theory) == 20
    pick(page, "activation", "ReLU")
    pick(page, "init", "He normal")
    expect(page.locator("#verdict-title")).to_have_text("Healthy gradients")
    assert page.evaluate("lab.session().run") is None


def test_remedies_say_what_came_of_them(opened: Open) -> None:
    page = opened("?activation=relu&depth=30")
    first = page.locator("#remedies button").first
    before = page.locator("#verdict").bounding_box(), first.bounding_box()
    expect(first.locator("small")).to_contain_text("layer 1: 7 × 10⁻⁵ → ")
    assert before == (page.locator("#verdict").bounding_box(), first.bounding_box())
    first.click()
    expect(page.locator("#verdict-title")).to_have_text("Healthy gradients")


OFFER = """(labels) => remedies.show("vanishing", labels.map((label, place) =>
    ({ label, changes: { init: label }, effect: "", trial: "untried", place })), () => {})"""


def test_no_remedy_is_exchanged_under_the_pointer(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5")
    expect(page.locator("#verdict-title")).to_have_text("Healthy gradients")
    expect(page.locator("#learned-step")).to_be_visible()
    page.wait_for_timeout(2000)  # nothing else will come by itself
    offered = page.locator("#remedies b")
    page.evaluate(OFFER, ["he", "lsuv", "norm"])
    page.locator("#remedies button").nth(1).hover()
    page.evaluate(OFFER, ["he", "elu", "norm"])
    expect(offered).to_have_text(["he", "lsuv", "norm"])
    page.mouse.move(0, 0)
    expect(offered).to_have_text(["he", "elu", "norm"])
    page.locator("#remedies button").nth(1).focus()
    page.evaluate(OFFER, ["he", "selu", "norm"])
    expect(offered).to_have_text(["he", "elu", "norm"])
    page.keyboard.press("Tab")
    expect(offered).to_have_text(["he", "elu", "norm"])
    page.keyboard.press("Tab")
    expect(offered).to_have_text(["he", "selu", "norm"])


@pytest.mark.slow
def test_a_finished_run_stays_behind_the_preview_of_the_next(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5&steps=20")
    page.click("#train")
    badge(page, "finished")
    pick(page, "activation", "Sigmoid")
    badge(page, "before training")
    expect(page.locator("#legend")).to_contain_text("relu")
    assert page.evaluate(PINNED) == 6


def test_lessons_go_on_and_back_and_scenes_switch(opened: Open) -> None:
    page = opened("?lesson=rnn")
    expect(page.locator("#lesson-title")).to_contain_text("13.")
    expect(page.locator("#panel-clipping")).to_be_visible()
    page.click("#train")
    badge(page, "diverged")
    button(page, "scenes", "By norm").click()
    beyond(page, 5)
    expect(page.locator("#hint-clip")).to_contain_text("of steps clipped")
    expect(page).to_have_url(re.compile("clip=norm.*lesson=rnn"))
    button(page, "turns", "Next →").click()
    expect(page.locator("#lesson-title")).to_contain_text("14. Overfitting")
    badge(page, "before training")
    button(page, "turns", "← Back").click()
    expect(page.locator("#lesson-title")).to_contain_text("13.")
    for _ in range(8):  # more quickly than they are answered
        page.keyboard.press("b")
    expect(page.locator("#lesson-title")).to_contain_text("5.")


@pytest.mark.slow
def test_units_are_seen_to_die_one_by_one(opened: Open) -> None:
    page = opened("?lesson=dying")
    page.click("#train")
    expect(page.locator("#hint-units")).to_contain_text("deaths")
    page.locator("#layer").fill("2")
    expect(page.locator("#hint-units")).to_contain_text("layer 2:")
    expect(page).to_have_url(re.compile("layer=2"))
    rows = "painter.shown('units').data[0].z.length"
    assert page.evaluate(rows) == 128


def test_the_ladder_shows_where_the_number_changed(opened: Open) -> None:
    link = "?activation=relu&init=he_normal&depth=5&clip=norm&clip_threshold=0.1&accumulate=2"
    page = opened(link + "&panel=clipping")
    page.click("#train")
    beyond(page, 3)
    page.click("#train")
    computed, summed, clipped, update = page.evaluate(
        "Array.from(painter.shown('ladder').data[0].y)"
    )
    assert computed != summed  # of the first of two passes, and of both
    assert summed > clipped > update


def test_a_lesson_says_what_was_seen_and_lights_its_charts(opened: Open) -> None:
    page = opened("?lesson=clipping")
    expect(page.locator("#card-clip")).to_have_class(re.compile("spoken-of"))
    expect(page.locator("#lesson-seen")).to_be_empty()
    page.click("#train")
    badge(page, "diverged")
    expect(page.locator("#lesson-seen")).to_contain_text("Now you have seen")


def test_a_lecture_fits_its_screen_with_nothing_small(opened: Open) -> None:
    page = opened("?seed=0")
    for width, height in ((1024, 768), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        page.keyboard.press("l")
        expect(page.locator("#lab-form")).to_be_hidden()
        scroll = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        assert page.evaluate(scroll) == [width, height]
        page.keyboard.press("l")
        expect(page.locator("#lab-form")).to_be_visible()


def test_back_leads_to_the_state_before(opened: Open) -> None:
    page = opened("?depth=3&width=8")
    pick(page, "activation", "Tanh")
    page.wait_for_function("location.search.includes('activation=tanh')")
    page.go_back()
    page.wait_for_function("!lab.session().query.includes('activation')")
    page.go_forward()
    page.wait_for_function("lab.session().query.includes('activation=tanh')")


@pytest.mark.slow
def test_a_click_while_the_server_is_away_waits_and_says_so(opened: Open, lab: Lab) -> None:
    page = opened("?depth=3&width=8")
    badge(page, "before training")
    page.wait_for_function("'DashRenderer' in window")  # half a page is another matter
    lab.stop()
    page.click("#train")
    expect(page.locator("#notice")).to_contain_text("waits")
    expect(page.locator("#train")).to_have_attribute("data-waiting", "")
    lab.start()
    beyond(page, 1)
    expect(page.locator("#notice")).to_be_empty()


def test_charts_of_other_panels_answer_clicks_too(opened: Open) -> None:
    """Only those in sight when the page was opened used to."""
    page = opened("?depth=5&width=8")
    badge(page, "before training")
    page.locator("#panel").get_by_text("Activations", exact=True).click()
    page.wait_for_function("painter.shown('activation_max').places[1].x.length >= 3")
    x, y = page.evaluate("(({ x, y }) => [x[2], y[2]])(painter.shown('activation_max').places[1])")
    page.locator("#plot-activation_max").click(position={"x": x, "y": y})
    expect(page).to_have_url(re.compile("layer=3"))


def test_who_only_looks_follows_what_others_change_to_the_end(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=5&steps=100000")
    page.click("#train")
    beyond(page, 20)
    other = opened(page.url.split("/")[-1])
    beyond(other, 20)
    page.locator("#field-lr").fill("0.02")
    expect(other.locator("#field-lr")).to_have_value("0.02")
    page.locator("#field-lr").fill("5")
    for shown in (page, other):
        badge(shown, "diverged")
    page.wait_for_timeout(2000)
    badge(other, "diverged")
    expect(other.locator("#field-lr")).to_have_value("5")
    expect(other.locator("#verdict-title")).to_have_text("Diverged")
    late = opened(other.url.split("/")[-1])
    badge(late, "diverged")
