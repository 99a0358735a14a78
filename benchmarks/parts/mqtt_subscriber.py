"""The limit of plain reading: paho as its documentation shows it, with the payload parsed and counted.

``python -m benchmarks.parts.mqtt_subscriber PORT MESSAGES``: prints ``ready`` when subscribed to ``limit/+``, and at
the end one JSON object: the ``messages`` it has and ``until`` when the last one was done (seconds since the epoch).
"""

from __future__ import annotations

import json
import sys
import time

import orjson
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    port, messages = map(int, sys.argv[1:3])
    count = 0

    def take(client: Client, data: object, message: MQTTMessage) -> None:
        nonlocal count
        orjson.loads(message.payload)
        count += 1
        if count == messages:
            print(json.dumps({"messages": count, "until": time.time()}), flush=True)
            client.disconnect()

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = take
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.connect("127.0.0.1", port)
    client.subscribe("limit/+", qos=0)
    client.loop_forever()


if __name__ == "__main__":
    main()
