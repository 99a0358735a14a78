"""Benchmarks: one file a figure, with the limit beside it in the same run.

``python -m benchmarks.<name> [--quick]`` runs one, ``python -m benchmarks [--quick]`` runs all of them.
"""
