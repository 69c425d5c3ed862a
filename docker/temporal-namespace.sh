#!/bin/sh
# Makes the namespace, once the server answers. A server that has just started refuses for some seconds.
set -eu

attempt=1
until temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 168h; do
  if [ "$attempt" -ge 30 ]; then
    echo "the namespace could not be made after $attempt attempts" >&2
    exit 1
  fi
  attempt=$((attempt + 1))
  sleep 2
done
