"""A conversation about a chart, as pure functions: what a turn asks, of whom, and the written answer to it.

    planned         what a turn asks: sections of the reading, facts by name, a year, two people; or nothing of a chart
    told, people    whose births the user's turns give, what lacks, what is asked next
    Known, facts_said   answers to fact questions, by rule
    year_said       a year asked about
    month_said      next month
    Written         an answer that grows paragraph by paragraph and is checked as it does
    fitted          the turns that a model's context holds, the facts always among them

No model, no network, no clock; `hypercube.cubes.feature.saju_chat` is the cube that talks.
"""

from hypercube.saju.conversation.asked import Asked, FactQuestion, FactTopic
from hypercube.saju.conversation.budget import fitted, room_of, tokens
from hypercube.saju.conversation.compose import Paragraph, Written, facts_said
from hypercube.saju.conversation.known import Known
from hypercube.saju.conversation.language import language_of
from hypercube.saju.conversation.month import month_said
from hypercube.saju.conversation.people import People, birth_of, people, told
from hypercube.saju.conversation.planner import planned
from hypercube.saju.conversation.year import year_said

__all__ = [
    "Asked",
    "FactQuestion",
    "FactTopic",
    "Known",
    "Paragraph",
    "People",
    "Written",
    "birth_of",
    "facts_said",
    "fitted",
    "language_of",
    "month_said",
    "people",
    "planned",
    "room_of",
    "tokens",
    "told",
    "year_said",
]
