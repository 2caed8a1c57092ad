"""What keeps the committed files of this repository fresh: examples, the table in the README, screenshots."""
