"""One case through the compiler and its program, with static and with dynamic dimensions."""
import copy
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from backend_cases import elements, flatten
from halftone import FAILED, HALFTONE, OK, Error, Library, run

# What an outcome can be.
PASS = "pass"  # as expected
PARTLY = "partly"  # with some dimensions dynamic, not with all
FIXED = "fixed"  # no dimension can vary: scalars, dimensions of 1, constants
REFUSED = "refused"  # with exit code 1 and a message that names a node, an input or an output
# What must not be.
UNCLEAR = "unclear"  # refused, but the message names nothing or speaks of our insides, or exit code 2 or 3
WRONG = "wrong"  # other values, shapes or types
FAULT = "fault"  # the program refuses the inputs
CRASH = "crash"  # compiler or program died, or did not end
BAD = (UNCLEAR, WRONG, FAULT, CRASH)

# Twice a valid size is none: the past is one shorter than the kernel.
ONE_SIZE = {"CausalConvWithState"}


@dataclass
class Outcome:
    status: str
    constants: tuple = ()  # inputs that had to be constants
    converted: bool = False  # to the newest opset, as the refusal advised
    reason: str = ""  # why it did not pass; why not more of it is dynamic
    error: float = 0.0  # the largest, relative to the largest magnitude expected
    sizes: int = 1  # how many sizes the program ran at
    seconds: float = 0.0  # of the compiler

    @property
    def passed(self):
        return self.status in (PASS, PARTLY)


class Refused(Exception):
    """The compiler did; carries the outcome."""


@dataclass
class Attempt:
    """Where a case is tried: a compiler, a folder for files, and what was found out so far."""
    batch: object
    folder: Path
    threads: int = 1
    compiled: int = 0
    command: tuple = ()  # the latest compilation's arguments, but for the output

    def static(self, case):
        model, sets = case.load()
        model, outcome = make_static(model, sets[0][0]), Outcome(PASS)
        try:
            library, outcome.constants, model, outcome.converted = self.compile_with_remedies(model, sets[0][0], outcome)
        except Refused:
            return outcome
        for given, wanted in sets:
            check(outcome, case, library, without(given, outcome.constants), wanted, self.threads)
        library.close()
        return outcome

    def dynamic(self, case, static):
        """The same with symbols for dimensions; `static` says what must be constant."""
        model, sets = case.load()
        given, wanted = sets[0]
        model = make_static(model, given)
        if static.converted:
            model = convert(model)
        fixed = {*static.constants, *elements(model, given)}
        everything = sizes_of(without(given, fixed), lambda position, axis, size: True)
        if not everything:
            return Outcome(FIXED, static.constants, static.converted)
        first = latest = None
        for varies in choices(everything, lambda: latest.reason):
            outcome = Outcome(PASS if first is None else PARTLY, static.constants, static.converted)
            sizes = sizes_of(without(given, fixed), varies)
            try:
                library, outcome.constants, _, _ = self.compile_with_remedies(
                    make_dynamic(model, without(given, fixed), varies), given, outcome,
                    "--max", ",".join(f"{symbol(size)}={2 * size}" for size in sizes), constants=static.constants)
            except Refused:
                first, latest = first or outcome, outcome
                if outcome.status != REFUSED:
                    return outcome
                continue
            rest = without(given, fixed | {*outcome.constants})
            if not sizes_of(rest, varies):
                outcome.status = FIXED  # What could vary is constant now.
            outcome.reason = first.reason if first else ""
            check(outcome, case, library, without(given, outcome.constants), wanted, self.threads)
            # The compiler may have found that a dimension has no other size.
            free = all(most >= 2 * size for size in sizes for name, most in library.maxima.items()
                       if name == symbol(size))
            if outcome.passed and free and case.group not in ONE_SIZE:
                self.second_size(outcome, case, model, library, given, enlarge(rest, varies))
            library.close()
            return outcome
        return first

    def second_size(self, outcome, case, model, library, given, larger):
        """Twice as large where it varies, if someone else can say what comes out."""
        inputs = given | larger
        first = copy.copy(outcome)
        for reference in run_reference, run_onnxruntime:
            wanted = reference(model, inputs)
            if wanted is None:
                continue
            vars(outcome).update(vars(first), sizes=2)
            check(outcome, case, library, without(inputs, outcome.constants), wanted, self.threads)
            if outcome.passed:
                return
            outcome.reason = f"at twice the size: {outcome.reason}"

    def compile_with_remedies(self, model, given, outcome, *options, constants=()):
        """A library, the inputs that it has as constants, its model and whether that was
        converted: first as the model is, then as the refusal's notes advise."""
        constants, converted = tuple(constants), False
        while True:
            compilation, path = self.compile(model, given, constants, *options)
            outcome.seconds += compilation.seconds
            text = compilation.diagnostics
            if compilation.exit_code == OK:
                library = Library(path)
                path.unlink()
                return library, constants, model, converted
            advised = tuple(name for name in advised_constants(text, given) if name not in constants)
            if compilation.exit_code == FAILED and advised:
                constants = tuple(sorted(constants + advised))
            elif compilation.exit_code == FAILED and "version_converter" in text and not converted:
                model, converted = convert(model), True
                if model is None:
                    text += "  note: onnx.version_converter cannot convert the model\n"
                    break
            else:
                break
        outcome.constants, outcome.converted, outcome.reason = (), False, summarize(text)
        if compilation.died:
            outcome.status = CRASH
        elif compilation.exit_code == FAILED and is_clear(text) and not path.exists():
            outcome.status = REFUSED
        else:
            outcome.status = UNCLEAR
            outcome.reason = f"exit code {compilation.exit_code}: {outcome.reason}"
        raise Refused

    def compile(self, model, given, constants, *options):
        self.compiled += 1
        # Symbols need --max; each library is loaded from a path of its own.
        source = self.folder / ("dynamic.onnx" if options else "static.onnx")
        path = self.folder / f"{source.stem}{self.compiled}.so"
        source.write_bytes(model.SerializeToString())
        self.command = [source, *options]
        for i, name in enumerate(constants):
            file = self.folder / f"constant{i}.npy"
            np.save(file, given[name])
            self.command += ["--constant", f"{name}={file}"]
        for name, what in elements(model, without(given, constants)).items():
            self.command += ["--elements", f"{name}={what}"]
        compilation = self.batch.compile(*self.command, "-o", path)
        path.with_suffix(".h").unlink(missing_ok=True)
        return compilation, path


    def save(self, case):
        """The inputs and what is expected, for those who go on by hand."""
        given, wanted = case.load()[1][0]
        for name, values in ("in", given), ("expected", wanted):
            np.savez(self.folder / f"{name}.npz", **flatten(values))

    def explain(self, case, outcome):
        """Whose fault it is: what the interpreter makes of the latest compilation's model."""
        given, wanted = case.load()[1][0]
        try:
            np.savez(self.folder / "in.npz", **flatten(without(given, outcome.constants)))
            command = [HALFTONE, "run", "--reference", *self.command, "--inputs", self.folder / "in.npz",
                       "--outputs", self.folder / "out.npz"]
            done = run(command, check=False)
            if done.returncode:
                return f"the interpreter fails: {summarize(done.stderr)}"
            with np.load(self.folder / "out.npz") as got:
                for name, want in flatten(wanted).items():
                    if why := differs(got.get(name), want, case, Outcome(PASS)):
                        return f"the interpreter's output '{name}' {why}, too"
        except (ValueError, OSError, TypeError) as error:
            return f"the interpreter cannot be asked: {error}"
        return "the interpreter agrees with the suite"


def without(values, names):
    return {name: value for name, value in values.items() if name not in names}


def convert(model):
    import onnx.version_converter
    try:
        return onnx.version_converter.convert_version(model, 18)
    except Exception:  # noqa: BLE001 - it raises what it likes
        return None


# ---- what the compiler says -------------------------------------------------------------------

def advised_constants(text, given):
    """The inputs that a refusal's note advises to fix; all of them where it cannot know which."""
    names = re.findall(r"--constant (\S+)=VALUE", text)
    known = [name for name in names if name in given]
    return [name for name in given if isinstance(given[name], np.ndarray)] if "NAME" in names and not known else known


def is_clear(text):
    """Whether a refusal names what it is about, in words of the model's author."""
    named = re.search(r"\b(node|input|output|initializer|function|operator) ['\"]", text)
    return named and not re.search(r"'(arith|vector|scf|cf|memref|math|llvm|func|builtin)\.|internal error", text)


def summarize(text):
    """A refusal as one line: the error without the file, and without what comes after it."""
    for line in text.splitlines():
        if "error: " in line:
            line = re.sub(r"^.*?error: (\S*\.onnx(:\d+:\d+)?: )?(node \"[^\"]*\": )?", "", line)
            return re.sub(r"/\S*/", "", line)[:200]
    return text.strip().splitlines()[-1][:200] if text.strip() else "no message"


# ---- dynamic dimensions -----------------------------------------------------------------------

def symbol(size):
    return f"n{size}"


def each_dimension(given):
    """(input, its position, axis, size) of every dimension that is more than 1."""
    for position, (name, value) in enumerate(given.items()):
        for axis, size in enumerate(getattr(value, "shape", ())):
            if size > 1:
                yield name, position, axis, size


def sizes_of(given, varies):
    return sorted({size for _, position, axis, size in each_dimension(given) if varies(position, axis, size)})


def choices(sizes, get_reason):
    """What to make dynamic, as predicates on (input, axis, size): all; all but a size
    that the refusal of that names (any size, if none); all but those named so far, as
    long as more are; one size alone; the first dimension alone. `get_reason` tells of the
    latest refusal."""
    def blamed():
        return {size for size in sizes if re.search(rf"\b{symbol(size)}\b", get_reason())}

    def all_but(fixed):
        return lambda position, axis, size: size not in fixed

    def only(chosen):
        return lambda position, axis, size: size == chosen

    yield all_but(())
    fixed = blamed()
    for size in sorted(fixed or sizes, reverse=True) if len(fixed) != 1 and len(sizes) > 1 else ():
        yield all_but({size})
    while fixed and fixed != set(sizes):
        yield all_but(fixed)
        if blamed() <= fixed:
            break
        fixed |= blamed()
    yield from map(only, sizes if len(sizes) > 1 else ())
    yield lambda position, axis, size: position == axis == 0


def make_static(model, given):
    """The model with the inputs' sizes in place of what is left open."""
    model = copy.deepcopy(model)
    for value in model.graph.input:
        if isinstance(given.get(value.name), np.ndarray) and value.type.HasField("tensor_type"):
            shape = value.type.tensor_type.shape
            shape.Clear()
            shape.dim.extend(onnx.TensorShapeProto.Dimension(dim_value=size) for size in given[value.name].shape)
    return model


def make_dynamic(model, given, varies):
    """The model with a symbol for each size of the inputs that varies."""
    model = copy.deepcopy(model)
    dims = {value.name: value.type.tensor_type.shape.dim for value in model.graph.input}
    for name, position, axis, size in each_dimension(given):
        if varies(position, axis, size):
            dims[name][axis].dim_param = symbol(size)
    # What follows from the inputs is the compiler's to find.
    del model.graph.value_info[:]
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()
    return model


def enlarge(given, varies):
    """The inputs with twice as many elements along what varies: their own, again."""
    larger = dict(given)
    for name, position, axis, size in each_dimension(given):
        if varies(position, axis, size):
            larger[name] = np.concatenate([larger[name]] * 2, axis)
    return larger


def run_reference(model, inputs):
    from onnx.reference import ReferenceEvaluator
    try:
        return by_name(model, ReferenceEvaluator(model).run(None, inputs))
    except Exception:  # noqa: BLE001 - many operators are not written for all shapes
        return None


def run_onnxruntime(model, inputs, exact=False):
    """`exact`: the model as it is; else its inputs may have other sizes."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    model = copy.deepcopy(model)
    for value in [] if exact else [*model.graph.input, *model.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return by_name(model, session.run(None, inputs))
    except Exception:  # noqa: BLE001
        return None


def by_name(model, values):
    values = {output.name: value for output, value in zip(model.graph.output, values)}
    return {name: value if isinstance(value, list) or value is None else np.asarray(value)
            for name, value in values.items()}


# ---- the program ------------------------------------------------------------------------------

def check(outcome, case, library, given, wanted, threads):
    """Runs the program; what is not as expected goes into the outcome."""
    try:
        with library.session(threads) as session:
            got = session.run(flatten(given))
    except Error as error:
        outcome.status, outcome.reason = FAULT, str(error)
        return
    for name, want in flatten(wanted).items():
        why = differs(got.get(name), want, case, outcome)
        if why:
            outcome.status, outcome.reason = WRONG, f"output '{name}' {why}"
            return


def differs(got, want, case, outcome):
    """Why an output is not what was expected, or None. As the suite compares, but for
    the types of ml_dtypes, which are compared as what they stand for."""
    if got is None:
        return "is missing"
    if got.dtype != want.dtype:
        return f"has type {got.dtype}, not {want.dtype}"
    if got.shape != want.shape:
        return f"has shape {list(got.shape)}, not {list(want.shape)}"
    if want.dtype.kind in "biu":
        wrong = got != want
        return f"has {wrong.sum()} of {wrong.size} elements wrong" if wrong.any() else None
    # Two units of the last place of the short floats; the suite itself has this for bfloat16.
    rtol = max(case.rtol, {"bfloat16": 2**-6, "float16": 2**-9}.get(want.dtype.name, 0))
    got, want = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(invalid="ignore"):
        close = np.isclose(got, want, rtol=rtol, atol=case.atol, equal_nan=True)
        finite = np.abs(got - want)[np.isfinite(got) & np.isfinite(want)]
    largest = np.abs(want)[np.isfinite(want)].max(initial=0)
    error = finite.max(initial=0) / (largest or 1)
    outcome.error = max(outcome.error, float(error))
    if not close.all():
        return f"has {(~close).sum()} of {close.size} elements wrong, by up to {error:.2g} of the largest"
    return None
