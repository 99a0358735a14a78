"""asyncua's own server, on a thread and loop of its own, with the variables the tests look at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from asyncua import Server, ua
from asyncua.server.user_managers import UserManager

from tests.peers import free_port

NAMESPACE = "urn:test:plant"
T = TypeVar("T")

VARIABLES = {
    "Temperature": (ua.VariantType.Double, 0.0),
    "Setpoint": (ua.VariantType.Double, 20.0),
    "Speed": (ua.VariantType.Float, 0.5),
    "Count": (ua.VariantType.Int16, 3),
    "Big": (ua.VariantType.UInt64, 2**63),
    "Running": (ua.VariantType.Boolean, True),
    "Mode": (ua.VariantType.Int32, 2),
    "Label": (ua.VariantType.String, "idle"),
    "Words": (ua.VariantType.LocalizedText, ua.LocalizedText("warm")),
    "Profile": (ua.VariantType.Double, [1.0, 2.0]),
    "Since": (ua.VariantType.DateTime, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
}
READ_ONLY = ("Temperature",)


class _Users(UserManager):
    """Admits one user, and nobody without a name."""

    def get_user(self, iserver: Any, username: str | None = None, password: Any = None, certificate: Any = None) -> Any:
        from asyncua.crypto.permission_rules import User, UserRole

        plain = password.decode() if isinstance(password, bytes) else password
        return User(role=UserRole.Admin) if (username, plain) == ("ann", "s3cret") else None


class OpcUaServer:
    """A server that is started and stopped, read and written from another thread."""

    def __init__(self, *, guarded: bool = False, secured: Path | None = None) -> None:
        self.endpoint = f"opc.tcp://127.0.0.1:{free_port()}/plant"
        self._guarded = guarded
        self._secured = secured
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="opc ua server", daemon=True)
        self._thread.start()
        self._server: Server | None = None

    @property
    def running(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        """Returns when the server takes sessions; starting twice is allowed."""
        if self._server is None:
            self._do(self._start())

    def stop(self) -> None:
        """Returns when the server is gone; stopping twice is allowed."""
        if self._server is not None:
            self._do(self._stop())

    def close(self) -> None:
        """Stops the server and its thread for good."""
        self.stop()
        self._do(_cancel_the_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def give(self, name: str, value: object, status: int = 0, source: datetime | None = None) -> None:
        """Sets a variable as the device behind the server would."""

        async def write() -> None:
            assert self._server is not None
            kind, _ = VARIABLES[name]
            data = ua.DataValue(
                ua.Variant(value, kind if value is not None else ua.VariantType.Null),
                ua.StatusCode(status),
                SourceTimestamp=source or datetime.now(UTC),
                ServerTimestamp=datetime.now(UTC),
            )
            await self._server.get_node(f"ns=2;s={name}").write_value(data)

        self._do(write())

    def present(self, name: str) -> tuple[object, ua.VariantType]:
        """The value of a variable and the type it is in."""

        async def read() -> tuple[object, ua.VariantType]:
            assert self._server is not None
            data = await self._server.get_node(f"ns=2;s={name}").read_data_value()
            return data.Value.Value, data.Value.VariantType

        return self._do(read())

    async def _start(self) -> None:
        server = Server(user_manager=_Users() if self._guarded else None)
        await server.init()
        server.set_endpoint(self.endpoint)
        if self._secured is None:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        else:
            await server.load_certificate(str(self._secured / "server.pem"))
            await server.load_private_key(str(self._secured / "server-key.pem"))
            server.set_security_policy(
                [ua.SecurityPolicyType.Basic256Sha256_Sign, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
            )
        index = await server.register_namespace(NAMESPACE)
        assert index == 2
        plant = await server.nodes.objects.add_object(index, "Plant")
        for name, (kind, value) in VARIABLES.items():
            node = await plant.add_variable(ua.NodeId(name, index), f"{index}:{name}", ua.Variant(value, kind))
            if name not in READ_ONLY:
                await node.set_writable()
        await server.start()
        self._server = server

    async def _stop(self) -> None:
        server, self._server = self._server, None
        assert server is not None
        await server.stop()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


async def _cancel_the_rest() -> None:
    """Ends what the stopped server left running."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
