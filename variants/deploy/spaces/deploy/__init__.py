"""What a Space is made from; kept up to date by the template."""
