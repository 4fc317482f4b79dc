"""Whatever happens, in whatever order: the ledger adds up, no limit is exceeded, all is settled in the end."""

import os
from io import StringIO

import pytest
from django.core.management import call_command

from quotas.models import LedgerEntry
from tests.quotas.chaos import Chaos

STEPS = int(os.environ.get("CHAOS_STEPS", "120"))
SEEDS = int(os.environ.get("CHAOS_SEEDS", "2"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_money_adds_up_whatever_happens(checkpoint, seed):
    chaos = Chaos(seed)
    for number in range(STEPS):
        chaos.step()
        if number % 40 == 39:
            call_command("check_invariants", stdout=StringIO())
    chaos.settle_all()
    call_command("check_invariants", stdout=StringIO())
    kinds = list(LedgerEntry.objects.values_list("kind", flat=True))
    assert kinds.count("reserve") == kinds.count("settle") > 0
