"""OPC UA: variables by node id, by subscription."""
