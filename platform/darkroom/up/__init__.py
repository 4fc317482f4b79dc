"""One command that runs everything: store, web server, GPU worker and scheduler under one supervisor."""
