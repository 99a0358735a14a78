"""The vocabularies: Brick, SAREF and DTDL, and what is needed to read each."""
