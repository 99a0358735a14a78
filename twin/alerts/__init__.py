"""Alerts: what is worth a person's attention, its life, and whom it is told to."""
