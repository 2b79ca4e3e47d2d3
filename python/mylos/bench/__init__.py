"""Benchmarks that run from Python."""
