"""Make `grants` and `scoring` importable in the virtual environment, and install the console command.

The same as an editable install, without a build: nothing is downloaded.
"""

import stat
import sys
import sysconfig
from pathlib import Path

checkout = Path(__file__).resolve().parent.parent
Path(sysconfig.get_path("purelib"), "semilla.pth").write_text(f"{checkout}\n")
command = Path(sysconfig.get_path("scripts"), "grants")
command.write_text(f"#!{sys.executable}\nfrom grants.cli import main\n\nmain()\n")
command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
