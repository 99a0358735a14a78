"""Where values come from: the register of origins, the raw payloads as they came, and those that were rejected."""
