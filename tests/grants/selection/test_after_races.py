"""Several at the same moment, with real commits: codes are evaluated and used once, places go to different people."""

from collections import Counter
from collections.abc import Callable

from flask import Flask

from grants.access.models import AttemptCounter, User
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.selection import queries, services
from grants.selection.models import Award, ResultSession
from tests.factories.after import make_code, make_email, make_release, messages
from tests.factories.selection import make_award
from tests.grants.selection.test_codes import WRONG, attempt
from tests.grants.selection.test_substitution import holders, published
from tests.grants.selection.threads import answers_at_once


def trier(folio: str, code: str) -> Callable[[], object]:
    return lambda: attempt(folio, code)


def test_at_once_fifty_wrong_codes_are_evaluated_five_times_and_a_right_one_opens_once(real_app: Flask) -> None:
    with transaction():
        award = make_award()
        make_release(award.selection)
        make_code(award.application)
        folio = award.application.folio

    answers = answers_at_once(real_app, *[trier(folio, WRONG) for _n in range(50)])
    assert Counter(answers) == {"WrongCode": 5, "TooManyAttempts": 45}
    assert [one.fails for one in db.session.query(AttemptCounter)] == [5]

    with transaction():
        code = make_code(award.application)
    assert answers_at_once(real_app, *[trier(folio, code) for _n in range(4)]).count("ok") == 1
    assert db.session.query(ResultSession).count() == 1


def ender(number: int) -> Callable[[], None]:
    def end() -> None:
        with transaction():
            award = db.session.get_one(Award, number)
            by = db.session.query(User).order_by(User.id).first()
            assert by is not None
            services.decline_award(award, reason="Se mudó", by=by, now=utcnow())

    return end


def test_at_once_letters_go_out_once_and_two_ends_call_two_people(real_app: Flask) -> None:
    with transaction():
        selection, people = published()
        make_email(people["man 1"].person)
        number = selection.id
        ending = [award.id for award in db.session.query(Award).order_by(Award.id)]

    def release() -> None:
        with transaction():
            make_release(queries.get_selection(number))

    assert sorted(answers_at_once(real_app, release, release, release)) == ["RuleBroken", "RuleBroken", "ok"]
    assert len(messages("result")) == 1

    assert answers_at_once(real_app, *[ender(award) for award in ending]) == ["ok", "ok"]
    assert holders(people) == {"man 2", "woman 2"}
