"""Twin: a digital-twin knowledge-graph server."""

__version__ = "0.1.0"
