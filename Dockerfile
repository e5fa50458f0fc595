# Takes the binary that `make docker` has built; see the README, "In a container".
ARG OS="linux"
ARG ARCH="amd64"
FROM --platform=${OS}/${ARCH} debian:12-slim

# The image needs smartctl with its libraries and drive database, so the base is a
# small Debian, not a distroless image. The daemon smartd, which is in the same
# package, is never started.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates smartmontools \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/dpkg.log /var/log/apt

ARG OS="linux"
ARG ARCH="amd64"
ARG VERSION="unknown"
ARG REVISION="unknown"
LABEL org.opencontainers.image.title="storage_exporter" \
      org.opencontainers.image.description="Prometheus exporter for drives, enclosures, ZFS pools and storage volumes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY .build/${OS}-${ARCH}/storage_exporter /bin/storage_exporter
COPY LICENSE NOTICE /usr/share/doc/storage_exporter/

EXPOSE 9777

# A number, so that Kubernetes' runAsNonRoot can check it. It is enough for
# volumes; drives need capabilities, which Docker gives to user 0 only.
USER 65534:65534
ENTRYPOINT ["/bin/storage_exporter"]
