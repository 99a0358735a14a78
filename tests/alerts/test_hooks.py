"""Alerts told elsewhere: signed webhooks and e-mail, tried again until they are taken, over a restart as well."""

from __future__ import annotations

import asyncio
import email
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.bindings.fake import until
from tests.peers import free_port
from twin.alerts.delivery import Delivery, Hook
from twin.alerts.mail import Mail
from twin.alerts.records import Alert, AlertEvent, Severity, Transition
from twin.alerts.store import AlertStore
from twin.alerts.webhook import DeliveryError, Webhook, signature
from twin.clock import SystemClock


def event(number: int = 1, severity: Severity = "critical", action: Any = "raised", **more: Any) -> AlertEvent:
    alert = Alert(number, "k", "connection", severity, "Vendor A is lost", "urn:a", "hq", "", 1, 2, 2, **more)
    return AlertEvent(alert, Transition(number, 2, "server", action))


class Receiver(BaseHTTPRequestHandler):
    """Answers as it is told, and keeps what it got."""

    got: list[tuple[dict[str, str], bytes]]
    answers: list[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code = self.answers.pop(0) if self.answers else 204
        self.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(code)
        if code == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    handler = type("Once", (Receiver,), {"got": [], "answers": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", handler
    server.shutdown()
    server.server_close()
    thread.join()


@asynccontextmanager
async def delivering(store: AlertStore, hook: Hook, together: int = 1) -> AsyncIterator[Delivery]:
    delivery = Delivery(store, [(hook, together)], SystemClock(), "Plant", first_pause=0.01)
    running = asyncio.create_task(delivery.run())
    yield delivery
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_webhook_is_signed_and_tried_again_under_the_same_name_until_it_is_taken(
    receiver: tuple[str, type[Receiver]],
) -> None:
    url, got = receiver
    got.answers[:] = [500, 302, 503]
    store = AlertStore(":memory:")
    async with delivering(store, Webhook(url, "whsec_c2VjcmV0")) as delivery:
        delivery.take([event()])
        delivery.wake()
        await until(lambda: store.waiting() == 0)
    assert len(got.got) == 4
    assert len({headers["webhook-id"] for headers, _ in got.got}) == 1
    headers, body = got.got[-1]
    name, seconds = headers["webhook-id"], int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == signature("whsec_c2VjcmV0", name, seconds, body)
    told = orjson.loads(body)
    assert (told["type"], told["server"], told["data"]["message"]) == ("alert.raised", "Plant", "Vendor A is lost")
    store.close()


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the Standard Webhooks specification.
    secret, name, seconds = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    assert (
        signature(secret, name, seconds, b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


async def test_what_was_not_taken_is_sent_after_a_restart(tmp_path: Path, receiver: tuple[str, type[Receiver]]) -> None:
    url, got = receiver
    store = AlertStore(tmp_path / "alerts.sqlite")
    Delivery(store, [(Webhook(url), 1)], SystemClock()).take([event(1), event(2)])
    store.close()
    again = AlertStore(tmp_path / "alerts.sqlite")
    async with delivering(again, Webhook(url)):
        await until(lambda: again.waiting() == 0)
    assert [orjson.loads(body)["data"]["id"] for _, body in got.got] == ["1", "2"]
    assert "webhook-signature" not in got.got[0][0]
    again.close()


def test_hooks_hear_what_is_grave_enough_and_not_shelved() -> None:
    store = AlertStore(":memory:")
    delivery = Delivery(store, [(Webhook("http://127.0.0.1:1"), 1)], SystemClock())
    delivery.take([event(severity="notice"), event(action="changed"), event(shelved_until=10)])
    assert store.waiting() == 0
    delivery.take([event(severity="warning"), event(action="cleared")])
    assert store.waiting() == 2
    store.close()


def test_who_is_not_there_is_told_so_in_words() -> None:
    with pytest.raises(DeliveryError, match="could not be reached"):
        Webhook("http://127.0.0.1:9/hook").deliver([(1, "{}")], 0)
    with pytest.raises(DeliveryError, match="took nothing"):
        Mail("127.0.0.1", 9, "a@b.example", ("c@d.example",), "none").deliver(
            [(1, orjson.dumps({"type": "alert.raised", "server": "", "data": {"severity": "critical", "message": "x",
             "about": "", "twin": None, "since": "", "cleared": None, "consequences": 0, "assigned": None, "id": "1"}
             }).decode())], 0
        )  # fmt: skip


class Mailbox:
    def __init__(self) -> None:
        self.letters: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.letters.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[int, Mailbox]]:
    box = Mailbox()

    def knows(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login, data.password) == (b"twin", b"secret"), handled=False)

    port = free_port()
    controller = Controller(box, "127.0.0.1", port, authenticator=knows, auth_require_tls=False, server_hostname="mail")
    controller.start()
    yield port, box
    controller.stop()


async def test_what_is_due_together_is_one_mail_in_words(mailbox: tuple[int, Mailbox]) -> None:
    port, box = mailbox
    store = AlertStore(":memory:")
    hook = Mail("127.0.0.1", port, "twin@plant.example", ("ann@plant.example",), "none", "twin", "secret")
    async with delivering(store, hook, 20) as delivery:
        delivery.take([event(1), event(2, "warning", assigned="bob", consequences=4000)])
        delivery.wake()
        await until(lambda: store.waiting() == 0)
    assert len(box.letters) == 1
    letter = box.letters[0]
    assert letter["Subject"] == "critical raised: Vendor A is lost (and 1 more)"
    assert letter["To"] == "ann@plant.example"
    assert "4000 consequences" in letter.get_content()
    assert "assigned to bob" in letter.get_content()
    store.close()


def test_a_password_that_is_refused_is_a_failure_in_words(mailbox: tuple[int, Mailbox]) -> None:
    port, box = mailbox
    hook = Mail("127.0.0.1", port, "twin@plant.example", ("ann@plant.example",), "none", "twin", "wrong")
    store = AlertStore(":memory:")
    Delivery(store, [(hook, 20)], SystemClock()).take([event()])
    (due,) = store.due(hook.name, 2**62)
    with pytest.raises(DeliveryError, match="535"):
        hook.deliver([due[:2]], 0)
    assert box.letters == []
    store.close()
