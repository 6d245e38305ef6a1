"""check_lines.py finds what FileCheck would silently ignore."""
import pytest

from check_lines import check

RUN = "// RUN: halftone-opt %s | FileCheck %s\n"
RUN_TWO = "// RUN: halftone-opt %s | FileCheck %s --check-prefixes=CHECK,AVX\n"

GOOD = {
    "plain": RUN + "// CHECK-LABEL: @x\n// CHECK: y\n// CHECK-NEXT: z\n// CHECK-COUNT-3: w\n",
    "indented": RUN + "func.func @x() {\n  // CHECK-NOT: y\n",
    "prefixes": RUN_TWO + "// AVX: x\n// AVX-DAG: y\n",
    "prefix with a dash": "// RUN: cat %s | FileCheck %s --check-prefix=FAST-MATH\n// FAST-MATH-NEXT: x\n",
    "continued": "// RUN: halftone-opt %s \\\n// RUN:   | FileCheck %s -check-prefix=ALL\n// ALL: x\n",
    "two commands": "// RUN: a %s | FileCheck %s\n// RUN: b %s | FileCheck %s --check-prefix=B\n// CHECK: x\n// B: y\n",
    "literal": RUN + "// CHECK-DAG{LITERAL}: [[x]]\n",
    "prose": RUN + "// CHECK: x\n// NOTE: on why. TODO: more.\n// K: a dimension\n// HT1: a constraint\n",
    "no directives": "// RUN: halftone-opt %s --verify-diagnostics\n// expected-error @+1 {{no}}\n",
    "hash comments": "# RUN: halftone inspect x | FileCheck %s\n# CHECK: x\n",
}

BAD = {
    "no colon": (RUN + "// CHECK-LABEL @x\n", "without a colon"),
    "no colon, plain": (RUN + "// CHECK x = y\n", "without a colon"),
    "suffix": (RUN + "// CHECK-NXT: x\n", "no suffix 'NXT'"),
    "suffix and no colon": (RUN + "// CHECK-LABLE @x\n", "no suffix 'LABLE'"),
    "count without number": (RUN + "// CHECK-COUNT: x\n", "no suffix 'COUNT'"),
    "prefix": (RUN_TWO + "// AVX2-NEXT: x\n", "no RUN line gives FileCheck the prefix 'AVX2'"),
    "default prefix is replaced": ("// RUN: a %s | FileCheck %s --check-prefix=B\n// B: y\n// CHECK: x\n",
                                   "the prefix 'CHECK'"),
    "typo": (RUN + "// CHEKC: x\n", "'CHECK'?"),
    "typo with suffix": (RUN + "// CHCK-NEXT: x\n", "the prefix 'CHCK'"),
    "space before the colon": (RUN + "// CHECK : x\n", "without a colon"),
    "no FileCheck": ("// RUN: halftone-opt %s\n// CHECK: x\n", "no RUN line runs FileCheck"),
    "no RUN": ("// CHECK: x\n", "no RUN line"),
    "RUN without colon": (RUN + "// RUN halftone-opt %s\n", "'RUN' without a colon"),
    "no verify-diagnostics": (RUN + "// CHECK: x\n// expected-error@+1 {{no}}\n", "--verify-diagnostics"),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_accepts(text):
    assert list(check(text)) == []


@pytest.mark.parametrize("text, problem", BAD.values(), ids=BAD.keys())
def test_finds(text, problem):
    found = list(check(text))
    assert found and any(problem in message for _, message in found), found
