"""How the page looks as far as gradio's theme decides it; the rest stands in `assets/style.css`.

Bundled fonts only, in weights 400 and 700: the bundled semi-bold files lack the capital letters.
"""

from __future__ import annotations

from functools import cache

import gradio as gr

from studio.workspace import assets_dir


@cache
def script(name: str) -> str:
    """The text of a script in `assets/js`, for a component's `js_on_load`."""
    return (assets_dir() / "js" / name).read_text(encoding="utf-8")


def head() -> str:
    """What goes into the page's head: the helpers that our own components share."""
    return "".join(f"<script>{script(name)}</script>" for name in ("shared.js", "keys.js", "busy.js", "person.js"))


def theme() -> gr.themes.Base:
    """A calm, dense theme with one accent colour (indigo) and small buttons."""
    sans = gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700))
    mono = gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700))
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        secondary_hue=gr.themes.colors.slate,
        neutral_hue=gr.themes.colors.slate,
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_sm,
        text_size=gr.themes.sizes.text_sm,
        font=(sans, "system-ui", "sans-serif"),
        font_mono=(mono, "ui-monospace", "monospace"),
    )
    return base.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_size="14px",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_label_text_weight="400",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_weight="400",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        input_background_fill="white",
        input_background_fill_dark="*neutral_950",
        input_border_width="1px",
        button_border_width="1px",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        button_large_text_weight="700",
        button_medium_text_weight="400",
        button_small_text_weight="400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        layout_gap="12px",
        block_padding="10px 12px",
        shadow_drop="none",
        block_shadow="none",
    )
