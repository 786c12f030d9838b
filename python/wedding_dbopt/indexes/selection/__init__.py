"""Algorithms that choose a set of indexes for a workload; one module each."""
