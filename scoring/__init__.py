"""Turn score sheets into a ranking. Knows nothing of Flask, SQL or people."""
