"""Rules: what a row must be. One rule family or paper a file; every refusal names its rule, value and threshold."""
