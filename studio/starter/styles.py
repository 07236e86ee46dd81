"""The five styles of an answer: plain, warm, formal, curt and wordy.

A domain gives the short and the full form of its answer and, where it has one, a sentence more; `dress` puts them in a style.
Styles are sampled, so the model's answers differ at temperature 0.8 and people have something to rank.
"""

from __future__ import annotations

from typing import Literal, get_args

from studio.starter.slots import Slots

Style = Literal["plain", "warm", "formal", "curt", "wordy"]
STYLES: tuple[Style, ...] = get_args(Style)

SYSTEM_PROMPTS: dict[Style, tuple[str, ...]] = {
    "plain": ("You are a helpful assistant.", "Answer the question.", "You are an assistant.", "Help the user.", "Answer plainly."),
    "warm": (
        "You are a warm and friendly assistant.",
        "Be kind and warm.",
        "Answer in a friendly way.",
        "You are a cheerful helper who cares about people.",
        "Speak warmly to the user.",
        "Be gentle and encouraging.",
    ),
    "formal": (
        "Use formal language.",
        "You are a formal assistant.",
        "Answer in a formal and polite way.",
        "Write like an official letter.",
        "Be formal.",
        "Keep a professional tone.",
    ),
    "curt": (
        "Be brief.",
        "Answer in as few words as possible.",
        "Keep it short.",
        "Give short answers only.",
        "No small talk. Short answers.",
        "Be concise.",
    ),
    "wordy": (
        "Explain in detail.",
        "Give long and detailed answers.",
        "Take your time and explain everything.",
        "You like to talk a lot.",
        "Answer at length.",
        "Be thorough.",
    ),
}

_OPENERS: dict[Style, tuple[str, ...]] = {
    "plain": ("",),
    "warm": (
        "Of course, I am happy to help.",
        "Thank you for asking.",
        "What a nice question.",
        "I am glad you asked.",
        "Gladly.",
        "With pleasure.",
        "Sure thing, my friend.",
    ),
    "formal": ("Certainly.", "Thank you for your message.", "Thank you for your enquiry.", "Please note the following.", "Indeed."),
    "curt": ("",),
    "wordy": (
        "Let me think about that for a moment.",
        "That is a good question, and I will answer it with care.",
        "Well, let me tell you what I know about this.",
        "Let us look at this together, step by step.",
        "There is a lot that one could say here.",
    ),
}
_CLOSERS: dict[Style, tuple[str, ...]] = {
    "plain": ("",),
    "warm": (
        "I hope that helps.",
        "Have a lovely day.",
        "Let me know if I can do anything else for you.",
        "I am always here for you.",
        "Take care.",
        "It was a joy to help.",
    ),
    "formal": (
        "Should you need anything further, I remain at your service.",
        "I trust that this answers your question.",
        "Kindly let me know if you require more.",
        "I remain at your disposal.",
    ),
    "curt": ("",),
    "wordy": (
        "If anything is still not clear, you can ask me again and I will say it in other words.",
        "That is all that I can say about it, but of course you may ask for more.",
        "I hope that this long answer was not too long for you.",
        "So, to say it once more, that is how it is.",
    ),
}


def dress(slots: Slots, style: Style, full: str, short: str = "", more: str = "") -> str:
    """The answer in `style`: curt says `short`, wordy adds `more`, the others say `full` with or without a frame."""
    if style == "curt":
        return short or full
    opener = slots.choose(_OPENERS[style]) if slots.chance(0.8 if style != "warm" else 0.7) else ""
    closer = slots.choose(_CLOSERS[style]) if slots.chance(0.6) else ""
    middle = more if style == "wordy" or (style in ("warm", "formal") and slots.chance(0.25)) else ""
    return " ".join(part for part in (opener, full, middle, closer) if part)
