"""Take the screenshots in docs/screens: one page of each kind, 390 and 1,440 pixels wide.

``python tests/benchmarks/screenshots.py SITE`` expects a site that ``archarena board`` has written.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
SIZES = {390: 844, 1440: 900}
COLORS = 64
"""Colors of a picture; pages have few, and PNGs with a palette are small."""


def pages(site: Path) -> dict[str, str]:
    """Return a page of each kind by its name; the run is the one with most on its page."""
    run = max((site / "runs").glob("*.html"), key=lambda path: path.stat().st_size)
    models = sorted(path.stem for path in (site / "models").glob("*.html"))
    task = max((site / "tasks").glob("*.html"), key=lambda path: ("samples" in path.read_text(), path.stat().st_size))
    return {
        "index": "index.html",
        "task": f"tasks/{task.name}",
        "model": f"models/{'mamba' if 'mamba' in models else models[0]}.html",
        "compare": "compare.html",
        "run": f"runs/{run.name}",
    }


def main(site: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width, height in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            for name, address in pages(site).items():
                page.goto((site / address).resolve().as_uri())
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                picture.quantize(COLORS, dither=Image.Dither.NONE).save(FOLDER / f"{name}-{width}.png", optimize=True)
        browser.close()
    total = sum(path.stat().st_size for path in FOLDER.glob("*.png"))
    print(f"{FOLDER}: {total / 1024:.0f} KiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
