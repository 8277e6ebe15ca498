"""What the page opens with: an example that is painted already, or will be before anybody has to wait."""

import logging
import threading
from itertools import chain

from pipeline.ui import methods
from pipeline.ui.actions import Actions
from pipeline.ui.choices import Link, example_bytes
from pipeline.ui.request import Request
from pipeline.ui.sides import Side
from pipeline.ui.view import View

_log = logging.getLogger(__name__)


def remembered(actions: Actions, link: Link) -> View | None:
    """The finished view of a link to an example, if it is remembered: at once, without asking the models."""
    encoded = actions.engine.encoded(example_bytes(link.example), link.rate, link.value, link.allocation)
    if encoded is None or actions.engine.painting(encoded.stream, link.settings) is None:
        return None
    *_, view = actions.decode(actions.encode(Request.of_link(link)), link.sides)
    return view


def warm_up(actions: Actions) -> None:
    """Loads the standard codec's models and paints the default example in a background thread, so that nobody waits for
    it."""
    threading.Thread(target=_warm_up, args=(actions,), name="warm-up", daemon=True).start()


def _warm_up(actions: Actions) -> None:
    try:
        link = Link()
        run = actions.encode(Request.of_link(link))
        for _ in chain(actions.decode(run, link.sides), methods.make(actions.engine, run, Side.OTHER)):
            if actions.visited.is_set():
                return
    except Exception as error:
        _log.warning("The example is not ready yet, and will be painted when a visitor comes: %s", error)
