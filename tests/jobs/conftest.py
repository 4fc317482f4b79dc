"""What do the tests of jobs need besides the cast?"""

from tests.pages.conftest import plan_of

__all__ = ["plan_of"]
