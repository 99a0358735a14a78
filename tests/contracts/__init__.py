import pytest

# The suites are no test modules themselves, and their assertions should still explain themselves.
pytest.register_assert_rewrite("tests.contracts.connector")
