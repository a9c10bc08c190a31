"""The embedded trainer: a compact hybrid language model from manifest ids."""
