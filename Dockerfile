# Takes the binary that `make docker` has built; see docs/container.md.
ARG OS="linux"
ARG ARCH="amd64"
FROM --platform=${OS}/${ARCH} debian:12-slim

# The image needs smartctl with its libraries and drive database, so the base is a
# small Debian, not a distroless image. The daemon smartd, which is in the same
# package, is never started. zpool is not here: Debian has it in contrib, and it is to
# fit the host's kernel module. docs/container.md says how to add it.
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

# The exporter's own program asks it: there is no curl here. Another
# --web.listen-address is to be said where the container is started, by --health-cmd or
# Compose's healthcheck. With TLS this still works: the exporter says that it wants TLS.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/bin/storage_exporter", "--health=http://127.0.0.1:9777/-/healthy"]

# A number, so that Kubernetes' runAsNonRoot can check it. It is enough for
# volumes. Drives need, where the container is started:
#   --user=0                            Docker gives capabilities to user 0 only
#   --cap-drop=ALL --cap-add=SYS_RAWIO  for SATA and SAS drives
#   --cap-add=SYS_ADMIN                 for NVMe drives
#   --device=/dev/sda                   for each drive
#   --security-opt=apparmor=unconfined  the profile that Docker sets on Debian, Ubuntu and
#                                       TrueNAS keeps smartctl from drives whatever
#                                       capabilities it has
USER 65534:65534
ENTRYPOINT ["/bin/storage_exporter"]
