#!/bin/sh
# Makes the namespace, once the server answers, and waits until it can be used.
set -eu

# Up to a minute: a server that has just started refuses for some seconds.
repeat() {
  attempt=1
  until "$@"; do
    if [ "$attempt" -ge 30 ]; then
      echo "given up after $attempt attempts: $*" >&2
      exit 1
    fi
    attempt=$((attempt + 1))
    sleep 2
  done
}

there() {
  temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" > /dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 168h
}

# The parts of the server hear of a new namespace some seconds after it was made.
usable() {
  temporal workflow count --namespace "$TEMPORAL_NAMESPACE"
}

repeat there
repeat usable
