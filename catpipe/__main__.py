"""`python -m catpipe` is the command line."""

import sys

from catpipe.shell.cli import main

sys.exit(main())
