"""MQTT 3.1.1: documents by topic, from any broker."""
