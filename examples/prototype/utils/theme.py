"""The look of the page: quiet surfaces, the fonts of the visitor's system, and one accent colour, `APP_ACCENT`.

It is used while `APP_THEME` is `default`; change it as you like. https://www.gradio.app/guides/theming-guide
"""

from typing import Any, cast

import gradio as gr
from gradio import themes

from utils.settings import Settings

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")
READABLE = 4.5
"""Contrast of text that everybody can read (https://www.w3.org/TR/WCAG22/#contrast-minimum)."""
WHITE, BLACK = (255, 255, 255), (0, 0, 0)

Colour = tuple[int, int, int]
"""Red, green and blue, each from 0 to 255."""


def build_theme(settings: Settings) -> gr.Theme:
    """Build the theme."""
    theme = themes.Base(
        primary_hue=shades(settings.accent),
        neutral_hue=themes.colors.zinc,
        radius_size=themes.sizes.radius_md,
        font=FONT,
        font_mono=MONO,
    )
    return cast("Any", theme).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_shadow="none",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_title_text_weight="500",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        input_border_width="1px",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_600",
        button_border_width="1px",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )


def shades(accent: str) -> themes.Color:
    """Mix the shades of a colour: from a hint of it, over one on which white text can be read, to nearly black.

    Args:
        accent: As in CSS, `#0f766e`.

    """
    colour: Colour = (int(accent[1:3], 16), int(accent[3:5], 16), int(accent[5:7], 16))
    strong = next(
        dark for share in range(101) if contrast(dark := mixed(colour, BLACK, share / 100), WHITE) >= READABLE
    )
    light = [mixed(strong, WHITE, share) for share in (0.95, 0.88, 0.75, 0.6, 0.4, 0.15)]
    dark = [mixed(strong, BLACK, share) for share in (0.2, 0.4, 0.55, 0.7)]
    return themes.Color(*map(css, [*light, strong, *dark]), name="accent")


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """Mix a share, 0 to 1, of another colour into one."""
    red, green, blue = (round(own + (to - own) * share) for own, to in zip(colour, other, strict=True))
    return red, green, blue


def css(colour: Colour) -> str:
    """Write a colour for CSS."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def contrast(one: Colour, other: Colour) -> float:
    """Give the contrast of two colours, from 1 to 21 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Colour) -> float:
    """Give the relative luminance of a colour, from 0 to 1 (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
