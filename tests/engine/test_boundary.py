"""The web's side of the engine costs no torch."""

import subprocess
import sys


def test_what_the_web_imports_of_the_engine_is_free_of_torch():
    imports = "import loras, generation.engine.spec, generation.engine.errors"
    imports += ", generation.engine.encode, generation.engine.parameters"
    program = f"{imports}, sys; print({{'torch', 'numpy', 'django'}} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
