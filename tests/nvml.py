"""A `pynvml` that tells of a GPU that is not there, for processes that tests start."""

from pathlib import Path

SOURCE = """
NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18

class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(f"NVML error {{value}}")
        self.value = value

class Memory:
    total, used, free = 80 << 30, 1 << 30, 79 << 30

def nvmlInit():
    if {init_error}:
        raise NVMLError({init_error})

def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return {gpus}
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetMemoryInfo(handle): return Memory
def nvmlDeviceGetName(handle): return "Pretended GPU"
def nvmlDeviceGetUUID(handle): return f"GPU-{{handle}}"
def nvmlSystemGetDriverVersion(): return "{driver}"
def nvmlSystemGetCudaDriverVersion_v2(): return {cuda}

def __getattr__(name):
    # whatever else is asked of it
    if name.startswith("nvml"):
        def unsupported(*arguments):
            raise NVMLError(3)
        return unsupported
    raise AttributeError(name)
"""


def write_nvml(
    folder: Path, driver: str = "550.54.14", cuda: int = 12040, gpus: int = 1, init_error: int = 0
) -> dict[str, str]:
    """Write it into a folder; the environment of processes that shall find it there."""
    text = SOURCE.format(driver=driver, cuda=cuda, gpus=gpus, init_error=init_error)
    (folder / "pynvml.py").write_text(text)
    return {"PYTHONPATH": str(folder)}
