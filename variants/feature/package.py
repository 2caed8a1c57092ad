"""What the question `features` adds."""
