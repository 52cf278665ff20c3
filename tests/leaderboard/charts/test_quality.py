"""Score against cost."""

from archarena.leaderboard.charts.drawing import draw
from archarena.leaderboard.charts.quality import quality_chart
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import read_results


def test_fractions_of_a_second_are_labelled_as_they_are(results, make_record):
    records = [make_record("mamba"), make_record("mlp", value=0.5)]
    for record, seconds in zip(records, (0.2, 9_000), strict=True):
        record.cost.train_seconds = seconds
    site = make_site(read_results([results(*records)]))
    chart = quality_chart(site.sections[0], site.scores, {"state space": "family-0"})
    assert chart is not None
    svg = draw(chart, "index.html").svg
    assert ">0.2</text>" in svg or ">1</text>" in svg
    assert "m</text>" not in svg
    assert ">1k</text>" in svg
