"""The graph: the store, the one door every change goes through, validation, and reading twins back."""
