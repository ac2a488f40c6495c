#!/bin/sh
# Run once by the image of PostgreSQL, when the database is made.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -v site=acme -v database="$POSTGRES_DB" \
    -v password="$PRESSROOM_PASSWORD" -f /deploy/role.sql "$POSTGRES_DB"
