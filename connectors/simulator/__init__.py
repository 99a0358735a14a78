"""The devices of the demo building: its physics, and two vendors that speak real protocols."""
