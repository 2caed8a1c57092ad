"""`python -m fleet`, where the command is not installed."""

import sys

from fleet.cli import main

sys.exit(main())
