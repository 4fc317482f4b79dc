"""What may be said to a bench that compares a job with the same job and something more?"""

import argparse
from pathlib import Path

import torch

from bench.clocks import CLOCKS
from bench.companions import add_arguments


def cost_arguments(description: str | None, out: Path) -> argparse.Namespace:
    """Read the command line of a bench that compares a job with the same job and something more."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="a diffusers folder")
    add_arguments(parser)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="processor: where others use the machine too")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=out)
    return parser.parse_args()
