"""A user's strategy in a file."""

from pathlib import Path

import pytest
from my_idea import IDEA


@pytest.fixture
def idea(tmp_path: Path) -> Path:
    path = tmp_path / "my_idea.py"
    path.write_text(IDEA)
    return path
