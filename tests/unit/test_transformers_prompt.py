"""What a model without a chat template reads."""

from types import SimpleNamespace

from hypercube.core.engine import ChatMessage
from hypercube.inference.transformers.prompt import PLAIN_STOPS, Prompts


def test_a_base_model_reads_titled_turns_and_stops_before_the_next() -> None:
    prompts = Prompts(SimpleNamespace(chat_template=None))
    turns = (
        ChatMessage("system", "Be brief."),
        ChatMessage("user", "갑목?"),
        ChatMessage("assistant", "Wood."),
        ChatMessage("user", "And 병?"),
    )
    assert prompts.render(turns) == (
        "System: Be brief.\nUser: 갑목?\nAssistant: Wood.\nUser: And 병?\nAssistant:"
    )
    assert prompts.stops == PLAIN_STOPS
    assert Prompts(SimpleNamespace(chat_template="{{ messages }}")).stops == ()
