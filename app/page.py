"""What the tabs of the page share: the studio, and how one tab hands something to another without knowing it.

A tab is `build(page) -> SomeTab`, called by `main.py` inside its `gr.Tab`. Three verbs connect tabs; `main.py` calls `wire()` at the end:

    page.refreshes("data", fn, outputs)                      run when the tab is opened and when the page loads
    page.receives("train_on", fn, outputs, tab="train")      this tab takes datasets to train on: fn(value) -> outputs; `after` may
                                                             hang slower work on the event, which runs once the tab is open
    page.sends("train_on", button.click, [selected])         this button gives one; the receiving tab opens

What is handed over: `train_on` (dataset ref), `train_from` (model name), `chat_with` (model name), `compare` (list of model names),
`open_run` (run name), `open_dataset` (dataset ref), `open_model` (model name), `clone` (run name), `clean_with` (a cleaning step as plain
values, for the open dataset), `label` (number of a comparison whose answers people shall judge).
To add one, name it in `HANDOVERS` and use the verbs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from app.guard import guarded
from app.warm import Warm

if TYPE_CHECKING:
    from studio.session import Studio

Step = tuple[Callable[..., Any], list[Any], list[Any]]
"""A handler with its inputs and its outputs."""

HANDOVERS = ("train_on", "train_from", "chat_with", "compare", "open_run", "open_dataset", "open_model", "clone", "clean_with", "label")


@dataclass(frozen=True)
class _Receiver:
    handler: Callable[..., Any]
    outputs: list[Any]
    tab: str
    after: Callable[[Any], None] | None


@dataclass(frozen=True)
class _Sender:
    trigger: Callable[..., Any]
    inputs: list[Any]


@dataclass
class Page:
    """One page over one studio. `tabs` is set by `main.py` before the first tab is built, `data_tabs` (the parts of the open dataset) by
    the Data tab before the first part is built."""

    studio: Studio
    tabs: gr.Tabs | None = None
    data_tabs: gr.Tabs | None = None
    warm: Warm = field(init=False)
    _receivers: dict[str, _Receiver] = field(default_factory=dict)
    _senders: list[tuple[str, _Sender]] = field(default_factory=list)
    _refreshers: list[tuple[str, list[Step]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.warm = Warm(self.studio)

    @property
    def workspace(self) -> Any:
        return self.studio.workspace

    def dataset_choices(self) -> list[tuple[str, str]]:
        """`(label, ref)` of the newest version of every dataset."""
        from studio.data import store

        return [(f"{v.dataset}  v{v.number}, {v.rows:,} rows, {v.kind}", v.ref) for v in store.list_datasets(self.workspace)]

    def model_choices(self) -> list[tuple[str, str]]:
        """`(label, name)` of every model of the workspace."""
        from studio.models import registry

        return [(f"{m.name}  ({m.kind})" if m.kind != "base" else m.name, m.name) for m in registry.list_models(self.workspace)]

    def refreshes(
        self, tab: str, handler: Callable[..., Any], outputs: Sequence[Any], inputs: Sequence[Any] = (), then: Step | None = None
    ) -> None:
        """Run `handler(*inputs) -> outputs` whenever `tab` is opened, and when the page loads; `then` (handler, inputs, outputs) follows,
        with its inputs as they are by then."""
        self._refreshers.append((tab, [(handler, list(inputs), list(outputs)), *([then] if then else [])]))

    def receives(
        self, what: str, handler: Callable[..., Any], outputs: Sequence[Any], tab: str, after: Callable[[Any], None] | None = None
    ) -> None:
        """`tab` accepts `what` (one of HANDOVERS): `handler(value) -> outputs`, the tab opens, then what `after(event)` hangs on."""
        self._known(what)
        self._receivers[what] = _Receiver(handler, list(outputs), tab, after)

    def sends(self, what: str, trigger: Callable[..., Any], inputs: Sequence[Any]) -> None:
        """`trigger` (for example `button.click`) hands the value of `inputs[0]` over as `what` and opens the tab that takes it."""
        self._known(what)
        self._senders.append((what, _Sender(trigger, list(inputs))))

    def wire(self, demo: gr.Blocks, tab_items: dict[str, gr.Tab]) -> None:
        """Connect all that was announced. Called once, after every tab is built."""
        for tab, steps in self._refreshers:
            for begin in (demo.load, tab_items[tab].select):
                for handler, inputs, outputs in steps:
                    event = begin(guarded(handler), inputs, outputs, show_progress="hidden", api_visibility="private")
                    begin = event.success
        for what, sender in self._senders:
            receiver = self._receivers.get(what)
            if receiver is None:
                raise LookupError(f"nothing receives {what!r}")
            handler = guarded(_unless_empty(receiver.handler, len(receiver.outputs)))
            event = sender.trigger(handler, sender.inputs, receiver.outputs, show_progress="hidden", api_visibility="private")
            opened = event.success(_opener(receiver.tab), sender.inputs, self.tabs, show_progress="hidden", api_visibility="private")
            if receiver.after is not None:
                receiver.after(opened)
        demo.load(self.warm.begin, None, None, show_progress="hidden", api_visibility="private")

    @staticmethod
    def _known(what: str) -> None:
        if what not in HANDOVERS:
            raise LookupError(f"{what!r} is not one of {', '.join(HANDOVERS)}")


def _unless_empty(handler: Callable[..., Any], outputs: int) -> Callable[[Any], Any]:
    """`handler`, except that nothing (an empty name, no selection) changes nothing."""

    def receive(value: Any) -> Any:
        if not value:
            return gr.skip() if outputs == 1 else [gr.skip()] * outputs
        return handler(value)

    return receive


def _opener(tab: str) -> Callable[[Any], Any]:
    def open_tab(value: Any) -> Any:
        return gr.Tabs(selected=tab) if value else gr.skip()

    return open_tab
