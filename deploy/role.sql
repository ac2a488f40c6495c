-- A role for one site, with rights to nothing but its own schema. As the database's owner, who may
-- make roles:
--   psql -v site=acme -v database=pressroom -v password=... -f role.sql pressroom
-- All of it, or nothing.
\set ON_ERROR_STOP on
BEGIN;
SELECT :'site' !~ '^[a-z][a-z0-9_]{0,39}$' AS misnamed \gset
\if :misnamed
DO $$ BEGIN RAISE EXCEPTION 'site: write up to 40 small letters, digits and _, a letter first'; END $$;
\endif
CREATE ROLE :"site" LOGIN PASSWORD :'password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"site";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SELECT 'pressroom_' || :'site' AS schema \gset
-- To give a schema away takes the right to act as its owner, which only a superuser has anyway.
SELECT NOT rolsuper AS lent FROM pg_roles WHERE rolname = current_user \gset
\if :lent
GRANT :"site" TO CURRENT_USER;
\endif
CREATE SCHEMA :"schema" AUTHORIZATION :"site";
\if :lent
REVOKE :"site" FROM CURRENT_USER;
\endif
-- A statement that runs for longer is a mistake. Pressroom bounds its waits for locks by itself.
ALTER ROLE :"site" SET statement_timeout = '60s';
COMMIT;
