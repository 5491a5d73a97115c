# For boxes with NVIDIA GPUs and the NVIDIA container toolkit.
#
#   docker build -t distill-tui .                                   # driver 580 or newer
#   docker build -t distill-tui --build-arg TORCH_BACKEND=cu126 .   # older ones, from 525 on; `cpu` for none
#   docker run -d --init --gpus all --name distill -v distill:/data -v ~/sounds:/sounds:ro distill-tui
#   docker exec -it distill distill-tui                             # the app; runs go on when it is left
#
# `docker stop` ends the runs too: they resume from their last checkpoint.
FROM python:3.11-slim

# torch.compile needs a compiler
RUN apt-get update && apt-get install -y --no-install-recommends g++ tmux && rm -rf /var/lib/apt/lists/*

ARG TORCH_BACKEND=cu130
COPY . /src
RUN pip install --no-cache-dir uv \
    && uv pip install --system --no-cache --torch-backend "$TORCH_BACKEND" /src \
    && rm -r /src

# what the container toolkit gives to images: the devices, CUDA, and NVML, which tells their memory and load
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility DISTILL_TUI_HOME=/data LANG=C.UTF-8
VOLUME /data
CMD ["sleep", "infinity"]
