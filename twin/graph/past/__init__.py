"""The past: stores pinned at earlier revisions, the snapshots they start from, and differences between revisions."""
