"""The security desk's own tool. It runs on the desk's machine, holds the private key, and needs neither the server's
database nor its keys. Nothing that serves the web application may import it.
"""
