"""Halftone as its users meet it: the `halftone` command, the programs that it makes,
and the C API of a shared library through ctypes."""
import _ctypes
import ctypes
import os
import subprocess
from pathlib import Path

import numpy as np

from places import BIN

HALFTONE = BIN / "halftone"
HALFTONE_OPT = BIN / "halftone-opt"

# Exit codes of every program of ours.
OK, FAILED, USAGE, INTERNAL = 0, 1, 2, 3


def run(command, check=True, **options):
    """Runs a command; text output; by default a failure is an AssertionError that
    shows what was said."""
    command = [str(part) for part in command]
    options = {"capture_output": True, "text": True, "timeout": 600} | options
    done = subprocess.run(command, **options)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def compile_model(model, output, *options, check=True, **more):
    """halftone compile MODEL -o OUTPUT OPTIONS"""
    return run([HALFTONE, "compile", model, "-o", output, *options], check, **more)


def run_program(program, inputs, folder, *options, env=None):
    """The outputs, by name, of an executable for the inputs, by name."""
    folder = Path(folder)
    np.savez(folder / "in.npz", **inputs)
    run([program, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", *options], env=env)
    with np.load(folder / "out.npz") as outputs:
        return dict(outputs)


def run_reference(model, inputs, folder, *options):
    """The same of the interpreter: halftone run --reference OPTIONS."""
    folder = Path(folder)
    np.savez(folder / "in.npz", **inputs)
    run([HALFTONE, "run", "--reference", *options, model, "--inputs", folder / "in.npz", "--outputs",
         folder / "ref.npz"])
    with np.load(folder / "ref.npz") as outputs:
        return dict(outputs)


# ---- the C API -------------------------------------------------------------------

MAX_RANK = 8
STATUS = ["OK", "INVALID_ARGUMENT", "INVALID_PROGRAM", "UNSUPPORTED_CPU", "OUT_OF_MEMORY", "SYSTEM_ERROR",
          "BUSY", "FAULT"]


class Tensor(ctypes.Structure):
    """halftone_tensor"""
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_uint32), ("rank", ctypes.c_uint32),
                ("dims", ctypes.c_int64 * MAX_RANK), ("data", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


class TensorInfo(ctypes.Structure):
    """halftone_tensor_info"""
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_uint32), ("rank", ctypes.c_uint32),
                ("dims", ctypes.POINTER(ctypes.c_int64)), ("dim_text", ctypes.POINTER(ctypes.c_char_p))]


class Symbol(ctypes.Structure):
    """halftone_symbol"""
    _fields_ = [("name", ctypes.c_char_p), ("min", ctypes.c_int64), ("max", ctypes.c_int64)]


class SessionOptions(ctypes.Structure):
    """halftone_session_options"""
    _fields_ = [("struct_size", ctypes.c_uint32), ("threads", ctypes.c_uint32), ("pin", ctypes.c_uint32)]


def numpy_types():
    """halftone_dtype -> numpy's type."""
    import ml_dtypes as m
    return dict(enumerate((
        np.float32, np.float64, np.float16, m.bfloat16, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_,
        np.uint16, np.uint32, np.uint64, m.int2, m.int4, m.uint2, m.uint4, m.float8_e4m3fn, m.float8_e4m3fnuz,
        m.float8_e5m2, m.float8_e5m2fnuz, m.float8_e8m0fnu, m.float4_e2m1fn), 1))


def as_in_memory(array):
    """ml_dtypes leaves the bits above an int4 open; a program has copies of the sign there."""
    array = np.asarray(array, order="C")
    return array.astype(np.int8).view(array.dtype) if array.dtype.name in ("int2", "int4") else array


class Error(Exception):
    def __init__(self, status, message):
        super().__init__(f"{STATUS[status]}: {message}")
        self.status, self.message = STATUS[status], message


class Library:
    """A model compiled to a shared library."""

    def __init__(self, path):
        self.path = path
        self.c = c = ctypes.CDLL(str(Path(path).resolve()), mode=os.RTLD_LOCAL | os.RTLD_NOW)
        c.halftone_last_error.restype = ctypes.c_char_p
        c.halftone_model_name.restype = c.halftone_model_build_info.restype = ctypes.c_char_p
        for name in "num_inputs", "num_outputs", "num_symbols", "num_states":
            getattr(c, f"halftone_model_{name}").restype = ctypes.c_size_t
        for name in "arena_bytes", "weight_bytes":
            getattr(c, f"halftone_model_{name}").restype = ctypes.c_uint64
        for name, kind in ("input", TensorInfo), ("output", TensorInfo), ("symbol", Symbol), ("state", TensorInfo):
            getattr(c, f"halftone_model_{name}").restype = ctypes.POINTER(kind)
            getattr(c, f"halftone_model_{name}").argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        for name in ("name", "build_info", "num_inputs", "num_outputs", "num_symbols", "num_states", "arena_bytes",
                     "weight_bytes"):
            getattr(c, f"halftone_model_{name}").argtypes = [ctypes.c_void_p]
        c.halftone_model_destroy.argtypes = c.halftone_session_destroy.argtypes = [ctypes.c_void_p]
        c.halftone_session_threads.argtypes = [ctypes.c_void_p]
        c.halftone_session_threads.restype = ctypes.c_size_t
        c.halftone_session_reset.argtypes = [ctypes.c_void_p]
        c.halftone_session_state.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        c.halftone_session_state.restype = ctypes.c_void_p
        run_types = [ctypes.c_void_p, ctypes.POINTER(Tensor), ctypes.c_size_t, ctypes.POINTER(Tensor), ctypes.c_size_t]
        c.halftone_session_run.argtypes = c.halftone_output_shapes.argtypes = run_types
        self.types = numpy_types()
        self.model = ctypes.c_void_p()
        program = ctypes.c_char.in_dll(c, "halftone_program")
        self.call("halftone_load", ctypes.byref(program), ctypes.byref(self.model))

    def close(self):
        """Unloads it; sessions must be gone."""
        self.c.halftone_model_destroy(self.model)
        _ctypes.dlclose(self.c._handle)

    def call(self, function, *arguments):
        status = getattr(self.c, function)(*arguments)
        if status:
            raise Error(status, self.c.halftone_last_error().decode())

    def infos(self, kind):
        count = getattr(self.c, f"halftone_model_num_{kind}s")(self.model)
        return [getattr(self.c, f"halftone_model_{kind}")(self.model, i).contents for i in range(count)]

    @property
    def maxima(self):
        """The largest value of each symbol, by name."""
        return {info.name.decode(): info.max for info in self.infos("symbol")}

    def outputs_for(self, inputs):
        """Arrays with the shapes that the outputs will have, by name."""
        given = self.tensors(inputs)
        count = len(self.infos("output"))
        outputs = (Tensor * count)()
        self.call("halftone_output_shapes", self.model, given, len(given), outputs, count)
        return {t.name.decode(): np.empty(t.dims[:t.rank], self.types[t.dtype]) for t in outputs}

    def tensors(self, arrays):
        """halftone_tensor[] of arrays by name. The arrays must outlive it."""
        codes = {np.dtype(kind): code for code, kind in self.types.items()}
        return (Tensor * len(arrays))(*(
            Tensor(name.encode(), codes[a.dtype], a.ndim, (ctypes.c_int64 * MAX_RANK)(*a.shape), a.ctypes.data, a.nbytes)
            for name, a in arrays.items()))

    def session(self, threads=0):
        return Session(self, threads)

    def decoder(self, threads=0):
        return Decoder(self, threads)


class Session:
    def __init__(self, library, threads=0):
        self.library, self.handle = library, ctypes.c_void_p()
        options = SessionOptions(ctypes.sizeof(SessionOptions), threads, 0)
        library.call("halftone_session_create", library.model, ctypes.byref(options), ctypes.byref(self.handle))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.c.halftone_session_destroy(self.handle)

    @property
    def threads(self):
        return self.library.c.halftone_session_threads(self.handle)

    def bind(self, inputs):
        """A function without arguments that runs the model, and its outputs by name."""
        inputs = {name: as_in_memory(a) for name, a in inputs.items()}
        outputs = self.library.outputs_for(inputs)
        given, taken = self.library.tensors(inputs), self.library.tensors(outputs)
        step, handle = self.library.c.halftone_session_run, self.handle

        def call(_keep=(inputs, outputs)):
            status = step(handle, given, len(given), taken, len(taken))
            if status:
                raise Error(status, self.library.c.halftone_last_error().decode())

        return call, outputs

    def run(self, inputs):
        call, outputs = self.bind(inputs)
        call()
        return outputs

    def reset(self):
        self.library.call("halftone_session_reset", self.handle)

    def states(self):
        """Views of what the session keeps, by name."""
        views = {}
        for i, info in enumerate(self.library.infos("state")):
            shape, kind = info.dims[:info.rank], np.dtype(self.library.types[info.dtype])
            bytes = (ctypes.c_char * (int(np.prod(shape)) * kind.itemsize)).from_address(
                self.library.c.halftone_session_state(self.handle, i))
            views[info.name.decode()] = np.frombuffer(bytes, kind).reshape(shape)
        return views


# ---- language.h ------------------------------------------------------------------

FINISH = ["length", "end", "stop", "context", "asked"]
ON_TOKEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_char),
                            ctypes.c_size_t)


class GenerateOptions(ctypes.Structure):
    """halftone_generate_options"""
    _fields_ = [("struct_size", ctypes.c_uint32), ("top_k", ctypes.c_uint32), ("max_tokens", ctypes.c_size_t),
                ("temperature", ctypes.c_double), ("top_p", ctypes.c_double), ("min_p", ctypes.c_double),
                ("penalty", ctypes.c_double), ("penalty_last", ctypes.c_size_t), ("seed", ctypes.c_uint64),
                ("stops", ctypes.POINTER(ctypes.c_char_p)), ("num_stops", ctypes.c_size_t),
                ("ignore_ends", ctypes.c_uint32), ("shift", ctypes.c_uint32), ("keep", ctypes.c_size_t),
                ("anew", ctypes.c_uint32)]


class Decoder:
    """A language model that writes."""

    def __init__(self, library, threads=0):
        self.library, self.c, self.handle = library, library.c, ctypes.c_void_p()
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        for name in "vocabulary", "context", "sequences":
            getattr(self.c, f"halftone_decoder_{name}").argtypes = [pointer]
            getattr(self.c, f"halftone_decoder_{name}").restype = size
        self.c.halftone_decoder_destroy.argtypes = [pointer]
        self.c.halftone_sequence_length.argtypes = self.c.halftone_sequence_tokens.argtypes = [pointer, size]
        self.c.halftone_sequence_length.restype = size
        self.c.halftone_sequence_tokens.restype = ctypes.POINTER(ctypes.c_uint32)
        self.c.halftone_sequence_truncate.argtypes = [pointer, size, size]
        self.c.halftone_sequence_append.argtypes = [pointer, size, pointer, size, pointer, size]
        self.c.halftone_sequences_step.argtypes = [pointer, pointer, pointer, size, pointer]
        self.c.halftone_tokenize.argtypes = [pointer, ctypes.c_char_p, size, ctypes.c_int, pointer, size, pointer]
        self.c.halftone_detokenize.argtypes = [pointer, pointer, size, ctypes.c_int, pointer, size, pointer]
        self.c.halftone_generate.argtypes = [pointer, size, pointer, size, pointer, ON_TOKEN, pointer, pointer]
        for name in "save", "restore":
            getattr(self.c, f"halftone_decoder_{name}").argtypes = [pointer, ctypes.c_char_p]
        options = SessionOptions(ctypes.sizeof(SessionOptions), threads, 0)
        library.call("halftone_decoder_create", library.model, ctypes.byref(options), ctypes.byref(self.handle))
        self.vocabulary, self.context, self.sequences = (
            getattr(self.c, f"halftone_decoder_{name}")(self.handle) for name in ("vocabulary", "context", "sequences"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.c.halftone_decoder_destroy(self.handle)

    def tokens(self, sequence=0):
        return self.c.halftone_sequence_tokens(self.handle, sequence)[:self.c.halftone_sequence_length(
            self.handle, sequence)]

    def truncate(self, length, sequence=0):
        self.library.call("halftone_sequence_truncate", self.handle, sequence, length)

    def append(self, tokens, sequence=0, wanted=None):
        """Logits of the last `wanted` of them; of all without it."""
        tokens = np.array(tokens, np.uint32)
        logits = np.empty((len(tokens) if wanted is None else wanted, self.vocabulary), np.float32)
        self.library.call("halftone_sequence_append", self.handle, sequence, tokens.ctypes.data, len(tokens),
                          logits.ctypes.data if len(logits) else None, len(logits))
        return logits

    def step(self, tokens):
        """The next token of some sequences, by their number; their logits."""
        rows, ids = np.array(list(tokens), np.uint64), np.array(list(tokens.values()), np.uint32)
        logits = np.empty((len(rows), self.vocabulary), np.float32)
        self.library.call("halftone_sequences_step", self.handle, rows.ctypes.data, ids.ctypes.data, len(rows),
                          logits.ctypes.data)
        return dict(zip(tokens, logits))

    def _list(self, function, kind, *arguments):
        count = ctypes.c_size_t()
        self.library.call(function, self.handle, *arguments, None, 0, ctypes.byref(count))
        items = np.empty(count.value, kind)
        self.library.call(function, self.handle, *arguments, items.ctypes.data, len(items), ctypes.byref(count))
        return items

    def tokenize(self, text, whole=True):
        return self._list("halftone_tokenize", np.uint32, text, len(text), int(whole)).tolist()

    def detokenize(self, tokens, special=False):
        tokens = np.array(tokens, np.uint32)
        return self._list("halftone_detokenize", np.uint8, tokens.ctypes.data, len(tokens), int(special)).tobytes()

    def generate(self, tokens, sequence=0, stops=(), stop_after=None, **options):
        """(tokens, text, how it ended)"""
        tokens, written, text, finish = np.array(tokens, np.uint32), [], [], ctypes.c_int()
        stops = (ctypes.c_char_p * len(stops))(*stops)
        given = GenerateOptions(ctypes.sizeof(GenerateOptions), stops=stops, num_stops=len(stops), **options)

        def take(_, token, data, count):
            text.append(data[:count])
            if token != 2**32 - 1:
                written.append(token)
            return len(written) == stop_after

        self.library.call("halftone_generate", self.handle, sequence, tokens.ctypes.data, len(tokens),
                          ctypes.byref(given), ON_TOKEN(take), None, ctypes.byref(finish))
        return written, b"".join(text), FINISH[finish.value]

    def save(self, path):
        self.library.call("halftone_decoder_save", self.handle, str(path).encode())

    def restore(self, path):
        self.library.call("halftone_decoder_restore", self.handle, str(path).encode())
