"""An MQTT broker inside the process: TCP on loopback, anonymous, without persistence."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from amqtt.broker import Broker, BrokerContext
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import BrokerError
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import ApplicationMessage, Session

Listener = Callable[[str, bytes], Awaitable[None]]


class Intake(BaseAuthPlugin):
    """Lets every client in and hands on what they publish.  The broker makes it by its dotted name."""

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self.listener: Listener | None = None

    @dataclass
    class Config:
        """Nothing to configure."""

    async def authenticate(self, *, session: Session) -> bool | None:
        """Everybody on loopback is welcome."""
        session.is_anonymous = True
        return True

    async def on_broker_message_received(self, *, client_id: str, message: ApplicationMessage | None) -> None:
        """Called by the broker for every message a client publishes."""
        if message is not None and self.listener is not None:
            await self.listener(message.topic, bytes(message.data))


class EmbeddedBroker:
    """A broker that can be stopped and started again on the same port; ``listener`` hears what clients publish."""

    def __init__(self, port: int, listener: Listener) -> None:
        self.port = port
        self._listener = listener
        self._broker: Broker | None = None
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)

    async def start(self) -> None:
        """Opens the port; ``port`` then says which.  Raises ``OSError`` when it is taken."""
        if self._broker is not None:
            return
        config = BrokerConfig(
            listeners={"default": ListenerConfig(bind=f"127.0.0.1:{self.port}")},
            plugins={f"{Intake.__module__}.{Intake.__qualname__}": {}},
        )
        broker = Broker(config)
        intake: Any = broker.plugins_manager.get_plugin(Intake.__qualname__)
        intake.listener = self._listener
        try:
            await broker.start()
        except BrokerError as error:
            raise OSError(f"The broker cannot listen on 127.0.0.1:{self.port}: {error.__cause__ or error}") from error
        server: Any = broker._servers["default"].instance  # the only way to learn which port the system picked
        self.port = int(server.sockets[0].getsockname()[1])
        self._broker = broker

    async def stop(self) -> None:
        """Cuts every client off and closes the port."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.shutdown()

    async def publish(self, topic: str, payload: bytes) -> None:
        """Sends a message to whoever subscribed; nothing happens while the broker is stopped."""
        if self._broker is not None:
            await self._broker.internal_message_broadcast(topic, payload)
