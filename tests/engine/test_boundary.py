"""The web's side of the engine costs no torch, and what encodes files costs the worker numpy alone."""

import subprocess
import sys


def heavy_imports(*modules: str) -> str:
    program = f"import {', '.join(modules)}, sys; print({{'torch', 'numpy', 'django'}} & set(sys.modules))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_what_the_web_imports_of_the_engine_is_free_of_torch():
    engine = ("generation.engine.spec", "generation.engine.errors", "generation.engine.parameters")
    assert heavy_imports("loras", *engine) == "set()"


def test_what_encodes_files_needs_no_torch():
    assert heavy_imports("generation.engine.encode") == "{'numpy'}"
