"""The report of a scale as one HTML file that opens from disk: no network, no server, readable without JavaScript."""
