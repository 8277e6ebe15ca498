"""``python -m pipeline.serving``: the page in this process, over workers that Ray Serve keeps."""

import argparse

import app
from pipeline.errors import BitbrushError
from pipeline.ui.engine import Engine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="how many there are at least (default: 2)")
    parser.add_argument("--max-workers", type=int, help="how many there may be when many wait (default: as many)")
    parser.add_argument("--gpus", type=float, default=0.0, help="of each worker, such as 0.5; 0 computes on CPUs")
    parser.add_argument("--cores", type=float, default=0.0, help="of each worker (default: all, shared out evenly)")
    parser.add_argument("--join", action="store_true", help="one more page over the workers of a page in this cluster")
    options = parser.parse_args()
    try:
        from pipeline.serving import cluster
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        parser.exit(1, "Ray is not installed; run pip install -r requirements-serve.txt.\n")
    if options.join and (options.gpus or options.cores):
        parser.error("--gpus and --cores belong to the page that starts the workers, not to one that joins them.")
    try:
        scale = cluster.Scale(options.workers, options.max_workers or options.workers, options.gpus, options.cores)
    except BitbrushError as error:
        parser.error(str(error))
    if options.join:
        app.serve(Engine(work=cluster.join(scale)))
        return
    pool = cluster.start(scale)
    try:
        app.serve(Engine(work=pool))
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
