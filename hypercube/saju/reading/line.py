"""A sentence as the writer hands it on: with what it claims, worked out when somebody asks, and its verdicts."""

from dataclasses import dataclass

from hypercube.core.reading import ReadingSentence
from hypercube.saju.grounding.claims import Claim, claims
from hypercube.saju.grounding.forms import Form
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.judged import Judged, Verdicts, judge


@dataclass(slots=True)
class Line:
    """A sentence that the book keeps."""

    sentence: ReadingSentence
    _known: dict[str, Judged]
    """By text: the same is said by many lines, which cite other facts."""
    _judged: Judged | None = None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What the checker's extractor finds in the text."""
        return self._kept().claims

    def verdicts(self, ground: Ground) -> Verdicts:
        """What becomes of each claim in a chart."""
        return (self._judged or self._kept()).verdicts(ground)

    def _kept(self) -> Judged:
        found = self._judged
        if found is None:
            text = self.sentence.text
            if (found := self._known.get(text)) is None:
                found = self._known[text] = Judged(claims(text))
            self._judged = found
        return found


@dataclass(slots=True)
class FormedLine:
    """A sentence of a form, which hardly comes again."""

    sentence: ReadingSentence
    form: Form
    values: tuple[str, ...]
    """In the slots of the form."""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What the checker's extractor finds in the text."""
        return self.form.claims(self.values)

    def verdicts(self, ground: Ground) -> Verdicts:
        """What becomes of each claim in a chart."""
        return judge(self.form.claims(self.values), ground)
