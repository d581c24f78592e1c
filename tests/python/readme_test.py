"""The Python lines of the README run as they stand there."""
import re
import warnings

import support


def test_the_readmes_python_runs():
    text = (support.ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert blocks
    lines = "\n".join(blocks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".* missed: ")  # of its random tensors
        exec(compile(lines, "README.md", "exec"), {"__name__": "readme"})
