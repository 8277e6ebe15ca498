"""How the page looks: neutral greys, which do not colour the judgement of pictures, and one pigment, ultramarine.

Fonts are those of the system; nothing is fetched from elsewhere. Text meets WCAG AA on every ground it stands on, in
light and dark.
"""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent
CSS = (_HERE / "style.css").read_text(encoding="utf-8")
HEAD = "".join(f"<script>{(_HERE / name).read_text(encoding='utf-8')}</script>" for name in ("closeup.js", "page.js"))

ULTRAMARINE = gr.themes.Color(
    name="ultramarine",
    c50="#eef1ff",
    c100="#dfe5ff",
    c200="#c3cdff",
    c300="#9fb0ff",
    c400="#7a8ff5",
    c500="#4f67e0",
    c600="#2f49c6",
    c700="#2639a0",
    c800="#212f7d",
    c900="#1c2761",
    c950="#131a40",
)
GREY = gr.themes.Color(
    name="grey",
    c50="#fafafa",
    c100="#f3f3f3",
    c200="#e4e4e4",
    c300="#d2d2d2",
    c400="#8c8c8c",
    c500="#737373",
    c600="#585858",
    c700="#3c3c3c",
    c800="#262626",
    c900="#1b1b1b",
    c950="#121212",
)
_SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "Arial", "sans-serif")
_MONOSPACE = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


def bitbrush_theme() -> gr.themes.Base:
    """The theme, for ``launch(theme=…)``."""
    theme = gr.themes.Base(
        primary_hue=ULTRAMARINE,
        secondary_hue=ULTRAMARINE,
        neutral_hue=GREY,
        radius_size=gr.themes.sizes.radius_sm,
        font=[gr.themes.Font(name) for name in _SYSTEM],
        font_mono=[gr.themes.Font(name) for name in _MONOSPACE],
    )
    return theme.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_color="#1a1a1a",
        body_text_color_dark="#ededed",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="#adadad",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_800",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        color_accent="*primary_600",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="#232a4d",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_700",
        block_shadow="none",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="#adadad",
        block_title_text_color="#1a1a1a",
        block_title_text_color_dark="#ededed",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="#adadad",
        input_background_fill="white",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_400",
        input_border_color_dark="*neutral_500",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_300",
        input_border_width="1px",
        slider_color="*primary_600",
        slider_color_dark="*primary_300",
        loader_color="*primary_600",
        loader_color_dark="*primary_300",
        checkbox_label_background_fill="white",
        checkbox_label_background_fill_dark="*neutral_950",
        checkbox_label_background_fill_selected="*primary_50",
        checkbox_label_background_fill_selected_dark="#232a4d",
        checkbox_label_border_color="*neutral_300",
        checkbox_label_border_color_dark="*neutral_700",
        checkbox_label_border_color_selected="*primary_600",
        checkbox_label_border_color_selected_dark="*primary_300",
        checkbox_label_text_color="#1a1a1a",
        checkbox_label_text_color_dark="#ededed",
        checkbox_label_text_color_selected="*primary_800",
        checkbox_label_text_color_selected_dark="*primary_100",
        checkbox_label_padding="6px 10px",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_500",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_400",
        checkbox_border_color_selected="*primary_600",
        checkbox_border_color_selected_dark="*primary_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_300",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_200",
        button_primary_text_color="white",
        button_primary_text_color_dark="*primary_950",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_400",
        button_secondary_border_color_dark="*neutral_500",
        button_secondary_text_color="#1a1a1a",
        button_secondary_text_color_dark="#ededed",
        button_border_width="1px",
        error_border_color="#b3261e",
        error_border_color_dark="#ffb4ab",
        error_text_color="#8c1d18",
        error_text_color_dark="#ffb4ab",
        error_background_fill="#fdecea",
        error_background_fill_dark="#3b1512",
        error_icon_color="#b3261e",
        error_icon_color_dark="#ffb4ab",
    )
