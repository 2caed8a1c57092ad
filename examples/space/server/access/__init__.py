"""Who is asking, and who may come in."""
