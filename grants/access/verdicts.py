"""What verification of the journal found, in words; and the anchor that finds what the chain alone cannot.

Whoever owns the database could cut the journal's tail off and set the head back to match. The anchor remembers, in
a file outside the database, how far the journal once reached and the MAC it had there.
"""

import hmac
import json
from pathlib import Path

from flask_babel import gettext as _
from flask_babel import ngettext

from grants.access.queries import journal_mac
from grants.core.crypto import replace_private
from grants.core.journal import Verdict

ANCHOR = "journal-anchor.json"


class AnchorDamaged(Exception):
    """The anchor file is there but cannot be read."""


def verdict_sentence(verdict: Verdict) -> str:
    """One sentence for the reader of the page or the console."""
    sentences = {
        "changed": _("Entry %(num)d of the journal was changed. Tell the coordinator and keep a copy of the database."),
        "removed": _("Entry %(num)d of the journal was removed. Tell the coordinator and keep a copy of the database."),
        "inserted": _(
            "Entry %(num)d of the journal was inserted. Tell the coordinator and keep a copy of the database."
        ),
    }
    if verdict.why:
        return str(sentences[verdict.why] % {"num": verdict.entry})
    return str(ngettext("%(num)d entry holds.", "%(num)d entries hold.", verdict.entries))


def against_anchor(verdict: Verdict, folder: Path) -> Verdict:
    """The verdict, compared with the journal as it was at the last verification that held."""
    if not verdict.holds or not (folder / ANCHOR).exists():
        return verdict
    entries, mac = _read(folder / ANCHOR)
    if verdict.entries < entries:
        return Verdict(verdict.entries, verdict.mac, verdict.entries + 1, "removed")
    if entries and not hmac.compare_digest(journal_mac(entries) or b"", mac):
        return Verdict(verdict.entries, verdict.mac, entries, "changed")
    return verdict


def drop_anchor(verdict: Verdict, folder: Path) -> None:
    """Remember a verdict that holds, for the next time; only the owner can read the file."""
    replace_private(folder / ANCHOR, json.dumps({"entries": verdict.entries, "mac": verdict.mac.hex()}))


def _read(path: Path) -> tuple[int, bytes]:
    try:
        kept = json.loads(path.read_text())
        return int(kept["entries"]), bytes.fromhex(kept["mac"])
    except (ValueError, KeyError, TypeError) as error:
        raise AnchorDamaged from error
