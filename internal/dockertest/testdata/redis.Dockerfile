# A stand-in for the official image of Redis, of Debian's package, which the base of
# the test has: like there, commands run in /data, and who is on the network needs no
# password.
FROM debian:12-slim
WORKDIR /data
ENTRYPOINT ["/bin/sh", "-c", "exec \"$@\" --protected-mode no", "redis"]
