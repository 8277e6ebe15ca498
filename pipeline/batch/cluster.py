"""Tasks on a cluster, by Ray Data: `pipeline.processes.run` on machines instead of processes."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SettingsError
from pipeline.processes import Answer, Done, Lost, Task, Work

Column = dict[str, NDArray[np.object_]]


class _Actor:
    """A worker, which loads what it needs once."""

    def __init__(self, make: Callable[[], Work[Any, Any]]):
        self._work = make()

    def __call__(self, batch: Column) -> Column:
        answers = [pickle.dumps((task, self._work(pickle.loads(task)))) for task in batch["task"].tolist()]
        return {"answer": np.array(answers, dtype=object)}


def run(
    make: Callable[[], Work[Task, Answer]], tasks: Iterable[Task], workers: int, environment: dict[str, str]
) -> Iterator[Done[Task, Answer] | Lost[Task]]:
    """Like `pipeline.processes.run`, for tasks that all differ, with a core for each worker somewhere in the cluster.

    The cluster is that of ``RAY_ADDRESS`` or one that runs on this machine; else one is started for the time of the
    run. Every machine needs this program at the same place, and sees the same folders.

    Raises:
        SettingsError: Ray is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise SettingsError(
            "Ray Data is not installed; install it with “pip install -r requirements-serve.txt”, or leave --ray away."
        ) from None
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a lost task costs no other
    items = {pickle.dumps(task): task for task in tasks}
    answers = ray.data.from_items([{"task": item} for item in items], override_num_blocks=len(items)).map_batches(
        _Actor,
        fn_constructor_args=(make,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        runtime_env={"env_vars": environment},
        max_task_retries=1,
    )
    for row in answers.iter_rows():
        item, answer = pickle.loads(row["answer"])
        yield Done(items.pop(item), answer)
    for task in items.values():
        yield Lost(task, "twice, on the cluster", 0.0)
