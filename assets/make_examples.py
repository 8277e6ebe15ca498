"""Copies the six example photographs out of installed packages into ``assets/examples``, byte for byte.

They ship inside scikit-image and scikit-learn, so nothing is downloaded::

    pip install scikit-image scikit-learn
    python assets/make_examples.py
"""

import shutil
from importlib.metadata import distribution
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent / "examples"
SOURCES = {
    "cat.png": ("scikit-image", "skimage/data/chelsea.png"),
    "astronaut.png": ("scikit-image", "skimage/data/astronaut.png"),
    "coffee.png": ("scikit-image", "skimage/data/coffee.png"),
    "rocket.jpg": ("scikit-image", "skimage/data/rocket.jpg"),
    "temple.jpg": ("scikit-learn", "sklearn/datasets/images/china.jpg"),
    "flower.jpg": ("scikit-learn", "sklearn/datasets/images/flower.jpg"),
}


def main() -> None:
    """Write the examples and name each one's source and size."""
    EXAMPLES.mkdir(exist_ok=True)
    for name, (package, path) in SOURCES.items():
        shutil.copyfile(distribution(package).locate_file(path), EXAMPLES / name)
        print(f"{name:15} {(EXAMPLES / name).stat().st_size:8,} bytes  from {package}: {path}")


if __name__ == "__main__":
    main()
