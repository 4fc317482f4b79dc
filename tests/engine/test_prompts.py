r"""A prompt's weights are AUTOMATIC1111's: what its users know of brackets holds here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.engine.prompts import PromptUnfit, parse, refuse_unfit
from generation.engine.spec import MAX_BREAKS

SIGNS = set("()[]\\:.+-0123456789")


def weights_of(prompt):
    """The only section's parts, as [(text, weight), ...] with weights to four digits."""
    (section,) = parse(prompt)
    return [(part.text, round(part.weight, 4)) for part in section]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a plain prompt, 50 mm: sharp", [("a plain prompt, 50 mm: sharp", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
        ("((very)) much", [("very", 1.21), (" much", 1.0)]),
        ("a [faint] trace", [("a ", 1.0), ("faint", 0.9091), (" trace", 1.0)]),
        ("a (blue:1.4) sky", [("a ", 1.0), ("blue", 1.4), (" sky", 1.0)]),
        ("(a: 1.4 )(b:.5)(c:2.)(d:-1)(e:0)", [("a", 1.4), ("b", 0.5), ("c", 2.0), ("d", -1.0), ("e", 0.0)]),
        ("(a (b:2) c:1.5)", [("a ", 1.5), ("b", 3.0), (" c", 1.5)]),
        ("([both])", [("both", 1.0)]),
        ("(crossed [over) it]", [("crossed ", 1.1), ("over", 1.0), (" it", 0.9091)]),
        ("(side)(by)(side)", [("sidebyside", 1.1)]),
        ("a ((house:1.3) [on] it", [("a ", 1.0), ("house", 1.43), (" ", 1.1), ("on", 1.0), (" it", 1.1)]),
        ("", []),
        ("()", []),
    ],
)
def test_brackets_weigh_what_they_hold(prompt, parts):
    assert weights_of(prompt) == parts


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        (r"\(literal\) \[brackets\]", "(literal) [brackets]"),
        (r"C:\pictures \\ more", r"C:\pictures \ more"),
        ("smile :) or ] or :1.2)", "smile :) or ] or :1.2)"),
    ],
)
def test_what_is_no_sign_is_text(prompt, text):
    assert weights_of(prompt) == [(text, 1.0)]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("an (unbalanced word", [("an ", 1.0), ("unbalanced word", 1.1)]),
        ("((two", [("two", 1.21)]),
        ("[one", [("one", 0.9091)]),
        ("(no number:1.2.3)", [("no number:1.2.3", 1.1)]),
    ],
)
def test_what_is_left_open_ends_with_the_prompt(prompt, parts):
    assert weights_of(prompt) == parts


@pytest.mark.parametrize(
    ("prompt", "sections"),
    [
        ("a cat BREAK a dog", [["a cat"], ["a dog"]]),
        ("BREAK\na dog", [[], ["a dog"]]),
        ("a BREAK BREAK b", [["a"], [], ["b"]]),
        ("BREAKFAST at noon", [["BREAKFAST at noon"]]),
    ],
)
def test_break_parts_sections(prompt, sections):
    assert [[part.text for part in section] for section in parse(prompt)] == sections


def test_brackets_hold_across_a_break():
    first, second = parse("(a BREAK b:1.5) c")
    assert (first[0].weight, second[0].weight, second[1].weight) == (1.5, 1.5, 1.0)


@given(st.text())
def test_no_character_of_any_text_is_lost(text):
    assert without_signs(said_by(text)) == without_signs(text)


@given(st.text(alphabet=r"ab ()[]\:12.-"))
def test_nor_of_any_knot_of_signs(text):
    assert without_signs(said_by(text)) == without_signs(text)


@given(st.text().filter(lambda text: not set(text) & set("()[]\\") and "BREAK" not in text))
def test_a_text_without_signs_is_one_part_as_it_is(text):
    assert weights_of(text) == ([(text, 1.0)] if text else [])


def said_by(prompt):
    return " BREAK ".join("".join(part.text for part in section) for section in parse(prompt))


def without_signs(text):
    return [letter for letter in text if letter not in SIGNS and not letter.isspace()]


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("(a red sky:50)", "may have weights from -10 to 10, brackets in brackets multiplied; 'a red sky' has 50"),
        ("(" * 30 + "sky", "may have weights from -10 to 10, brackets in brackets multiplied; 'sky' has 17.45"),
        ("BREAK " * (MAX_BREAKS + 1), "may have 20 BREAKs, this has 21"),
    ],
)
def test_what_would_leave_nothing_of_a_picture_is_refused_in_a_sentence(prompt, sentence):
    with pytest.raises(PromptUnfit, match="^" + sentence + "$"):
        refuse_unfit(prompt)


def test_what_people_write_is_not_refused():
    refuse_unfit("((((masterpiece)))), (blue:1.6) sky, [[clouds]] BREAK a (hill:0.2)")
