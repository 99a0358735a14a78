"""Reader processes: analysts' queries and updates, answered where they can be killed and are never stale."""
