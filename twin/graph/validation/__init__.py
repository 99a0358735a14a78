"""Validation: the gate at the door, full checks and the audit, and what stands violated with its repairs."""
