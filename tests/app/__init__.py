"""The page's parts as plain functions, and the server."""
