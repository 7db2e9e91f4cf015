"""Machines as a subject: records compared, the gap to a GPU, known networks, limits."""
