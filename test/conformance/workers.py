"""Tasks in processes that may die: each says which task it has, and another takes its place."""
import multiprocessing
import time
from multiprocessing.connection import wait

SECONDS = 300  # for one task


class Worker:
    def __init__(self, context, serve, *arguments):
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, *arguments), daemon=True)
        self.process.start()
        other.close()
        self.task, self.since = None, 0

    def give(self, task):
        self.task, self.since = task, time.monotonic()
        self.connection.send(task)

    def end(self):
        self.connection.close()
        self.process.kill()
        self.process.join()


def run_tasks(tasks, serve, died, count=2, arguments=()):
    """Yields (task, answer) as they come. `serve(connection, *arguments)` runs in each
    process: it receives tasks and sends answers, the last of a task as ("done", answer).
    Of a task that killed its process, `died(task, last message, why)` is the answer."""
    # What is loaded here need not be loaded there.
    context = multiprocessing.get_context("fork")
    pending, workers, messages = list(reversed(tasks)), [], {}
    try:
        while pending or any(worker.task for worker in workers):
            while pending and len(workers) < count:
                workers.append(Worker(context, serve, *arguments))
            for worker in workers:
                if worker.task is None and pending:
                    worker.give(pending.pop())
            busy = {worker.connection: worker for worker in workers if worker.task is not None}
            ready = wait(busy, timeout=1)
            for connection, worker in busy.items():
                why = None
                if connection in ready:
                    try:
                        kind, answer = connection.recv()
                    except (EOFError, ConnectionResetError):
                        worker.process.join()
                        why = f"the program died of signal {-worker.process.exitcode}"
                    else:
                        if kind == "done":
                            yield worker.task, answer
                            worker.task = None
                        else:
                            messages[worker.task] = answer
                elif time.monotonic() - worker.since > SECONDS:
                    why = f"no end within {SECONDS} seconds"
                if why:
                    worker.end()
                    workers.remove(worker)
                    yield worker.task, died(worker.task, messages.get(worker.task), why)
    finally:
        for worker in workers:
            worker.end()
