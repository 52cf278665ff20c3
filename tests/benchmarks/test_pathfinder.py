"""Measures images per second: ``pytest tests/benchmarks/test_pathfinder.py --numprocesses 0``."""

import time

import numpy as np
import pytest
from archarena.tasks.pathfinder_images import draw_images
from archarena.tasks.pathfinder_shapes import PATHFINDER, SMALL_PATH_X


@pytest.mark.parametrize(("scene", "count"), [(PATHFINDER, 50), (SMALL_PATH_X[0], 20)], ids=["32 px", "64 px"])
def test_drawing(benchmark, capsys, scene, count):
    generator = np.random.default_rng(0)
    draw_images(generator, np.ones(1, int), scene)
    spent = []

    def draw():
        start = time.process_time()
        images = draw_images(generator, np.arange(count) % 2, scene)
        spent.append(time.process_time() - start)
        return images

    images = benchmark.pedantic(draw, rounds=2)
    assert len(images) == count
    with capsys.disabled():
        print(f"\n{scene.side} px: {count / min(spent):.0f} images a second of one core's time")
