# A storage node: the image holds a Node, the program and nothing else. Built on the builder's architecture for any of
# linux/amd64 and linux/arm64, so no emulation is needed:  docker build -t shoal .
# How to run it: docs/deploy/compose.yaml and the documentation.
FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS build
ARG TARGETARCH=amd64
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build
RUN node node-core/packaging/stage.mjs linux "$TARGETARCH" /out/opt/shoal
RUN mkdir -p /out/usr/local/bin /out/data \
  && printf '#!/bin/sh\nexec /opt/shoal/shoal-node /opt/shoal/dist/node-core/shoal.cjs "$@"\n' > /out/usr/local/bin/shoal \
  && chmod 755 /out/usr/local/bin/shoal \
  && chown 10001:10001 /out/data

FROM debian:bookworm-slim
COPY --from=build /out /
# Where files, catalogue, keys and settings are, unless SHOAL_DATA or GO_FASTDFS_DIR says otherwise.
ENV SHOAL_DEFAULT_DATA=/data
VOLUME /data
# HTTP, members, multicast DNS.
EXPOSE 8080 8443 5353/udp
USER 10001:10001
STOPSIGNAL SIGTERM
# Asks the running node over this host's own token: whatever its port and its doors are.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["shoal", "status"]
ENTRYPOINT ["/opt/shoal/shoal-node", "/opt/shoal/dist/node-core/shoal.cjs"]
CMD ["--server"]
