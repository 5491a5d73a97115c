"""What is used of vector-quantize-pytorch, told to be silent."""

from loguru import logger

# the library reports through loguru, whose default handler writes to stderr; what it says is known here already
logger.disable("vector_quantize_pytorch")

from vector_quantize_pytorch import ResidualVQ  # noqa: E402
from vector_quantize_pytorch.vector_quantize_pytorch import kmeans  # noqa: E402

__all__ = ["ResidualVQ", "kmeans"]
