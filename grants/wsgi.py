"""What gunicorn serves: `gunicorn grants.wsgi:app`."""

from grants import create_app

app = create_app()
