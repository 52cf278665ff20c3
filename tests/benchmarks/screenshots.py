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
COLORS = 255
"""Colors of a picture; pages have few, and PNGs with a palette are small."""


def pages(site: Path) -> dict[str, str]:
    """Return a page of each kind by its name; the run is the one with most on its page."""
    run = max((site / "runs").glob("*.html"), key=lambda path: path.stat().st_size)
    return {
        "index": "index.html",
        "task": "tasks/recall-mqar.html",
        "model": "models/mamba.html",
        "compare": "compare.html#models=mamba,transformer,finalmlp",
        "run": f"runs/{run.name}",
    }


def main(site: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width, height in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            for name, address in pages(site).items():
                path, _, place = address.partition("#")
                page.goto(f"{(site / path).resolve().as_uri()}#{place}")
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                picture.quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
                    FOLDER / f"{name}-{width}.png", optimize=True
                )
        browser.close()
    total = sum(path.stat().st_size for path in FOLDER.glob("*.png"))
    print(f"{FOLDER}: {total / 1024:.0f} KiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
