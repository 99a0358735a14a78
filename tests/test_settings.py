"""twin.toml: typed, and its mistakes named with their remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.errors import ConfigurationError
from twin.settings import Settings, check_host, read_settings


def write(directory: Path, text: str) -> Path:
    path = directory / "twin.toml"
    path.write_text(text)
    return path


def test_without_a_file_every_setting_has_its_default() -> None:
    assert read_settings(None) == Settings()
    assert Settings().server.host == "127.0.0.1"


def test_values_are_read_into_their_places(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, 'name = "HQ"\n[server]\nport = 0\n[sparql]\ndeadline = 2\n'))
    assert (settings.name, settings.server.port, settings.sparql.deadline) == ("HQ", 0, 2.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nprot = 1\n", "there is no setting 'server.prot'. Did you mean 'server.port'?"),
        ("[sever]\nport = 1\n", "Did you mean 'server'?"),
        ('[server]\nport = "x"\n', "'server.port' must be a whole number, not 'x'"),
        ("[server]\nport = -1\n", "cannot be negative"),
        ("[sparql]\ndeadline = 0\n", "must be greater than 0"),
        ("server = 3\n", "'server' is a table"),
        ('[validation]\nbrick_shapes = "strict"\n', "'validation.brick_shapes' cannot be 'strict'"),
        ("= broken", "is not TOML"),
        ('name = "env:TWIN_NO_SUCH_VARIABLE"\n', "no variable TWIN_NO_SUCH_VARIABLE"),
        ('[server]\nhost = "0.0.0.0"\n', "no authentication is configured"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(write(tmp_path, text))
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_settings(tmp_path / "none.toml")


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_TEST_NAME", "from the environment")
    assert read_settings(write(tmp_path, 'name = "env:TWIN_TEST_NAME"')).name == "from the environment"
    (tmp_path / "name").write_text("from a file\n")
    assert read_settings(write(tmp_path, f'name = "file:{tmp_path}/name"')).name == "from a file"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_loopback_needs_no_authentication(host: str) -> None:
    check_host(host)
