"""Metadata suggests names and trigger words, and whatever it holds does no harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loras.weights.hints import MAX_CHARS, MAX_TRIGGERS, hints_of


def test_modelspec_says_it_best():
    said = {"modelspec.title": "Kite", "modelspec.architecture": "sdxl/lora", "modelspec.trigger_phrase": "a kite"}
    hints = hints_of({**said, "ss_output_name": "kite-000010", "ss_tag_frequency": '{"10_kite": {"sky": 3}}'})
    assert (hints.title, hints.base, hints.triggers) == ("Kite", "sdxl/lora", ("a kite",))


def test_kohyas_fields_stand_in():
    frequency = json.dumps({"10_kite": {"sky": 3, "red kite": 10}, "5_more": {"sky": 9, "sea": 1}})
    hints = hints_of(
        {"ss_output_name": "kite", "ss_base_model_version": "sdxl_base_v1-0", "ss_tag_frequency": frequency}
    )
    assert (hints.title, hints.base) == ("kite", "sdxl_base_v1-0")
    assert hints.triggers == ("sky", "red kite", "sea")


def test_no_metadata_suggests_nothing():
    hints = hints_of({})
    assert (hints.title, hints.base, hints.triggers) == ("", "", ())


def test_text_is_one_short_printable_line():
    assert hints_of({"ss_output_name": "a\nb\0c\u202ed" + "e" * 10_000}).title == "a b c d" + "e" * (MAX_CHARS - 7)


@pytest.mark.parametrize(
    "frequency", ["", "[]", "{", "[" * 10_000, '{"a": 1}', '{"a": {"b": "c"}}', '{"a": {"b": true}}']
)
def test_a_tag_frequency_that_is_none(frequency):
    assert hints_of({"ss_tag_frequency": frequency}).triggers == ()


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers() | st.floats() | st.none())))
def test_any_tag_frequency_suggests_few_short_lines(frequency):
    triggers = hints_of({"ss_tag_frequency": json.dumps(frequency)}).triggers
    assert len(triggers) <= MAX_TRIGGERS
    assert all(len(trigger) <= MAX_CHARS and trigger.splitlines() == [trigger] for trigger in triggers)
