"""The guide's examples give what the guide says."""

import doctest
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "scoring.md"


def test_examples_of_the_guide_run():
    found = doctest.testfile(str(GUIDE), module_relative=False)

    assert found.failed == 0
    assert found.attempted > 10
