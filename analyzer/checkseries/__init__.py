"""Static analysis of Linux kernel patch series.

``model`` names the things, ``run`` shows how they flow; read those two first.
"""

__version__ = "0.1.0"
