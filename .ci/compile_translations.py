"""Build step of the wheel: compile the catalogues, so that it carries .mo files."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileTranslations(BuildHookInterface):
    PLUGIN_NAME = "compile-translations"

    def initialize(self, version, build_data):
        for source in Path(self.root, "grants", "translations").glob("*/LC_MESSAGES/messages.po"):
            with source.open("rb") as po, source.with_suffix(".mo").open("wb") as mo:
                write_mo(mo, read_po(po))
