"""Semilla: seed-capital grants and credit linkages, from the business plan to the repaid loan."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from flask import Flask

from grants.config import configure, instance_path

__version__ = "0.1.0"

# The river. Each bend may have a `views` (bp), an `api` (blp) and a `cli` (group).
FEATURES = (
    "access", "people", "training", "calls", "applications", "evaluation", "selection", "delivery", "credit",
    "reports", "demo",
)  # fmt: skip
ROOMS = ("models", "views", "api", "cli")


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """Build the application. `config` overrides instance/config.py and the environment."""
    from grants.access.guard import guard
    from grants.access.sessions import recognise_users
    from grants.core.documents import templates_folder
    from grants.extensions import start_extensions
    from grants.pages import show_errors, teach_templates

    folder = instance_path(config)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(__name__, template_folder=str(templates_folder()), instance_path=str(folder))
    configure(app, config)
    start_extensions(app)
    recognise_users(app)
    guard(app)
    teach_templates(app)
    show_errors(app)
    _register_features(app)
    return app


def migrations_folder() -> str:
    """migrations/ of the installed package, or of the checkout."""
    inside = Path(__file__).parent / "migrations"
    return str(inside if inside.is_dir() else Path(__file__).parent.parent / "migrations")


def _register_features(app: Flask) -> None:
    from grants.core import journal, outbox  # noqa: F401 -- their tables
    from grants.extensions import api, csrf

    for feature in FEATURES:
        rooms = {room for room in ROOMS if find_spec(f"grants.{feature}.{room}")}
        if "models" in rooms:
            import_module(f"grants.{feature}.models")
        if "views" in rooms:
            doors = import_module(f"grants.{feature}.views")
            for blueprint in getattr(doors, "blueprints", None) or (doors.bp,):
                app.register_blueprint(blueprint)
        if "api" in rooms:
            doors = import_module(f"grants.{feature}.api")
            for blueprint in getattr(doors, "blueprints", None) or (doors.blp,):
                csrf.exempt(blueprint)  # the API knows callers by token, never by cookie
                api.register_blueprint(blueprint)
        if "cli" in rooms:
            commands = import_module(f"grants.{feature}.cli")
            for group in getattr(commands, "groups", None) or (commands.group,):
                app.cli.add_command(group)
