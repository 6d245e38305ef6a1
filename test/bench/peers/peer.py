"""What every peer is to the harness."""
import importlib.metadata

# Bytes of a weight are those of its arithmetic unless a peer says otherwise.
BITS = {"f32": 32, "bf16": 16, "int8": 8}


class Peer:
    """A program at a precision. Worker processes make one, prepare it and run it; the
    constructor must do without the program's packages."""

    # Their names in the package index.
    packages = ()
    # Of one number that a language model keeps of earlier tokens.
    state_bits = 32

    def __init__(self, name, arithmetic, bits=None):
        # "program precision".
        self.name = name
        # Of its matrix products: f32, bf16 or int8. Says which limit bounds it.
        self.arithmetic = arithmetic
        # Of one weight, scales included.
        self.bits = bits or BITS[arithmetic]

    @property
    def program(self):
        return self.name.split()[0]

    def version(self):
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in self.packages)

    def prepare(self, task, threads):
        """Loads, quantizes, compiles: whatever must be done once."""
        raise NotImplementedError

    def bind(self, inputs):
        """A function that runs the model on these inputs once, which is what is timed,
        and one that gives the output of the last run as an array of f32."""
        raise NotImplementedError
