"""Programs that make datasets from the web: reading crawls, extracting text, one file for each dataset."""
