#!/bin/sh
# Runs once, when the data directory is new. Three databases, two owners: Letterbook and Temporal share the server, not their data.
# The application's own user is made by `migrate`; it owns nothing.
set -eu

# psql reads the passwords from its own environment, so they are in no argument list.
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\getenv owner_password LETTERBOOK_OWNER_PASSWORD
\getenv temporal_password TEMPORAL_DB_PASSWORD
CREATE ROLE letterbook_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE letterbook OWNER letterbook_owner;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE letterbook, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE letterbook TO PUBLIC;
SQL
