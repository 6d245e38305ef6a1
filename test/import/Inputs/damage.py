"""Cuts a model at many places, changes bytes of it, and counts what the importer says:
`damage.py TOOL MODEL`."""
import os
import random
import subprocess
import sys

tool, path = sys.argv[1:]
with open(path, "rb") as file:
    whole = file.read()
# The bytes that are not payload: all before the weights and a few of each end.
places = sorted(set(range(0, min(len(whole), 200), 3)) | set(range(200, len(whole), max(1, len(whole) // 40)))
                | {len(whole) - 1, len(whole) - 2})
generator = random.Random(0)


def run(data):
    damaged = path + ".damaged.onnx"
    with open(damaged, "wb") as file:
        file.write(data)
    done = subprocess.run([tool, "--import-onnx", damaged, "-o", os.devnull], capture_output=True)
    if done.returncode == 0:
        return "accepted"
    return "refused" if done.returncode == 1 and b"error:" in done.stderr else "crashed"


def report(what, cases):
    results = [run(data) for data in cases]
    kinds = "refused", "accepted", "crashed"
    print(f"{what}: " + ", ".join(f"{results.count(kind)} {kind}" for kind in kinds))


def changed(place):
    byte = generator.choice([0, 1, 127, 128, 255, whole[place] ^ 8])
    return whole[:place] + bytes([byte]) + whole[place + 1:]


report("cut", (whole[:place] for place in places))
report("changed", map(changed, places))
