"""`python -m catpipe` is the command line."""

import sys

from catpipe.shell.cli.main import main

sys.exit(main())
