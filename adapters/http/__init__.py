"""The REST API: Litestar over the assembled core."""
