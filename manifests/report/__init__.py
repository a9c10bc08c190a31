"""Reports: one HTML file that opens offline and runs no script, whatever a crawl put into its texts."""
