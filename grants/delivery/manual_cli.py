"""`grants manual`: the manual and the training cards as PDFs, to print."""

from pathlib import Path

import click
from flask.cli import AppGroup
from flask_babel import gettext as _

from grants.delivery.manual import LANGUAGES, SHEETS, printed

group = AppGroup("manual", help="The manual of deliveries, to print.")


@group.command("print")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--language", type=click.Choice(LANGUAGES), default="es", show_default=True, help="Language.")
def print_manual(folder: Path, language: str) -> None:
    """Write every manual and training card into FOLDER as a PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHEETS:
        path = folder / f"manual-{name}-{language}.pdf"
        path.write_bytes(printed(name, language))
        click.echo(_("%(file)s is written.", file=path))
