"""``python -m checkseries``."""

import os
import sys

# Python puts the current directory first, and what lies there, in a kernel tree say, is not to be imported.
sys.path[:] = [each for each in sys.path if each and os.path.abspath(each) != os.path.abspath(os.curdir)]

from checkseries.cli import main  # noqa: E402 - after the path is mended

sys.exit(main())
