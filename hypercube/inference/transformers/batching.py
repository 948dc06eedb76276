"""The library's continuous batching, with our sampling and our way of hearing results; runs in the child.

Written against transformers 5.19, whose parts it extends are not all public: `tests/e2e/test_transformers_engine.py`
holds them to what is used here.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessor,
    ContinuousBatchingLogitsProcessorList,
)
from transformers.generation.continuous_batching.continuous_api import (
    ContinuousBatchingManager,
    OutputRouter,
)
from transformers.generation.logits_process import LogitsProcessorList

from hypercube.inference.transformers.grammar import Grammars, Matcher, UnusableSchemaError
from hypercube.inference.transformers.lora import Adapter, Hooks, key_prefixes
from hypercube.inference.transformers.sampling import Draw, Row, choose, likeliest, rate

PAGE_TOKENS: Final = 32
"""Tokens of one page of the cache: half a page a request is wasted on average, and prefixes are shared by pages."""
CHUNK_TOKENS: Final = 512
"""Tokens of one step: a long prompt is read in pieces, between which the others get their tokens."""
SPARE_PAGES: Final = 2


@dataclass(slots=True)
class Rated:
    """The log-probabilities of a request's tokens in the order of their making, each with the `most` likeliest."""

    most: int
    tokens: list[tuple[float, list[tuple[int, float]]]] = field(default_factory=list)


class RequestSampler(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]
    """Draws for every request by its own `Draw`, and remembers whose logits were no numbers.

    The library asks for each step's arguments right before the step (it must not batch asynchronously). What was drawn
    is written in the place of the library's own choice, which would look through all the logits once more.
    """

    supported_kwargs: dict[str, type] = {"draw": Draw, "adapter": Adapter}  # noqa: RUF012 - as the base class has it
    ignored_kwargs: tuple[str, ...] = ()

    def __init__(self, grammars: Grammars) -> None:
        self.unsound: set[str] = set()
        self.astray: dict[str, str] = {}
        """Requests that their grammar left, and why; they end at their next token."""
        self._grammars = grammars
        self._matchers: dict[str, Matcher] = {}
        self.unsound_in_a_row = 0
        self.rated: dict[str, Rated] = {}
        """What was asked to be told of the tokens of a request: put in and taken out by whoever asks."""
        self._rows: list[Row] = []
        self._drawn: list[int] = []

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """There are none: what is needed is kept here, not on the device."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: Sequence[Any]) -> torch.Tensor:
        """Note who is in the next step."""
        self._rows = []
        for future in requests_with_new_token:
            state = future.state
            # What was generated before the request was moved out of the cache counts as its prompt there.
            prompt = state._true_initial_tokens  # noqa: SLF001 - 0 unless it was moved
            moved = state.initial_tokens[prompt:] if prompt else []
            generated = [*moved, *state.generated_tokens]
            draw = state.logit_processor_kwargs["draw"]
            self._rows.append(Row(state.request_id, draw, generated, len(generated)))
        # Every rank hears of a request's end only by its absence; one that was moved out begins again.
        present = {row.request_id for row in self._rows}
        self._matchers = {name: each for name, each in self._matchers.items() if name in present}
        return torch.zeros(len(self._rows), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """Draw a token for each row; the logits stay as they are."""
        self._drawn = [
            self._draw(row, top, scores[number])
            for number, (row, top) in enumerate(zip(self._rows, likeliest(scores), strict=True))
        ]
        return scores

    def _draw(self, row: Row, top: int | None, logits: torch.Tensor) -> int:
        if top is None:
            # A request may be in one more step before it is gone: it counts once, and its id stays known.
            self.unsound_in_a_row += row.request_id not in self.unsound
            self.unsound.add(row.request_id)
            return 0
        self.unsound_in_a_row = 0
        held = self._constrained(logits, row)
        token = choose(held, row, top if held is logits else None)
        rated = self.rated.get(row.request_id)
        if rated is not None:
            rated.tokens.append(rate(logits, token, rated.most))
        return token

    def _constrained(self, logits: torch.Tensor, row: Row) -> torch.Tensor:
        if row.draw.schema is None or row.request_id in self.astray:
            return logits
        matcher = self._matchers.get(row.request_id)
        try:
            if matcher is None:
                matcher = self._matchers[row.request_id] = self._grammars.matcher(row.draw.schema)
            return matcher.constrain(logits, row.generated)
        except UnusableSchemaError as error:
            self.astray[row.request_id] = str(error)
            return logits

    def forget(self, request_id: str) -> None:
        """A request is over."""
        self.rated.pop(request_id, None)
        self.astray.pop(request_id, None)

    def write(self, scores: torch.Tensor, output_ids: torch.Tensor) -> None:
        """Give the library the tokens drawn: `output_ids` (at least 1, requests) int32."""
        output_ids[0, : len(self._drawn)] = torch.tensor(self._drawn, dtype=output_ids.dtype)


class _Router(OutputRouter):  # type: ignore[misc]
    """Hands every step's results to the event loop at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Callable[[Any], None]) -> None:
        super().__init__()
        self._loop = loop
        self._receive = receive

    def deliver(self, output: Any) -> None:
        self._loop.call_soon_threadsafe(self._receive, output)

    def deliver_batch(self, outputs: list[Any]) -> None:
        self._loop.call_soon_threadsafe(self._receive_all, outputs)

    def _receive_all(self, outputs: list[Any]) -> None:
        for output in outputs:
            self._receive(output)


class Batching(ContinuousBatchingManager):  # type: ignore[misc]
    """A model's continuous batching.

    Args:
        model: a causal model with attention "sdpa".
        tokenizer: the model's, for answers that keep to a schema.
        slots: requests at once.
        context_length: tokens of prompt and answer together; the cache holds `slots` times as many.
        eos: token ids that end an answer.
        receive: hears, on the event loop, each result (a token more, an end, a failure).
        crash: hears, on the batching's own thread, what broke the generation for good.
        adapters: whether requests may come with LoRA adapters (`adapter=` of `add_request`).
    """

    def __init__(
        self,
        model: Any,
        *,
        tokenizer: Any,
        slots: int,
        context_length: int,
        eos: Sequence[int],
        loop: asyncio.AbstractEventLoop,
        receive: Callable[[Any], None],
        crash: Callable[[Exception], None],
        adapters: bool = False,
    ) -> None:
        pages = -(-context_length // PAGE_TOKENS) + 1
        super().__init__(
            model,
            # -1 is "none" there.
            GenerationConfig(do_sample=False, eos_token_id=list(eos) or -1, pad_token_id=0),
            ContinuousBatchingConfig(
                page_size=PAGE_TOKENS,
                num_blocks=slots * pages + SPARE_PAGES,
                max_batch_tokens=max(CHUNK_TOKENS, slots),
                max_requests_per_batch=slots,
                max_blocks_per_request=0,
                use_async_batching=False,
                use_cuda_graph=False,
                auto_switch_to_flash=False,
            ),
        )
        self.current_batch = 0
        self.grammars = Grammars(tokenizer, eos)
        self.sampler = RequestSampler(self.grammars)
        self.logit_processor = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([self.sampler]))
        self.logit_processor.tensors_required = 1
        self.output_router = _Router(loop, receive)
        self._crash = crash
        self._keyed = False
        self._hooks: Hooks | None = None
        if adapters:
            self._hooks = Hooks(model)
            model.register_forward_pre_hook(self._begin_step)

    def _begin_step(self, model: Any, args: Any) -> None:
        """The library has laid the next step out: tell the hooks whose tokens it computes."""
        if self._hooks is not None and self.batch_processor is not None:
            self._hooks.begin(self.batch_processor.inputs_and_outputs.requests_in_batch)

    def _create_batch_processor(self) -> Any:
        processor = super()._create_batch_processor()
        if self._hooks is not None and not self._keyed:
            key_prefixes(processor)
            self._keyed = True
        processor.model_runner._sample = self.sampler.write  # noqa: SLF001 - its way of choosing tokens
        return processor

    def _handle_critical_error(self, error: Exception, batch_processor: Any) -> None:
        self._crash(error)
        super()._handle_critical_error(error, batch_processor)
