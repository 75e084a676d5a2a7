"""Points from size labels."""

from __future__ import annotations

from decimal import Decimal

import pytest
from milepost.core.points import read_points


@pytest.mark.parametrize(
    ("labels", "points"),
    [
        (("bug", "Size/3"), Decimal(3)),
        (("size/0.5",), Decimal("0.5")),
        (("size/3", "size/5"), Decimal(3)),
        (("size/", "size/x", "size/3 ", "oversize/3", "size/3.", "size/-1", "size/١"), None),
        ((), None),
    ],
)
def test_the_first_label_that_fits_gives_the_points(labels: tuple[str, ...], points: Decimal | None) -> None:
    """Without case, and only where the whole label fits."""
    assert points == read_points("size/{points}", labels)


def test_the_pattern_is_literal_text() -> None:
    """Signs that mean something in a regular expression mean themselves."""
    assert Decimal(8) == read_points("(pts.) {points}+", ["(pts.) 8+"])
    assert read_points("(pts.) {points}+", ["(ptsx) 8"]) is None
