"""Hostile input by the hundred thousand: cases in worker processes with bounds on time and memory."""
