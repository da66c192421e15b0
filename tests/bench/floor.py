"""The least that could show the same rows: bare Flask, one SQLAlchemy session, a table without layout.

It loads the same columns through the same models and opens the same encrypted names, since these are the rows. It
has no sign-in, no permissions, no layout, no languages and no headers: all of that is what the product adds.
"""

from collections.abc import Sequence

from flask import Flask, render_template_string
from flask.testing import FlaskClient
from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from grants.applications.models import Application, BusinessPlan
from grants.calls.models import Criterion, Rubric
from grants.core.db import reads_only
from grants.evaluation.models import ScoreSheet

ROWS = 25
LIST = """<!doctype html><title>floor</title><table>
{% for row in rows %}<tr><td>{{ row.folio }}<td>{{ row.person.full_name }}<td>{{ row.plan.venture }}
<td>{{ row.call.code }}<td>{{ row.state.value }}<td>{{ row.plan.total_usd }}{% endfor %}</table>"""
PAGE = """<!doctype html><title>floor</title><h1>{{ row.folio }}</h1><p>{{ row.person.full_name }}
<p>{{ row.plan.venture }}<p>{{ row.call.name }}<p>{{ row.state.value }}<p>{{ row.plan.description }}
<p>{{ row.plan.customers }}<table>{% for item in row.plan["items"] %}<tr><td>{{ item.name }}<td>{{ item.quantity }}
<td>{{ item.unit_price_usd }}<td>{{ item.total_usd }}{% endfor %}</table>
{% for file in row.attachments %}<p>{{ file.file_name }}{% endfor %}"""
SHEET = (
    PAGE
    + """<table>{% for criterion in criteria %}<tr><td>{{ criterion.name }}<td>{{ criterion.weight }}
<td>{% for level in criterion.levels %}{{ level.value }} {{ level.descriptor }} {% endfor %}{% endfor %}</table>
{% for sheet in sheets %}<p>{{ sheet.levels }}{% endfor %}"""
)


def floor_client(engine: Engine, application_id: int) -> FlaskClient:
    """A browser of an application with three routes: /list, /page and /sheet."""
    app = Flask(__name__)
    app.before_request(_only_read)

    @app.get("/list")
    def listed() -> str:
        with Session(engine) as session:
            return render_template_string(LIST, rows=_rows(session, _applications().limit(ROWS)))

    @app.get("/page")
    def page() -> str:
        with Session(engine) as session:
            return render_template_string(PAGE, row=_one(session, application_id))

    @app.get("/sheet")
    def sheet() -> str:
        with Session(engine) as session:
            row = _one(session, application_id)
            criteria = session.scalars(_criteria(row.rubric_id)).all()
            sheets = session.scalars(_sheets(application_id)).all()
            return render_template_string(SHEET, row=row, criteria=criteria, sheets=sheets)

    return app.test_client()


def _only_read() -> None:
    reads_only.set(True)


def _applications() -> Select[Application]:
    return (
        select(Application)
        .options(
            joinedload(Application.person),
            joinedload(Application.call),
            joinedload(Application.plan).selectinload(BusinessPlan.items),
        )
        .order_by(Application.folio)
    )


def _rows(session: Session, statement: Select[Application]) -> Sequence[Application]:
    return session.scalars(statement).unique().all()


def _one(session: Session, application_id: int) -> Application:
    found = _applications().where(Application.id == application_id).options(selectinload(Application.attachments))
    return session.scalars(found).unique().one()


def _criteria(rubric_id: int) -> Select[Criterion]:
    found = select(Criterion).join(Rubric).where(Rubric.id == rubric_id)
    return found.options(selectinload(Criterion.levels)).order_by(Criterion.position)


def _sheets(application_id: int) -> Select[ScoreSheet]:
    found = select(ScoreSheet).where(ScoreSheet.application_id == application_id)
    return found.options(selectinload(ScoreSheet.scores))
