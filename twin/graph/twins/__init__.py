"""The read model: twins, properties, places and wiring, read back from the graph in whichever vocabulary they speak."""
