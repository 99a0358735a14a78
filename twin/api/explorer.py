"""The web explorer: its built files, one page for all of its own paths, and a plain page where it was not built."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from twin.api.problems import problem

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_API = frozenset({"api", "graphql", "livez", "metrics", "openapi.json", "rdf-graphs", "readyz", "sparql", "v2"})
_FOR_EVER = "public, max-age=31536000, immutable"  # the build puts a hash of the content in these files' names
_ASK_AGAIN = "no-cache"
# Nothing of another origin is loaded, and no page of another origin can frame this one to steal a click.
# Editors write style elements, hence 'unsafe-inline' for styles alone.
SECURITY = {
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_NOT_BUILT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Twin</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { padding: 1rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); overflow-x: auto; }
</style>
</head>
<body>
<h1>Twin is running</h1>
<p>The explorer, its web page, has not been built. It needs Node.js 20 or newer. In the checkout of Twin:</p>
<pre>make explorer</pre>
<p>or by hand, and then reload this page:</p>
<pre>cd twin/explorer
npm ci
npm run build</pre>
<p>Everything else answers already: <code>POST /graphql</code>, <code>/sparql</code>,
<a href="/api/v1/export">/api/v1/export</a>, <a href="/metrics">/metrics</a>, <a href="/readyz">/readyz</a>.</p>
</body>
</html>
"""


class Explorer:
    """Serves one directory of built files."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    async def __call__(self, request: Request) -> Response:
        """The file of the path; the explorer's page for a path of its own; a problem for anything else."""
        path = request.path_params.get("path", "")
        head = path.partition("/")[0]
        if head in _API:
            return problem(404, "Not found", f"There is nothing at /{path}.", code="not-found")
        index = self._directory / "index.html"
        if not index.is_file():
            status = 200 if path == "" else 404
            return HTMLResponse(_NOT_BUILT, status, {"cache-control": _ASK_AGAIN, **SECURITY})
        found = self._file(path)
        # A screen's path may end like a file: an IRI in it may.
        if found is None and (head == "assets" or ("/" not in path and path.endswith(tuple(_TYPES)))):
            return problem(404, "Not found", f"There is nothing at /{path}.", code="not-found")
        return _served(request, found or index, hashed=found is not None and head == "assets")

    def _file(self, path: str) -> Path | None:
        if not path or "\x00" in path:
            return None
        candidate = (self._directory / path).resolve()
        if not candidate.is_relative_to(self._directory) or not candidate.is_file():
            return None
        return candidate


def _served(request: Request, file: Path, *, hashed: bool) -> Response:
    tag = _tag(file, file.stat().st_mtime_ns)
    headers = {"cache-control": _FOR_EVER if hashed else _ASK_AGAIN, "etag": tag, **SECURITY}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return FileResponse(file, headers=headers, media_type=_TYPES.get(file.suffix, "application/octet-stream"))


@lru_cache(256)
def _tag(file: Path, _modified: int) -> str:
    return '"' + hashlib.sha256(file.read_bytes()).hexdigest()[:32] + '"'
