"""rdflib-endpoint on one Turtle file: ``python rdflib_server.py FILE PORT``, run in an environment of its own."""

from __future__ import annotations

import sys

import uvicorn
from rdflib import Graph
from rdflib_endpoint import SparqlEndpoint

if __name__ == "__main__":
    graph = Graph().parse(sys.argv[1], format="turtle")
    uvicorn.run(SparqlEndpoint(graph=graph, path="/"), port=int(sys.argv[2]), log_level="error", access_log=False)
