"""Which event of the page calls which handler. Inputs and outputs are the components that these name."""

from collections.abc import Callable
from typing import Any, cast

import gradio as gr

from pipeline.ui import checks, opening, plots, request, updates
from pipeline.ui.actions import Actions
from pipeline.ui.answers import (
    Begun,
    Buttons,
    Canvas,
    Chosen,
    Compared,
    Completed,
    Controls,
    Ended,
    Files,
    Measured,
    Modes,
    Painting,
    Pair,
    Sampled,
    Sliders,
    Viewable,
)
from pipeline.ui.choices import Link
from pipeline.ui.choosing import Choosing
from pipeline.ui.extras import Extras
from pipeline.ui.parts import Parts
from pipeline.ui.turns import Turns, leave_queue
from pipeline.ui.view import View

ASIDE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
AT_ONCE: dict[str, Any] = ASIDE | {"queue": False}
# Only events that pass through the queue show their errors, and only `failure` follows an error.
CHECK: dict[str, Any] = ASIDE | {"js": "bitbrush.toResult", "concurrency_limit": None}
MODEL = "model"
"""Of all model work at most as many runs go on at once as the engine has places."""


def connect(page: gr.Blocks, parts: Parts, actions: Actions) -> None:
    """Connects all parts of a page, inside its `gr.Blocks`."""
    _connect_runs(page, parts, actions)
    _connect_sides(parts, actions)
    _connect_controls(parts)
    _connect_tabs(parts)
    _connect_opening(page, parts, actions)


def _connect_runs(page: gr.Blocks, parts: Parts, actions: Actions) -> None:
    choosing, extras = Choosing(actions.engine), Extras(actions)

    def work(event: Callable[..., Any], handler: Callable[..., Any], answer: Any, **options: Any) -> Any:
        inputs = options.pop("inputs", None) or parts.wanted(handler)
        shown: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": parts.status}
        limits: dict[str, Any] = {"concurrency_id": MODEL, "concurrency_limit": actions.engine.places}
        return event(handler, inputs, parts.named(answer._fields), **limits, **shown, **options)

    def at_once(event: Callable[..., Any], handler: Callable[..., Any], answer: Any, **options: Any) -> Any:
        return event(handler, parts.wanted(handler), parts.named(answer._fields), **AT_ONCE, **options)

    private: dict[str, Any] = {"api_visibility": "private"}
    newest: dict[str, Any] = {"trigger_mode": "always_last"}
    opened = work(
        parts.begin_button.click,
        actions.begin,
        View,
        inputs=parts.wanted(actions.compress),
        api_name="begin",
        **private,
    )
    at_once(opened.then, updates.opening_ended, Files)
    opened.failure(updates.opening_failed, parts.turns, parts.status, **AT_ONCE)

    checked = parts.run_button.click(checks.check_photo_run, [parts.photo, parts.seed], None, **CHECK)
    checked.failure(lambda: updates.REFUSED, None, parts.status, **AT_ONCE)
    begun = at_once(checked.success, updates.begun, Begun)
    compressed = work(begun.then, actions.compress, View, api_name="compress", **newest)

    checked = parts.decode_button.click(checks.check_stream_run, [parts.stream, parts.seed], None, **CHECK)
    checked.failure(lambda: updates.REFUSED, None, parts.status, **AT_ONCE)
    begun = at_once(checked.success, updates.begun, Begun)
    decompressed = work(begun.then, actions.decompress, View, api_name="decompress", **newest)

    joined = at_once(parts.complete_button.click, updates.joined, Buttons, **newest)
    completed = work(joined.then, choosing.complete, Completed, **private, **newest)

    parts.compare_button.click(lambda: updates.sheet_ready(None), None, parts.sheet, **AT_ONCE)
    joined = at_once(parts.compare_button.click, updates.joined, Buttons)
    compared = work(joined.then, extras.compare, Compared, api_name="compare")

    joined = at_once(parts.sample_button.click, updates.joined, Buttons)
    sampled = work(joined.then, extras.sample, Sampled, **private)

    for done in (compressed, decompressed, completed, compared, sampled):
        at_once(done.then, updates.ended, Ended, **newest)
        at_once(done.failure, updates.failed, Ended)
    for done in (opened, compressed, decompressed):
        done.success(plots.draw, parts.wanted(plots.draw), parts.plot, js="bitbrush.screenIfSeen", **ASIDE)
    at_once(compared.success, choosing.measured, Measured)
    for over in (compared.success, compared.failure):
        over(updates.sheet_ready, parts.comparison, parts.sheet, **AT_ONCE)

    async def stop(turns: Turns, request: gr.Request) -> None:
        turns.stop()
        await leave_queue(page, request.session_hash, MODEL, turns)

    parts.stop_button.click(None, None, parts.named(("status", "stop_button")), js="bitbrush.stopping", **AT_ONCE)
    parts.stop_button.click(stop, parts.turns, None, **AT_ONCE)


def _connect_sides(parts: Parts, actions: Actions) -> None:
    gr.on(
        [parts.left.change, parts.right.change, parts.overlay.change],
        Choosing.show,
        parts.wanted(Choosing.show),
        parts.named(Pair._fields),
        api_name="show",
        queue=False,
        show_progress="hidden",
    )


def _connect_controls(parts: Parts) -> None:
    def at_once(event: Callable[..., Any], handler: Callable[..., Any], answer: Any) -> None:
        # Of choices that follow each other faster than the answers, the last one counts.
        event(handler, parts.wanted(handler), parts.named(answer._fields), trigger_mode="always_last", **AT_ONCE)

    parts.reroll.click(request.draw_seed, None, parts.seed, **AT_ONCE).then(None, js="bitbrush.runAgain")
    at_once(parts.rate.change, updates.visible_rate, Sliders)
    at_once(parts.rate.input, updates.codec_settings, Painting)
    gr.on(
        [parts.rate.change, parts.quality_map.change, parts.photo.change],
        updates.canvas,
        parts.wanted(updates.canvas),
        parts.named(Canvas._fields),
        trigger_mode="always_last",
        **AT_ONCE,
    )
    parts.decoder.input(
        updates.recommended_steps,
        parts.wanted(updates.recommended_steps),
        parts.steps,
        trigger_mode="always_last",
        **AT_ONCE,
    )
    at_once(parts.preset.input, updates.choose_preset, Chosen)
    gr.on(
        [cast(gr.Slider, control).input for control in parts.named(("rate", *Sliders._fields, "noise"))],
        lambda: None,
        None,
        parts.preset,
        **AT_ONCE,
    )
    # Through the queue, which shows what is wrong with a file. The photo may be another one when the answer comes.
    viewed = parts.named(Viewable._fields)
    parts.photo.upload(checks.viewable, parts.photo, viewed, trigger_mode="multiple", **ASIDE).then(
        None, [parts.photo, *viewed], [parts.photo, parts.status], js="bitbrush.takeOver", **AT_ONCE
    )
    parts.stream.change(checks.describe, parts.stream, parts.header, **AT_ONCE)


def _connect_tabs(parts: Parts) -> None:
    modes = parts.named(Modes._fields)
    parts.photo_tab.select(lambda: updates.mode(True), None, modes, **AT_ONCE)
    parts.stream_tab.select(lambda: updates.mode(False), None, modes, **AT_ONCE)
    gr.on(
        [parts.plots_tab.select, parts.kind.change],
        plots.draw,
        parts.wanted(plots.draw),
        parts.plot,
        js="bitbrush.screen",
        trigger_mode="always_last",
        **ASIDE,
    )


def _connect_opening(page: gr.Blocks, parts: Parts, actions: Actions) -> None:
    def opened(turns: Turns, request: gr.Request) -> tuple[Any, ...]:
        link = Link.from_query(request.query_params)
        return updates.opened(link, opening.remembered(actions, link), turns)

    page.load(opened, parts.turns, parts.named((*Controls._fields, *View._fields)), **AT_ONCE).then(
        updates.ready, parts.wanted(updates.ready), parts.named(Files._fields), **AT_ONCE
    )
