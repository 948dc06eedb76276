"""A reading in a caller's schema: its own sentences, in their places, or a refusal that says why."""

from typing import Any

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.reading import Reading, ReadingLanguage, ReadingOptions, ReadingSection
from hypercube.saju.interpretation import interpret
from hypercube.saju.reading.form import Form
from tests.unit.reading_charts import random_charts

TEXT: dict[str, Any] = {"type": "string"}
LIST: dict[str, Any] = {"type": "array", "items": TEXT}


@pytest.fixture(scope="module")
def reading() -> Reading:
    return interpret(random_charts(1, 7)[0], ReadingOptions())


def form(properties: dict[str, Any], **more: Any) -> Form:
    return Form({"type": "object", "properties": properties, **more}, "schema")


def said(reading: Reading, section: ReadingSection) -> list[str]:
    (found,) = [each for each in reading.sections if each.section is section]
    return [sentence.text for sentence in found.sentences]


@pytest.mark.parametrize("language", ReadingLanguage)
def test_every_section_goes_by_its_id_and_its_title(language: ReadingLanguage) -> None:
    reading = interpret(random_charts(1, 8)[0], ReadingOptions(language=language))
    for section in reading.sections:
        for name in (section.section, section.title, section.title.upper()):
            schema = form({name: LIST})
            assert schema.sections == (section.section,)
            assert schema.fill(reading).values == {name: said(reading, section.section)}


def test_texts_are_the_reading_s_own_sentences_with_their_facts(reading: Reading) -> None:
    schema = form(
        {
            "summary": TEXT,
            "성격": LIST,
            "outlook": {"type": "object", "properties": {"money": TEXT, "올해": LIST}, "required": ["money"]},
            "free": {**TEXT, "description": "무슨 일이 맞는지, 직업에 대해"},
            "ignored": TEXT,
            "nothing": {"type": ["string", "null"]},
        },
        required=["summary", "성격", "outlook", "nothing"],
        additionalProperties=False,
    )
    assert schema.sections == tuple(ReadingSection), "a summary needs them all"
    filled = schema.fill(reading)
    sections = {each.section: each for each in reading.sections}
    assert filled.values == {
        "summary": " ".join(each.sentences[0].text for each in reading.sections),
        "성격": said(reading, ReadingSection.TEMPER),
        "outlook": {
            "money": " ".join(said(reading, ReadingSection.WEALTH)),
            "올해": said(reading, ReadingSection.NOW),
        },
        "free": " ".join(said(reading, ReadingSection.WORK)),
        "nothing": None,
    }
    assert set(filled.sources) == {"summary", "성격", "outlook.money", "outlook.올해", "free"}
    facts = {fact for each in sections[ReadingSection.WEALTH].sentences for fact in each.facts}
    assert set(filled.sources["outlook.money"]) == facts


def test_only_what_is_needed_is_written_and_an_object_is_there_though_empty(reading: Reading) -> None:
    schema = form({"advice": TEXT, "more": {"type": "object", "properties": {"x": TEXT}}}, required=["more"])
    assert schema.sections == (ReadingSection.ADVICE,)
    assert schema.fill(reading).values["more"] == {}
    assert form({"luck": TEXT, "temper": TEXT}).sections == (ReadingSection.TEMPER, ReadingSection.LUCK)


def test_limits_are_kept_by_whole_sentences(reading: Reading) -> None:
    texts = said(reading, ReadingSection.TEMPER)
    room = len(texts[0]) + 1 + len(texts[1])
    for most, count in ((room, 2), (room - 1, 1), (room + 1, 2)):
        schema = form({"temper": {**TEXT, "maxLength": most}})
        assert schema.fill(reading).values == {"temper": " ".join(texts[:count])}
    for most in (0, 2):
        assert form({"temper": {**LIST, "maxItems": most}}).fill(reading).values == {"temper": texts[:most]}
    with pytest.raises(HyperCubeError) as caught:
        form({"temper": {**TEXT, "maxLength": 3}}).fill(reading)
    assert caught.value.param == "schema.properties.temper.maxLength"


@pytest.mark.parametrize(
    ("schema", "param"),
    [
        (None, "schema"),
        ([], "schema"),
        ({"type": "array", "items": TEXT}, "schema.type"),
        ({"type": ["object", "null"], "properties": {"advice": TEXT}}, "schema.type"),
        ({"properties": {"advice": TEXT}}, "schema.type"),
        ({"type": "object"}, "schema"),
        ({"type": "object", "properties": []}, "schema.properties"),
        ({"type": "object", "properties": {"advice": TEXT}, "required": "advice"}, "schema.required"),
        ({"type": "object", "properties": {"advice": TEXT}, "required": ["luck"]}, "schema.required"),
        ({"type": "object", "properties": {"colour": TEXT}}, "schema"),
        (
            {"type": "object", "properties": {"advice": TEXT, "colour": TEXT}, "required": ["colour"]},
            "schema.properties.colour",
        ),
        (
            {
                "type": "object",
                "properties": {"x": {**TEXT, "description": "career and money"}},
                "required": ["x"],
            },
            "schema.properties.x",
        ),
        (
            {"type": "object", "properties": {"x": {**TEXT, "description": "a network"}}, "required": ["x"]},
            "schema.properties.x",
        ),
        ({"type": "object", "properties": {"advice": {"type": "integer"}}}, "schema.properties.advice.type"),
        (
            {"type": "object", "properties": {"advice": {"type": ["string", "integer"]}}},
            "schema.properties.advice.type",
        ),
        (
            {"type": "object", "properties": {"advice": {**TEXT, "enum": ["a"]}}},
            "schema.properties.advice.enum",
        ),
        (
            {"type": "object", "properties": {"advice": {"$ref": "#/$defs/a"}}},
            "schema.properties.advice.type",
        ),
        ({"type": "object", "properties": {"advice": {"type": "array"}}}, "schema.properties.advice.items"),
        (
            {"type": "object", "properties": {"advice": {**LIST, "items": {**TEXT, "maxLength": 9}}}},
            "schema.properties.advice.items.maxLength",
        ),
        (
            {"type": "object", "properties": {"advice": {**TEXT, "maxLength": "9"}}},
            "schema.properties.advice",
        ),
        ({"type": "object", "properties": {f"advice{'_' * at}": TEXT for at in range(101)}}, "schema"),
    ],
)
def test_what_cannot_be_honoured_is_refused_before_anything_is_written(schema: Any, param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        Form(schema, "schema")
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, param)
    assert "summary" in (caught.value.fix or "") or "At most" in (caught.value.fix or "")


def test_a_schema_is_filled_so_deep_only() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"advice": TEXT}}
    for _ in range(4):
        schema = {"type": "object", "properties": {"x": schema}}
    assert Form(schema, "schema").sections == (ReadingSection.ADVICE,)
    with pytest.raises(HyperCubeError, match="5 deep"):
        Form({"type": "object", "properties": {"x": schema}}, "schema")
