FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 PIP_COMPILE=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /build
COPY requirements.lock ./
COPY scripts scripts
# Its headers and tests, 150 MB, serve only those who build extensions.
RUN scripts/install_torch.sh python && \
    cd "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch" && \
    rm -rf include share test

# Pinned by the lock, without the tools that only tests need. Importing once keeps the bytecode
# of what is really used, so that the first start is quick.
COPY pyproject.toml README.md LICENSE ./
COPY diagnostics diagnostics
RUN pip install --quiet --constraint requirements.lock '.[postgres,cluster]' && rm -rf /build/* && \
    python -c 'import diagnostics.engine.lab.worker, diagnostics.dashboard.server'

RUN useradd --create-home --uid 1000 lab && install -d -o lab -g lab /data
USER lab
WORKDIR /home/lab
VOLUME /data
ENV GD_DATA_DIR=/data GD_HOST=0.0.0.0 PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/home/lab/.numba
# Compiled here, so that the first start need not.
RUN python -c 'from diagnostics.engine.measure.probe import warm_up; warm_up()'
EXPOSE 8050
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"GD_PORT\", 8050)}/healthz', timeout=2)"]
CMD ["gradient-diagnostics", "serve"]
