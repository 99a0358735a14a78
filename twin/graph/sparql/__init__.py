"""SPARQL as text: what a query asks for, the limits it keeps, and its rewriting over what is stated."""
