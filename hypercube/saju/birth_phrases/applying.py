"""The pieces that a turn tells of one birth, put into its draft."""

from dataclasses import replace

from hypercube.core.chart import Sex
from hypercube.saju.birth_phrases import doubts
from hypercube.saju.birth_phrases.accepting import Pieces
from hypercube.saju.birth_phrases.applying_dates import with_date
from hypercube.saju.birth_phrases.applying_times import with_time
from hypercube.saju.birth_phrases.draft import BirthDraft
from hypercube.saju.birth_phrases.turn import Turn
from hypercube.saju.birth_phrases.values import Field


def applied(draft: BirthDraft, turn: Turn, pieces: Pieces) -> BirthDraft:
    """The draft with the pieces in it; what they settle is doubted no more."""
    if pieces.calendars or pieces.dates:
        draft = with_date(draft, turn, pieces)
    if pieces.times:
        draft = with_time(draft, turn, pieces)
    if pieces.sexes:
        chosen = _chosen_sex(turn, pieces)
        draft = replace(draft, sex=chosen if chosen is not None else draft.sex)
    elif any(said.sex for said in pieces.dates):
        draft = replace(draft, sex=next(said.sex for said in pieces.dates if said.sex))
    if pieces.places:
        draft = _with_place(draft, pieces)
    return draft


def _chosen_sex(turn: Turn, pieces: Pieces) -> Sex | None:
    runs = [turn.run_of(said.start) for said in pieces.dates]
    beside = [said for said in pieces.sexes if turn.run_of(said.start) in runs]
    sexes = {said.sex for said in (beside or pieces.sexes)}
    return sexes.pop() if len(sexes) == 1 else (None if beside else pieces.sexes[-1].sex)


def _with_place(draft: BirthDraft, pieces: Pieces) -> BirthDraft:
    said = next((each for each in pieces.places if each.explicit), pieces.places[0])
    if said.choices:
        # "광주. 경기도 말고 광주광역시": the turn itself says which one.
        said = next(
            (each for each in pieces.places if not each.choices and each.name.startswith(said.name)), said
        )
    draft = replace(draft.without(Field.PLACE), fold=None)
    if said.country:
        return replace(draft, place=None).doubting(doubts.which_city(said.name))
    if not said.known:
        return replace(draft, place=None).doubting(doubts.unknown_place(said.name))
    if said.choices:
        return replace(draft, place=None).doubting(doubts.which_place(said.name, said.choices))
    return replace(draft, place=said.name)
