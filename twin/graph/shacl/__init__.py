"""SHACL (W3C Recommendation of 2017, core and SPARQL) over quads, reading only what a shape and a node touch."""
