#!/bin/sh
# Brings both of Temporal's databases to the schema of this version of the tools. Runs at every start and changes nothing the second time.
# Order of an upgrade: the new tools first, then the new server, one minor version at a time.
set -eu

schema() {
  database=$1
  directory=$2
  # Makes the tables that hold the version; where the version is higher already, this leaves it.
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$directory/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
