"""The records in the repository can be read, and a site can be built from them."""

from pathlib import Path

from archarena.harness.records.store import ResultStore
from archarena.leaderboard.build import build_board

KEPT = sorted(path for path in (Path(__file__).parents[3] / "leaderboard" / "records").iterdir() if path.is_dir())


def test_every_kept_record_is_a_result():
    records = [record for folder in KEPT for record in ResultStore(folder).read()]
    assert records
    assert {record.status for record in records} == {"ok"}


def test_a_board_can_be_built_from_them(tmp_path):
    build_board(KEPT, tmp_path / "site")
    assert "recall-mqar" in (tmp_path / "site" / "index.html").read_text()
