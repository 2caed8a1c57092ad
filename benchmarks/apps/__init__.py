"""The servers under load. Each runs as a process of its own."""
