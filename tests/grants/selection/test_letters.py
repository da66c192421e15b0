"""All letters together and once; what travels marks nobody."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.core.outbox import OutboxMessage
from grants.selection import queries, services
from grants.selection.models import (
    Channel,
    Letter,
    LetterKind,
    LetterRelease,
    Outcome,
    Selection,
    SelectionRow,
    SelectionState,
)
from tests.factories.access import make_user
from tests.factories.after import ADDRESS, letter_for, make_email, make_release, messages
from tests.factories.applications import make_application
from tests.factories.people import make_person
from tests.factories.selection import make_award, make_selection, make_waiting

pytestmark = pytest.mark.usefixtures("in_english")


def not_ranked(selection: Selection) -> SelectionRow:
    row = SelectionRow(
        selection=selection, application=make_application(selection.call), outcome=Outcome.NOT_RANKED, place=None,
        reviews=1, tie_key="0" * 64, reason="sheets_missing",
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def test_each_application_of_the_run_gets_one_letter(app: Flask) -> None:
    award = make_award()
    entry, row = make_waiting(award.selection), not_ranked(award.selection)

    release = make_release(award.selection)

    kinds = {letter.application_id: letter.kind for letter in db.session.query(Letter)}
    assert kinds == {
        award.application_id: LetterKind.CHOSEN,
        entry.application_id: LetterKind.WAITING,
        row.application_id: LetterKind.NOT_SELECTED,
    }
    assert "number 1 on the waiting list" in letter_for_in_english(entry.application, release)


def letter_for_in_english(application: object, release: LetterRelease) -> str:
    standings = queries.standings(release.selection)
    standing = next(one for one in standings if one.row.application is application)
    from grants.selection.services.sentences import letter_text

    return letter_text(standing, queries.reasons_of(release.selection), release)


def test_letters_are_in_the_language_of_each_person(app: Flask) -> None:
    award = make_award(make_person(language="en"))
    entry = make_waiting(award.selection, make_application(award.selection.call, make_person(language="qu")))
    make_release(award.selection)

    assert "Your application was selected." in letter_for(award.application).body
    assert (letter_for(entry.application).language, letter_for(award.application).language) == ("es", "en")


def test_second_release_is_refused_and_tells_nobody_twice(app: Flask) -> None:
    award = make_award()
    make_email(award.application.person)
    make_release(award.selection)

    with pytest.raises(RuleBroken, match="released already"):
        make_release(award.selection)

    assert (db.session.query(Letter).count(), len(messages("result"))) == (1, 1)


def test_release_that_is_cut_off_leaves_nothing_and_can_be_done_again(app: Flask) -> None:
    award = make_award()
    make_email(award.application.person)
    db.session.commit()

    with pytest.raises(InterruptedError), transaction():
        make_release(award.selection)
        raise InterruptedError

    assert (db.session.query(LetterRelease).count(), db.session.query(Letter).count(), messages("result")) == (0, 0, [])
    make_release(award.selection)
    assert len(messages("result")) == 1


def test_letters_of_an_unpublished_run_are_not_released(app: Flask) -> None:
    selection = make_selection(state=SelectionState.APPROVED)

    with pytest.raises(RuleBroken, match="Publish the run first"):
        make_release(selection)

    assert db.session.query(LetterRelease).count() == 0


@pytest.mark.parametrize(("appeal_days", "decision_days"), [(0, 15), (61, 15), (10, 0), (10, 61)])
def test_days_outside_one_to_sixty_are_refused(app: Flask, appeal_days: int, decision_days: int) -> None:
    selection = make_award().selection

    with pytest.raises(RuleBroken, match="between 1 and 60"):
        services.release_letters(
            selection, appeal_days=appeal_days, decision_days=decision_days, address=ADDRESS,
            by=make_user(Role.COORDINATOR), now=utcnow(),
        )  # fmt: skip

    assert db.session.query(LetterRelease).count() == 0


def test_notice_is_alike_for_the_chosen_and_for_others(app: Flask) -> None:
    """A letter on the way must not mark its bearer as somebody who will receive goods."""
    award = make_award()
    entry = make_waiting(award.selection)
    for application in (award.application, entry.application):
        make_email(application.person, f"{application.id}@example.org")

    make_release(award.selection)

    chosen, waiting = messages("result")
    assert chosen.subject == waiting.subject
    assert chosen.body.replace(award.application.folio, "F") == waiting.body.replace(entry.application.folio, "F")
    for word in ("700", "Ibarra", "select", "seleccion", "espera", "entrega", award.application.person.first_surname):
        assert word not in chosen.body


def test_letter_names_no_value_place_or_day_of_delivery(app: Flask) -> None:
    award = make_award()
    release = make_release(award.selection)

    body = letter_for_in_english(award.application, release)

    assert "Your application was selected." in body
    assert not re.search(r"700|USD|Ibarra|deliver", body)


@pytest.mark.parametrize(
    "flaw",
    [{"verified_on": None}, {"failed_on": datetime(2026, 1, 1, tzinfo=UTC).date()}, {"safe_to_call": False},
     {"owner": "Vecina"}, {"verified_on": datetime(2020, 1, 1, tzinfo=UTC).date()}],
)  # fmt: skip
def test_without_a_verified_mailbox_of_their_own_they_are_told_in_person(app: Flask, flaw: dict[str, object]) -> None:
    award = make_award()
    make_email(award.application.person, **flaw)

    release = make_release(award.selection)

    assert letter_for(award.application).channel is Channel.IN_PERSON
    assert messages("result") == []
    assert [one.id for one in queries.letters_page(release).items] == [letter_for(award.application).id]


def test_people_whose_notice_failed_are_told_in_person(app: Flask) -> None:
    award = make_award()
    make_email(award.application.person)
    release = make_release(award.selection)
    assert queries.letters_page(release).items == []

    db.session.query(OutboxMessage).update({"state": "failed"})

    assert [one.application_id for one in queries.letters_page(release).items] == [award.application_id]


def test_told_is_recorded_once_with_who_and_when(app: Flask) -> None:
    award, by = make_award(), make_user(Role.ENUMERATOR)
    release = make_release(award.selection)
    letter = letter_for(award.application)

    services.record_told(letter, by=by, now=utcnow())
    with pytest.raises(RuleBroken, match="told already"):
        services.record_told(letter, by=make_user(Role.COORDINATOR), now=utcnow())

    db.session.expire_all()
    assert (letter.told_by_id, letter.told_at is not None) == (by.id, True)
    counts = queries.told_counts(release)
    assert (counts.letters, counts.in_person, counts.told) == (1, 1, 1)


def test_deadline_is_the_last_second_of_the_day_in_ecuador(app: Flask) -> None:
    """22 November 2026, 23:30 in Guayaquil (UTC−5), is the 23rd in UTC: ten days later is 2 December, 23:59:59."""
    now = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
    release = make_release(now=now)

    assert release.appeals_until.astimezone(UTC) == datetime(2026, 12, 3, 4, 59, 59, tzinfo=UTC)
    assert not release.is_late(datetime(2026, 12, 3, 4, 59, 58, tzinfo=UTC))
    assert not release.is_late(datetime(2026, 12, 3, 4, 59, 59, 999_999, tzinfo=UTC))
    assert release.is_late(datetime(2026, 12, 3, 5, 0, 0, tzinfo=UTC))


def test_release_is_journaled_without_texts(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)
    db.session.commit()

    entry = db.session.query(JournalEntry).filter_by(action="letters.released").one()
    assert f'"selection":{award.selection_id}' in entry.details
    assert '"letters":1' in entry.details


def test_whoever_moves_up_after_the_release_gets_a_new_letter(app: Flask) -> None:
    award, by = make_award(), make_user(Role.COORDINATOR)
    entry = make_waiting(award.selection)
    make_email(entry.application.person)
    make_release(award.selection)

    services.decline_award(award, reason="Se mudó", by=by, now=utcnow())

    kinds = [
        one.kind for one in db.session.query(Letter).filter_by(application_id=entry.application_id).order_by(Letter.id)
    ]
    assert kinds == [LetterKind.WAITING, LetterKind.CHOSEN]
    assert len(messages("result")) == 2


def test_award_withdrawn_before_the_release_is_told_as_it_stands(app: Flask) -> None:
    award = make_award()
    services.withdraw_award(award, reason="Duplicado", by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.expire_all()

    make_release(award.selection)

    assert letter_for(award.application).kind is LetterKind.CLOSED


def test_preview_shows_each_kind_and_writes_nothing(app: Flask) -> None:
    award = make_award()
    make_waiting(award.selection)
    make_waiting(award.selection)

    previews = services.preview_letters(award.selection, language="en", now=utcnow())
    db.session.commit()

    assert [(one.kind, one.letters) for one in previews] == [(LetterKind.CHOSEN, 1), (LetterKind.WAITING, 2)]
    assert (db.session.query(Letter).count(), db.session.query(LetterRelease).count()) == (0, 0)


def test_letter_is_sealed_in_the_database(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)

    sealed = db.session.execute(db.text("SELECT body_sealed FROM letter")).scalar_one()
    assert award.application.folio.encode() not in bytes(sealed)
    assert timedelta(0) < letter_for(award.application).release.appeals_until - utcnow()
