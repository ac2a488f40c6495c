# Pressroom for a shared database: `docker build -t pressroom .`, then see compose.yaml.
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY mcp_server mcp_server
COPY handlers handlers
RUN python -m venv /opt/pressroom && /opt/pressroom/bin/pip install --no-cache-dir '.[postgres]'

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home pressroom
COPY --from=build /opt/pressroom /opt/pressroom
ENV PATH=/opt/pressroom/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /site
ENTRYPOINT ["pressroom"]
