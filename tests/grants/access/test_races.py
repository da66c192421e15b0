"""Many at once, with real commits, on both databases."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pyotp
from flask import Flask
from sqlalchemy import func, select

from grants.access import services
from grants.access.models import AttemptCounter, FactorKind, Invitation, LoginSession, RecoveryCode, UsedStep, User
from grants.access.permissions import Role
from grants.access.second_factor import CODE_LIMIT, LOGIN_CODE, TooManyAttempts, charge
from grants.access.services.invitations import replace_recovery_codes
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import NotFound, RuleBroken
from tests.factories.access import PASSWORD, factor_of, invitation_of, make_invitation, make_user, with_password


def at_once(app: Flask, times: int, attempt: Callable[[], str]) -> Counter[str]:
    """Run `attempt` in so many threads that start together; how often each answer came."""
    barrier = Barrier(times)

    def one(_number: int) -> str:
        with app.app_context():
            barrier.wait()
            try:
                return attempt()
            finally:
                db.session.remove()

    db.session.remove()
    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(one, range(times)))


def accept(user_id: int, code: str, now=None) -> str:  # type: ignore[no-untyped-def]
    try:
        with transaction():
            services.accept_code(db.session.get_one(User, user_id), code, now=now or utcnow())
    except RuleBroken:
        return "refused"
    return "accepted"


def test_of_fifty_wrong_codes_at_once_five_are_evaluated(real_app: Flask) -> None:
    with transaction():
        user_id = make_user(Role.OFFICER).id

    def attempt() -> str:
        try:
            charge(LOGIN_CODE, str(user_id), limit=CODE_LIMIT, now=utcnow())
        except TooManyAttempts:
            return "not evaluated"
        return accept(user_id, "not a code")

    assert at_once(real_app, 50, attempt) == {"refused": 5, "not evaluated": 45}
    assert db.session.scalar(select(AttemptCounter.fails)) == 5


def test_of_twenty_equal_codes_at_once_one_succeeds_in_each_of_twenty_runs(real_app: Flask) -> None:
    with transaction():
        user = make_user(Role.OFFICER)
        totp = pyotp.TOTP(factor_of(user, FactorKind.LOGIN).seed)
    user_id, start = user.id, utcnow()
    for run in range(20):
        now = start + timedelta(seconds=30 * run)
        code = totp.at(now)
        found = at_once(real_app, 20, lambda code=code, now=now: accept(user_id, code, now))  # type: ignore[misc]
        assert found == {"accepted": 1, "refused": 19}
    assert db.session.scalar(select(func.count()).select_from(UsedStep)) == 20


def test_recovery_code_used_ten_times_at_once_works_once(real_app: Flask) -> None:
    with transaction():
        user = make_user(Role.OFFICER)
        codes = replace_recovery_codes(user, now=utcnow())
    user_id = user.id
    assert at_once(real_app, 10, lambda: accept(user_id, codes[0])) == {"accepted": 1, "refused": 9}
    assert db.session.scalar(select(func.count()).where(RecoveryCode.used_at.is_not(None))) == 1


def test_invitation_finished_ten_times_at_once_serves_once(real_app: Flask) -> None:
    user, _token = make_invitation()
    with transaction():
        services.choose_password(invitation_of(user), PASSWORD, now=utcnow())
    totp = pyotp.TOTP(factor_of(user, FactorKind.LOGIN).seed)
    invitation_id, now = invitation_of(user).id, utcnow()
    codes = [totp.at(now + timedelta(seconds=30 * step)) for step in (-1, 0, 1)] * 3

    def attempt() -> str:
        try:
            with transaction():
                invitation = db.session.get_one(Invitation, invitation_id)
                services.accept_invitation(invitation, codes.pop(), now=now)
        except (RuleBroken, NotFound):
            return "refused"
        return "served"

    assert at_once(real_app, 9, attempt) == {"served": 1, "refused": 8}
    assert db.session.scalar(select(func.count()).select_from(RecoveryCode)) == 10


def test_administrators_who_deactivate_each_other_at_once_leave_one(real_app: Flask) -> None:
    for _run in range(5):
        with transaction():
            pair = [make_user(Role.ADMINISTRATOR).id, make_user(Role.ADMINISTRATOR).id]
        turns = [(pair[0], pair[1]), (pair[1], pair[0])]

        def attempt(turns: list[tuple[int, int]] = turns) -> str:
            target, by = turns.pop()
            try:
                with transaction():
                    services.deactivate(db.session.get_one(User, target), by=db.session.get_one(User, by), now=utcnow())
            except RuleBroken:
                return "refused"
            return "done"

        assert at_once(real_app, 2, attempt) == {"done": 1, "refused": 1}
        active = select(func.count()).where(User.id.in_(pair), User.deactivated_at.is_(None))
        assert db.session.scalar(active) == 1


def test_the_same_email_invited_at_once_makes_one_account(real_app: Flask) -> None:
    def attempt() -> str:
        try:
            make_invitation(email="misma@example.org")
        except RuleBroken as refusal:
            db.session.rollback()
            return str(refusal.field)
        return "made"

    with real_app.test_request_context():
        assert at_once(real_app, 6, attempt) == {"made": 1, "email": 5}
    assert db.session.scalar(select(func.count()).select_from(User)) == 1


def test_signing_out_everywhere_five_times_at_once_is_harmless(real_app: Flask) -> None:
    with transaction():
        user = with_password(make_user(Role.OFFICER))
        db.session.add(LoginSession(token_hash="x", user_id=user.id, created_at=utcnow(),
                                    expires_at=utcnow() + timedelta(hours=1)))  # fmt: skip
    user_id = user.id

    def attempt() -> str:
        with transaction():
            services.end_all_sessions(db.session.get_one(User, user_id), now=utcnow())
        return "ended"

    assert at_once(real_app, 5, attempt) == {"ended": 5}
    assert db.session.scalar(select(func.count()).where(LoginSession.ended_at.is_(None))) == 0
