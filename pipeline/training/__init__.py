"""Training of every network that ships in ``checkpoints/``; see README.md beside this file."""
