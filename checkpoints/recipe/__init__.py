"""How the embedded mini SDXL is made: one command per stage, `python -m checkpoints.recipe.<stage>`."""
