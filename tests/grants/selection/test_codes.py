"""One-time codes: charged first, used once, and silent about folios."""

from datetime import timedelta

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.access.second_factor import TooManyAttempts, charge
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import NotFound, RuleBroken
from grants.people.folio import new_folio
from grants.selection import queries, services
from grants.selection.models import ResultCode, ResultSession
from tests.factories.access import make_user
from tests.factories.after import letter_for, make_code, make_email, make_release, messages
from tests.factories.selection import make_award

pytestmark = pytest.mark.usefixtures("in_english")
WRONG = "0000-0000-0000"


def attempt(folio: str, code: str) -> str:
    """What the page does: charge in a transaction of its own, then check."""
    now = utcnow()
    charge(services.RESULT_CODE, services.attempt_subject(folio), limit=services.RESULT_LIMIT, now=now)
    with transaction():
        return services.open_result(folio, code, now=now)


def test_code_opens_one_application_for_a_quarter_of_an_hour(app: Flask) -> None:
    award, now = make_award(), utcnow()
    make_release(award.selection)

    token = attempt(award.application.folio, make_code(award.application).lower().replace("-", " "))

    opened = queries.open_result(token, now + timedelta(minutes=14))
    assert opened is not None
    assert opened.application_id == award.application_id
    assert queries.open_result(token, now + timedelta(minutes=16)) is None


def test_code_has_sixty_bits_and_no_look_alikes(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)

    letters = make_code(award.application).replace("-", "")

    assert len(letters) * 5 == 60
    assert set(letters) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_used_code_opens_nothing_again(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)
    code = make_code(award.application)
    attempt(award.application.folio, code)

    with pytest.raises(services.WrongCode):
        attempt(award.application.folio, code)

    assert db.session.query(ResultSession).count() == 1


def test_code_of_another_application_opens_nothing(app: Flask) -> None:
    award = make_award()
    other = make_award(call=award.application.call)
    make_release(award.selection)
    code = make_code(award.application)

    with pytest.raises(services.WrongCode):
        attempt(other.application.folio, code)


def test_code_is_too_old_after_seven_days(app: Flask) -> None:
    award, now = make_award(), utcnow()
    make_release(award.selection)
    code = make_code(award.application, now=now)

    with pytest.raises(services.WrongCode):
        services.open_result(award.application.folio, code, now=now + timedelta(days=7))
    assert services.open_result(award.application.folio, code, now=now + timedelta(days=7, seconds=-1))


def test_new_code_ends_the_one_before(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)
    first, second = make_code(award.application), make_code(award.application)

    with pytest.raises(services.WrongCode):
        attempt(award.application.folio, first)
    assert attempt(award.application.folio, second)


def test_five_wrong_codes_lock_the_folio_until_a_new_code(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)
    code, folio = make_code(award.application), award.application.folio
    for _n in range(5):
        with pytest.raises(services.WrongCode):
            attempt(folio, WRONG)

    with pytest.raises(TooManyAttempts):
        attempt(folio, code)

    db.session.expire_all()
    assert attempt(folio, make_code(award.application))


def test_unknown_folio_is_charged_and_refused_like_a_known_one(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)
    make_code(award.application)

    for folio in (award.application.folio, new_folio("A")):
        said = []
        for _n in range(7):
            with pytest.raises(RuleBroken) as refused:
                attempt(folio, WRONG)
            said.append(type(refused.value).__name__)
        assert said == ["WrongCode"] * 5 + ["TooManyAttempts"] * 2


def test_no_code_before_the_letters(app: Flask) -> None:
    award = make_award()

    with pytest.raises(NotFound):
        queries.get_letter_of(award.application_id, make_user(Role.COORDINATOR))
    assert db.session.query(ResultCode).count() == 0


def test_code_by_mail_travels_without_the_folio(app: Flask) -> None:
    award = make_award()
    make_email(award.application.person)
    make_release(award.selection)

    code = services.issue_code(letter_for(award.application), by_mail=True, by=make_user(Role.ENUMERATOR), now=utcnow())

    (message,) = messages("result_code")
    assert code in message.body
    assert award.application.folio not in message.body
    assert code not in messages("result")[0].body


def test_code_by_mail_needs_a_verified_mailbox(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)

    with pytest.raises(RuleBroken, match="in person"):
        services.issue_code(letter_for(award.application), by_mail=True, by=make_user(Role.ENUMERATOR), now=utcnow())

    assert db.session.query(ResultCode).count() == 0


def test_code_is_not_kept_readable(app: Flask) -> None:
    award = make_award()
    make_release(award.selection)
    code = make_code(award.application)

    kept = db.session.query(ResultCode).one().code_hash
    assert code.replace("-", "").encode() not in kept
    assert len(kept) == 32
