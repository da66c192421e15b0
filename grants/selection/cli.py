"""The console's doors of selection: simulate, replay, hand the inputs to somebody outside."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from flask_babel import gettext as _

from grants.access.cli import console
from grants.access.models import User
from grants.access.queries import user_of_email
from grants.access.services import normal_email
from grants.calls.models import Call
from grants.calls.queries import call_by_code
from grants.core.clock import utcnow
from grants.core.crypto import write_private
from grants.core.db import db, get_or_refuse, reads_only, transaction
from grants.core.errors import NotFound, RuleBroken
from grants.selection import queries, services
from grants.selection.models import Selection
from grants.selection.reckoning import Changes, RunResult, canonical, fingerprint
from grants.selection.reckoning.listing import (
    Listed,
    Unreadable,
    outcomes,
    read_listing,
    read_quotas,
    select_listed,
)
from grants.selection.words import hundredths

group = AppGroup("selection", help="Selections: simulate, replay.")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@group.command("simulate")
@click.argument("call_code", required=False)
@click.option("--places", type=click.IntRange(1, 10_000_000), help="Other than the call declares.")
@click.option(
    "--quota", "quotas", multiple=True, help='Instead of the declared ones: "sex:female>=60%", "canton:2101<=20".'
)
@click.option("--save", is_flag=True, help="Keep it as a run; with --places or --quota as a what-if.")
@click.option("--by", "email", help="With --save: the account it is kept for.")
@click.option("--from", "source", type=FILE, help="A CSV with folio,points,groups (groups by semicolons); no database.")
@click.option("--seed", default="", help="With --from: the lottery's seed.")
@click.option("--out", type=NEW_FILE, help="With --from: where to write folio,place,outcome.")
def simulate(
    call_code: str | None,
    places: int | None,
    quotas: tuple[str, ...],
    save: bool,
    email: str | None,
    source: Path | None,
    seed: str,
    out: Path | None,
) -> None:
    """Compute who would be in, of a call or of a list, and print the certificate. Nothing is kept without --save."""
    with console():
        if source is not None:
            _simulate_list(source, places, quotas, seed, out)
        elif save:
            _save(_call(call_code), places, quotas, email)
        else:
            _simulate_call(_call(call_code), places, quotas)


def _simulate_list(source: Path, places: int | None, typed: Sequence[str], seed: str, out: Path | None) -> None:
    if places is None:
        raise RuleBroken(_("Say how many places there are: --places."))
    with source.open(encoding="utf-8-sig", newline="") as lines:
        try:
            people = list(_counted(read_listing(lines)))
        except Unreadable as error:
            raise RuleBroken(_("Line %(line)d of the list cannot be read: it needs folio, points such as 74.25, and "
                               "groups.", line=error.line)) from error  # fmt: skip
    try:
        listed = select_listed(people, places, _quotas(typed, places), seed)
    except ValueError as error:
        raise RuleBroken(_("The list cannot be used: %(why)s.", why=str(error))) from error
    _print_list(listed, places)
    if out is not None:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["folio", "place", "outcome"])
            writer.writeheader()
            writer.writerows(outcomes(listed))


def _simulate_call(call: Call, places: int | None, typed: Sequence[str]) -> None:
    changes = _changes(call, places, typed)
    reads_only.set(True)  # a long computation must not stop others from writing
    try:
        if changes is not None:
            services.check_changes(call, changes)
        with _progress(call) as progress:
            inputs = queries.selection_inputs(call, changes, progress)
    finally:
        db.session.rollback()
        reads_only.set(False)
    _print_run(services.compute(inputs), inputs.settings["places"])
    click.echo(_("Inputs %(hash)s", hash=inputs.hash))


def _save(call: Call, places: int | None, typed: Sequence[str], email: str | None) -> None:
    by = _account(email)
    with transaction(), _progress(call) as progress:
        changes = _changes(call, places, typed)
        selection = services.simulate(call, by=by, now=utcnow(), changes=changes, progress=progress)
    found = queries.summary_of(selection)
    if found is not None:
        _print_run(found, selection.places)
    click.echo(_("Run %(number)d is kept. Inputs %(hash)s", number=selection.id, hash=selection.inputs_hash))


@group.command("replay")
@click.argument("selection_id", type=int, required=False)
@click.option("--file", "source", type=FILE, help="A file of `grants selection export-inputs` instead of a run.")
def replay(selection_id: int | None, source: Path | None) -> None:
    """Compute a run again from its stored inputs and nothing else; status 1 unless the bytes are the same."""
    with console():
        if source is not None:
            name, replayed = source.name, services.replay_text(*_texts(source))
        else:
            selection = _selection(selection_id)
            record = queries.record_of(selection)
            if record is None:
                raise RuleBroken(_("This run comes from before inputs were stored: it cannot be computed again."))
            name = _("Run %(number)s", number=selection.id)
            replayed = services.replay(record, selection.inputs_hash)
        if replayed.difference is not None:
            raise click.ClickException(_("%(run)s: not the same bytes. First difference: %(place)s", run=name,
                                         place=replayed.difference))  # fmt: skip
        click.echo(_("%(run)s: the same bytes. Result %(hash)s", run=name, hash=replayed.result.hash))


@group.command("export-inputs")
@click.argument("selection_id", type=int)
@click.argument("target", type=NEW_FILE)
def export_inputs(selection_id: int, target: Path) -> None:
    """Write a run's stored inputs and result to a new file, so that somebody outside can compute it again.

    It says by folio which groups people count for: hand it over as carefully as the groups themselves.
    """
    with console():
        selection = _selection(selection_id)
        record = queries.record_of(selection)
        if record is None:
            raise RuleBroken(_("This run comes from before inputs were stored: it cannot be computed again."))
        content = {
            "inputs": json.loads(record.inputs),
            "inputs_hash": selection.inputs_hash,
            "result": json.loads(record.result),
            "result_hash": record.result_hash,
            "software": record.software,
        }
        try:
            write_private(target.resolve(), canonical(content))
        except FileExistsError as error:
            raise RuleBroken(_("That file exists already. Choose another name.")) from error
        click.echo(_("Written, readable by its owner only: %(file)s", file=str(target)))


def _texts(source: Path) -> tuple[str, str]:
    """Canonical inputs and result of an exported file; refused when the inputs are not those of its hash."""
    try:
        raw = json.loads(source.read_text(encoding="utf-8"))
        inputs, result, stated = canonical(raw["inputs"]), canonical(raw["result"]), raw["inputs_hash"]
    except (ValueError, KeyError, TypeError) as error:
        raise RuleBroken(_("This is not a file of `grants selection export-inputs`.")) from error
    if fingerprint(inputs) != stated:
        raise RuleBroken(_("The stored inputs are not those that the run was made from: their hash differs."))
    return inputs, result


def _call(code: str | None) -> Call:
    found = call_by_code((code or "").strip().upper())
    if found is None:
        raise RuleBroken(_("There is no call with this code. Give the code as on the call's page, or --from FILE."))
    return found


def _selection(number: int | None) -> Selection:
    try:
        return get_or_refuse(Selection, -1 if number is None else number)
    except NotFound as error:
        raise RuleBroken(_("There is no run with this number.")) from error


def _account(email: str | None) -> User:
    found = user_of_email(normal_email(email or ""))
    if found is None:
        raise RuleBroken(_("With --save say for whom: --by E-MAIL of an account."))
    return found


def _changes(call: Call, places: int | None, typed: Sequence[str]) -> Changes | None:
    if places is None and not typed:
        return None
    quotas = _quotas(typed, places or call.places) if typed else None
    return Changes(places=places, quotas=None if quotas is None else tuple(quotas))


def _quotas(typed: Sequence[str], places: int) -> list[Any]:
    try:
        return list(read_quotas(typed, places))
    except Unreadable as error:
        raise RuleBroken(_("Quota %(number)d cannot be read. Write it such as sex:female>=60%% or canton:2101<=20.",
                           number=error.line)) from error  # fmt: skip


@contextmanager
def _progress(call: Call) -> Iterator[Callable[[int], None]]:
    with click.progressbar(length=queries.count_submitted(call), label=_("Reading applications")) as bar:
        yield bar.update


def _counted(people: Iterator[Any]) -> Iterator[Any]:
    """The same, with a count on the terminal every thousand lines."""
    with click.progressbar(people, label=_("Reading the list"), update_min_steps=1000) as bar:
        yield from bar


def _print_run(result: RunResult, places: int) -> None:
    facts = result.certificate
    click.echo(_("%(places)d places. Cut line %(cut)s.", places=places, cut=hundredths(facts["cut"])))
    for quota in result.quotas:
        click.echo(f"  {quota.group}: {quota.chosen} / {quota.eligible}, {_signed(quota.bonus)}")
    for step in result.steps:
        click.echo(_("  %(group)s moves %(number)d and costs %(cost)s points.", group=step.group,
                     number=len(step.entered), cost=hundredths(step.cost)))  # fmt: skip
    for one in result.relaxed:
        _print_relaxed(one.group, one.asked, one.possible)
    _print_certificate(facts["objective"], facts["bound"], bool(facts["checked"]))


def _print_list(listed: Listed, places: int) -> None:
    found = listed.found
    click.echo(_("%(places)d places. Cut line %(cut)s.", places=places, cut=hundredths(found.cut)))
    for step in found.steps:
        click.echo(_("  %(group)s moves %(number)d and costs %(cost)s points.", group=str(step.group),
                     number=len(step.entered), cost=hundredths(step.cost)))  # fmt: skip
    for one in found.relaxed:
        _print_relaxed(str(one.group), one.asked, one.possible)
    _print_certificate(found.objective, found.bound, listed.is_checked)


def _print_relaxed(name: str, asked: int, possible: int) -> None:
    click.echo(
        _("  %(group)s: %(asked)d asked for, %(possible)d possible.", group=name, asked=asked, possible=possible)
    )


def _print_certificate(objective: int, bound: int, is_checked: bool) -> None:
    words = _("checked") if is_checked else _("the bound is not reached: places cannot be divided")
    click.echo(_("Certificate: points %(objective)s, bound %(bound)s, %(words)s.", objective=hundredths(objective),
                 bound=hundredths(bound), words=words))  # fmt: skip


def _signed(number: int) -> str:
    return f"{'-' if number < 0 else '+'}{hundredths(abs(number))}"
