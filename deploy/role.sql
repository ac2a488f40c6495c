-- A role for one site, with rights to nothing but its own schema. As the database's owner:
--   psql -v site=acme -v database=pressroom -v password=... -f role.sql pressroom
CREATE ROLE :"site" LOGIN PASSWORD :'password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"site";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SELECT 'pressroom_' || :'site' AS schema \gset
CREATE SCHEMA :"schema" AUTHORIZATION :"site";
-- A statement that runs for longer is a mistake. Pressroom bounds its waits for locks by itself.
ALTER ROLE :"site" SET statement_timeout = '60s';
