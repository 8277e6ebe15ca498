"""What stands beside what: the pictures that were chosen, and those of them that are still to be made."""

from collections.abc import Iterator

from pipeline.ui import methods, view
from pipeline.ui.actions import STOPPED
from pipeline.ui.answers import Completed, Measured, Pair
from pipeline.ui.checks import clear_errors
from pipeline.ui.engine import Engine
from pipeline.ui.report import sentence
from pipeline.ui.run import Run
from pipeline.ui.sides import Sides
from pipeline.ui.turns import Stopped, Turns

NOTHING = sentence("There is no result to show yet, or it is no longer kept: press Run.")


class Choosing:
    """The event handlers of the two sides."""

    def __init__(self, engine: Engine):
        self._engine = engine

    @staticmethod
    def show(sides: Sides, run: Run | None, turns: Turns, left: str, right: str, overlay: bool = False) -> Pair:
        """Choose which pictures stand left and right; those that are not there yet are made on demand.

        Parameters:
            left: one of the names on the page
            right: likewise
            overlay: whether the quality map of the stream lies over both
        """
        changed = sides.choose(left, right, overlay)
        if run is None and turns.opening:
            return Pair()
        if run is None or not run.pictures.folder.kept:
            return Pair(captions=NOTHING)
        if changed:
            run.declined.clear()
        with clear_errors():
            return view.pair(run, sides)

    def measured(self, run: Run | None) -> Measured:
        """The numbers of the run on the screen, when something beside it may have measured more of its pictures."""
        if run is None or not run.decoding.ended:
            return Measured()
        report = view.report(run, self._engine, scored=True)
        return Measured(report.html(), report.numbers())

    def complete(self, run: Run | None, sides: Sides, turns: Turns) -> Iterator[Completed]:
        """Make the chosen pictures that are missing."""
        go_on, said = turns.take(), []
        if run is None or not run.decoding.ended or not view.missing(run, sides):
            yield Completed()
            return
        with clear_errors(), run.pictures.folder.held():
            try:
                while missing := view.missing(run, sides):
                    for progressing in methods.make(self._engine, run, missing[0], go_on):
                        yield Completed(progressing, *view.pair(run, sides))
                        go_on()
                    said.append(run.pictures.refusals.get(missing[0], f"Added {missing[0]}."))
                methods.score_rest(self._engine, run, go_on)
                status = sentence(" ".join(said))
            except Stopped:
                status = STOPPED
            finally:
                run.declined.update(view.missing(run, sides))
            report = view.report(run, self._engine, scored=True)
            yield Completed(status, *view.pair(run, sides), report.html(), report.numbers())
