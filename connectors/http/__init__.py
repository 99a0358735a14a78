"""HTTP: values polled at URLs, taken from webhooks, and written by PUT or POST."""
