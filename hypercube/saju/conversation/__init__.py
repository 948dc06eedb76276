"""A conversation about a chart, as pure functions: what a turn asks, of whom, and the written answer to it.

    planned         what a turn asks: sections of the reading, facts by name, a year, two people; or nothing of a chart
    told, people    whose births the user's turns give, what lacks, what is asked next
    Known, facts_said   answers to fact questions, by rule
    year_said       a year asked about
    month_said      next month
    day_said        a day
    ages_said       ages, by the luck pillars that run in them
    when_said       when something may come, of which no date is told
    meaning_said    what a term means
    referred        which turn a follow-up (더 자세히) goes on with
    Written         an answer that grows paragraph by paragraph and is checked as it does
    fitted          the turns that a model's context holds, the facts always among them

No model, no network, no clock; `hypercube.cubes.feature.saju_chat` is the cube that talks.
"""

from hypercube.saju.conversation.ages import ages_said, begins_said, covering, period_said, when_said
from hypercube.saju.conversation.asked import Asked, FactQuestion, FactTopic
from hypercube.saju.conversation.budget import fitted, room_of, tokens
from hypercube.saju.conversation.compose import Paragraph, Written, facts_said
from hypercube.saju.conversation.day import day_said
from hypercube.saju.conversation.done_without import birth_of
from hypercube.saju.conversation.following import of_that_day, of_two, once_more, referred
from hypercube.saju.conversation.known import Known
from hypercube.saju.conversation.language import language_of
from hypercube.saju.conversation.meanings import meaning_said
from hypercube.saju.conversation.month import month_said
from hypercube.saju.conversation.people import People, people, told
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
    "ages_said",
    "begins_said",
    "birth_of",
    "covering",
    "day_said",
    "facts_said",
    "fitted",
    "language_of",
    "meaning_said",
    "month_said",
    "of_that_day",
    "of_two",
    "once_more",
    "people",
    "period_said",
    "planned",
    "referred",
    "room_of",
    "tokens",
    "told",
    "when_said",
    "year_said",
]
