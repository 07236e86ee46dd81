"""What a person says of the answers in a conversation: good or not, a better text, which of two models answered better.

The functions take a talk (see `app/conversation.py`) and give it back with what stands in the store: `given` at each answer, `pair` for the
last answers of two models, `note` for what was done last. All of it is kept by `studio/feedback/chat.py`. To offer another judgement, add
it to `rate` and a button to `app/transcript.py`.
"""

from __future__ import annotations

from typing import Any

from app.conversation import Message, Talk, better, spoken
from studio.errors import FeedbackError
from studio.feedback import chat
from studio.feedback.answers import Answer
from studio.feedback.chat import ChatAnswer
from studio.workspace import Workspace

MARKS = {"up": True, "down": False}
PREFERENCES = {"better": -chat.BETTER, "same": 0, "worse": chat.BETTER}
"""What is said of the left answer against the right one, as a strength."""
WHOLE = ("stop", "length")
KEPT_WORDS = "Kept in the project"
BACK_WORDS = "Taken back from the project"


def judgeable(message: Message) -> bool:
    """Whether a message is a whole answer of a model: not half written, not stopped, not rewritten by a person, not a label."""
    if message["role"] != "assistant" or not message["content"].strip() or message.get("probabilities"):
        return False
    if message.get("edited") and not message.get("original"):
        return False
    return message.get("tokens") is None or message.get("finish_reason") in WHOLE


def answer_at(talk: Talk, side: int, index: int) -> ChatAnswer:
    """The model's answer at `index`, with all that stood before it."""
    messages = talk["sides"][side]
    return _answer(messages[index], spoken(messages[:index], messages[index].get("system", "")))


def _answer(said: Message, prompt: list[Message], followed: list[Message] | None = None) -> ChatAnswer:
    if not judgeable(said):
        raise FeedbackError("This answer cannot be judged.", "Wait until the model has written it, or ask again.")
    sampling = said.get("sampling") or {}
    return ChatAnswer(
        prompt, str(said.get("model", "")), said.get("original", said["content"]), followed, said.get("tokens") or 0,
        said.get("seconds") or 0.0, said.get("finish_reason") or "stop", sampling, sampling.get("seed"), said.get("dropped_messages") or 0,
    )  # fmt: skip


def pair_of(talk: Talk) -> tuple[ChatAnswer, ChatAnswer] | None:
    """The last answers of two models to the same question, if they can be compared.

    Where the models went different ways earlier, the prompt ends with the last question that both were asked after the same words, and all
    that each model answered since stands against the other's.
    """
    left, right = talk["sides"]
    if not left or len(left) != len(right) or not (judgeable(left[-1]) and judgeable(right[-1])):
        return None
    system = left[-1].get("system", "")
    first, second = spoken(left), spoken(right)
    parted = next((i for i, (one, other) in enumerate(zip(first, second, strict=True)) if one != other), len(first) - 1)
    since = [*left[parted:], *right[parted:]]
    if left[-1].get("model") == right[-1].get("model") or system != right[-1].get("system", "") or left[parted]["role"] != "assistant":
        return None
    if any(m.get("edited") for m in since):
        return None
    sides = []
    for last, messages in ((left[-1], first), (right[-1], second)):
        followed = messages[parted:]
        sides.append(_answer(last, spoken(messages[:parted], system), followed if len(followed) > 1 else None))
    return sides[0], sides[1]


def remember(ws: Workspace, person_id: int, talk: Talk) -> Talk:
    """The talk with what the person says at present of each of its answers."""
    sides = [[{name: value for name, value in m.items() if name != "given"} for m in side] for side in talk["sides"]]
    places = [(s, i) for s, side in enumerate(sides) for i, m in enumerate(side) if judgeable(m)]
    found = chat.given(ws, person_id, [answer_at(talk, *place) for place in places])
    for (side, index), given in zip(places, found, strict=True):
        message = sides[side][index]
        message["given"] = {
            "acceptable": given.acceptable,
            "improved": given.edited is not None and given.edited == message["content"],
            "against": [list(each) for each in given.against],
        }
    pair = pair_of(talk)
    stands = chat.said(ws, person_id, pair) if pair else None
    return {**talk, "sides": sides, "pair": {"strength": stands.strength if stands else None} if pair else None}


def standing(pair: dict[str, Any], side: int) -> dict[str, int | None]:
    """How the last answer of one side stands against the other's: a positive `strength` says that it is better."""
    strength = pair["strength"]
    return {"strength": strength if strength is None or side == 1 else -strength}


def rate(ws: Workspace, person_id: int, talk: Talk, side: int, index: int, what: str) -> Talk:
    """What the person pressed at an answer: `up`, `down`, `better`, `same`, `worse`; pressed again, it is taken back. `original` takes a
    better text back, `undo` the last thing done. Raises `FeedbackError`."""
    if what == "undo":
        return _undone(ws, person_id, talk)
    if what == "original":
        return improve(ws, person_id, talk, side, index, answer_at(talk, side, index).text)
    if what in PREFERENCES:
        pair = pair_of(talk)
        if pair is None or index != len(talk["sides"][side]) - 1:
            raise FeedbackError("These answers cannot be compared any more.", "Ask both models again.")
        strength = PREFERENCES[what] if side == 0 else -PREFERENCES[what]
        stands = chat.said(ws, person_id, pair)
        back = stands is not None and stands.strength == strength
        before = chat.prefer(ws, person_id, *pair, None if back else strength)
    elif what in MARKS:
        answer = answer_at(talk, side, index)
        back = chat.given(ws, person_id, [answer])[0].acceptable is MARKS[what]
        before = chat.mark(ws, person_id, answer, None if back else MARKS[what])
    else:
        raise FeedbackError(f"{what} is no judgement.", "Use the buttons below an answer.")
    return remember(ws, person_id, _noted(talk, side, index, before, back, "pair" if what in PREFERENCES else "mark"))


def improve(ws: Workspace, person_id: int, talk: Talk, side: int, index: int, text: str) -> Talk:
    """Keep `text` as better than the answer at `index`, and let it stand there; the model's own text takes that back."""
    answer = answer_at(talk, side, index)
    back = text == answer.text
    before = chat.improve(ws, person_id, answer, None if back else text)
    return remember(ws, person_id, _noted(better(talk, side, index, text), side, index, before, back, "improve"))


def _noted(talk: Talk, side: int, index: int, before: Answer | None, back: bool, kind: str) -> Talk:
    """The talk with a note at the answer that was judged; `before` is what `undo` puts back."""
    stood = before.model_dump(mode="json", exclude_defaults=True) if before else None
    return {**talk, "note": {"side": side, "index": index, "words": BACK_WORDS if back else KEPT_WORDS, "before": stood, "kind": kind}}


def _undone(ws: Workspace, person_id: int, talk: Talk) -> Talk:
    note: dict[str, Any] | None = talk.get("note")
    if note is None:
        raise FeedbackError("There is nothing to undo here.", "Press the button of a judgement again to take it back.")
    side, index = note["side"], note["index"]
    before = Answer.model_validate(note["before"]) if note["before"] is not None else None
    if note["kind"] == "pair":
        pair = pair_of(talk)
        if pair is None:
            raise FeedbackError("These answers cannot be compared any more.", "Ask both models again.")
        chat.say(ws, person_id, pair, before)
    else:
        answer = answer_at(talk, side, index)
        chat.say(ws, person_id, [answer], before)
        if note["kind"] == "improve":
            talk = better(talk, side, index, before.edited if before and before.edited is not None else answer.text)
    return remember(ws, person_id, {**talk, "note": None})
