"""What gunicorn serves: `gunicorn grants.wsgi:app`."""

from grants import create_app
from grants.access.production import refuse_unsafe_production

app = create_app()
refuse_unsafe_production(app)
