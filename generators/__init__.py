"""Programs that make datasets from models: one file for each dataset."""
