"""Models: the registry and lineage, loading, adaptation, memory and time estimates."""
