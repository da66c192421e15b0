"""The wheel carries what the program needs beside its code."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_wheel_carries_templates_static_files_translations_migrations_and_the_manual(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    [wheel] = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "migrations"):
        needed = {f"grants/{p.relative_to(ROOT)}" for p in (ROOT / folder).rglob("*") if p.is_file()}
        assert {name for name in needed if "__pycache__" not in name} <= carried
    manual = ROOT / "docs" / "manual"
    assert {f"grants/manual/{p.relative_to(manual)}" for p in manual.rglob("*.md")} <= carried
    wanted = [p for p in (ROOT / "grants").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert {str(p.relative_to(ROOT)) for p in wanted} <= carried
    assert "grants/translations/es/LC_MESSAGES/messages.mo" in carried
