"""What benchmarks start: publishers, subscribers and models, each in a process of its own."""
