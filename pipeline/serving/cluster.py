"""Ray Serve: the deployment of the workers, and the handle to them."""

import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray import serve
from ray.exceptions import RayError, RayTaskError
from ray.serve.handle import DeploymentHandle

from pipeline.errors import SettingsError
from pipeline.serving.pool import WorkerLost, WorkerPool
from pipeline.serving.worker import CodecWorker

if TYPE_CHECKING:
    from pipeline.codec import Codec

APPLICATION = "bitbrush"
_NOTICE_SECONDS = 2
"""How soon a dead worker is noticed, and another started."""
_SCALE_UP_SECONDS = 5
"""How long visitors wait before another worker starts for them."""


@dataclass(frozen=True)
class Scale:
    """How many workers, and what each of them has.

    Raises:
        SettingsError: fewer than one worker, or fewer at most than at least.
    """

    workers: int = 2
    """At least."""
    max_workers: int = 2
    gpus: float = 0.0
    """Of each worker, which may share one; 0 computes on CPUs."""
    cores: float = 0.0
    """Of each worker; 0 shares out all that there are."""

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= self.max_workers or min(self.gpus, self.cores) < 0:
            raise SettingsError("Give at least one worker, no more than the largest number, and no less than 0 GPUs.")

    def cores_of(self, cluster: float) -> float:
        """Of each worker in a cluster with so many: a whole number, or a part of one."""
        cores = self.cores or cluster / self.max_workers
        return float(int(cores)) if cores >= 1 else cores


class RayWorkers:
    """`Workers` behind a handle of Ray Serve."""

    def __init__(self, handle: "DeploymentHandle[Any]"):
        self._handle = handle.options(stream=True)

    async def ask(self, method: str, *arguments: Any) -> AsyncGenerator[Any, None]:
        response = getattr(self._handle, method).remote(*arguments)
        try:
            async for answer in response:
                yield answer
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:
            raise WorkerLost(str(error)) from error
        finally:
            response.cancel()


def start(scale: Scale, worker: type[CodecWorker] = CodecWorker) -> WorkerPool:
    """Starts the workers, in the cluster that ``RAY_ADDRESS`` names or else on this machine alone, and returns when
    they can be asked."""
    _connect()
    cores = scale.cores_of(ray.cluster_resources()["CPU"])
    serve.start(proxy_location="Disabled")
    deployment = serve.deployment(worker).options(
        name="codec",
        max_ongoing_requests=1,
        autoscaling_config={
            "min_replicas": scale.workers,
            "max_replicas": scale.max_workers,
            "target_ongoing_requests": 1,
            "upscale_delay_s": _SCALE_UP_SECONDS,
        },
        ray_actor_options={"num_cpus": cores, "num_gpus": scale.gpus},
        health_check_period_s=_NOTICE_SECONDS,
    )
    codec_factory = partial(codec_on, "cuda" if scale.gpus else "cpu")
    handle = serve.run(
        deployment.bind(codec_factory, max(1, int(cores))),
        name=APPLICATION,
        route_prefix=None,
        logging_config={"enable_access_log": False},
    )
    return WorkerPool(RayWorkers(handle), scale.max_workers)


def join(scale: Scale) -> WorkerPool:
    """The workers that another page started, in the cluster that ``RAY_ADDRESS`` names."""
    _connect()
    return WorkerPool(RayWorkers(serve.get_app_handle(APPLICATION)), scale.max_workers)


def stop() -> None:
    """Stops the workers, and Ray where it was started for them."""
    serve.delete(APPLICATION)
    ray.shutdown()


def _connect() -> None:
    if not ray.is_initialized():
        ray.init(include_dashboard=False)


def codec_on(device: str) -> "Codec":
    """The codec over the checkpoints that come with Bitbrush, on one kind of device."""
    from pipeline.codec import Codec

    return Codec.from_pretrained(device=device)
