"""What people and machines elsewhere are told of an alert, as JSON and in words."""

from __future__ import annotations

from typing import Any

import orjson

from twin.alerts.records import SEVERITIES, Action, Alert, AlertEvent, Severity
from twin.clock import iso

TOLD: tuple[Action, ...] = ("raised", "cleared", "folded", "acknowledged", "assigned")
"""The steps that hooks are told of."""


def is_told(event: AlertEvent, least: Severity) -> bool:
    """Whether hooks hear of a step: of alerts at least so grave, and not while they are shelved."""
    alert, step = event.alert, event.transition
    shelved = alert.shelved_until is not None and alert.shelved_until > step.time
    grave = SEVERITIES.index(alert.severity) >= SEVERITIES.index(least)
    return step.action in TOLD and grave and not shelved


def as_mapping(alert: Alert, now: int) -> dict[str, Any]:
    """An alert as JSON values; times are RFC 3339, null for what has not happened."""
    return {
        "id": str(alert.id),
        "kind": alert.kind,
        "severity": alert.severity,
        "state": alert.state(now),
        "message": alert.message,
        "about": alert.about,
        "twin": alert.twin or None,
        "site": alert.site or None,
        "since": iso(alert.since),
        "raised": iso(alert.raised),
        "updated": iso(alert.updated),
        "times": alert.times,
        "acknowledged": None if alert.acknowledged is None else iso(alert.acknowledged),
        "acknowledgedBy": alert.acknowledged_by or None,
        "shelvedUntil": None if alert.shelved_until is None else iso(alert.shelved_until),
        "assigned": alert.assigned or None,
        "cleared": None if alert.cleared is None else iso(alert.cleared),
        "consequences": alert.consequences,
        "cause": None if alert.cause is None else str(alert.cause),
    }


def content_of(event: AlertEvent, server: str) -> str:
    """The JSON text of a step, as hooks get it."""
    step = event.transition
    return orjson.dumps(
        {
            "type": f"alert.{step.action}",
            "timestamp": iso(step.time),
            "server": server,
            "actor": step.actor,
            "note": step.note,
            "data": as_mapping(event.alert, step.time),
        }
    ).decode()


def in_words(message: dict[str, Any]) -> str:
    """A step as lines of text for a person."""
    data = message["data"]
    lines = [
        f"{data['severity'].upper()} {message['type'].removeprefix('alert.')}: {data['message']}",
        f"  about {data['about']}" + (f" of {data['twin']}" if data["twin"] else ""),
        f"  since {data['since']}" + (f", cleared {data['cleared']}" if data["cleared"] else ""),
    ]
    if data["consequences"]:
        lines.append(f"  {data['consequences']} consequences")
    if data["assigned"]:
        lines.append(f"  assigned to {data['assigned']}")
    return "\n".join([*lines, f"  alert {data['id']} at {message['server']}"])
