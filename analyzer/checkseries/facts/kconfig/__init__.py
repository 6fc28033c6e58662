"""What Kconfig says, on every architecture, as the kernel's own ``conf`` understands it.

:func:`model` is all of it for one architecture; :mod:`lexical` is what can be told of the files alone.
"""

from checkseries.facts.kconfig.evaluate import Evaluation, assigned
from checkseries.facts.kconfig.model import Model, Select, archs, attempt, changed, model
from checkseries.facts.kconfig.symbol import KconfigError, Statement
from checkseries.facts.kconfig.toolchain import PROFILE, PROFILES

__all__ = [
    "PROFILE",
    "PROFILES",
    "Evaluation",
    "KconfigError",
    "Model",
    "Select",
    "Statement",
    "archs",
    "assigned",
    "attempt",
    "changed",
    "model",
]
