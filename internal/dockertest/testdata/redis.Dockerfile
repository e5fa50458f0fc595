# A stand-in for the official image of Redis, of Debian's package: like there, commands
# run in /data, and who is on the network needs no password.
FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends redis-server \
    && mkdir /data
WORKDIR /data
ENTRYPOINT ["/bin/sh", "-c", "exec \"$@\" --protected-mode no", "redis"]
