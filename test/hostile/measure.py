"""Runs a command under limits and writes how it ended: `measure.py RESULT DATA SECONDS COMMAND…`.

A process of its own, since what a process used before exec counts as its peak, and pytest is large."""
import json
import os
import resource
import sys

result, data, seconds, *command = sys.argv[1:]
child = os.fork()
if child == 0:
    resource.setrlimit(resource.RLIMIT_DATA, (int(data), int(data)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(command[0], command)
_, status, usage = os.wait4(child, 0)
with open(result, "w") as file:
    json.dump({"code": os.waitstatus_to_exitcode(status), "memory": usage.ru_maxrss << 10}, file)
